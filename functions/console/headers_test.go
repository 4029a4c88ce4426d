package main

import (
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// The policies, written out: as the browser gets them.
const (
	policyOut = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	policyIn  = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self' ISSUER; base-uri 'none'; frame-ancestors 'none'"
)

// always are the headers of every answer. What differs is written beside each kind of answer.
var always = map[string]string{
	"Content-Security-Policy":      policyOut,
	"X-Content-Type-Options":       "nosniff",
	"Referrer-Policy":              "same-origin",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
	"Cache-Control":                "no-store",
	"Strict-Transport-Security":    "max-age=31536000",
}

var html_ = map[string]string{"Content-Type": "text/html; charset=utf-8", "Content-Language": "en", "Vary": "Accept-Encoding"}

func kind(differences ...map[string]string) map[string]string {
	all := maps.Clone(always)
	for _, d := range differences {
		maps.Copy(all, d)
	}
	return all
}

var (
	framed    = kind(html_, map[string]string{"Content-Security-Policy": policyIn})
	unframed  = kind(html_)
	secretive = kind(framed, map[string]string{"Referrer-Policy": "no-referrer"})
	redirects = kind()
	signedOut = kind(map[string]string{"Clear-Site-Data": `"cache", "storage"`})
)

// headersAre compares all headers of an answer, but for those that are checked elsewhere.
func (w *walker) headersAre(what string, page answered, want map[string]string) {
	w.t.Helper()
	got := map[string]string{}
	for name, values := range page.Header {
		switch name {
		case "X-Request-Id", "Location", "Set-Cookie":
		default:
			got[name] = strings.ReplaceAll(strings.Join(values, " + "), w.issuer, "ISSUER")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			w.t.Errorf("%s (%d): %s is\n%q, want\n%q", what, page.StatusCode, name, got[name], want[name])
		}
		delete(got, name)
	}
	if len(got) > 0 {
		w.t.Errorf("%s (%d): more headers: %v", what, page.StatusCode, got)
	}
	if id := page.Header.Get("X-Request-Id"); len(id) < 26 {
		w.t.Errorf("%s: the request's ID is %q", what, id)
	}
}

// TestTheHeadersOfEveryPage walks every route, with and without a session.
func TestTheHeadersOfEveryPage(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	for _, pattern := range w.routes(http.MethodGet) {
		want, out := framed, unframed
		switch pattern {
		case "/{$}", "/sign-in", "/accounts/{account}" + behindPage: // the last without a note
			want = redirects
			if pattern == "/sign-in" {
				out = redirects
			}
		case "/assets/{file}":
			want = kind(map[string]string{"Content-Type": "text/css; charset=utf-8", "Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"})
			out = want
		case "/invitations":
			want, out = secretive, kind(html_, map[string]string{"Referrer-Policy": "no-referrer"})
		case "/accounts/{account}/usage.csv", "/accounts/{account}/statements.csv", "/operator/statements.csv":
			want = kind(map[string]string{"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": "attachment"})
		case "/accounts/{account}/keys/selected.csv":
			want = kind(map[string]string{"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": `attachment; filename="keys-` + w.app.now().UTC().Format("2006-01-02") + `.csv"`})
		case "/accounts/{account}/account/audit.csv", "/operator/operators/audit.csv":
			want = kind(map[string]string{"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": `attachment; filename="audit-` + w.app.now().UTC().Format("2006-01-02") + `.csv"`})
		case "/accounts/{account}/account/export.json":
			want = kind(map[string]string{"Content-Type": "application/json", "Content-Disposition": `attachment; filename="account-` + w.app.now().UTC().Format("2006-01-02") + `.json"`})
		case callbackPath:
			want = redirects // they are signed in, whatever this answer is
		}
		w.headersAre("GET "+pattern, w.ask(http.MethodGet, w.page(pattern), nil), want)
		w.headersAre("GET "+pattern+" without a session", w.without().ask(http.MethodGet, w.page(pattern), nil), out)
		gone := w.ask(http.MethodGet, w.page(pattern), nil, "Cookie", sessionCookie+"="+strings.Repeat("A", 43))
		w.headersAre("GET "+pattern+" with a session that is over", gone, out)
	}
}

func TestTheHeadersOfEveryAnswerToAForm(t *testing.T) {
	for outcome, prepare := range map[string]func(*walker){
		"accepted": (*walker).accept, "refused": func(w *walker) { w.refuse(422, "invalid") }, "gone": func(w *walker) { w.refuse(404, "not_found") },
		"broken": func(w *walker) { w.refuse(500, "internal") },
	} {
		t.Run(outcome, func(t *testing.T) {
			w := newWalker(t, "owner")
			prepare(w)
			w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
			for _, pattern := range w.routes(http.MethodPost) {
				if slices.Contains(ends, pattern) {
					continue
				}
				want := framed
				form := url.Values{
					"name": {"x"}, "confirm": {"Demo"}, "token": {invitation}, "subject": {"a|b/c"}, "invitation": {"inv_1"}, "grace_seconds": {"0"}, "every_days": {"1"}, "notify_days_before": {"1"},
					"qps": {"1"}, "requested_qps": {"1"}, "key_limit": {"1"}, "key_id": {keyID}, "class": {"map-display"},
				}
				page := w.ask(http.MethodPost, w.page(pattern), form)
				switch {
				case slices.Contains(unaskable, pattern):
					want = kind(map[string]string{"Content-Type": "application/json"})
				case page.StatusCode == http.StatusSeeOther:
					want = redirects
				case pattern == "/invitations" && outcome != "broken", page.StatusCode == http.StatusOK && !strings.HasSuffix(pattern, "/account/invitations"):
					want = secretive
				}
				w.headersAre("POST "+pattern, page, want)
			}
			for _, pattern := range ends { // the second without a session
				w.headersAre("POST /sign-out", w.ask(http.MethodPost, "/sign-out", nil), signedOut)
				w.signIn("owner")
				at, _ := url.Parse(w.url)
				w.cookies = w.browser.Jar.Cookies(at)
				w.headersAre("POST "+pattern, w.ask(http.MethodPost, pattern, nil), signedOut)
			}
		})
	}
}

func TestTheHeadersOfErrors(t *testing.T) {
	w := newWalker(t, "owner")
	w.app.public("GET /panic", func(*visit) error { panic("canary") })
	w.app.public("GET /late", func(v *visit) error { _ = v.render(200, "signin", "x", failure{}); panic("canary") })
	w.app.public("GET /broken", func(*visit) error { return errors.New("canary") })
	for name, c := range map[string]struct {
		page   answered
		status int
		want   map[string]string
	}{
		"no such page":     {w.ask("GET", "/nothing", nil), 404, framed},
		"another method":   {w.ask("DELETE", "/accounts/"+account+"/keys", nil, "Sec-Fetch-Site", "same-origin"), 404, unframed},
		"another site":     {w.ask("POST", "/sign-out", nil, "Sec-Fetch-Site", "cross-site"), 403, unframed},
		"a strange ID":     {w.ask("GET", "/accounts/a%2Fb/keys", nil), 404, framed},
		"no such asset":    {w.ask("GET", "/assets/x.css", nil), 404, unframed},
		"a panic":          {w.ask("GET", "/panic", nil), 500, kind(map[string]string{"Content-Type": "text/plain; charset=utf-8"})},
		"a panic too late": {w.ask("GET", "/late", nil), 200, unframed},
		"a breakdown":      {w.ask("GET", "/broken", nil), 500, unframed},
		"another language": {w.ask("GET", "/nothing", nil, "Accept-Language", "fr"), 404, kind(framed, map[string]string{"Content-Language": "fr"})},
		"compressed":       {w.ask("GET", "/nothing", nil, "Accept-Encoding", "gzip"), 404, kind(framed, map[string]string{"Content-Encoding": "gzip"})},
	} {
		t.Run(name, func(t *testing.T) {
			if c.page.StatusCode != c.status || strings.Contains(c.page.text, "canary") {
				t.Errorf("answered %d: %s", c.page.StatusCode, c.page.text)
			}
			w.headersAre(name, c.page, c.want)
		})
	}
	w.app.api = management.New("http://127.0.0.1:1", nil)
	down := w.ask("GET", "/accounts/"+account+"/keys", nil)
	w.headersAre("the API is down", down, kind(html_, map[string]string{"Retry-After": "1"}))
	if down.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the API is down: answered %d", down.StatusCode)
	}
}

