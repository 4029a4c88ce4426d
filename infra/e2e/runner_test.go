package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// echo is an upstream that keeps what arrives.
type echo struct {
	*httptest.Server
	mu   sync.Mutex
	seen []*http.Request
	uris []string
}

func newEcho() *echo {
	e := &echo{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		e.seen, e.uris = append(e.seen, r.Clone(r.Context())), append(e.uris, r.RequestURI)
		e.mu.Unlock()
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("X-From", "upstream")
		if strings.Contains(r.URL.Path, "teapot") {
			w.WriteHeader(http.StatusTeapot)
		}
		_, _ = w.Write([]byte{0, 0xff, 0x89, 'P', 'N', 'G'})
	}))
	return e
}

func (e *echo) take() (requests []*http.Request, uris []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	requests, uris = e.seen, e.uris
	e.seen, e.uris = nil, nil
	return requests, uris
}

// TestARunnerWithACustomUpstream leads one data directory through the life of a runner: a first start, a second runner
// that finds it taken, Ctrl-C, and a second start.
func TestARunnerWithACustomUpstream(t *testing.T) {
	t.Parallel()
	up := newEcho()
	defer up.Close()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.MkdirAll(filepath.Join(dir, "mine"), 0o755); err != nil {
		t.Fatal(err)
	}
	const note = "not Latchkey's"
	for _, name := range []string{"notes.txt", "mine/run.json.bak"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(note), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s, err := start(dir, "LATCHKEY_PARAM_UpstreamUrl="+up.URL+"/v9")
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "run.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("run.json: %v %v", info.Mode(), err)
	}
	taken := make(chan error, 1)
	go func() { taken <- secondRunner(dir) }()
	account := s.newAccount(t, "owner")
	k := s.newKey(t, account, `{"name":"up","usage":"backend","products":["map-display","search"]}`)
	up.take() // the runner's own probes
	t.Run("what arrives", func(t *testing.T) { whatArrives(t, s, up, k, account) })
	t.Run("what never arrives", func(t *testing.T) { whatNeverArrives(t, s, up, k) })
	if err := <-taken; err != nil {
		t.Error(err)
	}
	first := s.run
	s.manage(t, "owner", "GET", k.path, "") // idle environments have ended by now
	s.product(t, tile+k.secret, nil)
	children := descendants(s.cmd.Process.Pid)
	if len(children) < 3 {
		t.Errorf("%d processes below the runner: the store and some functions are missing", len(children))
	}
	begin := time.Now()
	s.stop()
	t.Logf("Ctrl-C took %s with %d processes", time.Since(begin).Round(time.Millisecond), len(children))
	for _, pid := range children {
		if syscall.Kill(pid, 0) == nil {
			t.Errorf("process %d outlives the runner: %s", pid, command(pid))
		}
	}
	if strings.Contains(s.out.String(), "error") {
		t.Errorf("the runner's last words: %s", s.out)
	}

	if s, err = start(dir); err != nil { // now with the demo
		t.Fatal(err)
	}
	if s.DemoSecret != first.DemoSecret || s.DemoAccount != first.DemoAccount || s.Enterprise != first.Enterprise {
		t.Error("the ready-made accounts or key are others after a second start")
	}
	if a := s.product(t, tile+k.secret, nil); a.status != 200 || a.header.Get("Content-Type") != "image/png" {
		t.Errorf("the key after a second start: %d %.100s", a.status, a.body)
	}
	if a := s.manage(t, "Bearer "+first.Tokens["owner"], "GET", k.path, ""); a.status != 200 {
		t.Errorf("a token of the first start: %d %s", a.status, a.body)
	}
	if rows := s.auditRows(t, "owner", account+"/audit"); len(rows) != 2 {
		t.Errorf("the audit trail after a second start: %v", rows)
	}
	children = descendants(s.cmd.Process.Pid)
	s.kill()
	waitGone(t, children)
	for _, name := range []string{"notes.txt", "mine/run.json.bak"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(text) != note {
			t.Errorf("the foreign file %s: %q %v", name, text, err)
		}
	}
}

