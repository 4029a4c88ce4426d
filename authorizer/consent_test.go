package main

import (
	"context"
	"strings"
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/consent"
	"latchkey/shared/product"
)

// accepts is a key whose product has come to cover all of its paths since, and an account that has accepted them or not.
func (b *harness) accepts(accepted bool) {
	a := authz.Account{ID: "acc_1", Type: account.SelfServe}
	if accepted {
		a.Accepted = consent.List{product.Default().Shown("map-display")}
	}
	b.store.accounts["acc_1"] = a
}

type countedLimiter struct{ asked *int }

func (l countedLimiter) Admit(context.Context, *limits) admission {
	*l.asked++
	return admission{Admitted: true}
}

func (countedLimiter) GiveBack(*limits, admission) {}

func unshown(p *authz.Policy) { p.Consents = consent.List{{Product: "map-display"}} }

// TestAPathThatNobodyAgreedToIsRefused, until the account accepts it: then within the time that a record is fresh.
func TestAPathThatNobodyAgreedToIsRefused(t *testing.T) {
	b := newHarness(t)
	key := b.add(t, 1, unshown)
	b.accepts(false)
	for range 2 { // when the account is read, and from memory
		if status := b.status(t, key); status != 403 {
			t.Errorf("status %d", status)
		}
	}
	if n := b.gate.metrics.decisions.of(authz.PathNotGranted); n != 2 {
		t.Errorf("%d refusals as path_not_granted", n)
	}
	b.accepts(true)
	b.clock.advance(freshFor)
	for range 2 {
		if status := b.status(t, key); status != 200 {
			t.Errorf("once it was accepted: %d", status)
		}
	}
}

// TestWhatAnAccountAcceptedIsOpenOnTheFirstCall: the account's record is waited for, and the limit is asked once.
func TestWhatAnAccountAcceptedIsOpenOnTheFirstCall(t *testing.T) {
	b := newHarness(t)
	asked := 0
	b.gate.limiter = countedLimiter{&asked}
	key := b.add(t, 1, unshown)
	b.accepts(true)
	if status := b.status(t, key); status != 200 || asked != 1 {
		t.Errorf("status %d, and the limit was asked %d times", status, asked)
	}
	if n := b.store.accountReads.Load(); n != 1 {
		t.Errorf("the account was read %d times", n)
	}
}

// TestASuspendedAccountsPathsStayClosed: what comes earlier among the checks decides.
func TestASuspendedAccountsPathsStayClosed(t *testing.T) {
	b := newHarness(t)
	key := b.add(t, 1, unshown)
	b.accepts(true)
	a := b.store.accounts["acc_1"]
	a.Suspended = true
	b.store.accounts["acc_1"] = a
	if status := b.status(t, key); status != 401 {
		t.Errorf("status %d", status)
	}
}

// TestWhatAccountsAcceptedTakesRoomOfTheCache: once for all keys of an account, and none when its last key has gone.
func TestWhatAccountsAcceptedTakesRoomOfTheCache(t *testing.T) {
	b := newHarness(t)
	for n := range uint64(3) {
		key := b.add(t, n, nil)
		b.accepts(true)
		b.status(t, key)
	}
	c := b.gate.records.cache
	if want := authz.ConsentCost(b.store.accounts["acc_1"].Accepted); c.accepted != want || want == 0 {
		t.Errorf("it takes %d bytes, want %d", c.accepted, want)
	}
	b.accepts(false)
	b.clock.advance(freshFor)
	b.status(t, b.add(t, 1, nil))
	if c.accepted != 0 {
		t.Errorf("what is accepted no more takes %d bytes", c.accepted)
	}
	b.accepts(true)
	b.clock.advance(freshFor)
	b.status(t, b.add(t, 1, nil))
	for _, e := range c.entries {
		c.drop(e)
	}
	if c.accepted != 0 || len(c.accounts) != 0 {
		t.Errorf("with no key in memory it takes %d bytes", c.accepted)
	}
}

// TestAProposalIsJudgedByWhatTheAccountAccepted, on the call that reads the account too: the decision in force doesn't need it.
func TestAProposalIsJudgedByWhatTheAccountAccepted(t *testing.T) {
	for want, accepted := range map[string]bool{"allowed": true, "path_not_granted": false} {
		b := newHarness(t)
		key := b.add(t, 1, func(p *authz.Policy) {
			p.Products = []product.ID{"search"}
			p.Proposed = &apikey.Proposal{Products: &[]product.ID{"map-display"}, Consents: consent.List{{Product: "map-display"}}}
		})
		b.accepts(accepted)
		for n := range 2 { // when the account is read, and from memory
			b.out.Reset()
			if status := b.status(t, key); status != 403 {
				t.Errorf("status %d", status)
			}
			b.gate.AfterReply()
			if line := b.out.String(); !strings.Contains(line, `"code":"product_not_allowed"`) || !strings.Contains(line, `"shadow":"`+want+`"`) {
				t.Errorf("call %d, accepted %v: %s", n, accepted, line)
			}
		}
	}
}
