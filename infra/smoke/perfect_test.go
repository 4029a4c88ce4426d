package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// perfect plays a stack of which every fact holds, but for one thing that is broken.
type perfect struct {
	broken string

	mu                         sync.Mutex
	disabled, deleted, stopped bool
	secrets                    []string // of the living key
	calls                      int      // with the limited key, since it was refused last
	refusedAt                  time.Time
	counted                    int
	commands                   []string
}

func (p *perfect) is(what string) bool { return p.broken == what }

// or gives the good value, unless what is named is broken.
func (p *perfect) or(what, good, bad string) string {
	if p.is(what) {
		return bad
	}
	return good
}

func (p *perfect) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := httptest.NewRecorder()
	w.Header().Set("X-Request-Id", p.or("the request ID is missing", "req-1", ""))
	if chosen := r.Header.Get("X-Request-Id"); chosen != "" && p.is("the request ID is the caller's") {
		w.Header().Set("X-Request-Id", chosen)
	}
	if p.is("nobody answers") {
		return nil, errors.New("connection refused")
	}
	switch target := r.URL.Opaque; {
	case strings.HasPrefix(target, "/prod"):
		p.product(w, r, strings.TrimPrefix(target, "/prod"))
	case strings.HasPrefix(target, "/base"):
		p.manage(w, r, p.or("the base path reaches nothing", strings.TrimPrefix(target, "/base"), "/base"))
	default:
		p.manage(w, r, strings.TrimPrefix(target, "/manage"))
	}
	return w.Result(), nil
}

func (p *perfect) refuse(w *httptest.ResponseRecorder, status int, code, kind string) {
	h := w.Header()
	h.Set("Content-Type", p.or(fmt.Sprintf("%d is plain JSON", status), "application/problem+json", "application/json"))
	h.Set("Access-Control-Allow-Origin", p.or(fmt.Sprintf("%d is for no page", status), "*", ""))
	h.Set("x-amzn-ErrorType", p.or(fmt.Sprintf("%s has no kind", code), kind, ""))
	if status == 401 {
		h.Set("WWW-Authenticate", p.or("no challenge", `ApiKey realm="products"`, ""))
	}
	w.WriteHeader(status)
	detail := p.or("no detail", `,"detail":"The path is …"`, "")
	_, _ = fmt.Fprintf(w, `{"code":%q%s}`, p.or(code+" has another code", code, "forbidden"), detail)
}

