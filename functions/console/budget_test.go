package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// TestAPageMakesAtMostThreeCalls of the API, who is signed in included; the catalogue of products is kept.
func TestAPageMakesAtMostThreeCalls(t *testing.T) {
	w := newWalker(t, "owner")
	w.inEachState(func(state string) {
		for _, pattern := range w.routes(http.MethodGet) {
			if !strings.Contains(pattern, "{key}") && state != "active" {
				continue
			}
			routes := slices.DeleteFunc(w.reads(w.page(pattern)), func(route string) bool { return route == "GET /v1/products" })
			slices.Sort(routes)
			routes = slices.Compact(routes) // a late read of the page before may be among them
			if len(routes) > 3 {
				t.Errorf("%s, %s: %q", pattern, state, routes)
			}
		}
	})
	if followed := w.reads("/operator/accounts/" + account + "?operation=op_1"); len(followed) != 3 {
		t.Errorf("a page that follows a change of type: %q", followed)
	}
	try := w.reads(keyPath + "/try?origin=https://www.example.com")
	if len(try) > 3 || len(try) < 2 {
		t.Errorf("a page that is asked about: %q", try)
	}
}

// TestAKeysPageIsSmall: 40 kB of HTML at most, of which half a kilobyte stays free, with a week of hours, all products, 50 domains and refusals of
// every kind.
func TestAKeysPageIsSmall(t *testing.T) {
	r := newHarness(t, time.Hour)
	now := time.Now().UTC().Truncate(time.Hour)
	refusedUsage(r)
	r.api.key.Domains = nil
	for i := range 50 {
		r.api.key.Domains = append(r.api.key.Domains, fmt.Sprintf("a-rather-long-name-of-a-shop-%d.example.com", i))
	}
	r.api.products, r.api.key.Products, r.api.key.Limits = nil, nil, nil
	for _, id := range []string{"map-display", "search", "routing", "traffic", "weather"} {
		r.api.products = append(r.api.products, api.Product{Id: id, Name: "The product " + id, Kind: api.Api, SamplePath: ptr("/" + id + "/1/tile/basic/main/0/0/0.png"), Classes: []api.ProductClass{{Id: id}}})
		r.api.key.Products = append(r.api.key.Products, id)
		r.api.key.Limits = append(r.api.key.Limits, api.Limit{Class: id, Product: id, Name: "The product " + id, Qps: 10, DefaultQps: 10, MaxQps: 1000})
	}
	reasons := map[string]int64{
		"domain_not_allowed": 60, "product_not_allowed": 20, "qps_exceeded": 9, "origin_missing": 5, "key_not_in_header": 5, "key_disabled": 3, "key_expired": 2, "secret_expired": 2,
		"path_not_canonical": 1,
	}
	u := api.Usage{
		From: moment.Of(now.Add(-7 * oneDay)), To: moment.Of(now), Interval: api.UsageIntervalHour, BusiestMinute: &api.BusiestMinute{Start: moment.Of(now.Add(-oneDay)), Requests: 123_456}, FreshAt: ptr(moment.Of(now)),
		ByOrigin: &[]api.UsageShare{}, ByProduct: &[]api.UsageShare{{Name: "map-display", ByReason: reasons}},
		Totals: api.UsageCounts{Requests: 1e8, Allowed: 9e7, Refused: 1e7, QpsBreaches: 1e6, ByReason: reasons}, Quotas: ptr(capsOf()), AccountQuotas: ptr(fullQuotas().Quotas),
	}
	for i := range 10 {
		*u.ByOrigin = append(*u.ByOrigin, api.UsageShare{Name: fmt.Sprintf("copy-%d.example", i), ByReason: reasons})
	}
	for at := u.From.Time; at.Before(u.To.Time); at = at.Add(time.Hour) {
		u.Series = append(u.Series, api.UsagePoint{Start: moment.Of(at), Requests: 1_234_567, Allowed: 1_134_567, Refused: 100_000, QpsBreaches: 5_000, ByReason: reasons})
	}
	u.Before = &api.UsageBefore{From: moment.Of(now.Add(-14 * oneDay)), To: u.From, Series: slices.Clone(u.Series)}
	for i := range u.Before.Series {
		u.Before.Series[i].Requests, u.Before.Series[i].Refused = 1_000_001, 99_999
	}
	r.api.on("GET /v1"+keyPath+"/usage", func(w http.ResponseWriter, _ *http.Request, _ []byte) bool { reply(w, 200, u); return true })
	r.signIn("owner")
	for _, language := range []string{"en", "fr", "ar"} {
		r.post("/preferences", map[string][]string{"language": {language}})
		page := r.get(keyPath)
		if size := len(page.text); page.StatusCode != 200 || size > 39_500 || size < 20_000 || !strings.Contains(page.text, "data-values") {
			t.Errorf("%s: %d: %d bytes", language, page.StatusCode, size)
		}
	}
}
