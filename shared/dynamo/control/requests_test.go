package control_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/keytest"
	"latchkey/shared/moment"
	"latchkey/shared/product"
	"latchkey/shared/qps"
)

// file submits a request for a class of its own.
func file(t *testing.T, s keytest.Stores, k apikey.Key, n int) (qps.Request, error) {
	t.Helper()
	r := qps.Request{
		ID: qps.RequestID(fmt.Sprintf("qps_%02d", n)), Account: k.Account, KeyID: k.ID, Product: "search", Class: product.Class(fmt.Sprintf("class%02d", n)),
		Requested: 9, Justification: "x", CreatedBy: qps.Party{Subject: keytest.Subject("owner")}, CreatedAt: keytest.Now, Status: qps.Pending, Version: 1,
	}
	return r, s.Control.SubmitRequest(t.Context(), r, nil, keytest.Row(k.Account, "qps.submit", k.ID))
}

// enterprise is a key that may ask for more.
func enterprise(t *testing.T, s keytest.Stores, options ...func(*apikey.Key)) apikey.Key {
	t.Helper()
	a := s.NewAccount(t, func(a *account.Account) { a.Type = account.Enterprise })
	return s.NewKey(t, a, append([]func(*apikey.Key){func(k *apikey.Key) { k.BillingType = apikey.Paying }}, options...)...)
}

