package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What the gateway says itself where the products API has no words of its own for a case: DEFAULT_4XX and DEFAULT_5XX.
func badRequestBody(says string) string {
	return `{"type":"about:blank","title":"Bad Request","code":"bad_request","error":"` + says + `"}`
}

func serverErrorBody(says string) string {
	return `{"type":"about:blank","title":"Server Error","code":"server_error","error":"` + says + `"}`
}

func gatewayTimeoutBody(says string) string {
	return `{"type":"about:blank","title":"Gateway Timeout","status":504,"code":"server_error","error":"` + says + `"}`
}

// wired sends bytes as they are, for what no HTTP client would send, and reads one answer.
func wired(t testing.TB, base, request string) answer {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	return received(t, res)
}

// untemplated are body and headers of what API Gateway answers before any gateway response of the template applies.
func untemplated(message, kind string, more map[string]string) (body string, headers map[string]string) {
	headers = map[string]string{"Content-Type": "application/json", "X-Amzn-Errortype": kind, "Connection": "keep-alive"}
	maps.Copy(headers, more)
	return `{"message":"` + message + `"}`, headers
}

// TestARequestThatTheGatewayCantTakeIsRefused: in DEFAULT_4XX with CORS once there is an API that it is for.
func TestARequestThatTheGatewayCantTakeIsRefused(t *testing.T) {
	path := strings.TrimSuffix(tile, "&key=")
	for _, c := range []struct {
		what, request string
		status        int
		says, kind    string
		closes        bool // what was never understood ends the connection
	}{
		{"no HTTP", "GET " + path + "\r\n\r\n", 400, "Bad Request", "BadRequestException", true},
		{"a header without a name", "GET " + path + " HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n", 400, "Bad Request", "BadRequestException", true},
		{"two lengths", "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400, "Bad Request", "BadRequestException", true},
		{"a body above 10 MB", "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 10485761\r\n\r\n", 413, "Request Too Long", "RequestTooLargeException", true},
		{"a path that makes no ARN", "GET /map/" + strings.Repeat("x", 1600) + " HTTP/1.1\r\nHost: x\r\n\r\n", 414, "Request-URI Too Long", "BadRequestException", false},
		{"headers above 10 KB", "GET " + path + " HTTP/1.1\r\nHost: x\r\nX-Long: " + strings.Repeat("x", 10240) + "\r\n\r\n", 431, "Request Header Fields Too Large", "BadRequestException", false},
		{"headers above what is read", "GET " + path + " HTTP/1.1\r\nHost: x\r\nX-Long: " + strings.Repeat("x", 65<<10) + "\r\n\r\n", 431, "Request Header Fields Too Large", "BadRequestException", true},
	} {
		body, headers := badRequestBody(c.says), gatewayHeaders(c.kind, nil)
		if c.status != 414 {
			body, headers = untemplated(c.says, c.kind, nil)
		}
		if c.closes {
			headers["Connection"] = "" // taken out by the reader
		}
		exactly(t, c.what, wired(t, shared.ProductsURL, c.request), c.status, body, headers)
	}
}

// TestWithOtherParameters is one stack for two of the template's parameters, since starting one is what takes the time.
func TestWithOtherParameters(t *testing.T) {
	t.Parallel()
	const timeout = "hold/on"
	gone := make(chan struct{})
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, timeout):
			select {
			case <-r.Context().Done():
			case <-gone:
			}
		case strings.Contains(r.URL.Path, "hang/up"):
			panic(http.ErrAbortHandler)
		case strings.Contains(r.URL.Path, "too/much"):
			_, _ = w.Write(bytes.Repeat([]byte("x"), 10<<20+1))
		}
	}))
	defer up.Close()
	defer close(gone)
	s, err := start(filepath.Join(t.TempDir(), "data"), "LATCHKEY_PARAM_UpstreamUrl="+up.URL, "LATCHKEY_PARAM_OverLimitStatus=403")
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	k := s.newKey(t, s.newAccount(t, "owner"), `{"name":"busy","usage":"backend","products":["map-display","search"]}`)
	call := func(path string) answer { return s.product(t, path+"?key="+k.secret, nil) }

	t.Run("over the limit is 403 without Retry-After when OverLimitStatus says so", func(t *testing.T) { overLimit403(t, call) })
	t.Run("an upstream that fails is 504 with CORS", func(t *testing.T) {
		network := gatewayTimeoutBody("Network error communicating with endpoint")
		failure := gatewayHeaders("InternalServerErrorException", nil)
		exactly(t, "an upstream that hangs up", call("/map/hang/up"), 504, network, failure)
		exactly(t, "an upstream that says more than 10 MB", call("/map/too/much"), 504, network, failure)
		if deep() { // 29 s
			exactly(t, "an upstream that never answers", call("/map/"+timeout), 504, gatewayTimeoutBody("Endpoint request timed out"), failure)
		}
		up.Listener.Close()
		up.CloseClientConnections()
		exactly(t, "an upstream that isn't there", call("/map/1/x"), 504, network, failure)
	})
}

func overLimit403(t *testing.T, call func(path string) answer) {
	var over answer
	for begin := time.Now(); over.status != http.StatusForbidden; {
		if time.Since(begin) > 10*time.Second {
			t.Fatal("calls far over the limit of 5 a second are never refused")
		}
		over = call("/search/2/search/berlin.json")
		if over.status != http.StatusOK && over.status != http.StatusForbidden {
			t.Fatalf("%d %s", over.status, over.body)
		}
	}
	exactly(t, "over the limit", over, 403, forbiddenBody("qps_exceeded"), gatewayHeaders("AccessDeniedException", nil))
}

