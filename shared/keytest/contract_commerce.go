package keytest

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/product"
	"latchkey/shared/qps"
)

// Operation is a change of an account's type that nobody has begun.
func Operation(t testing.TB, id account.ID, to account.Type, billing map[apikey.BillingType]apikey.BillingType) control.Operation {
	t.Helper()
	change, err := apikey.NewTypeChange(to, billing)
	if err != nil {
		t.Fatal(err)
	}
	return control.Operation{ID: NewID("op_"), Account: id, Change: change, StartedAt: Now}
}

// BeginType begins a change of type without an edit of the account.
func BeginType(ctx context.Context, s *control.Store, o control.Operation, row audit.Row) (begun control.Operation, ok bool, err error) {
	a, err := s.Account(ctx, o.Account)
	if err != nil {
		return o, false, err
	}
	return s.BeginType(ctx, o, row, control.AccountEdit{Before: a, After: a})
}

// ChangeType carries a change of type out to its end.
func (s Stores) ChangeType(ctx context.Context, o control.Operation) (control.Operation, error) {
	o, _, err := BeginType(ctx, s.Control, o, Row(o.Account, "account.type.begin", ""))
	if err != nil || o.ID == "" {
		return o, err
	}
	return s.Control.ContinueType(ctx, o, Now, never, rowsOf(o.Account))
}

func never() bool { return false }

// everyState makes one key in each state that a key can be in.
func everyState(t *testing.T, s Stores, a account.Account, billing apikey.BillingType) (keys []apikey.Key) {
	for _, change := range []func(*apikey.Key){
		func(*apikey.Key) {},
		func(k *apikey.Key) { k.Disabled = true },
		func(k *apikey.Key) { k.Blocked = &apikey.Block{Reason: "abuse", At: Now, By: "operator"} },
		func(k *apikey.Key) { k.ExpiresAt = Now },
		func(k *apikey.Key) { k.RevokedAt = Now },
		func(k *apikey.Key) { k.DeletedAt = Now },
		func(k *apikey.Key) { k.RevokedAt, k.DeletedAt = Now, Now },
	} {
		k := s.NewKey(t, a, func(k *apikey.Key) { full(k); k.BillingType = billing })
		k, err := s.Edit(t.Context(), k, "key.edit", change)
		must(t, err)
		keys = append(keys, k)
	}
	return keys
}

func typeChange(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	keys := everyState(t, s, a, apikey.PayAsYouGrow)
	o := Operation(t, a.ID, account.Enterprise, map[apikey.BillingType]apikey.BillingType{apikey.PayAsYouGrow: apikey.Paying})
	untilDone(t, s, func(s Stores) error {
		_, err := s.ChangeType(t.Context(), o)
		return err
	})
	got, err := s.Control.Account(t.Context(), a.ID)
	must(t, err)
	if got.Type != account.Enterprise || got.PendingType != "" || got.Operation != "" {
		t.Fatalf("account %+v", got)
	}
	for _, before := range keys {
		k, err := s.Control.Key(t.Context(), a.ID, before.ID)
		must(t, err)
		if k.AccountType != account.Enterprise || k.BillingType != apikey.Paying || k.Status(Now) != before.Status(Now) {
			t.Fatalf("key %+v", k)
		}
		if k.Current.Hash != before.Current.Hash || k.Outgoing == nil || k.Outgoing.Hash != before.Outgoing.Hash {
			t.Fatalf("a secret is lost: %+v", k)
		}
		s.CheckGate(t, k)
	}
	running, err := s.Control.RunningOperations(t.Context(), "", 10)
	must(t, err)
	stored, err := s.Control.Operation(t.Context(), a.ID, o.ID)
	must(t, err)
	if slices.ContainsFunc(running.Operations, func(r control.Operation) bool { return r.ID == o.ID }) || stored.Status != control.Done {
		t.Fatalf("operation %+v, running %+v", stored, running)
	}
	before := len(s.AllAudit(t, a.ID))
	again, err := s.ChangeType(t.Context(), Operation(t, a.ID, account.Enterprise, nil))
	must(t, err)
	if again.ID != "" || len(s.AllAudit(t, a.ID)) != before {
		t.Fatalf("a change to the type that it has is an operation: %+v", again)
	}
}

