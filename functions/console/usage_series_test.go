package main

import (
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"latchkey/shared/api"
)

// grouped splits usageOf's calls in nine, with names as long as they may be: eight groups have one call of each bar, the others what is left.
func groupedUsage(u api.Usage, by string, each int64) api.Usage {
	n := len(u.Series)
	whole := func(i int) int64 {
		if by == byReason {
			return u.Series[i].Refused
		}
		return u.Series[i].Requests
	}
	var list []api.UsageGroup
	left := make([]int64, n)
	for i := range left {
		left[i] = whole(i)
	}
	for g := range mostShown {
		one := api.UsageGroup{Name: fmt.Sprint("name-", g), Series: make([]int64, n)}
		if by == byKeys {
			one.Key = &api.UsageKey{Id: scattered(g), Name: fmt.Sprintf("%d %s", g, strings.Repeat("long name ", 7))[:64], Preview: "ak_7Kf2…x9Qd"}
		}
		for i := range left {
			take := min(each+int64(i*g%7)*each/9, left[i])
			one.Series[i], left[i], one.Requests = take, left[i]-take, one.Requests+take
		}
		list = append(list, one)
	}
	rest := api.UsageGroup{Others: true, Series: left}
	for _, one := range left {
		rest.Requests += one
	}
	if rest.Requests > 0 {
		list = append(list, rest)
	}
	u.Groups = &list
	return u
}

// TestChartsAreSplitByWhatIsAskedFor: one chart has a series for each group, in the order of the answer, and each bar's numbers; the API is asked
// once, by the same word.
func TestChartsAreSplitByWhatIsAskedFor(t *testing.T) {
	start := time.Date(2026, 11, 21, 5, 0, 0, 0, time.UTC)
	for by, c := range map[string]struct {
		series, values []string
	}{
		"":          {[]string{"allowed refused", "breaches others"}, []string{"7,3", "2,1"}},
		byKeys:      {[]string{"g0 g1 g2 g3 g4 g5 g6 g7 g8"}, []string{"1,1,1,1,1,1,1,1,2"}},
		byProduct:   {[]string{"g0 g1 g2 g3 g4 g5 g6 g7 g8"}, []string{"1,1,1,1,1,1,1,1,2"}},
		byOrigin:    {[]string{"g0 g1 g2 g3 g4 g5 g6 g7 g8"}, []string{"1,1,1,1,1,1,1,1,2"}},
		byReason:    {[]string{"g0 g1 g2 g3 g4 g5 g6 g7"}, []string{"1,1,1"}},
		"something": {[]string{"allowed refused", "breaches others"}, []string{"7,3", "2,1"}},
	} {
		r := usageHarness(t)
		asked := ""
		r.app.now = func() time.Time { return start.Add(25 * time.Hour) }
		r.api.on("GET /v1/accounts/"+account+"/usage", func(w http.ResponseWriter, req *http.Request, _ []byte) bool {
			u := usageOf(start, 25, time.Hour)
			if asked = req.URL.Query().Get("group_by"); asked != "" {
				u = groupedUsage(u, asked, 1)
			}
			reply(w, 200, u)
			return true
		})
		page := r.get("/accounts/" + account + "/usage?group=" + by)
		var series, values []string
		elements(page.doc, func(n *html.Node) {
			if attr(n, "class") != "chart" {
				return
			}
			var names []string
			elements(n, func(li *html.Node) {
				if s := attr(li, "data-series"); s != "" {
					names = append(names, s)
				}
			})
			series, values = append(series, strings.Join(names, " ")), append(values, strings.Split(attr(n, "data-values"), " ")[0])
		})
		if !slices.Equal(series, c.series) || !slices.Equal(values, c.values) {
			t.Errorf("%s: series %q, values %q", by, series, values)
		}
		if want := by; asked != want && !(by == "something" && asked == "") {
			t.Errorf("%s: the API was asked for %q", by, asked)
		}
	}
}

// TestWeeksAddUpTheirGroups as they do their days.
func TestWeeksAddUpTheirGroups(t *testing.T) {
	r := usageHarness(t)
	start := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC) // a Monday
	r.answers(groupedUsage(usageOf(start, 14, oneDay), byKeys, 1), start.Add(60*oneDay))
	page := r.get("/accounts/" + account + "/usage?from=2026-11-02&to=2026-11-15&by=week&group=key")
	if got := attr(first(page.doc, "chart"), "data-values"); got != "7,7,7,7,7,7,7,7,e 7,7,7,7,7,7,7,7,e" {
		t.Errorf("%q", got)
	}
}