// secondRunner starts another runner on a data directory that one runs on: it must say so and end.
func secondRunner(dir string) error {
	cmd := exec.Command(runner)
	cmd.Dir = root
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = append(os.Environ(), "LATCHKEY_DATA_DIR="+dir, "LATCHKEY_PRODUCTS_PORT=0", "LATCHKEY_MANAGEMENT_PORT=0", "LATCHKEY_CONSOLE_PORT=0")
	kill := time.AfterFunc(40*time.Second, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(text), dir+" is used by another runner") || !strings.Contains(string(text), "LATCHKEY_DATA_DIR") {
		return fmt.Errorf("a second runner: %w: %s", err, text)
	}
	return nil
}

func whatArrives(t *testing.T, s *stack, up *echo, k key, account string) {
	secret := gatewaySecret(t, s.dir)
	forged := http.Header{
		"X-Latchkey-Key-Id": {"key_forged"}, "x-latchkey-account-id": {"acc_forged"}, "X-LATCHKEY-PRODUCT": {"forged"}, "x-latchkey-gateway-secret": {"forged"},
		"X-Mine": {"kept"}, "X-aPi-kEy": {k.secret}, "Origin": {"https://example.com"},
	}
	for what, call := range map[string]struct {
		path   string
		header http.Header
	}{
		"key in the header":  {"/map/1/tile/teapot/1.png?view=Unified", forged},
		"key in the query":   {"/map/1/tile/teapot/1.png?view=Unified&key=" + k.secret, without(forged, "X-aPi-kEy")},
		"key in the api_key": {"/map/1/tile/teapot/1.png?view=Unified&api_key=" + k.secret, without(forged, "X-aPi-kEy")},
	} {
		a := s.product(t, call.path, call.header)
		if a.status != http.StatusTeapot || string(a.body) != "\x00\xff\x89PNG" || a.header.Get("X-From") != "upstream" || a.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: the upstream's answer came as %d %v %q", what, a.status, a.header, a.body)
		}
		requests, uris := up.take()
		if len(requests) != 1 {
			t.Fatalf("%s: the upstream saw %v", what, uris)
		}
		r := requests[0]
		for name, want := range map[string]string{
			"X-Latchkey-Key-Id": k.id, "X-Latchkey-Account-Id": account[len("/v1/accounts/"):], "X-Latchkey-Product": "map-display",
			"X-Latchkey-Gateway-Secret": secret, "X-Mine": "kept", "Origin": "https://example.com",
		} {
			if got := r.Header.Values(name); len(got) != 1 || got[0] != want {
				t.Errorf("%s: %s: %q, want %q", what, name, got, want)
			}
		}
		if got := r.Header.Values("X-Api-Key"); len(got) != 1 || got[0] != "removed" {
			t.Errorf("%s: X-Api-Key has %d values or another than the static one", what, len(got))
		}
		if r.URL.Path != "/v9/map/1/tile/teapot/1.png" || r.URL.Query().Get("view") != "Unified" {
			t.Errorf("%s: path %s", what, r.URL.Path)
		}
		// Whether API Gateway replaces a client's key in the query isn't documented. The runner plays the worse case, and the
		// upstream's owner can rely on the last value: it is the static one.
		for _, name := range []string{"key", "api_key"} {
			if got := r.URL.Query()[name]; len(got) == 0 || got[len(got)-1] != "removed" {
				t.Errorf("%s: %s in the query has %d values, the last of which isn't the static one", what, name, len(got))
			}
		}
	}
	// API Gateway drops slashes in front, for the route and for the upstream.
	if a := s.product(t, "//map/1/x?key="+k.secret, nil); a.status != http.StatusOK {
		t.Errorf("two slashes in front: %d", a.status)
	}
	if _, uris := up.take(); len(uris) != 1 || !strings.HasPrefix(uris[0], "/v9/map/1/x?") {
		t.Errorf("two slashes in front: the upstream saw %v", uris)
	}
	post := raw(t, "POST", s.ProductsURL, "/search/2/batch.json?key="+k.secret, http.Header{"Content-Type": {"application/octet-stream"}}, "\x00\x01binary\xff")
	requests, _ := up.take()
	if post.status != 200 || len(requests) != 1 || requests[0].Method != "POST" || requests[0].ContentLength != 9 || requests[0].Header.Get("X-Latchkey-Product") != "search" {
		t.Errorf("a POST: %d, %d requests", post.status, len(requests))
	}
}

