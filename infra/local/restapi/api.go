// Package restapi plays API Gateway's REST APIs: routes, authorizers, usage-plan keys, integrations and gateway responses,
// read from the template.
package restapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"latchkey/infra/local/environments"
	"latchkey/infra/local/template"
)

// Limits of API Gateway.
const (
	maxPayload = 10 << 20
	maxHead    = 10240 // request line and headers, in bytes
	maxARN     = 1600  // method ARN that an authorizer is asked about
	maxWait    = 29 * time.Second
)

// Invoker calls functions; the pool of environments is one.
type Invoker interface {
	Call(ctx context.Context, function string, payload []byte, trace string) (environments.Result, error)
}

// Line is the log line of one call.
type Line struct {
	API, Method, Path string // the path without its query
	Status            int
	Code              string // why it was refused; empty if an integration answered
	Took              time.Duration
	Function          string // empty if no function answered
	Environment       int
	Cold              bool
	Detail            string // why the gateway failed, for the developer
}

// Options of an API.
type Options struct {
	Invoker Invoker
	Log     func(Line)             // may be nil
	Secret  func(id string) string // resolves {{resolve:secretsmanager:id}}; may be nil
	// Unthrottled leaves all throttles out: for measurements and load.
	Unthrottled bool
}

// API is one REST API. Handler is its wire handler.
type API struct {
	Name, ID, Stage string

	opts        Options
	root        node
	methods     map[string]*method // by the verb, or ANY, and the path as the template has it
	authorizers map[string]*authorizer
	keySource   string
	keys        map[string]bool
	binary      []string
	bucket      *bucket // of the stage; nil: no throttle
	responses   map[string]*gatewayResponse
	transport   http.RoundTripper
}

// method is one operation of a resource.
type method struct {
	authorizer  *authorizer // nil: open
	keyRequired bool
	bucket      *bucket // nil: that of the stage
	integration integration
}

type integration struct {
	kind            string // aws_proxy, http_proxy, mock
	function        string
	verb            string // http_proxy: method towards the upstream, ANY passes the client's
	uri             string
	timeout         time.Duration
	parameters      []pair // integration.request.… = source
	contentHandling string
	passthrough     string         // passthroughBehavior, in lower case
	mockStatus      map[string]int // by the media type of the request
	mocks           map[int]mockResponse
}

type mockResponse struct {
	status  int
	headers []pair
	body    string
}

// New reads an AWS::Serverless::Api resource.
func New(t *template.Template, r *template.Resource, o Options) (*API, error) {
	p, err := t.Properties(r)
	if err != nil {
		return nil, err
	}
	a := &API{
		Name: r.ID, ID: template.APIID(r.ID), Stage: p.Text("StageName"), opts: o,
		methods: map[string]*method{}, authorizers: map[string]*authorizer{}, keySource: p.Text("ApiKeySourceType"), responses: map[string]*gatewayResponse{},
		transport: newTransport(),
	}
	for _, b := range p.Texts("BinaryMediaTypes") {
		a.binary = append(a.binary, strings.ToLower(strings.ReplaceAll(b, "~1", "/")))
	}
	if err := a.readAuthorizers(t, p.Map("Auth")); err != nil {
		return nil, fmt.Errorf("%s: %w", r.ID, err)
	}
	for kind, v := range p.Map("GatewayResponses") {
		m, _ := v.(map[string]any)
		a.responses[kind] = newGatewayResponse(m)
	}
	if a.keys, err = usagePlanKeys(t, a.ID); err != nil {
		return nil, err
	}
	body := p.Map("DefinitionBody")
	if body == nil {
		return nil, fmt.Errorf("%s: the local runner needs a DefinitionBody", r.ID)
	}
	for kind, v := range body.Map("x-amazon-apigateway-gateway-responses") {
		m, _ := v.(map[string]any)
		a.responses[kind] = newBodyGatewayResponse(m)
	}
	if err := a.readPaths(t, p.Map("Auth"), body.Map("paths")); err != nil {
		return nil, fmt.Errorf("%s: %w", r.ID, err)
	}
	if err := a.throttle(p.Maps("MethodSettings")); err != nil {
		return nil, fmt.Errorf("%s: %w", r.ID, err)
	}
	return a, nil
}

const (
	anyMethod  = "x-amazon-apigateway-any-method"
	anyOfSeven = "ANY"
)

var verbs = map[string]bool{"get": true, "put": true, "post": true, "delete": true, "options": true, "head": true, "patch": true}

func (a *API) readPaths(t *template.Template, auth, paths template.Map) error {
	for path := range paths {
		res := &resource{path: path, methods: map[string]*method{}}
		for verb, v := range paths.Map(path) {
			op, _ := v.(map[string]any)
			if !verbs[verb] && verb != anyMethod {
				continue
			}
			m, err := a.readMethod(t, auth, verb, op)
			if err != nil {
				return fmt.Errorf("%s %s: %w", verb, path, err)
			}
			name := strings.ToUpper(verb)
			if verb == anyMethod {
				name = anyOfSeven
			}
			res.methods[name], a.methods[name+" "+path] = m, m
		}
		if err := a.root.add(path, res); err != nil {
			return err
		}
	}
	return nil
}

