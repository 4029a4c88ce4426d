package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"latchkey/functions/console/internal/locale"
	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// usageOf is an answer about some bars, each so long, with ten calls in each: 7 allowed, 2 for the limit, 1 for its domain.
func usageOf(start time.Time, n int, each time.Duration) api.Usage {
	by := map[time.Duration]api.UsageInterval{time.Hour: api.UsageIntervalHour, oneDay: api.UsageIntervalDay}[each]
	u := api.Usage{From: moment.Of(start), To: moment.Of(start.Add(time.Duration(n) * each)), Interval: by, FreshAt: ptr(moment.Of(start))}
	for i := range n {
		u.Series = append(u.Series, api.UsagePoint{Start: moment.Of(start.Add(time.Duration(i) * each)), Requests: 10, Allowed: 7, Refused: 3, QpsBreaches: 2})
	}
	all := int64(n)
	u.Totals = api.UsageCounts{Requests: 10 * all, Allowed: 7 * all, Refused: 3 * all, QpsBreaches: 2 * all, ByReason: map[string]int64{"qps_exceeded": 2 * all, "domain_not_allowed": all}}
	return u
}

// answers gives a page its usage and its time.
func (r *harness) answers(u api.Usage, now time.Time) {
	r.app.now = func() time.Time { return now }
	r.api.on("GET /v1/accounts/"+account+"/usage", func(w http.ResponseWriter, _ *http.Request, _ []byte) bool { reply(w, 200, u); return true })
}

func usageHarness(t *testing.T) *harness {
	t.Helper()
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	fakeAnswers(r, "Demo")
	return r
}

// cookie sets a cookie as a script would.
func (r *harness) cookie(name, value string) {
	u, err := url.Parse(r.url)
	if err != nil {
		r.t.Fatal(err)
	}
	r.browser.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// first finds the first element of a class.
func first(doc *html.Node, class string) (found *html.Node) {
	elements(doc, func(n *html.Node) {
		if found == nil && slices.Contains(strings.Fields(attr(n, "class")), class) {
			found = n
		}
	})
	return found
}

// TestTimesAreThePersonsOwn: by the zone that the browser's cookie names, with UTC beside it; what is no zone is UTC.
func TestTimesAreThePersonsOwn(t *testing.T) {
	start := time.Date(2026, 11, 21, 5, 0, 0, 0, time.UTC)
	for zone, want := range map[string][]string{
		"":                    {"Time zone: UTC", "21 Nov 2026, 05:00–06:00 UTC"},
		"Europe/Berlin":       {"Time zone: Europe/Berlin (UTC+1)", "21 Nov 2026, 06:00–07:00 (05:00 UTC)", "22 Nov 2026, 00:00–01:00 (23:00 UTC)"},
		"America/New_York":    {"Time zone: America/New York (UTC−5)", "21 Nov 2026, 00:00–01:00 (05:00 UTC)"},
		"Asia/Kolkata":        {"Time zone: Asia/Kolkata (UTC+5:30)", "21 Nov 2026, 10:30–11:30 (05:00 UTC)"},
		"../../etc/localtime": {"Time zone: UTC"},
		"No/Where":            {"Time zone: UTC"},
		"Local":               {"Time zone: UTC"},
	} {
		r := usageHarness(t)
		r.answers(usageOf(start, 25, time.Hour), start.Add(24*time.Hour+time.Minute))
		r.cookie(zoneCookie, zone)
		page := r.get("/accounts/" + account + "/usage")
		for _, words := range want {
			if !strings.Contains(text(page.doc), words) {
				t.Errorf("%q: the page lacks %q: %s", zone, words, text(first(page.doc, "charts")))
			}
		}
	}
}

// TestABarThatIsntOverIsMarked, and no other.
func TestABarThatIsntOverIsMarked(t *testing.T) {
	start := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC) // a Monday
	for name, c := range map[string]struct {
		query   string
		u       api.Usage
		now     time.Time
		partial string
		says    string
	}{
		"an hour that runs":       {"", usageOf(start, 25, time.Hour), start.Add(24*time.Hour + time.Minute), "24", "This hour so far"},
		"hours that are over":     {"?from=2026-11-02&to=2026-11-02", usageOf(start, 24, time.Hour), start.Add(24 * time.Hour), "", ""},
		"a day that runs":         {"?range=30d", usageOf(start, 20, oneDay), start.Add(20*oneDay - time.Minute), "19", "Today so far"},
		"days that are over":      {"?from=2026-11-02&to=2026-11-21", usageOf(start, 20, oneDay), start.Add(30 * oneDay), "", ""},
		"a week that runs":        {"?range=13mo", usageOf(start, 20, oneDay), start.Add(20*oneDay - time.Minute), "2", "This week so far"},
		"weeks that are cut":      {"?from=2026-11-05&to=2026-11-18&by=week", usageOf(start.Add(3*oneDay), 14, oneDay), start.Add(60 * oneDay), "0 2", "Part of the week"},
		"weeks that are all over": {"?from=2026-11-02&to=2026-11-22&by=week", usageOf(start, 21, oneDay), start.Add(60 * oneDay), "", ""},
	} {
		r := usageHarness(t)
		r.answers(c.u, c.now)
		charts := first(r.get("/accounts/"+account+"/usage"+c.query).doc, "charts")
		if got := attr(charts, "data-partial"); got != c.partial {
			t.Errorf("%s: %q is partial", name, got)
		}
		if hatched := first(charts, "hatch") != nil; hatched != (c.partial != "") || !strings.Contains(text(charts), c.says) {
			t.Errorf("%s: hatched %v, %s", name, hatched, text(charts))
		}
		if running := attr(charts, "data-sofar") != ""; running != strings.Contains(c.says, "so far") {
			t.Errorf("%s: running %v", name, running)
		}
	}
}

