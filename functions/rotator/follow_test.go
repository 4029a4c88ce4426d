package main

import (
	"context"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
	"latchkey/shared/qps"
	"latchkey/shared/text"
)

func TestTheJobGoesOnWithAChangeOfTypeThatNobodyEnded(t *testing.T) {
	r := newHarness(t)
	a := r.NewAccount(t)
	k := r.NewKey(t, a)
	o, _, err := keytest.BeginType(t.Context(), r.Control, keytest.Operation(t, a.ID, account.Enterprise, nil), keytest.Row(a.ID, "account.type.begin", ""))
	if err != nil {
		t.Fatal(err)
	}
	if s := r.rotation(); s.Operations != 1 {
		t.Errorf("%+v", s)
	}
	got, err := r.Control.Operation(t.Context(), a.ID, o.ID)
	if err != nil || got.Status != control.Done || r.key(k).AccountType != account.Enterprise {
		t.Errorf("%+v, %v", got, err)
	}
	if s := r.rotation(); s.Operations != 0 {
		t.Errorf("a second run: %+v", s)
	}
}

// pending files a request about a key of an enterprise account.
func (r *harness) pending(t *testing.T, k apikey.Key) qps.Request {
	t.Helper()
	why, err := text.Secrets{}.ParseBlock("A launch.", 1, qps.MaxJustification)
	if err != nil {
		t.Fatal(err)
	}
	one, err := qps.Submit(qps.Request{
		ID: qps.RequestID(keytest.NewID("qps_")), Account: k.Account, KeyID: k.ID, Product: "search", Class: "search", Requested: 50, Current: 5,
	}, why, 5, 100, keytest.Now)
	if err == nil {
		err = r.Control.SubmitRequest(t.Context(), one, nil, keytest.Row(k.Account, "qps.submit", k.ID))
	}
	if err != nil {
		t.Fatal(err)
	}
	return one
}

// TestTheJobEndsRequestsThatTheirKeysChangeLeft, whatever became of the key. Its open requests can't be read in the moment
// of the change, which must not keep it from that.
func TestTheJobEndsRequestsThatTheirKeysChangeLeft(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*apikey.Key)
		purged bool
		want   qps.Status
	}{
		"stays":       {func(k *apikey.Key) { k.Name = "Another" }, false, qps.Pending},
		"disabled":    {func(k *apikey.Key) { k.Disabled = true }, false, qps.Pending},
		"deleted":     {func(k *apikey.Key) { k.DeletedAt = keytest.Now }, false, qps.Withdrawn},
		"purged":      {func(k *apikey.Key) { k.DeletedAt = keytest.Now }, true, qps.Withdrawn},
		"revoked":     {func(k *apikey.Key) { k.RevokedAt = keytest.Now }, false, qps.Withdrawn},
		"product off": {func(k *apikey.Key) { k.Products = []product.ID{"routing"} }, false, qps.Withdrawn},
	} {
		r := newHarness(t)
		a := r.NewAccount(t, func(a *account.Account) { a.Type = account.Enterprise })
		k := r.NewKey(t, a, func(k *apikey.Key) { k.BillingType = apikey.Paying })
		request := r.pending(t, k)
		blind := r.With(func(call string, _ int) keytest.Fault {
			if call == "Query" {
				return keytest.Before
			}
			return keytest.NoFault
		})
		after, err := blind.Edit(t.Context(), k, "key.edit", c.change)
		if err == nil && c.purged {
			err = r.Control.Purge(t.Context(), after, keytest.Row(a.ID, "key.purge", k.ID))
		}
		if err != nil {
			t.Fatal(err)
		}
		ended := 0
		if c.want == qps.Withdrawn {
			ended = 1
		}
		if s := r.rotation(); s.Requests != ended {
			t.Errorf("%s: %+v", name, s)
		}
		if got, err := r.Control.Request(t.Context(), a.ID, request.ID); err != nil || got.Status != c.want {
			t.Errorf("%s: %+v, %v, want %s", name, got, err, c.want)
		}
		if s := r.rotation(); s.Requests != 0 {
			t.Errorf("%s, a second run: %+v", name, s)
		}
	}
}

