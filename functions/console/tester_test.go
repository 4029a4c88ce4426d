package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"latchkey/shared/api"
	"latchkey/shared/origin"
)

// TestAPageIsTriedAsABrowserWouldSendIt types addresses as people do; "" is one that no browser could show.
func TestAPageIsTriedAsABrowserWouldSendIt(t *testing.T) {
	for typed, want := range map[string]string{
		"https://www.example.com/a?b#c":    "https://www.example.com",
		"HTTPS://WWW.Example.COM:8443":     "https://www.example.com:8443",
		"https://user:pw@example.com/":     "https://example.com",
		"https://bücher.example":           "https://xn--bcher-kva.example",
		"Bücher.Example/katalog":           "https://xn--bcher-kva.example",
		"http://BÜCHER.example:8080":       "http://xn--bcher-kva.example:8080",
		"https://faß.example":              "https://xn--fa-hia.example",
		"https://例え。テスト":                   "https://xn--r8jz45g.xn--zckzah",
		"https://xn--bcher-kva.example":    "https://xn--bcher-kva.example",
		"my_shop.example":                  "https://my_shop.example",
		"example.com":                      "https://example.com",
		"example.com:3000":                 "https://example.com:3000",
		"localhost":                        "http://localhost",
		"localhost:3000":                   "http://localhost:3000",
		"LocalHost:3000/map":               "http://localhost:3000",
		"app.localhost:5173":               "http://app.localhost:5173",
		"localhost.example.com":            "https://localhost.example.com",
		"https://localhost:3000":           "https://localhost:3000",
		"192.0.2.1":                        "http://192.0.2.1",
		"192.0.2.1:8080/x":                 "http://192.0.2.1:8080",
		"https://192.0.2.1":                "https://192.0.2.1",
		"::1":                              "http://[::1]",
		"[::1]:3000":                       "http://[::1]:3000",
		"https://[2001:DB8:0:0::1]":        "https://[2001:db8::1]",
		"http://[::ffff:192.0.2.1]:80/x":   "http://[::ffff:c000:201]:80",
		"chrome-extension://abcdefgh/x":    "chrome-extension://abcdefgh",
		"https://exa mple.com":             "",
		"https://":                         "",
		"file:///home/me/map.html":         "file://",
		"capacitor://localhost/index.html": "capacitor://localhost",
		"app://-/index.html":               "app://-",
		"app://.":                          "app://.",
		"Tauri://localhost":                "tauri://localhost",
		"https://FAẞ.de":                   "", // browsers of different ages would send different origins
		"javascript:alert(1)":              "",
		"https://a.example:port":           "",
		"https://\u05d0a.example":          "",
		"http://xn--a.example":             "",
		"https://example.com:99999999/map": "https://example.com:99999999", // the gate refuses it
		"capacitor://';id;'":               "",
		"ionic://a\"b":                     "",
		"app://$(id)":                      "",
		"tauri://a`id`":                    "",
		"http://a'b.example":               "",
		"https://a\"b.example":             "",
		"https://[fe80::1%25';id;']":       "https://[fe80::1]",
	} {
		got, ok := pageOrigin(typed)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q is sent as %q, %v, want %q", typed, got, ok, want)
		}
		if _, readable := origin.Parse(got); ok && !readable && !strings.HasPrefix(got, "chrome") && got != "file://" && !strings.Contains(got, "99999999") {
			t.Errorf("%q is sent as %q, which the gate can't read", typed, got)
		}
	}
}

func TestTheConsoleAsksTheGateAboutThePage(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	route := "POST /v1/accounts/" + account + "/keys/" + keyID + "/test"
	r.api.key.Domains = []string{"*.xn--bcher-kva.example"}
	r.api.on(route, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		rule := "*.xn--bcher-kva.example"
		reply(w, 200, api.TestResult{Allowed: true, Code: "allowed", Rule: &rule})
		return true
	})
	try := func(typed string) (sent []string, shown string) {
		before := len(r.api.seen(route))
		shown = text(r.get("/accounts/" + account + "/keys/" + keyID + "/try?origin=" + url.QueryEscape(typed)).doc)
		for _, c := range r.api.seen(route)[before:] {
			var body api.TestKey
			if err := json.Unmarshal([]byte(c.body), &body); err != nil {
				t.Fatal(err)
			}
			if body.Origin == nil {
				sent = append(sent, "none")
			} else {
				sent = append(sent, *body.Origin)
			}
		}
		return sent, shown
	}
	for typed, want := range map[string]string{"www.bücher.example": "https://www.xn--bcher-kva.example", "localhost:3000": "http://localhost:3000", "": "none", "\u200ewww.b\u00adücher.example\u200f": "https://www.xn--bcher-kva.example"} {
		sent, shown := try(typed)
		if strings.Join(sent, " ") != want || !strings.Contains(shown, "Allowed.") || !strings.Contains(shown, "Matches *.xn--bcher-kva.example") {
			t.Errorf("%q: sent %q, want %q; %s", typed, sent, want, shown)
		}
	}
	if sent, shown := try("https://exa mple.com"); len(sent) > 0 || !strings.Contains(shown, "Enter the address of a page") {
		t.Errorf("what is no address: sent %q; %s", sent, shown)
	}
}

