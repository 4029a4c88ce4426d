package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestTheArchitectureAndTheFactsGrowTogether: what is assumed of AWS is in the table of docs/architecture.md and asked for, both or neither.
func TestTheArchitectureAndTheFactsGrowTogether(t *testing.T) {
	raw, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(raw), "\n## What is unverified until a stack runs on AWS\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var listed []string
	for line := range strings.Lines(section) {
		if m := regexp.MustCompile("^\\| `([a-z0-9-]+)` \\|").FindStringSubmatch(line); m != nil {
			listed = append(listed, m[1])
		} else if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| fact |") {
			t.Errorf("a row without a fact: %s", line)
		}
	}
	var assumed, all []string
	for _, f := range facts() {
		all = append(all, f.id)
		if f.assumed {
			assumed = append(assumed, f.id)
		}
		if f.says == "" || f.ask == nil {
			t.Errorf("%s says or asks nothing", f.id)
		}
	}
	slices.Sort(listed)
	slices.Sort(assumed)
	if !slices.Equal(listed, assumed) {
		t.Errorf("docs/architecture.md has %v,\nthe smoke asks for %v", listed, assumed)
	}
	slices.Sort(all)
	if len(slices.Compact(slices.Clone(all))) != len(all) || len(assumed) < 15 {
		t.Errorf("facts stand twice or are missing: %v", all)
	}
}

// TestALocalRunProvesNothingOfAWS: whatever it answers, what is assumed isn't shown by it, and what fails there is a failure.
func TestALocalRunProvesNothingOfAWS(t *testing.T) {
	broken := errors.New("500")
	for _, c := range []struct {
		f    fact
		aws  bool
		err  error
		want verdict
	}{
		{fact{assumed: true}, false, nil, onlyAWS},
		{fact{assumed: true}, true, nil, ok},
		{fact{assumed: true}, false, broken, fail},
		{fact{assumed: true}, true, broken, fail},
		{fact{assumed: true}, false, left("x"), onlyAWS},
		{fact{assumed: true}, true, left("x"), notAsked},
		{fact{aws: true}, false, left(""), onlyAWS},
		{fact{aws: true}, true, fmt.Errorf("in a sentence: %w", left("x")), notAsked},
		{fact{}, false, nil, ok},
		{fact{}, false, broken, fail},
		{fact{}, false, left("x"), notAsked},
	} {
		if got := judge(c.f, c.aws, c.err); got != c.want {
			t.Errorf("%+v on AWS %v after %v: %s, want %s", c.f, c.aws, c.err, got, c.want)
		}
	}
}

// played is a stack in which one handler answers everything, on AWS as far as the smoke knows.
func played(t *testing.T, h http.HandlerFunc) *smoke {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	s := newSmoke(target{
		products: server.URL + "/prod", management: server.URL + "/manage", console: server.URL + "/console", aws: true, name: "s", token: "T", overLimit: 429,
		echo: "/map/echo", base: server.URL + "/base", outage: true,
		command: func(context.Context, ...string) ([]byte, error) { return nil, errors.New("no such stack") },
	})
	s.wide, s.narrow, s.picture = "/map/1/x", "/search/1/x", "/map/0.png"
	s.living, s.limited = key{"/v1/accounts/a/keys/k", "ak_living"}, key{"/v1/accounts/a/keys/l", "ak_limited"}
	s.secrets = []string{"ak_living", "ak_limited", "T"}
	s.pause, s.usageWait = time.Millisecond, 20*time.Millisecond
	return s
}

