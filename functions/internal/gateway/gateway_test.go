package gateway

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"latchkey/shared/account"
	"latchkey/shared/api"
)

type nobody struct{ err error }

func (n nobody) Verify(_ context.Context, token string) (account.Person, error) {
	switch {
	case n.err != nil:
		return account.Person{}, n.err
	case token != "good":
		return account.Person{}, ErrToken
	}
	return account.Person{Subject: account.Subject{Issuer: "i", ID: "s"}}, nil
}

func (nobody) Role(context.Context, account.ID, account.Subject) (account.Role, error) {
	return "", nil
}
func (nobody) Rank(context.Context, account.Subject) (account.Rank, error) { return "", nil }
func (nobody) AccountExists(context.Context, account.ID) (bool, error)     { return false, nil }

var errSentinel = errors.New("a sentinel")

func newMux(logs io.Writer) *Mux {
	m := &Mux{
		Verifier: nobody{}, People: nobody{}, Now: time.Now, Log: slog.New(slog.NewJSONHandler(logs, nil)),
		Errors: Table{{Err: errSentinel, Problem: NewProblem(409, "sentinel", "It is so.")}},
	}
	m.Public("GET /v1/panic", func(http.ResponseWriter, *http.Request, Principal) error { panic("internal words") })
	m.Public("GET /v1/fail", func(http.ResponseWriter, *http.Request, Principal) error { return errors.New("internal words") })
	m.Public("GET /v1/known", func(http.ResponseWriter, *http.Request, Principal) error {
		return errors.Join(errors.New("internal words"), errSentinel)
	})
	m.Public("GET /v1/slow", func(http.ResponseWriter, *http.Request, Principal) error { return context.DeadlineExceeded })
	m.Public("POST /v1/echo/{name}", func(w http.ResponseWriter, r *http.Request, _ Principal) error {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		return JSON(w, 200, map[string]string{"name": r.PathValue("name"), "body": string(body), "q": r.URL.Query().Get("q")})
	})
	m.Person("GET /v1/person", func(w http.ResponseWriter, _ *http.Request, c Principal) error {
		return JSON(w, 200, c.Person.Subject.ID)
	})
	return m
}

func TestErrorsBecomeProblemsWithoutInternalWords(t *testing.T) {
	cases := map[string]struct {
		method, path string
		status       int
		code         string
	}{
		"a panic":            {"GET", "/v1/panic", 500, "internal"},
		"an unknown error":   {"GET", "/v1/fail", 500, "internal"},
		"a known error":      {"GET", "/v1/known", 409, "sentinel"},
		"out of time":        {"GET", "/v1/slow", 503, "unavailable"},
		"no such path":       {"GET", "/v1/none", 404, "not_found"},
		"no such method":     {"DELETE", "/v1/known", 405, "method_not_allowed"},
		"an empty segment":   {"GET", "/v1//known", 404, "not_found"},
		"a dot segment":      {"GET", "/v1/./known", 404, "not_found"},
		"two dots":           {"GET", "/v1/x/../known", 404, "not_found"},
		"a slash at the end": {"GET", "/v1/known/", 404, "not_found"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var logs strings.Builder
			w := httptest.NewRecorder()
			newMux(&logs).ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil))
			var p api.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Fatalf("%v: %s", err, w.Body)
			}
			if w.Code != c.status || p.Code != c.code || p.Status != c.status || p.RequestId == "" || p.RequestId != w.Header().Get("X-Request-Id") {
				t.Errorf("%d %+v", w.Code, p)
			}
			if strings.Contains(w.Body.String(), "internal words") || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%v %s", w.Header(), w.Body)
			}
			if c.status == 500 && !strings.Contains(logs.String(), "internal words") && !strings.Contains(logs.String(), "gateway.newMux.func") {
				t.Error("the log doesn't say what happened")
			}
			if c.status == 405 && w.Header().Get("Allow") == "" {
				t.Error("no Allow")
			}
		})
	}
}

func TestTokensAreChecked(t *testing.T) {
	cases := map[string]struct {
		headers []string
		status  int
	}{
		"none": {nil, 401}, "good": {[]string{"Bearer good"}, 200}, "case of the scheme": {[]string{"bearer good"}, 200},
		"bad": {[]string{"Bearer bad"}, 401}, "another scheme": {[]string{"Basic good"}, 401}, "no scheme": {[]string{"good"}, 401},
		"two headers": {[]string{"Bearer good", "Bearer good"}, 401}, "nothing after it": {[]string{"Bearer "}, 401},
		"a huge one": {[]string{"Bearer " + strings.Repeat("x", maxToken+1)}, 401},
	}
	for name, c := range cases {
		r := httptest.NewRequest("GET", "/v1/person", nil)
		r.Header["Authorization"] = c.headers
		w := httptest.NewRecorder()
		newMux(io.Discard).ServeHTTP(w, r)
		if w.Code != c.status || (c.status == 401 && !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer ")) {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
	}
	m := newMux(io.Discard)
	m.Verifier = nobody{err: errors.New("the issuer is down")}
	r := httptest.NewRequest("GET", "/v1/person", nil)
	r.Header.Set("Authorization", "Bearer good")
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r)
	if w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("an issuer that is down: %d %v", w.Code, w.Header())
	}
}

