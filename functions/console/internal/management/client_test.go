package management_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

type doc struct {
	Name string `json:"name"`
}

// answers is an API that gives the answers in turn, the last one for ever, and keeps the requests.
type answers struct {
	list []answer
	seen []*http.Request
	body []string
}

type answer struct {
	status int
	body   string
	header http.Header
}

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	one := a.list[min(len(a.seen), len(a.list)-1)]
	a.seen, a.body = append(a.seen, r), append(a.body, string(raw))
	for name, values := range one.header {
		w.Header()[name] = values
	}
	w.WriteHeader(one.status)
	_, _ = w.Write([]byte(one.body))
}

func person(t *testing.T, list ...answer) (management.Person, *answers) {
	t.Helper()
	a := &answers{list: list}
	s := httptest.NewServer(a)
	t.Cleanup(s.Close)
	return management.New(s.URL+"/stage/", nil).As("token-1"), a
}

func TestACallIsSentAsItStands(t *testing.T) {
	for name, c := range map[string]struct {
		call   management.Call
		line   string
		body   string
		header http.Header
	}{
		"a read": {
			management.Call{Method: "GET", Path: "/v1/keys/a%2Fb", Query: url.Values{"q": {"a b&c"}, "page_size": {"25"}}},
			"GET /stage/v1/keys/a%2Fb?page_size=25&q=a+b%26c", "",
			http.Header{"Accept": {"application/json"}},
		},
		"a table":             {management.Call{Method: "GET", Path: "/v1/usage", Accept: "text/csv"}, "GET /stage/v1/usage", "", http.Header{"Accept": {"text/csv"}}},
		"a write":             {management.Call{Method: "POST", Path: "/v1/keys", Body: doc{"x"}}, "POST /stage/v1/keys", `{"name":"x"}`, http.Header{"Accept": {"application/json"}, "Content-Type": {"application/json"}}},
		"a write of nothing":  {management.Call{Method: "POST", Path: "/v1/keys/x/enable"}, "POST /stage/v1/keys/x/enable", "", http.Header{"Accept": {"application/json"}}},
		"a write sent once":   {management.Call{Method: "POST", Path: "/v1/keys", Body: doc{}, Idempotency: "once"}, "POST /stage/v1/keys", `{"name":""}`, http.Header{"Accept": {"application/json"}, "Content-Type": {"application/json"}, "Idempotency-Key": {"once"}}},
		"a patch":             {management.Call{Method: "PATCH", Path: "/v1/keys/x", Body: doc{"y"}, Version: 7}, "PATCH /stage/v1/keys/x", `{"name":"y"}`, http.Header{"Accept": {"application/json"}, "Content-Type": {"application/merge-patch+json"}, "If-Match": {`"7"`}}},
		"a deletion":          {management.Call{Method: "DELETE", Path: "/v1/keys/x"}, "DELETE /stage/v1/keys/x", "", http.Header{"Accept": {"application/json"}}},
		"the first version":   {management.Call{Method: "PUT", Path: "/v1/x", Body: doc{}, Version: 1}, "PUT /stage/v1/x", `{"name":""}`, http.Header{"Accept": {"application/json"}, "Content-Type": {"application/json"}, "If-Match": {`"1"`}}},
		"no version, no rule": {management.Call{Method: "PUT", Path: "/v1/x", Body: doc{}}, "PUT /stage/v1/x", `{"name":""}`, http.Header{"Accept": {"application/json"}, "Content-Type": {"application/json"}}},
	} {
		t.Run(name, func(t *testing.T) {
			p, a := person(t, answer{status: 200, body: "{}"})
			if _, err := p.Do(t.Context(), c.call, nil); err != nil {
				t.Fatal(err)
			}
			if len(a.seen) != 1 {
				t.Fatalf("%d calls", len(a.seen))
			}
			if got := a.seen[0].Method + " " + a.seen[0].RequestURI; got != c.line || a.body[0] != c.body {
				t.Errorf("sent %s %s, want %s %s", got, a.body[0], c.line, c.body)
			}
			got := a.seen[0].Header.Clone()
			for _, of := range []string{"User-Agent", "Content-Length", "Accept-Encoding"} {
				got.Del(of)
			}
			c.header.Set("Authorization", "Bearer token-1")
			if !reflect.DeepEqual(got, c.header) {
				t.Errorf("sent %v, want %v", got, c.header)
			}
		})
	}
}