// TestNoFactHoldsOnAStackThatAnswersNonsense: a question that any answer satisfies would be none.
func TestNoFactHoldsOnAStackThatAnswersNonsense(t *testing.T) {
	s := played(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	for _, f := range facts() {
		err := f.ask(t.Context(), s)
		if v := judge(f, true, err); v == ok || v == notAsked && f.id != "web-acl" && f.id != "answer-first" {
			t.Errorf("%s: %s (%v)", f.id, v, err)
		}
	}
}

// TestARefusalWithoutItsHeadersFails: right statuses and codes alone aren't what is asked for.
func TestARefusalWithoutItsHeadersFails(t *testing.T) {
	s := played(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		status, code := http.StatusUnauthorized, "unauthorized"
		switch {
		case r.Method == http.MethodOptions:
			status, code = http.StatusNoContent, ""
		case strings.HasSuffix(r.URL.Path, "nothing"):
			status, code = http.StatusForbidden, "unknown_path"
		case r.URL.Path == "/prod/search/1/x":
			status, code = http.StatusTooManyRequests, "qps_exceeded"
		case r.Header.Get("X-Api-Key") != "":
			status, code = http.StatusForbidden, "path_not_canonical"
		}
		w.WriteHeader(status)
		if code != "" {
			_, _ = fmt.Fprintf(w, `{"code":%q}`, code)
		}
	})
	for _, f := range facts() {
		if slices.Contains([]string{"challenge", "content-type", "context-in-responses", "error-type", "request-id", "preflight", "over-limit"}, f.id) {
			if err := f.ask(t.Context(), s); judge(f, true, err) != fail {
				t.Errorf("%s: %v", f.id, err)
			}
		}
	}
}

// TestARefusalThatTellsMoreIsFound: all credentials that are none are answered alike, and one that differs in its status alone, or
// in a word of its body, tells who guesses how far they have come.
func TestARefusalThatTellsMoreIsFound(t *testing.T) {
	for _, of := range []string{"none", "mistyped", "two"} {
		for _, differs := range []string{"", "status", "body"} {
			s := played(t, func(w http.ResponseWriter, r *http.Request) {
				header, query := r.Header.Get("X-Api-Key"), r.URL.Query().Get("key")
				sent := "none"
				switch {
				case header != "" && query != "":
					sent = "two"
				case header != "" && header != "ak_living":
					sent = "mistyped"
				}
				status, body := http.StatusUnauthorized, `{"code":"unauthorized"}`
				switch {
				case sent != of:
				case differs == "status":
					status = http.StatusForbidden
				case differs == "body":
					body = `{"code":"unauthorized","detail":"It is malformed."}`
				}
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body))
			})
			if err := oneUnauthorized(t.Context(), s); (err == nil) != (differs == "") {
				t.Errorf("the %q of the answer to %s is another: %v", differs, of, err)
			}
		}
	}
}

// TestAnUpstreamThatSeesTheSecretIsFound, in the header and in the query.
func TestAnUpstreamThatSeesTheSecretIsFound(t *testing.T) {
	for leak, want := range map[string]bool{"": true, "header": false, "query": false, "nothing is echoed": false} {
		s := played(t, func(w http.ResponseWriter, r *http.Request) {
			text := "removed"
			switch leak {
			case "header":
				text += r.Header.Get("X-Api-Key") + r.URL.Query().Get("key")
			case "query":
				text += r.URL.RawQuery + r.Header.Get("X-Api-Key")
			case "nothing is echoed":
				text = "hello"
			}
			_, _ = w.Write([]byte(text))
		})
		if header, query := mappedHeader(t.Context(), s), mappedQuery(t.Context(), s); (header == nil) != want || (query == nil) != want {
			t.Errorf("%q: header %v, query %v", leak, header, query)
		}
	}
}

// TestPathsAreSentAsTheyAreWritten: cleaned, they would ask nothing.
func TestPathsAreSentAsTheyAreWritten(t *testing.T) {
	var got []string
	s := played(t, func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.RequestURI) })
	want := append(hostile("/map/1/x"), `/map/a"b`, "/map/12%2F3")
	for i, target := range want {
		if _, err := s.product(t.Context(), target, ""); err != nil {
			t.Fatal(err)
		}
		want[i] = "/prod" + target
	}
	if !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
}

func TestNoErrorShowsASecret(t *testing.T) {
	s := played(t, nil)
	s.products = "http://127.0.0.1:1"
	if _, err := s.product(t.Context(), "/x?key=ak_living", ""); err == nil || strings.Contains(err.Error(), "ak_living") {
		t.Errorf("got %v", err)
	}
}

