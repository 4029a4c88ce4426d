package e2e

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"
)

// gatewayHeaders are those that each of the products API's own refusals has, and no other, but for the changing ones.
func gatewayHeaders(kind string, more map[string]string) map[string]string {
	h := map[string]string{
		"Access-Control-Allow-Origin":   "*",
		"Access-Control-Expose-Headers": "Retry-After,X-Request-Id,RateLimit,RateLimit-Policy",
		"Cache-Control":                 "no-store",
		"Content-Type":                  "application/problem+json",
		"X-Amzn-Errortype":              kind,
		"Connection":                    "keep-alive",
	}
	if kind == "UnauthorizedException" {
		h["Www-Authenticate"] = `ApiKey realm="products"`
	}
	for name, v := range more {
		h[name] = v
	}
	return h
}

// exactly checks status, body and all headers of an answer.
func exactly(t testing.TB, what string, a answer, status int, body string, headers map[string]string) {
	t.Helper()
	if a.status != status || string(a.body) != body {
		t.Errorf("%s: got\n%d %s\nwant\n%d %s", what, a.status, a.body, status, body)
		return
	}
	var got, want []string
	for name, v := range a.header {
		if changing.MatchString(name) || name == "Content-Length" {
			if len(v) != 1 || v[0] == "" {
				t.Errorf("%s: %s: %q", what, name, v)
			}
			continue
		}
		got = append(got, name+": "+strings.Join(v, " | "))
	}
	for name, v := range headers {
		if v != "" {
			want = append(want, name+": "+v)
		}
	}
	sort.Strings(got)
	sort.Strings(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s: headers\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if headers["Content-Type"] == "application/json" {
		return // the template has no say in it
	}
	if a.header.Get("X-Request-Id") == "" || a.header.Get("X-Request-Id") != a.header.Get("X-Amz-Apigw-Id") {
		t.Errorf("%s: X-Request-Id %q, the gateway's own that nobody can choose %q", what, a.header.Get("X-Request-Id"), a.header.Get("X-Amz-Apigw-Id"))
	}
}

const unauthorizedBody = `{"type":"about:blank","title":"Unauthorized","status":401,"code":"unauthorized","error":"The API key is missing or not valid.","detail":"Send one API key, in the header X-Api-Key or the parameter key. The page of the key says what state it is in."}`

var unknownPathBody = `{"type":"about:blank","title":"Forbidden","status":403,"code":"unknown_path","error":"There is no product at this path.","detail":"` + details["unknown_path"] + `"}`

func forbiddenBody(code string) string {
	return `{"type":"about:blank","title":"Forbidden","status":403,"code":"` + code + `","error":"This API key may not make this call.","detail":"` + details[code] + `"}`
}

// details are the sentences of docs/reference/gate.md.
var details = func() map[string]string {
	page, err := os.ReadFile("../../docs/reference/gate.md")
	if err != nil {
		panic(err)
	}
	out := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (.+) \\|$").FindAllStringSubmatch(string(page), -1) {
		out[row[1]] = row[2]
	}
	return out
}()

// documented are the headers of an answer in the table of docs/reference/gate.md, by the gateway response.
func documented(t testing.TB, kind string) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/reference/gate.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| [^|]+ \\| [^|]+ \\| `" + kind + "` \\| (.+) \\|$").FindSubmatch(page)
	if row == nil {
		t.Fatalf("the page has no %s", kind)
	}
	var names []string
	for _, name := range strings.Split(string(row[1]), ", ") {
		names = append(names, http.CanonicalHeaderKey(strings.Trim(name, "`")))
	}
	return names
}

// asDocumented holds the headers of an answer to the reference page; the gateway's transport adds some of its own.
func asDocumented(t testing.TB, what, kind string, a answer) {
	t.Helper()
	var got []string
	for name := range a.header {
		if !regexp.MustCompile("^(X-Amz.*|Date|Connection|Content-Length)$").MatchString(name) {
			got = append(got, name)
		}
	}
	want := documented(t, kind)
	sort.Strings(got)
	sort.Strings(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s: headers %v, documented are %v", what, got, want)
	}
}

