package main

import (
	"reflect"
	"testing"
	"testing/synctest"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/dynamo/sessions"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

// An account has so many open invitations and no more, over all owners: one that is withdrawn, accepted or expires
// makes room for another.
func TestAnAccountHasSoManyOpenInvitationsAndNoMore(t *testing.T) {
	r := newHarness(t)
	r.Member(t, r.account.ID, "second", account.Owner)
	again := func(status int) apitest.Answer {
		t.Helper()
		return r.Want(t, status, apitest.Call{As: "second", Method: "POST", Path: r.path("/invitations"), Body: object{"role": "viewer"}})
	}
	full := func() {
		t.Helper()
		if got := again(409); got.Code() != "invitation_limit_reached" {
			t.Error(got.Problem())
		}
	}
	for range account.MaxInvitations {
		r.invite(t, "owner", object{"role": "viewer"})
	}
	full()
	list := r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path("/invitations")}).JSON(t)["invitations"].([]any)
	r.Want(t, 204, apitest.Call{As: "owner", Method: "DELETE", Path: r.path("/invitations/" + list[7].(object)["id"].(string))})
	token := again(201).JSON(t)["token"].(string)
	full()
	if got := r.accept(t, "newcomer", token); got.Status != 200 {
		t.Fatal(got.Problem())
	}
	again(201)
	full()
	r.Clock.Advance(invitationLife)
	again(201)
}

// The bound holds for two who take the last place at the same moment.
func TestTheLastInvitationIsMadeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stores, interrupt := apitest.RaceStores(t)
		a := apitest.New(t, stores)
		r := &harness{API: a, account: a.NewAccount(t)}
		r.handler = newHandler(a.Control, sessions.New(a.DB, a.Tables.Sessions), a.Source, apitest.Texts, product.Default(), apitest.NoUse{}, settings{perPerson: 3})
		r.handler.routes(a.Mux)
		invite := func() apitest.Answer {
			return r.Do(t, apitest.Call{As: "owner", Method: "POST", Path: r.path("/invitations"), Body: object{"role": "viewer"}})
		}
		for range account.MaxInvitations - 1 {
			invite()
		}
		var first apitest.Answer
		interrupt.Arm(func() { first = invite() })
		second := invite()
		if first.Status != 201 || second.Problem() != "409 invitation_limit_reached []" {
			t.Errorf("%d and %s", first.Status, second.Problem())
		}
		open, err := a.Control.Invitations(t.Context(), r.account.ID, a.Clock.Now(), "", 0)
		if err != nil || len(open.Invitations) != account.MaxInvitations {
			t.Errorf("%d open, %v", len(open.Invitations), err)
		}
	})
}

// The holder of an invitation's token sees what it is for; looking changes nothing and leaves no row.
func TestAnInvitationIsShownToWhoHoldsItsToken(t *testing.T) {
	r := newHarness(t)
	r.Member(t, r.account.ID, "second", account.Owner)
	token := r.invite(t, "second", object{"role": "developer", "email": "\u200enew@\u200bexample.com\u2069"})
	trail := apitest.Call{As: "owner", Method: "GET", Path: r.path("/audit")}
	rows := string(r.Want(t, 200, trail).Body)
	show := apitest.Call{As: "new", Method: "POST", Path: "/v1/invitations/show", Body: object{"token": token}}
	for range 2 {
		got := r.Want(t, 200, show).JSON(t)
		want := object{
			"account_id": string(r.account.ID), "account_name": r.account.Name, "role": "developer",
			"invited_by": "second@example.com", "expires_at": "2026-11-28T12:00:00.000Z",
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v", got)
		}
	}
	if got := string(r.Want(t, 200, trail).Body); got != rows {
		t.Errorf("looking left a row: %s", got)
	}
	if got := r.accept(t, "other", token); got.Code() != "invitation_other_address" {
		t.Error(got.Problem())
	}
	if got := r.accept(t, "new", token); got.Status != 200 {
		t.Error(got.Problem())
	}
	late := r.invite(t, "second", object{"role": "viewer"})
	r.Want(t, 200, apitest.Call{As: "owner", Method: "POST", Path: r.path("/close"), Body: object{"confirm_name": r.account.Name}})
	if got := r.accept(t, "other", late); got.Code() != "account_closed" {
		t.Error(got.Problem())
	}
}

// TestAnOfferThatIsShownCanBeAccepted: into an account that closes or is closed nobody is invited any more, and who looks at the
// invitation hears the same as who accepts it.
func TestAnOfferThatIsShownCanBeAccepted(t *testing.T) {
	for what, change := range map[string]func(*account.Account){
		"open":    func(*account.Account) {},
		"closing": func(a *account.Account) { a.Closing = true },
		"closed":  func(a *account.Account) { a.Closing, a.ClosedAt = true, keytest.Now },
	} {
		r := newHarness(t)
		token := r.invite(t, "owner", object{"role": "viewer"})
		before, err := r.Control.Account(t.Context(), r.account.ID)
		if err != nil {
			t.Fatal(err)
		}
		after := before
		if change(&after); !after.Same(before) {
			if _, err := r.Control.UpdateAccount(t.Context(), before, after, keytest.Row(r.account.ID, "account.close", "")); err != nil {
				t.Fatal(err)
			}
		}
		shown := r.Do(t, apitest.Call{As: "new", Method: "POST", Path: "/v1/invitations/show", Body: object{"token": token}})
		accepted := r.accept(t, "new", token)
		if shown.Status != accepted.Status || shown.Code() != accepted.Code() || (accepted.Status == 200) != (what == "open") {
			t.Errorf("%s: shown %d %s, accepted %d %s", what, shown.Status, shown.Code(), accepted.Status, accepted.Code())
		}
	}
}
