package main

import (
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/net/html"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/api"
	"latchkey/shared/authz"
	"latchkey/shared/keytest"
	"latchkey/shared/origin/entry"
)

var keyPages = []string{
	"", "/new", "/" + keyID, "/" + keyID + "/edit", "/" + keyID + "/disable", "/" + keyID + "/enable", "/" + keyID + "/revoke", "/" + keyID + "/delete",
	"/" + keyID + "/restore", "/" + keyID + "/reveal", "/" + keyID + "/rotate", "/" + keyID + "/extend", "/" + keyID + "/policy", "/" + keyID + "/propose",
	"/" + keyID + "/limits/map-display", "/" + keyID + "/quotas/tiles", "/" + keyID + "/rotation-end", "/" + keyID + "/rotation-cancel", "/" + keyID + "/promote", "/" + keyID + "/drop", "/" + keyID + "/accept?product=map-display",
}

func TestEveryPageIsWholeAndHoldsNothingInline(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	r.api.key.PendingPaths = pendingPaths
	for _, path := range keyPages {
		page := r.get("/accounts/" + account + "/keys" + path)
		if page.StatusCode != http.StatusOK {
			t.Errorf("%s answered %d: %s", path, page.StatusCode, text(page.doc))
		}
		csp := page.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
			t.Errorf("%s: the policy is %s", path, csp)
		}
		if page.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be cached", path)
		}
		ids := map[string]bool{}
		elements(page.doc, func(n *html.Node) {
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Val, "javascript:") {
					t.Errorf("%s: <%s %s=%q> is inline", path, n.Data, a.Key, a.Val)
				}
				if a.Key == "id" {
					if ids[a.Val] {
						t.Errorf("%s: the ID %s is there twice", path, a.Val)
					}
					ids[a.Val] = true
				}
			}
			if n.Data == "style" || (n.Data == "script" && (n.FirstChild != nil || attr(n, "src") == "")) {
				t.Errorf("%s: an inline <%s>", path, n.Data)
			}
		})
		if whole := text(page.doc); strings.Contains(whole, "⟦") || strings.Contains(whole, "%!") || strings.Contains(whole, "<nil>") {
			t.Errorf("%s shows a message that there isn't: %s", path, whole)
		}
	}
}

var naughty = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `{{.Me}}`, `</title><h1>x`, `<!--`, `javascript:alert(1)`,
	`&lt;b&gt;`, "\u202Eevil", `Ω≈ç√∫˜µ≤≥÷`, `田中さんにあげて下さい`, `🤷🏽‍♀️`, `${7*7}`, `%00%0d%0a`, `<svg/onload=alert(1)>`, `⟦x⟧ {n} {name}`,
	`الكل في المجمو عة`, "\u200bzero\u200bwidth", `../../etc/passwd`, `-1 OR 1=1`, `<a href="https://evil.example">x</a>`,
}

func TestHostileNamesAreShownAsText(t *testing.T) {
	keytest.OneAtATime(t)
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	counts := map[string]int{}
	count := func(doc *html.Node) (n int) { elements(doc, func(*html.Node) { n++ }); return n }
	for _, path := range keyPages {
		counts[path] = count(r.get("/accounts/" + account + "/keys" + path).doc)
	}
	for _, name := range naughty {
		r.api.mu.Lock()
		r.api.key.Name, r.api.me.Accounts[0].Name, r.api.key.Domains = name, name, nil
		r.api.mu.Unlock()
		for _, path := range keyPages {
			page := r.get("/accounts/" + account + "/keys" + path)
			if got := count(page.doc); got != counts[path] {
				t.Errorf("%s with %q has %d elements instead of %d", path, name, got, counts[path])
			}
			if !strings.Contains(text(page.doc), name) {
				t.Errorf("%s doesn't show %q", path, name)
			}
		}
	}
}

func create() url.Values {
	return url.Values{"name": {"Site"}, "usage": {"frontend"}, "products": {"map-display"}, "domains": {"a.example b.example"}, "idempotency": {"once"}}
}

