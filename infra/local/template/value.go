package template

import (
	"fmt"
	"strconv"
	"strings"
)

// Map is an evaluated mapping with forgiving accessors: CloudFormation takes "3" for 3 and "true" for true.
type Map map[string]any

// Text returns the value as CloudFormation would write it into a string.
func Text(v any) string {
	switch x := v.(type) {
	case nil, absent:
		return ""
	case string:
		return x
	case bool:
		return strconv.FormatBool(x)
	case int:
		return strconv.Itoa(x)
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// Text returns the value of a key as a string, empty if it is absent.
func (m Map) Text(key string) string { return Text(m[key]) }

// Int returns the value of a key as a number, or d.
func (m Map) Int(key string, d int) int {
	n, err := strconv.Atoi(m.Text(key))
	if err != nil {
		return d
	}
	return n
}

// Bool returns the value of a key, or d.
func (m Map) Bool(key string, d bool) bool {
	b, err := strconv.ParseBool(strings.ToLower(m.Text(key)))
	if err != nil {
		return d
	}
	return b
}

// Map returns a nested mapping, empty if there is none.
func (m Map) Map(key string) Map {
	sub, _ := m[key].(map[string]any)
	return sub
}

// List returns a nested list, empty if there is none.
func (m Map) List(key string) []any {
	list, _ := m[key].([]any)
	return list
}

// Maps returns the mappings of a nested list.
func (m Map) Maps(key string) []Map {
	var out []Map
	for _, v := range m.List(key) {
		if sub, ok := v.(map[string]any); ok {
			out = append(out, sub)
		}
	}
	return out
}

// Texts returns a nested list of strings.
func (m Map) Texts(key string) []string {
	var out []string
	for _, v := range m.List(key) {
		out = append(out, Text(v))
	}
	return out
}
