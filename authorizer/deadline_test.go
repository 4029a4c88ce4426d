package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
)

// hanging is a store that answers nothing until the call gives up.
type hanging struct{ waits []time.Duration }

func (h *hanging) Policy(ctx context.Context, _ apikey.Hash) (authz.Policy, bool, error) {
	start := time.Now()
	<-ctx.Done()
	h.waits = append(h.waits, time.Since(start))
	return authz.Policy{}, false, ctx.Err()
}

// Account hangs like Policy, beside it.
func (h *hanging) Account(ctx context.Context, _ account.ID) (authz.Account, bool, error) {
	<-ctx.Done()
	return authz.Account{}, false, ctx.Err()
}

func TestAHangingStoreCostsOneCallASecondAndTheOthersNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newHarness(t)
		keys := []string{b.add(t, 1, nil), b.add(t, 2, nil), b.add(t, 3, nil)}
		b.gate.clock = newSystemClock()
		b.gate.records.clock = b.gate.clock
		b.store.clock = nil
		for _, key := range keys {
			b.status(t, key)
		}
		store := &hanging{}
		b.gate.records.store = store
		time.Sleep(6 * time.Second)
		var slowest, spent time.Duration
		start, calls := time.Now(), 0
		for time.Since(start) < time.Minute {
			before := time.Now()
			if status := b.status(t, keys[calls%3]); status != 200 {
				t.Fatalf("status %d", status)
			}
			took := time.Since(before)
			slowest, spent, calls = max(slowest, took), spent+took, calls+1
			time.Sleep(10 * time.Millisecond)
		}
		t.Logf("%d calls, slowest %v, %v waiting in all", calls, slowest, spent)
		if slowest > time.Second {
			t.Errorf("a call waited %v", slowest)
		}
		if spent > 20*time.Second {
			t.Errorf("%v of a minute were spent waiting", spent)
		}
		if store.waits[0] > 400*time.Millisecond || store.waits[1] > 600*time.Millisecond {
			t.Errorf("attempts of %v", store.waits[:2])
		}
	})
}

func TestTheCallsOwnDeadlineIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			left, age time.Duration
			status    int
		}{
			{300 * time.Millisecond, 6 * time.Second, 200},
			{300 * time.Millisecond, 11 * time.Second, 200}, // both attempts failed
			{30 * time.Millisecond, 6 * time.Second, 200},
			{30 * time.Millisecond, 11 * time.Second, 503}, // no time for the retry that it needs
		} {
			b := newHarness(t)
			key := b.add(t, 1, nil)
			b.gate.clock = newSystemClock()
			b.gate.records.clock, b.store.clock = b.gate.clock, nil
			b.status(t, key)
			b.gate.records.store = &hanging{}
			time.Sleep(tt.age)
			start := time.Now()
			_, err := b.gate.Invoke(start.Add(tt.left), tileEvent(key))
			if took := time.Since(start); took >= tt.left || (err == nil) != (tt.status == 200) {
				t.Errorf("%v left, %v old: %v, after %v", tt.left, tt.age, err, took)
			}
		}
	})
}

// TestAKeysOwnAgeDecidesWhereItsAccountIsFresh: another key of the account was used a moment ago, so that nothing but the age of
// the key's own record refuses the call: 10 s where no time is left to look whether the store is there, and the outage's bound where
// it isn't.
func TestAKeysOwnAgeDecidesWhereItsAccountIsFresh(t *testing.T) {
	for _, tt := range []struct {
		left, age time.Duration // left: 0 is enough, but the store is down
		status    int
	}{
		{answerMargin, unprovenFor, 200},
		{answerMargin, unprovenFor + time.Millisecond, 503},
		{answerMargin, time.Minute, 503},
		{0, time.Minute, 200},
		{0, defaultOutageBound, 200},
		{0, defaultOutageBound + time.Millisecond, 503},
	} {
		b := newHarness(t)
		key, sibling := b.add(t, 1, nil), b.add(t, 2, nil)
		b.status(t, key)
		b.clock.advance(tt.age)
		b.status(t, sibling)
		deadline := time.Time{}
		if tt.left > 0 {
			deadline = b.clock.now().wall.Add(tt.left)
		} else {
			b.down()
		}
		reads := b.store.reads
		if _, err := b.gate.Invoke(deadline, tileEvent(key)); (err == nil) != (tt.status == 200) {
			t.Errorf("%v left, %v old: %v, want %d", tt.left, tt.age, err, tt.status)
		}
		b.gate.AfterReply()
		if tt.left > 0 && b.store.reads != reads {
			t.Errorf("%v left: the store was asked", tt.left)
		}
	}
}

func TestAPanicAnswers503AndTheNextCallWorks(t *testing.T) {
	b := newHarness(t)
	good := b.add(t, 1, nil)
	b.store.fail = func(apikey.Hash) error { panic("boom") }
	if status := b.status(t, good); status != 503 {
		t.Errorf("status %d", status)
	}
	b.up()
	if status := b.status(t, good); status != 200 {
		t.Errorf("afterwards: %d", status)
	}
}