// TestTheGateHasItsConcurrencyBack, whatever came of the question, and if the run was interrupted in it.
func TestTheGateHasItsConcurrencyBack(t *testing.T) {
	const interrupted = 0
	for before, want := range map[string]string{"": "delete-function-concurrency --function-name gate", `{"ReservedConcurrentExecutions":7}`: "put-function-concurrency --function-name gate --reserved-concurrent-executions 7"} {
		for _, status := range []int{500, 503, interrupted} {
			ctx, interrupt := context.WithCancel(t.Context())
			s := played(t, func(w http.ResponseWriter, _ *http.Request) {
				if status == interrupted {
					interrupt()
					return
				}
				w.Header().Set("Retry-After", "1")
				w.WriteHeader(status)
				_, _ = w.Write([]byte(`{"code":"unavailable"}`))
			})
			var calls []string
			s.command = func(ctx context.Context, args ...string) ([]byte, error) {
				if ctx.Err() != nil {
					return nil, ctx.Err()
				}
				calls = append(calls, strings.Join(args[1:], " "))
				if args[1] == "describe-stack-resource" {
					return []byte(`{"StackResourceDetail":{"PhysicalResourceId":"gate"}}`), nil
				}
				return []byte(before), nil
			}
			if err := authorizerFailure(ctx, s); (err == nil) != (status == 503) {
				t.Errorf("after %d: %v", status, err)
			}
			interrupt()
			if calls[len(calls)-1] != want || !slices.Contains(calls, "put-function-concurrency --function-name gate --reserved-concurrent-executions 0") {
				t.Errorf("from %q: %q", before, calls)
			}
		}
	}
}

// TestWhatIsOffIsFound among schedules and streams.
func TestWhatIsOffIsFound(t *testing.T) {
	for answer, want := range map[string]bool{
		`{"State":"ENABLED"}`: true, `{"State":"DISABLED"}`: false, `{}`: false,
	} {
		s := played(t, nil)
		s.command = resources("AWS::Scheduler::Schedule", answer)
		if err := schedules(t.Context(), s); (err == nil) != want {
			t.Errorf("%s: %v", answer, err)
		}
	}
	for answer, want := range map[string]bool{
		`{"State":"Enabled","LastProcessingResult":"OK"}`: true, `{"State":"Disabled","LastProcessingResult":"OK"}`: false,
		`{"State":"Enabled","LastProcessingResult":"PROBLEM: Function call failed"}`: false,
	} {
		s := played(t, nil)
		s.command = resources("AWS::Lambda::EventSourceMapping", answer)
		if err := streamMappings(t.Context(), s); (err == nil) != want {
			t.Errorf("%s: %v", answer, err)
		}
		if schedules(t.Context(), s) == nil {
			t.Error("a stack without schedules is taken")
		}
	}
}

// resources plays a stack with two resources of a type, the second of which is in a given state.
func resources(kind, answer string) func(context.Context, ...string) ([]byte, error) {
	return func(_ context.Context, args ...string) ([]byte, error) {
		if args[1] == "list-stack-resources" {
			return fmt.Appendf(nil, `{"StackResourceSummaries":[{"ResourceType":%q,"PhysicalResourceId":"one"},{"ResourceType":"AWS::SNS::Topic"},{"ResourceType":%q,"PhysicalResourceId":"two"}]}`, kind, kind), nil
		}
		if slices.Contains(args, "one") {
			return []byte(`{"State":"` + map[bool]string{true: "ENABLED", false: "Enabled"}[args[0] == "scheduler"] + `","LastProcessingResult":"OK"}`), nil
		}
		return []byte(answer), nil
	}
}