func TestEveryStatusOfTheGatewayHasItsExactBodyAndHeaders(t *testing.T) {
	s, account := shared, shared.newAccount(t, "owner")
	web := s.newKey(t, account, `{"name":"web","usage":"frontend","products":["map-display"],"domains":["example.com"]}`)
	header := s.newKey(t, account, `{"name":"server","usage":"backend","products":["map-display"],"header_only":true}`)
	from := func(origin string) http.Header { return http.Header{"Origin": {origin}} }
	for _, c := range []struct {
		what, path string
		header     http.Header
		status     int
		body, kind string
	}{
		{"no key", strings.TrimSuffix(tile, "&key="), nil, 401, unauthorizedBody, "UnauthorizedException"},
		{"an unknown key", tile + unknownSecret, from("https://example.com"), 401, unauthorizedBody, "UnauthorizedException"},
		{"product_not_allowed", "/search/2/search/berlin.json?key=" + web.secret, from("https://example.com"), 403, forbiddenBody("product_not_allowed"), "AccessDeniedException"},
		{"domain_not_allowed", tile + web.secret, from("https://evil.test"), 403, forbiddenBody("domain_not_allowed"), "AccessDeniedException"},
		{"origin_missing", tile + web.secret, nil, 403, forbiddenBody("origin_missing"), "AccessDeniedException"},
		{"path_not_canonical", "/map/%2e%2e/search/x.json?key=" + web.secret, from("https://example.com"), 403, forbiddenBody("path_not_canonical"), "AccessDeniedException"},
		{"key_not_in_header", tile + header.secret, nil, 403, forbiddenBody("key_not_in_header"), "AccessDeniedException"},
		{
			"an unknown path", "/nothing/here?key=" + web.secret, nil, 403,
			unknownPathBody, "MissingAuthenticationTokenException",
		},
		{
			"the root", "/", nil, 403,
			unknownPathBody, "MissingAuthenticationTokenException",
		},
		{
			"a product without a path", "/map?key=" + web.secret, nil, 403,
			unknownPathBody, "MissingAuthenticationTokenException",
		},
		{
			"a path of a stage", "/prod" + tile + web.secret, nil, 403,
			unknownPathBody, "MissingAuthenticationTokenException",
		},
	} {
		a := s.product(t, c.path, c.header)
		exactly(t, c.what, a, c.status, c.body, gatewayHeaders(c.kind, nil))
		asDocumented(t, c.what, map[string]string{
			"UnauthorizedException": "UNAUTHORIZED", "AccessDeniedException": "ACCESS_DENIED", "MissingAuthenticationTokenException": "MISSING_AUTHENTICATION_TOKEN",
		}[c.kind], a)
	}
	if a := s.product(t, strings.TrimSuffix(tile, "&key="), http.Header{"X-Api-Key": {header.secret}}); a.status != http.StatusOK {
		t.Errorf("a header-only key in the header: %d %s", a.status, a.body)
	}
}

func TestOverTheLimitIs429WithRetryAfterAndRateLimit(t *testing.T) {
	s := shared
	k := s.newKey(t, s.newAccount(t, "owner"), `{"name":"busy","usage":"backend","products":["search"]}`)
	var over answer
	for begin := time.Now(); over.status != http.StatusTooManyRequests; {
		if time.Since(begin) > 10*time.Second {
			t.Fatal("calls far over the limit of 5 a second are never refused")
		}
		over = s.product(t, "/search/2/search/berlin.json?key="+k.secret, nil)
		if over.status != http.StatusOK && over.status != http.StatusTooManyRequests {
			t.Fatalf("%d %s", over.status, over.body)
		}
	}
	wait := over.header.Get("Retry-After")
	if wait != "1" && wait != "2" {
		t.Errorf("Retry-After %q", wait)
	}
	exactly(t, "over the limit", over, 429,
		`{"type":"about:blank","title":"Too Many Requests","status":429,"code":"qps_exceeded","error":"Too many calls with this API key.","detail":"`+details["qps_exceeded"]+`"}`,
		gatewayHeaders("ForbiddenException", map[string]string{
			"Retry-After": wait, "Ratelimit": `"search";r=0;t=` + wait, "Ratelimit-Policy": `"search";q=5;w=1`,
		}))
	asDocumented(t, "over the limit", "INVALID_API_KEY", over)
}