func (p *perfect) product(w *httptest.ResponseRecorder, r *http.Request, target string) {
	path, query, _ := strings.Cut(target, "?key=")
	key := r.Header.Get("X-Api-Key")
	body, _ := io.ReadAll(r.Body)
	hostile := strings.Contains(path, "%2e") || strings.Contains(path, "//") || strings.Contains(path, "%2f") || strings.Contains(path, "%5c") || strings.Contains(path, "%252e")
	switch {
	case p.stopped:
		w.Header().Set("Retry-After", p.or("a stopped gate says nothing of when", "1", ""))
		p.refuse(w, map[bool]int{false: 503, true: 500}[p.is("a stopped gate is 500")], "unavailable", "")
	case r.Method == http.MethodOptions && len(body) > 0:
		p.refuse(w, map[bool]int{false: 415, true: 204}[p.is("a body of a preflight is taken")], "content_type_unsupported", "")
	case r.Method == http.MethodOptions:
		w.Header().Set("Access-Control-Allow-Headers", p.or("a preflight allows no key", "*,X-Api-Key", "*"))
		w.WriteHeader(map[bool]int{false: 204, true: 401}[p.is("a preflight needs a key") || r.Header.Get("Origin") == "" || r.Header.Get("Access-Control-Request-Headers") != "x-api-key"])
	case strings.Contains(path, `"`):
		if p.is("a quote passes") || p.is("a quote passes below nothing") && strings.Contains(path, "nothing") || p.is("a code passes in the path") && strings.Contains(path, "code") {
			return
		}
		w.WriteHeader(400)
	case path == "/smoke-nothing":
		p.refuse(w, map[bool]int{false: 403, true: 404}[p.is("nothing is 404")], "unknown_path", "MissingAuthenticationTokenException")
	case key == "" && query == "", key != "" && query != "" && !p.is("two keys open"), !slices.Contains(append(p.secrets, "ak_limited"), key+query) && key+query != "ak_livingak_living",
		len(r.Header["X_Latchkey_Account_Id"]) > 0 && !p.is("an imitated header passes"), p.disabled, p.deleted: //nolint:staticcheck // as it is sent
		p.refuse(w, 401, "unauthorized", "UnauthorizedException")
	case path == "/map/echo/12%2F3":
		_, _ = w.WriteString(p.or("the escape is resolved", "GET /echo/12%2f3", "GET /echo/12/3"))
	case path == "/map/echo":
		shown := p.or("the upstream sees the header", "removed", "removed "+key)
		if query != "" {
			shown = p.or("the upstream sees the query", "removed", "removed "+query)
		}
		_, _ = w.WriteString(p.or("the upstream isn't mapped", shown, "hello"))
	case hostile && !(p.is("hostile paths pass but the first") && !strings.HasPrefix(path, "/map/%2e")) && !(p.is("two escapes pass") && strings.Contains(path, "%25")):
		p.refuse(w, 403, "path_not_canonical", "AccessDeniedException")
	case path == "/map/0.png":
		text := "\x89PNG\r\n\x1a\n…IEND\xaeB`\x82"
		if p.is("a picture is text for " + r.Header.Get("Accept")) {
			text = "iVBORw0KGgo"
		}
		_, _ = w.WriteString(p.or("a picture is cut off", text, "\x89PNG\r\n\x1a\n…"))
	case key == "ak_limited":
		if p.calls++; p.calls > 30 || time.Since(p.refusedAt) < time.Second && !p.refusedAt.IsZero() || p.is("waiting doesn't help") && !p.refusedAt.IsZero() {
			if p.is("nothing is limited") {
				return
			}
			p.calls, p.refusedAt = 0, time.Now()
			w.Header().Set("Retry-After", p.or("a 429 says nothing of when", "1", "soon"))
			p.refuse(w, map[bool]int{false: 429, true: 403}[p.is("the limit is 403")], "qps_exceeded", "")
		}
	default:
		if p.is("the key doesn't open") {
			w.WriteHeader(403)
		}
		p.counted++
	}
}

func (p *perfect) manage(w *httptest.ResponseRecorder, r *http.Request, path string) {
	if r.Header.Get("Authorization") != "Bearer T" {
		w.WriteHeader(401)
		return
	}
	const living = "/v1/accounts/a/keys/k"
	switch r.Method + " " + path {
	case "GET /v1/me":
		_, _ = w.WriteString(p.or("the token has no address", `{"email":"a@b.example"}`, `{"email":""}`))
	case "POST " + living + "/disable":
		p.disabled = !p.is("a disabled key opens")
		_, _ = w.WriteString(`{}`)
	case "POST " + living + "/enable":
		p.disabled = p.is("an enabled key is refused")
		_, _ = w.WriteString(`{}`)
	case "DELETE " + living:
		p.deleted = !p.is("a deleted key opens")
		_, _ = w.WriteString(`{}`)
	case "POST " + living + "/rotate":
		if p.is("a rotation fails") {
			w.WriteHeader(409)
			return
		}
		if !p.is("a new secret is refused") {
			p.secrets = append(p.secrets, "ak_new")
		}
		if p.is("the old secret is refused") {
			p.secrets = []string{"ak_new"}
		}
		_, _ = w.WriteString(`{"secret":"` + p.or("a rotation gives the old secret", "ak_new", "ak_living") + `"}`)
	case "GET " + living + "/usage":
		_, _ = fmt.Fprintf(w, `{"totals":{"allowed":%d}}`, map[bool]int{false: p.counted, true: 0}[p.is("nothing is counted")])
	case "POST /v1/accounts/a/keys":
		w.WriteHeader(201)
		_, _ = w.WriteString(`{"id":"r","secret":"ak_kept"}`)
	case "POST /v1/accounts/a/keys/r/reveal":
		_, _ = w.WriteString(`{"secret":"` + p.or("another secret is kept", "ak_kept", "ak_other") + `"}`)
	default:
		w.WriteHeader(404)
	}
}

