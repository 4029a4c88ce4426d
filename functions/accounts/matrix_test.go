package main

import (
	"encoding/hex"
	"maps"
	"net/url"
	"strings"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/sessions"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

// harness is the function on a store of its own, with one account, and nobody in it but its owner.
type harness struct {
	*apitest.API
	account account.Account
	handler *handler
}

func newHarness(t testing.TB) *harness {
	t.Helper()
	return harnessOn(t, keytest.Open(t))
}

// harnessOn is the same on given stores.
func harnessOn(t testing.TB, stores keytest.Stores) *harness {
	t.Helper()
	a := apitest.New(t, stores)
	r := &harness{API: a, account: a.NewAccount(t)}
	r.handler = newHandler(a.Control, sessions.New(a.DB, a.Tables.Sessions), a.Source, apitest.Texts, product.Default(), apitest.NoUse{}, settings{bootstrap: "founder", perPerson: 3})
	r.handler.routes(a.Mux)
	return r
}

func (r *harness) path(rest string) string { return "/v1/accounts/" + string(r.account.ID) + rest }

func TestEveryOperationIsOpenToItsRolesAlone(t *testing.T) {
	apitest.Matrix(t, func(t testing.TB) apitest.Fixture {
		f := fixture(t)
		waits(t, f.API)
		return f
	}, ofEveryCaller)
}

func TestAccountsAreWalls(t *testing.T) {
	apitest.Walls(t, fixture, ofEveryCaller)
}

func TestNoReadIsWithoutABound(t *testing.T) { apitest.Reads(t, fixture, served) }

func TestAFailureOfTheStoreIsNoAnswer(t *testing.T) {
	apitest.Failures(t, func(t testing.TB) apitest.Fixture {
		f := fixture(t)
		invited := map[string]any{"token": f.Call(t, "createInvitation", "", map[string]any{"role": "viewer"}).JSON(t)["token"]}
		f.Bodies = maps.Clone(f.Bodies)
		f.Bodies["showInvitation"], f.Bodies["acceptInvitation"] = invited, invited
		return f
	}, served, map[string]string{"blockKey": "account", "unblockKey": "account", "revokeAnyKey": "account"}) // the key that was changed is shown without it
}

func TestNoAccountMakesAnothersCallsSlower(t *testing.T) {
	apitest.Costs(t, fixture, ofEveryCaller)
}

func TestBoundsAreAsTheContractSays(t *testing.T) {
	apitest.Bounds(t, fixture, served, map[string]string{"setAccountQuota.billing_type": "it has to fit the account's type"})
}

func TestAFloodOfRequestsBreaksNothing(t *testing.T) { apitest.Flood(t, fixture, served, 30_000) }

func TestNoTextHoldsASecretOrWhatHides(t *testing.T) { apitest.RefusedTexts(t, fixture, served) }

func served(op apitest.Operation) bool { return op.ServedBy() == "accounts" }

func fixture(t testing.TB) apitest.Fixture {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	r.Member(t, r.account.ID, "colleague", account.Developer)
	k := r.NewKey(t, r.account)
	blocked := r.NewKey(t, r.account)
	r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/keys/" + string(blocked.ID) + "/block", Body: map[string]any{"reason": "abuse"}})
	i := r.Want(t, 201, apitest.Call{As: "owner", Method: "POST", Path: r.path("/invitations"), Body: map[string]any{"role": "viewer"}}).JSON(t)
	o := r.Want(t, 202, apitest.Call{As: "operator", Method: "PATCH", Path: r.path(""), Body: map[string]any{"type": "enterprise"}}).JSON(t)
	return apitest.Fixture{
		API: r.API, Account: r.account.ID,
		Params: map[string]string{
			"account": string(r.account.ID), "key": string(k.ID), "sub": "colleague", "invitation": i["id"].(string),
			"operation": o["id"].(string), "product": "search", "class": "search", "month": "2026-10", "group": "tiles",
		},
		Instead: map[string]map[string]string{
			"unblockKey": {"key": string(blocked.ID)}, "deleteOperator": {"sub": "support"},
		},
		Bodies: map[string]any{
			"createAccount": map[string]any{"name": "Mine"}, "putMember": map[string]any{"role": "viewer"},
			"createInvitation": map[string]any{"role": "developer"}, "blockKey": map[string]any{"reason": "abuse"},
			"putAccountPolicy": map[string]any{"leaks": map[string]any{"frontend": "refuse", "backend": "rotate", "mobile": "notify"}},
			"putOperator":      map[string]any{}, "unblockKey": map[string]any{},
			"closeAccount": map[string]any{"confirm_name": r.account.Name}, "erasePerson": map[string]any{"subject": "colleague"},
			"revokeAnyKey": map[string]any{"reason": "abuse"}, "suspendAccount": map[string]any{"reason": "abuse"}, "setAccountLimit": map[string]any{"qps": 50}, "setAccountQuota": map[string]any{"billing_type": "evaluation", "day": 50, "month": 500}, "acceptProduct": map[string]any{"version": string(product.Default().Version())},
			"closeStatement": map[string]any{"reason": "garbage"},
			"endSessions":    map[string]any{"subject": "colleague"}, "findAnyKeys": map[string]any{"secret_sha256": hex.EncodeToString(k.Current.Hash[:])},
		},
	}
}

// waits makes another account suspended, with a key that is exposed and blocked: each list of operators has something.
func waits(t testing.TB, r *apitest.API) {
	t.Helper()
	a := r.NewAccount(t, func(a *account.Account) { a.ID = apitest.Waiting })
	r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/accounts/" + string(a.ID) + "/suspend", Body: map[string]any{"reason": "abuse"}})
	if _, err := r.Edit(t.Context(), r.NewKey(t, a), "key.expose", func(k *apikey.Key) {
		k.Current.Exposed = apikey.Exposure{At: r.Clock.Now(), By: apikey.ReportedByGitHub}
		k.Blocked = &apikey.Block{Reason: "Leaked.", At: r.Clock.Now()}
	}); err != nil {
		t.Fatal(err)
	}
}

func TestOwnersRenameAndOperatorsDoTheRest(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	patch := func(as string, body map[string]any, status int) apitest.Answer {
		t.Helper()
		return r.Want(t, status, apitest.Call{As: as, Method: "PATCH", Path: r.path(""), Body: body})
	}
	patch("owner", map[string]any{"type": "enterprise"}, 403)
	patch("owner", map[string]any{"key_limit": 1000}, 403)
	patch("operator", map[string]any{"name": "Mine"}, 403)
	if doc := patch("owner", map[string]any{"name": " New name "}, 200).JSON(t); doc["name"] != "New name" {
		t.Errorf("%v", doc)
	}
	patch("operator", map[string]any{"type": "enterprise", "key_limit": 200}, 202)
	doc := patch("operator", map[string]any{"type": "enterprise"}, 200).JSON(t)
	if doc["type"] != "enterprise" || doc["key_limit"] != 200.0 || doc["pending_type"] != nil {
		t.Errorf("%v", doc)
	}
	for _, row := range r.AllAudit(t, r.account.ID) {
		if row.Action == "account.type" && row.Actor.Role != account.RoleOperator {
			t.Errorf("the operator's row says %q", row.Actor.Role)
		}
	}
}

func TestAChangeOfTypeIsAnOperationThatCanBeRead(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	free := r.NewKey(t, r.account, func(k *apikey.Key) { k.BillingType = apikey.Freemium })
	payg := r.NewKey(t, r.account, func(k *apikey.Key) { k.BillingType = apikey.PayAsYouGrow })
	answer := r.Want(t, 202, apitest.Call{As: "operator", Method: "PATCH", Path: r.path(""), Body: map[string]any{
		"type": "enterprise", "billing_types": map[string]any{"pay_as_you_grow": "paying"},
	}})
	at := answer.Header.Get("Location")
	if at != r.path("/operations/"+answer.JSON(t)["id"].(string)) {
		t.Fatalf("Location %q", at)
	}
	if doc := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: at}).JSON(t); doc["status"] != "done" || doc["type"] != "enterprise" {
		t.Errorf("%v", doc)
	}
	for id, want := range map[apikey.ID]apikey.BillingType{free.ID: apikey.Evaluation, payg.ID: apikey.Paying} {
		k, err := r.Control.Key(t.Context(), r.account.ID, id)
		if err != nil || k.BillingType != want || k.AccountType != account.Enterprise {
			t.Errorf("%+v, %v, want %s", k, err, want)
		}
	}
	for _, id := range []string{"op_x", "op_01HZY3M7Q8R9S0T1V2W3X4Y5Z6", "x"} {
		r.Want(t, 404, apitest.Call{As: "owner", Method: "GET", Path: r.path("/operations/" + id)})
	}
}

