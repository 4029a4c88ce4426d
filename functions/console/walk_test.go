package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"latchkey/infra/local/issuer"
	"latchkey/shared/api"
	"latchkey/shared/keytest"
	"latchkey/shared/moment"
)

// What walks all pages stands on this file: every route with the IDs of the fake API, and that API in every state.

// walker is a console with everything that its pages ask for, used without a network between it and the test.
type walker struct {
	*harness
	cookies []*http.Cookie
}

func newWalker(t *testing.T, person string, change ...func(*issuer.Config)) *walker {
	t.Helper()
	keytest.OneAtATime(t)
	w := &walker{harness: newHarness(t, time.Hour, change...)}
	if person != "" {
		w.signIn(person)
		at, _ := url.Parse(w.url)
		w.cookies = w.browser.Jar.Cookies(at)
	}
	fakeAnswers(w.harness, "Demo")
	root := "/v1/accounts/" + account
	w.api.mu.Lock()
	w.api.key.Domains, w.api.key.Blocked, w.api.key.PendingPaths = []string{"demo.example"}, nil, pendingPaths
	delete(w.api.answers, "GET "+root+"/keys") // the list holds the key as it is
	w.api.mu.Unlock()
	w.api.on("GET /v1/operator/keys/"+keyID, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		w.api.mu.Lock()
		defer w.api.mu.Unlock()
		reply(out, 200, map[string]any{"key": w.api.key, "account": api.Account{Id: account, Name: "Demo", Type: api.Enterprise, CreatedAt: w.api.key.CreatedAt}})
		return true
	})
	w.api.on("GET "+root+"/domains", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.DomainList{Version: 7, KeyCount: 1, Domains: []api.AccountDomain{{Domain: "demo.example", KeyCount: 1, OnlyEntryCount: 1, Keys: []api.DomainKey{{Id: keyID, Name: "Site", Status: api.Active}}}}})
		return true
	})
	w.forget()
	return w
}

// state changes what the fake API knows.
func (w *walker) state(change func(*api.Me, *api.KeyWithSecret)) {
	w.api.mu.Lock()
	defer w.api.mu.Unlock()
	change(&w.api.me, &w.api.key)
}

// forget forgets the calls of the API.
func (w *walker) forget() {
	w.api.mu.Lock()
	defer w.api.mu.Unlock()
	w.api.calls = nil
}

// called are the calls of the API since, but for who is signed in and the products.
func (w *walker) called() []call {
	w.api.mu.Lock()
	defer w.api.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.api.calls), func(c call) bool { return c.route == "GET /v1/me" || c.route == "GET /v1/products" })
}

// calledForNobody lists the calls without a token. A read that a page before has given up may still come in, with one.
func (w *walker) calledForNobody() []call {
	w.api.mu.Lock()
	defer w.api.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.api.calls), func(c call) bool { return c.token != "" })
}

// reads lists the routes that a page reads: those of two tries, since a read that the page before has given up may still
// come in.
func (w *walker) reads(target string) []string {
	read := func() (routes []string) {
		w.forget()
		w.ask(http.MethodGet, target, nil)
		w.api.mu.Lock()
		defer w.api.mu.Unlock()
		for _, c := range w.api.calls {
			routes = append(routes, c.route)
		}
		return routes
	}
	first, second := read(), read()
	return slices.DeleteFunc(second, func(route string) bool { return !slices.Contains(first, route) })
}

// writes are the calls since that change something.
func (w *walker) writes() []call {
	return slices.DeleteFunc(w.called(), func(c call) bool { return strings.HasPrefix(c.route, "GET ") })
}

// accept lets the API carry out every change.
func (w *walker) accept() {
	w.answerWrites(func(out http.ResponseWriter, _ *http.Request) {
		reply(out, 200, map[string]any{"id": keyID, "secret": secret, "token": invitation, "account_id": account, "domains": []string{}, "products": []string{"map-display"}})
	})
}

// refuse lets the API refuse every change.
func (w *walker) refuse(status int, code string, fields ...api.FieldError) {
	w.answerWrites(func(out http.ResponseWriter, _ *http.Request) { problem(out, status, code, fields...) })
}

func (w *walker) answerWrites(answer func(http.ResponseWriter, *http.Request)) {
	w.api.mu.Lock()
	defer w.api.mu.Unlock()
	w.api.write = answer
}