// TestAnEventThatIsNoRequestIsAnswered: 400, and no error of the function.
func TestAnEventThatIsNoRequestIsAnswered(t *testing.T) {
	proxy := Proxy(newMux(io.Discard))
	for _, e := range []events.APIGatewayProxyRequest{
		{HTTPMethod: "FOO BAR", Path: "/v1/known"},
		{HTTPMethod: "GÉT", Path: "/v1/known"},
		{HTTPMethod: "GET\n", Path: "/v1/known"},
		{HTTPMethod: "POST", Path: "/v1/echo/a", Body: "%%%", IsBase64Encoded: true},
		{HTTPMethod: "POST", Path: "/v1/echo/a", Body: "YQ", IsBase64Encoded: true},
	} {
		out, err := proxy(t.Context(), e)
		if err != nil || out.StatusCode != 400 || !strings.Contains(out.Body, `"code":"bad_request"`) {
			t.Errorf("%q %q: %d %s, %v", e.HTTPMethod, e.Body, out.StatusCode, out.Body, err)
		}
	}
}

func TestProxyReadsWhatAPIGatewaySends(t *testing.T) {
	proxy := Proxy(newMux(io.Discard))
	call := func(e events.APIGatewayProxyRequest) (map[string]string, events.APIGatewayProxyResponse) {
		t.Helper()
		e.HTTPMethod, e.RequestContext.RequestID, e.RequestContext.ExtendedRequestID = "POST", "chosen-by-a-caller", "gateway-id"
		out, err := proxy(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		var doc map[string]string
		_ = json.Unmarshal([]byte(out.Body), &doc)
		if got := out.MultiValueHeaders["X-Request-Id"]; len(got) != 1 || got[0] != "gateway-id" {
			t.Errorf("X-Request-Id: %v", got)
		}
		return doc, out
	}
	doc, _ := call(events.APIGatewayProxyRequest{
		Path: "/v1/echo/a", Body: base64.StdEncoding.EncodeToString([]byte("héllo")), IsBase64Encoded: true,
		MultiValueQueryStringParameters: map[string][]string{"q": {"a&b=c"}},
	})
	if doc["body"] != "héllo" || doc["q"] != "a&b=c" {
		t.Errorf("%v", doc)
	}
	if doc, _ := call(events.APIGatewayProxyRequest{Path: "/manage/v1/echo/a", Resource: "/v1/echo/{name}"}); doc["name"] != "a" {
		t.Errorf("below the base path of a domain: %v", doc)
	}
	for path, want := range map[string]string{
		"/v1/echo/auth0%7Ca%2Fb": "auth0|a/b", "/v1/echo/a b": "a b", "/v1/echo/100%": "100%", "/v1/echo/a?b": "a?b", "/v1/echo/é": "é",
	} {
		if doc, out := call(events.APIGatewayProxyRequest{Path: path}); doc["name"] != want {
			t.Errorf("%s: %v %s", path, doc, out.Body)
		}
	}
}

// An answer that can't be written is a failure, not an empty success.
func TestAnAnswerIsEncodedBeforeItsStatusIsSent(t *testing.T) {
	for name, doc := range map[string]any{
		"a year of five digits": time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "infinity": math.Inf(1), "a channel": make(chan int),
		"deep inside": map[string]any{"list": []any{map[string]any{"at": time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}}},
	} {
		var logs strings.Builder
		m := newMux(&logs)
		m.Public("GET /v1/bad", func(w http.ResponseWriter, _ *http.Request, _ Principal) error {
			w.Header().Set("ETag", `"1"`)
			return JSON(w, http.StatusCreated, doc)
		})
		w := httptest.NewRecorder()
		m.ServeHTTP(w, httptest.NewRequest("GET", "/v1/bad", nil))
		if w.Code != 500 || !strings.Contains(w.Body.String(), `"code":"internal"`) || !strings.Contains(logs.String(), "encoding the answer") ||
			w.Header().Get("ETag") != "" || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %v %s\n%s", name, w.Code, w.Header(), w.Body, logs.String())
		}
	}
}

func TestTimesOfBodiesAndParametersAreInRange(t *testing.T) {
	r := httptest.NewRequest("POST", "/?at=9999-12-31T23:59:59-23:59", strings.NewReader(`{"at":"9999-12-31T23:59:59-23:59"}`))
	r.Header.Set("Content-Type", "application/json")
	type timed struct {
		At time.Time `json:"at"`
	}
	var p *Problem
	if _, _, err := Body[timed](r, BodyOptions{Query: true}); !errors.As(err, &p) || p.Status != 422 || p.Fields[0].Code != "out_of_range" {
		t.Errorf("in a body: %v", err)
	}
	if _, err := Time(r, "at", time.Time{}); !errors.As(err, &p) || p.Status != 400 {
		t.Errorf("in the query: %v", err)
	}
	r = httptest.NewRequest("POST", "/?at=2026-01-31t02:00:00%2B02:00", nil)
	if at, err := Time(r, "at", time.Time{}); err != nil || !at.Equal(time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%s, %v", at, err)
	}
}

func FuzzBody(f *testing.F) {
	for _, seed := range []string{`{"name":"a"}`, `{"name":"\ud83d\ude00"}`, `{"a":[[{}]]}`, `null`, "{\"\xff\":1}", `{"name":1e999}`, `{"expires_at":null}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		_, members, err := Body[api.CreateKey](r, BodyOptions{Nullable: []string{"expires_at"}, ReadOnly: api.Key{}})
		var p *Problem
		if err != nil && (!errors.As(err, &p) || p.Status < 400 || p.Status > 499) {
			t.Fatalf("%q: %v", body, err)
		}
		if err == nil && (!members.Has("name") || !members.Has("usage") || !members.Has("products") || !json.Valid([]byte(body))) {
			t.Fatalf("%q was taken", body)
		}
	})
}
