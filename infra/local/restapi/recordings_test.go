package restapi

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"latchkey/infra/local/recordings"
	"latchkey/infra/local/template"
	"latchkey/infra/local/wire"
)

// asked is the input of a recording of API Gateway: a request, what the function or the upstream answers.
type asked struct {
	API, Method, Target string
	Host                *string // nil: the API's default URL; empty: none
	Authority           string  // of a target in absolute form
	Headers             [][2]string
	Body                string
	Answer              json.RawMessage
	Error               string // the function fails
	UpstreamStatus      int    `json:"upstream_status"`
	HeadSize            int    `json:"head_size"`
	Refused             int    // the wire server couldn't hand it over, for this status
}

// answered holds what must come back. Each part that is there must hold.
type answered struct {
	Status          int
	Body            *string
	Headers         map[string][]string
	Begins          map[string]string // of headers
	Present, Absent []string
	Event           map[string]any // parts of the function's event
	EventHeaders    []string       `json:"event_headers"` // the names of all headers in it
	Upstream        *upstreamSaw
}

type upstreamSaw struct {
	Method, Body string
	Query        map[string][]string
	Headers      map[string]string
	Absent       []string // headers
}

func TestAPIGatewayAnswersAsRecorded(t *testing.T) {
	list, err := recordings.Of("apigateway")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		t.Run(r.Name, func(t *testing.T) {
			var in asked
			var want answered
			if err := r.Read(&in, &want); err != nil {
				t.Fatal(err)
			}
			in.walk(t, &want)
			if t.Failed() {
				t.Logf("%s: %s", r.Grade, r.Source)
			}
		})
	}
}

func (in *asked) walk(t *testing.T, want *answered) {
	t.Helper()
	var saw *upstreamSaw
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		saw = &upstreamSaw{Method: r.Method, Body: string(raw), Query: r.URL.Query(), Headers: map[string]string{}}
		for name := range r.Header {
			saw.Headers[name] = r.Header.Get(name)
		}
		w.Header()["Connection"] = []string{"keep-alive"}
		w.Header().Set("X-Amzn-Requestid", "the upstream's")
		if in.UpstreamStatus != 0 {
			w.WriteHeader(in.UpstreamStatus)
		}
		_, _ = io.WriteString(w, "{}")
	}))
	defer upstream.Close()
	a, f := recordedAPI(t, in.API, upstream.URL)
	switch {
	case in.Error != "":
		f.echo = failed(in.Error)
	case in.Answer != nil:
		f.echo = ok(string(in.Answer))
	}
	var resp wire.Response
	if in.Refused != 0 {
		resp = a.refuse(in.Refused)
	} else {
		resp = a.Serve(in.request(a))
	}
	if resp.Status != want.Status {
		t.Errorf("%d %s, want %d", resp.Status, resp.Body, want.Status)
	}
	if want.Body != nil && string(resp.Body) != *want.Body {
		t.Errorf("body %s, want %s", resp.Body, *want.Body)
	}
	got := http.Header{}
	for _, h := range resp.Headers {
		got.Add(h.Name, h.Value)
	}
	for name, values := range want.Headers {
		if !slices.Equal(got.Values(name), values) {
			t.Errorf("%s: %q, want %q", name, got.Values(name), values)
		}
	}
	for name, begin := range want.Begins {
		if !strings.HasPrefix(got.Get(name), begin) {
			t.Errorf("%s: %q, want %q and more", name, got.Get(name), begin)
		}
	}
	for _, name := range want.Present {
		if got.Get(name) == "" {
			t.Errorf("there is no %s in %v", name, got)
		}
	}
	for _, name := range want.Absent {
		if len(got.Values(name)) != 0 {
			t.Errorf("there is a %s", name)
		}
	}
	if want.Status >= 400 && in.Answer == nil && in.Error == "" && in.UpstreamStatus == 0 && (len(f.events["Echo"]) > 0 || saw != nil) {
		t.Error("a refused request reached its integration")
	}
	wantEvent(t, f.events["Echo"], want.Event)
	wantHeaders(t, f.events["Echo"], want.EventHeaders)
	wantUpstream(t, saw, want.Upstream)
}

