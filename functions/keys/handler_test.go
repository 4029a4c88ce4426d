package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

// harness is the function on a store of its own, with one account and its people.
type harness struct {
	*apitest.API
	account account.Account
	handler *handler
}

func newHarness(t testing.TB) *harness {
	t.Helper()
	return newHarnessOn(t, keytest.Open(t))
}

func newHarnessOn(t testing.TB, stores keytest.Stores) *harness {
	t.Helper()
	r := newHarnessWithoutOn(t, stores)
	r.Member(t, r.account.ID, "developer", account.Developer)
	r.Member(t, r.account.ID, "viewer", account.Viewer)
	return r
}

// newHarnessWithout has the owner alone.
func newHarnessWithout(t testing.TB) *harness {
	t.Helper()
	return newHarnessWithoutOn(t, keytest.Open(t))
}

func newHarnessWithoutOn(t testing.TB, stores keytest.Stores) *harness {
	t.Helper()
	a := apitest.New(t, stores)
	r := &harness{API: a, account: a.NewAccount(t)}
	r.handler = &handler{store: a.Control, counters: web.UsesIn(counters.New(a.DB.(counters.Client), a.Tables.Counters), nil), service: &web.KeyService{
		Store: a.Control, Source: a.Source, Prefix: apikey.DefaultPrefix, Texts: apitest.Texts, Products: product.Default(), Used: apitest.NoUse{}, Sealer: apitest.Sealer{},
	}}
	r.handler.routes(a.Mux)
	return r
}

func (r *harness) keys() string { return "/v1/accounts/" + string(r.account.ID) + "/keys" }

func (r *harness) create(t testing.TB, body map[string]any) map[string]any {
	t.Helper()
	full := map[string]any{"name": "My key", "usage": "backend", "products": []string{"search"}}
	for k, v := range body {
		full[k] = v
	}
	return r.Want(t, 201, apitest.Call{As: "developer", Method: "POST", Path: r.keys(), Body: full}).JSON(t)
}

func (r *harness) path(k map[string]any) string { return r.keys() + "/" + k["id"].(string) }

func (r *harness) post(t testing.TB, status int, as string, k map[string]any, action string, body any) apitest.Answer {
	t.Helper()
	call := apitest.Call{As: as, Method: "POST", Path: r.path(k) + "/" + action, Body: body}
	if action == "proposal/promote" { // which needs a version; any will do
		call.Headers = map[string]string{"If-Match": "*"}
	}
	return r.Want(t, status, call)
}

func TestCreateShowsTheSecretOnceAndTheGateKnowsIt(t *testing.T) {
	r := newHarness(t)
	answer := r.Want(t, 201, apitest.Call{As: "developer", Method: "POST", Path: r.keys(), Body: map[string]any{
		"name": "  Shop  ", "usage": "frontend", "products": []string{"search", "map-display", "search"}, "domains": []string{"Example.COM", "example.com"},
	}})
	k := answer.JSON(t)
	secret, err := apikey.DefaultPrefix.Parse(k["secret"].(string))
	if err != nil {
		t.Fatal(err)
	}
	if got := answer.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: %q", got)
	}
	want := map[string]any{
		"name": "Shop", "status": "active", "missing_origin": "deny", "billing_type": "freemium", "preview": secret.Preview(),
		"products": "[map-display search]", "domains": "[example.com]", "version": "1",
	}
	for name, value := range want {
		if fmt.Sprint(k[name]) != fmt.Sprint(value) {
			t.Errorf("%s: %v, want %v", name, k[name], value)
		}
	}
	stored, err := r.Control.Key(t.Context(), r.account.ID, apikey.ID(k["id"].(string)))
	if err != nil {
		t.Fatal(err)
	}
	r.CheckGate(t, stored)
	for _, path := range []string{r.keys(), r.path(k)} {
		if body := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: path}).Body; strings.Contains(string(body), secret.Reveal()) {
			t.Errorf("%s shows the secret", path)
		}
	}
	if strings.Count(r.All.String(), secret.Reveal()) != 1 {
		t.Errorf("the secret is in %d answers, want 1", strings.Count(r.All.String(), secret.Reveal()))
	}
	if strings.Contains(r.Logs.String(), secret.Reveal()) {
		t.Error("the secret is in the log")
	}
}

