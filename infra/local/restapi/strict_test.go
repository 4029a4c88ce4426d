package restapi

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"latchkey/infra/local/environments"
	"latchkey/infra/local/template"
	"latchkey/infra/local/wire"
)

// What passes here and is refused by API Gateway would be met after a deployment. Each test names one rule that API
// Gateway has.

// Only the one message is 401: whatever else an authorizer fails with is its breakdown.
func TestOnlyTheErrorUnauthorizedIs401(t *testing.T) {
	one := func(payload string) func(string) environments.Result {
		return func(string) environments.Result {
			return environments.Result{Payload: []byte(payload), FunctionError: "Unhandled"}
		}
	}
	for payload, want := range map[string]int{
		`{"errorMessage":"Unauthorized"}`:                                 401,
		`{"errorMessage":"Unauthorized","errorType":"errorString"}`:       401,
		`{"errorMessage":"Unauthorized."}`:                                500,
		`{"errorMessage":"Unauthorized: no key"}`:                         500,
		`{"errorMessage":"Unauthorized "}`:                                500,
		`{"errorMessage":" Unauthorized"}`:                                500,
		`{"errorMessage":"Unauthorized\n"}`:                               500,
		`{"errorMessage":"UNAUTHORIZED"}`:                                 500,
		`{"errorMessage":"[401] Unauthorized"}`:                           500,
		`{"errorMessage":"UnauthorizedOperation: the role may not"}`:      500,
		`{"errorMessage":""}`:                                             500,
		`{"errorMessage":["Unauthorized"]}`:                               500,
		`{"message":"Unauthorized"}`:                                      500,
		`{"errorType":"Unauthorized"}`:                                    500,
		`"Unauthorized"`:                                                  500,
		`Unauthorized`:                                                    500,
		``:                                                                500,
		`{"errorMessage":"2026-11-28 Task timed out after 3.00 seconds"}`: 500,
	} {
		a, f := newAPI(t, nil)
		f.gate = one(payload)
		if resp := a.Serve(get("/a/x", "X-Who", "me")); resp.Status != want || len(f.events["Echo"]) != 0 {
			t.Errorf("%s: %d, want %d", payload, resp.Status, want)
		}
	}
	// An answer isn't an error, whatever it says.
	a, f := newAPI(t, nil)
	f.gate = ok(`"Unauthorized"`)
	if resp := a.Serve(get("/a/x", "X-Who", "me")); resp.Status != 500 {
		t.Errorf("the answer Unauthorized: %d", resp.Status)
	}
}

func TestAnAuthorizersAnswerIsTakenWholeOrNotAtAll(t *testing.T) {
	swap := func(old, new string) string {
		out := strings.Replace(allAllowed, old, new, 1)
		if out == allAllowed {
			t.Fatalf("nothing to replace: %s", old)
		}
		return out
	}
	const resource = `"Resource":"arn:aws:execute-api:us-east-1:000000000000:api/prod/*"`
	for name, answer := range map[string]string{
		"nothing": "", "null": "null", "a list": "[]", "half": allAllowed[:40],
		"no principal":     swap(`"principalId":"p",`, ""),
		"null principal":   swap(`"principalId":"p"`, `"principalId":null`),
		"number principal": swap(`"principalId":"p"`, `"principalId":7`),
		"no policy":        `{"principalId":"p"}`,
		"null policy":      `{"principalId":"p","policyDocument":null}`,
		"small effect":     swap(`"Effect":"Allow"`, `"Effect":"allow"`),
		"no effect":        swap(`"Effect":"Allow",`, ""),
		"no action":        swap(`"Action":"execute-api:Invoke",`, ""),
		"no action listed": swap(`"Action":"execute-api:Invoke"`, `"Action":[]`),
		"NotAction":        swap(`"Action":"execute-api:Invoke"`, `"Action":"execute-api:Invoke","NotAction":"x"`),
		"no resource":      swap(resource, `"Resource":[]`),
		"NotResource":      swap(resource, resource+`,"NotResource":"x"`),
		"a condition":      swap(resource, resource+`,"Condition":{"StringEquals":{"a":"b"}}`),
		"PrincipalId":      swap(`"principalId"`, `"PrincipalId"`),
		"policydocument":   swap(`"policyDocument"`, `"policydocument"`),
		"null context":     swap(`"n":7`, `"n":null`),
		"object context":   swap(`"n":7`, `"n":{"a":1}`),
		"list context":     swap(`"n":7`, `"n":[]`),
		"context a list":   swap(`"context":{"account":"acc","n":7,"yes":true}`, `"context":[1]`),
		"number key":       swap(`"usageIdentifierKey":"the-one-key"`, `"usageIdentifierKey":7`),
	} {
		a, f := newAPI(t, nil)
		f.gate = ok(answer)
		resp := a.Serve(get("/a/x", "X-Who", "me"))
		if resp.Status != 500 || header(resp, "x-amzn-ErrorType") != "AuthorizerConfigurationException" || len(f.events["Echo"]) != 0 {
			t.Errorf("%s: %d %s", name, resp.Status, header(resp, "x-amzn-ErrorType"))
		}
	}
}