func (in *asked) request(a *API) *wire.Request {
	host := a.ID + ".execute-api.us-east-1.amazonaws.com"
	if in.Host != nil {
		host = *in.Host
	}
	path, query, _ := strings.Cut(in.Target, "?")
	r := &wire.Request{Method: in.Method, Authority: in.Authority, Path: path, Query: query, RemoteIP: "127.0.0.1", Body: []byte(in.Body), HeadSize: in.HeadSize}
	if host != "" {
		r.Headers = append(r.Headers, wire.Field{Name: "Host", Value: host})
	}
	for _, h := range in.Headers {
		r.Headers = append(r.Headers, wire.Field{Name: h[0], Value: h[1]})
	}
	return r
}

func recordedAPI(t *testing.T, name, upstream string) (*API, *functions) {
	t.Helper()
	tpl, err := template.Load("testdata/recordings.yaml", map[string]string{"Upstream": upstream})
	if err != nil {
		t.Fatal(err)
	}
	list, err := tpl.Of("AWS::Serverless::Api")
	if err != nil {
		t.Fatal(err)
	}
	f := &functions{events: map[string][]string{}, echo: ok(`{"statusCode":200}`)}
	for _, r := range list {
		if r.ID == name {
			a, err := New(tpl, r, Options{Invoker: f})
			if err != nil {
				t.Fatal(err)
			}
			return a, f
		}
	}
	t.Fatalf("no API %s", name)
	return nil, nil
}

func wantEvent(t *testing.T, events []string, want map[string]any) {
	t.Helper()
	if want == nil {
		return
	}
	var got map[string]any
	if len(events) != 1 || json.Unmarshal([]byte(events[0]), &got) != nil {
		t.Fatalf("events %v", events)
	}
	contains(t, "event", got, want)
}

func wantHeaders(t *testing.T, events, want []string) {
	t.Helper()
	if want == nil {
		return
	}
	var got struct {
		Headers           map[string]string
		MultiValueHeaders map[string][]string
	}
	if len(events) != 1 || json.Unmarshal([]byte(events[0]), &got) != nil {
		t.Fatalf("events %v", events)
	}
	if names := sortedKeys(got.Headers); !slices.Equal(names, want) || len(got.MultiValueHeaders) != len(want) {
		t.Errorf("headers %q, want %q", names, want)
	}
}

// contains holds every member that is wanted against what is there.
func contains(t *testing.T, at string, got, want any) {
	t.Helper()
	w, isObject := want.(map[string]any)
	g, ok := got.(map[string]any)
	if !isObject || !ok {
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", at, got, want)
		}
		return
	}
	for name, v := range w {
		if _, ok := g[name]; !ok {
			t.Errorf("%s: there is no %s", at, name)
			continue
		}
		contains(t, at+"."+name, g[name], v)
	}
}

func wantUpstream(t *testing.T, saw, want *upstreamSaw) {
	t.Helper()
	switch {
	case want == nil:
		return
	case saw == nil:
		t.Error("the upstream wasn't called")
		return
	case saw.Method != want.Method, want.Body != "" && saw.Body != want.Body:
		t.Errorf("the upstream saw %s %q, want %s %q", saw.Method, saw.Body, want.Method, want.Body)
	}
	if want.Query != nil && !reflect.DeepEqual(saw.Query, want.Query) {
		t.Errorf("query %v, want %v", saw.Query, want.Query)
	}
	for name, v := range want.Headers {
		if saw.Headers[name] != v {
			t.Errorf("%s: %q, want %q", name, saw.Headers[name], v)
		}
	}
	for _, name := range want.Absent {
		if v, ok := saw.Headers[name]; ok {
			t.Errorf("the upstream saw %s: %q", name, v)
		}
	}
}

