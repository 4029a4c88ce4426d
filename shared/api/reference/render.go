package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// render writes the reference page: operations by tag, then the documents that they take and give.
func render(contract []byte) ([]byte, error) {
	doc, err := openapi3.NewLoader().LoadFromData(contract)
	if err != nil {
		return nil, err
	}
	p := page{doc: doc}
	p.line("# %s", doc.Info.Title)
	p.line("")
	p.line("Generated from `shared/api/openapi.yaml` by `go generate ./shared/api`; don't edit it. The running API serves the contract at `/openapi.yaml`.")
	p.line("")
	p.line("%s", strings.TrimSpace(doc.Info.Description))
	for _, tag := range doc.Tags {
		p.tag(tag)
	}
	p.line("")
	p.line("## Documents")
	for _, name := range slices.Sorted(maps.Keys(doc.Components.Schemas)) {
		p.schema(name, doc.Components.Schemas[name])
	}
	p.line("")
	p.line("## Examples")
	for _, name := range slices.Sorted(maps.Keys(doc.Components.Examples)) {
		if err := p.example(name, doc.Components.Examples[name].Value); err != nil {
			return nil, err
		}
	}
	return p.out.Bytes(), nil
}

type page struct {
	doc *openapi3.T
	out bytes.Buffer
}

func (p *page) line(format string, args ...any) { fmt.Fprintf(&p.out, format+"\n", args...) }

type operation struct {
	method, path string
	op           *openapi3.Operation
	shared       openapi3.Parameters
}

func (p *page) tag(tag *openapi3.Tag) {
	p.line("")
	p.line("## Operations: %s", tag.Name)
	p.line("")
	p.line("%s", tag.Description)
	var list []operation
	for path, item := range p.doc.Paths.Map() {
		for method, op := range item.Operations() {
			if slices.Contains(op.Tags, tag.Name) {
				list = append(list, operation{method, path, op, item.Parameters})
			}
		}
	}
	order := "GET POST PUT PATCH DELETE"
	sort.Slice(list, func(i, j int) bool {
		if list[i].path != list[j].path {
			return list[i].path < list[j].path
		}
		return strings.Index(order, list[i].method) < strings.Index(order, list[j].method)
	})
	for _, o := range list {
		p.operation(o)
	}
}

func (p *page) operation(o operation) {
	p.line("")
	p.line("### `%s %s`", o.method, o.path)
	p.line("")
	p.line("%s.", o.op.Summary)
	if o.op.Description != "" {
		p.line("%s", strings.TrimSpace(o.op.Description))
	}
	p.line("")
	p.line("- For: %s", strings.Trim(fmt.Sprint(o.op.Extensions["x-roles"]), "[]"))
	for _, ref := range append(slices.Clone(o.shared), o.op.Parameters...) {
		p.parameter(ref.Value)
	}
	if o.op.RequestBody != nil {
		for _, kind := range slices.Sorted(maps.Keys(o.op.RequestBody.Value.Content)) {
			p.line("- Body, `%s`: %s", kind, p.content(o.op.RequestBody.Value.Content[kind]))
		}
	}
	answers := o.op.Responses.Map()
	for _, status := range slices.Sorted(maps.Keys(answers)) {
		if status < "4" {
			p.answer(status, answers[status].Value)
		}
	}
}

func (p *page) parameter(v *openapi3.Parameter) {
	if v.In == "path" {
		return
	}
	need := ""
	if v.Required {
		need = ", needed"
	}
	text := fmt.Sprintf("- `%s` (%s, %s%s)", v.Name, v.In, p.typeName(v.Schema), need)
	if v.Description != "" {
		text += ": " + v.Description
	}
	p.line("%s", text)
}

func (p *page) answer(status string, r *openapi3.Response) {
	kinds := slices.Sorted(maps.Keys(r.Content))
	if len(kinds) == 0 {
		p.line("- %s: nothing", status)
	}
	for _, kind := range kinds {
		p.line("- %s, `%s`: %s", status, kind, p.content(r.Content[kind]))
	}
}

