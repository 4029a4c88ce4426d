package restapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"latchkey/infra/local/wire"
)

func newTransport() http.RoundTripper {
	return &http.Transport{
		DisableCompression: true, MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute,
		DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
	}
}

// upstream plays HTTP_PROXY: the client's request goes on, with the headers, query values and path that the template maps.
func (x *exchange) upstream(ctx context.Context) wire.Response {
	req, err := x.upstreamRequest(ctx)
	if errors.Is(err, errUnmapped) {
		x.line.Detail = err.Error()
		return x.gatewayStatus(badGateway, http.StatusInternalServerError, "")
	}
	if err != nil {
		x.line.Detail = err.Error()
		return x.gateway(integrationFailure)
	}
	res, err := x.api.transport.RoundTrip(req)
	if err == nil {
		defer func() { _ = res.Body.Close() }()
		var body []byte
		if body, err = io.ReadAll(io.LimitReader(res.Body, maxPayload+1)); err == nil && len(body) <= maxPayload {
			return upstreamAnswer(res, body)
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return x.gateway(integrationTimeout)
	}
	x.line.Detail = "the upstream can't be reached or answered too much"
	return x.gateway(integrationFailure)
}

// unmapped are headers that API Gateway sets itself: a call fails where the template maps one.
var unmapped = []string{"content-length", "transfer-encoding", "x-amzn-trace-id", "x-amzn-apigateway-api-id"}

var errUnmapped = errors.New("a header that can't be mapped")

func (x *exchange) upstreamRequest(ctx context.Context) (*http.Request, error) {
	in := &x.method.integration
	uri, query := in.uri, x.req.Query
	header := http.Header{}
	for _, h := range x.headers() {
		switch strings.ToLower(h.name) {
		case "host", "content-encoding", "via": // a function sees these, an upstream doesn't
		default:
			header[h.name] = append(header[h.name], h.value)
		}
	}
	header["x-amzn-apigateway-api-id"] = []string{x.api.ID}
	for _, p := range in.parameters {
		v, ok := x.source(p.value)
		if name, is := strings.CutPrefix(p.name, "integration.request.path."); is {
			uri = strings.ReplaceAll(uri, "{"+name+"}", v) // as the client sent it: API Gateway resolves no dots
		}
		if name, is := strings.CutPrefix(p.name, "integration.request.header."); is && ok {
			if slices.Contains(unmapped, strings.ToLower(name)) {
				return nil, fmt.Errorf("%w: %s", errUnmapped, name)
			}
			setHeader(header, name, v)
		}
		if name, is := strings.CutPrefix(p.name, "integration.request.querystring."); is && ok {
			// Whether a mapped value replaces the client's is undocumented; the runner plays the worse case and sends both.
			query += "&" + url.QueryEscape(name) + "=" + url.QueryEscape(v)
		}
	}
	scheme, rest, _ := strings.Cut(uri, "://")
	target, fixed, has := strings.Cut(rest, "?")
	host, path, _ := strings.Cut(target, "/")
	if has {
		query = fixed + "&" + query
	}
	verb := in.verb
	if verb == "ANY" || verb == "" {
		verb = x.req.Method
	}
	req := (&http.Request{
		Method: verb, Header: header, Host: host, ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(x.req.Body)),
		// Opaque is sent as it is; a parsed path would be cleaned or refused.
		URL: &url.URL{Scheme: scheme, Host: host, Opaque: "/" + path, RawQuery: strings.TrimPrefix(query, "&")},
	}).WithContext(ctx)
	if len(x.req.Body) > 0 {
		req.Body = io.NopCloser(bytes.NewReader(x.req.Body))
	}
	return req, nil
}

// setHeader replaces a header whatever its spelling.
func setHeader(h http.Header, name, value string) {
	for k := range h {
		if strings.EqualFold(k, name) {
			delete(h, k)
		}
	}
	h[name] = []string{value}
}

func upstreamAnswer(res *http.Response, body []byte) wire.Response {
	resp := wire.Response{Status: res.StatusCode, Body: body}
	for _, name := range sortedKeys(res.Header) {
		out, keep := remapped(name)
		if !keep {
			continue
		}
		for _, v := range res.Header[name] {
			resp.Headers = append(resp.Headers, wire.Field{Name: out, Value: v})
		}
	}
	return resp
}
