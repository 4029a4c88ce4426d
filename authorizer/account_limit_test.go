package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/account"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/leases"
	"latchkey/shared/keytest"
	"latchkey/shared/limiter"
	"latchkey/shared/limiter/sim"
	"latchkey/shared/product"
)

// itemTable is a table of leases that counts the writes of each item, and fails for some.
type itemTable struct {
	*keytest.Memory
	writes map[string]int
	fails  string // the item, "" for none
}

func (c *itemTable) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, o ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	pk, _ := dynamo.GetS(in.Key, "pk")
	c.writes[pk]++
	if pk == c.fails {
		return nil, errDown
	}
	return c.Memory.UpdateItem(ctx, in, o...)
}

const (
	keysItem     = "key_1#map-display.tiles"
	accountsItem = "acc_1#map-display.tiles"
)

// accountHarness is a gate that limits by a table, with keys of one account.
func accountHarness(t testing.TB, keys, qps int) (b *harness, table *itemTable, secrets []string) {
	b = newHarness(t)
	memory, names := keytest.NewMemory()
	table = &itemTable{Memory: memory, writes: map[string]int{}}
	b.gate.limiter = newLeased(leases.New(table, names.Leases), b.clock)
	for n := range keys {
		secrets = append(secrets, b.add(t, uint64(n+1), own(qps))) //nolint:gosec // never negative
	}
	return b, table, secrets
}

// allow sets the account's limit for tiles, 0 for none.
func (b *harness) allow(qps int) {
	b.store.accounts["acc_1"] = authz.Account{ID: "acc_1", Type: account.SelfServe, Version: 1, Limits: account.Limits{}.With("map-display.tiles", qps)}
}

// TestAnAccountsLimitHoldsOverAllItsKeys: six keys of limit 5 are admitted what the account's limit of 5 allows, a refusal
// names it, and a client that waits Retry-After is admitted.
func TestAnAccountsLimitHoldsOverAllItsKeys(t *testing.T) {
	b, _, secrets := accountHarness(t, 6, 5)
	b.allow(5)
	var admitted []time.Duration
	began, refused, after := b.clock.at, 0, ""
	for n := range 20 * 60 {
		status, context := b.call(t, tileEvent(secrets[n%len(secrets)]))
		switch {
		case status == 200:
			admitted = append(admitted, b.clock.at.since(began))
		case context["rateLimitPolicy"] == `"account.map-display.tiles";q=5;w=1` && context["code"] == "qps_exceeded" &&
			context["rateLimit"] == `"account.map-display.tiles";r=0;t=`+context["retryAfter"].(string):
			refused, after = refused+1, context["retryAfter"].(string)
		default:
			t.Fatalf("call %d: %d %v", n, status, context)
		}
		b.clock.advance(time.Second / 60)
	}
	if over := sim.Over(admitted, 5); over > 0 || len(admitted) < 80 || refused == 0 {
		t.Errorf("%d admitted in 20 s, %d over the bound, %d refused by the account's limit", len(admitted), over, refused)
	}
	wait, err := time.ParseDuration(after + "s")
	b.clock.advance(wait)
	if status := b.status(t, secrets[0]); err != nil || status != 200 {
		t.Errorf("%d after the wait of %s (%v)", status, after, err)
	}
	if status, _ := b.call(t, event("/map/1/copyrights", nil, map[string]string{"key": secrets[0]})); status != 200 {
		t.Errorf("another class: %d", status)
	}
	for n := 0; b.status(t, secrets[n%6]) == 200; n++ { // until nothing is left of it
		if n == 20 {
			t.Fatal("20 calls at once are admitted under a limit of 5")
		}
	}
	other := b.add(t, 50, func(p *authz.Policy) { own(5)(p); p.Account = "acc_2" })
	b.store.accounts["acc_2"] = authz.Account{ID: "acc_2", Type: account.SelfServe, Version: 1, Limits: account.Limits{}.With("map-display.tiles", 5)}
	if status := b.status(t, other); status != 200 {
		t.Errorf("another account: %d", status)
	}
}

