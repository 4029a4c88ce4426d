package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/moment"
	"latchkey/shared/qps"
)

// TestTheOverviewHasWhatWaits: requests that nobody has decided, and keys that are blocked and could be unblocked, the last one first.
func TestTheOverviewHasWhatWaits(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	overview := func() (pending, blocked float64, last []string) {
		t.Helper()
		doc := r.Want(t, 200, apitest.Call{As: "support", Method: "GET", Path: "/v1/operator/overview"}).JSON(t)
		for _, one := range doc["last_blocked"].([]any) {
			b := one.(map[string]any)
			if b["account_id"] != string(r.account.ID) || b["account_name"] != r.account.Name || b["blocked"].(map[string]any)["reason"] != "abuse" {
				t.Errorf("%v", b)
			}
			last = append(last, b["key_id"].(string))
		}
		return doc["pending_requests"].(float64), doc["blocked_keys"].(float64), last
	}
	want := func(step string, pending, blocked int, first string) {
		t.Helper()
		p, b, last := overview()
		if int(p) != pending || int(b) != blocked || len(last) != min(blocked, fewWaiting) || blocked > 0 && last[0] != first {
			t.Errorf("%s: %v pending, %v blocked, %v; want %d, %d and %s first", step, p, b, last, pending, blocked, first)
		}
	}
	want("an empty stack", 0, 0, "")
	operate := func(key, action string) {
		t.Helper()
		r.Clock.Advance(time.Minute)
		r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/keys/" + key + "/" + action, Body: object{"reason": "abuse"}})
	}
	var ids []string
	for range fewWaiting + 2 {
		k := r.NewKey(t, r.account)
		ids = append(ids, string(k.ID))
		operate(string(k.ID), "block")
	}
	want("all are blocked", 0, len(ids), ids[len(ids)-1])
	operate(ids[len(ids)-1], "unblock")
	want("the last one is unblocked", 0, len(ids)-1, ids[len(ids)-2])
	operate(ids[len(ids)-2], "revoke")
	want("the next is revoked", 0, len(ids)-2, ids[len(ids)-3])
	list := r.Want(t, 200, apitest.Call{As: "support", Method: "GET", Path: "/v1/operator/blocked-keys"}).JSON(t)
	last := r.Want(t, 200, apitest.Call{As: "support", Method: "GET", Path: "/v1/operator/overview"}).JSON(t)["last_blocked"].([]any)
	if all := list["keys"].([]any); len(all) != len(ids)-2 || list["next_page_token"] != nil || !reflect.DeepEqual(all[:len(last)], last) {
		t.Errorf("the list is %v, the overview has %v", all, last)
	}

	enterprise := r.NewAccount(t, func(a *account.Account) { a.Type = account.Enterprise })
	k := r.NewKey(t, enterprise)
	request := qps.Request{
		ID: "qps_01HZY3M7Q8R9S0T1V2W3X4Y5Z6", Account: enterprise.ID, KeyID: k.ID, Product: "search", Class: "search", Current: 5, Requested: 50, Justification: "More.",
		CreatedAt: r.Clock.Now(), Status: qps.Pending, Version: 1,
	}
	if err := r.Control.SubmitRequest(t.Context(), request, nil, keytest.Row(enterprise.ID, "qps.submit", k.ID)); err != nil {
		t.Fatal(err)
	}
	want("a request is filed", 1, len(ids)-2, ids[len(ids)-3])
}