// TestTheTesterSaysWhichFieldIsWrong, in that field's words, whatever refuses it: the console, or the API. Nothing is asked of the gate for a call
// that nobody meant.
func TestTheTesterSaysWhichFieldIsWrong(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	route := "POST /v1/accounts/" + account + "/keys/" + keyID + "/test"
	r.api.key.Networks, r.api.key.Apps = []string{"203.0.113.0/24"}, []api.App{{Platform: "ios", BundleId: ptr("com.example.app")}}
	r.api.on(route, func(w http.ResponseWriter, _ *http.Request, body []byte) bool {
		var asked api.TestKey
		if err := json.Unmarshal(body, &asked); err != nil {
			t.Error(err)
		}
		if asked.SourceIp != nil && *asked.SourceIp == "here" {
			problem(w, 400, "invalid", api.FieldError{Pointer: "/source_ip", Code: "not_an_address"})
			return true
		}
		reply(w, 200, api.TestResult{Allowed: true, Code: "allowed"})
		return true
	})
	for name, c := range map[string]struct{ query, field, says string }{
		"no address":    {"origin=https://a.example&address=here", "address", "Enter an IP address."},
		"no platform":   {"origin=https://a.example&app=com.example.app", "app", "Begin with android or ios."},
		"two bundles":   {"origin=https://a.example&app=ios+com.example+com.other", "app", "An iOS app is identified by its bundle ID alone"},
		"no page":       {"origin=https://exa+mple&address=203.0.113.7", "origin", "Enter the address of a page"},
		"no browser's":  {"origin=javascript:alert(1)&app=ios+com.example.app", "origin", "Enter the address of a page"},
		"all is well":   {"origin=https://a.example&address=203.0.113.7&app=ios+com.example.app", "", "Allowed."},
		"package alone": {"origin=https://a.example&app=android+com.example.app", "", "Allowed."},
	} {
		page := r.get(keyPath + "/try?" + c.query)
		var wrong []string
		elements(page.doc, func(n *html.Node) {
			if attr(n, "aria-invalid") == "true" {
				wrong = append(wrong, attr(n, "name"))
			}
		})
		if got := strings.Join(wrong, " "); got != c.field || !strings.Contains(text(page.doc), c.says) || c.field != "" && (strings.Contains(text(page.doc), "Allowed.") || !strings.Contains(page.text, `href="#f-`+c.field+`"`)) {
			t.Errorf("%s: %q is wrong: %s", name, got, text(page.doc))
		}
	}
}

// TestATestSaysWhatItDoesNotLookAt where it allows a call: the gate may still refuse that for what is used up.
func TestATestSaysWhatItDoesNotLookAt(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	for _, allowed := range []bool{true, false} {
		result := api.TestResult{Allowed: allowed, Code: map[bool]string{true: "allowed", false: "domain_not_allowed"}[allowed], ProposedCode: ptr("allowed")}
		r.api.on("POST /v1"+keyPath+"/test", func(w http.ResponseWriter, _ *http.Request, _ []byte) bool { reply(w, 200, result); return true })
		page := text(r.get(keyPath + "/try?origin=https://a.example").doc)
		if strings.Count(page, "QPS limits, daily caps, and quotas aren’t part of this test.") != map[bool]int{true: 1}[allowed] || strings.Contains(page, "all checks") {
			t.Errorf("allowed %v: %s", allowed, page)
		}
	}
}

// TestATestAndARefusedDomainAreShownInTheirLetters beside the form that the gate compares.
func TestATestAndARefusedDomainAreShownInTheirLetters(t *testing.T) {
	const ascii, letters = "xn--mnchen-3ya.example", `<bdi dir="ltr">https://münchen.example</bdi>`
	w := newWalker(t, "owner")
	w.api.on("POST /v1"+keyPath+"/test", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.TestResult{Allowed: true, Code: "allowed", Rule: ptr("https://" + ascii)})
		return true
	})
	w.api.key.Domains = []string{"https://" + ascii}
	if page := w.get(keyPath + "/try?origin=https://" + ascii).text; strings.Count(page, letters) != 2 {
		t.Errorf("the page and the domain that decided are shown in letters %d times", strings.Count(page, letters))
	}
	w.api.key.Domains = []string{"www.example.com"}
	w.api.on("GET /v1"+keyPath+"/usage", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		refused := map[string]int64{"domain_not_allowed": 12}
		reply(out, 200, api.Usage{Totals: api.UsageCounts{Requests: 12, Refused: 12, ByReason: refused}, ByOrigin: &[]api.UsageShare{{Name: ascii, Requests: 12, Refused: 12, ByReason: refused}}})
		return true
	})
	for path, times := range map[string]int{keyPath: 1, "/accounts/" + account + "/usage?key=" + keyID: 2} {
		if got := strings.Count(w.get(path).text, `<bdi dir="ltr">münchen.example</bdi>`); got != times {
			t.Errorf("%s shows a refused domain in letters %d times, want %d", path, got, times)
		}
	}
}