// ask sends a request as a browser of this session does.
func (w *walker) ask(method, target string, form url.Values, headers ...string) answered {
	w.t.Helper()
	req := httptest.NewRequestWithContext(w.t.Context(), method, target, strings.NewReader(form.Encode()))
	req.Host = "console.example"
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for _, c := range w.cookies {
		req.AddCookie(c)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	out := httptest.NewRecorder()
	watched{w.app}.ServeHTTP(out, req)
	got := w.read(out.Result(), nil)
	got.Request = req
	return got
}

// without is the same console for a browser without a session.
func (w *walker) without() *walker { return &walker{harness: w.harness} }

// routes are all patterns of a method.
func (w *walker) routes(method string) (list []string) {
	for _, pattern := range w.app.routed {
		if one, path, _ := strings.Cut(pattern, " "); one == method {
			list = append(list, path)
		}
	}
	if len(list) < 20 {
		w.t.Fatalf("only %d routes of %s", len(list), method)
	}
	return list
}

// ends are the forms that end the session.
var ends = []string{"/sign-out", "/sessions/end-all"}

// queries lists what pages need beside their path.
var queries = map[string]string{
	"/accounts/{account}/account/remove": "?subject=a%7Cb%2Fc", "/operator/operators/remove": "?subject=o+2%2Fx", erasePage: "?subject=Demo", endSessionsPage: "?subject=Demo",
	"/accounts/{account}/qps-requests/new":     "?key=" + keyID,
	"/accounts/{account}/domains/one":          "?domain=DEMO.EXAMPLE",
	"/accounts/{account}/keys/{key}/accept":    "?product=map-display",
	"/accounts/{account}/keys/selected/delete": "?key=" + keyID, "/accounts/{account}/keys/selected/label": "?key=" + keyID, "/accounts/{account}/keys/selected/domain": "?key=" + keyID,
	"/accounts/{account}/keys/selected/rotate": "?key=" + keyID, "/accounts/{account}/keys/selected.csv": "?key=" + keyID,
}

// fill puts IDs into a pattern: those of the fake API, unless another is given by name.
func (w *walker) fill(pattern string, other ...string) string {
	ids := []string{
		"{account}", account, "{key}", keyID, "{request}", requestID1, "{class}", "map-display", "{group}", "tiles", "{file}", w.app.assets.hashed["app.css"], "{$}", "",
	}
	for i := 0; i+1 < len(other); i += 2 {
		ids[slices.Index(ids, other[i])+1] = other[i+1]
	}
	path := strings.NewReplacer(ids...).Replace(pattern)
	if strings.Contains(path, "{") {
		w.t.Fatalf("%s has an ID that this test doesn't know", pattern)
	}
	return path
}

// page is a whole page by its pattern.
func (w *walker) page(pattern string) string { return w.fill(pattern) + queries[pattern] }

// pattern is the route that a link or a form leads to.
func (w *walker) pattern(method, target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return ""
	}
	_, pattern := w.app.mux.Handler(httptest.NewRequest(method, u.EscapedPath(), nil))
	return pattern
}

// formOf is a form of a page as a browser would send it untouched.
type formOf struct {
	action string
	fields []field
}

type field struct {
	name, kind, value string
	others            []string // further values that it offers
	checked           bool     // of a checkbox
}

func (f formOf) values() url.Values {
	out := url.Values{}
	for _, one := range f.fields {
		if one.kind != "checkbox" || one.checked {
			out.Add(one.name, one.value)
		}
	}
	return out
}

// forms are the forms of a page that change something.
func forms(doc *html.Node) (list []formOf) {
	elements(doc, func(n *html.Node) {
		if n.Data == "form" && strings.EqualFold(attr(n, "method"), "post") {
			list = append(list, formOf{attr(n, "action"), fields(n)})
		}
	})
	return list
}