// TestAFunctionThatIsBrokenIsAnsweredByTheTemplate runs the template with other code in two of its functions: the gate and
// the demo fail in each way that Lambda knows, which the real ones take care not to.
func TestAFunctionThatIsBrokenIsAnsweredByTheTemplate(t *testing.T) {
	t.Parallel()
	s, err := startIn(withFunctions(t, "Authorizer", "DemoFunction"), filepath.Join(t.TempDir(), "data"), "LATCHKEY_SEED=off")
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	unavailable := gatewayHeaders("AuthorizerConfigurationException", map[string]string{"Retry-After": "1"})
	for _, how := range []string{
		"gate-raises", "gate-exits", "gate-hangs", "gate-nearly-unauthorized", // AUTHORIZER_FAILURE
		"gate-garbage", "gate-nothing", "gate-lists", "gate-long-resource", // AUTHORIZER_CONFIGURATION_ERROR
	} {
		exactly(t, how, s.product(t, "/map/"+how, nil), 503, unavailableBody, unavailable)
	}
	exactly(t, "gate-unauthorized", s.product(t, "/map/gate-unauthorized", nil), 401, unauthorizedBody, gatewayHeaders("UnauthorizedException", nil))
	failure := gatewayHeaders("InternalServerErrorException", nil)
	for _, how := range []string{"demo-raises", "demo-exits", "demo-garbage", "demo-no-status"} {
		exactly(t, how, s.product(t, "/map/"+how, nil), 502, serverErrorBody("Internal server error"), failure)
	}
	big := raw(t, "POST", s.ProductsURL, "/map/demo-fine", nil, strings.Repeat("x", 6<<20))
	tooLong, plain := untemplated("Request Too Long", "RequestTooLargeException", nil)
	exactly(t, "more than a function can be given", big, 413, tooLong, plain)
	if a := s.product(t, "/map/demo-fine", nil); a.status != 200 || string(a.body) != "fine" {
		t.Errorf("after all that: %d %s", a.status, a.body)
	}
}

// withFunctions is a repository for a runner in which this test binary replaces functions; all else is as it is.
func withFunctions(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	link := func(from, to string) {
		if err := os.Symlink(from, to); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		folder := filepath.Join(dir, ".build", name)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		link(self, filepath.Join(folder, "bootstrap"))
	}
	for _, from := range []string{root, filepath.Join(root, ".build")} {
		list, err := os.ReadDir(from)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			to := filepath.Join(dir, strings.TrimPrefix(from, root), e.Name())
			if e.Name() != ".git" {
				link(filepath.Join(from, e.Name()), to)
			}
		}
	}
	return dir
}

// brokenFunction runs this binary as a function: it does as the third part of the call's path says.
func brokenFunction(api string) {
	base := "http://" + api + "/2018-06-01/runtime/invocation/"
	for {
		res, err := http.Get(base + "next")
		if err != nil {
			return
		}
		var event struct {
			Path, MethodArn string
		}
		err = decode(res.Body, &event)
		_ = res.Body.Close()
		if err != nil {
			return
		}
		id := res.Header.Get("Lambda-Runtime-Aws-Request-Id")
		outcome, payload := "response", brokenAnswer(event.Path, event.MethodArn)
		if says, ok := strings.CutPrefix(payload, "raise "); ok {
			outcome, payload = "error", fmt.Sprintf(`{"errorMessage":%q,"errorType":"Error"}`, says)
		}
		res, err = http.Post(base+id+"/"+outcome, "application/json", strings.NewReader(payload))
		if err != nil {
			return
		}
		_ = res.Body.Close()
	}
}

func brokenAnswer(path, arn string) string {
	how := strings.TrimPrefix(path, "/map/")
	who := "demo"
	if arn != "" {
		who = "gate"
	}
	if how, ok := strings.CutPrefix(how, who+"-"); ok {
		switch how {
		case "raises":
			return "raise broken"
		case "unauthorized":
			return "raise Unauthorized"
		case "nearly-unauthorized":
			return "raise unauthorized"
		case "exits":
			os.Exit(1)
		case "hangs":
			select {}
		case "garbage":
			return "garbage"
		case "nothing":
			return `{}`
		case "no-status":
			return `{"statusCode":"none"}`
		case "fine":
			return `{"statusCode":200,"body":"fine"}`
		}
	}
	api, rest, _ := strings.Cut(arn, "/")
	stage, _, _ := strings.Cut(rest, "/")
	resource := api + "/" + stage + "/*"
	allow := map[string]any{
		"principalId": "p", "usageIdentifierKey": os.Getenv("USAGE_PLAN_KEY"),
		"policyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{
			map[string]any{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource},
		}},
	}
	switch how {
	case "gate-lists":
		allow["context"] = map[string]any{"code": []string{"x"}}
	case "gate-long-resource":
		allow["policyDocument"] = map[string]any{"Statement": []any{
			map[string]any{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource + strings.Repeat("x", 512)},
		}}
	}
	text, err := json.Marshal(allow)
	if err != nil {
		panic(err)
	}
	return string(text)
}