func TestWhatTheUpstreamRefusesCarriesCORSToo(t *testing.T) {
	for path, want := range map[string]struct {
		status int
		code   string
	}{
		"/map/1/tile/basic/main/0/9/0.png": {400, "tile_out_of_range"},
		"/search/2/nothing":                {404, "path_unknown"},
	} {
		a := shared.product(t, path+"?key="+shared.DemoSecret, http.Header{"Origin": {"https://example.com"}})
		if a.status != want.status || a.json(t)["code"] != want.code || a.header.Get("Access-Control-Allow-Origin") != "*" ||
			a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %v %s", path, a.status, a.header, a.body)
		}
	}
}

func TestPreflightOfEveryProductIs204(t *testing.T) {
	for _, product := range []string{"map", "search", "routing", "traffic"} {
		a := raw(t, http.MethodOptions, shared.ProductsURL, "/"+product+"/x", http.Header{
			"Origin": {"https://example.com"}, "Access-Control-Request-Method": {"GET"}, "Access-Control-Request-Headers": {"x-api-key"},
		}, "")
		if a.status != http.StatusNoContent || len(a.body) > 0 {
			t.Errorf("%s: %d %s", product, a.status, a.body)
		}
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "GET", "Access-Control-Allow-Headers": "X-Api-Key", "Access-Control-Max-Age": "7200",
		} {
			if !strings.Contains(a.header.Get(name), want) {
				t.Errorf("%s: %s: %q", product, name, a.header.Get(name))
			}
		}
	}
}

// TestAPreflightWithAContentTypeIs415: with its status in the body, in the template's words.
func TestAPreflightWithAContentTypeIs415(t *testing.T) {
	a := raw(t, http.MethodOptions, shared.ProductsURL, "/map/x", http.Header{"Origin": {"https://example.com"}, "Content-Type": {"text/plain"}}, "")
	exactly(t, "text/plain", a, 415,
		`{"type":"about:blank","title":"Unsupported Media Type","status":415,"code":"content_type_unsupported","error":"A call without a body needs no Content-Type.","detail":"`+details["content_type_unsupported"]+`"}`,
		gatewayHeaders("UnsupportedMediaTypeException", nil))
	asDocumented(t, "text/plain", "UNSUPPORTED_MEDIA_TYPE", a)
}

func TestACredentialIsFoundInEachPlaceAndTwoAreRefused(t *testing.T) {
	k := shared.newKey(t, shared.newAccount(t, "owner"), `{"name":"places","usage":"backend","products":["map-display"]}`)
	other := shared.newKey(t, shared.newAccount(t, "owner"), `{"name":"places","usage":"backend","products":["map-display"]}`)
	const path = "/map/1/tile/basic/main/0/0/0.png?view=Unified"
	for _, c := range []struct {
		what, query string
		header      http.Header
		status      int
	}{
		{"?key=", "&key=" + k.secret, nil, 200},
		{"?api_key=", "&api_key=" + k.secret, nil, 200},
		{"?key= percent-encoded", "&key=" + strings.Replace(k.secret, "_", "%5F", 1), nil, 200},
		{"X-Api-Key", "", http.Header{"X-Api-Key": {k.secret}}, 200},
		{"x-api-key", "", http.Header{"x-api-key": {k.secret}}, 200},
		{"x-aPi-kEY", "", http.Header{"x-aPi-kEY": {k.secret}}, 200},
		{"both in the query", "&key=" + k.secret + "&api_key=" + k.secret, nil, 401},
		{"twice in the query", "&key=" + k.secret + "&key=" + k.secret, nil, 401},
		{"two keys in the query", "&key=" + k.secret + "&key=" + other.secret, nil, 401},
		{"query and header", "&key=" + k.secret, http.Header{"X-Api-Key": {k.secret}}, 401},
		{"api_key and header", "&api_key=" + k.secret, http.Header{"x-api-key": {other.secret}}, 401},
		{"twice in the header", "", http.Header{"X-Api-Key": {k.secret, k.secret}}, 401},
		{"in headers of two spellings", "", http.Header{"X-Api-Key": {k.secret}, "x-api-KEY": {k.secret}}, 401},
		{"a good and a bad one", "&key=" + k.secret + "&api_key=x", nil, 401},
		{"KEY", "&KEY=" + k.secret, nil, 401},
		{"with a blank", "&key=" + k.secret + "%20", nil, 401},
		{"in lower case", "&key=" + strings.ToLower(k.secret), nil, 401},
		{"as a bearer token", "", http.Header{"Authorization": {"Bearer " + k.secret}}, 401},
	} {
		if a := shared.product(t, path+c.query, c.header); a.status != c.status {
			t.Errorf("%s: got %d %.100s, want %d", c.what, a.status, a.body, c.status)
		}
	}
}

