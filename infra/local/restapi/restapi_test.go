package restapi

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"latchkey/infra/local/environments"
	"latchkey/infra/local/template"
	"latchkey/infra/local/wire"
)

// functions stands in for the pool: answers by function, and the events they were called with.
type functions struct {
	gate, echo func(event string) environments.Result
	events     map[string][]string
}

func (f *functions) Call(_ context.Context, function string, payload []byte, _ string) (environments.Result, error) {
	f.events[function] = append(f.events[function], string(payload))
	if function == "Gate" {
		return f.gate(string(payload)), nil
	}
	return f.echo(string(payload)), nil
}

func ok(payload string) func(string) environments.Result {
	return func(string) environments.Result { return environments.Result{Payload: []byte(payload)} }
}

func failed(message string) func(string) environments.Result {
	return func(string) environments.Result {
		return environments.Result{Payload: []byte(`{"errorMessage":"` + message + `"}`), FunctionError: "Unhandled"}
	}
}

const allAllowed = `{"principalId":"p","usageIdentifierKey":"the-one-key","policyDocument":{"Version":"2012-10-17","Statement":` +
	`[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:us-east-1:000000000000:api/prod/*"}]},` +
	`"context":{"account":"acc","n":7,"yes":true}}`

func newAPI(t *testing.T, parameters map[string]string) (*API, *functions) {
	t.Helper()
	raw, err := os.ReadFile("testdata/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tpl, err := template.Parse(raw, ".", parameters)
	if err != nil {
		t.Fatal(err)
	}
	f := &functions{events: map[string][]string{}, gate: ok(allAllowed), echo: ok(`{"statusCode":200,"body":"hi"}`)}
	list, err := tpl.Of("AWS::Serverless::Api")
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(tpl, list[0], Options{Invoker: f})
	if err != nil {
		t.Fatal(err)
	}
	return a, f
}

func get(path string, headers ...string) *wire.Request { return request("GET", path, "", headers...) }

func request(method, target, body string, headers ...string) *wire.Request {
	path, query, _ := strings.Cut(target, "?")
	r := &wire.Request{Method: method, Path: path, Query: query, RemoteIP: "127.0.0.1", Body: []byte(body)}
	r.Headers = []wire.Field{{Name: "Host", Value: "127.0.0.1:8080"}}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Headers = append(r.Headers, wire.Field{Name: headers[i], Value: headers[i+1]})
	}
	return r
}