// content names a document, and links its examples.
func (p *page) content(media *openapi3.MediaType) string {
	text := p.typeName(media.Schema)
	for i, name := range slices.Sorted(maps.Keys(media.Examples)) {
		text += fmt.Sprintf("%s[%s](#example-%s)", map[bool]string{true: "; for example ", false: ", "}[i == 0], name, strings.ToLower(name))
	}
	return text
}

// example writes a value as JSON, or a file as it is.
func (p *page) example(name string, e *openapi3.Example) error {
	p.line("")
	p.line("### Example: %s", name)
	p.line("")
	if e.Summary != "" {
		p.line("%s", e.Summary)
		p.line("")
	}
	if file, ok := e.Value.(string); ok {
		p.line("```text")
		p.line("%s", strings.TrimSpace(file))
		p.line("```")
		return nil
	}
	text, err := json.MarshalIndent(e.Value, "", "  ")
	if err != nil {
		return err
	}
	p.line("```json")
	p.line("%s", text)
	p.line("```")
	return nil
}

// typeName names a schema: a link for one of the documents, a word for anything else.
func (p *page) typeName(ref *openapi3.SchemaRef) string {
	if ref == nil || ref.Value == nil {
		return "anything"
	}
	if name, ok := strings.CutPrefix(ref.Ref, "#/components/schemas/"); ok {
		return fmt.Sprintf("[%s](#%s)", name, strings.ToLower(name))
	}
	s := ref.Value
	switch {
	case len(s.OneOf) > 0:
		var names []string
		for _, one := range s.OneOf {
			names = append(names, p.typeName(one))
		}
		return strings.Join(names, " or ")
	case len(s.Enum) > 0:
		return literals(s.Enum)
	case s.Extensions["x-extensible-enum"] != nil:
		known, _ := s.Extensions["x-extensible-enum"].([]any)
		return "string, such as " + literals(known)
	case s.Type.Includes("array"):
		return "list of " + p.typeName(s.Items)
	case s.Type == nil:
		return "anything"
	default:
		words := strings.Join(s.Type.Slice(), " or ")
		if s.Format == "date-time" {
			words = strings.Replace(words, "string", "time", 1)
		}
		return words + bounds(s)
	}
}

func literals(list []any) string {
	values := make([]string, 0, len(list))
	for _, v := range list {
		values = append(values, fmt.Sprintf("`%v`", v))
	}
	return strings.Join(values, ", ")
}

func bounds(s *openapi3.Schema) string {
	switch {
	case s.Min != nil && s.Max != nil:
		return fmt.Sprintf(" %d to %d", int64(*s.Min), int64(*s.Max))
	case s.Min != nil:
		return fmt.Sprintf(" from %d", int64(*s.Min))
	case s.MaxLength != nil:
		return fmt.Sprintf(" of at most %d", *s.MaxLength)
	default:
		return ""
	}
}

func (p *page) schema(name string, ref *openapi3.SchemaRef) {
	s := ref.Value
	p.line("")
	p.line("### %s", name)
	p.line("")
	if s.Description != "" {
		p.line("%s", s.Description)
		p.line("")
	}
	parts := append(openapi3.SchemaRefs{}, s.AllOf...)
	if len(parts) == 0 {
		if len(s.Properties) == 0 {
			p.line("%s", p.typeName(&openapi3.SchemaRef{Value: s}))
			return
		}
		parts = openapi3.SchemaRefs{{Value: s}}
	}
	for _, part := range parts {
		if part.Ref != "" {
			p.line("All of %s, and:", p.typeName(part))
			p.line("")
			continue
		}
		p.members(part.Value)
	}
}

func (p *page) members(s *openapi3.Schema) {
	p.line("| member | type | |")
	p.line("|---|---|---|")
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		property := s.Properties[name]
		note := property.Value.Description
		if property.Ref != "" {
			note = "" // the document has it
		}
		if slices.Contains(s.Required, name) {
			name += "` *"
		} else {
			name += "`"
		}
		p.line("| `%s | %s | %s |", name, p.typeName(property), strings.ReplaceAll(note, "|", "\\|"))
	}
	if len(s.Required) > 0 {
		p.line("")
		p.line("\\* always there, or needed.")
	}
}
