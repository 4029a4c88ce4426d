package main

import (
	"slices"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/audit"
)

// added is the one audit row that the account has beside those of before.
func (r *harness) added(t *testing.T, before []audit.Row) audit.Row {
	t.Helper()
	// The first look of an operator has a row of its own.
	rows := slices.DeleteFunc(r.AllAudit(t, r.account.ID), func(row audit.Row) bool {
		return row.Action == "operator.look" || slices.ContainsFunc(before, func(old audit.Row) bool { return old.ID == row.ID })
	})
	if len(rows) != 1 {
		t.Fatalf("%d rows of one change: %+v", len(rows), rows)
	}
	return rows[0]
}

// TestTheRowOfEachChangeNamesItsRequest: the audit trail says for each change of a request or a limit who made
// it, of which key, class and request, what it changed, and with which comment. Nothing else is in the row.
func TestTheRowOfEachChangeNamesItsRequest(t *testing.T) {
	r := newHarness(t)
	limits := r.path("keys", string(r.key.ID), "limits", "search")
	direct := "/v1/operator/accounts/" + string(r.account.ID) + "/keys/" + string(r.key.ID) + "/limits/search"
	class := audit.Change{Field: "limit_class", After: `"search"`}
	ended := func(status string) audit.Change {
		return audit.Change{Field: "request_status", Before: `"pending"`, After: `"` + status + `"`}
	}
	change := func(field, before, after string) audit.Change {
		return audit.Change{Field: field, Before: before, After: after}
	}
	for _, tt := range []struct {
		name, as, action string
		call             func(id string) apitest.Call
		files            bool // the call is what files the request
		none             bool // it is about no request
		want             []audit.Change
	}{
		{
			name: "filed", as: "developer", action: "qps.submit", files: true,
			want: []audit.Change{change("requested_qps", "5", "50")},
		},
		{
			name: "withdrawn", as: "owner", action: "qps.withdraw",
			call: func(id string) apitest.Call {
				return apitest.Call{Method: "POST", Path: r.path("qps-requests", id, "withdraw")}
			},
			want: []audit.Change{ended("withdrawn")},
		},
		{
			name: "rejected", as: "operator", action: "qps.reject",
			call: func(id string) apitest.Call {
				return apitest.Call{Method: "POST", Path: r.path("qps-requests", id, "reject"), Body: map[string]any{"comment": "Not in May."}}
			},
			want: []audit.Change{ended("rejected"), change("comment", "", `"Not in May."`)},
		},
		{
			name: "approved with a comment", as: "operator", action: "qps.approve",
			call: func(id string) apitest.Call {
				return apitest.Call{Method: "POST", Path: r.path("qps-requests", id, "approve"), Body: map[string]any{"qps": 20, "comment": "Half."}}
			},
			want: []audit.Change{
				change("limits", "", `[{"class":"search","ends_at":null,"granted_qps":20,"lent_qps":0,"qps":20,"then_qps":0}]`),
				change("comment", "", `"Half."`),
			},
		},
		{
			name: "approved without one", as: "operator", action: "qps.approve",
			call: func(id string) apitest.Call {
				return apitest.Call{Method: "POST", Path: r.path("qps-requests", id, "approve")}
			},
			want: []audit.Change{change("limits",
				`[{"class":"search","ends_at":null,"granted_qps":20,"lent_qps":0,"qps":20,"then_qps":0}]`,
				`[{"class":"search","ends_at":null,"granted_qps":50,"lent_qps":0,"qps":50,"then_qps":0}]`)},
		},
		{
			name: "lowered", as: "developer", action: "key.lower_limit", none: true,
			call: func(string) apitest.Call {
				return apitest.Call{Method: "PUT", Path: limits, Body: map[string]any{"qps": 10}}
			},
			want: []audit.Change{change("limits",
				`[{"class":"search","ends_at":null,"granted_qps":50,"lent_qps":0,"qps":50,"then_qps":0}]`,
				`[{"class":"search","ends_at":null,"granted_qps":50,"lent_qps":0,"qps":10,"then_qps":0}]`)},
		},
		{
			name: "raised again", as: "owner", action: "key.raise_limit", none: true,
			call: func(string) apitest.Call {
				return apitest.Call{Method: "PUT", Path: limits, Body: map[string]any{"qps": 11}}
			},
			want: []audit.Change{change("limits",
				`[{"class":"search","ends_at":null,"granted_qps":50,"lent_qps":0,"qps":10,"then_qps":0}]`,
				`[{"class":"search","ends_at":null,"granted_qps":50,"lent_qps":0,"qps":11,"then_qps":0}]`)},
		},
		{
			name: "capped", as: "developer", action: "key.set_quota", none: true,
			call: func(string) apitest.Call {
				return apitest.Call{Method: "PUT", Path: r.path("keys", string(r.key.ID), "quotas", "tiles"), Body: map[string]any{"day": 9}}
			},
			want: []audit.Change{change("quotas", "", `[{"day":9,"group":"tiles"}]`)},
		},
		{
			name: "capped no more", as: "owner", action: "key.set_quota", none: true,
			call: func(string) apitest.Call {
				return apitest.Call{Method: "PUT", Path: r.path("keys", string(r.key.ID), "quotas", "tiles"), Body: map[string]any{"day": nil}}
			},
			want: []audit.Change{change("quotas", `[{"day":9,"group":"tiles"}]`, "")},
		},
		{
			name: "set by an operator", as: "operator", action: "key.set_limit", none: true,
			call: func(string) apitest.Call {
				return apitest.Call{Method: "PUT", Path: direct, Body: map[string]any{"qps": 70}}
			},
			want: []audit.Change{change("limits",
				`[{"class":"search","ends_at":null,"granted_qps":50,"lent_qps":0,"qps":11,"then_qps":0}]`,
				`[{"class":"search","ends_at":null,"granted_qps":70,"lent_qps":0,"qps":70,"then_qps":0}]`)},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id, before := "", r.AllAudit(t, r.account.ID)
			if !tt.none {
				id = r.submit(t, nil)
			}
			if !tt.files {
				before = r.AllAudit(t, r.account.ID)
				r.Clock.Advance(time.Second)
				call := tt.call(id)
				call.As = tt.as
				r.Want(t, 200, call)
			}
			row, want := r.added(t, before), tt.want
			if !tt.none {
				// Between what it changed and why.
				i := len(want)
				if want[i-1].Field == "comment" {
					i--
				}
				want = slices.Insert(slices.Clone(want), i, change("qps_request", "", `"`+id+`"`), class)
			}
			if row.Action != tt.action || row.KeyID != string(r.key.ID) || row.Account != r.account.ID {
				t.Errorf("%s of %s, %s", row.Action, row.Account, row.KeyID)
			}
			if row.Actor.Role != tt.as || row.Actor.Email != tt.as+"@example.com" || row.RequestID == "" || !row.At.Equal(r.Clock.Now()) {
				t.Errorf("by %+v, call %q, at %v", row.Actor, row.RequestID, row.At)
			}
			if !slices.Equal(row.Changes, want) {
				t.Errorf("changes %+v\nwant    %+v", row.Changes, want)
			}
			if tt.files {
				r.post(t, 200, "owner", id, "withdraw", nil)
			}
		})
	}
}