func TestMoreKeysThanOneAnswerHasTimeForAreLeftToTheJob(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	raised := r.account
	raised.KeyLimit = keysAtOnce + 1
	if _, err := r.Control.UpdateAccount(t.Context(), r.account, raised, keytest.Row(r.account.ID, "account.edit", "")); err != nil {
		t.Fatal(err)
	}
	for range keysAtOnce + 1 {
		r.NewKey(t, r.account)
	}
	patch := apitest.Call{As: "operator", Method: "PATCH", Path: r.path(""), Body: map[string]any{"type": "enterprise"}}
	first := r.Want(t, 202, patch)
	if doc := r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: first.Header.Get("Location")}).JSON(t); doc["status"] != "running" || doc["ended_at"] != nil {
		t.Fatalf("%v", doc)
	}
	again := r.Want(t, 202, patch) // goes on with the same
	if doc := again.JSON(t); doc["status"] != "done" || again.Header.Get("Location") != first.Header.Get("Location") {
		t.Errorf("%v", doc)
	}
}

func TestAMappingThatCantBeFollowedIsRefusedBeforeAnythingChanges(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	for want, body := range map[string]map[string]any{
		"422 invalid [/billing_types]": {"type": "enterprise", "billing_types": map[string]any{"freemium": "pay_as_you_grow"}},
		"422 invalid [/type]":          {"type": "gold"},
	} {
		if got := r.Do(t, apitest.Call{As: "operator", Method: "PATCH", Path: r.path(""), Body: body}).Problem(); got != want {
			t.Errorf("%v: %s", body, got)
		}
	}
	for _, body := range []map[string]any{
		{"billing_types": map[string]any{"freemium": "paying"}},
		{"type": "enterprise", "billing_types": map[string]any{"gold": "paying"}},
		{"type": "enterprise", "billing_types": map[string]any{"freemium": 1}},
		{"type": "enterprise", "billing_types": "paying"},
	} {
		if got := r.Do(t, apitest.Call{As: "operator", Method: "PATCH", Path: r.path(""), Body: body}); got.Status != 422 {
			t.Errorf("%v: %s", body, got.Problem())
		}
	}
	r.Want(t, 403, apitest.Call{As: "owner", Method: "PATCH", Path: r.path(""), Body: map[string]any{"billing_types": map[string]any{}}})
	if a, err := r.Control.Account(t.Context(), r.account.ID); err != nil || !a.Same(r.account) {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestClosingAnAccountRevokesItsKeysAndKeepsItsAuditTrail(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	k := r.NewKey(t, r.account)
	closing := apitest.Call{As: "operator", Method: "POST", Path: r.path("/close")}
	if doc := r.Want(t, 200, closing).JSON(t); doc["closed_at"] == nil {
		t.Errorf("%v", doc)
	}
	r.Want(t, 200, closing)
	stored, err := r.Control.Key(t.Context(), r.account.ID, k.ID)
	if err != nil || stored.RevokedAt.IsZero() {
		t.Errorf("the key is %+v, %v", stored, err)
	}
	r.CheckGate(t, stored)
	r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path("/audit")})
	call := apitest.Call{As: "owner", Method: "PUT", Path: r.path("/members/developer"), Body: map[string]any{"role": "viewer"}}
	if got := r.Do(t, call); got.Problem() != "409 account_closed []" {
		t.Error(got.Problem())
	}
}

