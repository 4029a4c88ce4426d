package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
)

// TestTheTimeOfACallIsSharedBetweenItsBounds: a part is kept for the account's limit where there is one, or may be, and another for a quota;
// where neither can be, the key's limit has all of it. What is asked for: the account's limit, the time and what is kept of it.
func TestTheTimeOfACallIsSharedBetweenItsBounds(t *testing.T) {
	const lifted = "its limit, and a quota that is lifted by the last call"
	own := func(day int64) account.Quotas { return account.Quotas{{Billing: "freemium", Group: "tiles", Day: day}} }
	for name, c := range map[string]struct {
		limit  int
		cap    int64
		quotas account.Quotas
		// Of a new environment's first call, of one while the account's record is fresh, and of the one that reads it again.
		first, fresh, again string
	}{
		"no bound but the key's":  {0, 0, nil, "0 300 100", "0 300 0", "0 300 0"},
		"the account's limit":     {7, 0, nil, "0 300 100, 7 300 100", "7 300 100", "0 300 100, 7 300 100"},
		"the key's cap":           {0, 9, nil, "0 200 100", "0 200 0", "0 200 0"},
		"both of them":            {7, 9, nil, "0 200 100, 7 200 100", "7 200 100", "0 200 100, 7 200 100"},
		"the account's quota":     {0, 0, own(8), "0 300 100", "0 200 0", "0 200 0"},
		lifted:                    {7, 0, own(8), "0 300 100, 7 200 100", "7 200 100", "0 200 100, 7 300 100"},
		"its quota and its limit": {7, 0, own(8), "0 300 100, 7 200 100", "7 200 100", "0 200 100, 7 200 100"},
		"all that there can be":   {7, 9, own(8), "0 200 100, 7 200 100", "7 200 100", "0 200 100, 7 200 100"},
	} {
		b, _, _ := quotaHarness(t, "")
		asked := &askedLimits{}
		b.gate.limiter = asked
		key := b.add(t, 1, func(p *authz.Policy) {
			p.BillingType = apikey.Freemium
			if c.cap > 0 {
				p.Caps = apikey.Caps{{Group: "tiles", Day: c.cap}}
			}
		})
		b.store.accounts["acc_1"] = authz.Account{ID: "acc_1", Type: account.SelfServe, Version: 1, Limits: account.Limits{}.With("map-display.tiles", c.limit), Quotas: c.quotas}
		for when, want := range []string{c.first, c.fresh, c.again} {
			asked.of = nil
			if status := b.status(t, key); status != 200 {
				t.Fatalf("%s: %d", name, status)
			}
			var got []string
			for _, of := range asked.of {
				got = append(got, fmt.Sprintf("%d %d %d", of.accountQPS, of.left.Milliseconds(), of.kept.Milliseconds()))
			}
			if strings.Join(got, ", ") != want {
				t.Errorf("%s, call %d: asked for %q, want %q", name, when+1, got, want)
			}
			if when == 1 {
				if name == lifted {
					b.store.accounts["acc_1"] = authz.Account{ID: "acc_1", Type: account.SelfServe, Version: 2, Limits: account.Limits{}.With("map-display.tiles", c.limit)}
				}
				b.clock.advance(6 * time.Second)
			}
		}
	}
}
