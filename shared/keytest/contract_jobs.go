package keytest

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/qps"
	"latchkey/shared/text"
)

func rowsOf(id account.ID) control.RowMaker {
	return func(action string, key apikey.ID) audit.Row { return Row(id, action, key) }
}

// untilDone repeats a job that breaks off, each time one call later, as often as it takes.
func untilDone(t testing.TB, s Stores, job func(Stores) error) {
	t.Helper()
	for n := 1; n < 60; n++ {
		calls := 0
		err := job(s.With(func(string, int) Fault {
			if calls++; calls >= n {
				return Before
			}
			return NoFault
		}))
		if err == nil {
			return
		}
		if !errors.Is(err, ErrInjected) {
			t.Fatalf("broken off after %d calls: %v", n-1, err)
		}
	}
	t.Fatal("the job doesn't come to an end")
}

func closeResumes(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	live := s.NewKey(t, a, full)
	deleted, err := s.Edit(t.Context(), s.NewKey(t, a), "key.delete", func(k *apikey.Key) { k.DeletedAt = Now })
	must(t, err)
	untilDone(t, s, func(s Stores) error {
		_, err := s.CloseAccount(t.Context(), a.ID)
		return err
	})
	got, err := s.Control.Account(t.Context(), a.ID)
	must(t, err)
	if got.ClosedAt.IsZero() || !got.Closed() {
		t.Fatalf("account %+v", got)
	}
	for _, k := range []apikey.Key{live, deleted} {
		k, err := s.Control.Key(t.Context(), a.ID, k.ID)
		must(t, err)
		if k.RevokedAt.IsZero() {
			t.Fatalf("key %+v", k)
		}
		s.CheckGate(t, k)
	}
	k := Key(a.ID)
	_, err = s.Control.Commit(t.Context(), control.Change{After: k, Audit: Row(a.ID, "key.create", k.ID)})
	wantErr(t, err, account.ErrClosed)
	deleted, err = s.Control.Key(t.Context(), a.ID, deleted.ID)
	must(t, err)
	_, err = s.Edit(t.Context(), deleted, "key.restore", func(k *apikey.Key) { k.DeletedAt = time.Time{} })
	wantErr(t, err, account.ErrClosed)
	_, err = s.Control.UpdateAccount(t.Context(), got, got, Row(a.ID, "account.edit", ""))
	wantErr(t, err, account.ErrClosed)
	before := len(s.AllAudit(t, a.ID))
	again, err := s.Control.Close(t.Context(), got, Now.Add(time.Hour), rowsOf(a.ID))
	must(t, err)
	if !again.Same(got) || len(s.AllAudit(t, a.ID)) != before {
		t.Fatalf("closing twice changed something: %+v", again)
	}
}

func closingRefuses(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	k := s.NewKey(t, a)
	// Broken off after its first write: nothing is created from then on, or it would outlive the account.
	writes := 0
	_, err := s.With(func(call string, _ int) Fault {
		if call == "TransactWriteItems" {
			if writes++; writes > 1 {
				return Before
			}
		}
		return NoFault
	}).CloseAccount(t.Context(), a.ID)
	wantErr(t, err, dynamo.ErrUnknown)
	other := Key(a.ID)
	_, err = s.Control.Commit(t.Context(), control.Change{After: other, Audit: Row(a.ID, "key.create", other.ID)})
	wantErr(t, err, account.ErrClosed)
	_, err = s.Control.PutMember(t.Context(), nil, Member(a.ID, "late", account.Viewer), Subject("owner"), Row(a.ID, "member.add", ""))
	wantErr(t, err, account.ErrClosed)
	_, _, err = BeginType(t.Context(), s.Control, Operation(t, a.ID, account.Enterprise, nil), Row(a.ID, "account.type.begin", ""))
	wantErr(t, err, account.ErrClosed)
	// An edit that is under way makes the closing step stale; it is done again.
	raced := false
	_, err = s.With(func(call string, _ int) Fault {
		if call == "TransactWriteItems" && !raced {
			raced = true
			_, err := s.Edit(context.Background(), k, "key.edit", func(k *apikey.Key) { k.Name = "raced" })
			must(t, err)
		}
		return NoFault
	}).CloseAccount(t.Context(), a.ID)
	must(t, err)
	got, err := s.Control.Key(t.Context(), a.ID, k.ID)
	must(t, err)
	if got.RevokedAt.IsZero() || got.Name != "raced" {
		t.Fatalf("key %+v", got)
	}
}