func TestCreateRefusesInvalidMembers(t *testing.T) {
	good := func(change func(map[string]any)) map[string]any {
		body := map[string]any{"name": "a", "usage": "backend", "products": []string{"search"}}
		change(body)
		return body
	}
	many := make([]string, 101)
	for i := range many {
		many[i] = fmt.Sprintf("d%d.example.com", i)
	}
	cases := map[string]struct {
		body any
		want string
	}{
		"no name":             {good(func(b map[string]any) { delete(b, "name") }), "422 invalid [/name]"},
		"blank name":          {good(func(b map[string]any) { b["name"] = " \t " }), "422 invalid [/name]"},
		"long name":           {good(func(b map[string]any) { b["name"] = strings.Repeat("é", 65) }), "422 invalid [/name]"},
		"control in name":     {good(func(b map[string]any) { b["name"] = "a\x00b" }), "422 invalid [/name]"},
		"name is a number":    {good(func(b map[string]any) { b["name"] = 7 }), "422 invalid [/name]"},
		"name in capitals":    {good(func(b map[string]any) { b["NAME"] = "x" }), "422 invalid [/NAME]"},
		"usage unknown":       {good(func(b map[string]any) { b["usage"] = "Backend" }), "422 invalid [/usage]"},
		"no products":         {good(func(b map[string]any) { b["products"] = []string{} }), "422 invalid [/products]"},
		"unknown product":     {good(func(b map[string]any) { b["products"] = []string{"search", "x"} }), "422 invalid [/products/1]"},
		"product is null":     {good(func(b map[string]any) { b["products"] = []any{nil} }), "422 invalid [/products/0]"},
		"bad domain":          {good(func(b map[string]any) { b["domains"] = []string{"ok.example.com", "*.co.uk"} }), "422 invalid [/domains/1]"},
		"too many domains":    {good(func(b map[string]any) { b["domains"] = many }), "422 invalid [/domains]"},
		"own billing type":    {good(func(b map[string]any) { b["billing_type"] = "freemium" }), "422 invalid [/billing_type]"},
		"expiry in the past":  {good(func(b map[string]any) { b["expires_at"] = "2020-01-01T00:00:00.000Z" }), "422 invalid [/expires_at]"},
		"expiry is no time":   {good(func(b map[string]any) { b["expires_at"] = "tomorrow" }), "422 invalid [/expires_at]"},
		"null usage":          {good(func(b map[string]any) { b["usage"] = nil }), "422 invalid [/usage]"},
		"read-only members":   {good(func(b map[string]any) { b["id"], b["status"] = "key_1", "active" }), "422 invalid [/id /status]"},
		"several at once":     {good(func(b map[string]any) { b["name"], b["domains"] = "", []string{"a/b"} }), "422 invalid [/name /domains/0]"},
		"not JSON":            {`{"name":`, "400 body_not_json []"},
		"two documents":       {`{} {}`, "400 body_not_json []"},
		"a list":              {`[]`, "400 body_not_object []"},
		"null":                {`null`, "400 body_not_object []"},
		"member twice":        {`{"name":"a","name":"b"}`, "400 body_duplicate_member []"},
		"member twice, coded": {`{"name":"a","n\u0061me":"b"}`, "400 body_duplicate_member []"},
		"invalid UTF-8":       {"{\"name\":\"\xff\"}", "400 body_not_utf8 []"},
		"half a surrogate":    {`{"name":"\ud800"}`, "400 body_not_utf8 []"},
		"deep":                {`{"name":` + strings.Repeat("[", 50) + strings.Repeat("]", 50) + `}`, "400 body_not_json []"},
		"64 KiB and a byte":   {`{"name":"` + strings.Repeat("a", gateway.MaxBody) + `"}`, "413 body_too_large []"},
		"empty":               {``, "415 content_type_unsupported []"},
	}
	r := newHarness(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := r.Do(t, apitest.Call{As: "developer", Method: "POST", Path: r.keys(), Body: c.body})
			if got.Problem() != c.want {
				t.Errorf("got %s, want %s\n%s", got.Problem(), c.want, got.Body)
			}
		})
	}
	t.Run("content type", func(t *testing.T) {
		for _, kind := range []string{"text/plain", "application/json; charset=latin1", "", "application/xml"} {
			got := r.Do(t, apitest.Call{As: "developer", Method: "POST", Path: r.keys(), Body: "{}", Headers: map[string]string{"Content-Type": kind}})
			if got.Problem() != "415 content_type_unsupported []" {
				t.Errorf("%q: %s", kind, got.Problem())
			}
		}
	})
	if page, err := r.Control.Keys(t.Context(), r.account.ID, allKeys); err != nil || len(page.Keys) != 0 {
		t.Errorf("refused requests left %d keys, %v", len(page.Keys), err)
	}
}

