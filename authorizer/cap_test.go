package main

import (
	"context"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/quotas"
	"latchkey/shared/keytest"
	"latchkey/shared/limiter/quota"
	"latchkey/shared/product"
)

// capped gives the key with number n to an account, with a cap on tiles.
func capped(key apikey.ID, its authz.Account, day int64) func(*authz.Policy) {
	return func(p *authz.Policy) {
		p.KeyID, p.Account, p.BillingType = key, its.ID, apikey.Freemium
		if day > 0 {
			p.Caps = apikey.Caps{{Group: "tiles", Day: day}}
		}
	}
}

// TestAKeyBeyondItsCapIsRefusedUntilTheDayEnds, with the headers of a quota, and neither asks the table nor touches another key.
func TestAKeyBeyondItsCapIsRefusedUntilTheDayEnds(t *testing.T) {
	its := authz.Account{ID: "acc_1"}
	for catalogue, other := range map[string]int{``: 40, `"freemium":{"tiles":{"day":50}}`: 20, `"freemium":{"tiles":{"month":1000}}`: 40} {
		b, table, _ := quotaHarness(t, catalogue)
		one, two := tileEvent(b.add(t, 1, capped("key_1", its, 30))), tileEvent(b.add(t, 2, capped("key_2", its, 0)))
		if n := b.times(t, 40, one); n != 30 {
			t.Errorf("%s: %d of 40 served under a cap of 30", catalogue, n)
		}
		want := refusal{"key.tiles.day", `"map-display.tiles";q=1000;w=1, "key.tiles.day";q=30;w=86400`, 12 * time.Hour}
		b.refusedBy(t, table, catalogue, want, one)
		if n := b.times(t, 40, two); n != other {
			t.Errorf("%s: %d of 40 served of the account's other key, want %d", catalogue, n, other)
		}
		b.untilTheEnd(t, catalogue, want.wait, one)
		if n := b.times(t, 40, one); n != 30 {
			t.Errorf("%s: %d of 40 served in the next day", catalogue, n)
		}
	}
}

// TestACapIsOfAKeyAndAGroup: what one of them uses up, another has, whatever the billing type is.
func TestACapIsOfAKeyAndAGroup(t *testing.T) {
	b, _, _ := quotaHarness(t, ``)
	caps := func(key apikey.ID, as apikey.BillingType, caps ...apikey.Cap) func(*authz.Policy) {
		return func(p *authz.Policy) { p.KeyID, p.BillingType, p.Caps = key, as, caps }
	}
	both := b.add(t, 1, caps("key_1", apikey.Freemium, apikey.Cap{Group: "other", Day: 3}, apikey.Cap{Group: "tiles", Day: 5}))
	for _, tt := range []struct {
		name    string
		payload []byte
		want    int
	}{
		{"tiles", tileEvent(both), 5},
		{"the others", copyrightsEvent(both), 3},
		{"another key with a cap", tileEvent(b.add(t, 2, caps("key_2", apikey.Freemium, apikey.Cap{Group: "tiles", Day: 7}))), 7},
		{"its other group", copyrightsEvent(b.add(t, 3, caps("key_3", apikey.Freemium, apikey.Cap{Group: "tiles", Day: 7}))), 20},
		{"the key's other secret", tileEvent(b.add(t, 4, caps("key_1", apikey.Freemium, apikey.Cap{Group: "tiles", Day: 5}))), 0},
		{"the key, of another billing type", tileEvent(b.add(t, 5, caps("key_1", apikey.Paying, apikey.Cap{Group: "tiles", Day: 5}))), 0},
		{"a record of a release before names no billing type", tileEvent(b.add(t, 6, caps("key_6", "", apikey.Cap{Group: "tiles", Day: 5}))), 5},
		{"a group that the catalogue has no more", tileEvent(b.add(t, 7, caps("key_7", apikey.Freemium, apikey.Cap{Group: "maps", Day: 5}))), 20},
	} {
		if n := b.times(t, 20, tt.payload); n != tt.want {
			t.Errorf("%s: %d of 20 served, want %d", tt.name, n, tt.want)
		}
	}
}

// askedQuotas notes whose item each write is to, and hangs for one.
type askedQuotas struct {
	quota.Store
	asked []string
	hangs string
}

func (a *askedQuotas) Write(ctx context.Context, ask quota.Ask) (quota.Seen, error) {
	a.asked = append(a.asked, ask.Scope)
	if ask.Scope == a.hangs {
		<-ctx.Done()
		return quota.Seen{}, ctx.Err()
	}
	return a.Store.Write(ctx, ask)
}