// TestTheJobEndsRequestsThatNobodyCanApprove: their own end has come, or a catalogue was deployed without their class. The key can be asked
// for again then.
func TestTheJobEndsRequestsThatNobodyCanApprove(t *testing.T) {
	r := newHarness(t)
	a := r.NewAccount(t, func(a *account.Account) { a.Type = account.Enterprise })
	key := func() apikey.Key { return r.NewKey(t, a, func(k *apikey.Key) { k.BillingType = apikey.Paying }) }
	stands, ended, gone := r.pending(t, key()), r.pending(t, key()), r.pending(t, key())
	again := func(one qps.Request, change func(*qps.Request)) qps.Request {
		after, err := one.Withdraw(keytest.Now)
		if err == nil {
			err = r.Control.CloseRequest(t.Context(), after, keytest.Row(a.ID, "qps.withdraw", one.KeyID))
		}
		one.ID = qps.RequestID(keytest.NewID("qps_"))
		change(&one)
		if err == nil {
			err = r.Control.SubmitRequest(t.Context(), one, nil, keytest.Row(a.ID, "qps.submit", one.KeyID))
		}
		if err != nil {
			t.Fatal(err)
		}
		return one
	}
	ended = again(ended, func(one *qps.Request) { one.EndsAt = keytest.Now.Add(time.Hour) })
	gone = again(gone, func(one *qps.Request) { one.Class = "search.gone" })
	r.clock.Advance(time.Hour - time.Millisecond)
	for _, want := range []int{1, 0} { // that of the class, once
		if s := r.rotation(); s.Requests != want {
			t.Errorf("%+v, want %d requests", s, want)
		}
	}
	r.clock.Advance(time.Millisecond)
	if s := r.rotation(); s.Requests != 1 {
		t.Errorf("at the end: %+v", s)
	}
	for want, list := range map[qps.Status][]qps.Request{qps.Pending: {stands}, qps.Withdrawn: {ended, gone}} {
		for _, one := range list {
			if got, err := r.Control.Request(t.Context(), a.ID, one.ID); err != nil || got.Status != want {
				t.Errorf("%s: %+v, %v, want %s", one.Class, got, err, want)
			}
		}
	}
	if k, err := r.Control.Key(t.Context(), a.ID, ended.KeyID); err != nil || r.pending(t, k).ID == "" {
		t.Error(err)
	}
}

// stuck can't go on with one account's leftovers.
type stuck struct {
	store
	id account.ID
}

func (s stuck) ContinueType(ctx context.Context, o control.Operation, now time.Time, stop func() bool, row control.RowMaker) (control.Operation, error) {
	if o.Account == s.id {
		return o, keytest.ErrInjected
	}
	return s.store.ContinueType(ctx, o, now, stop, row)
}

func (s stuck) EndObsolete(ctx context.Context, r qps.Request, over bool, now time.Time, row audit.Row) (bool, error) {
	if r.Account == s.id {
		return false, keytest.ErrInjected
	}
	return s.store.EndObsolete(ctx, r, over, now, row)
}

// TestWhatCantBeFollowedInOneAccountStopsNoOther, and is a failure of the run.
func TestWhatCantBeFollowedInOneAccountStopsNoOther(t *testing.T) {
	for n := range 3 {
		r := newHarness(t)
		var accounts []account.Account
		var requests []qps.Request
		for range 3 {
			a := r.NewAccount(t, func(a *account.Account) { a.Type = account.Enterprise })
			k := r.NewKey(t, a, func(k *apikey.Key) { k.BillingType = apikey.Paying })
			requests = append(requests, r.pending(t, k))
			o := keytest.Operation(t, a.ID, account.SelfServe, nil)
			if _, _, err := keytest.BeginType(t.Context(), r.Control, o, keytest.Row(a.ID, "account.type.begin", "")); err != nil {
				t.Fatal(err)
			}
			accounts = append(accounts, a)
		}
		job := r.well()
		job.store = stuck{job.store, accounts[n].ID}
		if s, err := job.rotation(t.Context(), event{}); err == nil || s.Unfollowed != 2 || s.Operations != 2 {
			t.Errorf("account %d is stuck: %+v, %v", n, s, err)
		}
		if m := r.measured("rotation"); m["KeysDone"] != 0 || m["KeysFailed"] != 0 {
			t.Errorf("account %d is stuck: %v keys are done, %v failed; there were none", n, m["KeysDone"], m["KeysFailed"])
		}
		for i, a := range accounts {
			now, err := r.Control.Account(t.Context(), a.ID)
			if err != nil || (now.Type == account.SelfServe) != (i != n) {
				t.Errorf("account %d is stuck, %d is %s, %v", n, i, now.Type, err)
			}
			got, err := r.Control.Request(t.Context(), a.ID, requests[i].ID)
			if err != nil || (got.Status == qps.Withdrawn) != (i != n) {
				t.Errorf("account %d is stuck, the request of %d is %s, %v", n, i, got.Status, err)
			}
		}
		if s := r.rotation(); s.Operations != 1 || s.Failed != 0 {
			t.Errorf("afterwards: %+v", s)
		}
	}
}