func typeMeanwhile(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	k := s.NewKey(t, a)
	o := Operation(t, a.ID, account.Enterprise, nil)
	begun, ok, err := BeginType(t.Context(), s.Control, o, Row(a.ID, "account.type.begin", ""))
	must(t, err)
	if !ok || begun.Status != control.Running {
		t.Fatalf("begun %+v", begun)
	}
	same := Operation(t, a.ID, account.Enterprise, nil)
	running, ok, err := BeginType(t.Context(), s.Control, same, Row(a.ID, "account.type.begin", ""))
	must(t, err)
	if ok || running.ID != o.ID {
		t.Fatalf("the same change is begun twice: %+v", running)
	}
	other := Operation(t, a.ID, account.Enterprise, map[apikey.BillingType]apikey.BillingType{apikey.Freemium: apikey.Paying})
	_, _, err = BeginType(t.Context(), s.Control, other, Row(a.ID, "account.type.begin", ""))
	wantErr(t, err, account.ErrTypeChanging)
	k2 := Key(a.ID)
	_, err = s.Control.Commit(t.Context(), control.Change{After: k2, Audit: Row(a.ID, "key.create", k2.ID)})
	wantErr(t, err, account.ErrTypeChanging)
	_, err = s.Edit(t.Context(), k, "key.edit", func(k *apikey.Key) { k.BillingType = apikey.PayAsYouGrow })
	wantErr(t, err, account.ErrTypeChanging)
	_, err = s.Edit(t.Context(), k, "key.disable", func(k *apikey.Key) { k.Disabled = true })
	must(t, err)
}

// typeRows says that the rows of a change of type, which are new since so many, have what was and what came to be.
func typeRows(t *testing.T, rows []audit.Row, before int, from, to account.Type) {
	t.Helper()
	want := map[string][]audit.Change{
		"account.type.begin": {audit.Set("pending_type", "", to)},
		"account.type":       {audit.Set("type", from, to), audit.Set("pending_type", to, "")},
	}
	for _, row := range rows[:len(rows)-before] {
		if changes, ok := want[row.Action]; ok {
			delete(want, row.Action)
			if !reflect.DeepEqual(row.Changes, changes) {
				t.Fatalf("%s: %s, want %s", row.Action, row.Changes, changes)
			}
		}
	}
	if len(want) > 0 {
		t.Fatalf("from %s to %s: no row of %v", from, to, want)
	}
}

// typeThereAndBack is the way of a customer who signed up alone, became an enterprise and is none any more.
func typeThereAndBack(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	keys := everyState(t, s, a, apikey.Freemium)
	from := a.Type
	for _, to := range []account.Type{account.Enterprise, account.SelfServe, account.Enterprise} {
		told := len(s.AllAudit(t, a.ID))
		o, err := s.ChangeType(t.Context(), Operation(t, a.ID, to, nil))
		must(t, err)
		if o.Status != control.Done {
			t.Fatalf("to %s: %+v", to, o)
		}
		typeRows(t, s.AllAudit(t, a.ID), told, from, to)
		from = to
		standard, err := apikey.DefaultBilling(to)
		must(t, err)
		for _, before := range keys {
			k, err := s.Control.Key(t.Context(), a.ID, before.ID)
			must(t, err)
			if k.AccountType != to || k.BillingType != standard || k.Current.Hash != before.Current.Hash {
				t.Fatalf("to %s: %+v", to, k)
			}
		}
	}
	for _, before := range keys {
		k, err := s.Control.Key(t.Context(), a.ID, before.ID)
		must(t, err)
		if k.DeletedAt.IsZero() {
			continue
		}
		restored, err := k.Restore(Now)
		must(t, err)
		restored, err = s.Control.Commit(t.Context(), control.Change{Before: &k, After: restored, Audit: Row(a.ID, "key.restore", k.ID)})
		must(t, err)
		s.CheckGate(t, restored)
	}
}

func typeOvertaken(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	keys := everyState(t, s, a, apikey.Freemium)
	first, _, err := BeginType(t.Context(), s.Control, Operation(t, a.ID, account.Enterprise, nil), Row(a.ID, "account.type.begin", ""))
	must(t, err)
	steps := 0
	first, err = s.Control.ContinueType(t.Context(), first, Now, func() bool { steps++; return steps > 3 }, rowsOf(a.ID))
	must(t, err)
	if first.Status != control.Running {
		t.Fatalf("stopped after three keys: %+v", first)
	}
	second, err := s.ChangeType(t.Context(), Operation(t, a.ID, account.SelfServe, nil))
	must(t, err)
	if second.Status != control.Done {
		t.Fatalf("the way back while it runs: %+v", second)
	}
	over, err := s.Control.ContinueType(t.Context(), first, Now, never, rowsOf(a.ID))
	must(t, err)
	if over.Status != control.Failed {
		t.Fatalf("what was overtaken: %+v", over)
	}
	for _, before := range keys {
		k, err := s.Control.Key(t.Context(), a.ID, before.ID)
		must(t, err)
		if k.AccountType != account.SelfServe || k.BillingType != apikey.Freemium {
			t.Fatalf("key %+v", k)
		}
	}
	third, _, err := BeginType(t.Context(), s.Control, Operation(t, a.ID, account.Enterprise, nil), Row(a.ID, "account.type.begin", ""))
	must(t, err)
	_, err = s.CloseAccount(t.Context(), a.ID)
	must(t, err)
	for range 2 {
		over, err = s.Control.ContinueType(t.Context(), third, Now, never, rowsOf(a.ID))
		must(t, err)
		if over.Status != control.Failed {
			t.Fatalf("in a closed account: %+v", over)
		}
	}
	running, err := s.Control.RunningOperations(t.Context(), "", 100)
	must(t, err)
	for _, o := range running.Operations {
		if o.Account == a.ID {
			t.Fatalf("still on the job's list: %+v", o)
		}
	}
}

