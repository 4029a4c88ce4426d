package main

import (
	"strings"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/moment"
)

// TestAProposalIsAsOldAsWhatItSays: its numbers count from then on, so that proposing the same again keeps them, and
// anything else begins at nothing.
func TestAProposalIsAsOldAsWhatItSays(t *testing.T) {
	type body = map[string]any
	both := body{"domains": []string{"a.example.com", "b.example.com"}, "products": []string{"search", "routing"}}
	for name, c := range map[string]struct {
		again body // nil drops the proposal, and makes the first one again
		keeps bool
	}{
		"the same":          {both, true},
		"in another order":  {body{"domains": []string{"b.example.com", "a.example.com"}, "products": []string{"routing", "search"}}, true},
		"in other letters":  {body{"domains": []string{"B.example.com.", "a.example.com"}, "products": []string{"search", "routing"}}, true},
		"a domain less":     {body{"domains": []string{"a.example.com"}, "products": []string{"search", "routing"}}, false},
		"no domains at all": {body{"domains": []string{}, "products": []string{"search", "routing"}}, false},
		"products alone":    {body{"products": []string{"search", "routing"}}, false},
		"another product":   {body{"domains": []string{"a.example.com", "b.example.com"}, "products": []string{"search"}}, false},
		"dropped before":    {nil, false},
	} {
		r := newHarness(t)
		k := r.create(t, nil)
		do := func(method string, body any) map[string]any {
			t.Helper()
			return r.Want(t, 200, apitest.Call{As: "developer", Method: method, Path: r.path(k) + "/proposal", Body: body}).JSON(t)
		}
		first := do("PUT", both)["proposed"].(map[string]any)["since"]
		r.Clock.Advance(time.Hour)
		again := c.again
		if again == nil {
			do("DELETE", nil)
			again = both
		}
		doc := do("PUT", again)
		since, version := doc["proposed"].(map[string]any)["since"], doc["version"]
		want := first
		if !c.keeps {
			want = moment.Format(keytest.Now.Add(time.Hour))
		}
		if since != want || (version == 2.0) != c.keeps {
			t.Errorf("%s: since %v, version %v, want since %v", name, since, version, want)
		}
	}
}

// TestWhoBlockedAKeyIsForOperatorsAlone: customers read why.
func TestWhoBlockedAKeyIsForOperatorsAlone(t *testing.T) {
	r := newHarness(t)
	k := r.NewKey(t, r.account, func(k *apikey.Key) {
		k.Blocked = &apikey.Block{Reason: "Leaked", At: keytest.Now, By: "somebody@operator.example"}
	})
	o := control.Operator{Subject: keytest.Subject("operator"), AddedAt: "2026-11-21T12:00:00.000Z"}
	r.NewOperator(t, o)
	at := r.keys() + "/" + string(k.ID)
	reads := []apitest.Call{{Method: "GET", Path: at}, {Method: "GET", Path: r.keys()}}
	for _, who := range []string{"viewer", "developer", "operator", "owner"} {
		calls := reads
		if who == "owner" {
			calls = append(calls, apitest.Call{Method: "POST", Path: at + "/disable"}, apitest.Call{Method: "DELETE", Path: at})
		}
		for _, call := range calls {
			call.As = who
			body := string(r.Want(t, 200, call).Body)
			named := strings.Contains(body, "somebody@operator.example")
			if !strings.Contains(body, "Leaked") || named != (who == "operator") {
				t.Errorf("%s %s %s names the operator: %v", who, call.Method, call.Path, named)
			}
		}
	}
}
