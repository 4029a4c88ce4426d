package control_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// The property: whatever several people do to a few keys at once, and whatever goes wrong between them and the
// store, each acknowledged mutation is one version of its key and one audit row, no status rule is broken on
// the way from version to version, and the gate says what the keys say.

type command struct {
	action string
	key    int // which of the keys that exist; for create, none
}

var actions = []string{
	"create", "edit", "disable", "enable", "block", "unblock", "revoke", "delete", "restore", "rotate", "end", "rotate", "end", "rotate", "end", "purge",
}

// commandsPerActor is longer in deep runs; the number of runs is the flag -rapid.checks.
func commandsPerActor() int {
	if keytest.Deep() {
		return 60
	}
	return 20
}

const actors = 3

func drawCommands(t *rapid.T) [actors][]command {
	var all [actors][]command
	for i := range all {
		all[i] = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) command {
			return command{action: rapid.SampledFrom(actions).Draw(t, "action"), key: rapid.IntRange(0, 2).Draw(t, "key")}
		}), commandsPerActor()/2, commandsPerActor()).Draw(t, fmt.Sprintf("actor %d", i))
	}
	return all
}

// mutation is an acknowledged one, or one of unknown outcome.
type mutation struct {
	row    string
	action string
	before *apikey.Key
	after  apikey.Key
	known  bool
}

// harness is the state that the actors share: the stores, and the ledger of their answers.
type harness struct {
	stores  keytest.Stores
	calm    keytest.Stores // the same without faults
	account account.Account
	mu      sync.Mutex
	ids     []apikey.ID
	ledger  []mutation
	broken  []error
}

func (w *harness) pick(n int) (apikey.ID, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.ids) == 0 {
		return "", false
	}
	return w.ids[n%len(w.ids)], true
}

func (w *harness) note(m mutation, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err == nil:
		m.known = true
		w.ledger = append(w.ledger, m)
	case errors.Is(err, dynamo.ErrUnknown):
		w.ledger = append(w.ledger, m)
	case errors.Is(err, dynamo.ErrStale), errors.Is(err, dynamo.ErrNotFound), errors.Is(err, account.ErrKeyLimit),
		errors.Is(err, dynamo.ErrConflict):
	default:
		w.broken = append(w.broken, fmt.Errorf("%s: %w", m.action, err))
	}
	if m.action == "key.create" && !errors.Is(err, account.ErrKeyLimit) {
		w.ids = append(w.ids, m.after.ID)
	}
}

func (w *harness) do(ctx context.Context, c command) {
	if c.action == "create" {
		k := keytest.Key(w.account.ID)
		w.commit(ctx, "create", nil, k)
		return
	}
	id, ok := w.pick(c.key)
	if !ok {
		return
	}
	k, err := w.stores.Control.Key(ctx, w.account.ID, id)
	if err != nil {
		return
	}
	if c.action == "purge" {
		row := keytest.Row(w.account.ID, "key.purge", k.ID)
		if k.DeletedAt.IsZero() {
			return
		}
		err := w.stores.Control.Purge(ctx, k, row)
		rows, _ := w.calm.Control.AuditOfKey(ctx, w.account.ID, k.ID, "", 1)
		if err == nil && (len(rows.Rows) == 0 || rows.Rows[0].ID != row.ID) {
			return // somebody else purged it
		}
		w.note(mutation{row: row.ID, action: "key.purge", before: &k}, err)
		return
	}
	if after, ok := transition(c.action, k); ok {
		w.commit(ctx, c.action, &k, after)
	}
}

func (w *harness) commit(ctx context.Context, action string, before *apikey.Key, after apikey.Key) {
	row := keytest.Row(w.account.ID, "key."+action, after.ID)
	got, err := w.stores.Control.Commit(ctx, control.Change{Before: before, After: after, Audit: row})
	after.PlaceFreed = !after.RevokedAt.IsZero() // as the store derives it
	m := mutation{row: row.ID, action: row.Action, before: before, after: after}
	if err == nil {
		m.after = got
	}
	w.note(m, err)
}