// A browser that was sent to http by a local run must not be told to come by https for a year.
func TestOnlyALocalRunIsWithoutHTTPS(t *testing.T) {
	w := newWalker(t, "")
	for name, c := range map[string]struct {
		host, proto string
		secure      bool
	}{
		"API Gateway":            {"abc.execute-api.eu-west-1.amazonaws.com", "https", true},
		"nothing said":           {"console.example", "", true},
		"nothing said, loopback": {"127.0.0.1:8090", "", true},
		"http from outside":      {"console.example", "http", true},
		"a local run":            {"127.0.0.1:8090", "http", false},
		"a local run by name":    {"localhost:8090", "http", false},
		"a local run by IPv6":    {"[::1]:8090", "http", false},
		"IPv6 without a port":    {"[::1]", "http", false},
		"loopback with https":    {"localhost", "https", true},
		"looks like loopback":    {"localhost.example", "http", true},
		"a private address":      {"10.0.0.1", "http", true},
	} {
		t.Run(name, func(t *testing.T) {
			req := httptest.NewRequest(http.MethodGet, "/nothing", nil)
			req.Host = c.host
			req.Header.Set("X-Forwarded-Proto", c.proto)
			out := httptest.NewRecorder()
			w.app.ServeHTTP(out, req)
			if got := out.Header().Get("Strict-Transport-Security") != ""; got != c.secure {
				t.Errorf("told to come by https: %v, want %v", got, c.secure)
			}
			if got := secure(req); got != c.secure {
				t.Errorf("secure is %v, want %v", got, c.secure)
			}
			v := &visit{r: req, base: "/prod"}
			if got, want := v.absolute("/x"), map[bool]string{true: "https://", false: "http://"}[c.secure]+c.host+"/prod/x"; got != want {
				t.Errorf("a page is %s, want %s", got, want)
			}
		})
	}
}

// TestEveryAssetIsServedUnderANameThatChangesWithIt walks the embedded files.
func TestEveryAssetIsServedUnderANameThatChangesWithIt(t *testing.T) {
	w := newWalker(t, "")
	kinds := map[string]string{".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".js": "text/javascript; charset=utf-8"}
	for name, hashed := range w.app.assets.hashed {
		raw, err := assetFiles.ReadFile("assets/" + name)
		if err != nil {
			t.Fatal(err)
		}
		page := w.ask(http.MethodGet, "/assets/"+hashed, nil)
		want := kind(map[string]string{"Content-Type": kinds[name[strings.LastIndex(name, "."):]], "Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"})
		w.headersAre(name, page, want)
		if page.StatusCode != http.StatusOK || page.text != string(raw) || !strings.Contains(hashed, ".") || hashed == name {
			t.Errorf("%s as %s: %d", name, hashed, page.StatusCode)
		}
		zipped := w.ask(http.MethodGet, "/assets/"+hashed, nil, "Accept-Encoding", "br, gzip")
		if zipped.Header.Get("Content-Encoding") != "gzip" || zipped.text == page.text {
			t.Errorf("%s isn't compressed", name)
		}
	}
}
