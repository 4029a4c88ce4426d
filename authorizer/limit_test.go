package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/leases"
	"latchkey/shared/keytest"
	"latchkey/shared/limiter"
	"latchkey/shared/product"
)

// unlimited admits everything.
type unlimited struct{}

func (unlimited) Admit(context.Context, *limits) admission { return admission{Admitted: true} }

func (unlimited) GiveBack(*limits, admission) {}

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
	b.clock.advance(4 * time.Second)
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
			got := l.Admit(ctx, &limits{key: "key_1", class: "search", qps: 10, left: leaseCall})
			if took := time.Since(began); took != want || !got.Degraded || !got.Admitted {
				t.Errorf("%s: %+v after %v, want %v", name, got, took, want)
			}
		})
	}
}

// TestTheLimitOfACallIsTheKeysOwnOrTheDefaultOfItsAccountsType: in a catalogue whose defaults differ by both, since the
// present one's don't.
func TestTheLimitOfACallIsTheKeysOwnOrTheDefaultOfItsAccountsType(t *testing.T) {
	catalogue, err := product.New([]product.Product{{ID: "map-display", Name: "Maps", Kind: product.API, SamplePath: "/map/1/x", Classes: []product.LimitClass{
		{ID: "map-display", Name: "All", Prefixes: []string{"/map/"}, QPS: map[account.Type]int{account.SelfServe: 11, account.Enterprise: 22}, MaxQPS: 99},
		{
			ID: "map-display.tiles", Name: "Tiles", Prefixes: []string{"/map/1/tile/"},
			QPS: map[account.Type]int{account.SelfServe: 33, account.Enterprise: 44}, MaxQPS: 99,
		},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	now := newManualClock().at.wall
	limits := func(l ...apikey.Limit) []apikey.Limit { return l }
	const tiles = "map-display.tiles"
	for _, tt := range []struct {
		name   string
		limits []apikey.Limit
		// The limits in force: of tiles and of all else, for self-serve and enterprise.
		tiles, rest [2]int
	}{
		{"no limit of its own", nil, [2]int{33, 44}, [2]int{11, 22}},
		{"one for tiles", limits(apikey.Limit{Class: tiles, QPS: 7}), [2]int{7, 7}, [2]int{11, 22}},
		{"one for the rest", limits(apikey.Limit{Class: "map-display", QPS: 7}), [2]int{33, 44}, [2]int{7, 7}},
		{"above the default", limits(apikey.Limit{Class: tiles, QPS: 90}), [2]int{90, 90}, [2]int{11, 22}},
		{"until later", limits(apikey.Limit{Class: tiles, QPS: 7, EndsAt: now.Add(1), Then: 5}), [2]int{7, 7}, [2]int{11, 22}},
		{"until now", limits(apikey.Limit{Class: tiles, QPS: 7, EndsAt: now}), [2]int{33, 44}, [2]int{11, 22}},
		{"until now, then another one", limits(apikey.Limit{Class: tiles, QPS: 7, EndsAt: now, Then: 5}), [2]int{5, 5}, [2]int{11, 22}},
	} {
		for i, kind := range []account.Type{account.SelfServe, account.Enterprise} {
			b, s := newHarness(t), &scripted{answer: admission{Admitted: true}}
			b.gate.catalogue, b.gate.products, b.gate.limiter = catalogue, catalogue, s
			key := b.add(t, 1, func(p *authz.Policy) { p.AccountType, p.Limits = kind, tt.limits })
			b.status(t, key)
			b.call(t, event("/map/1/copyrights", nil, map[string]string{"key": key}))
			if want := []int{tt.tiles[i], tt.rest[i]}; !slices.Equal(s.asked, want) || s.classes[0] != tiles || s.classes[1] != "map-display" {
				t.Errorf("%s, %s: the limiter was asked for %v of %v, want %v", tt.name, kind, s.asked, s.classes, want)
			}
		}
	}
}

// TestNoLimitAtAllAdmitsNothing: of an account type that the catalogue doesn't know.
func TestNoLimitAtAllAdmitsNothing(t *testing.T) {
	b, _ := limitedHarness(t)
	key := b.add(t, 1, func(p *authz.Policy) { p.AccountType = "trial" })
	if status, context := b.call(t, tileEvent(key)); status != 429 || context["retryAfter"] != "1" {
		t.Errorf("%d %v", status, context)
	}
}

// TestALeaseTableThatIsBackIsUsedAgain: before, in, and after a failure of the table, with what each phase asks of it.
func TestALeaseTableThatIsBackIsUsedAgain(t *testing.T) {
	b, table := limitedHarness(t)
	key := b.add(t, 1, own(8))
	play := func() (calls, degraded, admitted int) {
		calls, degraded = table.calls, b.gate.metrics.limiterDegraded
		for range 40 { // 10 s
			if b.status(t, key) == 200 {
				admitted++
			}
			b.clock.advance(250 * time.Millisecond)
			b.gate.metrics.flush(b.clock.at, io.Discard)
			degraded = b.gate.metrics.limiterDegraded + degraded
		}
		return table.calls - calls, degraded, admitted
	}
	calls, degraded, admitted := play()
	if degraded != 0 || admitted != 40 {
		t.Fatalf("before: %d degraded, %d admitted", degraded, admitted)
	}
	table.err = errors.New("down")
	if down, _, admitted := play(); down != 4 || admitted < 20 {
		t.Errorf("in the outage: %d attempts in 10 s, want 4; %d admitted", down, admitted)
	}
	table.err = nil
	b.clock.advance(time.Second)
	if after, degraded, admitted := play(); after != calls || degraded != 0 || admitted != 40 {
		t.Errorf("afterwards: %d attempts, before %d; %d degraded, %d admitted", after, calls, degraded, admitted)
	}
}

func TestTheNamesOfLimitsAreBounded(t *testing.T) {
	l := newLeased(stuckTable{}, newManualClock())
	for n := range 20_000 {
		if l.name(&l.latest[0], limitName{strconv.Itoa(n), "search"}) != strconv.Itoa(n)+"#search" || len(l.names) > 8192 {
			t.Fatalf("%d names are remembered", len(l.names))
		}
	}
}

func TestEachOwnerAndClassHasALimitOfItsOwn(t *testing.T) {
	l := newLeased(stuckTable{}, newManualClock())
	owners, classes := []string{"one", "two", ""}, []product.Class{"map", "search"}
	for range 2 {
		for _, before := range owners {
			for _, owner := range owners {
				for _, first := range classes {
					for _, class := range classes {
						l.name(&l.latest[0], limitName{before, first})
						if got, want := l.name(&l.latest[0], limitName{owner, class}), owner+"#"+string(class); got != want {
							t.Fatalf("behind %s of %q the limit of %q is %q, want %q", first, before, owner, got, want)
						}
					}
				}
			}
		}
	}
}
