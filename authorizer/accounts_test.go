package main

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/authz"
)

func (b *harness) suspend(until time.Time) {
	b.store.accounts["acc_1"] = authz.Account{ID: "acc_1", Type: account.SelfServe, Suspended: true, SuspendedUntil: until}
}

func (b *harness) resume() {
	b.store.accounts["acc_1"] = authz.Account{ID: "acc_1", Type: account.SelfServe}
}

func TestASuspendedAccountsKeysOpenNothing(t *testing.T) {
	b := newHarness(t)
	good := b.add(t, 1, nil)
	other := b.add(t, 2, func(p *authz.Policy) { p.Account = "acc_2" })
	b.suspend(time.Time{})
	for _, tt := range []struct {
		key    string
		status int
	}{{good, 401}, {good, 401}, {other, 200}} { // when the account is first read, and from memory
		if status := b.status(t, tt.key); status != tt.status {
			t.Errorf("status %d, want %d", status, tt.status)
		}
	}
	if n := b.gate.metrics.decisions.of(authz.AccountSuspended); n != 2 {
		t.Errorf("%d refusals as account_suspended", n)
	}
	b.resume()
	b.clock.advance(freshFor)
	if status := b.status(t, good); status != 200 {
		t.Errorf("after it was resumed: %d", status)
	}
}

// TestAClosedAccountsKeysOpenNothing: as a revoked key, before everything that comes later, when the account is first read and from
// memory. A key that its own record lets pass is one that could not be revoked as the account was closed.
func TestAClosedAccountsKeysOpenNothing(t *testing.T) {
	for name, edit := range map[string]func(*authz.Policy){
		"a key that may pass": nil,
		"a blocked key":       func(p *authz.Policy) { p.Blocked = true },
		"a disabled key":      func(p *authz.Policy) { p.Disabled = true },
		"another page":        func(p *authz.Policy) { p.Domains = []string{"example.com"} },
		"a revoked key":       func(p *authz.Policy) { p.RevokedAt = p.RevokedAt.Add(1) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newHarness(t)
			key := b.add(t, 1, edit)
			b.store.accounts["acc_1"] = authz.AccountOf(account.Account{ID: "acc_1", Type: account.SelfServe, Version: 2, Closing: true})
			for n := range 2 {
				status := b.status(t, key)
				if got := b.gate.metrics.decisions.of(authz.KeyRevoked); status != 401 || got != n+1 {
					t.Fatalf("call %d: %d, %v", n, status, b.gate.metrics.decisions)
				}
			}
		})
	}
}

// TestASuspensionIsRefusedBeforeWhatComesLater: the account is read beside the other checks, and decides all the same.
func TestASuspensionIsRefusedBeforeWhatComesLater(t *testing.T) {
	for name, tt := range map[string]struct {
		edit func(*authz.Policy)
		code authz.Code
	}{
		"a key that may pass": {nil, authz.AccountSuspended},
		"a disabled key":      {func(p *authz.Policy) { p.Disabled = true }, authz.AccountSuspended},
		"another page":        {func(p *authz.Policy) { p.Domains = []string{"example.com"} }, authz.AccountSuspended},
		"a blocked key":       {func(p *authz.Policy) { p.Blocked = true }, authz.KeyBlocked},
		"a revoked key":       {func(p *authz.Policy) { p.RevokedAt = p.RevokedAt.Add(1) }, authz.KeyRevoked},
	} {
		t.Run(name, func(t *testing.T) {
			b := newHarness(t)
			key := b.add(t, 1, tt.edit)
			b.suspend(time.Time{})
			for n := range 2 {
				b.status(t, key)
				if got := b.gate.metrics.decisions.of(tt.code); got != n+1 {
					t.Fatalf("call %d: %v", n, b.gate.metrics.decisions)
				}
			}
		})
	}
}

