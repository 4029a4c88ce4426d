package main

import (
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
)

// allot sets the account's own numbers of a day and a month for freemium tiles, 0 for none.
func (b *harness) allot(day, month int64) {
	b.store.accounts["acc_1"] = authz.Account{
		ID: "acc_1", Type: account.SelfServe, Version: 1,
		Quotas: account.Quotas{}.With(account.Quota{Billing: "freemium", Group: "tiles", Day: day, Month: month}),
	}
}

// TestAnAccountsOwnQuotaTakesThePlaceOfTheCatalogues, period by period, from the first call on, for its billing type and group alone.
func TestAnAccountsOwnQuotaTakesThePlaceOfTheCatalogues(t *testing.T) {
	for name, tt := range map[string]struct {
		catalogue  string
		day, month int64
		want       int
	}{
		"none":                     {`"freemium":{"tiles":{"day":5}}`, 0, 0, 5},
		"a higher one":             {`"freemium":{"tiles":{"day":5}}`, 12, 0, 12},
		"a lower one":              {`"freemium":{"tiles":{"day":50}}`, 12, 0, 12},
		"the catalogue has none":   {``, 12, 0, 12},
		"a month beside the day":   {`"freemium":{"tiles":{"day":5}}`, 0, 3, 3},
		"the catalogue's month":    {`"freemium":{"tiles":{"day":5,"month":8}}`, 12, 0, 8},
		"more than anybody calls":  {`"freemium":{"tiles":{"day":5,"month":8}}`, account.MaxQuota, account.MaxQuota, 20},
		"of both periods":          {`"freemium":{"tiles":{"day":5,"month":8}}`, 7, 6, 6},
		"the others are untouched": {`"freemium":{"tiles":{"day":5},"other":{"day":2}},"pay_as_you_grow":{"tiles":{"day":3}}`, 12, 0, 12},
	} {
		b, _, _ := quotaHarness(t, tt.catalogue)
		b.allot(tt.day, tt.month)
		key := b.add(t, 1, billed(apikey.Freemium, "acc_1"))
		if n := b.times(t, 20, tileEvent(key)); n != tt.want {
			t.Errorf("%s: %d of 20 served, want %d", name, n, tt.want)
		}
		if name == "the others are untouched" {
			others := b.times(t, 20, copyrightsEvent(key))
			if growing := b.times(t, 20, tileEvent(b.add(t, 2, billed(apikey.PayAsYouGrow, "acc_1")))); others != 2 || growing != 3 {
				t.Errorf("%d others and %d of another billing type served, want 2 and 3", others, growing)
			}
		}
	}
}

// TestAnAccountsOwnQuotaActsWithinTenSeconds: raised, lowered, set and lifted. A lowered one admits no more than the larger of its
// number and of what was taken.
func TestAnAccountsOwnQuotaActsWithinTenSeconds(t *testing.T) {
	actsWithinTenSeconds(t, map[string]changedQuota{
		"raised":              {30, 50, 30, 20},
		"set above":           {0, 50, 20, 30},
		"lowered":             {80, 60, 40, 20},
		"lowered below taken": {80, 30, 40, 0},
		"lifted":              {80, 0, 40, 0},
	}, func() (*harness, []byte) {
		b, _, _ := quotaHarness(t, `"freemium":{"tiles":{"day":20}}`)
		return b, tileEvent(b.add(t, 1, billed(apikey.Freemium, "acc_1")))
	}, func(b *harness, day int64) { b.allot(day, 0) })
}

// TestAFloodBeyondAQuotaAsksForNoLease while its account's record is read again and again.
func TestAFloodBeyondAQuotaAsksForNoLease(t *testing.T) {
	b, table, _ := quotaHarness(t, `"freemium":{"tiles":{"day":5}}`)
	payload := tileEvent(b.add(t, 1, billed(apikey.Freemium, "acc_1")))
	b.times(t, 10, payload)
	asked, calls := 0, table.calls
	b.gate.limiter = countedLimiter{&asked}
	for range 20 {
		b.clock.advance(6 * time.Second)
		status, context := b.call(t, payload)
		if status != 429 || context["code"] != "quota_exceeded" {
			t.Fatalf("%d %v", status, context)
		}
	}
	if asked != 0 || table.calls != calls {
		t.Errorf("the limit a second was asked %d times, the quota %d times", asked, table.calls-calls)
	}
}

// TestAnExhaustedQuotaStaysSoWhileTheAccountCannotBeRead.
func TestAnExhaustedQuotaStaysSoWhileTheAccountCannotBeRead(t *testing.T) {
	b, _, _ := quotaHarness(t, `"freemium":{"tiles":{"day":50}}`)
	payload := tileEvent(b.add(t, 1, billed(apikey.Freemium, "acc_1")))
	b.allot(5, 0)
	b.times(t, 10, payload)
	b.down()
	b.clock.advance(time.Minute)
	if n := b.times(t, 10, payload); n != 0 {
		t.Errorf("%d served", n)
	}
}