func TestAPolicyAllowsWhatItNames(t *testing.T) {
	const stage = "arn:aws:execute-api:us-east-1:000000000000:api/prod"
	for name, c := range map[string]struct {
		statements string
		status     int
	}{
		"the stage":              {`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"` + stage + `/*"}`, 200},
		"the action in any case": {`{"Effect":"Allow","Action":"Execute-API:invoke","Resource":"` + stage + `/*"}`, 200},
		"any action":             {`{"Effect":"Allow","Action":"execute-api:*","Resource":"` + stage + `/*"}`, 200},
		"one of several":         {`{"Effect":"Allow","Action":["x","execute-api:Invoke"],"Resource":["x","` + stage + `/*"]}`, 200},
		"exactly this":           {`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"` + stage + `/GET/a/x"}`, 200},
		"another action":         {`{"Effect":"Allow","Action":"execute-api:ManageConnections","Resource":"*"}`, 403},
		"another stage":          {`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"` + strings.Replace(stage, "prod", "test", 1) + `/*"}`, 403},
		"another method":         {`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"` + stage + `/POST/*"}`, 403},
		"another case":           {`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"` + stage + `/GET/A/x"}`, 403},
		"its beginning":          {`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"` + stage + `/GET/a"}`, 403},
		"an allow before a deny": {`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"*"},{"Effect":"Deny","Action":"execute-api:Invoke","Resource":"*/a/x"}`, 403},
		"a deny before an allow": {`{"Effect":"Deny","Action":"execute-api:Invoke","Resource":"*/a/x"},{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"*"}`, 403},
		"a deny of another":      {`{"Effect":"Deny","Action":"execute-api:Invoke","Resource":"*/a/y"},{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"*"}`, 200},
	} {
		a, f := newAPI(t, nil)
		f.gate = ok(`{"principalId":"p","usageIdentifierKey":"the-one-key","policyDocument":{"Statement":[` + c.statements + `]}}`)
		if resp := a.Serve(get("/a/x", "X-Who", "me")); resp.Status != c.status {
			t.Errorf("%s: %d, want %d", name, resp.Status, c.status)
		}
	}
}

// Spelled in another case, the key and the context are members that API Gateway doesn't know.
func TestAnAuthorizersMembersAreSpelledExactly(t *testing.T) {
	for name, swap := range map[string][2]string{
		"the key":     {`"usageIdentifierKey"`, `"UsageIdentifierKey"`},
		"the context": {`"context":`, `"Context":`},
	} {
		a, f := newAPI(t, nil)
		f.gate = ok(strings.Replace(allAllowed, swap[0], swap[1], 1))
		resp := a.Serve(get("/a/x", "X-Who", "me"))
		if name == "the key" && resp.Status != 429 {
			t.Errorf("%s in another case: %d", name, resp.Status)
		}
		if len(f.events["Echo"]) > 0 && strings.Contains(f.events["Echo"][0], `"account":"acc"`) {
			t.Errorf("%s in another case is read: %s", name, f.events["Echo"][0])
		}
	}
}

