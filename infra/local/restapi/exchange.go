package restapi

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"regexp"
	"time"

	"latchkey/infra/local/environments"
	"latchkey/infra/local/wire"
)

// exchange is one request on its way through an API.
type exchange struct {
	api      *API
	req      *wire.Request
	start    time.Time
	id       string // request ID
	extended string
	trace    string
	host     string
	path     string // without the stage of the default URL, with one slash in front
	resource *resource
	method   *method
	params   []param
	event    event
	auth     *output // nil before the authorizer has answered
	line     Line
	problem  struct{ kind, message string } // of a gateway response, for $context.error.*
}

// Server returns a wire server for the API.
func (a *API) Server() *wire.Server {
	return &wire.Server{Handler: a.Serve, MaxBody: maxPayload, MaxHead: 64 << 10, Refuse: a.refuse}
}

// Serve answers one request.
func (a *API) Serve(r *wire.Request) wire.Response {
	x := a.exchange(r)
	resp := x.serve()
	x.finish(&resp)
	return resp
}

// The parts of a client's trace that are taken over.
var (
	traceRoot    = regexp.MustCompile(`^(?:Self=[^;]*;)?(Root=1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|$)`)
	traceParent  = regexp.MustCompile(`;(Parent=[0-9a-f]{16})(?:;|$)`)
	traceSampled = regexp.MustCompile(`;(Sampled=[01])(?:;|$)`)
)

// traceOf is the trace of a call: the client's, or a new one; a parent is added where it names none.
func traceOf(sent string) string {
	made := environments.TraceHeader()
	root := traceRoot.FindStringSubmatch(sent)
	if root == nil {
		return made
	}
	trace := root[1]
	for _, part := range []*regexp.Regexp{traceParent, traceSampled} {
		found := part.FindStringSubmatch(sent)
		if found == nil {
			found = part.FindStringSubmatch(made)
		}
		trace += ";" + found[1]
	}
	return trace
}

func (a *API) exchange(r *wire.Request) *exchange {
	r.Trailers = nil // which reach nobody, and are no headers
	x := &exchange{api: a, req: r, start: time.Now()}
	var b [25]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	var h [36]byte
	hex.Encode(h[0:8], b[0:4])
	hex.Encode(h[9:13], b[4:6])
	hex.Encode(h[14:18], b[6:8])
	hex.Encode(h[19:23], b[8:10])
	hex.Encode(h[24:36], b[10:16])
	h[8], h[13], h[18], h[23] = '-', '-', '-', '-'
	x.id = string(h[:])
	if chosen := r.Get("X-Amzn-RequestId"); chosen != "" {
		x.id = chosen // clients can override this one, and not the extended one
	}
	x.extended = base64.RawURLEncoding.EncodeToString(b[16:]) + "=="
	x.trace = traceOf(r.Get("X-Amzn-Trace-Id"))
	x.host = r.Get("Host")
	x.path = r.Path
	x.line = Line{API: a.Name, Method: r.Method, Path: masked(r.Path)}
	return x
}

// refuse answers what the wire server couldn't hand over.
func (a *API) refuse(status int) wire.Response {
	x := a.exchange(&wire.Request{Method: "-", Path: "-"})
	kind := badRequest
	if status == http.StatusRequestEntityTooLarge {
		kind = requestTooLarge
	}
	resp := x.untemplated(kind, status)
	x.finish(&resp)
	return resp
}

// finish adds what every answer carries and writes the line in the log.
func (x *exchange) finish(resp *wire.Response) {
	resp.Headers = append(resp.Headers, wire.Field{Name: "x-amzn-RequestId", Value: x.id},
		wire.Field{Name: "x-amz-apigw-id", Value: x.extended})
	if x.api.opts.Log != nil {
		x.line.Status, x.line.Took = resp.Status, time.Since(x.start)
		x.api.opts.Log(x.line)
	}
}

func (x *exchange) serve() wire.Response {
	if x.req.HeadSize > maxHead {
		return x.untemplated(badRequest, http.StatusRequestHeaderFieldsTooLarge)
	}
	if why := unserved(x.req); why != "" {
		x.line.Detail = why
		return x.gateway(badRequest)
	}
	if !x.cutStage() {
		return noSuchStage()
	}
	if x.route(); x.method == nil {
		return x.gateway(missingToken)
	}
	if x.throttled() {
		return x.gateway(throttled)
	}
	ctx, cancel := context.WithTimeout(context.Background(), maxWait)
	defer cancel()
	if refused := x.authorize(ctx); refused != nil {
		return *refused
	}
	if x.method.keyRequired && !x.keyKnown() {
		return x.gateway(invalidAPIKey)
	}
	ctx, cancel = context.WithTimeout(context.Background(), x.method.integration.timeout)
	defer cancel()
	switch x.method.integration.kind {
	case "aws_proxy":
		return x.lambda(ctx)
	case "http_proxy":
		return x.upstream(ctx)
	default:
		return x.mock()
	}
}

func (x *exchange) keyKnown() bool {
	key := x.req.Get("X-Api-Key")
	if x.api.keySource == "AUTHORIZER" {
		key = ""
		if x.auth != nil {
			key = x.auth.usageKey
		}
	}
	return key != "" && x.api.keys[key]
}
