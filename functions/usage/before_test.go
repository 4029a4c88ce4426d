package main

import (
	"fmt"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/keytest"
)

// TestThePeriodBeforeBeginsAtTheSameTimeOfDay, has as many hours or days as the range, and no call of the range but those of the hour or
// day that isn't over. It is 12:00.
func TestThePeriodBeforeBeginsAtTheSameTimeOfDay(t *testing.T) {
	keytest.OneAtATime(t)
	r := newHarness(t)
	for hours := range 30 * 24 { // as many calls in the hour as its distance in days
		r.count(t, 1+hours/24, call(r.key, "search", authz.Allowed, keytest.Now.Add(-time.Duration(hours)*time.Hour-time.Minute)))
	}
	for _, k := range []apikey.Key{{}, r.key} {
		for query, want := range map[string]string{
			"": "2026-11-19T12:00:00.000Z to 2026-11-20T12:00:00.000Z, 24 steps, 48",
			"?from=2026-11-20T12:00:00Z&to=2026-11-21T12:30:00Z":                           "2026-11-19T12:00:00.000Z to 2026-11-20T13:00:00.000Z, 25 steps, 49",
			"?from=2026-11-21T12:00:00Z&to=2026-11-21T12:30:00Z":                           "2026-11-21T11:00:00.000Z to 2026-11-21T12:00:00.000Z, 1 steps, 1",
			"?from=2026-11-10T00:00:00Z&to=2026-11-12T00:00:00Z":                           "2026-11-08T00:00:00.000Z to 2026-11-10T00:00:00.000Z, 48 steps, 624",
			"?interval=day&from=2026-11-15T00:00:00Z&to=2026-11-21T12:00:00Z":              "2026-11-09T00:00:00.000Z to 2026-11-16T00:00:00.000Z, 7 steps, 1596",
			"?from=2026-11-10T00:00:00Z&to=2026-11-12T00:00:00Z&product=routing":           "2026-11-08T00:00:00.000Z to 2026-11-10T00:00:00.000Z, 48 steps, 0",
			"?from=2026-11-10T00:00:00Z&to=2026-11-12T00:00:00Z&outcome=refused":           "2026-11-08T00:00:00.000Z to 2026-11-10T00:00:00.000Z, 48 steps, 0",
			"?from=2026-10-20T00:00:00Z&to=2026-11-12T00:00:00Z":                           "",
			"?interval=day&from=2026-10-20T00:00:00Z&to=2026-11-12T00:00:00Z&product=none": "2026-09-27T00:00:00.000Z to 2026-10-20T00:00:00.000Z, 23 steps, 0",
			"?interval=day&from=2026-01-20T00:00:00Z&to=2026-11-12T00:00:00Z":              "",
		} {
			if query == "" {
				query = "?"
			}
			got := ""
			if b, _ := r.get(t, k, query+"&with=before")["before"].(map[string]any); b != nil {
				steps, _ := b["series"].([]any)
				got = fmt.Sprintf("%v to %v, %d steps, %v", b["from"], b["to"], len(steps), b["totals"].(map[string]any)["requests"])
			}
			if got != want {
				t.Errorf("%s of %q: %q, want %q", query, k.ID, got, want)
			}
			if doc := r.get(t, k, query); doc["before"] != nil || doc["quotas"] != nil {
				t.Errorf("%s: nobody asked for it", query)
			}
		}
	}
}

// TestUsageHasAKeysCapsAsTheirOwnAnswerHasThem.
func TestUsageHasAKeysCapsAsTheirOwnAnswerHasThem(t *testing.T) {
	r := capped(t)
	want := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: "/v1/accounts/" + string(r.account.ID) + "/keys/" + string(r.key.ID) + "/quotas"}).JSON(t)["quotas"]
	for _, with := range []string{"quotas", "before,quotas"} {
		if got := r.get(t, r.key, "?with="+with)["quotas"]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", with, got, want)
		}
	}
}

// TestWhatStandsBesideUsageIsAskedForByItsName, for a key alone if it is a key's, and for no table.
func TestWhatStandsBesideUsageIsAskedForByItsName(t *testing.T) {
	r := capped(t)
	for _, k := range []apikey.Key{{}, r.key} {
		for with, ok := range map[string]bool{
			"": true, "before": true, "quotas": k.ID != "", "before,quotas": k.ID != "", "quotas,before": false, "before,before": false, "before,": false, "Before": false, "before&format=csv": false,
		} {
			status := map[bool]int{true: 200, false: 400}[ok]
			r.Want(t, status, apitest.Call{As: "owner", Method: "GET", Path: r.path(k) + "?with=" + with})
		}
	}
}