func TestIdempotentCreateReplaysWithoutTheSecret(t *testing.T) {
	r := newHarness(t)
	call := apitest.Call{
		As: "developer", Method: "POST", Path: r.keys(), Headers: map[string]string{"Idempotency-Key": "abc"},
		Body: map[string]any{"name": "a", "usage": "backend", "products": []string{"search"}},
	}
	first := r.Want(t, 201, call).JSON(t)
	answer := r.Want(t, 201, call)
	again := answer.JSON(t)
	if again["id"] != first["id"] || again["secret"] != nil || again["secret_unavailable"] != true || answer.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("the replay is %v, %v", again, answer.Header)
	}
	other := call
	other.Body = map[string]any{"name": "b", "usage": "backend", "products": []string{"search"}}
	if got := r.Do(t, other); got.Code() != "idempotency_key_reused" || got.Status != 422 {
		t.Errorf("another body: %s", got.Problem())
	}
	someoneElse := call
	someoneElse.As = "owner"
	if k := r.Want(t, 201, someoneElse).JSON(t); k["id"] == first["id"] {
		t.Error("another person's key of the same value replayed this one's")
	}
	r.Clock.Advance(25 * time.Hour)
	if k := r.Want(t, 201, call).JSON(t); k["id"] == first["id"] {
		t.Error("a day later it still replays")
	}
	for _, bad := range []string{"a b", strings.Repeat("x", 256), "é"} {
		call.Headers = map[string]string{"Idempotency-Key": bad}
		if got := r.Do(t, call); got.Code() != "parameter_invalid" {
			t.Errorf("%q: %s", bad, got.Problem())
		}
	}
}

// A repetition is answered before anything is checked that time or the first request has changed.
func TestARepeatedCreateIsReplayedAfterItsExpiryHasPassed(t *testing.T) {
	r := newHarness(t)
	call := apitest.Call{
		As: "developer", Method: "POST", Path: r.keys(), Headers: map[string]string{"Idempotency-Key": "abc"},
		Body: map[string]any{
			"name": "a", "usage": "backend", "products": []string{"search"}, "expires_at": keytest.Now.Add(time.Hour).Format(time.RFC3339),
		},
	}
	first := r.Want(t, 201, call).JSON(t)
	r.Clock.Advance(2 * time.Hour)
	if again := r.Want(t, 201, call).JSON(t); again["id"] != first["id"] {
		t.Errorf("the replay is of %v, want %v", again["id"], first["id"])
	}
}

func TestKeyLimitIsExact(t *testing.T) {
	r := newHarness(t)
	for range account.DefaultKeyLimit {
		r.create(t, nil)
	}
	got := r.Do(t, apitest.Call{As: "owner", Method: "POST", Path: r.keys(), Body: map[string]any{"name": "x", "usage": "backend", "products": []string{"search"}}})
	if got.Problem() != "409 key_limit_reached []" {
		t.Fatal(got.Problem())
	}
}