func without(h http.Header, name string) http.Header {
	h = h.Clone()
	delete(h, name)
	return h
}

// gatewaySecret is the stack's secret as the runner's Secrets Manager keeps it: the one of 40 letters and digits.
func gatewaySecret(t *testing.T, dir string) string {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, "secrets", "*"))
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil || !strings.Contains(string(text), `GatewaySecret"`) {
			continue
		}
		var doc any
		if json.Unmarshal(text, &doc) != nil {
			continue
		}
		if found := find(doc, func(s string) bool { return len(s) == 40 && url.QueryEscape(s) == s && !strings.Contains(s, "-") }); found != "" {
			return found
		}
	}
	t.Fatalf("no gateway secret in %v", files)
	return ""
}

func find(v any, is func(string) bool) string {
	switch v := v.(type) {
	case string:
		if is(v) {
			return v
		}
	case []any:
		for _, one := range v {
			if found := find(one, is); found != "" {
				return found
			}
		}
	case map[string]any:
		for _, one := range v {
			if found := find(one, is); found != "" {
				return found
			}
		}
	}
	return ""
}

func whatNeverArrives(t *testing.T, s *stack, up *echo, k key) {
	for _, path := range []string{
		"/map/%2e%2e/search/x.json", "/map/../search/x.json", "/map/./x", "/map/%2E%2E/search/x", "/map/.%2e/x", "/map/%2e./x", "/map//x", "/map/x//y",
		"/map/1%2fx", "/map/1%2Fx", "/map/1%5cx", "/map/..%5csearch/x", "/map/%252e%252e/search/x", "/map/%25252e/x", "/map/1\\x", "/map/x/..", "/map/x/.",
		"/map/%c0%ae%c0%ae/x", "/map/..;/search/x", "/map/%2e%2e%2fsearch/x", "/map/x%00y", "/routing/1/x", "/nothing/x", "/map/%zz/x", "/MAP/x",
	} {
		a := s.product(t, path+"?key="+k.secret, nil)
		if a.status != http.StatusForbidden && a.status != http.StatusBadRequest {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	// An upstream may answer TRACE with what it was sent, the gateway's secret with it.
	for _, method := range []string{"TRACE", "PROPFIND", "get"} {
		if a := raw(t, method, s.ProductsURL, "/map/1/x", http.Header{"X-Api-Key": {k.secret}}, ""); a.status != http.StatusForbidden {
			t.Errorf("%s: %d", method, a.status)
		}
	}
	for _, h := range []http.Header{nil, {"X-Api-Key": {unknownSecret}}, {"X-Api-Key": {k.secret, k.secret}}} {
		if a := s.product(t, "/map/1/x", h); a.status != http.StatusUnauthorized {
			t.Errorf("%d credentials: %d", len(h), a.status)
		}
	}
	if _, uris := up.take(); len(uris) > 0 {
		t.Errorf("the upstream saw %v", uris)
	}
}

// descendants are all processes below one, by /proc.
func descendants(pid int) (list []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	parent := map[int]int{}
	for _, f := range stats {
		text, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		child, _ := strconv.Atoi(strings.Split(f, "/")[2])
		parent[child], _ = strconv.Atoi(fields[1])
	}
	for child := range parent {
		for up := parent[child]; up > 1; up = parent[up] {
			if up == pid {
				list = append(list, child)
				break
			}
		}
	}
	return list
}

func command(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return strings.ReplaceAll(string(text), "\x00", " ")
}

// waitGone waits for processes to end that the kernel is killing.
func waitGone(t *testing.T, pids []int) {
	t.Helper()
	for _, pid := range pids {
		for begin := time.Now(); syscall.Kill(pid, 0) == nil && command(pid) != ""; time.Sleep(10 * time.Millisecond) {
			if time.Since(begin) > 3*time.Second {
				t.Errorf("process %d outlives a runner that was killed: %s", pid, command(pid))
				break
			}
		}
	}
}
