package restapi

import (
	"net/http"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"latchkey/infra/local/template"
	"latchkey/infra/local/wire"
)

// Gateway response types that the runner can produce.
const (
	unauthorized                 = "UNAUTHORIZED"
	accessDenied                 = "ACCESS_DENIED"
	authorizerFailure            = "AUTHORIZER_FAILURE"
	authorizerConfigurationError = "AUTHORIZER_CONFIGURATION_ERROR"
	invalidAPIKey                = "INVALID_API_KEY"
	missingToken                 = "MISSING_AUTHENTICATION_TOKEN"
	badRequest                   = "BAD_REQUEST"
	requestTooLarge              = "REQUEST_TOO_LARGE"
	throttled                    = "THROTTLED"
	unsupportedMediaType         = "UNSUPPORTED_MEDIA_TYPE"
	integrationFailure           = "INTEGRATION_FAILURE"
	integrationTimeout           = "INTEGRATION_TIMEOUT"
	badGateway                   = "BAD_GATEWAY" // not a type of API Gateway: a function's answer that can't be read falls to DEFAULT_5XX
)

// builtIn is API Gateway's own response where the template defines none.
type builtIn struct {
	status  int
	message string // empty: null
	kind    string // x-amzn-ErrorType
}

var builtIns = map[string]builtIn{
	unauthorized:                 {401, "Unauthorized", "UnauthorizedException"},
	accessDenied:                 {403, "", "AccessDeniedException"},
	authorizerFailure:            {500, "", "AuthorizerConfigurationException"},
	authorizerConfigurationError: {500, "", "AuthorizerConfigurationException"},
	invalidAPIKey:                {403, "Forbidden", "ForbiddenException"},
	missingToken:                 {403, "Missing Authentication Token", "MissingAuthenticationTokenException"},
	requestTooLarge:              {413, "Request Too Long", "RequestTooLargeException"},
	integrationFailure:           {504, "Network error communicating with endpoint", "InternalServerErrorException"},
	integrationTimeout:           {504, "Endpoint request timed out", "InternalServerErrorException"},
	badGateway:                   {502, "Internal server error", "InternalServerErrorException"},
	badRequest:                   {400, "Bad Request", "BadRequestException"},
	throttled:                    {429, "Too Many Requests", "TooManyRequestsException"},
	unsupportedMediaType:         {415, "Unsupported Media Type", "UnsupportedMediaTypeException"},
	"MOCK_FAILURE":               {500, "Internal server error", "InternalServerErrorException"},
}

// gatewayResponse is the template's word on one type.
type gatewayResponse struct {
	status    int    // 0: the type's own
	headers   []pair // name, source
	mediaType string // of the body
	body      string
	hasBody   bool
}

func newGatewayResponse(m template.Map) *gatewayResponse {
	g := &gatewayResponse{status: m.Int("StatusCode", 0)}
	headers := m.Map("ResponseParameters").Map("Headers")
	for name := range headers {
		g.headers = append(g.headers, pair{name, headers.Text(name)})
	}
	g.templates(m.Map("ResponseTemplates"))
	return g
}

// newBodyGatewayResponse reads the spelling of an OpenAPI body.
func newBodyGatewayResponse(m template.Map) *gatewayResponse {
	g := &gatewayResponse{status: m.Int("statusCode", 0)}
	for name, v := range m.Map("responseParameters") {
		if h, ok := strings.CutPrefix(name, "gatewayresponse.header."); ok {
			g.headers = append(g.headers, pair{h, template.Text(v)})
		}
	}
	g.templates(m.Map("responseTemplates"))
	return g
}

func (g *gatewayResponse) templates(m template.Map) {
	sort.Slice(g.headers, func(i, j int) bool { return g.headers[i].name < g.headers[j].name })
	for media := range m {
		if !g.hasBody || media == "application/json" {
			g.mediaType, g.body, g.hasBody = media, m.Text(media), true
		}
	}
}

// gateway answers with a gateway response, as the template or API Gateway words it.
func (x *exchange) gateway(kind string) wire.Response {
	return x.gatewayStatus(kind, 0, "")
}

// gatewayStatus is gateway for a type whose built-in status and message differ from case to case.
func (x *exchange) gatewayStatus(kind string, status int, message string) wire.Response {
	std := builtIns[kind]
	if status == 0 {
		status = std.status
	}
	if message == "" {
		message = std.message
	}
	if x.problem.message == "" {
		x.problem.message = message
	}
	x.problem.kind = kind
	x.line.Code = strings.ToLower(kind)
	if x.auth != nil {
		if code, ok := x.auth.contextValue("code"); ok {
			x.line.Code = code
		}
	}
	// A type that the template names inherits nothing from the defaults.
	g := x.api.responses[kind]
	if g == nil {
		g = x.api.responses["DEFAULT_"+strconv.Itoa(status/100)+"XX"]
	}
	if g == nil {
		g = &gatewayResponse{}
	}
	if g.status != 0 {
		status = g.status
	}
	resp := wire.Response{Status: status, Headers: make([]wire.Field, 0, len(g.headers)+4)}
	media := "application/json"
	if g.hasBody {
		resp.Body, media = []byte(x.render(g.body)), g.mediaType
	} else {
		resp.Body = x.builtInBody(kind)
	}
	for _, h := range g.headers {
		v, ok := x.source(h.value)
		switch {
		case strings.EqualFold(h.name, "Content-Type") && ok:
			media = v
		case ok && v != "" && !strings.ContainsAny(v, "\r\n"):
			resp.Headers = append(resp.Headers, wire.Field{Name: h.name, Value: v})
		}
	}
	resp.Headers = append(resp.Headers, wire.Field{Name: "Content-Type", Value: media},
		wire.Field{Name: "x-amzn-ErrorType", Value: std.kind})
	return resp
}

