package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
)

// The test's own program stands in for SAM CLI: it prints its arguments as the function's answer, and a log.
func TestMain(m *testing.M) {
	if os.Getenv("LATCHKEY_FAKE_SAM") != "" {
		fmt.Fprintln(os.Stderr, "Invoking bootstrap")
		_ = json.NewEncoder(os.Stdout).Encode(os.Args[1:])
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Without the environment of samconfig.toml a function would call the developer's own account.
func TestSamIsNeverCalledWithoutTheEnvironment(t *testing.T) {
	t.Setenv("LATCHKEY_FAKE_SAM", "1")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o := options{sam: self, env: "local-arm64"}
	answer, log, err := invoke(t.Context(), o, "KeysFunction", "an-event.json")
	want := plain(t, `["local","invoke","KeysFunction","--event","an-event.json","--config-env","local-arm64"]`)
	if err != nil || len(differences("answer", want, answer)) > 0 || !strings.Contains(log, "Invoking") {
		t.Errorf("%v, %q, %v", answer, log, err)
	}
	for _, arguments := range [][]string{{"invoke"}, {"start-api", "--port", "1"}} {
		cmd := samCommand(t.Context(), o, arguments...)
		if at := slices.Index(cmd.Args, "--config-env"); at < 0 || cmd.Args[at+1] != o.env || !slices.Contains(cmd.Env, "SAM_CLI_TELEMETRY=0") {
			t.Errorf("%q", cmd.Args)
		}
	}
}

// A route gives what its function answers; the gate's events show in the tile behind it.
func TestEventsOfHTTPAreCallsOfTheirRoutes(t *testing.T) {
	tile, calls := []byte(nil), 0
	all := cases(t)
	for _, c := range all {
		if c.name == "demo-tile" {
			tile = c.answer
		}
	}
	for _, c := range all {
		r, ok := routed(c, tile)
		if ok != strings.Contains(string(c.event), `"httpMethod"`) {
			t.Errorf("%s is a call: %v", c.name, ok)
		}
		if !ok {
			continue
		}
		calls++
		want := decoded(t, c.answer).(map[string]any)["statusCode"]
		if c.function == "Authorizer" {
			want = map[string]float64{"authorizer-allow": http.StatusOK, "authorizer-other-product": http.StatusForbidden}[c.name]
			if want == 0.0 {
				want = float64(http.StatusBadGateway)
			}
		}
		if status := decoded(t, r.answer).(map[string]any)["statusCode"]; status != want {
			t.Errorf("%s: the route gives %v, want %v", c.name, status, want)
		}
	}
	if calls < 15 {
		t.Errorf("only %d calls", calls)
	}
}

func TestACallIsWhatItsEventSays(t *testing.T) {
	var got *http.Request
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		w.Header().Set("Content-Type", "image/png")
		w.Header().Set("X-Request-Id", "SAM's")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte("tile of SAM's"))
	}))
	t.Cleanup(s.Close)
	answer, err := send(t.Context(), s.URL, []byte(`{"httpMethod":"POST","path":"/v1/keys","headers":{"Host":"x","Authorization":"Bearer a"},"multiValueQueryStringParameters":{"key":["1","2"]},"body":"{}"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := plain(t, `{"statusCode":201,"headers":null,"isBase64Encoded":true,"body":"*","multiValueHeaders":{"Content-Type":["image/png"],"X-Request-Id":["AbCdEfGhIjKlMnO="]}}`)
	if found := differences("answer", want, answer); len(found) > 0 {
		t.Error(found)
	}
	if got.Header.Get("Accept-Encoding") != "" || got.Method != http.MethodPost || got.URL.String() != "/v1/keys?key=1&key=2" || got.Header.Get("Authorization") != "Bearer a" || got.Host == "x" || got.ContentLength != 2 {
		t.Errorf("%s %s %v", got.Method, got.URL, got.Header)
	}
}

// An answer that differs, and one that never came, are failures.
func TestOnlyTheAnswerThatIsWrittenPasses(t *testing.T) {
	c := testCase{name: "a-case", event: []byte(`{"id":"${a}"}`), answer: []byte(`{"id":"${a}"}`)}
	echo := func(event []byte) (any, string, error) { return plain(t, string(event)), "", nil }
	for _, x := range []struct {
		values map[string]string
		ask    func([]byte) (any, string, error)
		failed int
	}{
		{map[string]string{"a": "1"}, echo, 0},
		{nil, echo, 1},
		{map[string]string{"a": "1"}, func([]byte) (any, string, error) { return plain(t, `{"id":"2"}`), "", nil }, 1},
		{map[string]string{"a": "1"}, func([]byte) (any, string, error) { return plain(t, `{"id":"1"}`), "", os.ErrDeadlineExceeded }, 1},
	} {
		if got := compare("", c, x.values, x.ask); got != x.failed {
			t.Errorf("%v: %d failed", x.values, got)
		}
	}
}
