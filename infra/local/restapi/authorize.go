package restapi

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"latchkey/infra/local/template"
	"latchkey/infra/local/wire"
)

// authorizer is a Lambda authorizer with its identity sources and cache.
type authorizer struct {
	name     string
	function string
	token    string   // TOKEN authorizer: the header; empty for REQUEST
	sources  []string // header:X, query:x, stage:x, context:x
	ttl      time.Duration

	mu    sync.Mutex
	cache map[string]cached
}

type cached struct {
	out   *output
	until time.Time
}

func (a *API) readAuthorizers(t *template.Template, auth template.Map) error {
	for name := range auth.Map("Authorizers") {
		m := auth.Map("Authorizers").Map(name)
		id := m.Map("Identity")
		z := &authorizer{name: name, ttl: time.Duration(id.Int("ReauthorizeEvery", 300)) * time.Second, cache: map[string]cached{}}
		if z.function = t.FunctionID(m.Text("FunctionArn")); z.function == "" {
			return fmt.Errorf("authorizer %s: no function of the template in %q", name, m.Text("FunctionArn"))
		}
		if z.ttl > time.Hour {
			return fmt.Errorf("authorizer %s: ReauthorizeEvery is at most 3600", name)
		}
		for prop, kind := range map[string]string{"Headers": "header:", "QueryStrings": "query:", "StageVariables": "stage:", "Context": "context:"} {
			for _, s := range id.Texts(prop) {
				z.sources = append(z.sources, kind+s)
			}
		}
		if strings.ToUpper(m.Text("FunctionPayloadType")) != "REQUEST" {
			z.token = id.Text("Header")
			if z.token == "" {
				z.token = "Authorization"
			}
			z.sources = []string{"header:" + z.token}
		}
		if z.ttl > 0 && len(z.sources) == 0 {
			return fmt.Errorf("authorizer %s: with caching on, at least one identity source is needed", name)
		}
		a.authorizers[name] = z
	}
	return nil
}

// authorize asks the method's authorizer; a response means that the call is refused.
func (x *exchange) authorize(ctx context.Context) *wire.Response {
	z := x.method.authorizer
	if z == nil {
		return nil
	}
	refuse := func(kind, detail string) *wire.Response {
		x.line.Detail = detail
		r := x.gateway(kind)
		return &r
	}
	identity, present := x.identity(z)
	if !present {
		return refuse(unauthorized, "")
	}
	arn := "arn:aws:execute-api:" + template.Region + ":" + template.AccountID + ":" + x.api.ID + "/" + x.api.Stage + "/" +
		x.req.Method + x.path
	if len(arn) > maxARN {
		r := x.gatewayStatus(badRequest, 414, "Request-URI Too Long")
		return &r
	}
	out := z.lookup(identity, x.start)
	if out == nil {
		var kind, detail string
		if out, kind, detail = x.ask(ctx, z, arn); out == nil {
			return refuse(kind, detail)
		}
		z.store(identity, out, x.start)
	}
	x.auth = out
	switch out.evaluate(arn) {
	case allow:
		return nil
	case explicitDeny:
		x.problem.message = "User is not authorized to access this resource with an explicit deny"
	case implicitDeny:
		x.problem.message = "User is not authorized to access this resource"
	}
	return refuse(accessDenied, "")
}

// identity joins the identity sources; all of them must be there and not empty.
func (x *exchange) identity(z *authorizer) (string, bool) {
	var b strings.Builder
	for _, s := range z.sources {
		kind, name, _ := strings.Cut(s, ":")
		v := ""
		switch kind {
		case "header":
			v = x.req.Get(name)
		case "query":
			v = x.queryValue(name)
		case "context":
			v, _ = x.contextValue(name)
		}
		if v == "" {
			return "", false
		}
		fmt.Fprintf(&b, "%d:%s", len(v), v)
	}
	return b.String(), true
}

func (x *exchange) queryValue(name string) string {
	v := ""
	for _, p := range parseQuery(x.req.Query) {
		if p.name == name {
			v = p.value
		}
	}
	return v
}

// lookup returns the cached answer. The key is the identity alone: neither method nor path is part of it.
func (z *authorizer) lookup(identity string, now time.Time) *output {
	if z.ttl == 0 {
		return nil
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	c, ok := z.cache[identity]
	if !ok || now.After(c.until) {
		return nil
	}
	return c.out
}

func (z *authorizer) store(identity string, out *output, now time.Time) {
	if z.ttl == 0 {
		return
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if len(z.cache) >= 10000 {
		clear(z.cache)
	}
	z.cache[identity] = cached{out, now.Add(z.ttl)}
}

// ask invokes the function. Without an output, kind is the gateway response and detail is for the log.
func (x *exchange) ask(ctx context.Context, z *authorizer, arn string) (out *output, kind, detail string) {
	e := x.build()
	b := make([]byte, 0, e.size())
	if z.token != "" {
		b = append(b, `{"type":"TOKEN","methodArn":`...)
		b = append(appendString(b, arn), `,"authorizationToken":`...)
		b = append(appendString(b, x.req.Get(z.token)), '}')
	} else {
		b = append(b, `{"type":"REQUEST","methodArn":`...)
		b = append(appendString(b, arn), ',')
		b = e.appendShared(b, "{}")
		b = append(b, '}', '}')
	}
	res, err := x.api.opts.Invoker.Call(ctx, z.function, b, x.trace)
	x.line.Function, x.line.Environment, x.line.Cold = z.function, res.Environment, res.Init > 0
	if err != nil {
		return nil, authorizerFailure, err.Error()
	}
	if res.FunctionError != "" {
		var doc struct {
			Message string `json:"errorMessage"`
		}
		_ = json.Unmarshal(res.Payload, &doc)
		if doc.Message == "Unauthorized" { // exactly
			return nil, unauthorized, ""
		}
		return nil, authorizerFailure, doc.Message
	}
	if out, err = parseOutput(res.Payload); err != nil {
		return nil, authorizerConfigurationError, err.Error()
	}
	return out, "", ""
}
