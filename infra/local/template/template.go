// Package template reads a SAM template as YAML nodes and evaluates what the local runner needs of it.
//
// Resources are evaluated one by one and only when asked for, so that an intrinsic the runner doesn't know is no obstacle in
// a resource that it doesn't play.
package template

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Names that a stack on AWS would get from CloudFormation.
const (
	Region    = "us-east-1"
	AccountID = "000000000000"
	StackName = "latchkey"
	StackID   = "arn:aws:cloudformation:" + Region + ":" + AccountID + ":stack/" + StackName + "/5f3c9d6a-1b7e-4c42-9a55-0e8f6b7c2d10"
	Partition = "aws"
	URLSuffix = "amazonaws.com"
)

// Template is a parsed template with its parameters and conditions settled.
type Template struct {
	dir        string
	declared   map[string]parameter
	parameters map[string]any
	rules      map[string]*yaml.Node
	conditions map[string]*yaml.Node
	mappings   any
	globals    map[string]*yaml.Node
	resources  map[string]*Resource
	deciding   map[string]bool // conditions being evaluated, to find circles
}

// Resource is one resource of the template, not yet evaluated.
type Resource struct {
	ID, Type   string
	condition  string
	properties *yaml.Node
}

// Load reads the file. overrides are parameter values; one that the template doesn't declare is an error.
func Load(file string, overrides map[string]string) (*Template, error) {
	raw, err := os.ReadFile(file) //nolint:gosec // the user's own template
	if err != nil {
		return nil, err
	}
	t, err := Parse(raw, filepath.Dir(file), overrides)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return t, nil
}

// Parse is Load for a template in memory; dir is what relative paths start from.
func Parse(raw []byte, dir string, overrides map[string]string) (*Template, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(raw, &root); err != nil {
		return nil, err
	}
	if len(root.Content) == 0 || root.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("the template is empty")
	}
	doc := children(root.Content[0])
	parameters, err := declarations(doc["Parameters"])
	if err != nil {
		return nil, err
	}
	t := &Template{
		dir: dir, declared: parameters, rules: children(doc["Rules"]), conditions: children(doc["Conditions"]),
		globals: children(doc["Globals"]), resources: map[string]*Resource{},
	}
	if err := t.set(overrides); err != nil {
		return nil, err
	}
	if n := doc["Mappings"]; n != nil {
		var err error
		if t.mappings, err = t.eval(n); err != nil {
			return nil, err
		}
	}
	for id, n := range children(doc["Resources"]) {
		parts := children(n)
		r := &Resource{ID: id, properties: parts["Properties"]}
		if k := parts["Type"]; k != nil {
			r.Type = k.Value
		}
		if k := parts["Condition"]; k != nil {
			r.condition = k.Value
		}
		t.resources[id] = r
	}
	return t, nil
}

// children returns the entries of a mapping, which stay nodes: short forms like !Sub can't be decoded before they are evaluated.
func children(n *yaml.Node) map[string]*yaml.Node {
	m := map[string]*yaml.Node{}
	if n != nil && n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = n.Content[i+1]
		}
	}
	return m
}

// ParameterNames lists the parameters that the template declares, without evaluating anything else of it.
func ParameterNames(file string) ([]string, error) {
	raw, err := os.ReadFile(file) //nolint:gosec // the user's own template
	if err != nil {
		return nil, err
	}
	var doc struct {
		Parameters map[string]yaml.Node `yaml:"Parameters"`
	}
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	names := make([]string, 0, len(doc.Parameters))
	for n := range doc.Parameters {
		names = append(names, n)
	}
	sort.Strings(names)
	return names, nil
}

// Of returns the resources of one type whose condition holds, ordered by logical ID.
func (t *Template) Of(kind string) ([]*Resource, error) {
	var list []*Resource
	for _, r := range t.resources {
		if r.Type != kind {
			continue
		}
		on, err := t.exists(r)
		if err != nil {
			return nil, err
		}
		if on {
			list = append(list, r)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].ID < list[j].ID })
	return list, nil
}

func (t *Template) exists(r *Resource) (bool, error) {
	if r.condition == "" {
		return true, nil
	}
	return t.condition(r.condition)
}

// Properties evaluates a resource's properties, merged with the Globals of its kind as SAM does.
func (t *Template) Properties(r *Resource) (Map, error) {
	own, err := t.evalMap(r.properties)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.ID, err)
	}
	kind, serverless := strings.CutPrefix(r.Type, "AWS::Serverless::")
	if !serverless {
		return own, nil
	}
	global, err := t.evalMap(t.globals[kind])
	if err != nil {
		return nil, fmt.Errorf("in Globals.%s: %w", kind, err)
	}
	return Map(merge(map[string]any(global), map[string]any(own)).(map[string]any)), nil
}

// merge lays own over global: maps are merged, lists joined, anything else replaced.
func merge(global, own any) any {
	switch o := own.(type) {
	case map[string]any:
		g, ok := global.(map[string]any)
		if !ok {
			return own
		}
		out := make(map[string]any, len(g)+len(o))
		for k, v := range g {
			out[k] = v
		}
		for k, v := range o {
			if gv, ok := out[k]; ok {
				v = merge(gv, v)
			}
			out[k] = v
		}
		return out
	case []any:
		if g, ok := global.([]any); ok {
			return append(append([]any{}, g...), o...)
		}
	}
	return own
}

func (t *Template) evalMap(n *yaml.Node) (Map, error) {
	if n == nil {
		return Map{}, nil
	}
	v, err := t.eval(n)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("line %d: a mapping is expected", n.Line)
	}
	return m, nil
}

// Path resolves a path of the template.
func (t *Template) Path(p string) string { return filepath.Join(t.dir, p) }
