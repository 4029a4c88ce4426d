package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
)

// perFixture is the number of requests after which a flood begins on new stores, so that these stay small.
const perFixture = 400

// Flood sends n generated requests to the operations that a function serves: made from the contract, each part in turn as it should
// be, at its bounds, of another type, hostile or with a secret in it. Nothing may crash or end in a 5xx, no success may be empty,
// every log line must be JSON, and the secret must be in no log line and no stored item. The requests are the same each time.
func Flood(t *testing.T, fixture func(testing.TB) Fixture, serves func(Operation) bool, n int) {
	keytest.OneAtATime(t)
	if os.Getenv("LATCHKEY_STORE") == "engine" {
		n /= 100
	}
	canary, err := apikey.DefaultPrefix.Generate(rand.NewChaCha8([32]byte{15}))
	if err != nil {
		t.Fatal(err)
	}
	g := &generator{Rand: rand.New(rand.NewPCG(15, uint64(n))), canary: canary.Reveal()} //nolint:gosec // the same each time
	for _, op := range Operations(t) {
		if serves(op) {
			item := Contract(t).Paths.Value(op.Path)
			of := item.GetOperation(op.Method)
			g.ops = append(g.ops, described{op, of, append(slices.Clone(item.Parameters), of.Parameters...)})
		}
	}
	statuses := map[int]int{}
	var f Fixture
	for i := range n {
		if i%perFixture == 0 {
			g.clean(t, f)
			f = fixture(t)
		}
		r := g.request(f)
		w := httptest.NewRecorder()
		f.Mux.ServeHTTP(w, r)
		statuses[w.Code/100]++
		if w.Code >= http.StatusInternalServerError || w.Code < http.StatusOK {
			t.Fatalf("request %d, %s %s: %d %s\n%s", i, r.Method, r.URL, w.Code, w.Body, tail(f.Logs.String()))
		}
		if w.Body.Len() == 0 && w.Code != http.StatusNoContent && w.Code != http.StatusNotModified {
			t.Fatalf("request %d, %s %s: %d without a body", i, r.Method, r.URL, w.Code)
		}
	}
	g.clean(t, f)
	t.Logf("%d requests: %v", n, statuses)
	if statuses[2] < n/50 || statuses[4] < n/50 {
		t.Errorf("the requests are too much alike: %v", statuses)
	}
}

func tail(text string) string { return text[max(0, len(text)-2000):] }

// clean holds the logs and the stores of one round.
func (g *generator) clean(t *testing.T, f Fixture) {
	t.Helper()
	if f.API == nil {
		return
	}
	logs := f.Logs.String()
	for line := range strings.Lines(logs) {
		if !json.Valid([]byte(line)) {
			t.Fatalf("a log line is no JSON: %q", line)
		}
		if strings.Contains(line, `"msg":"panic"`) || strings.Contains(line, g.canary) {
			t.Fatalf("the log has a panic, or the secret: %s", line)
		}
	}
	for key, item := range f.Dump(t) {
		if strings.Contains(key+item, g.canary) {
			t.Fatalf("the secret is stored: %s %s", key, item)
		}
	}
}

type described struct {
	Operation
	of         *openapi3.Operation
	parameters openapi3.Parameters
}

type generator struct {
	*rand.Rand
	ops    []described
	canary string
}

// hostile are texts that have broken programs.
var hostile = []string{
	"", " ", "\x00", "\r\nX-Injected: 1", "..", "../../etc/passwd", "%", "%00", "%2e%2e%2f", "'\"`;--", "<script>alert(1)</script>", "${jndi:ldap://x}", "{{7*7}}",
	"\u202e", "\u200b", "\ufeff", "\U0001f4a9", "\xff\xfe", "ẞ", "İ", "é", "e\u0301", "null", "NaN", "-0", "1e999", "9223372036854775808", "-9223372036854775809",
	"0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999-23:59", "2026-02-30T00:00:00Z", "=cmd|' /C calc'!A0", "acc_", "key_", "qps_x", "*", "*.com", "https://[::1]:99999",
	"http://user:pass@host", "xn--", "xn--a", "\u00ad", strings.Repeat("a", 300), strings.Repeat("é", 3000), "~1~0/", "true", "[]", "{}", "W/\"1\"", "\"1\"",
}

// text is a hostile text, or one with the secret in it in some spelling.
func (g *generator) text() string {
	if g.IntN(6) > 0 {
		return hostile[g.IntN(len(hostile))]
	}
	spelled := []string{g.canary, " " + g.canary + "\n", "a" + g.canary + "b", url.QueryEscape(g.canary), g.canary + "@example.com", g.canary + ".example.com"}
	return spelled[g.IntN(len(spelled))]
}

// one reports true once in n times.
func (g *generator) one(n int) bool { return g.IntN(n) == 0 }

var callers = []string{"owner", "operator", "developer", "viewer", "support", "stranger", ""}