func TestAStackIsFoundByItsOutputs(t *testing.T) {
	command := func(parameters string) func(context.Context, ...string) ([]byte, error) {
		return func(_ context.Context, args ...string) ([]byte, error) {
			if args[1] == "describe-stack-resource" {
				return []byte(`{"StackResourceDetail":{"PhysicalResourceId":"client-1"}}`), nil
			}
			return []byte(`{"Stacks":[{"StackId":"arn:aws:cloudformation:eu-west-1:1:stack/s/u","Outputs":[{"OutputKey":"ProductsUrl","OutputValue":"https://p/prod"},
				{"OutputKey":"ManagementUrl","OutputValue":"https://m/prod"},{"OutputKey":"ConsoleUrl","OutputValue":"https://c/prod/"},{"OutputKey":"UserPoolId","OutputValue":"eu-west-1_x"}],
				"Parameters":[` + parameters + `]}]}`), nil
		}
	}
	got, err := describe(t.Context(), "s", command(`{"ParameterKey":"OverLimitStatus","ParameterValue":"403"},{"ParameterKey":"OidcIssuer","ParameterValue":""}`))
	if err != nil || got.products != "https://p/prod" || got.console != "https://c/prod" || got.overLimit != 403 || !got.aws || got.client != "client-1" ||
		got.issuer != "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_x" {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = describe(t.Context(), "s", command(`{"ParameterKey":"OidcIssuer","ParameterValue":"https://idp.example"},{"ParameterKey":"OidcClientId","ParameterValue":"mine"}`))
	if err != nil || got.issuer != "https://idp.example" || got.client != "mine" || got.overLimit != 429 {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestATokenIsHadByPKCE: the verifier belongs to the challenge of the address that was opened.
func TestATokenIsHadByPKCE(t *testing.T) {
	var self, challenge string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "openid-configuration") {
			_, _ = fmt.Fprintf(w, `{"authorization_endpoint":"%s/authorize","token_endpoint":"%s/token"}`, self, self)
			return
		}
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if base64.RawURLEncoding.EncodeToString(sum[:]) != challenge || r.FormValue("code") != "c1" || r.FormValue("redirect_uri") != "https://console.example/callback" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = w.Write([]byte(`{"access_token":"token-1"}`))
	}))
	t.Cleanup(server.Close)
	self = server.URL
	var out bytes.Buffer
	person := reader(func(p []byte) (int, error) {
		opened, err := url.Parse(strings.TrimSpace(regexp.MustCompile(`http\S+`).FindString(out.String())))
		if err != nil {
			return 0, err
		}
		challenge = opened.Query().Get("code_challenge")
		return copy(p, "https://console.example/callback?code=c1&state=s\n"), nil
	})
	if err := signIn(t.Context(), target{issuer: server.URL, client: "c", console: "https://console.example"}, person, &out); err != nil || !strings.HasSuffix(out.String(), "\ntoken-1\n") {
		t.Errorf("%v: %s", err, out.String())
	}
}

type reader func([]byte) (int, error)

func (r reader) Read(p []byte) (int, error) { return r(p) }

// TestWithoutATokenNothingIsMade, and what needs one says so.
func TestWithoutATokenNothingIsMade(t *testing.T) {
	s := played(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/manage") {
			t.Errorf("%s %s", r.Method, r.URL.Path)
		}
		w.WriteHeader(http.StatusTeapot)
	})
	s.token, s.living, s.limited = "", key{}, key{}
	var out bytes.Buffer
	if err := s.prepare(t.Context()); err != nil {
		t.Error(err)
	}
	s.askAll(t.Context(), facts(), &out)
	for _, id := range []string{"key-opens", "key-deleted", "over-limit", "token-address"} {
		if !regexp.MustCompile(`(?m)^not asked +` + id + ` .*TOKEN`).MatchString(out.String()) {
			t.Errorf("%s: %s", id, out.String())
		}
	}
}

