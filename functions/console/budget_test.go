package main

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// moreCalls are the pages that make more than three calls, how many, and why none of them can be left out.
var moreCalls = map[string]struct {
	calls int
	why   string
}{
	"/accounts/{account}/keys/{key} exposed": {4, "what was allowed since a secret was found, weeks before the hours of the chart"},
}

// bigPages are addresses at which a page may ask more than it does without a query.
var bigPages = []string{
	"/accounts/{account}/keys?q=none", "/accounts/{account}/keys?status=revoked&sort=name", "/accounts/{account}/keys?sort=-requests", "/accounts/{account}/keys?size=100&select=all", "/accounts/{account}/keys?size=100&q=none", "/accounts/{account}/usage?find=none", "/accounts/{account}/usage?find=Key",
	"/accounts/{account}/usage?range=90d&compare=1", "/accounts/{account}/qps-requests?status=pending", "/accounts/{account}/qps-requests/new?key={key}&class=map-display", "/accounts/{account}/qps-requests/new?find=Key",
	"/accounts/{account}/qps-requests/new?find=none", "/accounts/{account}/qps-requests/new?key=&find=", "/accounts/{account}/domains?page=50", "/accounts/{account}/domains/new?find=Key", "/accounts/{account}/domains/one?domain=shop-7.example&find=Key",
	"/accounts/{account}/account/audit?action=key.none", "/operator?q=demo", "/operator?q=demo%40", "/operator/accounts/{account}?q=none", "/operator/accounts/{account}?operation=op_1", "/operator/operators/audit?action=person", "/accounts/{account}/keys/{key}/try?origin=https://www.example.com",
	"/accounts/{account}/domains/one?domain=everywhere.example", "/accounts/{account}/domains/one?domain=everywhere.example&find=Key", "/accounts/{account}/keys/findings?key={key}", "/accounts/{account}/statements?month=2026-07", "/operator/statements?month=2026-07",
}

// grow gives the fake API an account of 500 keys, 300 domains and 1,000 requests, whose lists come in pages, and a domain that 500 of 1,000 keys have. A search for what isn't there looks at
// so many keys, and rows, at a time, and goes on.
func (w *walker) grow() {
	w.api.mu.Lock()
	one := w.api.key.Key
	w.api.mu.Unlock()
	root := "/v1/accounts/" + account
	paged := func(route string, n int, page func(from, to int, next *string) any) {
		w.api.on("GET "+route, func(out http.ResponseWriter, r *http.Request, _ []byte) bool {
			size, err := strconv.Atoi(r.URL.Query().Get("page_size"))
			if err != nil {
				size = 100
			}
			from, _ := strconv.Atoi(r.URL.Query().Get("page_token"))
			to := min(from+size, n)
			if strings.Contains(r.URL.RawQuery, "none") || strings.Contains(r.URL.RawQuery, "revoked") || strings.Contains(r.URL.RawQuery, "person") {
				reply(out, 200, page(0, 0, ptr(strconv.Itoa(from+1))))
				return true
			}
			var next *string
			if to < n {
				next = ptr(strconv.Itoa(to))
			}
			reply(out, 200, page(from, to, next))
			return true
		})
	}
	paged(root+"/keys", 500, func(from, to int, next *string) any {
		list := api.KeyList{Keys: []api.Key{}, NextPageToken: next, Figures: &api.KeyFigures{}}
		for i := from; i < to; i++ {
			k := one
			k.Id, k.Name, k.Domains = scattered(i), fmt.Sprint("Key ", i), []string{fmt.Sprintf("shop-%d.example", i%300)}
			if i == 0 {
				k.Id = keyID
			}
			list.Keys = append(list.Keys, k)
		}
		return list
	})
	paged(root+"/domains", 300, func(from, to int, next *string) any {
		list := api.DomainList{NextPageToken: next, KeyCount: 500, Version: 7}
		for i := from; i < to; i++ {
			list.Domains = append(list.Domains, api.AccountDomain{Domain: fmt.Sprintf("shop-%d.example", i), KeyCount: 1, OnlyEntryCount: 1, Keys: []api.DomainKey{{Id: scattered(i), Name: fmt.Sprint("Key ", i), Status: api.Active}}})
		}
		return list
	})
	domains := w.api.answers["GET "+root+"/domains"]
	w.api.on("GET "+root+"/domains", func(out http.ResponseWriter, r *http.Request, body []byte) bool {
		if r.URL.Query().Get("domain") != "everywhere.example" {
			return domains(out, r, body)
		}
		one := api.AccountDomain{Domain: "everywhere.example", KeyCount: mostKeys, OnlyEntryCount: 123, Keys: []api.DomainKey{}}
		list := api.DomainList{Version: 1763717640000, More: true, KeyCount: 2 * mostKeys, OpenKeyCount: 45}
		for i := range 2 * mostKeys {
			list.KeyIds = append(list.KeyIds, scattered(i))
			if i >= mostKeys {
				one.Keys = append(one.Keys, api.DomainKey{Id: scattered(i), Name: fmt.Sprint("Key ", i), Preview: "ak_7Kf2…x9Qd", Status: api.Active})
			}
		}
		list.Domains = []api.AccountDomain{one}
		reply(out, 200, list)
		return true
	})
	requests := func(from, to int, next *string) any {
		list := api.QpsRequestList{NextPageToken: next}
		for i := from; i < to; i++ {
			list.Requests = append(list.Requests, api.QpsRequest{
				Id: fmt.Sprintf("qps_%026d", i), AccountId: account, KeyId: scattered(i % 500), KeyName: ptr(fmt.Sprint("Key ", i%500)), Class: "map-display", Status: api.Pending,
				AccountName: ptr("A company of some length"), RequestedQps: 60, QpsWhenFiled: 30, CreatedBy: "a-person-of-some-company@customer.example.com", CreatedAt: moment.Of(then), Justification: strings.Repeat("Our fleet grows. ", 10),
				Evidence: &api.Evidence{CurrentQps: 31, DefaultQps: 32, FreeQps: 33, MaxQps: 300, PeakQps: ptr(float32(28.66)), Breaches: 77},
			})
		}
		return list
	}
	paged(root+"/qps-requests", 1000, requests)
	paged("/v1/qps-requests", 1000, requests)
	rows := func(from, to int, next *string) any {
		list := api.AuditList{NextPageToken: next}
		for i := from; i < to; i++ {
			list.Rows = append(list.Rows, api.AuditRow{
				Id: fmt.Sprint(i), Action: "key.edit", KeyId: ptr(scattered(i % 500)), KeyName: ptr(fmt.Sprint("Key ", i%500)), At: moment.Of(then), RequestId: scattered(i),
				Actor: api.Actor{Subject: "x", Role: "owner", Email: ptr("a-person-of-some-company@customer.example.com")}, Changes: []api.Change{{Field: "name", Before: "Shop", After: fmt.Sprint("Key ", i)}, {Field: "domains", Before: []string{"a.example"}, After: []string{"a.example", "b.example"}}},
			})
		}
		return list
	}
	paged(root+"/audit", 5000, rows)
	paged(root+"/keys/"+keyID+"/audit", 5000, rows)
	paged("/v1/operators/audit", 5000, rows)
}

