// Package e2e drives the whole stack as its users do: the runner plays AWS around the deployed binaries, and the
// tests speak HTTP to it. They import nothing of Latchkey.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// run is the content of the runner's run.json.
type run struct {
	ProductsURL   string            `json:"products_url"`
	ManagementURL string            `json:"management_url"`
	ConsoleURL    string            `json:"console_url"`
	IssuerURL     string            `json:"issuer_url"`
	DynamoDB      string            `json:"dynamodb_endpoint"`
	ControlURL    string            `json:"control_url"`
	SecretsURL    string            `json:"secretsmanager_endpoint"`
	DemoSecret    string            `json:"demo_secret"`
	DemoAccount   string            `json:"demo_account"`
	Enterprise    string            `json:"enterprise_account"`
	Tokens        map[string]string `json:"tokens"`
}

// stack is one running runner.
type stack struct {
	run
	dir string
	cmd *exec.Cmd
	out *output
}

// output keeps what the runner prints, for the tests that look for secrets in it.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

var (
	runner      string // the built runner
	permissions string // the file that all stacks write the permissions into that they use
	root        string // the repository
	shared      *stack // the stack that tests use unless they kill theirs
)

func TestMain(m *testing.M) {
	if api := os.Getenv("AWS_LAMBDA_RUNTIME_API"); api != "" { // started by a runner, in a function's place
		brokenFunction(api)
		return
	}
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	flag.Parse()
	var err error
	// These tests wait far more than they work: for caches to age, environments to idle, windows to pass.
	if flag.Lookup("test.parallel").Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		if err = flag.Set("test.parallel", "8"); err != nil {
			panic(err)
		}
	}
	if root, err = filepath.Abs("../.."); err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "latchkey-e2e-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	runner, permissions = filepath.Join(dir, "runner"), filepath.Join(dir, "permissions.jsonl")
	build := exec.Command("go", "build", "-o", runner, "./infra/local")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "the runner doesn't build: %v\n%s", err, out)
		return 1
	}
	if shared, err = start(filepath.Join(dir, "data"), "LATCHKEY_LOG_LEVEL=debug"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if slowest.what != "" {
		fmt.Printf("the slowest change was obeyed after %.1fs: %s\n", slowest.took.Seconds(), slowest.what)
	}
	leaks := secretsLeft(shared) // last, when all that the tests did has been written down
	shared.stop()
	leaks = append(leaks, secretsInLog(shared)...)
	for _, line := range oddLines(shared.out.String()) {
		fmt.Fprintln(os.Stderr, "--- FAIL:", line)
		code = max(code, 1)
	}
	all := flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == ""
	for _, line := range append(denials(), unneeded(code == 0 && all)...) {
		fmt.Fprintln(os.Stderr, "--- FAIL:", line)
		code = max(code, 1)
	}
	slices.Sort(leaks)
	for _, leak := range slices.Compact(leaks) {
		fmt.Fprintln(os.Stderr, "--- FAIL: a secret was found:", leak)
		code = max(code, 1)
	}
	return code
}

// start starts a runner on a data directory and waits until it is ready.
func start(dir string, env ...string) (*stack, error) { return startIn(root, dir, env...) }

// startIn is start in another repository than this one.
func startIn(root, dir string, env ...string) (*stack, error) {
	return startWith(runner, root, dir, env...)
}

// startWith is startIn with another runner.
func startWith(runner, root, dir string, env ...string) (*stack, error) {
	s := &stack{dir: dir, cmd: exec.Command(runner), out: &output{}}
	s.cmd.Dir = root
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	s.cmd.Env = append(append(os.Environ(), "LATCHKEY_DATA_DIR="+dir, "LATCHKEY_PRODUCTS_PORT=0",
		"LATCHKEY_MANAGEMENT_PORT=0", "LATCHKEY_CONSOLE_PORT=0", "LATCHKEY_REDACT=off", "LATCHKEY_THROTTLE=off", "LATCHKEY_PERMISSIONS_FILE="+permissions), env...)
	if shared != nil { // which has built what there is to build
		s.cmd.Env = append(s.cmd.Env, "LATCHKEY_BUILD=off")
	}
	_ = os.Remove(filepath.Join(dir, "run.json"))
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	exited := make(chan error, 1)
	go func() { exited <- s.cmd.Wait() }()
	deadline := time.After(4 * time.Minute)
	for {
		select {
		case err := <-exited:
			return nil, fmt.Errorf("the runner stopped before it was ready: %w\n%s", err, s.out)
		case <-deadline:
			_ = s.cmd.Process.Kill()
			return nil, fmt.Errorf("the runner isn't ready after 4 minutes:\n%s", s.out)
		case <-time.After(50 * time.Millisecond):
		}
		if !hasLine(s.out.String(), "ready") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, "run.json"))
		if err != nil {
			return nil, err
		}
		return s, json.Unmarshal(text, &s.run)
	}
}

func hasLine(text, prefix string) bool {
	return strings.HasPrefix(text, prefix) || strings.Contains(text, "\n"+prefix)
}

// stop ends the stack as Ctrl-C does.
func (s *stack) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGINT)
	for range 600 {
		if s.cmd.Process.Signal(syscall.Signal(0)) != nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	_ = s.cmd.Process.Kill()
}

// kill ends the runner's whole process group at once; the group of each child dies with it.
func (s *stack) kill() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
}

// answer is an HTTP response that was read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("no JSON object in %d %q: %v", a.status, a.body, err)
	}
	return v
}

// raw sends the path as it is written: net/http would clean it.
func raw(t testing.TB, method, base, path string, header http.Header, body string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, base, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	path, query, _ := strings.Cut(path, "?")
	req.URL.Opaque = "//" + req.URL.Host + path
	req.URL.RawQuery = query
	for name, values := range header {
		req.Header[name] = values
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	a := received(t, res)
	shown.note(method, path, a)
	return a
}

// received reads an answer to its end.
func received(t testing.TB, res *http.Response) answer {
	t.Helper()
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, text}
}

// product calls the products API.
func (s *stack) product(t testing.TB, path string, header http.Header) answer {
	t.Helper()
	return raw(t, http.MethodGet, s.ProductsURL, path, header, "")
}

// manage calls the management API as a person; person "" sends no token, and "Bearer …" is sent as it is.
func (s *stack) manage(t testing.TB, person, method, path, body string, header ...string) answer {
	t.Helper()
	h := http.Header{}
	switch {
	case strings.HasPrefix(person, "Bearer"):
		h.Set("Authorization", person)
	case person != "":
		token, ok := s.Tokens[person]
		if !ok {
			t.Fatalf("no token for %q", person)
		}
		h.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		h.Set("Content-Type", "application/json")
	}
	if method == http.MethodPatch {
		h.Set("Content-Type", "application/merge-patch+json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	a := raw(t, method, s.ManagementURL, path, h, body)
	asTheContractSays(t, method, path, a)
	return a
}

// createKey makes a key of the demo account and returns its ID and secret.
func (s *stack) createKey(t testing.TB, body string) (id, secret string) {
	t.Helper()
	a := s.manage(t, "owner", http.MethodPost, "/v1/accounts/"+s.DemoAccount+"/keys", body)
	if a.status != http.StatusCreated {
		t.Fatalf("create: %d %s", a.status, a.body)
	}
	v := a.json(t)
	return v["id"].(string), v["secret"].(string)
}

const tile = "/map/1/tile/basic/main/0/0/0.png?view=Unified&key="

func decode(r io.Reader, v any) error { return json.NewDecoder(r).Decode(v) }
