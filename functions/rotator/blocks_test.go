package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// block blocks a key until a time, as an operator does.
func (r *harness) block(k apikey.Key, until time.Time) apikey.Key {
	r.t.Helper()
	after, err := k.Block("abuse", "operator@example.com", until, r.clock.Now())
	if err == nil {
		after, err = r.Control.Commit(r.t.Context(), control.Change{Before: &k, After: after, Audit: keytest.Row(k.Account, "key.block", k.ID)})
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return after
}

// refused reports whether the gate's record of a key says that it is blocked.
func (r *harness) refused(k apikey.Key) bool {
	r.t.Helper()
	p, _, err := r.Gate.Policy(r.t.Context(), k.Current.Hash)
	if err != nil {
		r.t.Fatal(err)
	}
	return p.Blocked
}

// TestABlockWithAnEndIsLiftedOnce: by the first run from its end on, with the audit row of an unblocking, and at the gate; not before, also by a run that
// takes what comes due later, and no other key's.
func TestABlockWithAnEndIsLiftedOnce(t *testing.T) {
	r := newHarness(t)
	a := r.NewAccount(t)
	end := r.clock.Now().Add(time.Hour)
	k, open, later := r.block(r.NewKey(t, a), end), r.block(r.NewKey(t, a), time.Time{}), r.block(r.NewKey(t, a), end.Add(time.Millisecond))
	r.clock.Advance(time.Hour - time.Millisecond)
	r.rotation()
	r.job(`{"job":"rotation","due_by":"2090-01-01T00:00:00Z"}`)
	if !r.refused(k) || r.key(k).Blocked == nil || len(r.actions(a)) != 0 {
		t.Fatalf("before its end: %v", r.actions(a))
	}
	r.clock.Advance(time.Millisecond)
	for n := range 2 {
		if s := r.rotation(); s.Ended != 1-n || s.Failed != 0 {
			t.Errorf("run %d: %+v", n, s)
		}
		if r.refused(k) || r.key(k).Blocked != nil || !slices.Equal(r.actions(a), []string{"key.unblock"}) {
			t.Errorf("after its end: %v, %v", r.key(k).Blocked, r.actions(a))
		}
	}
	for _, row := range r.AllAudit(t, a.ID) {
		if row.Action == "key.unblock" && (row.KeyID != string(k.ID) || !strings.Contains(row.Changes[0].Before, "abuse")) {
			t.Errorf("the row: %+v", row)
		}
	}
	if !r.refused(open) || !r.refused(later) {
		t.Error("another block is lifted")
	}
}

// TestOnlyTheBlockThatIsOverIsLifted: what an operator has made of the key since holds, and an ended key stays as it is.
func TestOnlyTheBlockThatIsOverIsLifted(t *testing.T) {
	end := keytest.Now.Add(time.Hour)
	for name, c := range map[string]struct {
		do      func(r *harness, k apikey.Key) (apikey.Key, error)
		blocked bool
	}{
		"lifted before": {func(r *harness, k apikey.Key) (apikey.Key, error) {
			return r.Edit(r.t.Context(), k, "key.unblock", func(k *apikey.Key) { k.Blocked = nil })
		}, false},
		"blocked again, without an end": {func(r *harness, k apikey.Key) (apikey.Key, error) {
			k, err := r.Edit(r.t.Context(), k, "key.unblock", func(k *apikey.Key) { k.Blocked = nil })
			return r.block(k, time.Time{}), err
		}, true},
		"revoked": {func(r *harness, k apikey.Key) (apikey.Key, error) {
			return r.Edit(r.t.Context(), k, "key.revoke", func(k *apikey.Key) { k.RevokedAt = keytest.Now })
		}, true},
		"deleted": {func(r *harness, k apikey.Key) (apikey.Key, error) {
			return r.Edit(r.t.Context(), k, "key.delete", func(k *apikey.Key) { k.DeletedAt = keytest.Now })
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newHarness(t)
			a := r.NewAccount(t)
			k, err := c.do(r, r.block(r.NewKey(t, a), end))
			if err != nil {
				t.Fatal(err)
			}
			r.clock.Advance(2 * time.Hour)
			r.rotation()
			if after := r.key(k); (after.Blocked != nil) != c.blocked || after.Version != k.Version || len(r.actions(a)) != 0 {
				t.Errorf("%+v, version %d, %v", after.Blocked, after.Version, r.actions(a))
			}
		})
	}
}

// TestABlockThatChangesAsItIsLiftedStays: an operator blocks the key again between the job's look and its write.
func TestABlockThatChangesAsItIsLiftedStays(t *testing.T) {
	r := newHarness(t)
	a := r.NewAccount(t)
	k := r.block(r.NewKey(t, a), r.clock.Now().Add(time.Hour))
	r.clock.Advance(time.Hour)
	again := false
	stores := r.With(func(call string, _ int) keytest.Fault {
		if call == "TransactWriteItems" && !again {
			again = true
			lifted, err := k.Unblock(r.clock.Now())
			if err == nil {
				lifted, err = r.Control.Commit(t.Context(), control.Change{Before: &k, After: lifted, Audit: keytest.Row(a.ID, "key.unblock", k.ID)})
			}
			if err != nil && !errors.Is(err, t.Context().Err()) {
				t.Error(err)
			}
			r.block(lifted, time.Time{})
		}
		return keytest.NoFault
	})
	if _, err := r.run(stores, r.secrets).handle(t.Context(), []byte(`{"job":"rotation"}`)); err != nil {
		t.Fatal(err)
	}
	if !again || r.key(k).Blocked == nil || !r.refused(k) || len(r.actions(a)) != 0 {
		t.Errorf("%v: %+v, %v", again, r.key(k).Blocked, r.actions(a))
	}
}
