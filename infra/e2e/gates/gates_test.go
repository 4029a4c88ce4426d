// Package gates drives the authorizer's own binary, many processes of it at once, over the Lambda Runtime API: what a
// whole local stack can't carry.
package gates

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/oklog/ulid/v2"

	"latchkey/infra/local/build"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

var bootstrap, leaks string // the built authorizer, and the function that takes reports of leaks

func TestMain(m *testing.M) {
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "latchkey-gates-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	bootstrap, leaks = filepath.Join(dir, "bootstrap"), filepath.Join(dir, "leaks")
	for binary, folder := range map[string]string{bootstrap: "authorizer", leaks: "functions/leaks"} {
		if out, err := build.Command("../../../"+folder, binary, runtime.GOOS, runtime.GOARCH).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s doesn't build: %v\n%s", folder, err, out)
			return 1
		}
	}
	return m.Run()
}

// table is a real DynamoDB engine behind a proxy that counts the writes of leases.
type table struct {
	db     *dynamodb.Client
	names  dynamo.Tables
	url    string
	leases atomic.Int64
	// bootstrap is another authorizer than the built one, if it isn't empty; set before the first environment starts.
	bootstrap string
	around    func(operation string, forward func()) // set before the first environment starts; may be nil
}

func newTable(t *testing.T) *table {
	t.Helper()
	db, names := keytest.Engine(t)
	target, err := url.Parse(*db.Options().BaseEndpoint)
	if err != nil {
		t.Fatal(err)
	}
	tab := &table{db: db, names: names}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = &http.Transport{MaxIdleConnsPerHost: 64}
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	tab.url = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		if operation == "UpdateItem" {
			tab.leases.Add(1)
		}
		if tab.around == nil {
			proxy.ServeHTTP(w, r)
			return
		}
		tab.around(operation, func() { proxy.ServeHTTP(w, r) })
	}))
	return tab
}

// serve listens on a free port of the loopback until the test ends.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }() // ends with Close
	t.Cleanup(func() { _ = server.Close() })
	return "http://" + l.Addr().String()
}

// key makes a new key with a limit on tiles, and returns its ID and the event of a call with it.
func (tab *table) key(t *testing.T, limit int) (apikey.ID, []byte) {
	t.Helper()
	policy, event := newPolicy(t, limit)
	tab.write(t, policy)
	return policy.KeyID, event
}

// write puts a policy record into the table, in place of what it was.
func (tab *table) write(t *testing.T, policy authz.Policy) {
	t.Helper()
	if _, err := tab.db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &tab.names.Gate, Item: policies.Encode(policy)}); err != nil {
		t.Error(err)
	}
}

// newPolicy is the policy record of a new key, and the event of a call with it.
func newPolicy(t *testing.T, limit int) (authz.Policy, []byte) {
	t.Helper()
	secret, err := apikey.DefaultPrefix.Generate(keytest.Random(uint64(time.Now().UnixNano()))) //nolint:gosec // any number
	if err != nil {
		t.Fatal(err)
	}
	policy := authz.Policy{
		Hash: secret.Hash(), KeyID: keytest.KeyID(), Account: account.ID("acc_" + ulid.Make().String()), AccountType: account.Enterprise,
		Version: 1, Live: true, Products: []product.ID{"map-display"}, Limits: []apikey.Limit{{Class: "map-display.tiles", QPS: limit}},
	}
	return policy, callWith(t, secret)
}

