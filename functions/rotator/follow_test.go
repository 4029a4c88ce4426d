package main

import (
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/qps"
	"latchkey/shared/text"
)

func TestTheJobGoesOnWithAChangeOfTypeThatNobodyEnded(t *testing.T) {
	r := newHarness(t)
	a := r.NewAccount(t)
	k := r.NewKey(t, a)
	o, _, err := r.Control.BeginType(t.Context(), keytest.Operation(t, a.ID, account.Enterprise, nil), keytest.Row(a.ID, "account.type.begin", ""))
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

func TestTheJobEndsRequestsThatTheirKeysChangeLeft(t *testing.T) {
	r := newHarness(t)
	a := r.NewAccount(t, func(a *account.Account) { a.Type = account.Enterprise })
	why, err := text.Secrets{}.ParseBlock("A launch.", 1, qps.MaxJustification)
	if err != nil {
		t.Fatal(err)
	}
	request := func(k apikey.Key) qps.Request {
		one, err := qps.Submit(qps.Request{
			ID: qps.RequestID(keytest.NewID("qps_")), Account: a.ID, KeyID: k.ID, Product: "search", Class: "search", Requested: 50, Current: 5,
		}, why, 5, 100, keytest.Now)
		if err == nil {
			err = r.Control.SubmitRequest(t.Context(), one, nil, keytest.Row(a.ID, "qps.submit", k.ID))
		}
		if err != nil {
			t.Fatal(err)
		}
		return one
	}
	paying := func(k *apikey.Key) { k.BillingType = apikey.Paying }
	stays, gone := r.NewKey(t, a, paying), r.NewKey(t, a, paying)
	open, left := request(stays), request(gone)
	// Its open requests can't be read in the moment in which the key is deleted, which must not keep it from that.
	blind := r.With(func(call string, _ int) keytest.Fault {
		if call == "Query" {
			return keytest.Before
		}
		return keytest.NoFault
	})
	if _, err := blind.Edit(t.Context(), gone, "key.delete", func(k *apikey.Key) { k.DeletedAt = keytest.Now }); err != nil {
		t.Fatal(err)
	}
	if s := r.rotation(); s.Requests != 1 {
		t.Errorf("%+v", s)
	}
	for id, want := range map[qps.RequestID]qps.Status{open.ID: qps.Pending, left.ID: qps.Withdrawn} {
		if got, err := r.Control.Request(t.Context(), a.ID, id); err != nil || got.Status != want {
			t.Errorf("%+v, %v, want %s", got, err, want)
		}
	}
}
