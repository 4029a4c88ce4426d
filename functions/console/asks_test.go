package main

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// asks has, for each page, what it asks the API for beyond the path: by the page's pattern, with a query where that makes
// a difference. A time is written as its distance from now.
var asks = map[string][]string{
	"/accounts/{account}/account":                 {`/accounts/{account}/invitations?page_size=100`, `/accounts/{account}/members?page_size=100`},
	"/accounts/{account}/account/audit":           {`/accounts/{account}/audit?page_size=15`},
	"/accounts/{account}/account/audit?page=next": {`/accounts/{account}/audit?page_size=15 page_token=next`},
	"/accounts/{account}/account/audit?action=key.block&who=a%40b.example&key={key}&page=next": {`/accounts/{account}/audit?action=key.block actor=a@b.example key_id={key} page_size=15 page_token=next`},
	"/accounts/{account}/account/audit.csv":                                                    {`/accounts/{account}/audit?page_size=100`},
	"/operator/operators/audit.csv":                                                            {`/operators/audit?page_size=100`},
	"/accounts/{account}/account/remove":                                                       {`/accounts/{account}/members?page_size=100`},
	"/accounts/{account}/account/export":                                                       {`/accounts/{account}/export?page_size=100`},
	"/accounts/{account}/account/export.json":                                                  {`/accounts/{account}/export?page_size=100`},
	"/accounts/{account}/domains":                                                              {`/accounts/{account}/domains?page_size=50`},
	"/accounts/{account}/domains?page=next":                                                    {`/accounts/{account}/domains?page_size=50 page_token=next`},
	"/accounts/{account}/domains/new":                                                          {`/accounts/{account}/domains?page_size=1`, `/accounts/{account}/keys?page_size=100`},
	"/accounts/{account}/domains/one":                                                          {`/accounts/{account}/domains?domain=DEMO.EXAMPLE page_size=1`, `/accounts/{account}/keys?page_size=100`},
	"/accounts/{account}/keys":                                                                 {`/accounts/{account}/keys?figures=day page_size=12 sort=-created_at`},
	"/accounts/{account}/keys/selected/delete":                                                 {`/accounts/{account}/keys?page_size=12 sort=-created_at`},
	"/accounts/{account}/keys/selected/label":                                                  {`/accounts/{account}/keys?page_size=12 sort=-created_at`},
	"/accounts/{account}/keys/selected/domain":                                                 {`/accounts/{account}/keys?page_size=12 sort=-created_at`},
	"/accounts/{account}/keys/selected/rotate":                                                 {`/accounts/{account}/keys?page_size=12 sort=-created_at`},
	"/accounts/{account}/keys/selected.csv":                                                    {`/accounts/{account}/keys?page_size=12 sort=-created_at`},
	"/accounts/{account}/keys/{key}":                                                           {`/accounts/{account}/keys/{key}/usage?from=-168h0m0s interval=hour to=0s with=before,quotas`},
	"/accounts/{account}/keys/findings":                                                        {`/accounts/{account}/findings?page_size=100`},
	"/accounts/{account}/keys/findings?key={key}&page=next":                                    {`/accounts/{account}/findings?key_id={key} page_size=100 page_token=next`},
	"/accounts/{account}/keys/{key}/audit":                                                     {`/accounts/{account}/keys/{key}/audit?page_size=15`},
	"/accounts/{account}/keys/{key}/audit?page=next":                                           {`/accounts/{account}/keys/{key}/audit?page_size=15 page_token=next`},
	"/accounts/{account}/keys?q=%20shop&status=active&product=search&sort=name&page=next":      {`/accounts/{account}/keys?figures=day page_size=12 page_token=next product=search q=shop sort=name status=active with=counts`},
	"/accounts/{account}/qps-requests":                                                         {`/accounts/{account}/qps-requests?page_size=25`},
	"/accounts/{account}/qps-requests/new":                                                     {`/accounts/{account}/keys/{key}/usage?from=-720h0m0s interval=hour product=map-display to=0s`},
	"/accounts/{account}/qps-requests/new?key={key}&class=map-display":                         {`/accounts/{account}/keys/{key}/usage?from=-720h0m0s interval=hour product=map-display to=0s`},
	"/accounts/{account}/qps-requests?status=pending&page=next":                                {`/accounts/{account}/qps-requests?page_size=25 page_token=next status=pending`},
	"/accounts/{account}/usage":                                                                {`/accounts/{account}/usage?from=-24h0m0s interval=hour to=0s`},
	"/accounts/{account}/usage.csv":                                                            {`/accounts/{account}/usage?from=-24h0m0s interval=hour to=0s`},
	"/accounts/{account}/usage.csv?key={key}&range=7d&product=search":                          {`/accounts/{account}/keys/{key}/usage?from=-168h0m0s interval=hour product=search to=0s`},
	"/accounts/{account}/usage?key={key}&range=30d":                                            {`/accounts/{account}/keys/{key}/usage?from=-720h0m0s interval=day to=0s`},
	"/accounts/{account}/usage?range=30d&compare=1":                                            {`/accounts/{account}/usage?from=-720h0m0s interval=day to=0s with=before`},
	"/accounts/{account}/usage.csv?range=30d&compare=1":                                        {`/accounts/{account}/usage?from=-720h0m0s interval=day to=0s`},
	"/accounts/{account}/usage?range=13mo":                                                     {`/accounts/{account}/usage?from=-9480h0m0s interval=day to=0s`},
	"/accounts/{account}/usage?range=13mo&by=hour":                                             {`/accounts/{account}/usage?from=-9480h0m0s interval=day to=0s`},
	"/accounts/{account}/usage?range=30d":                                                      {`/accounts/{account}/usage?from=-720h0m0s interval=day to=0s`},
	"/accounts/{account}/usage?range=7d":                                                       {`/accounts/{account}/usage?from=-168h0m0s interval=hour to=0s`},
	"/accounts/{account}/usage?range=7d&by=day&product=search":                                 {`/accounts/{account}/usage?from=-168h0m0s interval=day product=search to=0s`},
	"/accounts/{account}/statements":                                                           {`/accounts/{account}/statements/{month}?page_size=100`, `/accounts/{account}/statements/{present}?page_size=100`},
	"/accounts/{account}/statements?page=next":                                                 {`/accounts/{account}/statements/{month}?page_size=100 page_token=next`},
	"/operator/statements":                                                                     {`/operator/statements/{month}?page_size=100`},
	"/accounts/{account}/qps-requests/new?find=Demo":                                           {`/accounts/{account}/keys?page_size=20 q=Demo`},
	"/accounts/{account}/domains/new?find=shop":                                                {`/accounts/{account}/domains?page_size=1`, `/accounts/{account}/keys?page_size=100 q=shop`},
	"/operator/blocked-keys":                                                                   {`/operator/blocked-keys?page_size=20`},
	"/operator/blocked-keys?page=next":                                                         {`/operator/blocked-keys?page_size=20 page_token=next`},
	"/operator":                                                                                {`/qps-requests?page_size=5`},
	"/operator/keys/{key}":                                                                     {`/accounts/{account}/keys/{key}/usage?with=quotas`},
	"/operator/accounts":                                                                       {`/operator/accounts?page_size=25`},
	"/operator/accounts/{account}":                                                             {`/accounts/{account}/keys?page_size=50`},
	"/operator/accounts/{account}/people":                                                      {`/accounts/{account}/members?page_size=100`},
	"/operator/operators":                                                                      {`/operators?page_size=100`},
	"/operator/operators/audit":                                                                {`/operators/audit?page_size=15`},
	"/operator/operators/remove":                                                               {`/operators?page_size=100`},
	"/operator/exposed-keys":                                                                   {`/operator/exposed-keys?page_size=20`},
	"/operator/exposed-keys?page=next":                                                         {`/operator/exposed-keys?page_size=20 page_token=next`},
	"/operator/suspended-accounts":                                                             {`/operator/suspended-accounts?page_size=20`},
	"/operator/suspended-accounts?page=next":                                                   {`/operator/suspended-accounts?page_size=20 page_token=next`},
	"/operator/qps-requests":                                                                   {`/qps-requests?page_size=12`},
	"/operator/qps-requests?page=next":                                                         {`/qps-requests?page_size=12 page_token=next`},
	"/operator?q=a%40example.com":                                                              {`/operator/accounts?email=a@example.com page_size=25`},
	"/operator?q=demo":                                                                         {`/operator/accounts?page_size=25 q=demo`, `/operator/keys?page_size=15 q=demo`},
	"/operator?q=demo&further=next":                                                            {`/operator/keys?page_size=15 page_token=next q=demo`},
	"/operator?q=demo%40":                                                                      {`/operator/accounts?page_size=25 q=demo@`, `/operator/members?page_size=15 q=demo@`},
	"/operator?in=people&q=demo&further=next":                                                  {`/operator/members?page_size=15 page_token=next q=demo`},
	"/operator?q=demo&page=next":                                                               {`/operator/accounts?page_size=25 page_token=next q=demo`},
}

