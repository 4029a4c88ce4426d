package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// alike are subjects that an issuer may give to different people, who all may sign in.
var alike = []string{
	"ab", "a\u200bb", "a\u200db", "a\ufe0fb", "ab ", " ab", "AB", "\uff41b", "a\u0301b", "\u00e1b", "\u202eab", "\u200b", strings.Repeat("\u200b", 20),
}

// namesAPerson does each operation that takes a subject to a person. What it returns tells of anybody whether the operation
// has acted upon them.
var namesAPerson = map[string]func(t testing.TB, r *harness, sub string) (acted func(sub string) bool){
	"putMember": func(t testing.TB, r *harness, sub string) func(string) bool {
		r.Want(t, 200, apitest.Call{As: "owner", Method: "PUT", Path: r.path("/members/" + url.PathEscape(sub)), Body: object{"role": "viewer"}})
		return func(sub string) bool { return r.roleOf(t, sub) == account.Viewer }
	},
	"deleteMember": func(t testing.TB, r *harness, sub string) func(string) bool {
		r.remove(t, "owner", url.PathEscape(sub))
		return func(sub string) bool { return r.roleOf(t, sub) == "" }
	},
	"deleteOperator": func(t testing.TB, r *harness, sub string) func(string) bool {
		r.Want(t, 204, apitest.Call{As: "operator", Method: "DELETE", Path: "/v1/operators/" + url.PathEscape(sub)})
		return func(sub string) bool { return r.rankOf(t, sub) == "" }
	},
	"putOperator": func(t testing.TB, r *harness, sub string) func(string) bool {
		r.Want(t, 200, apitest.Call{As: "operator", Method: "PUT", Path: "/v1/operators/" + url.PathEscape(sub), Body: object{"rank": "admin"}})
		return func(sub string) bool { return r.rankOf(t, sub) == account.Admin }
	},
	"endSessions": func(t testing.TB, r *harness, sub string) func(string) bool {
		for _, one := range alike {
			r.signIn(t, one, "session of "+one)
		}
		r.Want(t, 204, apitest.Call{As: "operator", Method: "POST", Path: endSessions, Body: object{"subject": sub}})
		return func(sub string) bool { return len(r.signedIn(t, "session of "+sub)) == 0 }
	},
	"erasePerson": func(t testing.TB, r *harness, sub string) func(string) bool {
		r.Want(t, 204, apitest.Call{As: "operator", Method: "DELETE", Path: "/v1/operators/" + url.PathEscape(sub)})
		r.erase(t, sub)
		return func(sub string) bool { return r.roleOf(t, sub) == "" }
	},
	"listAudit": func(t testing.TB, r *harness, sub string) func(string) bool {
		for _, one := range alike {
			row := keytest.Row(r.account.ID, "key.edit", "")
			row.Actor.Subject, row.Actor.Email = keytest.Subject(one), one
			a, err := r.Control.Account(t.Context(), r.account.ID)
			if err == nil {
				_, err = r.Control.UpdateAccount(t.Context(), a, a, row)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		doc := r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path("/audit?page_size=100&actor=") + url.QueryEscape(sub)}).JSON(t)
		if len(doc["rows"].([]any)) == 0 {
			t.Errorf("%q did nothing", sub)
		}
		return nil // others who look alike may be among them
	},
}

func (r *harness) roleOf(t testing.TB, sub string) account.Role {
	t.Helper()
	m, _ := r.Control.Member(t.Context(), r.account.ID, keytest.Subject(sub))
	return m.Role
}

func (r *harness) rankOf(t testing.TB, sub string) account.Rank {
	t.Helper()
	rank, err := r.Control.Rank(t.Context(), keytest.Subject(sub))
	if err != nil {
		t.Fatal(err)
	}
	return rank
}

// TestAPersonIsNamedByTheBytesOfTheirSubject, wherever an operation of the contract takes one: who is there is found, whatever
// their subject looks like, and nobody else in their place.
func TestAPersonIsNamedByTheBytesOfTheirSubject(t *testing.T) {
	walked := map[string]bool{"listKeyAudit": true, "listOperatorsAudit": true} // the filter of listAudit
	for _, op := range apitest.Operations(t) {
		if !takesASubject(t, op) {
			continue
		}
		act := namesAPerson[op.ID]
		if act == nil {
			if !walked[op.ID] {
				t.Errorf("%s takes a subject, and isn't tried", op.ID)
			}
			continue
		}
		t.Run(op.ID, func(t *testing.T) {
			for _, sub := range alike {
				r := newHarnessOf(t)
				for _, one := range alike {
					r.Member(t, r.account.ID, one, account.Developer)
					r.NewOperator(t, control.Operator{Subject: keytest.Subject(one), Rank: account.Support, AddedAt: "2026-11-21T12:00:00Z"})
				}
				acted := act(t, r, sub)
				for _, one := range alike {
					if acted != nil && acted(one) != (one == sub) {
						t.Errorf("named is %q, and it acted upon %q: %v", sub, one, acted(one))
					}
				}
			}
		})
	}
}

func takesASubject(t testing.TB, op apitest.Operation) bool {
	t.Helper()
	item := apitest.Contract(t).Paths.Value(op.Path)
	for _, p := range slices.Concat(item.Parameters, item.GetOperation(op.Method).Parameters) {
		if p.Value.Schema.Value.Format == "subject" || p.Value.Name == "actor" {
			return true
		}
	}
	body := item.GetOperation(op.Method).RequestBody
	if body == nil || op.Method == http.MethodGet {
		return false
	}
	for _, member := range body.Value.Content["application/json"].Schema.Value.Properties {
		if member.Value.Format == "subject" {
			return true
		}
	}
	return false
}

// TestNobodyIsNamedByWhatNoTokenCarries.
func TestNobodyIsNamedByWhatNoTokenCarries(t *testing.T) {
	r := newHarnessOf(t)
	for typed, code := range map[string]string{
		"": "bad_length", strings.Repeat("é", 128): "bad_length", "a\nb": "bad_character", "a\x00": "bad_character", "\ufffd": "bad_character",
	} {
		for _, path := range []string{endSessions, "/v1/operator/people/erase"} {
			got := r.Want(t, 422, apitest.Call{As: "operator", Method: "POST", Path: path, Body: object{"subject": typed}})
			if f := got.Fields(); len(f) != 1 || f[0].Pointer != "/subject" || f[0].Code != code {
				t.Errorf("%q: %s", typed, got.Body)
			}
		}
	}
}