// command plays the AWS command line interface.
func (p *perfect) command(ctx context.Context, args ...string) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	line := strings.Join(args, " ")
	p.commands = append(p.commands, line)
	if p.is(args[1] + " fails") {
		return nil, errors.New("AccessDenied")
	}
	switch {
	case args[1] == "list-stack-resources":
		return []byte(`{"StackResourceSummaries":[{"ResourceType":"AWS::SNS::Topic","PhysicalResourceId":"topic"},{"ResourceType":"AWS::Scheduler::Schedule","PhysicalResourceId":"one"},{"ResourceType":"AWS::Scheduler::Schedule","PhysicalResourceId":"two"},
			{"ResourceType":"AWS::Lambda::EventSourceMapping","PhysicalResourceId":"three"},{"ResourceType":"AWS::Lambda::EventSourceMapping","PhysicalResourceId":"four"}]}`), nil
	case line == "scheduler get-schedule --name one", line == "scheduler get-schedule --name two":
		return []byte(`{"State":"` + p.or("off: "+args[3], "ENABLED", "DISABLED") + `"}`), nil
	case line == "lambda get-event-source-mapping --uuid three":
		return []byte(`{"State":"` + p.or("off: three", "Enabled", "Disabled") + `","LastProcessingResult":"No records processed"}`), nil
	case line == "lambda get-event-source-mapping --uuid four":
		return []byte(`{"State":"Enabled","LastProcessingResult":"` + p.or("off: four", "OK", "PROBLEM") + `"}`), nil
	case args[1] == "describe-stack-resource":
		return fmt.Appendf(nil, `{"StackResourceDetail":{"PhysicalResourceId":"of %s"}}`, args[len(args)-1]), nil
	case line == "lambda get-function-concurrency --function-name of Authorizer":
		return nil, nil
	case line == "lambda put-function-concurrency --function-name of Authorizer --reserved-concurrent-executions 0":
		p.stopped = !p.is("the gate isn't stopped")
		return nil, nil
	case line == "lambda delete-function-concurrency --function-name of Authorizer":
		p.stopped = false
		return nil, nil
	case strings.HasPrefix(line, `logs filter-log-events --log-group-name of AuthorizerLogs --filter-pattern { $.extended_request_id = "req-1" } --start-time `) && !p.is("no log line has the ID"):
		return []byte(`{"events":[{"message":"x"}]}`), nil
	}
	return []byte(`{}`), nil
}

