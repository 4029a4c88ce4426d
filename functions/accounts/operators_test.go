package main

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

func (r *harness) rank(t testing.TB, as, sub string, body object, status int) apitest.Answer {
	t.Helper()
	return r.Want(t, status, apitest.Call{As: as, Method: "PUT", Path: "/v1/operators/" + sub, Body: body})
}

func TestSupportNamesNobodyAndAdminsChangeRanks(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	r.rank(t, "support", "friend", object{}, 403)
	r.rank(t, "support", "support", object{"rank": "admin"}, 403)
	r.rank(t, "operator", "friend", object{"rank": "king"}, 422)
	if doc := r.rank(t, "operator", "friend", object{"rank": "support"}, 201).JSON(t); doc["rank"] != "support" {
		t.Errorf("%v", doc)
	}
	if doc := r.rank(t, "operator", "friend", object{}, 200).JSON(t); doc["rank"] != "support" {
		t.Errorf("without a rank: %v", doc)
	}
	r.rank(t, "operator", "friend", object{"rank": "admin"}, 200)
	if got := r.rank(t, "operator", "operator", object{"rank": "support"}, 409); got.Code() != "not_yourself" {
		t.Error(got.Problem())
	}
	r.rank(t, "friend", "operator", object{"rank": "support"}, 200)
	r.rank(t, "operator", "friend", object{"rank": "support"}, 403)
	me := r.Want(t, 200, apitest.Call{As: "operator", Method: "GET", Path: "/v1/me"}).JSON(t)
	if me["operator"] != true || me["rank"] != "support" {
		t.Errorf("%v", me)
	}
}

// TestAnAddressIsTakenBackAsItIsShown: one that came with a token may be such as nobody could type into a form.
func TestAnAddressIsTakenBackAsItIsShown(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	before, err := r.Control.Operator(t.Context(), keytest.Subject("support"))
	if err != nil {
		t.Fatal(err)
	}
	after := before
	after.Email = `"a b"@example.com`
	if err := r.Control.ReplaceOperator(t.Context(), before, after, keytest.Subject("operator"), keytest.Row("", "operator.change", "")); err != nil {
		t.Fatal(err)
	}
	if doc := r.rank(t, "operator", "support", object{"rank": "admin", "email": after.Email}, 200).JSON(t); doc["email"] != after.Email || doc["rank"] != "admin" {
		t.Errorf("%v", doc)
	}
	r.rank(t, "operator", "support", object{"email": `"c d"@example.com`}, 422)
}

// Operators of an issuer before have their rights again if the stack goes back to it. So they are shown as such, and can be removed: they
// alone, and not who has the same subject at the present issuer.
func TestOperatorsOfAnIssuerBeforeCanBeRemoved(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	const before = "https://before.example/a b"
	for _, sub := range []string{"operator", "support"} {
		r.NewOperator(t, control.Operator{Subject: account.Subject{Issuer: before, ID: sub}, Rank: account.Admin, AddedAt: "2026-11-21T12:00:00Z"})
	}
	issuers := func() map[string]int {
		found := map[string]int{}
		for _, o := range r.Want(t, 200, apitest.Call{As: "support", Method: "GET", Path: "/v1/operators"}).JSON(t)["operators"].([]any) {
			from, _ := o.(object)["issuer"].(string)
			found[from+" "+o.(object)["subject"].(string)]++
		}
		return found
	}
	both := map[string]int{" operator": 1, " support": 1, before + " operator": 1, before + " support": 1}
	if got := issuers(); !maps.Equal(got, both) {
		t.Fatalf("%v", got)
	}
	remove := func(as, sub, query string) apitest.Call {
		return apitest.Call{As: as, Method: "DELETE", Path: "/v1/operators/" + sub + query}
	}
	of := "?issuer=" + url.QueryEscape(before)
	r.Want(t, 403, remove("support", "support", of))
	r.Want(t, 400, remove("operator", "support", "?issuer=a%7Cb"))
	r.Want(t, 400, remove("operator", "support", of+"&issuer=x"))
	r.Want(t, 400, remove("operator", "support", "?isuer=x"))
	r.Want(t, 204, remove("operator", "support", "?issuer=https://other.example"))
	if got := issuers(); !maps.Equal(got, both) {
		t.Fatalf("%v", got)
	}
	r.Want(t, 204, remove("operator", "operator", of)) // the same subject, another person
	r.Want(t, 204, remove("operator", "support", of))
	r.Want(t, 204, remove("operator", "support", of)) // again
	if got := issuers(); !maps.Equal(got, map[string]int{" operator": 1, " support": 1}) {
		t.Errorf("%v", got)
	}
	if got := r.Do(t, remove("operator", "operator", "?issuer="+url.QueryEscape(keytest.Issuer))); got.Code() != "not_yourself" {
		t.Error(got.Problem())
	}
	var named []string
	for _, row := range r.Want(t, 200, apitest.Call{As: "support", Method: "GET", Path: "/v1/operators/audit?action=operator.remove"}).JSON(t)["rows"].([]any) {
		named = append(named, row.(object)["changes"].([]any)[0].(object)["before"].(string))
	}
	slices.Sort(named) // they are of one moment
	if want := []string{before + "#operator", before + "#support"}; !slices.Equal(named, want) {
		t.Errorf("the rows name %q", named)
	}
}