// TestATableOfManyBarsAddsThemUp: hours by the day, days by the week and weeks by the month, whose days lie in it; no call is lost or counted twice, of
// any group, and each row leads to its own days.
func TestATableOfManyBarsAddsThemUp(t *testing.T) {
	now := time.Date(2026, 11, 28, 10, 30, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		q             usageAsk
		n             int
		each          time.Duration
		rows          int
		first, second string
	}{
		"hours":     {usageAsk{interval: hourly}, 169, time.Hour, 8, "21 Nov 2026 140 ?from=2026-11-21&group=key&to=2026-11-21 cut", "22 Nov 2026 240 ?from=2026-11-22&group=key&to=2026-11-22"},
		"days":      {usageAsk{interval: daily}, 91, oneDay, 14, "24 Aug – 30 Aug 2026 10 ?by=day&from=2026-08-24&group=key&to=2026-08-30 cut", "31 Aug – 6 Sep 2026 70 ?by=day&from=2026-08-31&group=key&to=2026-09-06"},
		"weeks":     {usageAsk{interval: weekly}, 391, oneDay, 13, "Nov 2025 280 ?by=day&from=2025-11-01&group=key&to=2025-11-30 cut", "Dec 2025 310 ?by=day&from=2025-12-01&group=key&to=2025-12-31"},
		"few hours": {usageAsk{interval: hourly}, 25, time.Hour, 25, "27 Nov 2026, 10:00–11:00 UTC 10 ", "27 Nov 2026, 11:00–12:00 UTC 10 "},
	} {
		r := usageHarness(t)
		r.app.now = func() time.Time { return now }
		v := &visit{app: r.app, lang: r.app.langs.Choose("en", ""), r: &http.Request{}}
		c.q.Group = byKeys
		charts := v.charts(c.q, groupedUsage(usageOf(now.Truncate(c.each).Add(-time.Duration(c.n-1)*c.each), c.n, c.each), byKeys, 1), nil)
		var said []string
		var sum, ofGroups int64
		for _, row := range charts.Table {
			line := fmt.Sprint(row.Name, " ", row.Requests, " ", row.Hours)
			if row.Cut {
				line += " cut"
			}
			said, sum = append(said, line), sum+row.Requests
			for _, n := range row.Groups {
				ofGroups += n
			}
		}
		if len(said) != c.rows || said[0] != c.first || said[1] != c.second || sum != int64(10*c.n) || ofGroups != sum {
			t.Errorf("%s: %d rows with %d calls, %d of groups: %q", name, len(said), sum, ofGroups, said)
		}
	}
}

// TestASplitThatIsTooLargeSaysHowToGetOne, and shows the charts without it.
func TestASplitThatIsTooLargeSaysHowToGetOne(t *testing.T) {
	start := time.Date(2026, 11, 21, 5, 0, 0, 0, time.UTC)
	for by, want := range map[string]string{byKeys: "too many keys to split this range by key.", byOrigin: "too many keys to split this range by origin."} {
		r := usageHarness(t)
		r.answers(usageOf(start, 25, time.Hour), start.Add(25*time.Hour))
		page := text(r.get("/accounts/" + account + "/usage?group=" + by).doc)
		if !strings.Contains(page, want) || !strings.Contains(page, "QPS breaches") {
			t.Errorf("%s: %s", by, page)
		}
	}
}