// TestEachFactFailsByWhatItAsksFor: on a stack of which all hold each is ok, and each thing that is broken there fails its facts and no others.
func TestEachFactFailsByWhatItAsksFor(t *testing.T) {
	breaks := map[string]string{
		"the key doesn't open":                      "key-opens key-enabled key-rotated",
		"two keys open":                             "one-401",
		"an imitated header passes":                 "imitated-header",
		"no challenge":                              "challenge",
		"401 is plain JSON":                         "content-type",
		"403 is plain JSON":                         "content-type",
		"401 is for no page":                        "content-type",
		"403 is for no page":                        "content-type",
		"no detail":                                 "context-in-responses",
		"path_not_canonical has another code":       "context-in-responses hostile-paths extended-request-id",
		"unauthorized has no kind":                  "error-type",
		"unknown_path has no kind":                  "error-type",
		"path_not_canonical has no kind":            "error-type",
		"the request ID is missing":                 "request-id extended-request-id",
		"the request ID is the caller's":            "request-id",
		"no log line has the ID":                    "extended-request-id",
		"describe-stack-resource fails":             "extended-request-id authorizer-failure",
		"filter-log-events fails":                   "extended-request-id",
		"hostile paths pass but the first":          "hostile-paths",
		"two escapes pass":                          "hostile-paths",
		"a quote passes":                            "raw-characters",
		"a quote passes below nothing":              "raw-characters",
		"a code passes in the path":                 "raw-characters",
		"nothing is 404":                            "unknown-path",
		"unknown_path has another code":             "unknown-path",
		"a preflight needs a key":                   "preflight",
		"a preflight allows no key":                 "preflight",
		"a body of a preflight is taken":            "preflight-media-type",
		"content_type_unsupported has another code": "preflight-media-type",
		"a picture is text for */*":                 "binary",
		"a picture is text for image/png":           "binary",
		"a picture is text for text/html,*/*;q=0.8": "binary",
		"a picture is cut off":                      "binary",
		"the upstream sees the header":              "mapped-header",
		"the upstream sees the query":               "mapped-query",
		"the upstream isn't mapped":                 "mapped-header mapped-query",
		"the escape is resolved":                    "escapes-upstream",
		"nothing is limited":                        "over-limit",
		"the limit is 403":                          "over-limit",
		"qps_exceeded has another code":             "over-limit",
		"429 is plain JSON":                         "over-limit",
		"a 429 says nothing of when":                "over-limit",
		"waiting doesn't help":                      "over-limit",
		"a disabled key opens":                      "key-disabled",
		"an enabled key is refused":                 "key-enabled",
		"a rotation fails":                          "key-rotated",
		"a rotation gives the old secret":           "key-rotated",
		"a new secret is refused":                   "key-rotated",
		"the old secret is refused":                 "key-rotated",
		"another secret is kept":                    "secret-kept",
		"nothing is counted":                        "usage-counted",
		"a deleted key opens":                       "key-deleted",
		"the token has no address":                  "token-address",
		"the base path reaches nothing":             "base-path",
		"off: one":                                  "schedules",
		"off: two":                                  "schedules",
		"get-schedule fails":                        "schedules",
		"list-stack-resources fails":                "schedules streams",
		"off: three":                                "streams",
		"off: four":                                 "streams",
		"get-event-source-mapping fails":            "streams",
		"a stopped gate is 500":                     "authorizer-failure",
		"a stopped gate says nothing of when":       "authorizer-failure",
		"unavailable has another code":              "authorizer-failure",
		"the gate isn't stopped":                    "authorizer-failure",
		"get-function-concurrency fails":            "authorizer-failure",
		"put-function-concurrency fails":            "authorizer-failure",
		"delete-function-concurrency fails":         "authorizer-failure",
		"":                                          "",
		"nobody answers":                            "",
	}
	for broken, facts := range breaks {
		synctest.Test(t, func(t *testing.T) { failing(t, broken, facts) })
	}
}

func failing(t *testing.T, broken, named string) {
	want := strings.Fields(named)
	for _, f := range facts() {
		if slices.Contains([]string{"sign-in", "web-acl", "answer-first"}, f.id) {
			continue
		}
		if len(want) > 0 && !slices.Contains(want, f.id) && broken != "" {
			// All others have been asked of the stack that is whole; those that share what is broken are named.
			continue
		}
		p := &perfect{broken: broken, secrets: []string{"ak_living"}}
		s := newSmoke(target{
			products: "http://s.example/prod", management: "http://s.example/manage", aws: true, name: "s", token: "T", overLimit: 429, echo: "/map/echo", base: "http://s.example/base", outage: true,
			command: p.command,
		})
		s.client = &http.Client{Transport: p}
		s.account, s.wide, s.narrow, s.picture = "/v1/accounts/a", "/map/1/x", "/search/1/x", "/map/0.png"
		s.living, s.limited = key{"/v1/accounts/a/keys/k", "ak_living"}, key{"/v1/accounts/a/keys/l", "ak_limited"}
		if f.id == "key-enabled" {
			p.disabled = true
		}
		wanted := ok
		if slices.Contains(want, f.id) || broken == "nobody answers" && !slices.Contains([]string{"schedules", "streams"}, f.id) {
			wanted = fail
		}
		err := f.ask(t.Context(), s)
		if got := judge(f, true, err); got != wanted {
			t.Errorf("where %q, %s is %s: %v", broken, f.id, got, err)
		}
		if p.stopped && broken != "delete-function-concurrency fails" {
			t.Errorf("where %q, %s leaves the gate stopped: %q", broken, f.id, p.commands)
		}
	}
}