// TestWeeksAddUpTheirDays: no call is lost or counted twice.
func TestWeeksAddUpTheirDays(t *testing.T) {
	r := usageHarness(t)
	start := time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC) // a Thursday
	r.answers(usageOf(start, 14, oneDay), start.Add(60*oneDay))
	page := r.get("/accounts/" + account + "/usage?from=2026-11-05&to=2026-11-18&by=week")
	var values, weeks []string
	elements(page.doc, func(n *html.Node) {
		if attr(n, "class") == "chart" {
			values = append(values, attr(n, "data-values"))
		}
		if n.Data == "th" && attr(n, "scope") == "" && strings.Contains(text(n), "Nov") {
			weeks = append(weeks, strings.Join(strings.Fields(text(n)), " "))
		}
	})
	if want := []string{"s,c 1d,l l,9", "8,4 e,7 6,3"}; !slices.Equal(values, want) {
		t.Errorf("got %q, want %q", values, want)
	}
	if want := []string{"2 Nov – 8 Nov 2026 Part of the week", "9 Nov – 15 Nov 2026", "16 Nov – 22 Nov 2026 Part of the week"}; !slices.Equal(weeks, want) {
		t.Errorf("got %q, want %q", weeks, want)
	}
}

// TestABarLeadsToWhatItIsMadeOf, where that is kept: weeks to days and days to hours, by links in the table and for the script alike.
func TestABarLeadsToWhatItIsMadeOf(t *testing.T) {
	r := usageHarness(t)
	root := "/accounts/" + account + "/usage"
	now := time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC)
	links := func(query string, u api.Usage) (found []string, drill, from string) {
		r.answers(u, now)
		page := r.get(root + query)
		elements(first(page.doc, "tight"), func(n *html.Node) {
			if n.Data == "a" {
				found = append(found, attr(n, "href"))
			}
		})
		charts := first(page.doc, "charts")
		return found, attr(charts, "data-drill"), attr(charts, "data-from")
	}
	days := usageOf(now.Truncate(oneDay).AddDate(0, 0, -40), 41, oneDay)
	got, drill, from := links("?range=90d&product=map-display", days)
	if len(got) != 35 || got[0] != "?from=2026-10-25&product=map-display&to=2026-10-25" || drill != "?from=%7Bfrom%7D&product=map-display&to=%7Bto%7D" || from != "6" {
		t.Errorf("%d days lead to hours, the first to %q; %s from %s", len(got), slices.Concat(got, []string{""})[0], drill, from)
	}
	got, drill, from = links("?range=13mo", usageOf(now.Truncate(oneDay).AddDate(0, 0, -390), 391, oneDay))
	if len(got) != 13 || got[0] != "?by=day&from=2025-11-01&to=2025-11-30" || got[1] != "?by=day&from=2025-12-01&to=2025-12-31" || from != "0" || !strings.Contains(drill, "by=day") {
		t.Errorf("%d months lead to days, the first two to %q; %s from %s", len(got), got[:2], drill, from)
	}
	if got, drill, _ = links("", usageOf(now.Add(-24*time.Hour), 25, time.Hour)); len(got) != 0 || drill != "" {
		t.Errorf("hours lead to %v, %q", got, drill)
	}
}