// TestGroupedChartsAreSmall: below 40 kB with the longest names and large numbers, in each range, compared with the period before, in each language.
func TestGroupedChartsAreSmall(t *testing.T) {
	now := time.Date(2026, 11, 30, 10, 30, 0, 0, time.UTC)
	w := newWalker(t, "owner")
	w.app.now = func() time.Time { return now }
	for name, c := range map[string]struct {
		n    int
		each time.Duration
	}{"24h": {25, time.Hour}, "7d": {169, time.Hour}, "30d": {31, oneDay}, "90d": {91, oneDay}, "13mo": {396, oneDay}} {
		for _, by := range []string{"", byKeys, byProduct, byReason, byOrigin} {
			u := usageOf(now.Truncate(c.each).Add(-time.Duration(c.n-1)*c.each), c.n, c.each)
			for i := range u.Series {
				u.Series[i].Requests, u.Series[i].Allowed, u.Series[i].Refused, u.Series[i].QpsBreaches = 9_876_543+int64(i), 8_876_543+int64(i), 1_000_000, 400_000
			}
			u.Totals = api.UsageCounts{Requests: 9_876_543 * 400, Allowed: 8_876_543 * 400, Refused: 4e8, QpsBreaches: 1e8, ByReason: map[string]int64{}}
			u.Before = &api.UsageBefore{From: u.From, To: u.To, Totals: u.Totals, Series: u.Series}
			var shares []api.UsageShare
			for i := range 500 {
				shares = append(shares, api.UsageShare{Name: scattered(i), Requests: 1e6, Allowed: 9e5, Refused: 1e5, Key: &api.UsageKey{Id: scattered(i), Name: fmt.Sprintf("%d %s", i, strings.Repeat("long name ", 7))[:64], Preview: "ak_7Kf2…x9Qd"}})
			}
			for i, code := range []string{"domain_not_allowed", "product_not_allowed", "qps_exceeded", "origin_missing", "key_not_in_header", "key_disabled", "key_expired", "secret_expired", "path_not_canonical"} {
				u.Totals.ByReason[code] = int64(1e7 + i)
			}
			var others []api.UsageShare // products and hosts
			for i := range 20 {
				others = append(others, api.UsageShare{Name: fmt.Sprintf("maps-of-shops-%d.example.com", i), Requests: 1e6, Allowed: 9e5, Refused: 1e5, ByReason: map[string]int64{"qps_exceeded": 1e5}})
			}
			u.ByKey, u.ByProduct, u.ByOrigin = &shares, &others, &others
			each := int64(1_000_000)
			if by == byReason {
				each = 100_000
			}
			if by != "" {
				u = groupedUsage(u, by, each)
			}
			w.api.on("GET /v1/accounts/"+account+"/usage", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool { reply(out, 200, u); return true })
			for _, language := range []string{"en", "fr", "ar"} {
				page := w.ask(http.MethodGet, "/accounts/"+account+"/usage?compare=1&group="+by+"&range="+name, nil, "Accept-Language", language)
				if size := len(page.text); page.StatusCode != 200 || size > mostHTML || (by != "") != strings.Contains(page.text, `data-series="g7"`) {
					t.Errorf("%s by %s in %s: %d, %d bytes", name, by, language, page.StatusCode, size)
				}
			}
		}
	}
}

// TestGroupsAreToldApartWithoutTheirColours: each has a pattern of its own beside its name and in the drawing, and stands out from the page in both
// themes by 3 to 1, as what isn't text has to.
func TestGroupsAreToldApartWithoutTheirColours(t *testing.T) {
	raw, err := fs.ReadFile(assetFiles, "assets/usage.css")
	if err != nil {
		t.Fatal(err)
	}
	sheet := string(raw)
	patterns := map[string]bool{}
	for i := range mostShown + 1 {
		found := regexp.MustCompile(fmt.Sprintf(`\.charts \.g%d \{ color: light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\); \}`, i)).FindStringSubmatch(sheet)
		if found == nil {
			t.Fatalf("group %d has no colour", i)
		}
		for n, page := range []string{"#ffffff", "#161b1d"} {
			if ratio := contrastOf(t, found[n+1], page); ratio < 3 {
				t.Errorf("group %d: %s on %s is %.2f to 1", i, found[n+1], page, ratio)
			}
		}
		pattern := regexp.MustCompile(fmt.Sprintf(`\.g%d \.swatch \{ background: ([^}]*) \}`, i)).FindString(sheet)
		if _, known := patterns[strings.TrimPrefix(pattern, fmt.Sprintf(".g%d", i))]; i > 0 && i < mostShown && (pattern == "" || known) {
			t.Errorf("group %d has no pattern of its own", i)
		}
		patterns[strings.TrimPrefix(pattern, fmt.Sprintf(".g%d", i))] = true
	}
	if !regexp.MustCompile(`forced-colors: active\) \{\s*\.plot \*, \.swatch \{ forced-color-adjust: none; \}`).MatchString(sheet) {
		t.Error("forced colours take the patterns away")
	}
}

// contrastOf is the ratio of two colours by WCAG.
func contrastOf(t *testing.T, a, b string) float64 {
	t.Helper()
	light := func(colour string) float64 {
		sum := 0.0
		for i, weight := range []float64{.2126, .7152, .0722} {
			n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			c := float64(n) / 255
			if c <= .04045 {
				c /= 12.92
			} else {
				c = math.Pow((c+.055)/1.055, 2.4)
			}
			sum += weight * c
		}
		return sum + .05
	}
	x, y := light(a), light(b)
	return max(x, y) / min(x, y)
}