func TestEditIsAMergePatchOnTheVersionThatWasRead(t *testing.T) {
	r := newHarness(t)
	k := r.create(t, map[string]any{"expires_at": "2030-01-01T00:00:00.000Z", "domains": []string{"example.com"}})
	patch := func(etag string, body any) apitest.Answer {
		headers := map[string]string{"If-Match": etag, "Content-Type": "application/merge-patch+json"}
		return r.Do(t, apitest.Call{As: "developer", Method: "PATCH", Path: r.path(k), Body: body, Headers: headers})
	}
	if got := patch("", map[string]any{"name": "x"}); got.Problem() != "428 if_match_required []" {
		t.Errorf("without If-Match: %s", got.Problem())
	}
	answer := patch(`"1"`, map[string]any{"name": "New", "domains": []string{}, "expires_at": nil, "missing_origin": "deny"})
	doc := answer.JSON(t)
	if answer.Status != 200 || doc["name"] != "New" || doc["expires_at"] != nil || fmt.Sprint(doc["domains"]) != "[]" || doc["missing_origin"] != "deny" {
		t.Errorf("%d %v", answer.Status, doc)
	}
	if fmt.Sprint(doc["products"]) != "[search]" || answer.Header.Get("ETag") != `"2"` {
		t.Errorf("products %v, ETag %s", doc["products"], answer.Header.Get("ETag"))
	}
	if got := patch(`"1"`, map[string]any{"name": "Late"}); got.Problem() != "412 version_stale []" {
		t.Errorf("a stale edit: %s", got.Problem())
	}
	if got := patch(`W/"2"`, map[string]any{"name": "Weak"}); got.Problem() != "412 version_stale []" {
		t.Errorf("a weak tag: %s", got.Problem())
	}
	rows := len(r.AllAudit(t, r.account.ID))
	if got := patch(`"2"`, map[string]any{"name": "New", "products": []string{"search"}, "domains": []string{}}); got.Status != 200 || got.Header.Get("ETag") != `"2"` {
		t.Errorf("an edit that changes nothing: %s", got.Problem())
	}
	if got := len(r.AllAudit(t, r.account.ID)); got != rows {
		t.Error("an edit that changed nothing left an audit row")
	}
	if got := patch(`"2"`, map[string]any{"name": nil, "products": nil}); got.Problem() != "422 invalid [/name /products]" {
		t.Errorf("nulls: %s", got.Problem())
	}
}

func TestStatusChangesFollowTheRules(t *testing.T) {
	r := newHarness(t)
	k := r.create(t, nil)
	status := func(answer apitest.Answer) any { return answer.JSON(t)["status"] }
	if got := status(r.post(t, 200, "developer", k, "disable", map[string]any{})); got != "disabled" {
		t.Error(got)
	}
	r.post(t, 200, "developer", k, "disable", nil) // twice is as good as once
	if got := status(r.post(t, 200, "developer", k, "enable", nil)); got != "active" {
		t.Error(got)
	}
	if got := r.post(t, 422, "owner", k, "revoke", map[string]any{"confirm_name": "my key"}); got.Pointers()[0] != "/confirm_name" {
		t.Error(got.Problem())
	}
	if got := status(r.post(t, 200, "owner", k, "revoke", map[string]any{"confirm_name": "My key"})); got != "revoked" {
		t.Error(got)
	}
	if got := r.post(t, 409, "developer", k, "enable", nil); got.Code() != "key_revoked" {
		t.Error(got.Problem())
	}
	if got := status(r.Want(t, 200, apitest.Call{As: "owner", Method: "DELETE", Path: r.path(k)})); got != "deleted" {
		t.Error(got)
	}
	if got := status(r.post(t, 200, "owner", k, "restore", nil)); got != "revoked" {
		t.Errorf("a restored revoked key is %v", got)
	}
	r.Want(t, 200, apitest.Call{As: "owner", Method: "DELETE", Path: r.path(k)})
	r.Clock.Advance(apikey.RestoreWindow)
	if got := r.post(t, 409, "owner", k, "restore", nil); got.Code() != "key_restore_too_late" {
		t.Error(got.Problem())
	}
}

func TestRevealShowsARecoverableSecretAndLeavesARow(t *testing.T) {
	r := newHarness(t)
	k := r.create(t, map[string]any{"recoverable": true})
	answer := r.post(t, 200, "owner", k, "reveal", nil)
	if got := answer.JSON(t)["secret"]; got != k["secret"] || answer.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("revealed %v", got == k["secret"])
	}
	rows := 0
	for _, row := range r.AllAudit(t, r.account.ID) {
		if row.Action == "key.reveal" && row.Actor.Email == "owner@example.com" && row.KeyID == k["id"] {
			rows++
			if want := []audit.Change{audit.Set("revealed", nil, k["preview"])}; !slices.Equal(row.Changes, want) {
				t.Errorf("the row says %+v, want which secret: %+v", row.Changes, want)
			}
		}
	}
	if rows != 1 {
		t.Errorf("%d audit rows, want 1", rows)
	}
	plain := r.create(t, nil)
	if got := r.post(t, 409, "owner", plain, "reveal", nil); got.Code() != "key_not_recoverable" {
		t.Error(got.Problem())
	}
}

