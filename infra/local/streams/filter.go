package streams

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Filter is a FilterCriteria: a record passes if any of its patterns matches. The zero value lets everything through.
type Filter struct{ patterns []pattern }

// pattern is an event pattern: all parts must match.
type pattern []func(event map[string]any) bool

// ParseFilter compiles event patterns (JSON), of which one must match. It knows equality, null, prefix, suffix,
// anything-but, equals-ignore-case, numeric, exists and $or. What it doesn't know is an error.
// As in AWS, numeric looks at JSON numbers: an attribute's {"N": "5"} is a string, and only equals "5".
func ParseFilter(patterns ...string) (Filter, error) {
	var f Filter
	for _, text := range patterns {
		dec := json.NewDecoder(strings.NewReader(text))
		var raw map[string]any
		if err := dec.Decode(&raw); err != nil || dec.More() {
			return Filter{}, fmt.Errorf("pattern %q is no JSON object", text)
		}
		p, err := compile(raw)
		if err != nil {
			return Filter{}, fmt.Errorf("pattern %q: %w", text, err)
		}
		f.patterns = append(f.patterns, p)
	}
	return f, nil
}

// match says whether a record, as JSON, passes.
func (f Filter) match(record []byte) bool {
	if len(f.patterns) == 0 {
		return true
	}
	var event map[string]any
	if err := json.NewDecoder(bytes.NewReader(record)).Decode(&event); err != nil {
		return false
	}
	return slices.ContainsFunc(f.patterns, func(p pattern) bool { return p.match(event) })
}

func (p pattern) match(event map[string]any) bool {
	for _, part := range p {
		if !part(event) {
			return false
		}
	}
	return true
}

func compile(raw map[string]any) (pattern, error) {
	if len(raw) == 0 {
		return nil, errors.New("an object of a pattern can't be empty")
	}
	var p pattern
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		part, err := compilePart(name, raw[name])
		if err != nil {
			return nil, err
		}
		p = append(p, part)
	}
	return p, nil
}

func compilePart(name string, v any) (func(map[string]any) bool, error) {
	if name == "$or" {
		return compileOr(v)
	}
	switch v := v.(type) {
	case map[string]any:
		inner, err := compile(v)
		if err != nil {
			return nil, err
		}
		return func(event map[string]any) bool { return matchBelow(inner, event[name]) }, nil
	case []any:
		if len(v) == 0 {
			return nil, fmt.Errorf("%s: a list of a pattern can't be empty", name)
		}
		var any_ []matcher
		for _, one := range v {
			m, err := compileMatcher(one)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			any_ = append(any_, m)
		}
		return func(event map[string]any) bool { return matchLeaf(any_, event[name], has(event, name)) }, nil
	}
	return nil, fmt.Errorf("%s: a list or an object is wanted", name)
}

func compileOr(v any) (func(map[string]any) bool, error) {
	list, _ := v.([]any)
	if len(list) < 2 {
		return nil, errors.New("$or wants a list of two patterns or more")
	}
	var alternatives []pattern
	for _, one := range list {
		raw, _ := one.(map[string]any)
		p, err := compile(raw)
		if err != nil {
			return nil, err
		}
		alternatives = append(alternatives, p)
	}
	return func(event map[string]any) bool {
		return slices.ContainsFunc(alternatives, func(p pattern) bool { return p.match(event) })
	}, nil
}

func has(event map[string]any, name string) bool { _, ok := event[name]; return ok }

// matchBelow goes one level down; of a list, one element must match. What is absent is an empty object: only
// "exists": false can match in it.
func matchBelow(p pattern, v any) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return matchBelow(p, e) })
	case map[string]any:
		return p.match(v)
	}
	return p.match(nil)
}

// matchLeaf holds a value against alternatives. Patterns see leaves only: an object counts as absent.
func matchLeaf(alternatives []matcher, v any, present bool) bool {
	values := []any{v}
	if list, ok := v.([]any); ok {
		values = list
	}
	if _, ok := v.(map[string]any); ok {
		present = false
	}
	for _, m := range alternatives {
		if !present || len(values) == 0 {
			if m(nil, false) {
				return true
			}
			continue
		}
		if slices.ContainsFunc(values, func(e any) bool { return m(e, true) }) {
			return true
		}
	}
	return false
}

// matcher says whether one value (or its absence) matches.
type matcher func(v any, present bool) bool

func compileMatcher(raw any) (matcher, error) {
	switch want := raw.(type) {
	case map[string]any:
		if len(want) != 1 {
			return nil, errors.New("an operator has one name")
		}
		for op, arg := range want {
			return compileOperator(op, arg)
		}
	case []any:
		return nil, errors.New("a list in a list")
	}
	return func(v any, present bool) bool { return present && v == raw }, nil
}

func compileOperator(op string, arg any) (matcher, error) {
	text, isText := arg.(string)
	onText := func(f func(s string) bool) (matcher, error) {
		if !isText {
			return nil, fmt.Errorf("%s wants a string", op)
		}
		return func(v any, present bool) bool { s, ok := v.(string); return present && ok && f(s) }, nil
	}
	switch op {
	case "exists":
		want, ok := arg.(bool)
		if !ok {
			return nil, errors.New("exists wants true or false")
		}
		return func(_ any, present bool) bool { return present == want }, nil
	case "prefix":
		return onText(func(s string) bool { return strings.HasPrefix(s, text) })
	case "suffix":
		return onText(func(s string) bool { return strings.HasSuffix(s, text) })
	case "equals-ignore-case":
		return onText(func(s string) bool { return strings.EqualFold(s, text) })
	case "anything-but":
		return compileAnythingBut(arg)
	case "numeric":
		return compileNumeric(arg)
	}
	return nil, fmt.Errorf("operator %q is not played by the local runner", op)
}

func compileAnythingBut(arg any) (matcher, error) {
	list, ok := arg.([]any)
	if !ok {
		list = []any{arg}
	}
	var none []matcher
	for _, one := range list {
		m, err := compileMatcher(one)
		if err != nil {
			return nil, err
		}
		none = append(none, m)
	}
	if len(none) == 0 {
		return nil, errors.New("anything-but wants a value")
	}
	return func(v any, present bool) bool {
		return present && !slices.ContainsFunc(none, func(m matcher) bool { return m(v, true) })
	}, nil
}

func compileNumeric(arg any) (matcher, error) {
	list, _ := arg.([]any)
	if len(list) != 2 && len(list) != 4 {
		return nil, errors.New("numeric wants an operator and a number, once or twice")
	}
	var tests []func(float64) bool
	for i := 0; i < len(list); i += 2 {
		n, ok := list[i+1].(float64)
		if !ok || math.IsInf(n, 0) {
			return nil, errors.New("numeric compares with a number")
		}
		switch list[i] {
		case "=":
			tests = append(tests, func(x float64) bool { return x == n })
		case "<":
			tests = append(tests, func(x float64) bool { return x < n })
		case "<=":
			tests = append(tests, func(x float64) bool { return x <= n })
		case ">":
			tests = append(tests, func(x float64) bool { return x > n })
		case ">=":
			tests = append(tests, func(x float64) bool { return x >= n })
		default:
			return nil, fmt.Errorf("numeric doesn't know %v", list[i])
		}
	}
	return func(v any, present bool) bool {
		x, ok := v.(float64)
		return present && ok && !slices.ContainsFunc(tests, func(t func(float64) bool) bool { return !t(x) })
	}, nil
}