func header(r wire.Response, name string) string {
	for _, f := range r.Headers {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

func TestEachRefusalIsWordedAsAPIGatewayWordsIt(t *testing.T) {
	policy := func(statements string) string {
		return `{"principalId":"p","policyDocument":{"Statement":[` + statements + `]}}`
	}
	const allow = `{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"*"}`
	const deny = `{"Effect":"Deny","Action":"execute-api:Invoke","Resource":"*"}`
	for name, c := range map[string]struct {
		gate   func(string) environments.Result
		path   string
		who    string
		status int
		body   string
		kind   string
	}{
		"no identity":         {nil, "/a/x", "", 401, `{"message":"Unauthorized"}`, "UnauthorizedException"},
		"Unauthorized":        {failed("Unauthorized"), "/a/x", "me", 401, `{"message":"Unauthorized"}`, "UnauthorizedException"},
		"not exactly so":      {failed("unauthorized"), "/a/x", "me", 500, `{"five":null,"type":"AUTHORIZER_FAILURE"}`, "AuthorizerConfigurationException"},
		"explicit deny":       {ok(policy(allow + "," + deny)), "/a/x", "me", 403, `{"Message":"User is not authorized to access this resource with an explicit deny"}`, "AccessDeniedException"},
		"nothing allows":      {ok(policy("")), "/a/x", "me", 403, `{"Message":"User is not authorized to access this resource"}`, "AccessDeniedException"},
		"bad output":          {ok(`{"policyDocument":{}}`), "/a/x", "me", 500, `{"five":null,"type":"AUTHORIZER_CONFIGURATION_ERROR"}`, "AuthorizerConfigurationException"},
		"list in context":     {ok(strings.Replace(allAllowed, `"n":7`, `"n":[7]`, 1)), "/a/x", "me", 500, `{"five":null,"type":"AUTHORIZER_CONFIGURATION_ERROR"}`, "AuthorizerConfigurationException"},
		"long resource":       {ok(policy(strings.Replace(allow, `"*"`, `"`+strings.Repeat("a", 513)+`"`, 1))), "/a/x", "me", 500, `{"five":null,"type":"AUTHORIZER_CONFIGURATION_ERROR"}`, "AuthorizerConfigurationException"},
		"unknown path":        {nil, "/b", "me", 403, `{"message":"Missing Authentication Token"}`, "MissingAuthenticationTokenException"},
		"encoded path":        {nil, "/%61/x", "me", 403, `{"message":"Missing Authentication Token"}`, "MissingAuthenticationTokenException"},
		"empty rest":          {nil, "/a/", "me", 403, `{"message":"Missing Authentication Token"}`, "MissingAuthenticationTokenException"},
		"method ARN too long": {nil, "/a/" + strings.Repeat("x", 1600), "me", 414, `{"message":"Request-URI Too Long"}`, "BadRequestException"},
	} {
		t.Run(name, func(t *testing.T) {
			a, f := newAPI(t, nil)
			if c.gate != nil {
				f.gate = c.gate
			}
			r := get(c.path)
			if c.who != "" {
				r = get(c.path, "x-who", c.who)
			}
			resp := a.Serve(r)
			if resp.Status != c.status || string(resp.Body) != c.body || header(resp, "x-amzn-ErrorType") != c.kind {
				t.Fatalf("%d %s %s\nwant %d %s %s", resp.Status, resp.Body, header(resp, "x-amzn-ErrorType"), c.status, c.body, c.kind)
			}
			if len(f.events["Echo"]) != 0 {
				t.Fatal("the integration was called")
			}
		})
	}
}

func TestAUsageKeyThatMatchesNoneIsAnsweredByTheTemplate(t *testing.T) {
	for name, key := range map[string]string{"unknown": "none", "disabled": "disabled-key", "empty": ""} {
		t.Run(name, func(t *testing.T) {
			a, f := newAPI(t, nil)
			f.gate = ok(strings.NewReplacer("the-one-key", key, `"n":7`, `"n":7,"retryAfter":3,"code":"qps_exceeded"`).Replace(allAllowed))
			resp := a.Serve(get("/a/x", "X-Who", "me"))
			var body struct{ Code, ID, M string }
			if err := json.Unmarshal(resp.Body, &body); err != nil {
				t.Fatal(err)
			}
			if resp.Status != 429 || header(resp, "Retry-After") != "3" || header(resp, "X-Static") != "a b" ||
				header(resp, "Content-Type") != "application/problem+json" || body.Code != "qps_exceeded" || body.M != "Forbidden" ||
				body.ID != header(resp, "x-amzn-RequestId") {
				t.Fatalf("%d %v %s", resp.Status, resp.Headers, resp.Body)
			}
			for _, h := range resp.Headers {
				if h.Name == "X-Nothing" {
					t.Fatal("a header without a value was sent")
				}
			}
		})
	}
}

// TestAHeaderOfAResponseHasAValueOrIsNotThere: one that the context lacks, one that is empty in it, and one that would be two
// headers aren't sent.
func TestAHeaderOfAResponseHasAValueOrIsNotThere(t *testing.T) {
	for value, want := range map[string]string{`"x"`: "x", `7`: "7", `""`: "", `"a\r\nSet-Cookie: b"`: "", `"a\nb"`: "", `"a\rb"`: ""} {
		a, f := newAPI(t, nil)
		f.gate = ok(strings.NewReplacer("the-one-key", "none", `"n":7`, `"nothing":`+value).Replace(allAllowed))
		resp, sent := a.Serve(get("/a/x", "X-Who", "me")), []string{}
		for _, h := range resp.Headers {
			if h.Name == "X-Nothing" {
				sent = append(sent, h.Value)
			}
		}
		if resp.Status != 429 || strings.Join(sent, ";") != want || len(sent) != min(len(want), 1) {
			t.Errorf("%s: %d with %q, want %q", value, resp.Status, sent, want)
		}
	}
}

func TestTheAuthorizerSeesTheRequestAsItWasSent(t *testing.T) {
	a, f := newAPI(t, nil)
	a.Serve(get("/a/%2e%2e//x%2fy?b=1&b=2%20z&c", "x-wHo", "me", "Dup", "1", "dup", "2"))
	var e struct {
		Type, MethodArn, Resource, Path, HTTPMethod string
		Headers, QueryStringParameters              map[string]string
		MultiValueHeaders                           map[string][]string
		MultiValueQueryStringParameters             map[string][]string
		PathParameters                              map[string]string
		RequestContext                              struct{ ResourcePath, Stage, Path, APIID string }
	}
	if err := json.Unmarshal([]byte(f.events["Gate"][0]), &e); err != nil {
		t.Fatalf("%v in %s", err, f.events["Gate"][0])
	}
	if e.Type != "REQUEST" || e.Path != "/a/%2e%2e//x%2fy" || e.Resource != "/a/{proxy+}" || e.RequestContext.Stage != "prod" ||
		e.MethodArn != "arn:aws:execute-api:us-east-1:000000000000:api/prod/GET/a/%2e%2e//x%2fy" || e.RequestContext.ResourcePath != "/a/{proxy+}" {
		t.Errorf("%+v", e)
	}
	if e.Headers["x-wHo"] != "me" || e.Headers["Dup"] != "2" || len(e.MultiValueHeaders["Dup"]) != 2 {
		t.Errorf("headers %v %v", e.Headers, e.MultiValueHeaders)
	}
	if e.QueryStringParameters["b"] != "2 z" || len(e.MultiValueQueryStringParameters["b"]) != 2 || e.QueryStringParameters["c"] != "" {
		t.Errorf("query %v %v", e.QueryStringParameters, e.MultiValueQueryStringParameters)
	}
}

func TestTheContextReachesTheIntegrationAsStrings(t *testing.T) {
	a, f := newAPI(t, nil)
	if resp := a.Serve(get("/a/x", "X-Who", "me")); resp.Status != 200 || string(resp.Body) != "hi" {
		t.Fatalf("%d %s", resp.Status, resp.Body)
	}
	var e struct {
		RequestContext struct{ Authorizer map[string]any }
	}
	if err := json.Unmarshal([]byte(f.events["Echo"][0]), &e); err != nil {
		t.Fatal(err)
	}
	z := e.RequestContext.Authorizer
	if z["account"] != "acc" || z["n"] != "7" || z["yes"] != "true" || z["principalId"] != "p" {
		t.Fatalf("%v", z)
	}
}

func TestTheCacheAsksOncePerIdentityAndEvaluatesEachRequest(t *testing.T) {
	for name, c := range map[string]struct {
		ttl  string
		asks int
	}{"off": {"0", 3}, "on": {"60", 2}} {
		t.Run(name, func(t *testing.T) {
			a, f := newAPI(t, map[string]string{"Reauthorize": c.ttl})
			f.gate = ok(strings.Replace(allAllowed, "prod/*", "prod/GET/a/only", 1))
			for _, r := range []struct {
				who, path string
				status    int
			}{{"me", "/a/only", 200}, {"me", "/a/other", 403}, {"you", "/a/only", 200}} {
				if resp := a.Serve(get(r.path, "X-Who", r.who)); resp.Status != r.status {
					t.Errorf("%s %s: %d, want %d", r.who, r.path, resp.Status, r.status)
				}
			}
			if n := len(f.events["Gate"]); n != c.asks {
				t.Errorf("asked %d times, want %d", n, c.asks)
			}
		})
	}
}

func TestBodiesAreBytesOnlyAsBinaryMediaTypesAllow(t *testing.T) {
	a, f := newAPI(t, nil)
	for name, c := range map[string]struct{ accept, want string }{
		"Accept matches": {"image/png,*/*", "\x89P"}, "first entry doesn't": {"text/html,image/png", "iVA="}, "no Accept": {"", "iVA="},
	} {
		f.echo = ok(`{"statusCode":200,"isBase64Encoded":true,"body":"iVA="}`)
		if resp := a.Serve(get("/open", "Accept", c.accept)); string(resp.Body) != c.want {
			t.Errorf("%s: %q, want %q", name, resp.Body, c.want)
		}
	}
	for media, want := range map[string]string{
		"application/octet-stream": `"body":"AAE=","isBase64Encoded":true`, "text/plain": `"body":"\u0000\u0001","isBase64Encoded":false`,
	} {
		a.Serve(request("POST", "/open", "\x00\x01", "Content-Type", media))
		if e := f.events["Echo"]; !strings.Contains(e[len(e)-1], want) {
			t.Errorf("%s: %s, want %s", media, e[len(e)-1], want)
		}
	}
}

func TestAFunctionsAnswerIsPassedOnOrRefused(t *testing.T) {
	for name, c := range map[string]struct {
		echo   func(string) environments.Result
		status int
		body   string
	}{
		"no body":       {ok(`{"statusCode":"204"}`), 204, ""},
		"bad status":    {ok(`{"statusCode":"x"}`), 502, `{"five":"Internal server error","type":"BAD_GATEWAY"}`},
		"not an object": {ok(`"text"`), 502, `{"five":"Internal server error","type":"BAD_GATEWAY"}`},
		"list header":   {ok(`{"statusCode":200,"headers":{"a":["b"]}}`), 502, `{"five":"Internal server error","type":"BAD_GATEWAY"}`},
		"split header":  {ok(`{"statusCode":200,"headers":{"a":"b\r\nc: d"}}`), 502, `{"five":"Internal server error","type":"BAD_GATEWAY"}`},
		"error":         {failed("oh"), 502, `{"five":"Internal server error","type":"BAD_GATEWAY"}`},
	} {
		t.Run(name, func(t *testing.T) {
			a, f := newAPI(t, nil)
			f.echo = c.echo
			if resp := a.Serve(get("/open")); resp.Status != c.status || string(resp.Body) != c.body {
				t.Fatalf("%d %s", resp.Status, resp.Body)
			}
		})
	}
	a, f := newAPI(t, nil)
	f.echo = ok(`{"statusCode":401,"headers":{"WWW-Authenticate":"Bearer","X":1,"Set-Cookie":"single"},"multiValueHeaders":{"set-cookie":["a","b"]}}`)
	resp := a.Serve(get("/open"))
	cookies := 0
	for _, h := range resp.Headers {
		if strings.EqualFold(h.Name, "Set-Cookie") {
			cookies++
		}
	}
	if header(resp, "x-amzn-Remapped-WWW-Authenticate") != "Bearer" || header(resp, "X") != "1" || cookies != 3 {
		t.Fatalf("%v", resp.Headers)
	}
}

func TestPreflightIsOpenAndAMockNeedsTextHandlingUnderBinaryTypes(t *testing.T) {
	a, f := newAPI(t, nil)
	if resp := a.Serve(request("OPTIONS", "/a/x", "")); resp.Status != 204 || header(resp, "Access-Control-Allow-Origin") != "*" {
		t.Fatalf("%d %v", resp.Status, resp.Headers)
	}
	a.binary = []string{"*/*"}
	if resp := a.Serve(request("OPTIONS", "/a/x", "")); resp.Status != 500 {
		t.Fatalf("under */* without CONVERT_TO_TEXT: %d", resp.Status)
	}
	if len(f.events) != 0 {
		t.Fatal("a function was called")
	}
}

func TestTheUpstreamGetsThePathRawAndTheMappedHeaders(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var target, account, apiKey, body string
	srv := &httptest.Server{Listener: lis, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { //nolint:gosec // a test
		raw, _ := io.ReadAll(r.Body)
		target, account, apiKey, body = r.RequestURI, r.Header.Get("X-Account"), strings.Join(r.Header["X-Api-Key"], ","), string(raw)
		w.Header().Set("Www-Authenticate", "x")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "short")
	})}}
	srv.Start()
	defer srv.Close()
	a, _ := newAPI(t, map[string]string{"Upstream": srv.URL})
	resp := a.Serve(request("POST", "/up/%2e%2e//x?a=1&key=s", "in", "X-Who", "me", "x-api-key", "client's", "X-Account", "forged"))
	if resp.Status != http.StatusTeapot || string(resp.Body) != "short" || header(resp, "x-amzn-Remapped-Www-Authenticate") != "x" {
		t.Errorf("%d %s %v", resp.Status, resp.Body, resp.Headers)
	}
	if target != "/base/%2e%2e//x?a=1&key=s&key=removed" || account != "acc" || apiKey != "removed" || body != "in" {
		t.Errorf("target %q account %q key %q body %q", target, account, apiKey, body)
	}
	a, _ = newAPI(t, nil)
	if resp := a.Serve(get("/up/x", "X-Who", "me")); resp.Status != 504 {
		t.Errorf("an upstream that can't be reached: %d", resp.Status)
	}
}

