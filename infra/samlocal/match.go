package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// differences lists where an answer isn't what was expected, each with its path. The rules, which infra/events/README.md explains:
//
//   - "*" stands for any value that is there, and in a longer text for any part of it;
//   - an object has the members that are expected and no others, unless "..." is among them;
//   - a text of JSON may be expected as the JSON that it is.
func differences(path string, want, got any) []string {
	switch want := want.(type) {
	case string:
		if text, ok := got.(string); want == "*" && got != nil || ok && matches(want, text) {
			return nil
		}
	case map[string]any:
		object, ok := parsed(got).(map[string]any)
		if !ok {
			break
		}
		return members(path, want, object)
	case []any:
		list, ok := parsed(got).([]any)
		if !ok || len(list) != len(want) {
			break
		}
		var found []string
		for i := range want {
			found = append(found, differences(fmt.Sprintf("%s[%d]", path, i), want[i], list[i])...)
		}
		return found
	default:
		if reflect.DeepEqual(want, got) {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s is %s, want %s", path, short(got), short(want))}
}

func members(path string, want, got map[string]any) (found []string) {
	_, open := want["..."]
	for _, name := range slices.Sorted(maps.Keys(want)) {
		value, there := got[name]
		switch {
		case name == "...":
		case !there:
			found = append(found, fmt.Sprintf("%s.%s is missing", path, name))
		default:
			found = append(found, differences(path+"."+name, want[name], value)...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, expected := want[name]; !expected && !open {
			found = append(found, fmt.Sprintf("%s.%s is there: %s", path, name, short(got[name])))
		}
	}
	return found
}

// matches compares a text with a pattern in which * is anything.
func matches(pattern, text string) bool {
	quoted := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*`)
	return regexp.MustCompile(`(?s)^` + quoted + `$`).MatchString(text)
}

// parsed is the JSON in a text, or the value itself.
func parsed(v any) any {
	text, ok := v.(string)
	var inner any
	if ok && json.Unmarshal([]byte(text), &inner) == nil {
		return inner
	}
	return v
}

func short(v any) string {
	raw, _ := json.Marshal(v)
	if len(raw) > 300 {
		return string(raw[:300]) + "…"
	}
	return string(raw)
}
