package main

import (
	"strings"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/qps"
)

// TestARefusedDecisionDecidesNothing: whatever is wrong with it, the request stays pending, the key keeps its limit, and no row says otherwise.
func TestARefusedDecisionDecidesNothing(t *testing.T) {
	r := newHarness(t)
	id := r.submit(t, nil)
	type body = map[string]any
	for _, tt := range []struct {
		action, id string // the request's own unless said
		body       any
		want       string
	}{
		{"reject", "", nil, "415 content_type_unsupported []"},
		{"reject", "", body{}, "422 invalid [/comment]"},
		{"reject", "", body{"comment": ""}, "422 invalid [/comment]"},
		{"reject", "", body{"comment": " \n"}, "422 invalid [/comment]"},
		{"reject", "", body{"comment": strings.Repeat("x", 2001)}, "422 invalid [/comment]"},
		{"reject", "", body{"comment": "a\u0000"}, "422 invalid [/comment]"},
		{"reject", "", body{"comment": 5}, "422 invalid [/comment]"},
		{"reject", "", body{"comment": "no", "qps": 5}, "422 invalid [/qps]"},
		{"approve", "", body{"comment": strings.Repeat("x", 2001)}, "422 invalid [/comment]"},
		{"approve", "", body{"comment": "a\u0000"}, "422 invalid [/comment]"},
		{"approve", "", body{"qps": 0}, "422 invalid [/qps]"},
		{"approve", "", body{"qps": -1}, "422 invalid [/qps]"},
		{"approve", "", body{"qps": 1001}, "422 invalid [/qps]"},
		{"approve", "", body{"qps": "5"}, "422 invalid [/qps]"},
		{"approve", "", body{"limit": 5}, "422 invalid [/limit]"},
		{"approve", "qps_01M8HKY1AF1HAFFFZBC0H8KQJ5", body{}, "404 not_found []"},
		{"reject", "qps_01M8HKY1AF1HAFFFZBC0H8KQJ5", body{"comment": "no"}, "404 not_found []"},
		{"withdraw", "qps_01M8HKY1AF1HAFFFZBC0H8KQJ5", nil, "404 not_found []"},
		{"approve", "x", body{}, "404 not_found []"},
		{"reject", "x", body{"comment": "no"}, "404 not_found []"},
		{"withdraw", "x", nil, "404 not_found []"},
		{"withdraw", "", body{"comment": "no"}, "422 invalid [/comment]"},
	} {
		as, of := "operator", tt.id
		if tt.action == "withdraw" {
			as = "owner"
		}
		if of == "" {
			of = id
		}
		before, actions := r.stored(t), len(r.actions(t))
		got := r.Do(t, apitest.Call{As: as, Method: "POST", Path: r.path("qps-requests", of, tt.action), Body: tt.body})
		if got.Problem() != tt.want {
			t.Errorf("%s %v: %s, want %s", tt.action, tt.body, got.Problem(), tt.want)
		}
		request, err := r.Control.Request(t.Context(), r.account.ID, qps.RequestID(id))
		if err != nil || request.Status != qps.Pending || request.Decision != nil || len(r.actions(t)) != actions || r.stored(t).Version != before.Version {
			t.Fatalf("%s %v: the request is %+v, %v", tt.action, tt.body, request, err)
		}
	}
	answer := r.post(t, 200, "operator", id, "approve", body{"qps": 20}).JSON(t)
	if answer["id"] != id || answer["status"] != "approved" || answer["approved_qps"] != 20.0 || r.stored(t).Limits[0].QPS != 20 {
		t.Errorf("afterwards: %v", answer)
	}
}