func TestTheSecretIsInTheAnswerThatMadeItAndInNoOther(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	made := r.post("/accounts/"+account+"/keys/new", create())
	if !strings.Contains(text(made.doc), secret) || made.Header.Get("Cache-Control") != "no-store" || made.Request.Response != nil {
		t.Fatalf("the first answer: %d, %q", made.StatusCode, made.Header)
	}
	elements(made.doc, func(n *html.Node) {
		for _, a := range n.Attr {
			if strings.Contains(a.Val, secret) {
				t.Errorf("the secret is in <%s %s>: a click would carry it into the history", n.Data, a.Key)
			}
		}
	})
	r.api.on("POST /v1/accounts/"+account+"/keys", func(w http.ResponseWriter, q *http.Request, _ []byte) bool {
		replayed, k := true, r.api.key
		k.SecretUnavailable = &replayed
		w.Header().Set("Idempotent-Replayed", "true")
		reply(w, 201, k)
		return true
	})
	again := r.post("/accounts/"+account+"/keys/new", create())
	if again.StatusCode != 200 || strings.Contains(again.text, secret) || !strings.Contains(text(again.doc), "can’t be shown again") {
		t.Errorf("a reload: %d %s", again.StatusCode, text(again.doc))
	}
	calls := r.api.seen("POST /v1/accounts/" + account + "/keys")
	if len(calls) != 2 || calls[0].idempotency != "once" || calls[1].idempotency != "once" {
		t.Errorf("the calls: %+v", calls)
	}
	for _, path := range keyPages {
		if strings.Contains(r.get("/accounts/"+account+"/keys"+path).text, secret) {
			t.Errorf("%s holds the secret", path)
		}
	}
	if strings.Contains(r.logs.String(), secret) {
		t.Error("the logs hold the secret")
	}
}

func TestRefusalsOfTheAPIAreShownAtTheirFields(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	suggestion := "a.example"
	r.api.on("POST /v1/accounts/"+account+"/keys", func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		problem(w, 422, "invalid", api.FieldError{Pointer: "/name", Code: "invalid_name"},
			api.FieldError{Pointer: "/domains/1", Code: "pattern_path", Suggestion: &suggestion}, api.FieldError{Pointer: "/usage", Code: "new_code", Detail: "As the API says."})
		return true
	})
	page := r.post("/accounts/"+account+"/keys/new", create())
	whole := text(page.doc)
	for _, want := range []string{"Use 1 to 64 characters", "b.example", "Remove everything after the domain", "Check this value."} {
		if !strings.Contains(whole, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	elements(page.doc, func(n *html.Node) {
		if attr(n, "id") == "f-name" && (attr(n, "aria-invalid") != "true" || !strings.Contains(attr(n, "aria-describedby"), "e-name") || attr(n, "value") != "Site") {
			t.Errorf("the field: %v", n.Attr)
		}
	})
	if page.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("answered %d", page.StatusCode)
	}
}

func TestAnEditBuildsOnTheVersionThatWasSeen(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	route := "PATCH /v1/accounts/" + account + "/keys/" + keyID
	r.api.on(route, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		problem(w, 412, "version_stale")
		return true
	})
	form := create()
	form.Set("version", "2")
	page := r.post("/accounts/"+account+"/keys/"+keyID+"/edit", form)
	if got := r.api.seen(route); len(got) != 1 || got[0].match != `"2"` || strings.Contains(got[0].body, "expires_at") {
		t.Errorf("the call: %+v", got)
	}
	if !strings.Contains(text(page.doc), "Someone else changed this") {
		t.Errorf("the page says %s", text(page.doc))
	}
}

func TestErrorsOfTheAPIBecomePages(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	for _, c := range []struct {
		status int
		code   string
		want   int
		says   string
	}{
		{404, "not_found", 404, "Page not found"},
		{403, "forbidden", 403, "Your role doesn’t allow this."},
		{503, "unavailable", 503, "Your keys keep working"},
		{401, "unauthorized", 401, "Sign in"},
		{500, "internal", 500, "api-request-1"},
	} {
		r.api.on("GET /v1/accounts/"+account+"/keys/"+keyID, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
			problem(w, c.status, c.code)
			return true
		})
		page := r.get("/accounts/" + account + "/keys/" + keyID)
		if page.StatusCode != c.want || !strings.Contains(text(page.doc), c.says) {
			t.Errorf("%s: %d %s", c.code, page.StatusCode, text(page.doc))
		}
	}
}