// TestTheKeysCapIsAskedBeforeTheAccountsQuota: what a key may not use takes nothing of what the account has, and what the account's quota
// refuses stays in the key's hand. Of two that are used up until the same moment the key's is named.
func TestTheKeysCapIsAskedBeforeTheAccountsQuota(t *testing.T) {
	its := authz.Account{ID: "acc_1"}
	b, table, _ := quotaHarness(t, `"freemium":{"tiles":{"day":50}}`)
	asked := &askedQuotas{Store: b.gate.quotas.table.store}
	b.gate.quotas.table.store = asked
	one, two := tileEvent(b.add(t, 1, capped("key_1", its, 30))), tileEvent(b.add(t, 2, capped("key_2", its, 30)))
	b.times(t, 1, one)
	if !slices.Equal(asked.asked, []string{"key_1", "acc_1"}) {
		t.Errorf("asked %v", asked.asked)
	}
	if n := b.times(t, 99, one) + b.times(t, 100, two); n != 49 {
		t.Errorf("%d more served, want 29 of the key and 20 that the account had left", n)
	}
	for name, payload := range map[string][]byte{`"key.tiles.day"`: one, `"tiles.day"`: two} {
		calls := table.calls
		if _, context := b.call(t, payload); context["rateLimit"] != name+`;r=0;t=`+secondsIn(12*time.Hour) || table.calls != calls {
			t.Errorf("%s: %v, %d writes", name, context, table.calls-calls)
		}
	}
}

// TestAnItemOfACapThatHangsSuspendsItsOwnBoundAlone: the account's quota is asked in what it leaves of the time, and holds.
func TestAnItemOfACapThatHangsSuspendsItsOwnBoundAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, names := keytest.NewMemory()
		store, clock := &askedQuotas{Store: quotas.New(memory, names.Quotas), hangs: "key_1"}, newSystemClock()
		h := newQuotaLeases(store, clock, product.Default())
		limits := []quota.Limit{
			{Name: quota.Name{Scope: "key_1", Group: "tiles"}, Day: 1000}, {Name: quota.Name{Scope: "acc_1", Type: "freemium", Group: "tiles"}, Day: 4},
		}
		for n := range 10 {
			began := time.Now()
			r := h.admit(t.Context(), limits, clock.now(), leaseCall)
			took := time.Since(began)
			if r.Admit != (n < 4) || r.Admit && !r.Suspended || n == 0 && took != leaseCall/2 || n > 0 && took != 0 {
				t.Errorf("call %d: %+v after %v, asked %v", n, r, took, store.asked)
			}
		}
	})
}

// TestACapActsWithinTenSeconds: raised, lowered, set and lifted. A lowered one admits no more than the larger of its number and of what
// was taken.
func TestACapActsWithinTenSeconds(t *testing.T) {
	its := authz.Account{ID: "acc_1"}
	actsWithinTenSeconds(t, map[string]changedQuota{
		"raised":              {30, 50, 30, 20},
		"set":                 {0, 50, 40, 50},
		"lowered":             {80, 60, 40, 20},
		"lowered below taken": {80, 30, 40, 0},
		"lifted":              {30, 0, 30, 100},
	}, func() (*harness, []byte) {
		b, _, _ := quotaHarness(t, ``)
		return b, tileEvent(b.add(t, 1, capped("key_1", its, 0)))
	}, func(b *harness, day int64) { b.add(t, 1, capped("key_1", its, day)) })
}

// TestACallUnderACapAndAQuotaAllocatesNothing, with both leases in hand, and neither does one of a key without a cap.
func TestACallUnderACapAndAQuotaAllocatesNothing(t *testing.T) {
	for _, day := range []int64{0, 100_000_000} {
		b, _, _ := quotaHarness(t, `"freemium":{"tiles":{"day":100000000,"month":1000000000}}`)
		b.gate.out, b.gate.log.out = io.Discard, io.Discard
		payload := tileEvent(b.add(t, 1, capped("key_1", authz.Account{ID: "acc_1"}, day)))
		call := func() {
			if answer, err := b.gate.Invoke(time.Time{}, payload); err != nil || answer == nil {
				t.Fatal(err)
			}
			b.gate.AfterReply()
		}
		for range 5000 {
			call()
			b.clock.advance(100 * time.Microsecond)
		}
		if n := testing.AllocsPerRun(200, call); n != 0 {
			t.Errorf("cap of %d: %v allocations", day, n)
		}
	}
}

// TestAKeyWithoutACapAsksForNone.
func TestAKeyWithoutACapAsksForNone(t *testing.T) {
	b, table, _ := quotaHarness(t, ``)
	b.times(t, 20, tileEvent(b.add(t, 1, capped("key_1", authz.Account{ID: "acc_1"}, 0))))
	if table.calls != 0 {
		t.Errorf("%d calls of the table", table.calls)
	}
}