// What comes behind a body in chunks is no header.
func TestATrailerIsNoHeader(t *testing.T) {
	a, f := newAPI(t, nil)
	r := get("/a/x")
	r.Trailers = []wire.Field{{Name: "X-Who", Value: "me"}}
	if resp := a.Serve(r); resp.Status != 401 || len(f.events) != 0 {
		t.Errorf("an identity behind the body: %d", resp.Status)
	}
	r = get("/a/x", "X-Who", "me")
	r.Trailers = []wire.Field{{Name: "X-Amzn-RequestId", Value: "chosen"}, {Name: "User-Agent", Value: "chosen"}}
	if resp := a.Serve(r); resp.Status != 200 || header(resp, "x-amzn-RequestId") == "chosen" || strings.Contains(f.events["Echo"][0], "chosen") {
		t.Errorf("a request ID behind the body: %d %v", resp.Status, resp.Headers)
	}
}

// With ApiKeySourceType AUTHORIZER the key is the authorizer's word alone.
func TestACallersHeaderIsNoUsagePlanKey(t *testing.T) {
	a, f := newAPI(t, nil)
	f.gate = ok(strings.Replace(allAllowed, `"usageIdentifierKey":"the-one-key",`, "", 1))
	if resp := a.Serve(get("/a/x", "X-Who", "me", "X-Api-Key", "the-one-key")); resp.Status != 429 || len(f.events["Echo"]) != 0 {
		t.Errorf("without the authorizer's key: %d", resp.Status)
	}
	f.gate = ok(allAllowed)
	if resp := a.Serve(get("/a/x", "X-Who", "me", "X-Api-Key", "none")); resp.Status != 200 {
		t.Errorf("with it: %d", resp.Status)
	}
}

func TestTheBoundsAreThoseOfAPIGateway(t *testing.T) {
	for name, pair := range map[string][2]int{
		"head": {maxHead, 10240}, "method ARN": {maxARN, 1600}, "resource of a policy": {maxResource, 512}, "payload": {maxPayload, 10 << 20},
		"seconds": {int(maxWait / time.Second), 29},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %d, want %d", name, pair[0], pair[1])
		}
	}
	const before = len("arn:aws:execute-api:us-east-1:000000000000:api/prod/GET/a/")
	a, f := newAPI(t, nil)
	f.gate = ok(strings.Replace(allAllowed, "arn:aws:execute-api:us-east-1:000000000000:api/prod/*", "*", 1))
	for length, want := range map[int]int{1600: 200, 1601: 414} {
		if resp := a.Serve(get("/a/"+strings.Repeat("x", length-before), "X-Who", "me")); resp.Status != want {
			t.Errorf("an ARN of %d: %d, want %d", length, resp.Status, want)
		}
	}
	for size, want := range map[int]int{10240: 200, 10241: 431} {
		r := get("/a/x", "X-Who", "me")
		r.HeadSize = size
		if resp := a.Serve(r); resp.Status != want {
			t.Errorf("a head of %d: %d, want %d", size, resp.Status, want)
		}
	}
	for length, want := range map[int]int{512: 403, 513: 500} {
		f.gate = ok(strings.Replace(allAllowed, "arn:aws:execute-api:us-east-1:000000000000:api/prod/*", strings.Repeat("a", length), 1))
		if resp := a.Serve(get("/a/x", "X-Who", "me")); resp.Status != want {
			t.Errorf("a resource of %d: %d, want %d", length, resp.Status, want)
		}
	}
	// No response of the template words these, and they have their status in the status line alone.
	a.responses["DEFAULT_4XX"] = &gatewayResponse{hasBody: true, body: "customised", mediaType: "text/plain"}
	a.responses[requestTooLarge] = a.responses["DEFAULT_4XX"]
	long := get("/a/x", "X-Who", "me")
	long.HeadSize = 10241
	for body, resp := range map[string]wire.Response{
		`{"message":"Request Header Fields Too Large"}`: a.Serve(long), `{"message":"Request Too Long"}`: a.refuse(413), `{"message":"Bad Request"}`: a.refuse(400),
	} {
		if string(resp.Body) != body || header(resp, "Content-Type") != "application/json" {
			t.Errorf("%d %s %s, want %s", resp.Status, header(resp, "Content-Type"), resp.Body, body)
		}
	}
	if resp := a.refuse(413); resp.Status != 413 || header(resp, "x-amzn-ErrorType") != "RequestTooLargeException" {
		t.Errorf("a body that is too large: %d %s", resp.Status, header(resp, "x-amzn-ErrorType"))
	}
}