// TestWhatIsStoredOfASecretMayBeOfNoUse: where its data key is gone, or the stack's secrets begin otherwise by now. That is no breakdown.
func TestWhatIsStoredOfASecretMayBeOfNoUse(t *testing.T) {
	r := newHarness(t)
	other := apikey.Prefix("other")
	old, err := other.Generate(rand.NewChaCha8([32]byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	for name, sealed := range map[string]func(apikey.ID) []byte{
		"data key": func(apikey.ID) []byte { return []byte("sealed by a key that is gone") },
		"prefix":   func(id apikey.ID) []byte { sealed, _ := apitest.Sealer{}.Seal(t.Context(), old, id); return sealed },
	} {
		k := r.NewKey(t, r.account, func(k *apikey.Key) { k.Recoverable = true })
		if _, err := r.Edit(t.Context(), k, "key.edit", func(k *apikey.Key) { k.Current.Sealed = sealed(k.ID) }); err != nil {
			t.Fatal(err)
		}
		if got := r.Want(t, 409, apitest.Call{As: "owner", Method: "POST", Path: r.keys() + "/" + string(k.ID) + "/reveal"}); got.Code() != "key_not_recoverable" {
			t.Errorf("%s: %s", name, got.Problem())
		}
	}
}

func TestProposalIsDroppedOrPromoted(t *testing.T) {
	r := newHarness(t)
	k := r.create(t, nil)
	put := apitest.Call{As: "developer", Method: "PUT", Path: r.path(k) + "/proposal", Body: map[string]any{"domains": []string{"example.com"}}}
	doc := r.Want(t, 200, put).JSON(t)
	if fmt.Sprint(doc["domains"]) != "[]" || doc["proposed"] == nil {
		t.Errorf("%v", doc)
	}
	got := r.post(t, 200, "viewer", k, "test", map[string]any{"origin": "https://evil.test"}).JSON(t)
	if got["code"] != "allowed" || got["proposed_code"] != "domain_not_allowed" {
		t.Errorf("%v", got)
	}
	doc = r.post(t, 200, "developer", k, "proposal/promote", nil).JSON(t)
	if fmt.Sprint(doc["domains"]) != "[example.com]" || doc["proposed"] != nil {
		t.Errorf("%v", doc)
	}
	if got := r.post(t, 409, "developer", k, "proposal/promote", nil); got.Code() != "no_proposal" {
		t.Error(got.Problem())
	}
	r.Want(t, 200, put)
	if doc := r.Want(t, 200, apitest.Call{As: "developer", Method: "DELETE", Path: put.Path}).JSON(t); doc["proposed"] != nil {
		t.Errorf("%v", doc)
	}
	put.Body = map[string]any{}
	r.Want(t, 422, put)
}

func TestListFiltersSortsAndPages(t *testing.T) {
	r := newHarness(t)
	names := []string{"delta", "Alpha", "charlie", "Bravo", "echo"}
	for _, name := range names {
		r.create(t, map[string]any{"name": name})
		r.Clock.Advance(time.Second)
	}
	walk := func(query string) string {
		var got []string
		for token := ""; ; {
			doc := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.keys() + "?page_size=2" + query + token}).JSON(t)
			for _, k := range doc["keys"].([]any) {
				got = append(got, k.(map[string]any)["name"].(string))
			}
			if doc["next_page_token"] == nil {
				return strings.Join(got, " ")
			}
			token = "&page_token=" + doc["next_page_token"].(string)
		}
	}
	cases := map[string]string{
		"":                 "echo Bravo charlie Alpha delta",
		"&sort=created_at": "delta Alpha charlie Bravo echo",
		"&sort=name":       "Alpha Bravo charlie delta echo",
		"&sort=-name":      "echo delta charlie Bravo Alpha",
		"&q=HA":            "charlie Alpha",
		"&status=disabled": "", "&product=search": "echo Bravo charlie Alpha delta", "&product=routing": "",
	}
	for query, want := range cases {
		if got := walk(query); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
	if first := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.keys() + "?page_size=2&q=ha"}).JSON(t); first["sortable"] != true {
		t.Errorf("five keys: sortable %v", first["sortable"])
	}
	doc := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.keys() + "?page_size=2"}).JSON(t)
	token := doc["next_page_token"].(string)
	for _, query := range []string{"?sort=name&page_token=" + token, "?page_token=x", "?page_token=" + token[:len(token)-1]} {
		if got := r.Do(t, apitest.Call{As: "viewer", Method: "GET", Path: r.keys() + query}); got.Code() != "page_token_invalid" {
			if !strings.HasSuffix(query, token[:len(token)-1]) { // a shortened cursor is still a cursor
				t.Errorf("%q: %s", query, got.Problem())
			}
		}
	}
	if first := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.keys() + "?page_size=2&page_token="}).JSON(t); first["next_page_token"] != token {
		t.Errorf("an empty token isn't the first page: %v", first["next_page_token"])
	}
	for _, query := range []string{"?page_size=0", "?page_size=101", "?page_size=x", "?sort=id", "?sort=--name", "?sort=-", "?status=live", "?colour=red", "?q=a&q=b"} {
		if got := r.Do(t, apitest.Call{As: "viewer", Method: "GET", Path: r.keys() + query}); got.Code() != "parameter_invalid" {
			t.Errorf("%q: %s", query, got.Problem())
		}
	}
}

