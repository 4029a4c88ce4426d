package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"latchkey/shared/api"
)

// asked records the query of each call to the API's usage.
func asked(r *harness, path string) *[]url.Values {
	var seen []url.Values
	r.api.on("GET "+path, func(w http.ResponseWriter, q *http.Request, _ []byte) bool {
		seen = append(seen, q.URL.Query())
		if q.Header.Get("Accept") == "text/csv" {
			w.Header().Set("Content-Type", "text/csv")
			_, _ = w.Write([]byte("start,product,requests\n2026-08-03T14:00:00Z,map-display,50\n"))
			return true
		}
		reply(w, 200, api.Usage{Interval: api.UsageInterval(q.URL.Query().Get("interval"))})
		return true
	})
	return &seen
}

func TestTheRangeInTheURLIsWhatTheAPIIsAsked(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	fakeAnswers(r, "Demo")
	r.app.now = func() time.Time { return time.Date(2026, 7, 31, 12, 30, 0, 0, time.UTC) }
	seen := asked(r, "/v1/accounts/"+account+"/usage")
	for query, want := range map[string]string{
		"":                               "24h0m0s by hour",
		"?range=7d":                      "168h0m0s by hour",
		"?range=30d":                     "720h0m0s by day",
		"?range=90d":                     "2160h0m0s by day",
		"?range=13mo":                    "9480h0m0s by day", // weeks are added up here
		"?range=13mo&by=hour":            "9480h0m0s by day", // hours aren't kept that long
		"?range=30d&by=hour":             "720h0m0s by hour",
		"?range=30d&by=week":             "720h0m0s by day",
		"?range=nonsense":                "24h0m0s by hour",
		"?from=2026-07-01&to=2026-07-02": "48h0m0s by hour",
		"?from=2026-06-01&to=2026-06-02": "48h0m0s by day", // as of then there are no hours
		"?from=2026-06-01&to=2026-06-30": "720h0m0s by day",
		"?from=2026-07-30&to=2026-12-31": "36h30m0s by day", // nothing is to come
		"?to=2026-07-01&product=map-display&range=7d": "24h0m0s by hour",
	} {
		*seen = nil
		page := r.get("/accounts/" + account + "/usage" + query)
		if len(*seen) != 1 || page.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d calls, answered %d", query, len(*seen), page.StatusCode)
		}
		q := (*seen)[0]
		from, _ := time.Parse(time.RFC3339, q.Get("from"))
		to, _ := time.Parse(time.RFC3339, q.Get("to"))
		if got := fmt.Sprint(to.Sub(from), " by ", q.Get("interval")); got != want {
			t.Errorf("%s asks for %s, want %s", query, got, want)
		}
	}
}

// TestARangeThatCantBeShownIsExplained in the page's language, beside its field; nothing is asked, and no figure is shown.
func TestARangeThatCantBeShownIsExplained(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	fakeAnswers(r, "Demo")
	r.app.now = func() time.Time { return time.Date(2026, 7, 31, 12, 30, 0, 0, time.UTC) }
	seen := asked(r, "/v1/accounts/"+account+"/usage")
	for query, want := range map[string][2]string{
		"?from=2026-07-02&to=2026-07-01": {"The range ends before it starts.", "La période se termine avant de commencer."},
		"?from=yesterday&to=2026-07-01":  {"Enter a date.", "Saisissez une date."},
		"?from=2025-06-30&to=2025-07-01": {"Choose a start on or after 1 Jul 2025.", "Choisissez une date de début à partir du 1 juil. 2025."},
		"?from=1999-01-01":               {"Usage is kept for 13 months.", "L’utilisation est conservée 13 mois."},
		"?from=2026-08-01&to=2026-08-02": {"This range is in the future.", "Cette période est à venir."},
	} {
		for i, tag := range []string{"en", "fr"} {
			r.post("/preferences", url.Values{"language": {tag}})
			*seen = nil
			page := r.get("/accounts/" + account + "/usage" + query)
			words := text(page.doc)
			if page.StatusCode != http.StatusBadRequest || !strings.Contains(words, want[i]) || len(*seen) != 0 || strings.Contains(page.text, `class="figures"`) {
				t.Errorf("%s in %s: %d, %d calls, %s", query, tag, page.StatusCode, len(*seen), words)
			}
			for _, name := range []string{"fresh.none", "none"} {
				if untrue := r.app.langs.Choose(tag, "").Text("usage." + name); strings.Contains(words, untrue) {
					t.Errorf("%s in %s says %q", query, tag, untrue)
				}
			}
		}
	}
}

func TestTheTableThatIsDownloadedIsTheOneThatIsShown(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	fakeAnswers(r, "Demo")
	path := "/v1/accounts/" + account + "/keys/" + keyID + "/usage"
	seen := asked(r, path)
	link := ""
	elements(r.get("/accounts/"+account+"/usage?from=2026-07-01&to=2026-07-02&product=map-display&key="+keyID).doc, func(n *html.Node) {
		if n.Data == "a" && strings.Contains(attr(n, "href"), "usage.csv") {
			link = attr(n, "href")
		}
	})
	table := r.get(link)
	if table.Header.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.HasPrefix(table.Header.Get("Content-Disposition"), "attachment") ||
		!strings.Contains(table.text, "map-display,50") {
		t.Fatalf("%s: %v %s", link, table.Header, table.text)
	}
	if len(*seen) != 2 || (*seen)[0].Encode() != (*seen)[1].Encode() {
		t.Errorf("asked %v", *seen)
	}
}

func TestUsageNamesWhatStandsOut(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	fakeAnswers(r, "Demo")
	page := r.get("/accounts/" + account + "/usage")
	for _, want := range []string{"Unusually busy hours", "50 requests, 40 expected from previous weeks", "Busiest minute", "QPS limit exceeded", "Updated", "Unknown path"} {
		if !strings.Contains(text(page.doc), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	tables, titles := 0, 0
	elements(page.doc, func(n *html.Node) {
		if n.Data == "table" && attr(n, "class") == "tight" {
			tables++
		}
		if n.Data == "svg" && attr(n, "role") == "img" && attr(n, "aria-labelledby") != "" {
			titles++
		}
	})
	if tables != 1 || titles != 2 || !strings.Contains(page.text, `class="mark"`) {
		t.Errorf("%d tables under %d charts", tables, titles)
	}
}

// TestARangeThatIsRefusedSaysNothingElse: neither that it is shown by the day, nor that there were no requests.
func TestARangeThatIsRefusedSaysNothingElse(t *testing.T) {
	w := newWalker(t, "owner")
	for _, query := range []string{"from=2026-05-05&to=2026-01-01&by=hour", "from=2020-01-01&to=2020-01-31&by=hour"} {
		page := w.ask(http.MethodGet, "/accounts/"+account+"/usage?"+query, nil)
		said := text(page.doc)
		if page.StatusCode != http.StatusBadRequest || strings.Contains(said, "Hourly figures") || strings.Contains(said, "No requests") {
			t.Errorf("%s: %d, %s", query, page.StatusCode, said)
		}
	}
}