func TestOnlyAReadIsRepeatedAndOnlyOnce(t *testing.T) {
	unavailable, good := answer{status: 503, body: `{"code":"unavailable"}`}, answer{status: 200, body: `{"name":"x"}`}
	for name, c := range map[string]struct {
		method string
		list   []answer
		calls  int
		status int // of the problem, 0: none
	}{
		"a read that succeeds":        {"GET", []answer{good}, 1, 0},
		"a read, then good":           {"GET", []answer{unavailable, good}, 2, 0},
		"a read, then again":          {"GET", []answer{unavailable, unavailable, good}, 2, 503},
		"a read, another error":       {"GET", []answer{{status: 500}, good}, 1, 500},
		"a read, too many":            {"GET", []answer{{status: 429}, good}, 1, 429},
		"a read that is refused":      {"GET", []answer{{status: 404}, good}, 1, 404},
		"a write":                     {"POST", []answer{unavailable, good}, 1, 503},
		"a patch":                     {"PATCH", []answer{unavailable, good}, 1, 503},
		"a deletion":                  {"DELETE", []answer{unavailable, good}, 1, 503},
		"a read, then something else": {"GET", []answer{unavailable, {status: 404}}, 2, 404},
	} {
		t.Run(name, func(t *testing.T) {
			p, a := person(t, c.list...)
			var got doc
			_, err := p.Do(t.Context(), management.Call{Method: c.method, Path: "/x"}, &got)
			status := 0
			var problem *management.Problem
			if errors.As(err, &problem) {
				status = problem.Status
			}
			if len(a.seen) != c.calls || status != c.status || (status == 0) != (got.Name == "x") {
				t.Errorf("%d calls, status %d (%v), %+v; want %d and %d", len(a.seen), status, err, got, c.calls, c.status)
			}
		})
	}
}

func TestARefusalIsAProblemWithWhatTheAPISaid(t *testing.T) {
	whole := `{"status":422,"code":"invalid","error":"In words.","request_id":"r-1","errors":[{"pointer":"/name","code":"invalid_name","detail":"Canary"}]}`
	id := http.Header{"X-Request-Id": {"r-2"}}
	for name, c := range map[string]struct {
		answer
		status           int
		code, error, ask string
		fields           int
	}{
		"a problem document":         {answer{422, whole, id}, 422, "invalid", "In words.", "r-1", 1},
		"another status in it":       {answer{409, whole, id}, 409, "invalid", "In words.", "r-1", 1},
		"without the request's ID":   {answer{404, `{"code":"not_found","error":"No."}`, id}, 404, "not_found", "No.", "r-2", 0},
		"not from the API":           {answer{502, "<html>Bad gateway", id}, 502, "unavailable", "The service is temporarily unavailable.", "r-2", 0},
		"JSON that is no problem":    {answer{403, `{"message":"Forbidden"}`, id}, 403, "unavailable", "The service is temporarily unavailable.", "r-2", 0},
		"nothing":                    {answer{500, "", nil}, 500, "unavailable", "The service is temporarily unavailable.", "", 0},
		"a redirect without a place": {answer{304, "", nil}, 304, "unavailable", "The service is temporarily unavailable.", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := person(t, c.answer)
			_, err := management.Get[doc](t.Context(), p, "/x", nil)
			var got *management.Problem
			if !errors.As(err, &got) {
				t.Fatalf("got %v", err)
			}
			if got.Status != c.status || got.Code != c.code || got.Problem.Error != c.error || got.RequestId != c.ask || len(got.Fields()) != c.fields {
				t.Errorf("got %+v", got.Problem)
			}
		})
	}
	p := &management.Problem{Problem: api.Problem{Status: 422, Code: "invalid", Error: "Canary", RequestId: "r-1", Errors: &[]api.FieldError{{Detail: "Canary"}}}}
	if got := p.Error(); got != "management: 422 invalid, request r-1" {
		t.Errorf("the error says %q", got)
	}
}

