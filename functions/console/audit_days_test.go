package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// TestTheDaysOfAnAuditFilterAreWhole: what happened in the first and in the last moment of the chosen days is on the page and in the file, of an account's
// trail and of the operators'; what happened a moment before or after is in neither. One day is a choice too.
func TestTheDaysOfAnAuditFilterAreWhole(t *testing.T) {
	const tick = time.Millisecond
	first, last := time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 8, 3, 0, 0, 0, 0, time.UTC)
	happened := map[string]time.Time{
		"req-before": first.Add(-tick), "req-first": first, "req-first-day-ends": first.AddDate(0, 0, 1).Add(-tick),
		"req-last-day": last, "req-last": last.AddDate(0, 0, 1).Add(-tick), "req-after": last.AddDate(0, 0, 1),
	}
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	trail := func(out http.ResponseWriter, r *http.Request, _ []byte) bool { // from is included and to isn't, as the contract says
		doc := api.AuditList{Rows: []api.AuditRow{}}
		from, to := time.Time{}, moment.Last
		for name, into := range map[string]*time.Time{"from": &from, "to": &to} {
			if text := r.URL.Query().Get(name); text != "" {
				at, err := time.Parse(time.RFC3339Nano, text)
				if err != nil {
					t.Errorf("%s: %v", r.URL, err)
				}
				*into = at
			}
		}
		for id, at := range happened {
			if !at.Before(from) && at.Before(to) {
				doc.Rows = append(doc.Rows, api.AuditRow{Id: "aud_" + id, At: moment.Of(at), Action: "operator.add", Actor: api.Actor{Subject: "x", Role: "operator"}, RequestId: id, Changes: []api.Change{}})
			}
		}
		reply(out, 200, doc)
		return true
	}
	w.api.on("GET /v1/accounts/"+account+"/audit", trail)
	w.api.on("GET /v1/operators/audit", trail)
	for query, want := range map[string]string{
		"":                               "req-before req-first req-first-day-ends req-last-day req-last req-after",
		"?from=2026-08-01&to=2026-08-03": "req-first req-first-day-ends req-last-day req-last",
		"?from=2026-08-01&to=2026-08-01": "req-first req-first-day-ends",
		"?from=2026-08-03&to=2026-08-03": "req-last-day req-last",
		"?to=2026-08-03":                 "req-before req-first req-first-day-ends req-last-day req-last",
		"?from=2026-08-01":               "req-first req-first-day-ends req-last-day req-last req-after",
	} {
		for _, root := range []string{"/accounts/" + account + "/account/audit", "/operator/operators/audit"} {
			for _, kind := range []string{"", ".csv"} {
				page := w.ask(http.MethodGet, root+kind+query, nil)
				for id := range happened {
					in := strings.Contains(page.text, id+",") || strings.Contains(page.text, ">"+id+"<")
					if wanted := strings.Contains(" "+want+" ", " "+id+" "); page.StatusCode != 200 || in != wanted {
						t.Errorf("%s%s%s: %d, has %s: %v, want %v", root, kind, query, page.StatusCode, id, in, wanted)
					}
				}
			}
		}
	}
}
