package main

import (
	"fmt"
	"maps"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/keytest"
	"latchkey/shared/moment"
)

// grouped are the requests by name, and of each hour that has some; others are under "+". They must add up to the series.
func grouped(t *testing.T, doc map[string]any, of string) map[string]string {
	t.Helper()
	out, sums := map[string]string{}, map[int]float64{}
	for _, g := range doc["groups"].([]any) {
		m := g.(map[string]any)
		name := m["name"].(string)
		if m["others"].(bool) {
			name = "+"
		}
		if k, ok := m["key"]; ok {
			name = k.(map[string]any)["id"].(string) + " named"
		}
		hours := ""
		for i, n := range m["series"].([]any) {
			sums[i] += n.(float64)
			if n.(float64) > 0 {
				hours += fmt.Sprint(" ", i, ":", n)
			}
		}
		out[name] = fmt.Sprint(m["requests"], hours)
	}
	for i, p := range doc["series"].([]any) {
		if want := p.(map[string]any)[of].(float64); sums[i] != want {
			t.Errorf("hour %d: the groups have %v, the series %v", i, sums[i], want)
		}
	}
	return out
}

// TestASeriesIsSplitByWhatIsAskedFor: of an account and of a key, with filters; what a purged key was called is among the others.
func TestASeriesIsSplitByWhatIsAskedFor(t *testing.T) {
	r := mixed(t)
	purged := r.key
	purged.ID = apikey.ID("key_" + string(r.key.ID)[4:28] + "ZZ")
	r.count(t, 3, call(purged, "routing", authz.KeyRevoked, keytest.Now.Add(-time.Hour)))
	one, two := string(r.key.ID)+" named", string(r.two.ID)+" named"
	span := "?from=2026-11-21T10:00:00.000Z&to=2026-11-21T12:00:00.000Z&group_by="
	for _, c := range []struct {
		key       apikey.Key
		query, of string
		want      map[string]string
	}{
		{apikey.Key{}, "key", "requests", map[string]string{one: "15 0:15", two: "2 0:2", "+": "3 1:3"}},
		{apikey.Key{}, "product", "requests", map[string]string{"search": "12 0:12", "map-display": "5 0:5", "routing": "3 1:3"}},
		{apikey.Key{}, "reason", "refused", map[string]string{"domain_not_allowed": "5 0:5", "qps_exceeded": "5 0:5", "key_revoked": "3 1:3"}},
		{apikey.Key{}, "origin", "requests", map[string]string{"a.example": "5 0:5", "b.example": "5 0:5", "-": "7 0:7", "+": "3 1:3"}},
		{apikey.Key{}, "key&outcome=allowed", "requests", map[string]string{one: "5 0:5", two: "2 0:2"}},
		{apikey.Key{}, "key&product=map-display", "requests", map[string]string{one: "5 0:5"}},
		{apikey.Key{}, "reason&outcome=allowed", "refused", map[string]string{}},
		{apikey.Key{}, "key&with=before", "requests", map[string]string{one: "15 0:15", two: "2 0:2", "+": "3 1:3"}},
		{r.key, "product", "requests", map[string]string{"search": "10 0:10", "map-display": "5 0:5"}},
		{r.key, "reason", "refused", map[string]string{"domain_not_allowed": "5 0:5", "qps_exceeded": "5 0:5"}},
		{r.key, "origin", "requests", map[string]string{"a.example": "5 0:5", "b.example": "5 0:5", "-": "5 0:5"}},
	} {
		if got := grouped(t, r.get(t, c.key, span+c.query), c.of); !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.query, got, c.want)
		}
	}
	if doc := r.get(t, apikey.Key{}, ""); doc["groups"] != nil {
		t.Errorf("nobody asked for %v", doc["groups"])
	}
}

// TestASeriesIsSplitWithinTheBoundsOfReading: an account too large to be split by key and origin isn't grouped by them either, and is by product and
// reason, which its own counters have.
func TestASeriesIsSplitWithinTheBoundsOfReading(t *testing.T) {
	r := mixed(t)
	r.more = true
	for by, split := range map[string]bool{"key": false, "origin": false, "product": true, "reason": true} {
		if doc := r.get(t, apikey.Key{}, "?group_by="+by); (doc["groups"] != nil) != split {
			t.Errorf("by %s: %v", by, doc["groups"])
		}
	}
	r.more = false
	var reads atomic.Int64 // keys are read side by side
	r.reading = func() { reads.Add(1) }
	query := "?interval=day&from=" + moment.Format(keytest.Now.AddDate(0, -2, 0))
	r.get(t, apikey.Key{}, query)
	plain := reads.Load()
	for _, by := range []string{"key", "product", "reason", "origin"} {
		reads.Store(0)
		if r.get(t, apikey.Key{}, query+"&group_by="+by); reads.Load() != plain {
			t.Errorf("by %s: %d reads, and %d without", by, reads.Load(), plain)
		}
	}
}

func TestWhatCantBeSplitIsRefused(t *testing.T) {
	r := mixed(t)
	for _, c := range []struct {
		key   apikey.Key
		query string
	}{{apikey.Key{}, "host"}, {apikey.Key{}, "Key"}, {apikey.Key{}, "key,product"}, {apikey.Key{}, "key&format=csv"}, {r.key, "key"}, {r.key, "product&format=csv"}} {
		answer := r.Do(t, apitest.Call{As: "owner", Method: "GET", Path: r.path(c.key) + "?group_by=" + c.query})
		if answer.Status != 400 || answer.Code() != "parameter_invalid" {
			t.Errorf("%s: %s", c.query, answer.Problem())
		}
	}
}