// callWith is the event of a call with a secret.
func callWith(t *testing.T, secret apikey.Secret) []byte {
	t.Helper()
	const path, stage = "/map/1/tile/basic/main/0/0/0.png", "arn:aws:execute-api:us-east-1:000000000000:gates/prod"
	event, err := json.Marshal(map[string]any{
		"type": "REQUEST", "methodArn": stage + "/GET" + path, "path": path, "resource": "/map/{proxy+}", "httpMethod": "GET",
		"headers": map[string]string{"X-Api-Key": secret.Reveal()}, "multiValueHeaders": map[string][]string{"X-Api-Key": {secret.Reveal()}},
		"requestContext": map[string]any{"requestId": "gates", "stage": "prod"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return event
}

// environment is one process of a function, most often the authorizer, with a Runtime API of its own.
type environment struct {
	cmd        *exec.Cmd
	timeout    time.Duration // of a call
	events     chan []byte
	answers    chan []byte // nil: the process reported another error than the one that is a 401
	gone       chan struct{}
	invocation atomic.Int32 // of the call that was handed out last
	diary      *diary       // set before the first call; may be nil
	out        bytes.Buffer // what it printed; complete once it has gone
}

var (
	errGone   = errors.New("the process has ended")
	errFailed = errors.New("the gate failed") // a 503
	errLate   = errors.New("the deadline of the call is over, and nothing has answered it")
)

// start runs an authorizer, which dies with the test.
func (tab *table) start(t *testing.T) *environment {
	t.Helper()
	binary := bootstrap
	if tab.bootstrap != "" {
		binary = tab.bootstrap
	}
	return tab.function(t, "Authorizer", binary, 3*time.Second, "QUOTAS_TABLE="+tab.names.Quotas, "SLICES_TABLE="+tab.names.Slices, "USAGE_PLAN_KEY=plan")
}

// function runs a function, which dies with the test, with variables of its own beside those that each has.
func (tab *table) function(t *testing.T, name, binary string, timeout time.Duration, variables ...string) *environment {
	t.Helper()
	e := &environment{cmd: exec.Command(binary), timeout: timeout, events: make(chan []byte), answers: make(chan []byte, 1), gone: make(chan struct{})}
	api := strings.TrimPrefix(serve(t, e), "http://")
	e.cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + api, "PATH=" + os.Getenv("PATH"), "GOMAXPROCS=1", "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test",
		"AWS_SECRET_ACCESS_KEY=test", "AWS_LAMBDA_FUNCTION_NAME=" + name, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "_HANDLER=bootstrap",
		"DYNAMODB_ENDPOINT=" + tab.url, "GATE_TABLE=" + tab.names.Gate, "LEASES_TABLE=" + tab.names.Leases, "METRICS_NAMESPACE=Latchkey/gates",
	}, variables...)
	e.cmd.Stdout = &e.out
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	go func() {
		// The parent-death signal follows the thread that started the process, so that thread is kept.
		runtime.LockOSThread()
		err := e.cmd.Start()
		started <- err
		if err == nil {
			_ = e.cmd.Wait()
		}
		close(e.gone)
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = e.cmd.Process.Kill()
		<-e.gone
	})
	return e
}

// ServeHTTP is the Runtime API and, for SIGTERM, the Extensions API.
func (e *environment) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/invocation/next"):
		select {
		case event := <-e.events:
			e.note("next")
			h := w.Header()
			h.Set("Lambda-Runtime-Aws-Request-Id", "1") // of every call, as if each were the retry of the one before
			h.Set("Lambda-Runtime-Invocation-Id", fmt.Sprint("call-", e.invocation.Add(1)))
			h.Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(e.timeout).UnixMilli()))
			h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:Authorizer")
			_, _ = w.Write(event)
		case <-r.Context().Done():
		}
	case e.foreign(r):
		e.note("foreign")
		w.WriteHeader(http.StatusGone)
	case strings.HasSuffix(path, "/response"):
		body, _ := io.ReadAll(r.Body)
		e.note("response")
		w.WriteHeader(http.StatusAccepted)
		e.answers <- body
	case strings.HasSuffix(path, "/invocation/1/error"):
		body, _ := io.ReadAll(r.Body)
		e.note("error")
		w.WriteHeader(http.StatusAccepted)
		if !strings.Contains(string(body), `"errorMessage":"Unauthorized"`) {
			body = nil
		}
		e.answers <- body
	case strings.HasSuffix(path, "/extension/register"):
		w.Header().Set("Lambda-Extension-Identifier", "gates")
		_, _ = io.WriteString(w, "{}")
	default: // extension/event/next
		<-r.Context().Done()
	}
}

// foreign reports whether an answer names another call than the one that was handed out last. AWS's client for Go names none.
func (e *environment) foreign(r *http.Request) bool {
	echoed := r.Header.Get("Lambda-Runtime-Invocation-Id")
	return echoed != "" && echoed != fmt.Sprint("call-", e.invocation.Load())
}

func (e *environment) note(line string) {
	if e.diary != nil {
		e.diary.note(line)
	}
}

// call makes one call. Admitted is what the gateway would let through.
func (e *environment) call(event []byte) (admitted bool, err error) {
	answer, err := e.invoke(event)
	return strings.Contains(string(answer), `"usageIdentifierKey":"plan"`), err
}

// invoke has a function answer an event.
func (e *environment) invoke(event []byte) (answer []byte, err error) {
	select {
	case e.events <- event:
	case <-e.gone:
		return nil, errGone
	}
	late := time.NewTimer(e.timeout + 10*time.Second) // no answer is posted after the deadline
	defer late.Stop()
	select {
	case answer := <-e.answers:
		if answer == nil {
			return nil, errFailed
		}
		return answer, nil
	case <-late.C:
		return nil, errLate
	case <-e.gone:
		return nil, errGone
	}
}

// end ends the process as Lambda does, between two calls.
func (e *environment) end() {
	_ = e.cmd.Process.Signal(syscall.SIGTERM)
	<-e.gone
}

// wait lets time pass, or ends early with the context.
func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