func TestAnOperatorWithoutARankIsAnAdmin(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID) // writes "operator" as a release without ranks did
	me := r.Want(t, 200, apitest.Call{As: "operator", Method: "GET", Path: "/v1/me"}).JSON(t)
	if me["rank"] != "admin" {
		t.Errorf("%v", me)
	}
}

func TestOperatorsTrailIsReadable(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	r.rank(t, "operator", "friend", object{"rank": "support"}, 201)
	r.rank(t, "operator", "friend", object{"rank": "admin"}, 200)
	r.Want(t, 204, apitest.Call{As: "operator", Method: "DELETE", Path: "/v1/operators/friend"})
	read := apitest.Call{As: "support", Method: "GET", Path: "/v1/operators/audit"}
	actions := map[any]int{}
	for _, row := range r.Want(t, 200, read).JSON(t)["rows"].([]any) {
		if row := row.(object); row["actor"].(object)["subject"] == "operator" && row["actor"].(object)["email"] == "operator@example.com" {
			actions[row["action"]]++
		}
	}
	if want := (map[any]int{"operator.add": 1, "operator.change": 1, "operator.remove": 1}); !maps.Equal(actions, want) {
		t.Errorf("%v", actions)
	}
	read.As = "owner"
	r.Want(t, 403, read)
}

func TestOperatorsDecideNothingWhereTheyAreMembers(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	r.Member(t, r.account.ID, "operator", account.Owner)
	k := r.NewKey(t, r.account)
	for _, c := range []apitest.Call{
		{Method: "PATCH", Path: r.path(""), Body: object{"type": "enterprise"}},
		{Method: "PATCH", Path: r.path(""), Body: object{"key_limit": 5000, "name": "Mine"}},
		{Method: "POST", Path: "/v1/operator/keys/" + string(k.ID) + "/block", Body: object{"reason": "abuse"}},
		{Method: "POST", Path: "/v1/operator/keys/" + string(k.ID) + "/unblock"},
		{Method: "POST", Path: "/v1/operator/keys/" + string(k.ID) + "/revoke", Body: object{"reason": "abuse"}},
	} {
		c.As = "operator"
		if got := r.Do(t, c); got.Problem() != "403 own_account []" {
			t.Errorf("%s %s: %s", c.Method, c.Path, got.Problem())
		}
	}
	r.Want(t, 200, apitest.Call{As: "operator", Method: "PATCH", Path: r.path(""), Body: object{"name": "As its owner"}})
}

func TestAnOperatorRevokesAKeyForGood(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	k := r.NewKey(t, r.account)
	revoke := apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/keys/" + string(k.ID) + "/revoke", Body: object{"reason": "stolen card"}}
	for range 2 {
		if doc := r.Want(t, 200, revoke).JSON(t)["key"].(object); doc["status"] != "revoked" {
			t.Errorf("%v", doc)
		}
	}
	rows, revoked := r.AllAudit(t, r.account.ID), 0
	for _, row := range rows {
		if row.Action == "key.revoke" {
			revoked++
		}
	}
	if revoked != 1 {
		t.Errorf("%d rows of the revocation", revoked)
	}
	stored, err := r.Control.Key(t.Context(), r.account.ID, k.ID)
	if err != nil {
		t.Fatal(err)
	}
	r.CheckGate(t, stored)
}

