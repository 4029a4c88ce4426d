package environments

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The tests' bootstrap is this test binary itself, told by a variable: nothing has to be compiled.
func TestMain(m *testing.M) {
	switch os.Getenv("TEST_ROLE") {
	case "bootstrap":
		bootstrap()
	case "parent":
		parent()
	default:
		os.Exit(m.Run())
	}
}

func self(t *testing.T) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exe
}

type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(function string, n int, stream, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, fmt.Sprintf("%s#%d %s %s", function, n, stream, line))
}

func (l *lines) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(strings.Join(l.all, "\n"), text)
}

func newPool(t *testing.T, o Options, env map[string]string) (*Pool, *lines) {
	t.Helper()
	out := &lines{}
	o.Output = out.add
	env["TEST_ROLE"] = "bootstrap"
	p := New([]Function{{Name: "F", ARN: "arn:f", Bootstrap: self(t), Handler: "bootstrap", Timeout: 2 * time.Second, Env: env}}, o)
	t.Cleanup(func() { p.Close(context.Background()) })
	return p, out
}

func send(t *testing.T, p *Pool, event string) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, err := p.Call(ctx, "F", []byte(event), "")
	if err != nil {
		t.Fatalf("call %s: %v", event, err)
	}
	return r
}

// eventually waits for what another process does.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !cond(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// processState is the letter in /proc, e.g. T for stopped; empty when there is no such process.
func processState(pid int) string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	return string(raw[bytes.LastIndexByte(raw, ')')+2])
}

func only(t *testing.T, p *Pool) Info {
	t.Helper()
	var list []Info
	eventually(t, "one environment", func() bool { list = p.Environments(); return len(list) == 1 })
	return list[0]
}

func TestAnEnvironmentIsReusedAndFrozenBetweenCalls(t *testing.T) {
	p, _ := newPool(t, Options{}, map[string]string{})
	first := send(t, p, `{"echo":"a"}`)
	if string(first.Payload) != `{"echo":"a"}` || first.Init <= 0 || first.Environment != 1 {
		t.Fatalf("first: %s, init %v, environment %d", first.Payload, first.Init, first.Environment)
	}
	eventually(t, "frozen", func() bool { i := only(t, p); return i.State == "frozen" && processState(i.PID) == "T" })
	second := send(t, p, `{"echo":"b"}`)
	if string(second.Payload) != `{"echo":"b"}` || second.Init != 0 || second.Environment != 1 {
		t.Fatalf("second: %s, init %v, environment %d", second.Payload, second.Init, second.Environment)
	}
}

func TestTheProcessGetsLambdasVariablesAndTheDeadline(t *testing.T) {
	p, out := newPool(t, Options{BaseEnv: map[string]string{"AWS_ACCESS_KEY_ID": "mine"}}, map[string]string{"OWN": "x"})
	var v map[string]string
	if err := json.Unmarshal(send(t, p, `{"env":true}`).Payload, &v); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"AWS_LAMBDA_FUNCTION_NAME": "F", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "_HANDLER": "bootstrap", "AWS_REGION": "us-east-1",
		"AWS_ACCESS_KEY_ID": "mine", "OWN": "x", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "arn": "arn:f", "HOME": "",
	} {
		if v[name] != want {
			t.Errorf("%s = %q, want %q", name, v[name], want)
		}
	}
	if !strings.HasPrefix(v["trace"], "Root=1-") {
		t.Errorf("trace %q", v["trace"])
	}
	var left time.Duration
	if _, err := fmt.Sscan(v["left"], (*int64)(&left)); err != nil || left <= 0 || left > 2*time.Second {
		t.Errorf("time left %v (%v), want just under 2 s", left, err)
	}
	eventually(t, "output", func() bool { return out.has("F#1 stdout hello") })
}

func TestCallsAtOnceGetAnEnvironmentEach(t *testing.T) {
	p, _ := newPool(t, Options{}, map[string]string{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[int]bool{}
	for range 3 {
		wg.Go(func() {
			r := send(t, p, `{"meet":3,"dir":"`+t.TempDir()+`"}`)
			mu.Lock()
			defer mu.Unlock()
			seen[r.Environment] = true
		})
	}
	wg.Wait()
	if len(seen) != 3 {
		t.Fatalf("environments %v, want three", seen)
	}
}

func TestCallsAboveTheLimitWaitTheirTurn(t *testing.T) {
	p, _ := newPool(t, Options{Max: 1}, map[string]string{})
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if r := send(t, p, `{"echo":"x"}`); r.Environment != 1 {
				t.Errorf("environment %d", r.Environment)
			}
		})
	}
	wg.Wait()
}

func TestEndsAreReportedAsLambdaWordsThem(t *testing.T) {
	for name, c := range map[string]struct{ event, want string }{
		"function error": {`{"fail":"Unauthorized"}`, `"errorMessage":"Unauthorized"`},
		"exit":           {`{"exit":3}`, "Runtime exited with error: exit status 3"},
		"time-out":       {`{"hang":true}`, "Task timed out after 2.00 seconds"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := newPool(t, Options{}, map[string]string{})
			r := send(t, p, c.event)
			if r.FunctionError == "" || !strings.Contains(string(r.Payload), c.want) {
				t.Fatalf("%q %s, want %s", r.FunctionError, r.Payload, c.want)
			}
			if r := send(t, p, `{"echo":"after"}`); r.FunctionError != "" {
				t.Fatalf("the next call: %s", r.Payload)
			}
		})
	}
}

