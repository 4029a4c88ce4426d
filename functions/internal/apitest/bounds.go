package apitest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"latchkey/shared/keytest"
)

// side is a value at a bound of the contract, and whether it is within.
type side struct {
	value  any
	within bool
}

// Bounds tries both sides of each bound that the contract sets to a member or a parameter, against each operation that a function
// serves: what is within isn't refused for that member's sake, and what is beyond is refused by its name. skipped names what
// can't be tried so, as "operation.member", with the reason.
func Bounds(t *testing.T, fixture func(testing.TB) Fixture, serves func(Operation) bool, skipped map[string]string) {
	keytest.OneAtATime(t)
	left := maps.Clone(skipped)
	tried := 0
	for _, op := range Operations(t) {
		if !serves(op) {
			continue
		}
		item := Contract(t).Paths.Value(op.Path)
		of := item.GetOperation(op.Method)
		try := func(name string, s *openapi3.Schema, send func(Fixture, any) Answer) {
			delete(left, op.ID+"."+name)
			for _, at := range sides(s) {
				if at.within && skipped[op.ID+"."+name] != "" {
					continue
				}
				tried++
				answer := send(fixture(t), at.value)
				if answer.Status == http.StatusForbidden { // a member that is for operators
					f := fixture(t)
					answer = f.Call(t, op.ID, "operator", map[string]any{name: at.value})
				}
				named := slices.ContainsFunc(answer.Pointers(), func(p string) bool {
					return p == name || p == "/"+name || strings.HasPrefix(p, "/"+name+"/")
				})
				switch {
				case at.within && named:
					t.Errorf("%s: %s %.80v is within the contract, and refused: %s", op.ID, name, at.value, answer.Problem())
				case !at.within && (answer.Status != http.StatusBadRequest && answer.Status != http.StatusUnprocessableEntity || !named && answer.Code() != "page_token_invalid"):
					t.Errorf("%s: %s %.80v is beyond the contract: %s", op.ID, name, at.value, answer.Problem())
				}
			}
		}
		for _, p := range append(slices.Clone(item.Parameters), of.Parameters...) {
			name, in := p.Value.Name, p.Value.In
			if in == openapi3.ParameterInPath { // what no object can have as its name is no object: 404
				continue
			}
			if in == openapi3.ParameterInHeader && p.Value.Schema.Value.MaxLength == nil {
				continue // a grammar of its own
			}
			try(name, p.Value.Schema.Value, func(f Fixture, value any) Answer { return f.with(t, op, in, name, fmt.Sprint(value)) })
		}
		if of.RequestBody == nil {
			continue
		}
		members := of.RequestBody.Value.Content["application/json"].Schema.Value.Properties
		for _, name := range slices.Sorted(maps.Keys(members)) {
			try(name, members[name].Value, func(f Fixture, value any) Answer {
				body := map[string]any{}
				raw, _ := json.Marshal(f.Bodies[op.ID])
				_ = json.Unmarshal(raw, &body)
				if body == nil {
					body = map[string]any{}
				}
				body[name] = value
				f.Bodies = map[string]any{op.ID: body}
				return f.call(t, op, op.Caller(), f.params(op))
			})
		}
	}
	for name := range left {
		t.Errorf("%s is skipped, and not in the contract", name)
	}
	if tried == 0 {
		t.Error("there was no bound to try")
	}
}

// with makes an operation's call with one parameter more.
func (f Fixture) with(t testing.TB, op Operation, in, name, value string) Answer {
	t.Helper()
	c := Call{As: op.Caller(), Method: op.Method, Path: fill(op.Path, f.params(op)), Headers: maps.Clone(f.Headers[op.ID])}
	if in == openapi3.ParameterInQuery {
		c.Path += "?" + url.Values{name: {value}}.Encode()
	} else {
		if c.Headers == nil {
			c.Headers = map[string]string{}
		}
		c.Headers[name] = cmp.Or(value, " ") // an empty one would not be sent by Do
	}
	if op.HasBody {
		c.Body = map[string]any{}
		if body, ok := f.Bodies[op.ID]; ok {
			c.Body = body
		}
	}
	return f.Do(t, c)
}

// free are the formats whose values are any texts of the right length. Of others (IDs, patterns) only what is beyond can be made up.
var free = []string{"", "line", "label", "block", "idn-email"}

// sides lists the values at each bound of a schema.
func sides(s *openapi3.Schema) (list []side) {
	for _, of := range s.AllOf {
		list = append(list, sides(of.Value)...)
	}
	for _, value := range s.Enum {
		list = append(list, side{value, true})
	}
	if len(s.Enum) > 0 {
		return append(list, side{"none-of-them", false})
	}
	text := func(n uint64) any {
		if s.Format == "idn-email" && n > 12 {
			return strings.Repeat("x", int(n)-len("@example.com")) + "@example.com" //nolint:gosec // small
		}
		if s.Format == "idn-email" {
			return ("a@" + strings.Repeat("b", 12))[:n]
		}
		if strings.HasPrefix(s.Pattern, "^/") && n > 0 {
			return "/" + strings.Repeat("x", int(n)-1) //nolint:gosec // small
		}
		return strings.Repeat("x", int(n)) //nolint:gosec // small
	}
	within := slices.Contains(free, s.Format) && (s.Pattern == "" || strings.HasPrefix(s.Pattern, "^/") || strings.HasPrefix(s.Pattern, "^[!-~]"))
	switch {
	case s.Type.Includes("string"):
		if s.MaxLength != nil {
			list = append(list, side{text(*s.MaxLength), within}, side{text(*s.MaxLength + 1), false})
			if !within {
				list = list[len(list)-1:]
			}
		}
		if s.MinLength > 0 {
			if within {
				list = append(list, side{text(s.MinLength), true})
			}
			list = append(list, side{text(s.MinLength - 1), false})
		}
	case s.Type.Includes("integer"):
		if s.Min != nil {
			list = append(list, side{int64(*s.Min), true}, side{int64(*s.Min) - 1, false})
		}
		if s.Max != nil {
			list = append(list, side{int64(*s.Max), true}, side{int64(*s.Max) + 1, false})
		}
	case s.Type.Includes("array"):
		items := func(n uint64) (out []any) {
			out = []any{}
			for i := range n {
				if s.Items.Value.Format == "product-id" {
					out = append(out, "routing")
				} else {
					out = append(out, fmt.Sprintf("d%d.example.com", i))
				}
			}
			return out
		}
		if s.MaxItems != nil {
			list = append(list, side{items(*s.MaxItems), true}, side{items(*s.MaxItems + 1), false})
		}
		list = append(list, side{items(s.MinItems), true})
		if s.MinItems > 0 {
			list = append(list, side{items(s.MinItems - 1), false})
		}
		if longest := s.Items.Value.MaxLength; longest != nil {
			list = append(list, side{[]any{strings.Repeat("x", int(*longest)+1)}, false}) //nolint:gosec // small
		}
	}
	return list
}