func TestAnOperatorsLookLeavesOneRowAnHourAndCustomersReadNoName(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	k := r.NewKey(t, r.account)
	looks := func() (n int) {
		for _, row := range r.AllAudit(t, r.account.ID) {
			if row.Action == "operator.look" {
				n++
			}
		}
		return n
	}
	read := func(as string, paths ...string) {
		t.Helper()
		for _, path := range paths {
			r.Want(t, 200, apitest.Call{As: as, Method: "GET", Path: path})
		}
	}
	read("operator", r.path(""), r.path("/members"), r.path("/audit"), r.path("/invitations"))
	if looks() != 1 {
		t.Errorf("%d rows after four looks of one hour", looks())
	}
	read("support", "/v1/operator/accounts?q="+string(r.account.ID))
	if looks() != 2 {
		t.Errorf("%d rows after the account was searched by its ID by another operator", looks())
	}
	read("support", "/v1/operator/keys/"+string(k.ID))
	if looks() != 2 {
		t.Errorf("%d rows after that operator looked a key up too", looks())
	}
	r.Clock.Advance(time.Hour)
	read("operator", r.path("/keys/"+string(k.ID)+"/audit"))
	read("owner", r.path(""), r.path("/members"))
	if looks() != 3 {
		t.Errorf("%d rows after a look of another hour", looks())
	}
	r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/keys/" + string(k.ID) + "/block", Body: object{"reason": "abuse"}})
	for _, path := range []string{"/audit", "/keys/" + string(k.ID) + "/audit"} {
		answer := r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path(path)})
		for _, row := range answer.JSON(t)["rows"].([]any) {
			actor := row.(object)["actor"].(object)
			if actor["role"] == "operator" && (actor["subject"] != "Operator" || actor["email"] != nil) {
				t.Errorf("a customer reads the operator's name: %v", row)
			}
		}
		if strings.Contains(string(answer.Body), "operator@example.com") {
			t.Errorf("%s", answer.Body)
		}
	}
}