// readMethod applies SAM's defaults for authorizers and keys, then reads the integration.
func (a *API) readMethod(t *template.Template, auth template.Map, verb string, op template.Map) (*method, error) {
	m := &method{}
	named, none, key := a.security(op)
	preflight := verb == "options"
	switch def := auth.Text("DefaultAuthorizer"); {
	case named != "":
		m.authorizer = a.authorizers[named]
	case none || def == "" || preflight && !auth.Bool("AddDefaultAuthorizerToCorsPreflight", true):
	case a.authorizers[def] == nil:
		return nil, fmt.Errorf("the local runner doesn't know the authorizer %s", def)
	default:
		m.authorizer = a.authorizers[def]
	}
	m.keyRequired = auth.Bool("ApiKeyRequired", false) && (!preflight || auth.Bool("AddApiKeyRequiredToCorsPreflight", true))
	if key != nil {
		m.keyRequired = *key
	}
	var err error
	m.integration, err = a.readIntegration(t, op.Map("x-amazon-apigateway-integration"))
	return m, err
}

// security reads an operation's own security list: an authorizer's name, NONE, api_key or api_key_false.
func (a *API) security(op template.Map) (named string, none bool, key *bool) {
	yes, no := true, false
	for _, s := range op.Maps("security") {
		for name := range s {
			switch {
			case name == "NONE":
				none = true
			case name == "api_key":
				key = &yes
			case name == "api_key_false":
				key = &no
			case a.authorizers[name] != nil:
				named = name
			}
		}
	}
	return named, none, key
}

func (a *API) readIntegration(t *template.Template, m template.Map) (integration, error) {
	in := integration{
		kind: strings.ToLower(m.Text("type")), verb: strings.ToUpper(m.Text("httpMethod")), uri: m.Text("uri"),
		timeout:         time.Duration(m.Int("timeoutInMillis", 29000)) * time.Millisecond,
		contentHandling: m.Text("contentHandling"), passthrough: strings.ToLower(m.Text("passthroughBehavior")),
	}
	in.timeout = min(in.timeout, maxWait)
	for to, from := range m.Map("requestParameters") {
		in.parameters = append(in.parameters, pair{to, a.resolve(template.Text(from))})
	}
	switch in.kind {
	case "aws_proxy":
		if in.function = t.FunctionID(in.uri); in.function == "" {
			return in, fmt.Errorf("no function of the template in %s", in.uri)
		}
	case "http_proxy":
		if !strings.HasPrefix(in.uri, "http://") && !strings.HasPrefix(in.uri, "https://") {
			return in, fmt.Errorf("%q is no URL", in.uri)
		}
	case "mock":
		return in, in.readMock(m)
	default:
		return in, fmt.Errorf("the local runner doesn't play integrations of type %q", in.kind)
	}
	return in, nil
}

// resolve puts in secrets that CloudFormation would resolve.
func (a *API) resolve(s string) string {
	const open = "{{resolve:secretsmanager:"
	for {
		before, rest, ok := strings.Cut(s, open)
		ref, after, closed := strings.Cut(rest, "}}")
		if !ok || !closed {
			return s
		}
		value := ""
		if a.opts.Secret != nil {
			value = a.opts.Secret(strings.TrimSuffix(ref, ":SecretString"))
		}
		s = before + value + after
	}
}

// usagePlanKeys returns the values of the enabled keys in the usage plans of one API.
func usagePlanKeys(t *template.Template, apiID string) (map[string]bool, error) {
	values := map[string]string{}
	plans := map[string]bool{}
	err := each(t, "AWS::ApiGateway::ApiKey", func(id string, p template.Map) {
		if p.Bool("Enabled", false) {
			values[id] = p.Text("Value")
		}
	})
	if err != nil {
		return nil, err
	}
	err = each(t, "AWS::ApiGateway::UsagePlan", func(id string, p template.Map) {
		for _, s := range p.Maps("ApiStages") {
			plans[id] = plans[id] || s.Text("ApiId") == apiID
		}
	})
	if err != nil {
		return nil, err
	}
	keys := map[string]bool{}
	return keys, each(t, "AWS::ApiGateway::UsagePlanKey", func(_ string, p template.Map) {
		if v := values[p.Text("KeyId")]; v != "" && plans[p.Text("UsagePlanId")] {
			keys[v] = true
		}
	})
}

func each(t *template.Template, kind string, do func(id string, p template.Map)) error {
	list, err := t.Of(kind)
	if err != nil {
		return err
	}
	for _, r := range list {
		p, err := t.Properties(r)
		if err != nil {
			return err
		}
		do(r.ID, p)
	}
	return nil
}