func TestAKeyOfAnotherDomainIsRefusedByRefererAloneAndOriginDecidesOverReferer(t *testing.T) {
	s, account := shared, shared.newAccount(t, "owner")
	strict := s.newKey(t, account, `{"name":"d","usage":"frontend","products":["map-display"],"domains":["example.com","*.example.org","https://bücher.example","http://localhost:3000"]}`)
	lax := s.newKey(t, account, `{"name":"l","usage":"frontend","products":["map-display"],"domains":["example.com"],"missing_origin":"allow"}`)
	open := s.newKey(t, account, `{"name":"o","usage":"frontend","products":["map-display"]}`)
	server := s.newKey(t, account, `{"name":"b","usage":"backend","products":["map-display"],"domains":["example.com"]}`)
	for _, c := range []struct {
		key                  key
		what, origin, refers string
		code                 string
	}{
		{strict, "a page that embeds tiles", "", "https://example.com/page?x=1", ""},
		{strict, "a page elsewhere that embeds tiles", "", "https://evil.test/page", "domain_not_allowed"},
		{strict, "a foreign Origin, our Referer", "https://evil.test", "https://example.com/", "domain_not_allowed"},
		{strict, "our Origin, a foreign Referer", "https://example.com", "https://evil.test/", ""},
		{strict, "Origin null, our Referer", "null", "https://example.com/", ""},
		{strict, "Origin null, a foreign Referer", "null", "https://evil.test/", "domain_not_allowed"},
		{strict, "Origin null alone", "null", "", "origin_missing"},
		{strict, "nothing", "", "", "origin_missing"},
		{strict, "any port", "https://example.com:8443", "", ""},
		{strict, "a subdomain of a name without a wildcard", "https://www.example.com", "", "domain_not_allowed"},
		{strict, "labels under a wildcard", "https://a.b.example.org", "", ""},
		{strict, "the apex of a wildcard", "https://example.org", "", "domain_not_allowed"},
		{strict, "a name that ends alike", "https://notexample.com", "", "domain_not_allowed"},
		{strict, "a name that begins alike", "https://example.com.evil.test", "", "domain_not_allowed"},
		{strict, "an international name", "https://xn--bcher-kva.example", "", ""},
		{strict, "the other scheme", "http://xn--bcher-kva.example", "", "domain_not_allowed"},
		{strict, "a written port", "http://localhost:3000", "", ""},
		{strict, "another port", "http://localhost:3001", "", "domain_not_allowed"},
		{strict, "an origin with a path", "https://example.com/", "", "domain_not_allowed"},
		{strict, "userinfo in a Referer", "", "https://example.com@evil.test/", "domain_not_allowed"},
		{strict, "an app's scheme", "capacitor://example.com", "", "domain_not_allowed"},
		{lax, "nothing, and allowed so", "", "", ""},
		{lax, "a foreign origin", "https://evil.test", "", "domain_not_allowed"},
		{open, "no list", "https://evil.test", "", ""},
		{open, "no list, no origin", "", "", ""},
		{server, "a server sends no origin", "", "", ""},
		{server, "a foreign origin", "https://evil.test", "", "domain_not_allowed"},
	} {
		h := http.Header{}
		if c.origin != "" {
			h["oRigin"] = []string{c.origin}
		}
		if c.refers != "" {
			h["Referer"] = []string{c.refers}
		}
		a := s.product(t, tile+c.key.secret, h)
		switch {
		case c.code == "" && a.status != http.StatusOK:
			t.Errorf("%s: %d %.120s", c.what, a.status, a.body)
		case c.code != "" && (a.status != http.StatusForbidden || string(a.body) != forbiddenBody(c.code)):
			t.Errorf("%s: got %d %.120s, want %s", c.what, a.status, a.body, c.code)
		}
		// What the console shows must be what the gate does.
		test := s.must(t, 200, "owner", "POST", c.key.path+"/test", testBody(c.origin, c.refers)).json(t)
		want := c.code
		if want == "" {
			want = "allowed"
		}
		if test["code"] != want || test["allowed"] != (c.code == "") {
			t.Errorf("%s: the test says %v, the gate %q", c.what, test, want)
		}
	}
}

