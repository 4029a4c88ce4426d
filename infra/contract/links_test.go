package contract

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	contractapi "latchkey/shared/api"
)

// linkEnd is one operation of the contract, with its links' ways in and out.
type linkEnd struct {
	id, path, method string
	parameters       map[string]*openapi3.Parameter
	responses        map[string]*openapi3.Response
}

func linkEnds(t *testing.T) map[string]linkEnd {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(contractapi.Contract)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]linkEnd{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			o := linkEnd{op.OperationID, path, method, map[string]*openapi3.Parameter{}, map[string]*openapi3.Response{}}
			for _, p := range append(slices.Clone(item.Parameters), op.Parameters...) {
				o.parameters[p.Value.Name] = p.Value
			}
			for status, r := range op.Responses.Map() {
				o.responses[status] = r.Value
			}
			out[o.id] = o
		}
	}
	return out
}

// in are the names of the parameters in one place.
func (o linkEnd) in(place string) (names []string) {
	for name, p := range o.parameters {
		if p.In == place {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// member follows a JSON Pointer through a schema; nil where there is none.
func member(s *openapi3.Schema, pointer string) *openapi3.Schema {
	for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if s = memberOf(s, name); s == nil {
			return nil
		}
	}
	return s
}

func memberOf(s *openapi3.Schema, name string) *openapi3.Schema {
	if p := s.Properties[name]; p != nil {
		return p.Value
	}
	if s.Items != nil && name == "0" {
		return s.Items.Value
	}
	for _, part := range s.AllOf {
		if found := memberOf(part.Value, name); found != nil {
			return found
		}
	}
	return nil
}

func answerOf(r *openapi3.Response) *openapi3.Schema {
	if c := r.Content.Get("application/json"); c != nil {
		return c.Schema.Value
	}
	return &openapi3.Schema{}
}

// TestEveryListLinksToItsNextPage: by the token that it gives, in the same place and with the same filters, since a token fits no other.
func TestEveryListLinksToItsNextPage(t *testing.T) {
	lists := 0
	for id, o := range linkEnds(t) {
		for status, r := range o.responses {
			if member(answerOf(r), "next_page_token") == nil {
				if r.Links["NextPage"] != nil {
					t.Errorf("%s %s has a NextPage and no token", id, status)
				}
				continue
			}
			lists++
			next := r.Links["NextPage"]
			if next == nil {
				t.Errorf("%s has no link NextPage", id)
				continue
			}
			want := map[string]any{}
			for _, place := range []string{"path", "query"} {
				for _, name := range o.in(place) {
					want[name] = "$request." + place + "." + name
				}
			}
			if p := o.parameters["If-Match"]; p != nil && p.Required {
				want["If-Match"] = "$request.header.If-Match"
			}
			want["page_token"] = "$response.body#/next_page_token"
			if got := next.Value; got.OperationID != id || !maps.Equal(got.Parameters, want) {
				t.Errorf("%s: its next page is %s with %v, want %v", id, got.OperationID, got.Parameters, want)
			}
		}
	}
	if lists < 10 {
		t.Errorf("%d lists", lists)
	}
}

// TestWhatWasCreatedLinksToAllThatTakesIt: to every operation whose path needs nothing else than the new ID and what the request had.
func TestWhatWasCreatedLinksToAllThatTakesIt(t *testing.T) {
	all, created := linkEnds(t), 0
	for id, o := range all {
		r := o.responses["201"]
		if r == nil || o.method != http.MethodPost || member(answerOf(r), "id") == nil {
			continue
		}
		created++
		name := ""
		for _, other := range all {
			if rest, ok := strings.CutPrefix(other.path, o.path+"/{"); ok && !strings.Contains(rest, "/") {
				name = strings.TrimSuffix(rest, "}")
			}
		}
		for target, other := range all {
			path := other.in("path")
			if name == "" || !slices.Contains(path, name) || slices.ContainsFunc(path, func(p string) bool { return p != name && o.parameters[p] == nil }) {
				continue
			}
			if target == "replaceDomain" {
				continue // its version is that of the list of entries, which leads there
			}
			if l := r.Links[target]; l == nil || l.Value.OperationID != target || l.Value.Parameters[name] != "$response.body#/id" {
				t.Errorf("%s: what it creates has no link to %s", id, target)
			}
		}
		if name == "" {
			t.Errorf("%s: no path names what it creates", id)
		}
	}
	if created < 4 {
		t.Errorf("%d operations create something", created)
	}
}

// TestEveryLinkLeadsToAnOperation: with parameters that it has, those that it can't do without among them, from what the request or
// the answer has.
func TestEveryLinkLeadsToAnOperation(t *testing.T) {
	all := linkEnds(t)
	for id, o := range all {
		for status, r := range o.responses {
			for name, l := range r.Links {
				what := fmt.Sprintf("%s %s, link %s", id, status, name)
				target, ok := all[l.Value.OperationID]
				if !ok || name != "NextPage" && name != target.id {
					t.Errorf("%s leads to %q", what, l.Value.OperationID)
					continue
				}
				for parameter, from := range l.Value.Parameters {
					if target.parameters[parameter] == nil {
						t.Errorf("%s: %s has no parameter %s", what, target.id, parameter)
					}
					if !o.says(r, fmt.Sprint(from)) {
						t.Errorf("%s: nothing has %v", what, from)
					}
				}
				for parameter, p := range target.parameters {
					if p.Required && l.Value.Parameters[parameter] == nil {
						t.Errorf("%s: without %s, which %s needs", what, parameter, target.id)
					}
				}
				if body, _ := l.Value.RequestBody.(map[string]any); body != nil {
					for _, from := range body {
						if !o.says(r, fmt.Sprint(from)) {
							t.Errorf("%s: nothing has %v", what, from)
						}
					}
				}
			}
		}
	}
}

// says reports whether a runtime expression names something that the request or the answer has.
func (o linkEnd) says(r *openapi3.Response, expression string) bool {
	if pointer, ok := strings.CutPrefix(expression, "$response.body#"); ok {
		return member(answerOf(r), pointer) != nil
	}
	if name, ok := strings.CutPrefix(expression, "$response.header."); ok {
		return r.Headers[name] != nil
	}
	place, name, _ := strings.Cut(strings.TrimPrefix(expression, "$request."), ".")
	p := o.parameters[name]
	return strings.HasPrefix(expression, "$request.") && p != nil && p.In == place
}
