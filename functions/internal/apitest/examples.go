package apitest

import (
	"bytes"
	"cmp"
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

// Own gives the request of an example what only the fixture knows.
type Own struct {
	As   string                                   // the caller, if not the usual one
	Body func(testing.TB, Fixture) map[string]any // members whose values name objects of the fixture, or are its secrets
}

// Examples sends the contract's examples to each operation that a function serves: each example of a body is accepted, in each
// content type, and each answer has the members of its example, at every level. Values may differ, and so may the names in a map.
// What the schema lets be absent, null or empty, may be so in an answer, but not in the example alone: what comes back is in it, and
// what it has is in some answer of the function. own is by operationId, or by "operationId.example".
func Examples(t *testing.T, fixture func(testing.TB) Fixture, serves func(Operation) bool, own map[string]Own) {
	keytest.OneAtATime(t)
	left, had, only := maps.Clone(own), map[string]bool{}, map[string]bool{}
	for _, op := range Operations(t) {
		if !serves(op) {
			continue
		}
		of := Contract(t).Paths.Value(op.Path).GetOperation(op.Method)
		for _, sent := range sentExamples(of) {
			mine := op.ID
			if _, ok := own[op.ID+"."+sent.name]; ok {
				mine += "." + sent.name
			}
			delete(left, mine)
			for _, accept := range answerKinds(of) {
				t.Run(strings.Join([]string{op.ID, sent.name, sent.kind, accept}, " "), func(t *testing.T) {
					for _, answer := range fixture(t).send(t, op, sent, accept, own[mine]) {
						like := likeItsExample(t, of, answer)
						for _, name := range like.both {
							had[name] = true
						}
						for _, name := range like.alone {
							only[name] = true
						}
					}
				})
			}
		}
	}
	for name := range only {
		if !had[name] {
			t.Errorf("%s: the example has it, and no answer does", name)
		}
	}
	for name := range left {
		t.Errorf("%s is for no example of the contract", name)
	}
}

// sentExample is one example of a body, and the content type that it is sent as.
type sentExample struct {
	name, kind string
	value      any
}

// sentExamples lists an operation's examples of its body. What takes no body has one, which is none.
func sentExamples(of *openapi3.Operation) (list []sentExample) {
	if of.RequestBody == nil {
		return []sentExample{{}}
	}
	content := of.RequestBody.Value.Content
	for _, kind := range slices.Sorted(maps.Keys(content)) {
		for _, name := range slices.Sorted(maps.Keys(content[kind].Examples)) {
			list = append(list, sentExample{name, kind, content[kind].Examples[name].Value.Value})
		}
	}
	return list
}

// answerKinds lists the content types of an operation's successes; an answer without content is of the kind "".
func answerKinds(of *openapi3.Operation) (kinds []string) {
	for status, r := range of.Responses.Map() {
		if status[0] == '2' {
			kinds = append(kinds, slices.Collect(maps.Keys(r.Value.Content))...)
		}
	}
	if len(kinds) == 0 {
		return []string{""}
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// send makes the call of an example, and wants a success. Of a list it reads all pages.
func (f Fixture) send(t *testing.T, op Operation, sent sentExample, accept string, own Own) (answers []Answer) {
	t.Helper()
	headers := map[string]string{}
	maps.Copy(headers, f.Headers[op.ID])
	if accept != "" {
		headers["Accept"] = accept
	}
	if op.HasBody {
		body := map[string]any{}
		maps.Copy(body, sent.value.(map[string]any))
		if own.Body != nil {
			for member, value := range own.Body(t, f) {
				if _, ok := body[member]; !ok {
					t.Fatalf("the example has no %s to replace", member)
				}
				body[member] = value
			}
		}
		headers["Content-Type"] = sent.kind
		f.Bodies = map[string]any{op.ID: body}
	}
	f.Headers = map[string]map[string]string{op.ID: headers}
	path, query := op.Path, exampleQuery(t, op)
	op.Path += "?" + query.Encode()
	for {
		answer := f.call(t, op, cmp.Or(own.As, op.Caller()), f.params(op))
		if answer.Status >= http.StatusMultipleChoices {
			t.Fatalf("the example %s is refused: %d %s", sent.name, answer.Status, answer.Body)
		}
		answers = append(answers, answer)
		if accept != "application/json" || op.Method != http.MethodGet {
			return answers
		}
		next, _ := answer.JSON(t)["next_page_token"].(string)
		if next == "" {
			return answers
		}
		query.Set("page_token", next)
		op.Path = path + "?" + query.Encode()
	}
}

// exampleQuery holds the query parameters of an operation that have an example.
func exampleQuery(t testing.TB, op Operation) url.Values {
	query := url.Values{}
	for _, p := range Contract(t).Paths.Value(op.Path).GetOperation(op.Method).Parameters {
		if p.Value.In == "query" && p.Value.Example != nil {
			query.Set(p.Value.Name, fmt.Sprint(p.Value.Example))
		}
	}
	return query
}

// shown holds one example, to compare an answer with.
type shown struct {
	name  string
	value any
}

// comparison lists how an answer differs from its example, and the members that the schema lets be absent: those that both have, and those
// that the example has alone.
type comparison struct{ differs, both, alone []string }

func (c *comparison) add(more comparison) {
	c.differs, c.both, c.alone = append(c.differs, more.differs...), append(c.both, more.both...), append(c.alone, more.alone...)
}

// likeItsExample compares an answer with the example of its status and content type that it is most like.
func likeItsExample(t *testing.T, of *openapi3.Operation, answer Answer) comparison {
	t.Helper()
	kind, _, _ := strings.Cut(answer.Header.Get("Content-Type"), ";")
	media := responseOf(of, answer.Status).Content[kind]
	if media == nil || kind == "application/yaml" { // no content; or the contract itself
		return comparison{}
	}
	var examples []shown
	for _, name := range slices.Sorted(maps.Keys(media.Examples)) {
		examples = append(examples, shown{name, media.Examples[name].Value.Value})
	}
	if kind == "text/csv" {
		line, _, _ := bytes.Cut(answer.Body, []byte("\n"))
		if !slices.ContainsFunc(examples, func(e shown) bool { return strings.HasPrefix(fmt.Sprint(e.value), string(line)+"\n") }) {
			t.Errorf("the file begins with the line %q, which none of its examples has", line)
		}
		return comparison{}
	}
	least := closest("", media.Schema.Value, examples, answer.JSON(t))
	for _, difference := range least.differs {
		t.Errorf("%d: %s", answer.Status, difference)
	}
	return least
}

// closest compares a value with the one of several examples that differs least.
func closest(at string, s *openapi3.Schema, examples []shown, found any) (least comparison) {
	if len(examples) == 0 {
		return comparison{differs: []string{at + ": there is no example"}}
	}
	for i, one := range examples {
		c := compare(one.name+at, s, one.value, found)
		if i == 0 || cmp.Or(cmp.Compare(len(c.differs), len(least.differs)), cmp.Compare(len(c.alone), len(least.alone))) < 0 {
			least = c
		}
	}
	return least
}

// compare looks at the names of members, at every level.
func compare(at string, s *openapi3.Schema, example, found any) (c comparison) {
	members, required, items := shape(s)
	switch found := found.(type) {
	case []any:
		if items == nil {
			return c
		}
		list, _ := example.([]any)
		var examples []shown
		for _, one := range list {
			examples = append(examples, shown{value: one})
		}
		for _, one := range found {
			c.add(closest(at+"/-", items, examples, one))
		}
	case map[string]any:
		if len(members) == 0 { // a map
			return c
		}
		object, ok := example.(map[string]any)
		if !ok {
			c.differs = append(c.differs, fmt.Sprintf("%s: the example has %v, the answer %v", at, example, found))
			return c
		}
		for name, value := range found {
			switch _, ok := object[name]; {
			case !ok:
				c.differs = append(c.differs, fmt.Sprintf("%s/%s: the answer has it, the example doesn't", at, name))
			case members[name] != nil:
				c.add(compare(at+"/"+name, members[name].Value, object[name], value))
			}
		}
		for name := range object {
			_, ok := found[name]
			switch optional := members[name] != nil && !slices.Contains(required, name); {
			case ok && optional:
				c.both = append(c.both, at+"/"+name)
			case optional:
				c.alone = append(c.alone, at+"/"+name)
			case !ok:
				c.differs = append(c.differs, fmt.Sprintf("%s/%s: the example has it, the answer doesn't", at, name))
			}
		}
	}
	return c
}

// shape gathers what a schema says of members and items, through allOf and through a oneOf with null.
func shape(s *openapi3.Schema) (members openapi3.Schemas, required []string, items *openapi3.Schema) {
	members, required = maps.Clone(s.Properties), slices.Clone(s.Required)
	if members == nil {
		members = openapi3.Schemas{}
	}
	if s.Items != nil {
		items = s.Items.Value
	}
	for _, part := range append(slices.Clone(s.AllOf), s.OneOf...) {
		m, r, i := shape(part.Value)
		maps.Copy(members, m)
		required, items = append(required, r...), cmp.Or(items, i)
	}
	return members, required, items
}