// TestWhatAKeysLimitRefusesCostsNoWriteOfTheAccounts.
func TestWhatAKeysLimitRefusesCostsNoWriteOfTheAccounts(t *testing.T) {
	b, table, secrets := accountHarness(t, 1, 1)
	b.allow(10_000)
	admitted, refused := 0, 0
	for range 5000 { // 5 s
		status, context := b.call(t, tileEvent(secrets[0]))
		if status == 200 {
			admitted++
		} else if refused++; context["rateLimitPolicy"] != `"map-display.tiles";q=1;w=1` {
			t.Fatalf("%d %v", status, context)
		}
		b.clock.advance(time.Millisecond)
	}
	if n := table.writes[accountsItem]; n > admitted+1 || refused < 4900 {
		t.Errorf("%d writes of the account's item for %d admitted and %d refused calls", n, admitted, refused)
	}
}

// TestAnAccountThatIsOverItsLimitCostsNoWrite, of any item, until its window ends.
func TestAnAccountThatIsOverItsLimitCostsNoWrite(t *testing.T) {
	b, table, secrets := accountHarness(t, 3, 1000)
	b.allow(1)
	for _, key := range secrets {
		b.status(t, key)
	}
	writes := fmt.Sprint(table.writes)
	for n := range 90 {
		b.clock.advance(10 * time.Millisecond)
		status, context := b.call(t, tileEvent(secrets[n%3]))
		if status != 429 {
			t.Fatalf("call %d: %d", n, status)
		}
		if got, want := context["rateLimitPolicy"], `"account.map-display.tiles";q=1;w=1`; got != want { // the key's number is another
			t.Fatalf("call %d: %v, want %s", n, got, want)
		}
	}
	if after := fmt.Sprint(table.writes); after != writes {
		t.Errorf("from %s to %s", writes, after)
	}
}

// TestAnAccountsLimitActsWithinTenSeconds: lowered, raised, set and lifted.
func TestAnAccountsLimitActsWithinTenSeconds(t *testing.T) {
	for _, change := range [][2]int{{50, 5}, {5, 50}, {0, 5}, {5, 0}} {
		b, _, secrets := accountHarness(t, 4, 20)
		b.allow(change[0])
		play := func(seconds int) (admitted int) {
			for n := range 200 * seconds {
				if b.status(t, secrets[n%len(secrets)]) == 200 {
					admitted++
				}
				b.clock.advance(5 * time.Millisecond)
			}
			return admitted
		}
		rate := func(limit int) int {
			if limit == 0 {
				return 80 // of the keys
			}
			return limit
		}
		play(3)
		before := play(10)
		b.allow(change[1])
		play(10)
		after := play(10)
		for i, got := range []int{before, after} {
			if want := 10 * rate(change[i]); got > want+want/10+rate(change[i]) || got < want*8/10 {
				t.Errorf("%v: %d admitted in 10 s under %d", change, got, change[i])
			}
		}
	}
}

// TestAnItemThatFailsSuspendsItsOwnLimitAlone: the key's or the account's, and each such call is told once.
func TestAnItemThatFailsSuspendsItsOwnLimitAlone(t *testing.T) {
	for _, fails := range []string{keysItem, accountsItem} {
		b, table, secrets := accountHarness(t, 1, 100)
		b.allow(100)
		if fails == keysItem {
			b.allow(5)
		} else {
			b.add(t, 1, own(5))
		}
		table.fails = fails
		var admitted []time.Duration
		began := b.clock.at
		for range 1000 {
			if b.status(t, secrets[0]) == 200 {
				admitted = append(admitted, b.clock.at.since(began))
			}
			b.clock.advance(10 * time.Millisecond)
		}
		if over := sim.Over(admitted, 5); over > 0 || len(admitted) < 40 || table.writes[fails] > 11 {
			t.Errorf("%s fails: %d admitted in 10 s, %d over the other's bound, asked %d times", fails, len(admitted), over, table.writes[fails])
		}
		if n := b.gate.metrics.limiterDegraded; n < len(admitted) || n > 1000 {
			t.Errorf("%s fails: %d calls told as degraded, %d admitted", fails, n, len(admitted))
		}
	}
}