func TestAnAnswerIsHandedOnWhole(t *testing.T) {
	p, _ := person(t, answer{201, "a,b\n", http.Header{"Idempotent-Replayed": {"true"}, "Etag": {`"3"`}}}, answer{200, "", nil})
	got, err := p.Do(t.Context(), management.Call{Method: "POST", Path: "/x"}, nil)
	if err != nil || got.Status != 201 || !got.Replayed || got.Header.Get("ETag") != `"3"` || string(got.Raw) != "a,b\n" {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err = p.Do(t.Context(), management.Call{Method: "POST", Path: "/x"}, nil); err != nil || got.Replayed {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhatIsNoAnswerOfTheAPIIsUnreachable(t *testing.T) {
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("{"))
	}))
	t.Cleanup(cut.Close)
	page, _ := person(t, answer{200, "<html>", nil})
	for name, p := range map[string]management.Person{
		"nobody listens": management.New("http://127.0.0.1:1", nil).As("token-1"), "cut off": management.New(cut.URL, nil).As("token-1"), "no JSON": page,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := management.Get[doc](t.Context(), p, "/v1/keys", url.Values{"q": {"canary"}})
			if !errors.Is(err, management.ErrUnreachable) {
				t.Errorf("got %v", err)
			}
			if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "token-1") {
				t.Errorf("the error holds what somebody typed, or the token: %v", err)
			}
		})
	}
}

func TestACallEndsWithItsRequest(t *testing.T) {
	reached, free := make(chan struct{}, 1), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached <- struct{}{}; <-free }))
	t.Cleanup(s.Close)
	defer close(free)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-reached; cancel() }()
	_, err := management.Get[doc](ctx, management.New(s.URL, nil).As("t"), "/x", nil)
	if !errors.Is(err, context.Canceled) || errors.Is(err, management.ErrUnreachable) {
		t.Errorf("got %v", err)
	}
}

// A function is frozen between two calls, and what it was connected to may be gone by then.
func TestAConnectionThatDiedIsReplacedForWritesToo(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lis.Close() })
	go func() {
		for {
			conn, err := lis.Accept()
			if err != nil {
				return
			}
			go oneAnswer(conn)
		}
	}()
	p := management.New("http://"+lis.Addr().String(), nil).As("t")
	for n := range 3 {
		if _, err := p.Do(t.Context(), management.Call{Method: "POST", Path: "/x", Body: doc{"x"}}, nil); err != nil {
			t.Fatalf("call %d: %v", n, err)
		}
	}
}

// oneAnswer answers the first request on a connection and hangs up at the second.
func oneAnswer(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	req, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, req.Body)
	if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"); err == nil {
		_, _ = http.ReadRequest(in)
	}
}

// The console's function has 15 s: an API that hangs must leave it time for a page that says so.
func TestACallHasATimeLimit(t *testing.T) {
	if got := management.New("http://127.0.0.1:1", nil).Timeout(); got != 12*time.Second {
		t.Errorf("a call may take %s", got)
	}
}

// TestPagesAreReadToTheirEndOrTheirBound: each by the token of the one before, and what was taken by then stays where one fails.
func TestPagesAreReadToTheirEndOrTheirBound(t *testing.T) {
	type page struct {
		Names []string `json:"names"`
		Next  *string  `json:"next_page_token"`
	}
	first, second := answer{200, `{"names":["a"],"next_page_token":"t&1"}`, nil}, answer{200, `{"names":[],"next_page_token":"t2"}`, nil} // a page may be empty
	last, refused := answer{200, `{"names":["c"]}`, nil}, answer{403, `{"code":"forbidden"}`, nil}
	for name, tt := range map[string]struct {
		list   []answer
		most   int
		names  string
		tokens []string
		fails  bool
	}{
		"to the end":     {[]answer{first, second, last}, 5, "ac", []string{"", "t&1", "t2"}, false},
		"one page":       {[]answer{last}, 5, "c", []string{""}, false},
		"to the bound":   {[]answer{first, second, last}, 2, "a", []string{"", "t&1"}, false},
		"one is refused": {[]answer{first, refused}, 5, "a", []string{"", "t&1"}, true},
	} {
		p, a := person(t, tt.list...)
		var names string
		err := management.Pages(t.Context(), p, "/x", tt.most, func(d page) *string { return d.Next }, func(d page) { names += strings.Join(d.Names, "") })
		var tokens []string
		for _, r := range a.seen {
			tokens = append(tokens, r.URL.Query().Get("page_token"))
			if r.Method != http.MethodGet || r.URL.Query().Get("page_size") != "100" {
				t.Errorf("%s: %s %s", name, r.Method, r.URL)
			}
		}
		if names != tt.names || !reflect.DeepEqual(tokens, tt.tokens) || (err != nil) != tt.fails {
			t.Errorf("%s: %q by %q, %v", name, names, tokens, err)
		}
	}
}