func TestOwnersSeeWhereTheirMembersActedFromAndNeverAnOperator(t *testing.T) {
	at := keytest.Now
	row := func(role string) audit.Row {
		return audit.Row{At: at, Source: "192.0.2.7", Actor: audit.Actor{Role: role}}
	}
	for _, c := range []struct {
		role  string
		owner bool
		now   time.Time
		want  string
	}{
		{"developer", true, at, "192.0.2.7"},
		{"developer", false, at, ""},
		{"operator", true, at, ""},
		{"system", true, at, ""},
		{"developer", true, at.Add(audit.SourceKept - time.Second), "192.0.2.7"},
		{"developer", true, at.Add(audit.SourceKept), ""},
	} {
		if got := row(c.role).ForCustomer(c.owner, c.now).Source; got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
	if got := row("developer").ForOperator().Source; got != "" {
		t.Errorf("operators see %q", got)
	}
}

// TestTheAddressOfAChangeIsShownToOwnersAlone, in each list that has it.
func TestTheAddressOfAChangeIsShownToOwnersAlone(t *testing.T) {
	const address = "192.0.2.7"
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	k := r.NewKey(t, r.account)
	row := keytest.Row(r.account.ID, "key.edit", k.ID)
	row.Actor.Role, row.Source, row.At = "owner", address, r.Clock.Now()
	after := k.Touched(r.Clock.Now())
	after.Name = "Changed"
	if _, err := r.Control.Commit(t.Context(), control.Change{Before: &k, After: after, Audit: row}); err != nil {
		t.Fatal(err)
	}
	lists := map[string][]string{
		"/audit":                           {"owner", "developer", "viewer", "operator", "support"},
		"/keys/" + string(k.ID) + "/audit": {"owner", "developer", "viewer", "operator", "support"},
	}
	for path, callers := range lists {
		for _, who := range callers {
			answer := r.Want(t, 200, apitest.Call{As: who, Method: "GET", Path: r.path(path)})
			if got := strings.Contains(string(answer.Body), address); got != (who == "owner") {
				t.Errorf("%s reads %s: the address is there: %v", who, path, got)
			}
		}
	}
}

func TestAPersonWhoIsDeniedIsLoggedBySubject(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	token := r.invite(t, "owner", object{"role": "viewer", "email": "somebody@else.example"})
	for _, c := range []apitest.Call{
		{As: "newcomer", Method: "POST", Path: "/v1/invitations/accept", Body: object{"token": token}}, // the store refuses
		{As: "stranger", Method: "GET", Path: r.path("")},
		{As: "viewer", Method: "POST", Path: r.path("/invitations"), Body: object{"role": "owner"}},
		{As: "owner", Method: "GET", Path: "/v1/operators"},
	} {
		r.Do(t, c)
		found := false
		for line := range strings.Lines(r.Logs.String()) {
			var v object
			if json.Unmarshal([]byte(line), &v) == nil && v["msg"] == "denied" && v["subject"] == c.As && v["route"] != "" {
				found = true
			}
		}
		if !found {
			t.Errorf("%s %s as %s left no line", c.Method, c.Path, c.As)
		}
	}
	if strings.Contains(r.Logs.String(), "@example.com") {
		t.Error("the log has an e-mail address")
	}
}

// Whatever an operator does with an account or a key shows them its data, also where nothing changes: the first of it in an
// hour leaves a row in the account's trail.
func TestWhatChangesNothingIsALookToo(t *testing.T) {
	for name, call := range map[string]func(r *harness, key string) apitest.Call{
		"an account by its ID": func(r *harness, _ string) apitest.Call {
			return apitest.Call{As: "support", Method: "GET", Path: "/v1/operator/accounts?q=" + string(r.account.ID)}
		},
		"an edit of nothing": func(r *harness, _ string) apitest.Call {
			return apitest.Call{As: "operator", Method: "PATCH", Path: r.path(""), Body: object{}}
		},
		"an edit to what is there": func(r *harness, _ string) apitest.Call {
			return apitest.Call{As: "operator", Method: "PATCH", Path: r.path(""), Body: object{"key_limit": account.DefaultKeyLimit}}
		},
		"a second revocation": func(_ *harness, key string) apitest.Call {
			return apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/keys/" + key + "/revoke", Body: object{"reason": "abuse"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newHarness(t)
			apitest.People(t, r.API, r.account.ID)
			k := r.NewKey(t, r.account, func(k *apikey.Key) { k.RevokedAt = keytest.Now })
			c := call(r, string(k.ID))
			r.Want(t, 200, c)
			rows := 0
			for _, row := range r.AllAudit(t, r.account.ID) {
				if row.Action == "operator.look" && row.Actor.Subject.ID == c.As {
					rows++
				}
			}
			if rows != 1 {
				t.Errorf("%d rows", rows)
			}
		})
	}
}

// The stack names one person: what it names with an issuer is nobody's plain subject, whatever people may choose as theirs.
func TestTheStackNamesOnePerson(t *testing.T) {
	const issuer = "https://issuer.example/realm"
	person := func(id string) account.Subject { return account.Subject{Issuer: issuer, ID: id} }
	for _, c := range []struct {
		named string
		who   account.Subject
		want  bool
	}{
		{"founder", person("founder"), true},
		{"founder", person("other"), false},
		{"", person(""), false},
		{issuer + "#founder", person("founder"), true},
		{issuer + "#founder", person(issuer + "#founder"), false},
		{issuer + "#founder", account.Subject{Issuer: "https://issuer.example", ID: "founder"}, false},
		{"https://issuer.example#founder", person("founder"), false},
		{"https://id.example/u#me", person("https://id.example/u#me"), true},
		{"a#b", person("b"), false},
	} {
		h := operators{bootstrap: c.named}
		if got := h.names(c.who); got != c.want {
			t.Errorf("%q names %v: %v", c.named, c.who, got)
		}
	}
}