func TestAMethodThatARouteLacksIsNoRoute(t *testing.T) {
	for _, method := range []string{"PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"} {
		a, f := newAPI(t, nil)
		if resp := a.Serve(request(method, "/open", "")); resp.Status != 403 || header(resp, "x-amzn-ErrorType") != "MissingAuthenticationTokenException" || len(f.events) != 0 {
			t.Errorf("%s: %d", method, resp.Status)
		}
	}
}

// The answer of a function is what the proxy format allows, or 502.
func TestAnAnswerThatBreaksTheFormatIs502(t *testing.T) {
	for _, answer := range []string{
		"", "[]", `7`, `{"statusCode":99}`, `{"statusCode":""}`, `{"statusCode":true}`, `{"statusCode":"200 "}`, `{"statusCode":"+200x"}`, `{"statusCode":600}`, `{"statusCode":2e2}`, `{"statusCode":"200 OK"}`, `{"statusCode":[200]}`,
		`{"statusCode":200,"body":{"a":1}}`, `{"statusCode":200,"body":7}`, `{"statusCode":200,"headers":[]}`, `{"statusCode":200,"headers":{"a":{}}}`,
		`{"statusCode":200,"multiValueHeaders":{"a":"b"}}`, `{"statusCode":200,"isBase64Encoded":"yes"}`, `{"statusCode":200,"headers":{"":"b"}}`,
		`{"statusCode":200,"headers":{"a\r\nb":"c"}}`, `{"statusCode":200,"multiValueHeaders":{"a":["b\nc"]}}`, `{"statusCode":200,"body":"x"`,
		`{"statusCode":200,"headers":{"a b":"c"}}`, `{"statusCode":200,"headers":{"a:b":"c"}}`, `{"statusCode":200,"headers":{"é":"c"}}`, `{"statusCode":200,"headers":{"a":"b\u0001"}}`,
		`{"statusCode":200,"headers":{"a":"b\u007f"}}`, `{"statusCode":200,"multiValueHeaders":{"a\tb":["c"]}}`,
	} {
		a, f := newAPI(t, nil)
		f.echo = ok(answer)
		if resp := a.Serve(get("/open")); resp.Status != 502 {
			t.Errorf("%s: %d", answer, resp.Status)
		}
	}
	a, f := newAPI(t, nil)
	f.echo = ok(`{"statusCode":200,"isBase64Encoded":true,"body":"not base64"}`)
	if resp := a.Serve(get("/open", "Accept", "image/png")); resp.Status != 500 {
		t.Errorf("bytes that are none: %d", resp.Status)
	}
	// Bytes are decoded for everyone who asks first for a binary type, and come as their text otherwise.
	f.echo = ok(`{"statusCode":200,"isBase64Encoded":true,"body":"aGk="}`)
	for accept, want := range map[string]string{"image/png": "hi", "image/png,text/html": "hi", "text/html,image/png": "aGk=", "": "aGk=", "*/*": "aGk="} {
		if resp := a.Serve(get("/open", "Accept", accept)); string(resp.Body) != want {
			t.Errorf("Accept %s: %q, want %q", accept, resp.Body, want)
		}
	}
}

func TestAFunctionThatTakesTooMuchOrTooLong(t *testing.T) {
	for status, err := range map[int]error{504: context.DeadlineExceeded, 413: environments.ErrTooLarge, 500: environments.ErrClosed} {
		a, _ := newAPI(t, nil)
		a.opts.Invoker = failing{err}
		if resp := a.Serve(get("/open")); resp.Status != status {
			t.Errorf("%v: %d, want %d", err, resp.Status, status)
		}
		if resp := a.Serve(get("/a/x", "X-Who", "me")); resp.Status != 500 || header(resp, "x-amzn-ErrorType") != "AuthorizerConfigurationException" {
			t.Errorf("%v of an authorizer: %d", err, resp.Status)
		}
	}
}