func TestASuspensionEndsByTheGatesClock(t *testing.T) {
	b := newHarness(t)
	key := b.add(t, 1, nil)
	b.suspend(b.clock.at.wall.Add(3 * time.Second))
	if status := b.status(t, key); status != 401 {
		t.Fatalf("before its end: %d", status)
	}
	b.clock.advance(3*time.Second - 1)
	if status := b.status(t, key); status != 401 {
		t.Errorf("a nanosecond before its end: %d", status)
	}
	b.clock.advance(1)
	if status := b.status(t, key); status != 200 {
		t.Errorf("at its end, though the record isn't read again: %d", status)
	}
}

// TestWithoutTheStoreWhatWasKnownHoldsUpToTheOutageBound, for a refusal as for a call that is let through: a suspension, a block and their ends
// aren't obeyed by an environment that can't read them.
func TestWithoutTheStoreWhatWasKnownHoldsUpToTheOutageBound(t *testing.T) {
	block := func(b *harness, n uint64, blocked bool) {
		p := b.store.policies[secret(t, n).Hash()]
		p.Blocked = blocked
		b.store.policies[p.Hash] = p
	}
	for name, c := range map[string]struct {
		before, after func(b *harness)
		status        int
	}{
		"suspended": {(*harness).resume, func(b *harness) { b.suspend(time.Time{}) }, 200},
		"resumed":   {func(b *harness) { b.suspend(time.Time{}) }, (*harness).resume, 401},
		"blocked":   {func(*harness) {}, func(b *harness) { block(b, 1, true) }, 200},
		"unblocked": {func(b *harness) { block(b, 1, true) }, func(b *harness) { block(b, 1, false) }, 401},
	} {
		for _, bound := range []time.Duration{defaultOutageBound, longestOutageBound} {
			b := newHarness(t)
			b.gate.records.usableFor = bound
			key := b.add(t, 1, nil)
			c.before(b)
			if status := b.status(t, key); status != c.status {
				t.Fatalf("%s: %d before the outage", name, status)
			}
			b.down()
			c.after(b)
			b.clock.advance(bound - 2*time.Second)
			if status := b.status(t, key); status != c.status {
				t.Errorf("%s: %d shortly before the bound of %v", name, status, bound)
			}
			b.clock.advance(4 * time.Second)
			if status := b.status(t, key); status != 503 {
				t.Errorf("%s: %d after the bound of %v", name, status, bound)
			}
		}
	}
}

// TestOneReadPerAccountAndFiveSecondsHoweverManyKeys: keys of one account share its record.
func TestOneReadPerAccountAndFiveSecondsHoweverManyKeys(t *testing.T) {
	b := newHarness(t)
	var keys []string
	for n := range uint64(20) {
		keys = append(keys, b.add(t, n, nil))
	}
	for range 1000 { // 20 s
		for _, key := range keys {
			b.status(t, key)
		}
		b.clock.advance(20 * time.Millisecond)
	}
	if n := b.store.accountReads.Load(); n != 4 {
		t.Errorf("%d reads of the account in 20 s", n)
	}
}

// TestWhatCantBeKnownOfAnAccountRefusesItsKeys: with 503, since it says nothing of the key.
func TestWhatCantBeKnownOfAnAccountRefusesItsKeys(t *testing.T) {
	for name, fail := range map[string]error{"damaged": errUnreadable, "never read": errDown} {
		t.Run(name, func(t *testing.T) {
			b := newHarness(t)
			key, revoked := b.add(t, 1, nil), b.add(t, 2, func(p *authz.Policy) { p.RevokedAt = b.clock.at.wall })
			other := b.add(t, 3, func(p *authz.Policy) { p.Account = "acc_2" })
			b.store.failAccount = func() error { return fail }
			if k, r := b.status(t, key), b.status(t, revoked); k != 503 || r != 401 {
				t.Errorf("a key: %d, a revoked one: %d", k, r)
			}
			b.store.failAccount = nil
			b.clock.advance(freshFor)
			if k, o := b.status(t, key), b.status(t, other); k != 200 || o != 200 {
				t.Errorf("afterwards: %d, of another account: %d", k, o)
			}
		})
	}
}