// asked are the questions of a page: what two tries have in common, since a read that the page before has given up may
// still come in.
func (w *walker) asked(target string, now time.Time) []string {
	ask := func() (list []string) {
		w.forget()
		w.ask(http.MethodGet, target, nil)
		for _, c := range w.called() {
			if path, query, ok := strings.Cut(c.uri, "?"); ok {
				list = append(list, strings.TrimPrefix(path, "/v1")+"?"+relative(w.t, query, now))
			}
		}
		return list
	}
	first, second := ask(), ask()
	second = slices.DeleteFunc(second, func(one string) bool { return !slices.Contains(first, one) })
	slices.Sort(second)
	return slices.Compact(second)
}

// relative is a query with its times as distances from now.
func relative(t testing.TB, query string, now time.Time) string {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := strings.Join(values[name], "+")
		if at, err := time.Parse(time.RFC3339, value); err == nil {
			value = at.Sub(now).String()
		}
		parts = append(parts, name+"="+value)
	}
	return strings.Join(parts, " ")
}

// TestEachPageAsksForWhatItShows: a page can't show what it hasn't asked for, such as a peak of days, which keep none.
func TestEachPageAsksForWhatItShows(t *testing.T) {
	w := newWalker(t, "owner")
	now := time.Now().UTC().Truncate(time.Second)
	w.app.now = func() time.Time { return now }
	ids := strings.NewReplacer(account, "{account}", keyID, "{key}", requestID1, "{request}", lastMonth(), "{month}", thisMonth(), "{present}")
	got := map[string][]string{}
	pages := w.routes(http.MethodGet)
	for page := range asks {
		if strings.Contains(page, "?") {
			pages = append(pages, page)
		}
	}
	for _, page := range pages {
		pattern, query, _ := strings.Cut(page, "?")
		target := w.page(pattern)
		if query != "" {
			target = w.fill(pattern) + "?" + strings.ReplaceAll(query, "{key}", keyID)
		}
		for _, one := range w.asked(target, now) {
			got[page] = append(got[page], ids.Replace(one))
		}
	}
	for page, want := range asks {
		if !slices.Equal(got[page], want) {
			t.Errorf("%s asks for %q, want %q", page, got[page], want)
		}
	}
	for page, questions := range got {
		if asks[page] == nil {
			t.Errorf("%s asks for %q: add it to asks", page, questions)
		}
	}
}