// A throttled stage answers 429 before anybody else is asked, and has its calls back as time passes.
func TestAStageLetsItsBurstThroughAndThenItsRate(t *testing.T) {
	a, f := apiOf(t, "      StageName: prod\n", "      StageName: prod\n      MethodSettings: [{ HttpMethod: '*', ResourcePath: '/*', ThrottlingRateLimit: 2, ThrottlingBurstLimit: 3 }]\n")
	statuses := func() (list []int) {
		for range 5 {
			list = append(list, a.Serve(get("/a/x", "X-Who", "me")).Status)
		}
		return list
	}
	if got := statuses(); !slices.Equal(got, []int{200, 200, 200, 429, 429}) || len(f.events["Gate"]) != 3 {
		t.Errorf("%v, and the authorizer was asked %d times", got, len(f.events["Gate"]))
	}
	a.bucket.last = a.bucket.last.Add(-1e9)
	if got := statuses(); !slices.Equal(got, []int{200, 200, 429, 429, 429}) {
		t.Errorf("a second later: %v", got)
	}
	a.bucket.last = a.bucket.last.Add(-3600e9)
	if got := statuses(); !slices.Equal(got, []int{200, 200, 200, 429, 429}) {
		t.Errorf("an hour later, in which nobody called: %v", got)
	}
	resp := a.Serve(get("/a/x", "X-Who", "me"))
	if string(resp.Body) != `{"message":"Too Many Requests"}` || header(resp, "x-amzn-ErrorType") != "TooManyRequestsException" {
		t.Errorf("%s %v", resp.Body, resp.Headers)
	}
	if resp := a.Serve(get("/none")); resp.Status != 403 {
		t.Errorf("a route that isn't there is throttled: %d", resp.Status)
	}
	a.bucket = nil
	if got := statuses(); slices.Contains(got, 429) {
		t.Errorf("without a throttle: %v", got)
	}
}

// What could be a secret in a path isn't in the line of the log, in whatever form it was sent.
func TestALineOfTheLogHasNoSecretOfAPath(t *testing.T) {
	const secret = "ak_0123456789abcdefghijklmnopqrstuvw"
	encoded := "%61%6b_0123456789abcdefghijklmnopqrstuvw"
	for _, path := range []string{"/a/" + secret, "/a/" + secret + "/x", "/a/x;k=" + secret, "/" + secret, "/a/" + encoded, "//" + secret + "/", "/a/" + url.PathEscape("é"+secret)} {
		a, _ := newAPI(t, nil)
		var line Line
		a.opts.Log = func(l Line) { line = l }
		a.Serve(get(path, "X-Who", "me"))
		if line.Method != "GET" || strings.Contains(line.Path+line.Detail+line.Code, secret[3:]) {
			t.Errorf("%s: %+v", path, line)
		}
	}
	if got := masked("/v1/accounts/acc_01M8GA2PVX1D2PH9XMMTNZ71YK/keys/x"); got != "/v1/accounts/acc_01M8GA2PVX1D2PH9XMMTNZ71YK/keys/x" {
		t.Errorf("an ID is masked: %s", got)
	}
}

func TestAClientsTraceIsTakenOverInItsFormAlone(t *testing.T) {
	const own = "Root=1-67891233-abcdef012345678912345678"
	for sent, taken := range map[string]bool{
		own: true, own + ";Sampled=1": true, own + ";Parent=secret;Sampled=secret;secret": true, "Self=secret;" + own: true,
		"Root=secret": false, "secret": false, "Root=1-67891233-abcdef0123456789": false, own + "0": false,
	} {
		a, f := newAPI(t, nil)
		got := header(a.Serve(get("/open", "X-Amzn-Trace-Id", sent)), "X-Amzn-Trace-Id")
		if strings.HasPrefix(got, own+";Parent=") != taken || strings.Contains(got+f.events["Echo"][0], "secret") {
			t.Errorf("%s: %s", sent, got)
		}
	}
}
