package session_test

import (
	"strings"
	"testing"

	"latchkey/functions/console/internal/session"
	"latchkey/shared/dynamo/sessions"
)

// agents lists what browsers send, with the names that are kept of it.
var agents = map[string]session.Browser{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0":                                                          {Name: "Firefox", System: "Windows"},
	"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36":                           {Name: "Chrome", System: "Android"},
	"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36":                                     {Name: "Chrome", System: "Linux"},
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0":             {Name: "Edge", System: "Windows"},
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15":                     {Name: "Safari", System: "macOS"},
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1":   {Name: "Safari", System: "iOS"},
	"Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.0.0 Mobile/15E148 Safari/604.1":         {Name: "Chrome", System: "iPadOS"},
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/145.0 Mobile/15E148 Safari/605.1.15": {Name: "Firefox", System: "iOS"},
	"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36":       {Name: "Samsung Internet", System: "Android"},
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 OPR/125.0.0.0":       {Name: "Opera", System: "macOS"},
	"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36":                            {Name: "Chrome", System: "ChromeOS"},
	"":                                  {},
	"curl/8.14.1":                       {},
	"Firefox/145.0":                     {}, // on no system
	"Mozilla/5.0 (Windows NT 10.0)":     {}, // no browser
	"<script>alert(1)</script> Windows": {},
	strings.Repeat("x", 600) + "Firefox/1 (Windows NT 10.0)": {},
}

// TestASessionSaysWhichBrowserItIsOf by names of our own: nothing of what the browser sends is stored.
func TestASessionSaysWhichBrowserItIsOf(t *testing.T) {
	for agent, want := range agents {
		b := newHarness(t)
		cookie, err := b.New(t.Context(), tokens, session.BrowserOf(agent))
		if err != nil {
			t.Fatal(err)
		}
		if got := b.listed(cookie); len(got) != 1 || got[0].Browser != want {
			t.Errorf("%s: listed as %+v, want %+v", agent, got, want)
		}
		if got := b.store.rows[0].Browser; got != want.String() || len(got) > 32 {
			t.Errorf("%s: stored as %q", agent, got)
		}
		// New tokens leave it.
		if err := b.Renew(t.Context(), b.open(cookie), tokens); err != nil {
			t.Fatal(err)
		}
		if got := b.listed(cookie); got[0].Browser != want {
			t.Errorf("%s: after a renewal %+v", agent, got[0].Browser)
		}
	}
}

// TestASessionOfAnotherReleaseIsListedWithoutItsBrowser: one of before has none stored, and a name that isn't in the tables is none.
func TestASessionOfAnotherReleaseIsListedWithoutItsBrowser(t *testing.T) {
	for _, stored := range []string{"", "Firefox", "Firefox/", "/Windows", "Later/Windows", "Firefox/Windows/x", "<b>"} {
		b := newHarness(t)
		cookie := b.start()
		row := b.store.rows[0]
		row.Browser, row.Version = stored, 1
		if _, err := b.store.Store.(*sessions.Store).Put(t.Context(), row); err != nil {
			t.Fatal(err)
		}
		if got := b.listed(cookie); len(got) != 1 || got[0].Browser != (session.Browser{}) {
			t.Errorf("%q: %+v", stored, got)
		}
	}
}