// TestTheAccountIsClosedWhateverHappened, and if the run was interrupted.
func TestTheAccountIsClosedWhateverHappened(t *testing.T) {
	var calls []string
	s := played(t, func(w http.ResponseWriter, r *http.Request) {
		calls = append(calls, r.Method+" "+strings.TrimPrefix(r.URL.Path, "/manage"))
		switch r.URL.Path {
		case "/manage/v1/products":
			_, _ = w.Write([]byte(`{"products":[{"id":"map","kind":"api","sample_path":"/map/0.png","classes":[{"default_qps":{"self_serve":9}}]},{"id":"s","kind":"api","sample_path":"/s/1","classes":[{"default_qps":{"self_serve":2}}]},{"id":"sdk","kind":"sdk","classes":[{"default_qps":{"self_serve":1}}]}]}`))
		case "/manage/v1/accounts":
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write([]byte(`{"id":"acc_1"}`))
		case "/manage/v1/accounts/acc_1/close":
			_, _ = w.Write([]byte(`{}`))
		default:
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	if err := s.prepare(t.Context()); err == nil {
		t.Error("a key that can't be made is passed over")
	}
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	if err := s.cleanUp(interrupted); err != nil {
		t.Error(err)
	}
	if last := calls[len(calls)-1]; last != "POST /v1/accounts/acc_1/close" {
		t.Errorf("%q", calls)
	}
	if s.wide != "/map/0.png" || s.narrow != "/s/1" || s.picture != "/map/0.png" {
		t.Errorf("chosen: %q, %q, %q", s.wide, s.narrow, s.picture)
	}
}

// TestASecretThatIsShownHasToBeTheOneThatWasMade: an answer with another, or with none, is no secret that was kept.
func TestASecretThatIsShownHasToBeTheOneThatWasMade(t *testing.T) {
	for shown, want := range map[string]verdict{"ak_made": ok, "ak_other": fail, "": fail} {
		s := played(t, func(w http.ResponseWriter, r *http.Request) {
			secret := "ak_made"
			if strings.HasSuffix(r.URL.Path, "/keys/k/reveal") {
				secret = shown
			} else {
				w.WriteHeader(http.StatusCreated)
			}
			_, _ = fmt.Fprintf(w, `{"id":"k","secret":%q}`, secret)
		})
		if v := judge(fact{}, true, secretKept(t.Context(), s)); v != want {
			t.Errorf("%q is shown: %v, want %v", shown, v, want)
		}
	}
}

// answers plays the gate in a bubble of synctest: the status of an answer is by when it is asked for.
type answers func(since time.Duration) int

func (a answers) in(t *testing.T) *smoke {
	t.Helper()
	begin := time.Now()
	s := newSmoke(target{products: "http://p.example/prod"})
	s.client = &http.Client{Transport: a.from(begin)}
	return s
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (a answers) from(begin time.Time) roundTrip {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: a(time.Since(begin)), Header: http.Header{}, Body: http.NoBody}, nil
	}
}

// TestAChangeIsSettledOnceNoEnvironmentAnswersByWhatItKnew: a refusal is waited for as long as one that isn't asked may serve a record, and
// what takes longer than promised isn't obeyed.
func TestAChangeIsSettledOnceNoEnvironmentAnswersByWhatItKnew(t *testing.T) {
	until := func(at time.Duration, before, after int) answers {
		return func(since time.Duration) int {
			if since < at {
				return before
			}
			return after
		}
	}
	for name, tt := range map[string]struct {
		gate        answers
		status      int
		least, most time.Duration
		obeyed      bool
	}{
		"refused at once":                           {until(0, 0, 401), 401, aged, aged + time.Second, true},
		"refused after 4 s":                         {until(4*time.Second, 200, 401), 401, aged, aged + time.Second, true},
		"refused in the last moment":                {until(promise, 200, 401), 401, promise, promise + 2*time.Second, true},
		"never refused":                             {until(0, 0, 200), 401, promise, promise + 3*time.Second, false},
		"an environment that is met late knows all": {until(4*time.Second, 401, 200), 401, promise, promise + 3*time.Second, false},
		"allowed at once":                           {until(0, 0, 200), 200, time.Second, 2 * time.Second, true},
		"allowed after 4 s":                         {until(4*time.Second, 401, 200), 200, 4 * time.Second, aged, true},
		"never allowed":                             {until(0, 0, 401), 200, promise, promise + 3*time.Second, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, began := tt.gate.in(t), time.Now()
			err := s.settles(t.Context(), "/map/1/x", "ak_living", tt.status)
			if took := time.Since(began); (err == nil) != tt.obeyed || took < tt.least || took > tt.most {
				t.Errorf("%s: %v after %v", name, err, took)
			}
		})
	}
}