// closingStops: the gate's record of the account refuses its keys as soon as the closing has begun, and for good, whatever
// becomes of the keys' own records and of a suspension. A release that knows no closed account sees a suspended one.
func closingStops(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	a.Suspended = account.Suspension{Reason: "Abuse.", At: Now, Until: Now.Add(time.Hour)}
	before, err := s.Control.Account(t.Context(), a.ID)
	must(t, err)
	a, err = s.Control.UpdateAccount(t.Context(), before, a, Row(a.ID, "account.suspend", ""))
	must(t, err)
	stopped := func() {
		t.Helper()
		got, found, err := s.Gate.Account(t.Context(), a.ID)
		if err != nil || !found || !got.Closed || !got.Suspended || !got.SuspendedUntil.IsZero() {
			t.Errorf("the gate's record: %+v (%v, %v)", got, found, err)
		}
	}
	s.NewKey(t, a)
	writes := 0
	_, err = s.With(func(call string, _ int) Fault {
		if call == "TransactWriteItems" {
			if writes++; writes > 1 {
				return Before
			}
		}
		return NoFault
	}).CloseAccount(t.Context(), a.ID)
	wantErr(t, err, dynamo.ErrUnknown)
	stopped()
	closed, err := s.CloseAccount(t.Context(), a.ID)
	must(t, err)
	stopped()
	s.CheckAccount(t, closed)
}

