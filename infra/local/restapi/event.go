package restapi

import (
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"latchkey/infra/local/template"
	"latchkey/infra/local/wire"
)

// event holds the parts of a Lambda event that the authorizer and the integration share, as JSON, written once.
type event struct {
	ready                         bool
	head                          []byte // "resource":…,"path":…,"httpMethod":…
	headers, multiHeaders         []byte
	query, multiQuery, pathParams []byte // nil when there are none
	requestContext                []byte // without the closing brace, so that the authorizer's part can follow
}

type values struct {
	name string
	list []string
}

// group joins the values of equal names; same says what equal means. Order and first spelling are kept.
func group(fields []pair, fold bool) []values {
	out := make([]values, 0, len(fields))
	index := make(map[string]int, len(fields))
	for _, f := range fields {
		k := f.name
		if fold {
			k = strings.ToLower(k)
		}
		i, ok := index[k]
		if !ok {
			i = len(out)
			index[k] = i
			out = append(out, values{name: f.name})
		}
		out[i].list = append(out[i].list, f.value)
	}
	return out
}

// build writes the shared parts.
func (x *exchange) build() *event {
	e := &x.event
	if e.ready {
		return e
	}
	e.ready = true
	b := make([]byte, 0, 256)
	b = append(b, `"resource":`...)
	b = appendString(b, x.resource.path)
	b = append(b, `,"path":`...)
	b = appendString(b, x.path)
	b = append(b, `,"httpMethod":`...)
	e.head = appendString(b, x.req.Method)
	e.headers, e.multiHeaders = maps(group(x.headers(), true))
	if q := parseQuery(x.req.Query); len(q) > 0 {
		e.query, e.multiQuery = maps(group(q, false))
	}
	if len(x.params) > 0 {
		ps := make([]values, len(x.params))
		for i, p := range x.params {
			ps[i] = values{p.name, []string{p.value}} // still encoded
		}
		e.pathParams, _ = maps(ps)
	}
	e.requestContext = x.requestContext()
	return e
}

// headers are the client's, spelled as sent, with what API Gateway adds.
func (x *exchange) headers() []pair {
	list := make([]pair, 0, len(x.req.Headers)+4)
	forwarded := x.req.RemoteIP
	for _, h := range x.req.Headers {
		switch {
		case strings.EqualFold(h.Name, "X-Forwarded-For"):
			forwarded = h.Value + ", " + forwarded
		case dropped(h), strings.EqualFold(h.Name, "X-Forwarded-Proto"), strings.EqualFold(h.Name, "X-Forwarded-Port"),
			strings.EqualFold(h.Name, "X-Amzn-Trace-Id"), strings.EqualFold(h.Name, "Content-Length"):
		case strings.EqualFold(h.Name, "Authorization"): // the one name that API Gateway spells itself
			list = append(list, pair{"Authorization", h.Value})
		default:
			list = append(list, pair{h.Name, h.Value})
		}
	}
	port := "80"
	if i := strings.LastIndexByte(x.host, ':'); i >= 0 {
		port = x.host[i+1:]
	}
	root, _, _ := strings.Cut(x.trace, ";")
	return append(list, pair{"X-Amzn-Trace-Id", root}, pair{"X-Forwarded-For", forwarded},
		pair{"X-Forwarded-Port", port}, pair{"X-Forwarded-Proto", "http"})
}

// dropped reports whether a client's header reaches nobody: it concerns one connection alone, or belongs in an answer.
func dropped(h wire.Field) bool {
	switch strings.ToLower(h.Name) {
	case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "trailer", "upgrade", "expect",
		"content-md5", "max-forwards", "proxy-authenticate", "server", "www-authenticate":
		return true
	}
	return false
}