// hangingItem is a table of which one item hangs.
type hangingItem struct {
	*sim.Table
	hangs string
	mu    sync.Mutex
	asked []string
}

func (h *hangingItem) Take(ctx context.Context, ask limiter.Ask) (limiter.Seen, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, ask.Limit)
	if ask.Limit != h.hangs {
		return h.Table.Take(ask), nil
	}
	<-ctx.Done()
	return limiter.Seen{}, ctx.Err()
}

// TestLimitsOfACallCostAtMostTheirTimeTogether: an item that hangs leaves the other time, and both together cost no more than
// one would.
func TestLimitsOfACallCostAtMostTheirTimeTogether(t *testing.T) {
	for hangs, took := range map[string]time.Duration{"key_1#search": leaseCall - leaseKept, "acc_1#search": leaseCall, "none": 0} {
		synctest.Test(t, func(t *testing.T) {
			table := &hangingItem{Table: sim.NewTable(), hangs: hangs}
			l := newLeased(table, newSystemClock())
			of := &limits{key: "key_1", account: "acc_1", class: "search", qps: 10, accountQPS: 10, left: leaseCall, kept: leaseKept}
			began := time.Now()
			got := l.Admit(t.Context(), of)
			if time.Since(began) != took || !got.Admitted || got.Degraded != (hangs != "none") || strings.Join(table.asked, " ") != "key_1#search acc_1#search" {
				t.Errorf("%s hangs: %+v after %v, asked for %v", hangs, got, time.Since(began), table.asked)
			}
			of = &limits{key: "key_1", account: "acc_1", class: "search", qps: 10, accountQPS: 10, left: leaseCall, kept: leaseKept}
			began = time.Now()
			if l.Admit(t.Context(), of); time.Since(began) != 0 {
				t.Errorf("%s hangs: the next call waited %v", hangs, time.Since(began))
			}
		})
	}
	synctest.Test(t, func(t *testing.T) { // where nothing is left for it, the account's is decided by a share, and is asked for next time
		table := &hangingItem{Table: sim.NewTable()}
		l := newLeased(table, newSystemClock())
		of := &limits{key: "key_1", account: "acc_1", class: "search", qps: 10, accountQPS: 10}
		if got := l.Admit(t.Context(), of); !got.Admitted || !got.Degraded || len(table.asked) != 0 {
			t.Errorf("%+v, asked for %v", got, table.asked)
		}
		of.left = leaseCall
		if got := l.Admit(t.Context(), of); !got.Admitted || got.Degraded || len(table.asked) != 2 {
			t.Errorf("%+v, asked for %v", got, table.asked)
		}
	})
}

// TestAnAccountIsReadBeforeItsLimitIsAsked: a new environment knows no number, and takes nothing of the account's for a call
// that the account refuses; the key's token of a call that is asked for again is not taken twice.
func TestAnAccountIsReadBeforeItsLimitIsAsked(t *testing.T) {
	b, table, secrets := accountHarness(t, 1, 10)
	b.allow(10)
	b.suspend(time.Time{})
	if status := b.status(t, secrets[0]); status != 401 || table.writes[accountsItem] != 0 {
		t.Errorf("suspended: %d, %v", status, table.writes)
	}
	b, table, secrets = accountHarness(t, 1, 10)
	b.allow(10)
	b.status(t, secrets[0])
	writes := table.writes[accountsItem]
	b.clock.advance(freshFor) // its number is known, and may be another one by now
	b.suspend(time.Time{})
	if status := b.status(t, secrets[0]); status != 401 || table.writes[accountsItem] != writes {
		t.Errorf("suspended, and known before: %d, %v", status, table.writes)
	}
	b, table, secrets = accountHarness(t, 1, 10)
	b.allow(1)
	if status := b.status(t, secrets[0]); status != 200 || table.writes[keysItem] != 1 || table.writes[accountsItem] != 1 {
		t.Errorf("the first call: %d, %v", status, table.writes)
	}
	if status := b.status(t, secrets[0]); status != 429 {
		t.Errorf("the second call: %d", status)
	}
	b, table, secrets = accountHarness(t, 1, 8) // of which a second holds one call while the key's item fails
	b.allow(10)
	table.fails = keysItem
	if first, second := b.status(t, secrets[0]), b.status(t, secrets[0]); first != 200 || second != 429 {
		t.Errorf("without the key's item: %d, then %d", first, second)
	}
}