type failing struct{ err error }

func (f failing) Call(context.Context, string, []byte, string) (environments.Result, error) {
	return environments.Result{}, f.err
}

// A template that API Gateway would refuse, or that would mean something else there, doesn't start.
func TestATemplateThatAPIGatewayRefusesDoesNotStart(t *testing.T) {
	raw, err := os.ReadFile("testdata/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, swap := range map[string][2]string{
		"caching without identity": {"ReauthorizeEvery: !Ref Reauthorize, Headers: [X-Who]", "ReauthorizeEvery: 60"},
		"a TTL above an hour":      {"ReauthorizeEvery: !Ref Reauthorize", "ReauthorizeEvery: 3601"},
		"no such function":         {"${Gate.Arn}:live", "${Gone.Arn}:live"},
		"no such authorizer":       {"DefaultAuthorizer: Gate", "DefaultAuthorizer: Gone"},
		"two parameters":           {"          /open:\n", "          /{one}/x: { get: &g { x-amazon-apigateway-integration: { type: mock, requestTemplates: { application/json: '{\"statusCode\": 204}' } } } }\n          /{two}/y: { get: *g }\n          /open:\n"},
	} {
		text := strings.Replace(string(raw), swap[0], swap[1], 1)
		if text == string(raw) {
			t.Fatalf("%s: nothing to replace", name)
		}
		err := func() error {
			tpl, err := template.Parse([]byte(text), ".", nil)
			if err != nil {
				return err
			}
			list, err := tpl.Of("AWS::Serverless::Api")
			if err != nil {
				return err
			}
			_, err = New(tpl, list[0], Options{Invoker: failing{}})
			return err
		}()
		if err == nil {
			t.Errorf("%s: it starts", name)
		}
	}
}

// apiOf reads the test's template with one text in another's place.
func apiOf(t *testing.T, before, after string) (*API, *functions) {
	t.Helper()
	raw, err := os.ReadFile("testdata/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(raw), before, after, 1)
	if text == string(raw) {
		t.Fatalf("nothing to replace: %s", before)
	}
	tpl, err := template.Parse([]byte(text), ".", nil)
	if err != nil {
		t.Fatal(err)
	}
	list, err := tpl.Of("AWS::Serverless::Api")
	if err != nil {
		t.Fatal(err)
	}
	f := &functions{events: map[string][]string{}, gate: ok(allAllowed), echo: ok(`{"statusCode":200}`)}
	a, err := New(tpl, list[0], Options{Invoker: f})
	if err != nil {
		t.Fatal(err)
	}
	return a, f
}

// The single-value maps hold the last value, and so do identity sources.
func TestTheLastValueIsTheIdentity(t *testing.T) {
	for query, want := range map[string]int{"who=me": 200, "who=&who=me": 200, "who=me&who=": 401, "who=": 401, "": 401, "WHO=me": 401} {
		a, f := apiOf(t, "Headers: [X-Who]", "QueryStrings: [who]")
		resp := a.Serve(get("/a/x?" + query))
		if resp.Status != want || (len(f.events["Gate"]) == 1) != (want == 200) {
			t.Errorf("?%s: %d, want %d; asked %d times", query, resp.Status, want, len(f.events["Gate"]))
		}
	}
}

func TestNoIntegrationIsWaitedForLongerThan29Seconds(t *testing.T) {
	for setting, want := range map[string]time.Duration{"": 29 * time.Second, ", timeoutInMillis: 5000": 5 * time.Second, ", timeoutInMillis: 60000": 29 * time.Second} {
		a, _ := apiOf(t, "httpMethod: POST, uri", "httpMethod: POST"+setting+",  uri")
		r, _ := a.root.match("GET", "/a/x")
		if got := r.methods["ANY"].integration.timeout; got != want {
			t.Errorf("%q: %v, want %v", setting, got, want)
		}
	}
}