// TestTheTableOfFactsIsPrintedAndCounted, and the facts are those that documents and people know.
func TestTheTableOfFactsIsPrintedAndCounted(t *testing.T) {
	var ids []string
	for _, f := range facts() {
		ids = append(ids, f.id)
	}
	const known = "key-opens one-401 imitated-header challenge content-type context-in-responses error-type request-id extended-request-id hostile-paths raw-characters unknown-path preflight preflight-media-type binary " +
		"mapped-header mapped-query escapes-upstream over-limit key-disabled key-enabled key-rotated secret-kept usage-counted key-deleted sign-in token-address base-path schedules streams authorizer-failure web-acl answer-first"
	if got := strings.Join(ids, " "); got != known {
		t.Errorf("%s\nwant\n%s", got, known)
	}
	says := func(err error) func(context.Context, *smoke) error {
		return func(context.Context, *smoke) error { return err }
	}
	list := []fact{
		{id: "a", says: "A", ask: says(nil)},
		{id: "b", says: "B", ask: says(errors.New("two\nlines"))},
		{id: "c", says: "C", assumed: true, ask: says(nil)},
		{id: "d", says: "D", ask: says(left("what"))},
		{id: "e", says: "E", aws: true, ask: says(errors.New("asked"))},
		{id: "f", says: "F", ask: says(errors.New("no"))},
	}
	var out bytes.Buffer
	failed := newSmoke(target{}).askAll(t.Context(), list, &out)
	want := "ok                 a                        A\nFAIL               b                        B: two lines\nonly AWS can show  c                        C (here as assumed)\n" +
		"not asked          d                        D: what\nonly AWS can show  e                        E\nFAIL               f                        F: no\n1 ok, 2 failed, 2 only AWS can show, 1 not asked\n"
	if failed != 2 || out.String() != want {
		t.Errorf("%d failed:\n%s\nwant\n%s", failed, out.String(), want)
	}
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	out.Reset()
	if failed := newSmoke(target{}).askAll(interrupted, list[:2], &out); failed != 0 || !strings.HasSuffix(out.String(), "A: interrupted\nnot asked          b                        B: interrupted\n0 ok, 0 failed, 0 only AWS can show, 2 not asked\n") {
		t.Errorf("interrupted, %d failed: %s", failed, out.String())
	}
}

// TestASignInPageIsTheIssuers, and one of the console's own, or none, is not.
func TestASignInPageIsTheIssuers(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		page   string
		own    bool
		want   bool
	}{
		"a form": {200, "<FORM>", false, true}, "a page of scripts": {200, "<script>", false, true}, "an error": {500, "<form>", false, false}, "nothing": {200, "hello", false, false},
		"the console's own": {200, "<form>", true, false},
	} {
		issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(c.status); _, _ = w.Write([]byte(c.page)) }))
		console := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, err := r.Cookie("state")
			switch {
			case r.URL.Path == "/sign-in" && r.Header.Get("Accept") == "text/html" && err != nil: // as a browser does, with what it was given
				http.SetCookie(w, &http.Cookie{Name: "state", Value: "1"})
				http.Redirect(w, r, "/sign-in", http.StatusFound)
			case r.URL.Path == "/sign-in" && !c.own && err == nil:
				http.Redirect(w, r, issuer.URL+"/login", http.StatusFound)
			case !c.own:
				w.WriteHeader(404)
			default:
				_, _ = w.Write([]byte(c.page))
			}
		}))
		s := newSmoke(target{console: console.URL})
		if err := signInPage(t.Context(), s); (err == nil) != c.want {
			t.Errorf("%s: %v", name, err)
		}
		issuer.Close()
		console.Close()
	}
}
