package restapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"latchkey/infra/local/environments"
	"latchkey/infra/local/template"
	"latchkey/infra/local/wire"
)

// isBinary says whether the API treats a media type as bytes.
func (a *API) isBinary(media string) bool {
	media, _, _ = strings.Cut(media, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	for _, b := range a.binary {
		if b == "*/*" || b == media {
			return true
		}
		if kind, ok := strings.CutSuffix(b, "/*"); ok && strings.HasPrefix(media, kind+"/") {
			return true
		}
	}
	return false
}

// lambda plays AWS_PROXY.
func (x *exchange) lambda(ctx context.Context) wire.Response {
	in := &x.method.integration
	res, err := x.api.opts.Invoker.Call(ctx, in.function, x.proxyEvent(), x.trace)
	x.line.Function, x.line.Environment, x.line.Cold = in.function, res.Environment, res.Init > 0
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return x.gateway(integrationTimeout)
	case errors.Is(err, environments.ErrTooLarge):
		return x.gateway(requestTooLarge)
	case err != nil:
		x.line.Detail = err.Error()
		return x.gatewayStatus(badGateway, 500, "")
	case res.FunctionError != "":
		x.line.Detail = string(res.Payload)
		return x.gateway(badGateway)
	}
	resp, err := x.readAnswer(res.Payload)
	if err != nil {
		x.line.Detail = "malformed answer: " + err.Error()
		return x.gateway(badGateway)
	}
	return resp
}

func (x *exchange) proxyEvent() []byte {
	e := x.build()
	b := make([]byte, 0, e.size()+len(x.req.Body)*4/3+64)
	b = append(b, '{')
	b = e.appendShared(b, "null")
	if x.auth != nil {
		b = append(b, `,"authorizer":{"principalId":`...)
		b = appendString(b, x.auth.principal)
		for _, p := range x.auth.context {
			b = append(append(b, ','), appendString(nil, p.name)...)
			b = appendString(append(b, ':'), p.value)
		}
		b = append(b, `,"integrationLatency":0}`...)
	}
	b = append(b, `},"body":`...)
	media := x.req.Get("Content-Type")
	if media == "" {
		media = "application/json"
	}
	switch {
	case len(x.req.Body) == 0:
		return append(b, `null,"isBase64Encoded":false}`...)
	case x.api.isBinary(media):
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, x.req.Body)
		return append(b, `","isBase64Encoded":true}`...)
	default:
		return append(appendString(b, string(x.req.Body)), `,"isBase64Encoded":false}`...)
	}
}

// scalarText is a header value: a string, a number or a boolean.
type scalarText string

func (s *scalarText) UnmarshalJSON(b []byte) error {
	if b[0] == '{' || b[0] == '[' {
		return errors.New("a header must be a string, a number or a boolean")
	}
	if b[0] != '"' {
		*s = scalarText(b)
		return nil
	}
	return json.Unmarshal(b, (*string)(s))
}

// readAnswer turns a function's answer into a response.
func (x *exchange) readAnswer(payload []byte) (wire.Response, error) {
	var a struct {
		Status  *scalarText             `json:"statusCode"`
		Headers map[string]scalarText   `json:"headers"`
		Multi   map[string][]scalarText `json:"multiValueHeaders"`
		Body    *string                 `json:"body"`
		Base64  bool                    `json:"isBase64Encoded"`
	}
	if err := json.Unmarshal(payload, &a); err != nil {
		return wire.Response{}, err
	}
	status := 200
	if a.Status != nil {
		n, err := strconv.Atoi(string(*a.Status))
		if err != nil || n < 100 || n > 599 {
			return wire.Response{}, fmt.Errorf("statusCode %s", *a.Status)
		}
		status = n
	}
	resp := wire.Response{Status: status}
	if err := answerHeaders(&resp, a.Headers, a.Multi); err != nil {
		return wire.Response{}, err
	}
	if a.Body != nil {
		resp.Body = []byte(*a.Body)
	}
	if a.Base64 && a.Body != nil && x.wantsBytes() {
		raw, err := base64.StdEncoding.DecodeString(*a.Body)
		if err != nil {
			return wire.Response{}, fmt.Errorf("isBase64Encoded, but the body isn't: %w", err)
		}
		resp.Body = raw
	}
	resp.Headers = append(resp.Headers, wire.Field{Name: "X-Amzn-Trace-Id", Value: strings.SplitN(x.trace, ";", 2)[0]})
	return resp, nil
}