// TestAnAccountIsServedInAnOutageAsLongAsAKey: what was known of it holds, suspended or not, up to the outage bound.
func TestAnAccountIsServedInAnOutageAsLongAsAKey(t *testing.T) {
	for _, suspended := range []bool{false, true} {
		for _, tt := range []struct {
			age  time.Duration
			open bool
		}{{time.Minute, true}, {defaultOutageBound, true}, {defaultOutageBound + 1, false}} {
			b := newHarness(t)
			key, want := b.add(t, 1, nil), 200
			if suspended {
				b.suspend(time.Time{})
				want = 401
			}
			b.status(t, key)
			b.store.failAccount = func() error { return errDown }
			b.clock.advance(tt.age)
			if !tt.open {
				want = 503
			}
			if status := b.status(t, key); status != want {
				t.Errorf("suspended %v, %v after it was read: %d, want %d", suspended, tt.age, status, want)
			}
		}
	}
}

// TestBudgetsOfTheReadOfAnAccount: beside the key's it may take what the key's may, and no call waits longer than a second
// for both.
func TestBudgetsOfTheReadOfAnAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newHarness(t)
		b.gate.records.breaker.shorten = whole
		keys := []string{b.add(t, 1, nil), b.add(t, 2, func(p *authz.Policy) { p.Account = "acc_2" })}
		b.gate.clock = newSystemClock()
		b.gate.records.clock, b.store.clock = b.gate.clock, nil
		for _, key := range keys {
			b.status(t, key)
		}
		b.gate.records.store = &hanging{}
		time.Sleep(6 * time.Second)
		wait := func(n int, want time.Duration) {
			t.Helper()
			start := time.Now()
			if status := b.status(t, keys[n]); status != 200 {
				t.Errorf("status %d", status)
			}
			if took := time.Since(start); took != want {
				t.Errorf("a call waited %v, want %v", took, want)
			}
		}
		wait(0, time.Second) // the key's attempts; the account's first runs beside them
		wait(0, time.Second) // the key's record waits, the account's two attempts fail: all wait
		wait(0, 0)
		wait(1, 0)
		time.Sleep(500 * time.Millisecond)
		wait(0, 500*time.Millisecond) // one probe
		wait(1, 0)
	})
}

// TestAnAccountIsForgottenWithItsLastKey: what memory holds of accounts is bounded by what it holds of keys.
func TestAnAccountIsForgottenWithItsLastKey(t *testing.T) {
	c := newCache(10*(entryCost+accountCost+2000), unknownBytes)
	for n := range 1000 {
		compiled, err := authz.Compile(authz.Policy{Live: true, Account: account.ID(fmt.Sprint("acc_", n%500))})
		if err != nil {
			t.Fatal(err)
		}
		c.put(hashOf(n), moment{}, &compiled, false)
		if len(c.accounts) > len(c.entries) {
			t.Fatalf("%d accounts of %d entries", len(c.accounts), len(c.entries))
		}
	}
	used := map[account.ID]int{}
	for _, e := range c.entries {
		used[e.policy.Account]++
		if c.accounts[e.policy.Account] != e.account {
			t.Fatal("two records of one account")
		}
	}
	for id, a := range c.accounts {
		if a.keys != used[id] {
			t.Errorf("%s is used by %d entries, counted %d", id, used[id], a.keys)
		}
	}
	for hash := range c.entries {
		c.put(hash, moment{}, nil, false)
	}
	if len(c.accounts) != 0 {
		t.Errorf("%d accounts without a key", len(c.accounts))
	}
}

// TestAPanicOfAnAccountsReadIsAFailureOfIt: it runs beside the call, where nothing else would catch it.
func TestAPanicOfAnAccountsReadIsAFailureOfIt(t *testing.T) {
	b := newHarness(t)
	key := b.add(t, 1, nil)
	b.status(t, key)
	panics := true
	b.store.failAccount = func() error {
		if panics {
			panics = false
			panic("boom")
		}
		return nil
	}
	b.clock.advance(freshFor)
	if status := b.status(t, key); status != 200 {
		t.Errorf("status %d", status)
	}
}