func (g *generator) request(f Fixture) *http.Request {
	op := g.ops[g.IntN(len(g.ops))]
	query, header := url.Values{}, http.Header{}
	path := op.Path
	for name, value := range f.params(op.Operation) {
		if g.one(12) {
			value = g.text()
		}
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	for _, p := range op.parameters {
		if p.Value.In == openapi3.ParameterInPath || !p.Value.Required && g.one(2) {
			continue
		}
		values := []string{g.parameter(p.Value)}
		if g.one(30) {
			values = append(values, values[0])
		}
		if p.Value.In == openapi3.ParameterInQuery {
			query[p.Value.Name] = values
		} else {
			header[http.CanonicalHeaderKey(p.Value.Name)] = values
		}
	}
	if g.one(40) {
		query.Set(g.text(), g.text())
	}
	if g.one(20) {
		names := []string{"If-None-Match", "If-Match", "Accept", "X-Request-Id", "Content-Encoding", "Origin", "Referer", "Idempotency-Key", "Authorization", "User-Agent"}
		header.Set(names[g.IntN(len(names))], g.text())
	}
	body, method := g.body(f, op), op.Method
	if g.one(60) {
		method = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"}[g.IntN(8)]
	}
	r := httptest.NewRequest(method, "/", bytes.NewReader(body))
	r.URL = &url.URL{Path: unescaped(path), RawPath: path, RawQuery: query.Encode()}
	r.Header = header
	if len(body) > 0 && !g.one(40) {
		header.Set("Content-Type", "application/json")
	}
	caller := op.Caller()
	if g.one(8) {
		caller = callers[g.IntN(len(callers))]
	}
	if caller != "" && header.Get("Authorization") == "" {
		header.Set("Authorization", "Bearer token-"+caller)
	}
	return r
}

func unescaped(path string) string {
	plain, err := url.PathUnescape(path)
	if err != nil {
		return path
	}
	return plain
}

func (g *generator) parameter(p *openapi3.Parameter) string {
	switch {
	case g.one(4):
		return g.text()
	case strings.HasPrefix(p.Name, "If-"):
		return []string{"*", `"1"`, `"2"`, `"1", "2"`}[g.IntN(4)]
	}
	return fmt.Sprint(g.value(p.Schema.Value, 0))
}

// body is the fixture's, one from the contract's schema, or bytes.
func (g *generator) body(f Fixture, op described) []byte {
	if !op.HasBody {
		if g.one(30) {
			return []byte(g.text())
		}
		return nil
	}
	if g.one(25) {
		return []byte([]string{"", "null", "[]", "{", "{}{}", `{"a":1,"a":2}`, "\xff", `"` + g.canary + `"`, strings.Repeat("[", 5000), strings.Repeat(" ", 70<<10)}[g.IntN(10)])
	}
	var doc any
	if f.Bodies[op.ID] != nil && g.one(2) {
		raw, _ := json.Marshal(f.Bodies[op.ID])
		_ = json.Unmarshal(raw, &doc)
		if members, ok := doc.(map[string]any); ok && g.one(3) {
			for name := range members {
				members[name] = g.any(0)
				break
			}
		}
	} else {
		doc = g.value(op.of.RequestBody.Value.Content["application/json"].Schema.Value, 0)
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return []byte("{}")
	}
	return raw
}

// any is a value of some type.
func (g *generator) any(depth int) any {
	switch g.IntN(8 + min(depth, 1)*4) {
	case 0:
		return nil
	case 1:
		return g.one(2)
	case 2:
		return []float64{0, -1, 1, 1.5, 1e300, 1 << 53, -1 << 63}[g.IntN(7)]
	case 3:
		if depth < 3 {
			return []any{g.any(depth + 1), g.any(depth + 1)}
		}
	case 4:
		if depth < 3 {
			return map[string]any{g.text(): g.any(depth + 1)}
		}
	}
	return g.text()
}

// value is one of a schema, mostly.
func (g *generator) value(s *openapi3.Schema, depth int) any {
	if g.one(12) || depth > 4 {
		return g.any(depth)
	}
	for _, of := range [][]*openapi3.SchemaRef{s.OneOf, s.AnyOf, s.AllOf} {
		if len(of) > 0 {
			return g.value(of[g.IntN(len(of))].Value, depth+1)
		}
	}
	switch {
	case len(s.Enum) > 0:
		return s.Enum[g.IntN(len(s.Enum))]
	case s.Type.Includes("object"):
		doc := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
			if slices.Contains(s.Required, name) && !g.one(20) || g.one(2) {
				doc[name] = g.value(s.Properties[name].Value, depth+1)
			}
		}
		if g.one(20) {
			doc[g.text()] = g.any(depth + 1)
		}
		return doc
	case s.Type.Includes("array"):
		list := make([]any, g.IntN(4))
		if g.one(20) {
			list = make([]any, 101)
		}
		for i := range list {
			list[i] = g.value(s.Items.Value, depth+1)
		}
		return list
	case s.Type.Includes("integer"):
		least, most := 0.0, 100000.0
		if s.Min != nil {
			least = *s.Min
		}
		if s.Max != nil {
			most = *s.Max
		}
		return []float64{least, least - 1, least + 1, most, most + 1, least + float64(g.IntN(int(most-least)+1))}[g.IntN(6)]
	case s.Type.Includes("boolean"):
		return g.one(2)
	}
	return g.string(s)
}

// likely are texts that the formats and patterns of the contract take.
var likely = map[string][]string{
	"line": {"My key", "Käse"}, "label": {"web", "Käse"}, "block": {"Because.\nYes."}, "idn-email": {"somebody@example.com"}, "subject": {"owner", "viewer", "colleague"},
	"product-id": {"search", "routing", "map-display"}, "limit-class": {"search", "map-display.tiles"}, "outcome": {"allowed", "refused", "qps_exceeded"},
	"domain-pattern": {"example.com", "*.example.com", "http://localhost:3000"}, "confirm-name": {"My key"}, "page-token": {""},
	"date-time": {"2026-11-21T11:00:00Z", "2027-01-01T00:00:00.000Z", "2026-11-21T12:00:00+01:00"},
}

func (g *generator) string(s *openapi3.Schema) string {
	if good := likely[s.Format]; len(good) > 0 && !g.one(4) {
		return good[g.IntN(len(good))]
	}
	if s.MaxLength != nil && g.one(4) {
		return strings.Repeat("x", int(*s.MaxLength)+g.IntN(2)) //nolint:gosec // small
	}
	return g.text()
}