// wantsBytes says whether the first entry of Accept is one of the API's binary media types.
func (x *exchange) wantsBytes() bool {
	accept, _, _ := strings.Cut(x.req.Get("Accept"), ",")
	return x.api.isBinary(accept)
}

// answerHeaders merges both maps; where a name is in both, the multi-value map wins.
func answerHeaders(resp *wire.Response, single map[string]scalarText, multi map[string][]scalarText) error {
	seen := map[string]bool{}
	typed := false
	add := func(name string, vs ...scalarText) error {
		out, keep := remapped(name)
		typed = typed || strings.EqualFold(name, "Content-Type")
		for _, v := range vs {
			if strings.ContainsAny(name+string(v), "\r\n\x00") || name == "" || !utf8.ValidString(name) {
				return fmt.Errorf("header %q can't be sent", name)
			}
			if keep {
				resp.Headers = append(resp.Headers, wire.Field{Name: out, Value: string(v)})
			}
		}
		return nil
	}
	for _, name := range sortedKeys(multi) {
		seen[strings.ToLower(name)] = true
		if err := add(name, multi[name]...); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(single) {
		if seen[strings.ToLower(name)] {
			continue
		}
		if err := add(name, single[name]); err != nil {
			return err
		}
	}
	if !typed {
		resp.Headers = append(resp.Headers, wire.Field{Name: "Content-Type", Value: "application/json"})
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func (in *integration) readMock(m template.Map) error {
	var request struct {
		StatusCode int `json:"statusCode"`
	}
	if err := json.Unmarshal([]byte(m.Map("requestTemplates").Text("application/json")), &request); err != nil {
		return fmt.Errorf("the mock's request template must be {\"statusCode\": n}: %w", err)
	}
	in.mockStatus = request.StatusCode
	answers := m.Map("responses")
	answer := answers.Map("default")
	if own := answers.Map(strconv.Itoa(request.StatusCode)); own != nil {
		answer = own
	}
	in.mock.status = answer.Int("statusCode", request.StatusCode)
	for name, v := range answer.Map("responseParameters") {
		if h, ok := strings.CutPrefix(name, "method.response.header."); ok {
			in.mock.headers = append(in.mock.headers, pair{h, template.Text(v)})
		}
	}
	sort.Slice(in.mock.headers, func(i, j int) bool { return in.mock.headers[i].name < in.mock.headers[j].name })
	in.mock.body = answer.Map("responseTemplates").Text("application/json")
	return nil
}

// mock plays a MOCK integration.
func (x *exchange) mock() wire.Response {
	in := &x.method.integration
	media := x.req.Get("Content-Type")
	if media == "" {
		media = "application/json"
	}
	if in.contentHandling != "CONVERT_TO_TEXT" && x.api.isBinary(media) {
		x.line.Detail = "a mock needs contentHandling: CONVERT_TO_TEXT where BinaryMediaTypes covers the request"
		return x.gateway("MOCK_FAILURE")
	}
	resp := wire.Response{Status: in.mock.status, Body: []byte(x.render(in.mock.body))}
	typed := false
	for _, h := range in.mock.headers {
		if v, ok := x.source(h.value); ok {
			resp.Headers = append(resp.Headers, wire.Field{Name: h.name, Value: v})
			typed = typed || strings.EqualFold(h.name, "Content-Type")
		}
	}
	if !typed {
		resp.Headers = append(resp.Headers, wire.Field{Name: "Content-Type", Value: "application/json"})
	}
	return resp
}