// TestAnAccountsDefaultIsItsTypes, of its record, and of its keys where it has none; its own number comes before it.
func TestAnAccountsDefaultIsItsTypes(t *testing.T) {
	catalogue, err := product.New([]product.Product{{ID: "map-display", Name: "Maps", Kind: product.API, SamplePath: "/map/1/x", Classes: []product.LimitClass{{
		ID: "map-display", Name: "All", Prefixes: []string{"/map/"}, QPS: map[account.Type]int{account.SelfServe: 9, account.Enterprise: 9}, MaxQPS: 99,
		AccountQPS: map[account.Type]int{account.SelfServe: 11},
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	own := account.Limits{}.With("map-display", 33)
	for name, tt := range map[string]struct {
		key    account.Type
		record authz.Account
		want   int
	}{
		"no record":                    {account.SelfServe, authz.Account{}, 11},
		"no record, of the other type": {account.Enterprise, authz.Account{}, 0},
		"a record":                     {account.SelfServe, authz.Account{ID: "acc_1", Type: account.SelfServe}, 11},
		"a type that is changing":      {account.SelfServe, authz.Account{ID: "acc_1", Type: account.Enterprise}, 0},
		"a number of its own":          {account.SelfServe, authz.Account{ID: "acc_1", Type: account.SelfServe, Limits: own}, 33},
		"another class's number":       {account.Enterprise, authz.Account{ID: "acc_1", Type: account.Enterprise, Limits: account.Limits{}.With("search", 5)}, 0},
	} {
		b, asked := newHarness(t), &askedLimits{}
		b.gate.catalogue, b.gate.products, b.gate.limiter = catalogue, catalogue, asked
		key := b.add(t, 1, func(p *authz.Policy) { p.AccountType = tt.key })
		if tt.record.ID != "" {
			b.store.accounts["acc_1"] = tt.record
		}
		for range 3 {
			b.status(t, key)
		}
		if last := asked.of[len(asked.of)-1]; last.accountQPS != tt.want || last.qps != 9 || last.account != "acc_1" || last.class != "map-display" {
			t.Errorf("%s: %+v, want %d", name, last, tt.want)
		}
	}
}

// askedLimits admits everything and keeps what it was asked for.
type askedLimits struct{ of []limits }

func (l *askedLimits) Admit(_ context.Context, of *limits) admission {
	l.of = append(l.of, *of)
	return admission{Admitted: true}
}

func (*askedLimits) GiveBack(*limits, admission) {}

// TestACallWithBothLeasesInHandAllocatesNothing, and asks no table.
func TestACallWithBothLeasesInHandAllocatesNothing(t *testing.T) {
	b, table, _ := accountHarness(t, 0, 0)
	b.allow(20_000_000)
	key := b.add(t, 1, func(p *authz.Policy) { p.Domains = []string{"*.example.com"}; own(10_000_000)(p) })
	b.gate.recorder = newCounter(&written{}, b.clock)
	b.gate.log.out, b.gate.out = io.Discard, io.Discard
	payload := event(tile, map[string]string{"Origin": "https://a.example.com"}, map[string]string{"key": key})
	call := func() {
		if _, err := b.gate.Invoke(time.Time{}, payload); err != nil {
			t.Fatal(err)
		}
		b.gate.AfterReply()
	}
	for range 3000 { // until leases are large
		call()
	}
	if n := testing.AllocsPerRun(2000, call); n != 0 {
		t.Errorf("%v allocations", n)
	}
	for taken := table.writes[accountsItem]; table.writes[accountsItem] == taken; { // until a lease has just been taken
		call()
	}
	writes := fmt.Sprint(table.writes)
	for range 20 {
		call()
	}
	if after := fmt.Sprint(table.writes); after != writes {
		t.Errorf("from %s to %s", writes, after)
	}
}
