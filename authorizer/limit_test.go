package main

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/leases"
	"latchkey/shared/keytest"
	"latchkey/shared/limiter"
	"latchkey/shared/product"
)

// unlimited admits everything.
type unlimited struct{}

func (unlimited) Admit(context.Context, apikey.ID, product.Class, int) admission {
	return admission{Admitted: true}
}

// countingTable is a table of leases that can be taken away.
type countingTable struct {
	*keytest.Memory
	calls int
	err   error
}

func (c *countingTable) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, o ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	c.calls++
	if c.err != nil {
		return nil, c.err
	}
	return c.Memory.UpdateItem(ctx, in, o...)
}

// limitedHarness is a gate that limits by a table.
func limitedHarness(t testing.TB) (*harness, *countingTable) {
	b := newHarness(t)
	memory, names := keytest.NewMemory()
	table := &countingTable{Memory: memory}
	b.gate.limiter = newLeased(leases.New(table, names.Leases), b.clock)
	return b, table
}

func own(qps int) func(*authz.Policy) {
	return func(p *authz.Policy) { p.Limits = []apikey.Limit{{Class: "map-display.tiles", QPS: qps}} }
}

func TestAClientThatWaitsRetryAfterIsAdmitted(t *testing.T) {
	for _, limit := range []int{1, 5, 50, 1000} {
		b, _ := limitedHarness(t)
		payload := tileEvent(b.add(t, 1, own(limit)))
		admitted, waits := 0, 0
		for range 4*limit + 10 {
			status, context := b.call(t, payload)
			if status == 200 {
				admitted++
				b.clock.advance(50 * time.Microsecond)
				continue
			}
			want := `"map-display.tiles";q=` + strconv.Itoa(limit) + ";w=1"
			if status != 429 || context["rateLimitPolicy"] != want || context["rateLimit"] != `"map-display.tiles";r=0;t=`+context["retryAfter"].(string) {
				t.Fatalf("limit %d: %d %v", limit, status, context)
			}
			seconds, err := strconv.Atoi(context["retryAfter"].(string))
			if err != nil || seconds < 1 || seconds > 2 {
				t.Fatalf("limit %d: Retry-After is %v", limit, context["retryAfter"])
			}
			b.clock.advance(time.Duration(seconds) * time.Second)
			waits, admitted = waits+1, admitted+1
			if status, _ = b.call(t, payload); status != 200 {
				t.Fatalf("limit %d: refused with %d after the wait", limit, status)
			}
		}
		if waits < 2 || admitted < 2*limit {
			t.Errorf("limit %d: %d admitted, %d waits", limit, admitted, waits)
		}
	}
}

func TestACallThatHoldsALeaseAsksNoTable(t *testing.T) {
	b, table := limitedHarness(t)
	payload := tileEvent(b.add(t, 1, own(1000)))
	for range 2000 {
		b.call(t, payload)
		b.clock.advance(2 * time.Millisecond)
	}
	if table.calls > 140 {
		t.Errorf("%d lease writes for 2,000 calls at half the limit", table.calls)
	}
	calls := table.calls
	for tries := 0; !holds(b); tries++ {
		if tries == 10 {
			t.Fatal("no lease after ten calls: another limit is asked")
		}
		b.call(t, payload)
		calls = table.calls
	}
	if status, _ := b.call(t, payload); status != 200 || table.calls != calls {
		t.Error("a call that holds a lease asked the table")
	}
}

// holds reports whether the next call finds a token: asked by a copy of the limiter's question, without the answer.
func holds(b *harness) bool {
	l := b.gate.limiter.(*leased)
	return l.limits.Decide("key_1#map-display.tiles", 1000, l.clock()).Done
}

func TestALimitIsOneForAllItsSecretsAndNotForOtherClasses(t *testing.T) {
	b, _ := limitedHarness(t)
	current := b.add(t, 1, own(1))
	previous := b.add(t, 2, func(p *authz.Policy) { own(1)(p); p.KeyID, p.Outgoing = "key_1", true })
	other := b.add(t, 3, own(1))
	if b.status(t, current) != 200 || b.status(t, previous) != 429 || b.status(t, other) != 200 {
		t.Error("the two secrets of a key must share its limit, and two keys must not")
	}
	if status, _ := b.call(t, event("/map/1/copyrights", nil, map[string]string{"key": current})); status != 200 {
		t.Errorf("another class: %d", status)
	}
}

func TestAFailingLeaseTableLeavesALocalShareAndAMetric(t *testing.T) {
	b, table := limitedHarness(t)
	table.err = errors.New("down")
	key := b.add(t, 1, own(16))
	admitted := 0
	for range 100 {
		if b.status(t, key) == 200 {
			admitted++
		}
		b.clock.advance(5 * time.Millisecond)
	}
	if admitted != 2 || b.gate.metrics.limiterDegraded != 100 {
		t.Errorf("%d admitted, %d told as degraded", admitted, b.gate.metrics.limiterDegraded)
	}
	if table.calls != 1 {
		t.Errorf("asked a failing table %d times in half a second", table.calls)
	}
	table.err = nil
	b.clock.advance(time.Second)
	if b.status(t, key) != 200 || b.gate.metrics.limiterDegraded != 100 {
		t.Error("the table is back")
	}
}

// stuckTable never answers.
type stuckTable struct{}

func (stuckTable) Take(ctx context.Context, _ limiter.Ask) (limiter.Seen, error) {
	<-ctx.Done()
	return limiter.Seen{}, ctx.Err()
}

func TestAHangingLeaseTableCostsACallAtMostItsTimeOut(t *testing.T) {
	for name, left := range map[string]time.Duration{"no deadline": 0, "a near deadline": 120 * time.Millisecond, "none left": 10 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			ctx, want := t.Context(), leaseCall
			if left > 0 {
				var cancel func()
				ctx, cancel = context.WithTimeout(ctx, left)
				defer cancel()
				want = max(0, left-answerMargin)
			}
			l := newLeased(stuckTable{}, newSystemClock())
			began := time.Now()
			got := l.Admit(ctx, "key_1", "search", 10)
			if took := time.Since(began); took != want || !got.Degraded || !got.Admitted {
				t.Errorf("%s: %+v after %v, want %v", name, got, took, want)
			}
		})
	}
}