func TestTheLastOwnerStays(t *testing.T) {
	r := newHarness(t)
	leave := apitest.Call{As: "owner", Method: "DELETE", Path: r.path("/members/owner")}
	if got := r.Do(t, leave); got.Problem() != "409 last_owner []" {
		t.Error(got.Problem())
	}
	lower := apitest.Call{As: "owner", Method: "PUT", Path: r.path("/members/owner"), Body: map[string]any{"role": "viewer"}}
	if got := r.Do(t, lower); got.Problem() != "409 last_owner []" {
		t.Error(got.Problem())
	}
	weird := "auth0|a/b c%"
	put := apitest.Call{As: "owner", Method: "PUT", Path: r.path("/members/" + url.PathEscape(weird)), Body: map[string]any{"role": "owner"}}
	r.Want(t, 404, put)
	r.Member(t, r.account.ID, weird, account.Viewer)
	if doc := r.Want(t, 200, put).JSON(t); doc["subject"] != weird || doc["role"] != "owner" {
		t.Errorf("%v", doc)
	}
	r.Want(t, 200, put)
	r.Want(t, 200, leave)
	r.Want(t, 404, leave) // no member any more, so the account is as good as unknown
}

func TestMembersMayLeaveButNotRemoveOthers(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	remove := func(as, sub string, status int) {
		t.Helper()
		r.Want(t, status, apitest.Call{As: as, Method: "DELETE", Path: r.path("/members/" + sub)})
	}
	remove("viewer", "developer", 403)
	remove("developer", "owner", 403)
	remove("viewer", "viewer", 200)
	remove("owner", "developer", 200)
	r.Want(t, 404, apitest.Call{As: "developer", Method: "GET", Path: r.path("")})
	remove("owner", "developer", 204)
}

