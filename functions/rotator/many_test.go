package main

import (
	"context"
	"sync"
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// TestManyDueKeysRotateAndAKilledRunLeavesExactlyTheRest runs on the real engine: 10,000 keys in the long form.
func TestManyDueKeysRotateAndAKilledRunLeavesExactlyTheRest(t *testing.T) {
	n := times(100, 10_000)
	r := newHarnessOn(t, keytest.EngineStores(t))
	a := r.NewAccount(t, func(a *account.Account) { a.KeyLimit = 2 * n })
	keys := r.manyDue(t, a, n)

	// Each key takes seven to eight calls of the store and of Secrets Manager: this kills the run about half way.
	killed, _ := r.dying(4 * n)
	killed.workers = workers
	_, err := killed.rotation(t.Context(), event{})
	if err == nil {
		t.Fatal("the killed run ended well")
	}
	before := r.rotatedOf(t, a)
	if before < n/10 || before > n*9/10 {
		t.Fatalf("%d of %d keys were rotated by the killed run", before, n)
	}
	faults := keytest.NewFaults(r.DB, func(string, int) keytest.Fault { return keytest.NoFault })
	job := r.run(keytest.NewStores(faults, r.Tables), r.secrets)
	job.workers = workers
	s, err := job.rotation(t.Context(), event{})
	if err != nil || s.Rotated != n-before || s.Failed != 0 || s.More {
		t.Fatalf("%d were left to do: %+v, %v", n-before, s, err)
	}
	t.Logf("%d keys: %.0f keys/s, %.1f store calls and %.1f Secrets Manager calls a key (the killed run had done %d)", s.Keys, s.Rate, s.Calls, s.SecretCalls, before)
	if s.Calls > 5 {
		t.Errorf("%.1f store calls a key", s.Calls)
	}
	if again, err := job.rotation(t.Context(), event{}); err != nil || again.Keys != 0 {
		t.Errorf("left over: %+v, %v", again, err)
	}
	for _, k := range keys {
		if after := r.key(k); after.Outgoing == nil || after.Outgoing.Hash != k.Current.Hash || len(after.Retired) != 0 {
			t.Fatalf("not rotated exactly once: %+v", after)
		}
	}
	for i := 0; i < n; i += max(1, n/50) {
		r.settled(keys[i])
	}
}

// manyDue makes keys by several hands.
func (r *harness) manyDue(t *testing.T, a account.Account, n int) []apikey.Key {
	t.Helper()
	keys := make([]apikey.Key, n)
	var wg sync.WaitGroup
	for hand := range workers {
		wg.Go(func() {
			for i := hand; i < n; i += workers {
				k := keytest.Key(a.ID, func(k *apikey.Key) {
					k.CreatedAt = keytest.Now.AddDate(0, 0, -30)
					k.Rotation = &apikey.RotationPolicy{EveryDays: 30, Principal: reader, AnnouncedFor: keytest.Now}
					k.Limits = []apikey.Limit{{Class: "search", QPS: 50}}
				})
				k, err := r.Control.Commit(context.Background(), control.Change{After: k, Audit: keytest.Row(a.ID, "key.create", k.ID)})
				if err != nil {
					t.Errorf("creating: %v", err)
				}
				keys[i] = k
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	for _, k := range keys {
		r.given[k.Current.Hash] = true
	}
	return keys
}

func (r *harness) rotatedOf(t *testing.T, a account.Account) (n int) {
	t.Helper()
	page, err := r.Control.Keys(t.Context(), a.ID, control.KeyQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range page.Keys {
		if !k.RotatedAt.IsZero() {
			n++
		}
	}
	return n
}