func requestsEnd(t *testing.T, s Stores) {
	change := func(f func(*apikey.Key)) func(*testing.T, Stores, account.Account, apikey.Key) {
		return func(t *testing.T, s Stores, _ account.Account, k apikey.Key) {
			t.Helper()
			_, err := s.Edit(t.Context(), k, "key.edit", f)
			must(t, err)
		}
	}
	for name, c := range map[string]struct {
		end  func(*testing.T, Stores, account.Account, apikey.Key)
		want qps.Status
	}{
		"revoked":     {change(func(k *apikey.Key) { k.RevokedAt = Now }), qps.Withdrawn},
		"deleted":     {change(func(k *apikey.Key) { k.DeletedAt = Now }), qps.Withdrawn},
		"product off": {change(func(k *apikey.Key) { k.Products = []product.ID{"routing"} }), qps.Withdrawn},
		"another off": {change(func(k *apikey.Key) { k.Products = []product.ID{"search"} }), qps.Pending},
		"disabled":    {change(func(k *apikey.Key) { k.Disabled = true }), qps.Pending},
		"account typed": {func(t *testing.T, s Stores, a account.Account, _ apikey.Key) {
			t.Helper()
			_, err := s.ChangeType(t.Context(), Operation(t, a.ID, account.SelfServe, nil))
			must(t, err)
		}, qps.Withdrawn},
		"account closed": {func(t *testing.T, s Stores, a account.Account, _ apikey.Key) {
			t.Helper()
			_, err := s.CloseAccount(t.Context(), a.ID)
			must(t, err)
		}, qps.Withdrawn},
	} {
		a := s.NewAccount(t, func(a *account.Account) { a.Type = account.Enterprise })
		k := s.NewKey(t, a, func(k *apikey.Key) { k.BillingType, k.Products = apikey.Paying, []product.ID{"routing", "search"} })
		r, err := qps.Submit(qps.Request{
			ID: qps.RequestID(NewID("qps_")), Account: a.ID, KeyID: k.ID, Product: "search", Class: "search", Current: 5, Requested: 50,
		}, block(t, "launch"), 5, 100, Now)
		must(t, err)
		must(t, s.Control.SubmitRequest(t.Context(), r, nil, Row(a.ID, "qps.submit", k.ID)))
		c.end(t, s, a, k)
		got, err := s.Control.Request(t.Context(), a.ID, r.ID)
		must(t, err)
		queue, err := s.Control.OpenRequests(t.Context(), "", 100)
		must(t, err)
		open := slices.ContainsFunc(queue.Requests, func(q qps.Request) bool { return q.ID == r.ID })
		if got.Status != c.want || open != (c.want == qps.Pending) {
			t.Fatalf("%s: %+v, in the queue: %v", name, got, open)
		}
	}
	a := s.NewAccount(t)
	k := s.NewKey(t, a)
	r := qps.Request{ID: qps.RequestID(NewID("qps_")), Account: a.ID, KeyID: k.ID, Product: "search", Class: "search", Status: qps.Pending, Version: 1, CreatedAt: Now}
	wantErr(t, s.Control.SubmitRequest(t.Context(), r, nil, Row(a.ID, "qps.submit", k.ID)), qps.ErrObsolete)
}

func revokedFreesAPlace(t *testing.T, s Stores) {
	a := s.NewAccount(t, func(a *account.Account) { a.KeyLimit = 1 })
	k := s.NewKey(t, a)
	more := func() error {
		other := Key(a.ID)
		_, err := s.Control.Commit(t.Context(), control.Change{After: other, Audit: Row(a.ID, "key.create", other.ID)})
		return err
	}
	wantErr(t, more(), account.ErrKeyLimit)
	k, err := s.Edit(t.Context(), k, "key.revoke", func(k *apikey.Key) { k.RevokedAt = Now })
	must(t, err)
	must(t, more())
	wantErr(t, more(), account.ErrKeyLimit)
	// A revoked key gives its place back once, whatever happens to it then.
	k, err = s.Edit(t.Context(), k, "key.delete", func(k *apikey.Key) { k.DeletedAt = Now })
	must(t, err)
	k, err = s.Edit(t.Context(), k, "key.restore", func(k *apikey.Key) { k.DeletedAt = time.Time{} })
	must(t, err)
	_, err = s.Edit(t.Context(), k, "key.delete", func(k *apikey.Key) { k.DeletedAt = Now })
	must(t, err)
	wantErr(t, more(), account.ErrKeyLimit)
}