func (x *exchange) requestContext() []byte {
	b := make([]byte, 0, 768)
	text := func(name, value string) {
		b = append(b, '"')
		b = append(b, name...)
		b = append(b, `":`...)
		b = appendString(b, value)
		b = append(b, ',')
	}
	b = append(b, '{')
	text("accountId", template.AccountID)
	text("apiId", x.api.ID)
	text("deploymentId", "local")
	text("domainName", x.host)
	prefix, _, _ := strings.Cut(x.host, ".")
	text("domainPrefix", prefix)
	text("extendedRequestId", x.extended)
	text("httpMethod", x.req.Method)
	text("path", x.req.Path)
	text("protocol", "HTTP/1.1")
	text("requestId", x.id)
	text("requestTime", x.start.UTC().Format("02/Jan/2006:15:04:05 +0000"))
	text("resourceId", "local")
	text("resourcePath", x.resource.path)
	text("stage", x.api.Stage)
	b = append(b, `"requestTimeEpoch":`...)
	b = strconv.AppendInt(b, x.start.UnixMilli(), 10)
	b = append(b, `,"identity":{"accessKey":null,"accountId":null,"caller":null,"cognitoAuthenticationProvider":null,`+
		`"cognitoAuthenticationType":null,"cognitoIdentityId":null,"cognitoIdentityPoolId":null,"principalOrgId":null,`...)
	text("sourceIp", x.req.RemoteIP)
	b = append(b, `"user":null,"userAgent":`...)
	b = appendString(b, x.req.Get("User-Agent"))
	return append(b, `,"userArn":null}`...)
}

// appendShared writes the shared parts; absent is written for a map without entries.
func (e *event) appendShared(b []byte, absent string) []byte {
	or := func(v []byte) []byte {
		if v == nil {
			return []byte(absent)
		}
		return v
	}
	b = append(b, e.head...)
	for _, part := range []struct {
		name string
		json []byte
	}{
		{"headers", e.headers},
		{"multiValueHeaders", e.multiHeaders},
		{"queryStringParameters", or(e.query)},
		{"multiValueQueryStringParameters", or(e.multiQuery)},
		{"pathParameters", or(e.pathParams)},
		{"stageVariables", or(nil)},
	} {
		b = append(b, `,"`...)
		b = append(b, part.name...)
		b = append(b, `":`...)
		b = append(b, part.json...)
	}
	b = append(b, `,"requestContext":`...)
	return append(b, e.requestContext...)
}

func (e *event) size() int {
	return len(e.head) + len(e.headers) + len(e.multiHeaders) + len(e.query) + len(e.multiQuery) + len(e.requestContext) + 512
}

// maps writes the single-value map, which holds the last value, and the multi-value map.
func maps(list []values) (single, multi []byte) {
	single, multi = append(single, '{'), append(multi, '{')
	for i, v := range list {
		if i > 0 {
			single, multi = append(single, ','), append(multi, ',')
		}
		single = append(appendString(single, v.name), ':')
		single = appendString(single, v.list[len(v.list)-1])
		multi = append(appendString(multi, v.name), ':', '[')
		for j, s := range v.list {
			if j > 0 {
				multi = append(multi, ',')
			}
			multi = appendString(multi, s)
		}
		multi = append(multi, ']')
	}
	return append(single, '}'), append(multi, '}')
}

// parseQuery splits and decodes a query string; what can't be decoded stays as sent.
func parseQuery(q string) []pair {
	if q == "" {
		return nil
	}
	var list []pair
	for part := range strings.SplitSeq(q, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		list = append(list, pair{unescape(name), unescape(value)})
	}
	return list
}

func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	if d, err := url.QueryUnescape(s); err == nil {
		return d
	}
	return s
}

const hexDigits = "0123456789abcdef"

// appendString writes a JSON string. Bytes that aren't UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[start:i]...), `\ufffd`...)
				start = i + 1
			}
			i += n
			continue
		}
		if c < ' ' || c == '"' || c == '\\' || c == 0x7f {
			b = append(append(b, s[start:i]...), '\\')
			if c == '"' || c == '\\' {
				b = append(b, c)
			} else {
				b = append(b, 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
			start = i + 1
		}
		i++
	}
	return append(append(b, s[start:]...), '"')
}

// epoch is $context.requestTimeEpoch.
func epoch(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