func TestInitErrorFailsTheCallThatWaited(t *testing.T) {
	p, _ := newPool(t, Options{}, map[string]string{"TEST_INIT": "broken"})
	r := send(t, p, `{}`)
	if r.FunctionError == "" || !strings.Contains(string(r.Payload), "no table") {
		t.Fatalf("%q %s", r.FunctionError, r.Payload)
	}
}

func TestAKilledIdleEnvironmentCostsNoCall(t *testing.T) {
	p, _ := newPool(t, Options{}, map[string]string{})
	send(t, p, `{"echo":"a"}`)
	pid := only(t, p).PID
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "noticed", func() bool { return len(p.Environments()) == 0 })
	if r := send(t, p, `{"echo":"b"}`); r.FunctionError != "" || r.Environment != 2 {
		t.Fatalf("%q %s in %d", r.FunctionError, r.Payload, r.Environment)
	}
}

func TestIdleEnvironmentsAreShutDown(t *testing.T) {
	for name, c := range map[string]struct {
		extension string
		flushed   bool
	}{"with an extension: SIGTERM first": {"1", true}, "without: killed": {"", false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "flushed")
			p, _ := newPool(t, Options{Idle: 50 * time.Millisecond}, map[string]string{"TEST_EXTENSION": c.extension, "TEST_FLUSH": file})
			send(t, p, `{"echo":"a"}`)
			eventually(t, "no environment", func() bool { return len(p.Environments()) == 0 })
			if _, err := os.Stat(file); (err == nil) != c.flushed {
				t.Fatalf("flushed: %v, want %v", err == nil, c.flushed)
			}
		})
	}
}

func TestAnEnvironmentThatIgnoresSIGTERMIsKilledAfterTheGrace(t *testing.T) {
	p, out := newPool(t, Options{Grace: 50 * time.Millisecond}, map[string]string{"TEST_EXTENSION": "deaf"})
	send(t, p, `{"echo":"a"}`)
	pid := only(t, p).PID
	p.Close(t.Context())
	if s := processState(pid); s != "" && s != "Z" {
		t.Fatalf("process is still there: %s", s)
	}
	if !out.has("did not end") {
		t.Fatal("nothing was said about it")
	}
}

func TestCloseFlushesAndRefusesNewCalls(t *testing.T) {
	file := filepath.Join(t.TempDir(), "flushed")
	p, out := newPool(t, Options{}, map[string]string{"TEST_EXTENSION": "1", "TEST_FLUSH": file})
	send(t, p, `{"echo":"a"}`)
	p.Close(t.Context())
	if _, err := os.Stat(file); err != nil {
		t.Fatalf("not flushed: %v", out.all)
	}
	if _, err := p.Call(t.Context(), "F", []byte(`{}`), ""); err == nil {
		t.Fatal("a call after Close was taken")
	}
}

func TestAnInvokeExtensionWorksAfterTheAnswerAndBeforeTheFreeze(t *testing.T) {
	file := filepath.Join(t.TempDir(), "after")
	p, _ := newPool(t, Options{}, map[string]string{"TEST_EXTENSION": "invoke", "TEST_AFTER": file})
	send(t, p, `{"echo":"a"}`)
	if err := os.WriteFile(file+".go", nil, 0o600); err != nil { // the extension waits for it: a frozen one never sees it
		t.Fatal(err)
	}
	eventually(t, "the extension's work", func() bool { _, err := os.Stat(file); return err == nil })
	eventually(t, "frozen", func() bool { return only(t, p).State == "frozen" })
	if r := send(t, p, `{"echo":"b"}`); string(r.Payload) != `{"echo":"b"}` {
		t.Fatalf("%s", r.Payload)
	}
}

func TestUnknownFunctionsAndLargePayloadsAreRefused(t *testing.T) {
	p, _ := newPool(t, Options{}, map[string]string{})
	if _, err := p.Call(t.Context(), "G", nil, ""); err == nil {
		t.Fatal("an unknown function was called")
	}
	if _, err := p.Call(t.Context(), "F", make([]byte, MaxRequest+1), ""); err == nil {
		t.Fatal("a payload above 6 MB was taken")
	}
}

func TestChildrenDieWithARunnerThatIsKilled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	cmd := exec.Command(self(t))
	cmd.Env = append(os.Environ(), "TEST_ROLE=parent", "TEST_PID="+file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	// A child at work: a frozen one would get SIGHUP from the kernel anyway, and a waiting one would miss its Runtime API.
	eventually(t, "a child at work", func() bool {
		raw, err := os.ReadFile(file)
		if err == nil {
			_, err = fmt.Sscan(string(raw), &pid)
		}
		return err == nil && processState(pid) != ""
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	eventually(t, "the child's death", func() bool { s := processState(pid); return s == "" || s == "Z" })
}

func BenchmarkWarmCall(b *testing.B) {
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	p := New([]Function{{Name: "F", Bootstrap: exe, Env: map[string]string{"TEST_ROLE": "bootstrap"}}}, Options{})
	defer p.Close(context.Background())
	for b.Loop() {
		if _, err := p.Call(b.Context(), "F", []byte(`{"echo":"x"}`), ""); err != nil {
			b.Fatal(err)
		}
	}
}
