// Package contract tests template.yaml: what the linters of CloudFormation and SAM let pass and AWS, or an attacker,
// would not. The template is rendered symbolically: parameters and conditions are evaluated, references to resources
// stay as ${Name} or ${Name.Attribute}.
package contract

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "rewrite what follows from the template and from lists in the code: testdata/surface.txt, parts of documents and of the contract")

type (
	object = map[string]any
	list   = []any
)

const root = "../../"

// gone is the value of !Ref AWS::NoValue.
type gone struct{}

// renderer evaluates one template with one set of parameters.
type renderer struct {
	parameters map[string]string
	conditions map[string]yaml.Node
}

// document is a rendered template.
type document struct {
	Resources object
	Outputs   object
}

// written is a template before it is evaluated.
type written struct {
	Parameters map[string]struct {
		Default *string `yaml:"Default"`
	} `yaml:"Parameters"`
	Rules      map[string]rule      `yaml:"Rules"`
	Conditions map[string]yaml.Node `yaml:"Conditions"`
	Globals    map[string]yaml.Node `yaml:"Globals"`
	Resources  yaml.Node            `yaml:"Resources"`
	Outputs    yaml.Node            `yaml:"Outputs"`
}

// open reads a template, to be evaluated with its defaults and the given parameters, given as name, value, name, value.
func open(t *testing.T, file string, parameters ...string) (written, renderer) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	var s written
	// Two keys of one name in a mapping are an error of this parser, as they should be.
	if err := yaml.NewDecoder(bytes.NewReader(raw)).Decode(&s); err != nil {
		t.Fatal(err)
	}
	r := renderer{parameters: map[string]string{}, conditions: map[string]yaml.Node{}}
	for name, p := range s.Parameters {
		if p.Default != nil {
			r.parameters[name] = *p.Default
		}
	}
	for i := 0; i < len(parameters); i += 2 {
		if _, ok := s.Parameters[parameters[i]]; !ok {
			t.Fatalf("%s has no parameter %s", file, parameters[i])
		}
		r.parameters[parameters[i]] = parameters[i+1]
	}
	maps.Copy(r.conditions, s.Conditions)
	return s, r
}

// render evaluates a template with its defaults and the given parameters, which its rules have to take.
func render(t *testing.T, file string, parameters ...string) document {
	t.Helper()
	source, r := open(t, file, parameters...)
	if broken := r.broken(source.Rules); len(broken) > 0 {
		t.Fatalf("%s refuses the parameters %q: %q", file, parameters, broken)
	}
	resources, _ := r.value(&source.Resources).(object)
	var outputs object
	if !source.Outputs.IsZero() {
		outputs, _ = r.value(&source.Outputs).(object)
	}
	for name, o := range outputs {
		if c, ok := at(o, "Condition").(string); ok && !r.holds(c) {
			delete(outputs, name)
		}
	}
	defaults := object{}
	if g, ok := source.Globals["Function"]; ok {
		defaults, _ = r.value(&g).(object)
	}
	for name, res := range resources {
		resource := res.(object)
		if c, ok := resource["Condition"].(string); ok && !r.holds(c) {
			delete(resources, name)
			continue
		}
		if resource["Type"] == "AWS::Serverless::Function" {
			resource["Properties"] = merged(defaults, resource["Properties"].(object))
		}
	}
	return document{Resources: resources, Outputs: outputs}
}

// parameterNames lists the parameters of a template.
func parameterNames(t *testing.T, file string) []string {
	t.Helper()
	source, _ := open(t, file)
	return sorted(source.Parameters)
}

// merged lays b over a, as SAM lays a function's properties over Globals.
func merged(a, b object) object {
	out := maps.Clone(a)
	for k, v := range b {
		under, isObject := out[k].(object)
		over, too := v.(object)
		if isObject && too {
			v = merged(under, over)
		}
		out[k] = v
	}
	return out
}