func TestEveryLinkKeepsTheStageOrTheBasePath(t *testing.T) {
	r := newHarness(t, time.Hour)
	lambda := gateway.Proxy(r.app)
	for stage, paths := range map[string][2]string{"/prod": {"/", "/prod/"}, "": {"/", "/"}, "/our/console": {"/our/console/", "/our/console/"}} {
		event := events.APIGatewayProxyRequest{Path: paths[0], Resource: "/", HTTPMethod: "GET", MultiValueHeaders: map[string][]string{"Host": {"console.example"}}}
		event.RequestContext.Stage, event.RequestContext.Path, event.RequestContext.DomainName = "prod", paths[1], "console.example"
		out, err := lambda(t.Context(), event)
		if err != nil || out.StatusCode != 200 {
			t.Fatalf("%d, %v", out.StatusCode, err)
		}
		doc, _ := html.Parse(strings.NewReader(out.Body))
		links := 0
		elements(doc, func(n *html.Node) {
			for _, name := range []string{"href", "src", "action"} {
				if to := attr(n, name); strings.HasPrefix(to, "/") {
					links++
					if stage != "" && !strings.HasPrefix(to, stage+"/") || stage == "" && strings.HasPrefix(to, "/prod") {
						t.Errorf("stage %q: <%s %s=%q>", stage, n.Data, name, to)
					}
				}
			}
		})
		if links < 5 {
			t.Errorf("only %d links were seen", links)
		}
		event.Path, event.RequestContext.Path = strings.TrimSuffix(paths[0], "/")+"/sign-in", stage+"/sign-in"
		event.Resource, event.PathParameters = "/{proxy+}", map[string]string{"proxy": "sign-in"}
		out, err = lambda(t.Context(), event)
		if err != nil {
			t.Fatal(err)
		}
		to, _ := url.Parse(out.MultiValueHeaders["Location"][0])
		if got := to.Query().Get("redirect_uri"); got != "https://console.example"+stage+"/callback" {
			t.Errorf("stage %q: the callback is %s", stage, got)
		}
	}
}

func TestAnotherLanguageIsSpokenWholly(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	back := r.post("/preferences", url.Values{"language": {"fr"}, "theme": {"dark"}, "return": {"/accounts/" + account + "/keys"}})
	elements(back.doc, func(n *html.Node) {
		if n.Data == "html" && (attr(n, "lang") != "fr" || attr(n, "data-theme") != "dark") {
			t.Errorf("<html %v>", n.Attr)
		}
	})
	if !strings.Contains(text(back.doc), "Clés API") {
		t.Error("the page isn't in French")
	}
	r.post("/preferences", url.Values{"language": {"ar-XB"}})
	page := r.get("/accounts/" + account + "/keys")
	elements(page.doc, func(n *html.Node) {
		if n.Data == "html" && attr(n, "dir") != "rtl" {
			t.Errorf("<html %v>", n.Attr)
		}
	})
}

// A message that is missing would show only on the page that needs it.
func TestEveryMessageThatTemplatesNameExists(t *testing.T) {
	r := newHarness(t, time.Hour)
	english := r.app.langs.Offered()[0]
	named := regexp.MustCompile(`\bt "([^"]+)"`)
	err := fs.WalkDir(templateFiles, "templates", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(templateFiles, path)
		for _, m := range named.FindAllStringSubmatch(string(raw), -1) {
			if !english.Has(m[1]) {
				t.Errorf("%s names %s, which has no message", path, m[1])
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append(steps, reveal) {
		for _, part := range []string{"title", "text", "button"} {
			if key := "confirm." + s.name + "." + part; !english.Has(key) {
				t.Errorf("there is no %s", key)
			}
		}
	}
}

// TestEveryCodeOfADecisionHasItsTexts: without one, a page shows the bare code.
func TestEveryCodeOfADecisionHasItsTexts(t *testing.T) {
	r := newHarness(t, time.Hour)
	for _, lang := range r.app.langs.Offered() {
		keys := []string{"code." + string(authz.Allowed)}
		for _, c := range entry.Codes() {
			keys = append(keys, "field."+string(c))
		}
		for _, c := range authz.Codes {
			keys = append(keys, "code."+string(c.Code))
			if c.OfKey() {
				keys = append(keys, "usage.help."+string(c.Code))
			}
		}
		for _, key := range keys {
			if !lang.Has(key) {
				t.Errorf("%s has no %s", lang.Tag, key)
			}
		}
	}
}

func TestDomainsAreCheckedWhileTheyAreTyped(t *testing.T) {
	r := newHarness(t, time.Hour)
	answer := r.post("/domains/check", url.Values{"domains": {"EXAMPLE.com, https://example.org/path\nintranet FAẞ.de capacitor://localhost file:///x"}})
	for _, want := range []string{
		`"canonical":"example.com"`, `"suggestions":["https://example.org"]`, `Enter a full domain`,
		`"suggestions":["xn--fa-hia.de","fass.de"]`, `"canonical":"capacitor://localhost"`, `have no origin`,
	} {
		if !strings.Contains(answer.text, want) {
			t.Errorf("%s lacks %s", answer.text, want)
		}
	}
}