func TestRoutesPreferLiteralsThenParametersThenTheNearestProxy(t *testing.T) {
	var root node
	for _, p := range []string{"/", "/v1/keys", "/v1/{id}", "/v1/{id}/sub", "/v1/{proxy+}", "/{all+}"} {
		if err := root.add(p, &resource{path: p, methods: map[string]*method{"GET": {}}}); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		"/": "/", "/v1/keys": "/v1/keys", "/v1/other": "/v1/{id}", "/v1/keys/sub": "/v1/{id}/sub", "/v1/keys/sub/x": "/v1/{proxy+}",
		"/v1/": "/{all+}", "/v1": "/{all+}", "/v1//sub": "/v1/{proxy+}", "/V1/keys": "/{all+}", "/v1/%6beys": "/v1/{id}",
	} {
		r, _ := root.match("GET", path)
		if r == nil || r.path != want {
			t.Errorf("%s: %v, want %s", path, r, want)
		}
	}
	if err := root.add("/v1/{other}/x", &resource{}); err == nil {
		t.Error("{other} beside {id} was taken")
	}
}

func TestAnExplicitDenyWinsAndWildcardsCrossSlashes(t *testing.T) {
	const arn = "arn:aws:execute-api:us-east-1:000000000000:api/prod/GET/a/b/c"
	for name, c := range map[string]struct {
		policy []statement
		want   verdict
	}{
		"nothing":        {nil, implicitDeny},
		"star crosses":   {[]statement{{Effect: "Allow", Action: oneOrMore{"execute-api:Invoke"}, Resource: oneOrMore{"arn:aws:execute-api:*:*:api/prod/*"}}}, allow},
		"question mark":  {[]statement{{Effect: "Allow", Action: oneOrMore{"EXECUTE-API:*"}, Resource: oneOrMore{strings.Replace(arn, "GET", "?ET", 1)}}}, allow},
		"other action":   {[]statement{{Effect: "Allow", Action: oneOrMore{"s3:*"}, Resource: oneOrMore{"*"}}}, implicitDeny},
		"other resource": {[]statement{{Effect: "Allow", Action: oneOrMore{"*"}, Resource: oneOrMore{arn + "d", "x"}}}, implicitDeny},
		"deny first":     {[]statement{{Effect: "Deny", Action: oneOrMore{"*"}, Resource: oneOrMore{"*c"}}, {Effect: "Allow", Action: oneOrMore{"*"}, Resource: oneOrMore{"*"}}}, explicitDeny},
		"deny last":      {[]statement{{Effect: "Allow", Action: oneOrMore{"*"}, Resource: oneOrMore{"*"}}, {Effect: "Deny", Action: oneOrMore{"*"}, Resource: oneOrMore{"*c"}}}, explicitDeny},
	} {
		if got := (&output{policy: c.policy}).evaluate(arn); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func FuzzParseOutput(f *testing.F) {
	f.Add([]byte(allAllowed))
	f.Add([]byte(`{"principalId":"","policyDocument":{"Statement":{"Effect":"Deny","Action":["a"],"Resource":""}},"context":{"a":null}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if o, err := parseOutput(raw); err == nil {
			o.evaluate("arn")
		}
	})
}

func FuzzAppendStringIsJSON(f *testing.F) {
	f.Add("a\"\\\x00\xff\u2028é\x7f")
	f.Fuzz(func(t *testing.T, s string) {
		var back string
		if err := json.Unmarshal(appendString(nil, s), &back); err != nil || back != strings.ToValidUTF8(s, "\ufffd") && len(back) == 0 && s != "" {
			t.Fatalf("%q: %v, %q", s, err, back)
		}
	})
}