func fields(form *html.Node) (list []field) {
	radios := map[string]*field{}
	elements(form, func(n *html.Node) {
		name := attr(n, "name")
		switch {
		case name == "":
		case n.Data == "textarea":
			list = append(list, field{name: name, kind: "textarea", value: text(n)})
		case n.Data == "select":
			list = append(list, chosenOf(name, n))
		case n.Data == "button":
			if i := slices.IndexFunc(list, func(f field) bool { return f.name == name && f.kind == "button" }); i >= 0 {
				list[i].others = append(list[i].others, attr(n, "value"))
				return
			}
			list = append(list, field{name: name, kind: "button", value: attr(n, "value")})
		case n.Data == "input" && attr(n, "type") == "radio":
			if radios[name] == nil {
				radios[name] = &field{name: name, kind: "radio"}
			}
			if has(n, "checked") {
				radios[name].value = attr(n, "value")
			} else {
				radios[name].others = append(radios[name].others, attr(n, "value"))
			}
		case n.Data == "input":
			value := attr(n, "value")
			if attr(n, "type") == "checkbox" && value == "" {
				value = "on"
			}
			list = append(list, field{name: name, kind: attr(n, "type"), value: value, checked: has(n, "checked")})
		}
	})
	for _, one := range radios {
		list = append(list, *one)
	}
	slices.SortStableFunc(list, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return list
}

func chosenOf(name string, n *html.Node) field {
	f, some := field{name: name, kind: "select"}, false
	elements(n, func(o *html.Node) {
		switch {
		case o.Data != "option":
		case has(o, "selected"):
			if some {
				f.others = append(f.others, f.value)
			}
			f.value, some = attr(o, "value"), true
		case !some:
			f.value, some = attr(o, "value"), true
		default:
			f.others = append(f.others, attr(o, "value"))
		}
	})
	return f
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// moments of the fake key's life.
var then = time.Date(2026, 8, 3, 14, 0, 0, 0, time.UTC)

// TestEachStatusOfAKeyIsWalked: the walks over states go by this list.
func TestEachStatusOfAKeyIsWalked(t *testing.T) {
	walked := map[api.Status]bool{api.Active: true}
	for _, state := range keyStates {
		var k api.KeyWithSecret
		state.change(&k)
		walked[k.Status] = true
	}
	for _, status := range statuses {
		if !walked[status] {
			t.Errorf("no state of a key is %s", status)
		}
	}
}

// keyStates are the states in which a key's pages offer different things.
var keyStates = []struct {
	name   string
	change func(*api.KeyWithSecret)
}{
	{"active", func(*api.KeyWithSecret) {}},
	{"recoverable", func(k *api.KeyWithSecret) { k.Recoverable = true }},
	{"with a policy", func(k *api.KeyWithSecret) {
		k.RotationPolicy = &api.RotationPolicy{EveryDays: 30, NotifyDaysBefore: 3}
	}},
	{"rotating", func(k *api.KeyWithSecret) {
		k.PreviousPreview, k.PreviousSecretExpiresAt = ptr("ak_old…"), ptr(moment.Of(then))
	}},
	{"rotation cancelled", func(k *api.KeyWithSecret) {
		k.PreviousPreview, k.PreviousSecretExpiresAt, k.RotationCancelled = ptr("ak_old…"), ptr(moment.Of(then)), true
	}},
	{"with a proposal", func(k *api.KeyWithSecret) {
		k.Proposed = &api.Proposal{Since: moment.Of(then), Domains: &[]string{"next.example"}, Products: &[]string{"map-display"}}
	}},
	{"disabled", func(k *api.KeyWithSecret) { k.Status, k.Disabled = api.Disabled, true }},
	{"suspended", func(k *api.KeyWithSecret) { k.Status = api.Suspended }},
	{"blocked", func(k *api.KeyWithSecret) {
		k.Status, k.Blocked = api.Blocked, &api.Block{Reason: "Leaked", At: moment.Of(then)}
	}},
	{"leaked", func(k *api.KeyWithSecret) {
		k.ExposedAt = ptr(moment.Of(then))
		k.Exposures = []api.Exposure{{Secret: "current", Preview: k.Preview, ExposedAt: *k.ExposedAt, Source: "github", Refused: true, RefusedAt: k.ExposedAt}}
	}},
	{"expired", func(k *api.KeyWithSecret) { k.Status, k.ExpiresAt = api.Expired, ptr(moment.Of(then)) }},
	{"revoked", func(k *api.KeyWithSecret) {
		k.Status, k.RevokedAt, k.Recoverable = api.Revoked, ptr(moment.Of(then)), true
	}},
	{"deleted", func(k *api.KeyWithSecret) {
		k.Status, k.DeletedAt, k.Recoverable = api.Deleted, ptr(moment.Of(then)), true
	}},
}

// inEachState runs f for each state of the key, and afterwards with the key as it was.
func (w *walker) inEachState(f func(state string)) {
	var plain api.KeyWithSecret
	w.state(func(_ *api.Me, k *api.KeyWithSecret) { plain = *k })
	for _, s := range keyStates {
		w.state(func(_ *api.Me, k *api.KeyWithSecret) { *k = plain; s.change(k) })
		f(s.name)
	}
	w.state(func(_ *api.Me, k *api.KeyWithSecret) { *k = plain })
}

func describe(calls []call) string {
	var b strings.Builder
	for _, c := range calls {
		fmt.Fprintf(&b, "%s %s match=%s once=%s\n", c.route, c.body, c.match, c.idempotency)
	}
	return b.String()
}