// TestBothChartsStandOnOneScaleOfTime: as many values as there are bars in each, and the same names under both.
func TestBothChartsStandOnOneScaleOfTime(t *testing.T) {
	r := usageHarness(t)
	start := time.Date(2026, 11, 21, 5, 0, 0, 0, time.UTC)
	r.answers(usageOf(start, 169, time.Hour), start.Add(168*time.Hour))
	var names, values []string
	elements(r.get("/accounts/"+account+"/usage?range=7d").doc, func(n *html.Node) {
		if attr(n, "class") == "times" {
			names = append(names, text(n))
		}
		if attr(n, "class") == "chart" {
			values = append(values, attr(n, "data-values"))
		}
	})
	if len(names) != 2 || names[0] != names[1] || !strings.HasPrefix(names[0], "22 Nov") {
		t.Errorf("under the charts: %q", names)
	}
	if len(values) != 2 || strings.Count(values[0], " ") != 168 || strings.Count(values[1], " ") != 168 {
		t.Errorf("values: %q", values)
	}
}

func TestTheScriptOfChartsIsSmall(t *testing.T) {
	raw, err := fs.ReadFile(assetFiles, "assets/charts.js")
	if err != nil || len(raw) > 8000 {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
}

// TestEachTableOfUsageHasACaption: it is what a list of tables shows.
func TestEachTableOfUsageHasACaption(t *testing.T) {
	r := usageHarness(t)
	tables := 0
	elements(r.get("/accounts/"+account+"/usage").doc, func(n *html.Node) {
		if n.Data != "table" {
			return
		}
		tables++
		caption := ""
		elements(n, func(c *html.Node) {
			if c.Data == "caption" {
				caption = text(c)
			}
		})
		if caption == "" {
			t.Errorf("a table has no caption: %s", text(n))
		}
	})
	if tables < 5 {
		t.Errorf("%d tables", tables)
	}
}

// loose finds a mark that French sets off, where a line may break before it: after an ordinary space, or after none.
var loose = regexp.MustCompile(`[ \pL}][;?!»](?:\s|$)|[ \pL}]:(?:\s|$)|«[^\x{a0}\x{202f}]`)

func TestFrenchTextsOfUsageDontBreakBeforeTheirMarks(t *testing.T) {
	raw, err := fs.ReadFile(messageFiles(), "fr/usage.json")
	var messages locale.Catalogue
	if err == nil {
		err = json.Unmarshal(raw, &messages)
	}
	if err != nil || len(messages) < 50 {
		t.Fatal(len(messages), err)
	}
	for key, m := range messages {
		for form, words := range m {
			if loose.MatchString(words) {
				t.Errorf("%s %s: %q", key, form, words)
			}
		}
	}
}

func TestSomeIsNeverShownAsNoneNorMostAsAll(t *testing.T) {
	r := newHarness(t, time.Hour)
	for _, c := range []struct {
		part, whole int64
		en, fr      string
	}{
		{0, 0, "0.0%", "0,0\u00a0%"},
		{0, 9, "0.0%", "0,0\u00a0%"},
		{9, 9, "100.0%", "100,0\u00a0%"},
		{1, 3, "33.3%", "33,3\u00a0%"},
		{1, 1_000_000, "<\u00a00.1%", "<\u00a00,1\u00a0%"},
		{999_999, 1_000_000, ">\u00a099.9%", ">\u00a099,9\u00a0%"},
		{1, 2000, "0.1%", "0,1\u00a0%"},
	} {
		for tag, want := range map[string]string{"en": c.en, "fr": c.fr} {
			v := &visit{app: r.app, lang: r.app.langs.Choose(tag, "")}
			if got := v.percent(c.part, c.whole); got != want {
				t.Errorf("%s of %s in %s: %q, want %q", fmt.Sprint(c.part), fmt.Sprint(c.whole), tag, got, want)
			}
		}
	}
}

// TestNoNameInAChartIsCut: a legend and a readout wrap the names of keys, products and domains, however long.
func TestNoNameInAChartIsCut(t *testing.T) {
	sheet, err := os.ReadFile("assets/usage.css")
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range strings.Split(string(sheet), "\n") {
		if strings.Contains(rule, "text-overflow") {
			t.Errorf("it is cut by %s", rule)
		}
	}
	for _, names := range []string{".legend bdi ", ".readout li span:not(.swatch) "} {
		_, rule, found := strings.Cut(string(sheet), "\n"+names+"{")
		rule, _, _ = strings.Cut(rule, "}")
		if !found || !strings.Contains(rule, "overflow-wrap: anywhere") || strings.Contains(rule, "nowrap") {
			t.Errorf("%sdoesn't wrap: %s", names, rule)
		}
	}
}