func TestInvitationWorksOnce(t *testing.T) {
	r := newHarness(t)
	invite := apitest.Call{As: "owner", Method: "POST", Path: r.path("/invitations"), Body: map[string]any{"role": "developer", "email": "New@example.com"}}
	token := r.Want(t, 201, invite).JSON(t)["token"].(string)
	list := r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path("/invitations")})
	if strings.Contains(string(list.Body), token) {
		t.Error("the list shows the token")
	}
	accept := apitest.Call{As: "new", Method: "POST", Path: "/v1/invitations/accept", Body: map[string]any{"token": token}}
	if doc := r.Want(t, 200, accept).JSON(t); doc["role"] != "developer" || doc["id"] != string(r.account.ID) {
		t.Errorf("%v", doc)
	}
	accept.As = "another"
	if got := r.Do(t, accept); got.Problem() != "404 invitation_not_found []" {
		t.Error(got.Problem())
	}
	late := r.Want(t, 201, invite).JSON(t)["token"].(string)
	r.Clock.Advance(invitationLife)
	accept.Body = map[string]any{"token": late}
	if got := r.Do(t, accept); got.Problem() != "404 invitation_not_found []" {
		t.Error(got.Problem())
	}
}

func TestFirstOperatorIsTheOneThatTheStackNames(t *testing.T) {
	r := newHarness(t)
	put := func(as, sub string, status int) {
		t.Helper()
		r.Want(t, status, apitest.Call{As: as, Method: "PUT", Path: "/v1/operators/" + sub, Body: map[string]any{}})
	}
	put("owner", "owner", 403)
	put("founder", "owner", 403)
	put("owner", "founder", 403)
	put("founder", "founder", 201)
	put("founder", "founder", 200)
	put("founder", "second", 201)
	r.Want(t, 204, apitest.Call{As: "second", Method: "DELETE", Path: "/v1/operators/founder"})
	put("founder", "founder", 403) // bootstrapping works once
	if got := r.Do(t, apitest.Call{As: "second", Method: "DELETE", Path: "/v1/operators/second"}); got.Code() != "not_yourself" {
		t.Error(got.Problem())
	}
}

// Operators of an issuer before are strangers to the next one, and nobody of it has a right that they could give. The stack names the
// first one with the issuer, once: a subject alone may be another person's at each issuer.
func TestAnIssuerThatHasChangedHasAFirstOperatorToo(t *testing.T) {
	r := newHarness(t)
	before := account.Subject{Issuer: "https://before.example", ID: "founder"}
	err := r.Control.AddFirstOperator(t.Context(), control.Operator{Subject: before, Rank: account.Admin}, keytest.Row("", "operator.add", ""))
	if err != nil {
		t.Fatal(err)
	}
	put := func(as, sub string, status int) {
		t.Helper()
		r.Want(t, status, apitest.Call{As: as, Method: "PUT", Path: "/v1/operators/" + sub, Body: map[string]any{}})
	}
	for _, named := range []string{"founder", "https://before.example#founder", keytest.Issuer + "#", keytest.Issuer + "#owner", keytest.Issuer + "founder", ""} {
		r.handler.operators.bootstrap = named
		put("founder", "founder", 403)
	}
	r.handler.operators.bootstrap = keytest.Issuer + "#founder"
	put("owner", "owner", 403)
	put("founder", "owner", 403)
	put("owner", "founder", 403)
	put("founder", "founder", 201)
	put("founder", "second", 201)
	r.Want(t, 204, apitest.Call{As: "second", Method: "DELETE", Path: "/v1/operators/founder"})
	put("founder", "founder", 403) // once
}

