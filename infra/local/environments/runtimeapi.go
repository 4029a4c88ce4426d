package environments

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"latchkey/infra/local/wire"
)

// extension is one that the process has registered from inside.
type extension struct {
	invoke bool // wants INVOKE events
	waits  bool // is in "event/next", so it doesn't keep the environment from freezing
	events chan *call
}

const (
	runtimePrefix   = "/2018-06-01/runtime/"
	extensionPrefix = "/2020-01-01/extension/"
)

// serve is the Runtime API and the Extensions API of one environment.
func (e *environment) serve(r *wire.Request) wire.Response {
	if rest, ok := strings.CutPrefix(r.Path, runtimePrefix); ok {
		switch {
		case rest == "invocation/next" && r.Method == http.MethodGet:
			return e.next()
		case rest == "init/error" && r.Method == http.MethodPost:
			e.lane.mu.Lock()
			e.initFailure = r.Body
			e.lane.mu.Unlock()
			return accepted()
		case strings.HasPrefix(rest, "invocation/") && r.Method == http.MethodPost:
			id, what, _ := strings.Cut(rest[len("invocation/"):], "/")
			return e.answer(r, id, what)
		}
	}
	if rest, ok := strings.CutPrefix(r.Path, extensionPrefix); ok {
		switch {
		case rest == "register" && r.Method == http.MethodPost:
			return e.register(r)
		case rest == "event/next" && r.Method == http.MethodGet:
			return e.nextEvent(r)
		case (rest == "init/error" || rest == "exit/error") && r.Method == http.MethodPost:
			return accepted()
		}
	}
	return problem(http.StatusNotFound, "InvalidRequest", "no such path")
}

// next blocks until there is a call for this environment.
func (e *environment) next() wire.Response {
	l := e.lane
	l.mu.Lock()
	e.timeoutIfOver()
	if e.asked || e.current != nil {
		l.mu.Unlock()
		return problem(http.StatusForbidden, "InvalidStateTransition", "an invocation is in progress")
	}
	e.asked = true
	e.readyIfQuiet()
	l.mu.Unlock()
	select {
	case c := <-e.work:
		l.mu.Lock()
		c.taken = true
		l.mu.Unlock()
		return wire.Response{Status: http.StatusOK, Headers: []wire.Field{
			{Name: "Content-Type", Value: "application/json"},
			{Name: "Lambda-Runtime-Aws-Request-Id", Value: c.id},
			{Name: "Lambda-Runtime-Invocation-Id", Value: c.invocation},
			{Name: "Lambda-Runtime-Deadline-Ms", Value: strconv.FormatInt(c.deadline.UnixMilli(), 10)},
			{Name: "Lambda-Runtime-Invoked-Function-Arn", Value: l.fn.ARN},
			{Name: "Lambda-Runtime-Trace-Id", Value: c.trace},
		}, Body: c.payload}
	case <-e.exited:
		return problem(http.StatusGone, "Gone", "the environment has ended")
	}
}

// readyIfQuiet offers the environment for work once the runtime and all extensions wait. The caller holds the lane's mutex.
func (e *environment) readyIfQuiet() {
	if !e.asked || e.stopWanted || e.state == idle || e.state == stopping || e.state == dead {
		return
	}
	for _, x := range e.extensions {
		if !x.waits {
			return
		}
	}
	e.lane.ready(e)
}

// timeoutIfOver doesn't wait for the timer, so that what comes after the deadline never finds its call. The caller holds the lane's mutex.
func (e *environment) timeoutIfOver() {
	if c := e.current; c != nil && time.Now().After(c.deadline) {
		e.timeout(c)
	}
}