// TestTwentyRequestsEndWithTheirKey in one write; what is over that is left to the job.
func TestTwentyRequestsEndWithTheirKey(t *testing.T) {
	for filed, left := range map[int]int{1: 0, 3: 0, 20: 0, 21: 1} {
		s := keytest.MemoryStores(t)
		k := enterprise(t, s)
		for n := range filed {
			if _, err := file(t, s, k, n); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Edit(t.Context(), k, "key.revoke", func(k *apikey.Key) { k.RevokedAt = keytest.Now }); err != nil {
			t.Fatal(err)
		}
		open, err := s.Control.OpenRequests(t.Context(), "", 50)
		if err != nil || len(open.Requests) != left {
			t.Errorf("%d of %d requests are left, %v", len(open.Requests), filed, err)
		}
		ended := 0
		for _, row := range s.AllAudit(t, k.Account) {
			for _, c := range row.Changes {
				if row.Action == "key.revoke" && c.Field == "qps_request" && c.After == "" {
					ended++
				}
			}
		}
		if ended != filed-left {
			t.Errorf("the row of the key's end names %d of the %d requests that ended with it", ended, filed-left)
		}
	}
}

// TestRequestsEndWithAChangeOfType: a key that becomes one of a self-serve account may not ask, so what is asked for it is withdrawn in the write that
// changes it, whose row names it. A change to the type that is there already ends nothing.
func TestRequestsEndWithAChangeOfType(t *testing.T) {
	for to, want := range map[account.Type]qps.Status{account.SelfServe: qps.Withdrawn, account.Enterprise: qps.Pending} {
		s := keytest.MemoryStores(t)
		k := enterprise(t, s)
		other := s.NewKey(t, account.Account{ID: k.Account, Type: account.Enterprise}, func(k *apikey.Key) { k.BillingType = apikey.Free })
		var filed []qps.Request
		for n, of := range []apikey.Key{k, k, other} {
			r, err := file(t, s, of, n)
			if err != nil {
				t.Fatal(err)
			}
			filed = append(filed, r)
		}
		if _, err := s.ChangeType(t.Context(), keytest.Operation(t, k.Account, to, nil)); err != nil {
			t.Fatal(err)
		}
		named := map[string]bool{} // by a row about a key's change of type: the key and the request
		for _, row := range s.AllAudit(t, k.Account) {
			for _, c := range row.Changes {
				if row.Action == "key.account_type" && c.Field == "qps_request" && c.After == "" {
					named[row.KeyID+" "+strings.Trim(c.Before, `"`)] = true
				}
			}
		}
		for _, r := range filed {
			got, err := s.Control.Request(t.Context(), k.Account, r.ID)
			if err != nil || got.Status != want || named[string(r.KeyID)+" "+string(r.ID)] != (want == qps.Withdrawn) {
				t.Errorf("to %s: %s of %s is %s (%v); the rows name %v", to, r.ID, r.KeyID, got.Status, err, named)
			}
		}
		open, err := s.Control.OpenRequests(t.Context(), "", 50)
		if left := map[qps.Status]int{qps.Withdrawn: 0, qps.Pending: 3}[want]; err != nil || len(open.Requests) != left {
			t.Errorf("to %s: %d requests are in the queue, want %d (%v)", to, len(open.Requests), left, err)
		}
	}
}

// TestADecisionBeforeTheEndOfAKeyIsThoughtAboutAgain: it is no reason to refuse the revocation, and stays as it is.
func TestADecisionBeforeTheEndOfAKeyIsThoughtAboutAgain(t *testing.T) {
	s := keytest.MemoryStores(t)
	k := enterprise(t, s)
	r, err := file(t, s, k, 1)
	if err != nil {
		t.Fatal(err)
	}
	between := &keytest.Interrupt{DB: s.DB}
	between.Arm(func() {
		if r, err = r.Withdraw(keytest.Now); err == nil {
			err = s.Control.CloseRequest(t.Context(), r, keytest.Row(k.Account, "qps.withdraw", k.ID))
		}
	})
	revoke := func(k *apikey.Key) { k.RevokedAt = keytest.Now }
	if _, got := keytest.NewStores(between, s.Tables).Edit(t.Context(), k, "key.revoke", revoke); err != nil || !errors.Is(got, dynamo.ErrStale) {
		t.Errorf("the request's end: %v; the key's: %v", err, got)
	}
	if _, err := s.Edit(t.Context(), k, "key.revoke", revoke); err != nil {
		t.Errorf("the key's end, thought about again: %v", err)
	}
}

// TestAnEditThatEndsNoRequestReadsNone: most changes of a key leave what is asked for it as it was.
func TestAnEditThatEndsNoRequestReadsNone(t *testing.T) {
	for what, c := range map[string]struct {
		change func(*apikey.Key)
		reads  bool
	}{
		"its name":     {func(k *apikey.Key) { k.Name = "Other" }, false},
		"disabling it": {func(k *apikey.Key) { k.Disabled = true }, false},
		"a product":    {func(k *apikey.Key) { k.Products = nil }, true},
		"its end":      {func(k *apikey.Key) { k.RevokedAt = keytest.Now }, true},
		"its deletion": {func(k *apikey.Key) { k.DeletedAt = keytest.Now }, true},
	} {
		s := keytest.MemoryStores(t)
		k := enterprise(t, s)
		queries := 0
		counted := s.With(func(call string, _ int) keytest.Fault {
			if call == "Query" {
				queries++
			}
			return keytest.NoFault
		})
		if _, err := counted.Edit(t.Context(), k, "key.edit", c.change); err != nil || (queries > 0) != c.reads {
			t.Errorf("%s: %d queries, %v", what, queries, err)
		}
	}
}

// TestWhyAKeyGetsNoRequest: it is gone, or it has not what is asked for.
func TestWhyAKeyGetsNoRequest(t *testing.T) {
	for what, c := range map[string]struct {
		change func(*apikey.Key)
		want   error
	}{
		"nothing":                 {func(*apikey.Key) {}, nil},
		"it is revoked":           {func(k *apikey.Key) { k.RevokedAt = keytest.Now }, dynamo.ErrNotFound},
		"it is deleted":           {func(k *apikey.Key) { k.DeletedAt = keytest.Now }, dynamo.ErrNotFound},
		"it has not the product":  {func(k *apikey.Key) { k.Products = nil }, qps.ErrObsolete},
		"its account may not ask": {func(k *apikey.Key) { k.AccountType = account.SelfServe }, qps.ErrObsolete},
		"it is another key":       {func(k *apikey.Key) { k.ID = keytest.KeyID() }, dynamo.ErrNotFound},
	} {
		s := keytest.MemoryStores(t)
		k := enterprise(t, s)
		stored := k
		c.change(&stored)
		if what == "it is another key" {
			k.ID = stored.ID
		} else {
			for _, item := range s.Items(t, s.Tables.Control) {
				if kind, _ := dynamo.GetS(item, "kind"); kind == "key" {
					damaged := item
					if !stored.RevokedAt.IsZero() {
						damaged["revoked_at"] = dynamo.S(moment.Format(stored.RevokedAt))
					}
					if !stored.DeletedAt.IsZero() {
						damaged["deleted_at"] = dynamo.S(moment.Format(stored.DeletedAt))
					}
					if len(stored.Products) == 0 {
						delete(damaged, "products")
					}
					damaged["account_type"] = dynamo.S(string(stored.AccountType))
					s.Put(t, s.Tables.Control, damaged)
				}
			}
		}
		if _, err := file(t, s, k, 1); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
	}
}
