package template

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// parameter is a declaration. Its bounds are kept by CloudFormation; the local run takes what breaks them.
type parameter struct {
	Type          string   `yaml:"Type"`
	Default       *string  `yaml:"Default"`
	AllowedValues []string `yaml:"AllowedValues"`
	Pattern       string   `yaml:"AllowedPattern"`
	MinLength     int      `yaml:"MinLength"`
	MaxLength     *int     `yaml:"MaxLength"`
	MinValue      *float64 `yaml:"MinValue"`
	MaxValue      *float64 `yaml:"MaxValue"`

	matches *regexp.Regexp // of Pattern; nil without one
}

// declarations reads the template's parameters.
func declarations(n *yaml.Node) (map[string]parameter, error) {
	all := map[string]parameter{}
	if n == nil {
		return all, nil
	}
	if err := n.Decode(&all); err != nil {
		return nil, err
	}
	for name, p := range all {
		if p.Pattern == "" {
			continue
		}
		var err error
		if p.matches, err = regexp.Compile(p.Pattern); err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
		all[name] = p
	}
	return all, nil
}

// set settles the parameters: their defaults, and what overrides them.
func (t *Template) set(overrides map[string]string) error {
	t.parameters, t.deciding = map[string]any{}, map[string]bool{}
	for name, p := range t.declared {
		v, err := p.value(name, overrides)
		if err != nil {
			return err
		}
		t.parameters[name] = v
	}
	for name := range overrides {
		if _, ok := t.declared[name]; !ok {
			return fmt.Errorf("parameter %s is set, but the template doesn't declare it", name)
		}
	}
	return nil
}

// With is the template with other parameters: its defaults, and what overrides them.
func (t *Template) With(overrides map[string]string) (*Template, error) {
	other := *t
	if err := other.set(overrides); err != nil {
		return nil, err
	}
	return &other, nil
}

func (p parameter) value(name string, overrides map[string]string) (any, error) {
	v, ok := overrides[name]
	if !ok {
		if p.Default == nil {
			return nil, fmt.Errorf("parameter %s has no default and no value: set LATCHKEY_PARAM_%s", name, name)
		}
		v = *p.Default
	}
	if len(p.AllowedValues) > 0 && !slices.Contains(p.AllowedValues, v) {
		return nil, fmt.Errorf("parameter %s: %q is none of %s", name, v, strings.Join(p.AllowedValues, ", "))
	}
	if p.Type == "CommaDelimitedList" || strings.HasPrefix(p.Type, "List<") {
		list := []any{}
		for part := range strings.SplitSeq(v, ",") {
			list = append(list, strings.TrimSpace(part))
		}
		return list, nil
	}
	return v, nil
}

// Takes reports whether CloudFormation takes a value of one parameter, whatever the others are.
func (t *Template) Takes(name, value string) bool {
	p, ok := t.declared[name]
	return ok && p.takes(value)
}

func (p parameter) takes(v string) bool {
	if len(p.AllowedValues) > 0 {
		return slices.Contains(p.AllowedValues, v)
	}
	if p.Type == "Number" { // an integer or a decimal
		n, err := strconv.ParseFloat(v, 64)
		return err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) && (p.MinValue == nil || n >= *p.MinValue) && (p.MaxValue == nil || n <= *p.MaxValue)
	}
	n := utf8.RuneCountInString(v)
	return n >= p.MinLength && (p.MaxLength == nil || n <= *p.MaxLength) && (p.matches == nil || p.matches.MatchString(v))
}

// Pattern is the regular expression that a parameter's values match, "" if it has none.
func (t *Template) Pattern(name string) string { return t.declared[name].Pattern }

// Parameters lists the parameters that the template declares.
func (t *Template) Parameters() []string { return slices.Sorted(maps.Keys(t.declared)) }

// Refused lists what CloudFormation says against the template's parameters before it makes anything: values that one can't have, and
// what the template's Rules assert of several.
func (t *Template) Refused() (all []string, err error) {
	for _, name := range t.Parameters() {
		if v, ok := t.parameters[name].(string); ok && !t.declared[name].takes(v) {
			all = append(all, fmt.Sprintf("%s can't be %q", name, v))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.rules)) {
		broken, err := t.broken(children(t.rules[name]))
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", name, err)
		}
		all = append(all, broken...)
	}
	return all, nil
}

// broken lists the assertions of a rule that don't hold.
func (t *Template) broken(rule map[string]*yaml.Node) (all []string, err error) {
	if when := rule["RuleCondition"]; when != nil {
		if on, err := t.decide(when); err != nil || !on {
			return nil, err
		}
	}
	assertions := rule["Assertions"]
	if assertions == nil {
		return nil, fail(&yaml.Node{}, "no Assertions")
	}
	for _, n := range assertions.Content {
		one := children(n)
		if one["Assert"] == nil || one["AssertDescription"] == nil {
			return nil, fail(n, "an assertion needs Assert and AssertDescription")
		}
		holds, err := t.decide(one["Assert"])
		if err != nil {
			return nil, err
		}
		if !holds {
			all = append(all, one["AssertDescription"].Value)
		}
	}
	return all, nil
}

// Ruled lists, for each of the Rules, the parameters that it looks at.
func (t *Template) Ruled() (all [][]string) {
	for _, name := range slices.Sorted(maps.Keys(t.rules)) {
		all = append(all, t.named(t.rules[name]))
	}
	return all
}

// Deciding lists the parameters that decide what variables a function has.
func (t *Template) Deciding(function string) []string {
	r := t.resources[function]
	if r == nil {
		return nil
	}
	nodes := []*yaml.Node{children(r.properties)["Environment"], children(t.globals["Function"])["Environment"]}
	if condition := t.conditions[r.condition]; condition != nil {
		nodes = append(nodes, condition)
	}
	return t.named(nodes...)
}

// variable finds the names in the text of a Sub.
var variable = regexp.MustCompile(`\$\{([A-Za-z0-9]+)\}`)

// named lists the parameters that are named below nodes, and by the conditions that they name.
func (t *Template) named(nodes ...*yaml.Node) []string {
	seen := map[string]bool{}
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		if n == nil || seen[n.Value] {
			return
		}
		names := []string{n.Value}
		for _, m := range variable.FindAllStringSubmatch(n.Value, -1) {
			names = append(names, m[1])
		}
		for _, name := range names {
			if _, ok := t.declared[name]; ok {
				seen[name] = true
			}
			if condition := t.conditions[name]; condition != nil && !seen[name] {
				seen[name] = true
				walk(condition)
			}
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	for _, n := range nodes {
		walk(n)
	}
	maps.DeleteFunc(seen, func(name string, _ bool) bool { _, ok := t.declared[name]; return !ok })
	return slices.Sorted(maps.Keys(seen))
}