func TestOperatorsFindAccountsAndKeys(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	k := r.NewKey(t, r.account)
	find := func(query string) []any {
		t.Helper()
		return r.Want(t, 200, apitest.Call{As: "operator", Method: "GET", Path: "/v1/operator/accounts" + query}).JSON(t)["accounts"].([]any)
	}
	for _, query := range []string{"?q=" + string(r.account.ID), "?email=VIEWER@example.com", "?q=" + url.QueryEscape(r.account.Name)} {
		if found := find(query); len(found) == 0 {
			t.Errorf("%s finds nothing", query)
		}
	}
	name := url.QueryEscape(strings.ToUpper(r.account.Name[:2]))
	for query, want := range map[string]int{
		"?email=viewer@example.com&q=" + name: 1, "?email=viewer@example.com&q=" + string(r.account.ID): 1, "?email=viewer@example.com&q=": 1, "?email=&q=" + name: 2,
		"?email=viewer@example.com&q=acc_01M8037VFM8V4C195KBQ2WVM3R": 0, "?email=viewer@example.com&q=" + url.QueryEscape(r.account.Name) + "x": 0,
		"?email=nobody@example.com&q=" + name: 0,
	} {
		if found := find(query); len(found) != want {
			t.Errorf("%s finds %v, want %d", query, found, want)
		}
	}
	if found := find("?q=acc_01M8037VFM8V4C195KBQ2WVM3R"); len(found) != 0 {
		t.Errorf("%v", found)
	}
	key := "/v1/operator/keys/" + string(k.ID)
	block := apitest.Call{As: "operator", Method: "POST", Path: key + "/block", Body: map[string]any{"reason": "abuse"}}
	doc := r.Want(t, 200, block).JSON(t)["key"].(map[string]any)
	if doc["status"] != "blocked" || doc["blocked"].(map[string]any)["by"] != "operator@example.com" {
		t.Errorf("%v", doc)
	}
	if again := r.Want(t, 200, block).JSON(t)["key"].(map[string]any); again["version"] != doc["version"] {
		t.Errorf("the same again changes the key: %v", again)
	}
	block.Body = map[string]any{"reason": "more abuse"}
	if again := r.Want(t, 200, block).JSON(t)["key"].(map[string]any); again["version"] == doc["version"] || again["blocked"].(map[string]any)["reason"] != "more abuse" {
		t.Errorf("another block doesn't replace the first: %v", again)
	}
	r.Want(t, 422, apitest.Call{As: "operator", Method: "POST", Path: key + "/block", Body: map[string]any{"reason": " \n "}})
	r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: key + "/unblock"})
	rows := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.path("/keys/" + string(k.ID) + "/audit")}).JSON(t)["rows"].([]any)
	actions := map[string]bool{}
	for _, row := range rows {
		actions[row.(map[string]any)["action"].(string)] = true
	}
	if !actions["key.block"] || !actions["key.unblock"] {
		t.Errorf("the key's audit rows: %v", actions)
	}
}

func TestMeListsWhatThePersonBelongsTo(t *testing.T) {
	r := newHarness(t)
	created := r.Want(t, 201, apitest.Call{As: "newcomer", Method: "POST", Path: "/v1/accounts", Body: map[string]any{"name": "Ma carte"}}).JSON(t)
	if created["type"] != "self_serve" || created["role"] != "owner" {
		t.Errorf("%v", created)
	}
	me := r.Want(t, 200, apitest.Call{As: "newcomer", Method: "GET", Path: "/v1/me"}).JSON(t)
	accounts := me["accounts"].([]any)
	if me["email"] != "newcomer@example.com" || me["operator"] != false || len(accounts) != 1 || accounts[0].(map[string]any)["id"] != created["id"] {
		t.Errorf("%v", me)
	}
}

func TestContractIsServed(t *testing.T) {
	r := newHarness(t)
	answer := r.Want(t, 200, apitest.Call{Method: "GET", Path: "/openapi.yaml"})
	if !strings.HasPrefix(string(answer.Body), "openapi: 3.1") {
		t.Errorf("%.40s", answer.Body)
	}
}