// transition applies the rules of package apikey to the key as it was read, as the API does.
func transition(action string, k apikey.Key) (after apikey.Key, ok bool) {
	now := k.UpdatedAt.Add(time.Second)
	var err error
	switch action {
	case "edit":
		after, ok = k.Touched(now), k.Editable() == nil
		after.Name += "x"
		return after, ok
	case "disable":
		after, err = k.Disable(now)
		ok = err == nil && after.Version != k.Version
	case "enable":
		after, err = k.Enable(now)
		ok = err == nil && after.Version != k.Version
	case "block":
		after, err = k.Block("abuse", "operator", time.Time{}, now)
		ok = err == nil
	case "unblock":
		after, err = k.Unblock(now)
		ok = err == nil
	case "revoke":
		after, err = k.Revoke(true, now)
		ok = err == nil && after.Version != k.Version
	case "delete":
		after = k.Delete(now)
		ok = after.Version != k.Version
	case "restore":
		after, err = k.Restore(now)
		ok = err == nil
	case "rotate":
		after, ok = k.Touched(now), k.Editable() == nil && k.Outgoing == nil
		after.Outgoing = &apikey.Outgoing{StoredSecret: k.Current, EndsAt: now.Add(time.Hour), Reason: "other"}
		after.Current = keytest.StoredSecret(fmt.Sprintf("%s/%d/%d", k.ID, k.Version, time.Now().UnixNano()))
	case "end":
		if k.Outgoing == nil || k.Editable() != nil {
			return k, false
		}
		after, ok = k.Touched(now), true
		after.Retired = append([]apikey.Retired(nil), k.Retired...)
		after.Retired = append(after.Retired, apikey.Retired{Hash: k.Outgoing.Hash, EndedAt: now})
		if len(after.Retired) > 1 {
			after.Retired = after.Retired[1:] // short, so that tombstones drop off
		}
		after.Outgoing = nil
	}
	return after, ok && err == nil
}

func (w *harness) run(ctx context.Context, all [actors][]command) {
	var group sync.WaitGroup
	for _, commands := range all {
		group.Go(func() {
			for _, c := range commands {
				w.do(ctx, c)
			}
		})
	}
	group.Wait()
}

type failer interface {
	Helper()
	Fatalf(string, ...any)
}

// findings keeps what a check finds inside a bubble of synctest, which rapid's own Fatalf can't leave.
type findings struct{ first string }

func (*findings) Helper() {}

func (f *findings) Fatalf(format string, args ...any) {
	if f.first == "" {
		f.first = fmt.Sprintf(format, args...)
	}
}

func newHarness(t *testing.T, calm, stores keytest.Stores) *harness {
	a := calm.NewAccount(t, func(a *account.Account) { a.KeyLimit = 3 })
	return &harness{stores: stores, calm: calm, account: a}
}

func TestRandomCommandsKeepTheRulesOnTheEngine(t *testing.T) {
	keytest.OneAtATime(t)
	calm := keytest.EngineStores(t)
	rapid.Check(t, func(r *rapid.T) {
		w := newHarness(t, calm, calm)
		w.run(context.Background(), drawCommands(r))
		w.check(r, t, calm)
	})
	if drifts := calm.Drifts(t, false); len(drifts) > 0 {
		t.Fatalf("the gate differs from the keys: %+v", drifts)
	}
}

func TestRandomCommandsKeepTheRulesUnderFaults(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		all, seed := drawCommands(r), rapid.Uint64().Draw(r, "seed")
		var found findings
		synctest.Test(t, func(t *testing.T) {
			calm := keytest.MemoryStores(t)
			w := newHarness(t, calm, calm.With(keytest.AtRandom(seed, 0.1, 0.2, 0.1)))
			w.run(t.Context(), all)
			w.check(&found, t, calm)
			if drifts := calm.Drifts(t, false); len(drifts) > 0 {
				found.Fatalf("the gate differs from the keys: %+v", drifts)
			}
		})
		if found.first != "" {
			r.Fatalf("%s", found.first)
		}
	})
}