func testBody(origin, referer string) string {
	quote := func(s string) string {
		if s == "" {
			return "null"
		}
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf(`{"origin":%s,"referer":%s,"path":"/map/1/tile/basic/main/0/0/0.png"}`, quote(origin), quote(referer))
}

func TestTheTestOfAKeySaysWhatTheGateWouldSay(t *testing.T) {
	s, account := shared, shared.newAccount(t, "owner")
	k := s.newKey(t, account, `{"name":"t","usage":"backend","products":["map-display"],"domains":["*.example.com"],"header_only":true}`)
	ask := func(body string) map[string]any {
		t.Helper()
		return s.must(t, 200, "owner", "POST", k.path+"/test", body).json(t)
	}
	for body, want := range map[string]string{
		`{"in_header":true,"origin":"https://a.example.com"}`:                                      "allowed *.example.com",
		`{"origin":"https://a.example.com"}`:                                                       "key_not_in_header header_only",
		`{"in_header":true,"origin":"https://example.com"}`:                                        "domain_not_allowed no_pattern",
		`{"in_header":true}`:                                                                       "allowed missing_allowed",
		`{"in_header":true,"path":"/search/2/search/x.json"}`:                                      "product_not_allowed search",
		`{"in_header":true,"path":"/map/%2e%2e/search/"}`:                                          "path_not_canonical path_not_canonical",
		`{"in_header":true,"path":"/map/1/tile/a/b/0/0/0.png","origin":"https://x.y.example.com"}`: "allowed *.example.com",
	} {
		v := ask(body)
		if got := fmt.Sprint(v["code"], " ", v["rule"]); got != want {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
	}
	soon := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	s.must(t, 200, "owner", "PATCH", k.path, `{"expires_at":"`+soon+`"}`, "If-Match", "*")
	later := time.Now().Add(2 * time.Hour).UTC().Format(time.RFC3339)
	if v := ask(`{"in_header":true,"at":"` + later + `"}`); v["code"] != "key_expired" {
		t.Errorf("after its expiry: %v", v)
	}
	s.must(t, 200, "owner", "POST", k.path+"/disable", `{}`)
	if v := ask(`{"in_header":true}`); v["code"] != "key_disabled" || v["allowed"] != false {
		t.Errorf("disabled: %v", v)
	}
}

func TestCallsAtOnceOfManySidesAreAllAnswered(t *testing.T) {
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 10 {
				if a := shared.product(t, tile+shared.DemoSecret, nil); a.status != http.StatusOK {
					t.Errorf("%d %.100s", a.status, a.body)
				}
			}
		})
	}
	wg.Wait()
}