// TestTheOverviewHasExposedKeysAndSuspendedAccounts, with what an operator needs to know of each.
func TestTheOverviewHasExposedKeysAndSuspendedAccounts(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	overview := func() string {
		t.Helper()
		doc := r.Want(t, 200, apitest.Call{As: "support", Method: "GET", Path: "/v1/operator/overview"}).JSON(t)
		of := map[string]any{}
		for _, member := range []string{"exposed_keys", "last_exposed", "suspended_accounts", "last_suspended"} {
			of[member] = doc[member]
		}
		text, err := json.Marshal(of)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	k, err := r.Edit(t.Context(), r.NewKey(t, r.account), "key.expose", func(k *apikey.Key) {
		k.Current.Exposed = apikey.Exposure{At: r.Clock.Now(), By: apikey.ReportedByGitHub, Place: "https://git.example/a", RefusedAt: r.Clock.Now()}
	})
	if err != nil {
		t.Fatal(err)
	}
	at, path := moment.Format(r.Clock.Now()), "/v1/operator/accounts/"+string(r.account.ID)
	until := moment.Format(r.Clock.Now().Add(time.Hour))
	r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: path + "/suspend", Body: object{"reason": "unpaid", "until": until}})
	exposed := `"exposed_keys":1,"last_exposed":[{"account_id":"` + string(r.account.ID) + `","account_name":"` + r.account.Name + `","exposed_at":"` + at + `","key_id":"` + string(k.ID) +
		`","key_name":"` + k.Name + `","place":"https://git.example/a","refused":true,"source":"github"}],`
	suspended := `"last_suspended":[{"account_id":"` + string(r.account.ID) + `","account_name":"` + r.account.Name + `","suspended":{"at":"` + at + `","by":"operator@example.com","reason":"unpaid","until":"` +
		until + `"}}],"suspended_accounts":1`
	if got, want := overview(), "{"+exposed+suspended+"}"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	same := func(path, of, list string) {
		t.Helper()
		whole := r.Want(t, 200, apitest.Call{As: "support", Method: "GET", Path: "/v1/operator/overview"}).JSON(t)
		doc := r.Want(t, 200, apitest.Call{As: "support", Method: "GET", Path: path}).JSON(t)
		if !reflect.DeepEqual(doc, map[string]any{list: whole[of], "next_page_token": nil}) {
			t.Errorf("%s: %v, the overview has %v", path, doc, whole[of])
		}
	}
	lists := func() {
		t.Helper()
		same("/v1/operator/exposed-keys", "last_exposed", "keys")
		same("/v1/operator/suspended-accounts", "last_suspended", "accounts")
	}
	lists()
	r.Clock.Advance(time.Hour)
	if got, want := overview(), "{"+exposed+`"last_suspended":[],"suspended_accounts":0}`; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	lists()
}

// TestTheOverviewsBoundsAreTheContracts: of the numbers, and of the lists.
func TestTheOverviewsBoundsAreTheContracts(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(api.Contract)
	if err != nil {
		t.Fatal(err)
	}
	for name, member := range doc.Components.Schemas["Overview"].Value.Properties {
		most, few := member.Value.Max, member.Value.MaxItems
		if (most == nil || *most != control.MostOfOverview) && (few == nil || *few != fewWaiting) {
			t.Errorf("%s: at most %v, or %v items", name, most, few)
		}
	}
}

// TestABlockMayHaveAnEnd: in the future, at most 366 days off; the key and the overview say it, and one without an end says null.
func TestABlockMayHaveAnEnd(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	now := r.Clock.Now()
	k := r.NewKey(t, r.account)
	path := "/v1/operator/keys/" + string(k.ID)
	for name, c := range map[string]struct {
		until any
		want  string
	}{
		"now":             {moment.Format(now), "422 invalid [/until]"},
		"past":            {moment.Format(now.Add(-time.Hour)), "422 invalid [/until]"},
		"too far off":     {moment.Format(now.Add(apikey.MaxBlock + time.Millisecond)), "422 invalid [/until]"},
		"no time":         {"tomorrow", "422 invalid [/until"},
		"of another type": {7, "422 invalid [/until"},
	} {
		got := r.Do(t, apitest.Call{As: "operator", Method: "POST", Path: path + "/block", Body: object{"reason": "abuse", "until": c.until}})
		if !strings.HasPrefix(got.Problem(), c.want) {
			t.Errorf("%s: %s, want %s", name, got.Problem(), c.want)
		}
	}
	last := moment.Format(now.Add(apikey.MaxBlock))
	for _, until := range []any{last, nil} {
		doc := r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: path + "/block", Body: object{"reason": "abuse", "until": until}}).JSON(t)
		overview := r.Want(t, 200, apitest.Call{As: "support", Method: "GET", Path: "/v1/operator/overview"}).JSON(t)
		for where, block := range map[string]any{
			"the key": doc["key"].(map[string]any)["blocked"], "the overview": overview["last_blocked"].([]any)[0].(map[string]any)["blocked"],
		} {
			if got, there := block.(map[string]any)["until"]; !there || got != until {
				t.Errorf("%s says %v, want %v", where, got, until)
			}
		}
		r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: path + "/unblock", Body: object{}})
	}
	var ends []string
	for _, row := range r.AllAudit(t, r.account.ID) {
		if row.Action == "key.block" {
			ends = append(ends, fmt.Sprint(strings.Contains(fmt.Sprint(row.Changes), last)))
		}
	}
	if slices.Sort(ends); !slices.Equal(ends, []string{"false", "true"}) {
		t.Errorf("the audit rows name the end: %v", ends)
	}
}