func (r *renderer) value(n *yaml.Node) any {
	if name := strings.TrimPrefix(n.Tag, "!"); name != n.Tag && !strings.HasPrefix(n.Tag, "!!") {
		return r.function(name, n)
	}
	switch n.Kind {
	case yaml.MappingNode:
		out := object{}
		for i := 0; i < len(n.Content); i += 2 {
			if v := r.value(n.Content[i+1]); v != (gone{}) {
				out[n.Content[i].Value] = v
			}
		}
		return out
	case yaml.SequenceNode:
		return r.items(n)
	case yaml.ScalarNode:
		var v any
		if err := n.Decode(&v); err != nil {
			panic(err)
		}
		return v
	}
	panic(fmt.Sprintf("line %d: a kind of YAML that templates don't use", n.Line))
}

func (r *renderer) items(n *yaml.Node) list {
	out := list{}
	for _, c := range n.Content {
		if v := r.value(c); v != (gone{}) {
			out = append(out, v)
		}
	}
	return out
}

func (r *renderer) function(name string, n *yaml.Node) any {
	switch name {
	case "Ref":
		return r.reference(n.Value)
	case "GetAtt":
		return "${" + n.Value + "}"
	case "Sub":
		return r.sub(n)
	case "If":
		if r.holds(n.Content[0].Value) {
			return r.value(n.Content[1])
		}
		return r.value(n.Content[2])
	case "Join":
		parts := []string{}
		for _, part := range r.value(n.Content[1]).(list) {
			parts = append(parts, fmt.Sprint(part))
		}
		return strings.Join(parts, n.Content[0].Value)
	case "Split", "Select":
		parts := make([]string, len(n.Content))
		for i, c := range n.Content {
			parts[i] = fmt.Sprint(r.value(c))
		}
		return name + "(" + strings.Join(parts, ", ") + ")"
	}
	panic(fmt.Sprintf("line %d: the contract test doesn't know !%s", n.Line, name))
}

func (r *renderer) reference(name string) any {
	if name == "AWS::NoValue" {
		return gone{}
	}
	if v, ok := r.parameters[name]; ok {
		return v
	}
	return "${" + name + "}"
}

func (r *renderer) sub(n *yaml.Node) string {
	text, local := n.Value, map[string]string{}
	if n.Kind == yaml.SequenceNode {
		text = n.Content[0].Value
		for i := 0; i < len(n.Content[1].Content); i += 2 {
			local[n.Content[1].Content[i].Value] = fmt.Sprint(r.value(n.Content[1].Content[i+1]))
		}
	}
	return os.Expand(text, func(name string) string {
		if v, ok := local[name]; ok {
			return v
		}
		return fmt.Sprint(r.reference(name))
	})
}

func (r *renderer) holds(name string) bool {
	n, ok := r.conditions[name]
	if !ok {
		panic("no condition " + name)
	}
	return r.decide(&n)
}

func (r *renderer) decide(n *yaml.Node) bool {
	switch n.Tag {
	case "!Not":
		return !r.decide(n.Content[0])
	case "!Equals":
		return r.value(n.Content[0]) == r.value(n.Content[1])
	case "!Condition":
		return r.holds(n.Value)
	case "!And", "!Or":
		for _, c := range n.Content {
			if r.decide(c) == (n.Tag == "!Or") {
				return n.Tag == "!Or"
			}
		}
		return n.Tag == "!And"
	}
	panic(fmt.Sprintf("line %d: not a condition", n.Line))
}

// at walks down a rendered value. What isn't there is nil.
func at(v any, path ...string) any {
	for _, p := range path {
		switch x := v.(type) {
		case object:
			v = x[p]
		case list:
			i, err := strconv.Atoi(p)
			if err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

// ofType returns the properties of the resources of a type, by logical ID.
func (d document) ofType(kind string) map[string]object {
	out := map[string]object{}
	for id, r := range d.Resources {
		if at(r, "Type") == kind {
			out[id], _ = at(r, "Properties").(object)
		}
	}
	return out
}

func (d document) properties(t *testing.T, id string) object {
	t.Helper()
	p, ok := at(d.Resources, id, "Properties").(object)
	if !ok {
		t.Fatalf("no resource %s", id)
	}
	return p
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// texts makes a list of strings of a string or a list.
func texts(v any) []string {
	switch x := v.(type) {
	case string:
		return []string{x}
	case list:
		out := make([]string, len(x))
		for i, e := range x {
			out[i] = fmt.Sprint(e)
		}
		return out
	}
	return nil
}