func jobsDue(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	ending := func(in time.Duration) apikey.Key {
		return s.NewKey(t, a, func(k *apikey.Key) {
			k.Outgoing = &apikey.Outgoing{StoredSecret: StoredSecret(string(k.ID) + "/0"), EndsAt: Now.Add(in), Reason: "other"}
		})
	}
	s.NewKey(t, a)
	second, first, third := ending(2*time.Hour), ending(time.Hour), ending(3*time.Hour)
	ending(4 * time.Hour)
	_, err := s.Edit(t.Context(), ending(time.Minute), "key.revoke", func(k *apikey.Key) { k.RevokedAt = Now })
	must(t, err)
	var got []apikey.ID
	for after := ""; ; {
		page, err := s.Control.Due(t.Context(), Now.Add(3*time.Hour), after, 2)
		must(t, err)
		for _, k := range page.Keys {
			got = append(got, k.ID)
			// What was done leaves the list, and the next page is none the worse.
			_, err := s.Edit(t.Context(), k, "key.rotation_end", func(k *apikey.Key) { k.Outgoing = nil })
			must(t, err)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if len(got) != 3 || got[0] != first.ID || got[1] != second.ID || got[2] != third.ID {
		t.Fatalf("due: %v", got)
	}
	page, err := s.Control.Due(t.Context(), Now.Add(3*time.Hour), "", 2)
	must(t, err)
	if len(page.Keys) != 0 {
		t.Fatalf("still due: %+v", page.Keys)
	}
}

func jobsPurge(t *testing.T, s Stores) {
	a := s.NewAccount(t, func(a *account.Account) { a.KeyLimit = 1 })
	k := s.NewKey(t, a, full)
	wantErr(t, s.Control.Purge(t.Context(), k, Row(a.ID, "key.purge", k.ID)), dynamo.ErrStale)
	deleted, err := s.Edit(t.Context(), k, "key.delete", func(k *apikey.Key) { k.DeletedAt = Now })
	must(t, err)
	page, err := s.Control.Purgeable(t.Context(), Now, "", 5)
	must(t, err)
	if len(page.Keys) != 0 {
		t.Fatal("purgeable too early")
	}
	page, err = s.Control.Purgeable(t.Context(), Now.Add(time.Millisecond), "", 5)
	must(t, err)
	if len(page.Keys) != 1 || page.Keys[0].ID != k.ID {
		t.Fatalf("purgeable: %+v", page.Keys)
	}
	for range 2 {
		must(t, s.Control.Purge(t.Context(), deleted, Row(a.ID, "key.purge", k.ID)))
	}
	_, err = s.Control.FindKey(t.Context(), k.ID)
	wantErr(t, err, dynamo.ErrNotFound)
	for _, h := range []apikey.Hash{k.Current.Hash, k.Outgoing.Hash, k.Retired[0].Hash, k.Retired[1].Hash} {
		if _, found, err := s.Gate.Policy(t.Context(), h); err != nil || found {
			t.Fatalf("policy record: found %v, %v", found, err)
		}
	}
	if rows := s.AllAudit(t, a.ID); len(rows) != 4 {
		t.Fatalf("%d audit rows, want 4", len(rows))
	}
	// Its locator may be missing, in tables that were restored.
	other := s.NewKey(t, a)
	deleted, err = s.Edit(t.Context(), other, "key.delete", func(k *apikey.Key) { k.DeletedAt = Now })
	must(t, err)
	s.unindex(t, "K#"+string(other.ID), "KEY")
	must(t, s.Control.Purge(t.Context(), deleted, Row(a.ID, "key.purge", other.ID)))
	page, err = s.Control.Purgeable(t.Context(), Now.Add(time.Millisecond), "", 5)
	must(t, err)
	if len(page.Keys) != 0 {
		t.Fatalf("a key without its locator stays: %+v", page.Keys)
	}
	s.NewKey(t, a)
}

func block(t *testing.T, typed string) text.Block {
	t.Helper()
	b, err := text.Secrets{}.ParseBlock(typed, 1, qps.MaxJustification)
	must(t, err)
	return b
}

// decide rejects a request, or approves it.
func (s Stores) decide(t *testing.T, pending qps.Request, k apikey.Key, operator qps.Party, reject bool) error {
	if reject {
		after, err := pending.Reject(operator, block(t, "no"), Now)
		must(t, err)
		return s.Control.CloseRequest(context.Background(), after, Row(k.Account, "qps.reject", k.ID))
	}
	after, err := pending.Approve(operator, text.Block{}, 20, 100, Now)
	must(t, err)
	raised := k
	raised.Limits = []apikey.Limit{{Class: "search", QPS: 20}}
	c := control.Change{Before: &k, After: raised, Audit: Row(k.Account, "qps.approve", k.ID)}
	_, err = s.Control.CommitDecision(context.Background(), c, after)
	return err
}

func requestsDecided(t *testing.T, s Stores) {
	a := s.NewAccount(t, func(a *account.Account) { a.Type = account.Enterprise })
	k := s.NewKey(t, a, func(k *apikey.Key) { k.BillingType = apikey.Paying })
	ask, err := qps.Submit(qps.Request{
		ID: "qps_1", Account: a.ID, KeyID: k.ID, Product: "search", Class: "search", Current: 5, Requested: 50,
		CreatedBy: qps.Party{Subject: Subject("owner"), Email: "owner@example.com"}, EndsAt: Now.Add(time.Hour),
	}, block(t, "launch"), 5, 100, Now)
	must(t, err)
	submit := func(i int) error {
		r := ask
		r.ID = []qps.RequestID{"qps_1", "qps_2"}[i]
		return s.Control.SubmitRequest(context.Background(), r, nil, Row(a.ID, "qps.submit", k.ID))
	}
	if n := race(t, 2, submit, qps.ErrOpenRequest); n != 1 {
		t.Fatalf("%d requests are open", n)
	}
	queue, err := s.Control.OpenRequests(t.Context(), "", 10)
	must(t, err)
	if len(queue.Requests) != 1 {
		t.Fatalf("queue %+v", queue)
	}
	pending := queue.Requests[0]
	if ask.ID = pending.ID; !reflect.DeepEqual(pending, ask) {
		t.Fatalf("read %+v, written %+v", pending, ask)
	}
	operator := qps.Party{Subject: Subject("operator"), Email: "operator@example.com"}
	if n := race(t, 2, func(i int) error { return s.decide(t, pending, k, operator, i == 0) }, qps.ErrNotPending); n != 1 {
		t.Fatalf("decided %d times", n)
	}
	got, err := s.Control.Request(t.Context(), a.ID, pending.ID)
	must(t, err)
	after, err := s.Control.Key(t.Context(), a.ID, k.ID)
	must(t, err)
	if (got.Status == qps.Approved) != (len(after.Limits) == 1) || got.Status == qps.Pending || got.Decision.By != operator {
		t.Fatalf("request %+v, limits %+v", got, after.Limits)
	}
	s.CheckGate(t, after)
	queue, err = s.Control.OpenRequests(t.Context(), "", 10)
	must(t, err)
	if len(queue.Requests) != 0 {
		t.Fatalf("queue %+v", queue)
	}
	must(t, submit(1-map[qps.RequestID]int{"qps_1": 0, "qps_2": 1}[pending.ID]))
	list, err := s.Control.Requests(t.Context(), a.ID, control.RequestQuery{Limit: 1})
	must(t, err)
	rest, err := s.Control.Requests(t.Context(), a.ID, control.RequestQuery{After: list.Next, Limit: 1})
	must(t, err)
	if len(list.Requests) != 1 || len(rest.Requests) != 1 || rest.Next != "" {
		t.Fatalf("pages %+v, %+v", list, rest)
	}
	if rows := s.AllAudit(t, a.ID); len(rows) != 5 {
		t.Fatalf("%d audit rows, want 5", len(rows))
	}
}