func TestRemovedMemberIsRefusedOnTheNextRequest(t *testing.T) {
	r := newHarness(t)
	r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.keys()})
	m, err := r.Control.Member(t.Context(), r.account.ID, keytest.Subject("viewer"))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Control.RemoveMember(t.Context(), m, keytest.Row(r.account.ID, "member.remove", "")); err != nil {
		t.Fatal(err)
	}
	r.Want(t, http.StatusNotFound, apitest.Call{As: "viewer", Method: "GET", Path: r.keys()})
}

var allKeys = control.KeyQuery{Deleted: true}

func TestOperatorsSetTheBillingTypeAndCustomersSeeIt(t *testing.T) {
	r := newHarness(t)
	operator := control.Operator{Subject: keytest.Subject("operator"), AddedAt: "2026-11-21T12:00:00.000Z"}
	r.NewOperator(t, operator)
	k := r.create(t, nil)
	set := func(as, billing string) apitest.Answer {
		path := "/v1/operator/accounts/" + string(r.account.ID) + "/keys/" + k["id"].(string) + "/billing-type"
		return r.Do(t, apitest.Call{As: as, Method: "PUT", Path: path, Body: map[string]any{"billing_type": billing}})
	}
	for as, want := range map[string]int{"owner": 403, "developer": 403, "stranger": 404, "operator": 200} {
		if got := set(as, "pay_as_you_grow"); got.Status != want {
			t.Errorf("%s: %s", as, got.Problem())
		}
	}
	if got := set("operator", "paying").Problem(); got != "422 invalid [/billing_type]" {
		t.Error(got)
	}
	if doc := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.path(k)}).JSON(t); doc["billing_type"] != "pay_as_you_grow" {
		t.Errorf("%v", doc)
	}
	r.post(t, 200, "owner", k, "revoke", map[string]any{"confirm_name": k["name"]})
	if got := set("operator", "freemium"); got.Status != 200 {
		t.Errorf("of a revoked key: %s", got.Problem())
	}
}

func TestAChangedUsageTakesItsRuleAlongUnlessTheCustomerChose(t *testing.T) {
	r := newHarness(t)
	for want, body := range map[string]map[string]any{
		"deny":  {"usage": "backend"},
		"allow": {"usage": "backend", "missing_origin": "allow"},
	} {
		k := r.create(t, body)
		doc := r.Want(t, 200, apitest.Call{
			As: "developer", Method: "PATCH", Path: r.path(k), Body: map[string]any{"usage": "frontend"}, Headers: map[string]string{"If-Match": `"1"`},
		}).JSON(t)
		if doc["missing_origin"] != want {
			t.Errorf("%v becomes a page's key: %v, want %s", body, doc["missing_origin"], want)
		}
	}
}

// What a customer sends is chosen, even if it is what the key has anyway; a second time it is no change any more.
func TestWhatIsSentIsChosenThoughItStaysTheSame(t *testing.T) {
	r := newHarness(t)
	k := r.create(t, map[string]any{"usage": "backend"})
	patch := func(body map[string]any) map[string]any {
		t.Helper()
		call := apitest.Call{As: "developer", Method: "PATCH", Path: r.path(k), Body: body, Headers: map[string]string{"If-Match": "*"}}
		return r.Want(t, 200, call).JSON(t)
	}
	first := patch(map[string]any{"missing_origin": "allow"})
	if again := patch(map[string]any{"missing_origin": "allow"}); again["version"] != first["version"] {
		t.Errorf("version %v after %v", again["version"], first["version"])
	}
	for _, kind := range []string{"frontend", "mobile", "frontend"} {
		if doc := patch(map[string]any{"usage": kind}); doc["missing_origin"] != "allow" {
			t.Errorf("as %s: %v", kind, doc["missing_origin"])
		}
	}
}