// untemplated answers as API Gateway does before it looks at any gateway response: what is no request or has too large a
// head, and 413, whose response can't be customised.
func (x *exchange) untemplated(kind string, status int) wire.Response {
	message := http.StatusText(status)
	if kind == requestTooLarge {
		message = builtIns[kind].message
	}
	x.problem.kind, x.problem.message = kind, message
	x.line.Code = strings.ToLower(kind)
	return wire.Response{Status: status, Body: x.builtInBody(kind), Headers: []wire.Field{
		{Name: "Content-Type", Value: "application/json"}, {Name: "x-amzn-ErrorType", Value: builtIns[kind].kind},
	}}
}

func (x *exchange) builtInBody(kind string) []byte {
	key := "message"
	if kind == accessDenied {
		key = "Message"
	}
	b := append([]byte(`{"`), key...)
	b = append(b, `":`...)
	return append(append(b, x.messageString()...), '}')
}

// messageString is $context.error.messageString: quoted, or null.
func (x *exchange) messageString() string {
	if x.problem.message == "" {
		return "null"
	}
	return string(appendString(nil, x.problem.message))
}

var variable = regexp.MustCompile(`\$(?:context|stageVariables)(?:\.[A-Za-z0-9_-]+)+`)

// render puts variables into a body template. Nothing is escaped; what isn't known becomes empty.
func (x *exchange) render(body string) string {
	return variable.ReplaceAllStringFunc(body, func(v string) string {
		name, ok := strings.CutPrefix(v, "$context.")
		if !ok {
			return ""
		}
		s, _ := x.contextValue(name)
		return s
	})
}

// source evaluates a mapping expression: 'static', context.…, method.request.….
func (x *exchange) source(s string) (string, bool) {
	if len(s) >= 2 && s[0] == '\'' && s[len(s)-1] == '\'' {
		return s[1 : len(s)-1], true
	}
	if name, ok := strings.CutPrefix(s, "context."); ok {
		return x.contextValue(name)
	}
	if name, ok := strings.CutPrefix(s, "method.request.header."); ok {
		v := x.req.Get(name)
		return v, v != ""
	}
	if name, ok := strings.CutPrefix(s, "method.request.querystring."); ok {
		v := x.queryValue(name)
		return v, v != ""
	}
	if name, ok := strings.CutPrefix(s, "method.request.path."); ok {
		for _, p := range x.params {
			if p.name == name {
				return p.value, true
			}
		}
	}
	return "", false
}

// contextValue returns a $context variable.
func (x *exchange) contextValue(name string) (string, bool) {
	if key, ok := strings.CutPrefix(name, "authorizer."); ok {
		if x.auth == nil {
			return "", false
		}
		return x.auth.contextValue(key)
	}
	path := ""
	if x.resource != nil {
		path = x.resource.path
	}
	switch name {
	case "requestId":
		return x.id, true
	case "extendedRequestId":
		return x.extended, true
	case "httpMethod":
		return x.req.Method, true
	case "path":
		return x.req.Path, true // with the stage of the default URL
	case "resourcePath":
		return path, true
	case "stage":
		return x.api.Stage, true
	case "apiId":
		return x.api.ID, true
	case "accountId":
		return template.AccountID, true
	case "domainName":
		return x.host, true
	case "protocol":
		return "HTTP/1.1", true
	case "requestTime":
		return x.start.UTC().Format("02/Jan/2006:15:04:05 +0000"), true
	case "requestTimeEpoch":
		return epoch(x.start), true
	case "identity.sourceIp":
		return x.req.RemoteIP, true
	case "identity.userAgent":
		return x.req.Get("User-Agent"), true
	case "error.message":
		return x.problem.message, true
	case "error.messageString":
		return x.messageString(), true
	case "error.responseType":
		return x.problem.kind, true
	}
	return "", false
}

// remapped are headers that API Gateway renames in an integration's answer, because it sets them itself.
func remapped(name string) (string, bool) {
	switch http.CanonicalHeaderKey(name) {
	case "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Te", "Trailer", "Upgrade":
		return "", false
	case "Connection", "Content-Length", "Date", "Server", "Www-Authenticate", "Authorization", "Host", "Expect", "Max-Forwards",
		"User-Agent", "X-Amzn-Requestid":
		return "x-amzn-Remapped-" + name, true
	}
	return name, true
}
