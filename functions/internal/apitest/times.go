package apitest

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// Moments that no operation takes: what can't be written in the store or in JSON, what a clock can't hold, and no times.
var badTimes = []string{
	"9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59-00:01", "1999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "0000-01-01T00:00:00+23:59",
	"10000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-21", "2026-11-21T12:00:00", "2026-11-21T12:00:00,5Z", "soon",
}

// Moments at the ends of the range: taken or refused, each operation may have bounds of its own, but never a breakdown.
var edgeTimes = []string{
	"9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999999Z", "2000-01-01T00:00:00Z", "1999-12-31T23:59:59-23:59", "9999-01-01t00:00:00z",
}

// timesAreInRange sends bad times as each member and parameter of an operation that the contract says is a time.
func timesAreInRange(t *testing.T, fixture func(testing.TB) Fixture, op Operation) {
	t.Helper()
	members, parameters := times(t, op)
	if len(members)+len(parameters) == 0 {
		return
	}
	f := fixture(t)
	as := op.Caller()
	params := maps.Clone(f.Params)
	maps.Copy(params, f.Instead[op.ID])
	send := func(name, text string, inBody bool) Answer {
		c := Call{As: as, Method: op.Method, Path: fill(op.Path, params), Headers: f.Headers[op.ID]}
		if inBody {
			body := map[string]any{}
			if raw, err := json.Marshal(f.Bodies[op.ID]); err == nil {
				_ = json.Unmarshal(raw, &body)
			}
			if body == nil {
				body = map[string]any{}
			}
			body[name] = text
			c.Body = body
		} else {
			c.Path += "?" + url.Values{name: {text}}.Encode()
		}
		return f.Do(t, c)
	}
	check := func(name string, inBody bool) {
		want, pointer := http.StatusBadRequest, name
		if inBody {
			want, pointer = http.StatusUnprocessableEntity, "/"+name
		}
		for _, text := range badTimes {
			if answer := send(name, text, inBody); answer.Status != want || !slices.Contains(answer.Pointers(), pointer) {
				t.Errorf("%s %s: want %d about it, got %d %s", name, text, want, answer.Status, answer.Body)
			}
		}
		for _, text := range edgeTimes {
			answer := send(name, text, inBody)
			if answer.Status >= 500 || len(answer.Body) == 0 {
				t.Errorf("%s %s: %d %q", name, text, answer.Status, answer.Body)
			}
			f = fixture(t)
			params = maps.Clone(f.Params)
			maps.Copy(params, f.Instead[op.ID])
		}
	}
	for _, name := range members {
		check(name, true)
	}
	for _, name := range parameters {
		check(name, false)
	}
}

// times are an operation's members of the body and parameters of the query that are times.
func times(t testing.TB, op Operation) (members, parameters []string) {
	t.Helper()
	doc := Contract(t).Paths.Value(op.Path).GetOperation(op.Method)
	for _, p := range doc.Parameters {
		if p.Value.In == openapi3.ParameterInQuery && isTime(p.Value.Schema) {
			parameters = append(parameters, p.Value.Name)
		}
	}
	if doc.RequestBody == nil {
		return members, parameters
	}
	for _, media := range doc.RequestBody.Value.Content {
		eachMember(media.Schema, func(name string, schema *openapi3.SchemaRef) {
			if isTime(schema) && !slices.Contains(members, name) {
				members = append(members, name)
			}
			if schema.Value != nil && !onlyChoices(schema.Value) && (len(schema.Value.Properties) > 0 || schema.Value.Items != nil && isTime(schema.Value.Items)) {
				t.Errorf("%s: %s: a time inside of a member would not be found by this test", op.ID, name)
			}
		})
	}
	slices.Sort(members)
	return members, parameters
}

func eachMember(schema *openapi3.SchemaRef, do func(string, *openapi3.SchemaRef)) {
	if schema == nil || schema.Value == nil {
		return
	}
	for name, member := range schema.Value.Properties {
		do(name, member)
	}
	for _, part := range slices.Concat(schema.Value.AllOf, schema.Value.AnyOf, schema.Value.OneOf) {
		eachMember(part, do)
	}
}

func isTime(schema *openapi3.SchemaRef) bool {
	return schema != nil && schema.Value != nil && strings.HasPrefix(schema.Value.Format, "date")
}
