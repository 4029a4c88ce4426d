package restapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"latchkey/infra/local/environments"
	"latchkey/infra/local/template"
	"latchkey/infra/local/wire"
)

// isBinary says whether the API treats a media type as bytes. Of a type with "*" on its left, all of them alone is one.
func (a *API) isBinary(media string) bool {
	media, _, _ = strings.Cut(media, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	for _, b := range a.binary {
		if b == "*/*" {
			return true
		}
		if strings.HasPrefix(b, "*/") {
			continue
		}
		if b == media {
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
		return x.untemplated(requestTooLarge, builtIns[requestTooLarge].status)
	case err != nil:
		x.line.Detail = err.Error()
		return x.gatewayStatus(badGateway, 500, "")
	case res.FunctionError != "":
		x.line.Detail = string(res.Payload)
		return x.gateway(badGateway)
	}
	resp, err := x.readAnswer(res.Payload)
	if errors.Is(err, errNotBase64) {
		x.line.Detail = "malformed answer: " + err.Error()
		return x.gatewayStatus(badGateway, http.StatusInternalServerError, "")
	}
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
	if b[0] == '{' || b[0] == '[' || b[0] == 'n' {
		return errors.New("a header must be a string, a number or a boolean")
	}
	if b[0] != '"' {
		*s = scalarText(b)
		return nil
	}
	return json.Unmarshal(b, (*string)(s))
}

// answer is the form that a function answers in.
type answer struct {
	status  int
	headers map[string]scalarText
	multi   map[string][]scalarText
	body    *string
	base64  bool
}

// parseAnswer reads a function's answer. An object without members is 200 without a body; a member that API Gateway doesn't
// know, spelled exactly, breaks the format.
func parseAnswer(payload []byte) (*answer, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(payload, &members); err != nil {
		return nil, err
	}
	if members == nil {
		return nil, errors.New("null")
	}
	a, status := &answer{}, scalarText("200")
	for name, to := range map[string]any{
		"statusCode": &status, "headers": &a.headers, "multiValueHeaders": &a.multi, "body": &a.body, "isBase64Encoded": &a.base64,
	} {
		raw, ok := members[name]
		delete(members, name)
		if !ok {
			continue
		}
		if err := json.Unmarshal(raw, to); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	for name := range members {
		return nil, fmt.Errorf("there is no member %q", name)
	}
	n, err := strconv.Atoi(string(status))
	if err != nil || n < 200 || n > 599 {
		return nil, fmt.Errorf("statusCode %q", status)
	}
	a.status = n
	return a, nil
}

// readAnswer turns a function's answer into a response.
func (x *exchange) readAnswer(payload []byte) (wire.Response, error) {
	a, err := parseAnswer(payload)
	if err != nil {
		return wire.Response{}, err
	}
	resp := wire.Response{Status: a.status}
	if err := answerHeaders(&resp, a.headers, a.multi); err != nil {
		return wire.Response{}, err
	}
	if a.body != nil {
		resp.Body = []byte(*a.body)
	}
	if a.base64 && a.body != nil && x.wantsBytes() {
		raw, err := base64.StdEncoding.DecodeString(*a.body)
		if err != nil {
			return wire.Response{}, fmt.Errorf("%w: %w", errNotBase64, err)
		}
		resp.Body = raw
	}
	resp.Headers = append(resp.Headers, wire.Field{Name: "X-Amzn-Trace-Id", Value: x.trace})
	return resp, nil
}

var errNotBase64 = errors.New("isBase64Encoded, but the body isn't")

// wantsBytes says whether the first entry of Accept is one of the API's binary media types.
func (x *exchange) wantsBytes() bool {
	accept, _, _ := strings.Cut(x.req.Get("Accept"), ",")
	return x.api.isBinary(accept)
}

// answerHeaders merges both maps; where a name is in both, all its values are sent, those of the multi-value map first. A
// value that is in both is sent once.
func answerHeaders(resp *wire.Response, single map[string]scalarText, multi map[string][]scalarText) error {
	seen := map[string]bool{} // name and value
	typed := false
	add := func(name string, vs ...scalarText) error {
		out, keep := remapped(name)
		typed = typed || strings.EqualFold(name, "Content-Type")
		for _, v := range vs {
			if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(string(v)) {
				return fmt.Errorf("header %q can't be sent", name)
			}
			if keep {
				resp.Headers = append(resp.Headers, wire.Field{Name: out, Value: string(v)})
			}
		}
		return nil
	}
	for _, name := range sortedKeys(multi) {
		for _, v := range multi[name] {
			seen[strings.ToLower(name)+"\n"+string(v)] = true
		}
		if err := add(name, multi[name]...); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(single) {
		if seen[strings.ToLower(name)+"\n"+string(single[name])] {
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

// readMock reads the templates of the request, which choose a status, and the response of each status.
func (in *integration) readMock(m template.Map) error {
	in.mockStatus, in.mocks = map[string]int{}, map[int]mockResponse{}
	answers := m.Map("responses")
	for media := range m.Map("requestTemplates") {
		status, ok := mockedStatus([]byte(m.Map("requestTemplates").Text(media)))
		if !ok {
			return errors.New(`the mock's request template must be {"statusCode": n}`)
		}
		in.mockStatus[strings.ToLower(media)] = status
	}
	for name := range answers {
		status, err := strconv.Atoi(name)
		if err != nil && name != "default" {
			return fmt.Errorf("the local runner doesn't play the mock's response %q", name)
		}
		in.mocks[status] = readMockResponse(answers.Map(name), status) // 0 is the default
	}
	return nil
}

func mockedStatus(raw []byte) (int, bool) {
	var request struct {
		StatusCode int `json:"statusCode"`
	}
	err := json.Unmarshal(raw, &request)
	return request.StatusCode, err == nil && request.StatusCode > 0
}

func readMockResponse(m template.Map, status int) mockResponse {
	r := mockResponse{status: m.Int("statusCode", status)}
	for name, v := range m.Map("responseParameters") {
		if h, ok := strings.CutPrefix(name, "method.response.header."); ok {
			r.headers = append(r.headers, pair{h, template.Text(v)})
		}
	}
	sort.Slice(r.headers, func(i, j int) bool { return r.headers[i].name < r.headers[j].name })
	r.body = m.Map("responseTemplates").Text("application/json")
	return r
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
	media, _, _ = strings.Cut(media, ";")
	status, ok := in.mockStatus[strings.ToLower(strings.TrimSpace(media))]
	if !ok { // no template is for this media type: the body passes to the mock as it is, or is refused
		if in.passthrough == "never" || in.passthrough == "when_no_templates" && len(in.mockStatus) > 0 {
			return x.gateway(unsupportedMediaType)
		}
		if status, ok = mockedStatus(x.req.Body); !ok {
			x.line.Detail = "the mock has no request template for " + media
			return x.gateway("MOCK_FAILURE")
		}
	}
	answer, ok := in.mocks[status]
	if !ok {
		if answer, ok = in.mocks[0]; !ok {
			return x.gateway("MOCK_FAILURE")
		}
	}
	if answer.status == 0 {
		answer.status = status
	}
	resp := wire.Response{Status: answer.status, Body: []byte(x.render(answer.body))}
	typed := false
	for _, h := range answer.headers {
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