// calls are those that a page makes, the catalogue of products aside, which is kept. Of two tries the fewer: a late read of the page before may be
// among them.
func (w *walker) calls(target string) (fewest []string) {
	for try := range 2 {
		w.forget()
		w.ask(http.MethodGet, target, nil)
		w.api.mu.Lock()
		made := make([]string, 0, len(w.api.calls))
		for _, c := range w.api.calls {
			if c.route != "GET /v1/products" {
				made = append(made, c.route)
			}
		}
		w.api.mu.Unlock()
		if try == 0 || len(made) < len(fewest) {
			fewest = made
		}
	}
	return fewest
}

// TestAPageMakesAtMostThreeCalls of the API, who is signed in included, of an account of 500 keys, 300 domains and 1,000 requests.
func TestAPageMakesAtMostThreeCalls(t *testing.T) {
	w := newWalker(t, "owner")
	w.grow()
	check := func(page, target, state string) {
		if file := strings.HasSuffix(strings.Split(target, "?")[0], ".csv") || strings.HasSuffix(target, ".json"); file {
			return
		}
		most := 3
		if more, ok := moreCalls[page]; ok {
			most = more.calls
		}
		if made := w.calls(target); len(made) > most {
			t.Errorf("%s, %s: %d calls: %q", page, state, len(made), made)
		}
	}
	w.inEachState(func(state string) {
		for _, pattern := range w.routes(http.MethodGet) {
			if strings.Contains(pattern, "{key}") || state == "active" {
				check(pattern, w.page(pattern), state)
			}
		}
	})
	w.state(func(_ *api.Me, k *api.KeyWithSecret) {
		for i := range 3 {
			k.Exposures = append(k.Exposures, api.Exposure{Secret: "current", Preview: k.Preview, ExposedAt: moment.Of(then.AddDate(0, 0, i)), Source: "github"})
		}
	})
	check("/accounts/{account}/keys/{key} exposed", keyPath, "exposed three times")
	for _, page := range bigPages {
		path, query, _ := strings.Cut(page, "?")
		check(page, w.fill(path)+"?"+strings.ReplaceAll(query, "{key}", keyID), "active")
	}
	purge(w.harness)
	for _, page := range []string{"/operator/qps-requests/{account}/{request}", "/accounts/{account}/qps-requests/{request}"} {
		check(page, w.fill(page), "of a purged key")
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