// answer takes the response or the error of the invocation in progress.
func (e *environment) answer(r *wire.Request, id, what string) wire.Response {
	res := Result{Payload: r.Body, Environment: e.number}
	switch what {
	case "response":
		if kind := r.Get("Lambda-Runtime-Function-Error-Type"); kind != "" { // failed in the middle of a streamed body
			res.FunctionError = "Unhandled"
		}
		if len(r.Body) > MaxResponse {
			res = failure("Function.ResponseSizeTooLarge",
				fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", MaxResponse))
			res.Environment = e.number
		}
	case "error":
		res.FunctionError = "Unhandled"
	default:
		return problem(http.StatusNotFound, "InvalidRequest", "no such path")
	}
	e.lane.mu.Lock()
	defer e.lane.mu.Unlock()
	e.timeoutIfOver()
	c := e.current
	// AWS's client for Go doesn't know the header, and isn't asked for it: its answers are told apart by their request ID alone.
	if echoed := r.Get("Lambda-Runtime-Invocation-Id"); echoed != "" && (c == nil || echoed != c.invocation) {
		return problem(http.StatusGone, "InvocationGone", "the answer is late, or another invocation's")
	}
	if c == nil || c.id != id {
		return problem(http.StatusBadRequest, "InvalidRequestID", errNoRequest.Error())
	}
	e.current, e.finishing = nil, true
	e.lane.finishing++
	res.Init, e.initTook = e.initTook, 0
	c.finish(res)
	e.lane.notify()
	return accepted()
}

func (e *environment) register(r *wire.Request) wire.Response {
	var body struct {
		Events []string `json:"events"`
	}
	if r.Get("Lambda-Extension-Name") == "" || len(r.Body) > 0 && json.Unmarshal(r.Body, &body) != nil {
		return problem(http.StatusBadRequest, "InvalidRequest", "a name and a list of events are needed")
	}
	x := &extension{events: make(chan *call, 1)}
	for _, event := range body.Events {
		if event != "INVOKE" { // SHUTDOWN is for processes of their own
			return problem(http.StatusForbidden, "ShutdownEventNotSupportedForInternalExtension", event)
		}
		x.invoke = true
	}
	e.lane.mu.Lock()
	defer e.lane.mu.Unlock()
	if e.state != starting {
		return problem(http.StatusForbidden, "Extension.RegistrationClosed", "registration ends with the init phase")
	}
	id := requestID()
	e.extensions[id] = x
	doc, _ := json.Marshal(map[string]string{
		"functionName": e.lane.fn.Name, "functionVersion": "$LATEST", "handler": e.lane.fn.Handler,
	})
	return wire.Response{Status: http.StatusOK, Body: doc, Headers: []wire.Field{
		{Name: "Content-Type", Value: "application/json"}, {Name: "Lambda-Extension-Identifier", Value: id},
	}}
}

// nextEvent blocks until the next INVOKE event; an extension that wants none blocks until the end.
func (e *environment) nextEvent(r *wire.Request) wire.Response {
	e.lane.mu.Lock()
	x := e.extensions[r.Get("Lambda-Extension-Identifier")]
	if x == nil {
		e.lane.mu.Unlock()
		return problem(http.StatusForbidden, "Extension.UnknownExtensionIdentifier", "not registered")
	}
	x.waits = true
	if e.asked {
		e.readyIfQuiet()
	}
	e.lane.mu.Unlock()
	select {
	case c := <-x.events:
		doc, _ := json.Marshal(map[string]any{
			"eventType": "INVOKE", "deadlineMs": c.deadline.UnixMilli(), "requestId": c.id, "invokedFunctionArn": e.lane.fn.ARN,
			"tracing": map[string]string{"type": "X-Amzn-Trace-Id", "value": c.trace},
		})
		return wire.Response{
			Status: http.StatusOK, Body: doc,
			Headers: []wire.Field{{Name: "Content-Type", Value: "application/json"}},
		}
	case <-e.exited:
		return problem(http.StatusGone, "Gone", "the environment has ended")
	}
}

// variables returns the environment that Lambda gives a process.
func (e *environment) variables(api string) []string {
	f, o := &e.lane.fn, e.lane.opts
	v := map[string]string{
		"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "en_US.UTF-8", "TZ": ":UTC",
		"AWS_LAMBDA_RUNTIME_API": api, "AWS_LAMBDA_FUNCTION_NAME": f.Name, "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(f.MemoryMB), "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":  "/aws/lambda/" + f.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME": fmt.Sprintf("%s/[$LATEST]%d-%d", time.Now().UTC().Format("2006/01/02"), e.number, e.started.UnixNano()),
		"AWS_REGION":                 o.Region, "AWS_DEFAULT_REGION": o.Region,
		"_HANDLER": f.Handler, "LAMBDA_TASK_ROOT": e.taskRoot(), "LAMBDA_RUNTIME_DIR": "/var/runtime",
		"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_SESSION_TOKEN": "local",
	}
	if f.JSONLogs {
		v["AWS_LAMBDA_LOG_FORMAT"], v["AWS_LAMBDA_LOG_LEVEL"] = "JSON", "INFO"
	}
	for k, s := range o.BaseEnv {
		v[k] = s
	}
	for k, s := range f.Env {
		v[k] = s
	}
	list := make([]string, 0, len(v))
	for k, s := range v {
		list = append(list, k+"="+s)
	}
	return list
}

func (e *environment) taskRoot() string {
	f := e.lane.fn.Bootstrap
	return f[:strings.LastIndexByte(f, '/')]
}

func accepted() wire.Response {
	return wire.Response{
		Status: http.StatusAccepted, Body: []byte(`{"status":"OK"}`),
		Headers: []wire.Field{{Name: "Content-Type", Value: "application/json"}},
	}
}

func problem(status int, kind, message string) wire.Response {
	doc, _ := json.Marshal(map[string]string{"errorType": kind, "errorMessage": message})
	return wire.Response{Status: status, Body: doc, Headers: []wire.Field{{Name: "Content-Type", Value: "application/json"}}}
}

// failure is the document that Lambda returns in place of an answer.
func failure(kind, message string) Result {
	doc, _ := json.Marshal(map[string]string{"errorType": kind, "errorMessage": message})
	return Result{Payload: doc, FunctionError: "Unhandled"}
}

func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// TraceHeader returns a new X-Ray header that isn't sampled.
func TraceHeader() string {
	var b [20]byte
	_, _ = rand.Read(b[:])
	return fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0;Lineage=1:%x:0", uint32(time.Now().Unix()), b[:12], b[12:20], b[12:16]) //nolint:gosec // the format has 32 bits
}
