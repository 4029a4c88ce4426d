package template

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// absent is the value of !Ref AWS::NoValue: what holds it disappears.
type absent struct{}

func fail(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("line %d: %s", n.Line, fmt.Sprintf(format, args...))
}

// eval returns the node's value as map[string]any, []any, string, int, float64, bool or nil.
func (t *Template) eval(n *yaml.Node) (any, error) {
	if name, ok := shortForm(n.Tag); ok {
		return t.call(name, n, untagged(n))
	}
	switch n.Kind {
	case yaml.AliasNode:
		return t.eval(n.Alias)
	case yaml.ScalarNode:
		return scalar(n)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			v, err := t.eval(c)
			if err != nil {
				return nil, err
			}
			if _, gone := v.(absent); !gone {
				list = append(list, v)
			}
		}
		return list, nil
	case yaml.MappingNode:
		return t.evalMapping(n)
	default:
		return nil, fail(n, "unexpected YAML")
	}
}

func (t *Template) evalMapping(n *yaml.Node) (any, error) {
	if len(n.Content) == 2 {
		if name, ok := longForm(n.Content[0].Value); ok {
			return t.call(name, n, n.Content[1])
		}
	}
	m := make(map[string]any, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Value == "<<" || strings.HasPrefix(key.Value, "Fn::") {
			return nil, fail(key, "%s can't have other keys beside it here", key.Value)
		}
		v, err := t.eval(n.Content[i+1])
		if err != nil {
			return nil, err
		}
		if _, gone := v.(absent); !gone {
			m[key.Value] = v
		}
	}
	return m, nil
}

// shortForm recognises !Ref, !Sub, ….
func shortForm(tag string) (string, bool) {
	if !strings.HasPrefix(tag, "!") || strings.HasPrefix(tag, "!!") || tag == "!" {
		return "", false
	}
	return tag[1:], true
}

// longForm recognises {Ref: …} and {Fn::Name: …}. Condition is one only inside conditions, which don't come here.
func longForm(key string) (string, bool) {
	if key == "Ref" {
		return key, true
	}
	return strings.CutPrefix(key, "Fn::")
}

// untagged returns the argument of a short form.
func untagged(n *yaml.Node) *yaml.Node {
	c := *n
	c.Tag = ""
	if c.Kind == yaml.ScalarNode {
		c.Tag = "!!str"
	}
	return &c
}

func scalar(n *yaml.Node) (any, error) {
	switch n.ShortTag() {
	case "!!null":
		return nil, nil
	case "!!bool":
		var b bool
		err := n.Decode(&b)
		return b, err
	case "!!int":
		if v, err := strconv.Atoi(n.Value); err == nil && strconv.Itoa(v) == n.Value {
			return v, nil
		}
		return n.Value, nil // 000000000000 is an account, not zero
	case "!!float":
		if v, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return v, nil
		}
	}
	return n.Value, nil
}

// call evaluates one intrinsic.
func (t *Template) call(name string, at, arg *yaml.Node) (any, error) {
	switch name {
	case "Ref":
		return t.ref(at, arg.Value)
	case "GetAtt":
		return t.getAtt(at, arg)
	case "Sub":
		return t.sub(at, arg)
	case "If":
		return t.ifElse(at, arg)
	case "Equals", "Not", "And", "Or", "Condition":
		return t.decide(&yaml.Node{Kind: yaml.MappingNode, Line: at.Line, Content: []*yaml.Node{
			{Kind: yaml.ScalarNode, Value: map[bool]string{true: "Condition", false: "Fn::" + name}[name == "Condition"]}, arg,
		}})
	case "Transform":
		return t.include(at, arg)
	case "Join", "Select", "Split", "FindInMap", "Base64", "ToJsonString", "Length":
		v, err := t.eval(arg)
		if err != nil {
			return nil, err
		}
		return t.function(name, at, v)
	}
	return nil, fail(at, "the local runner doesn't know the intrinsic %s", name)
}

// function evaluates the intrinsics that take values only.
func (t *Template) function(name string, at *yaml.Node, v any) (any, error) {
	args, _ := v.([]any)
	switch {
	case name == "Base64":
		return base64.StdEncoding.EncodeToString([]byte(Text(v))), nil
	case name == "ToJsonString":
		doc, err := json.Marshal(v)
		return string(doc), err
	case name == "Length" && args != nil:
		return len(args), nil
	case name == "Join" && len(args) == 2:
		list, ok := args[1].([]any)
		if !ok {
			return nil, fail(at, "Join needs a list")
		}
		parts := make([]string, len(list))
		for i, p := range list {
			parts[i] = Text(p)
		}
		return strings.Join(parts, Text(args[0])), nil
	case name == "Split" && len(args) == 2:
		list := []any{}
		for part := range strings.SplitSeq(Text(args[1]), Text(args[0])) {
			list = append(list, part)
		}
		return list, nil
	case name == "Select" && len(args) == 2:
		list, ok := args[1].([]any)
		i, err := strconv.Atoi(Text(args[0]))
		if !ok || err != nil || i < 0 || i >= len(list) {
			return nil, fail(at, "Select: no element %v in %v", args[0], args[1])
		}
		return list[i], nil
	case name == "FindInMap" && len(args) >= 3:
		m := t.mappings
		for _, key := range args[:3] {
			level, _ := m.(map[string]any)
			var ok bool
			if m, ok = level[Text(key)]; !ok {
				return nil, fail(at, "FindInMap: nothing at %v", args[:3])
			}
		}
		return m, nil
	}
	return nil, fail(at, "%s: wrong arguments", name)
}

func (t *Template) ifElse(at, arg *yaml.Node) (any, error) {
	if arg.Kind != yaml.SequenceNode || len(arg.Content) != 3 {
		return nil, fail(at, "If needs a condition and two values")
	}
	on, err := t.condition(arg.Content[0].Value)
	if err != nil {
		return nil, err
	}
	if on {
		return t.eval(arg.Content[1])
	}
	return t.eval(arg.Content[2])
}

// include plays AWS::Include for local files; no other transform is known.
func (t *Template) include(at, arg *yaml.Node) (any, error) {
	v, err := t.eval(arg)
	if err != nil {
		return nil, err
	}
	m, _ := v.(map[string]any)
	params, _ := m["Parameters"].(map[string]any)
	location, _ := params["Location"].(string)
	if m["Name"] != "AWS::Include" || location == "" || strings.Contains(location, "://") {
		return nil, fail(at, "the local runner knows only AWS::Include of a local file")
	}
	raw, err := os.ReadFile(t.Path(location))
	if err != nil {
		return nil, err
	}
	var root yaml.Node
	if err := yaml.Unmarshal(raw, &root); err != nil || len(root.Content) == 0 {
		return nil, fail(at, "%s: %v", location, err)
	}
	return t.eval(root.Content[0])
}

// condition evaluates a condition by name.
func (t *Template) condition(name string) (bool, error) {
	n := t.conditions[name]
	if n == nil {
		return false, fmt.Errorf("no condition %q in the template", name)
	}
	if t.deciding[name] {
		return false, fail(n, "condition %s depends on itself", name)
	}
	t.deciding[name] = true
	defer delete(t.deciding, name)
	return t.decide(n)
}

// decide evaluates a condition function.
func (t *Template) decide(n *yaml.Node) (bool, error) {
	name, arg := "", n
	if s, ok := shortForm(n.Tag); ok {
		name, arg = s, untagged(n)
	} else if n.Kind == yaml.MappingNode && len(n.Content) == 2 {
		name, arg = strings.TrimPrefix(n.Content[0].Value, "Fn::"), n.Content[1]
	}
	switch name {
	case "Condition":
		return t.condition(arg.Value)
	case "Equals":
		v, err := t.eval(arg)
		args, _ := v.([]any)
		if err != nil || len(args) != 2 {
			return false, fail(n, "Equals needs two values (%v)", err)
		}
		return Text(args[0]) == Text(args[1]), nil
	case "Not", "And", "Or":
		if arg.Kind != yaml.SequenceNode || len(arg.Content) == 0 || name == "Not" && len(arg.Content) != 1 {
			return false, fail(n, "%s: wrong arguments", name)
		}
		for _, c := range arg.Content {
			v, err := t.decide(c)
			switch {
			case err != nil:
				return false, err
			case name == "Not":
				return !v, nil
			case v == (name == "Or"):
				return v, nil
			}
		}
		return name == "And", nil
	}
	return false, fail(n, "not a condition")
}
