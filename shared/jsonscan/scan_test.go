package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"latchkey/shared/jsonscan"
)

const depth = 8

// value reads any value by the scanner as encoding/json would hold it, numbers as nil.
func value(s *jsonscan.Scanner) (v any, ok bool) {
	probe := *s
	switch {
	case s.Null():
		return nil, true
	case s.Literal("true"):
		return true, true
	case s.Literal("false"):
		return false, true
	}
	if text, ok := s.Text(); ok {
		return text, true
	}
	*s = probe
	list := []any{}
	if s.Array(func() bool {
		element, ok := value(s)
		list = append(list, element)
		return ok
	}) {
		return list, true
	}
	*s = probe
	object := map[string]any{}
	if s.Object(func(name string) bool {
		member, ok := value(s)
		object[name] = member
		return ok
	}) {
		return object, true
	}
	*s = probe
	return nil, s.Skip()
}

// withoutNumbers replaces numbers by nil.
func withoutNumbers(v any) any {
	switch v := v.(type) {
	case float64:
		return nil
	case []any:
		for i := range v {
			v[i] = withoutNumbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = withoutNumbers(v[k])
		}
	}
	return v
}

// depthOf counts how deeply a JSON text nests.
func depthOf(text []byte) (most int) {
	at, d := 0, json.NewDecoder(bytes.NewReader(text))
	for {
		token, err := d.Token()
		if err != nil {
			return most
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			at++
			most = max(most, at)
		case json.Delim('}'), json.Delim(']'):
			at--
		}
	}
}

// FuzzAScannerReadsWhatEncodingJSONReads: each text that is JSON, of the depth that is allowed, and no other.
func FuzzAScannerReadsWhatEncodingJSONReads(f *testing.F) {
	for _, text := range []string{
		` {"a":[1,-0.5e+3,true,null,{"b":"\ud83d\ude00\u0041\n"}]} `, `"` + strings.Repeat("a", 17) + `\""`, `[1,]`, `{"a":1,}`, `01`, `-`, `1.`, `"\ud800"`, `"\x"`, "\"\x1f\"", `[[[[[[[[[]]]]]]]]]`, `[[[[[[[[]]]]]]]]`, "",
		`[[],[],[],[],[],[],[],[],[],{}]`, `tru`, `[1]]`, "\u00a01", `"` + strings.Repeat("é", 9) + "\u2028\"",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !utf8.Valid(text) {
			return
		}
		want := json.Valid(text) && depthOf(text) <= depth
		s := jsonscan.New(string(text), depth)
		if got := s.Skip() && s.End(); got != want {
			t.Fatalf("%q is passed over: %v, want %v", text, got, want)
		}
		s = jsonscan.New(string(text), depth)
		read, ok := value(&s)
		if ok = ok && s.End(); ok != want {
			t.Fatalf("%q is read: %v, want %v", text, ok, want)
		}
		var v any
		if ok && json.Unmarshal(text, &v) == nil && !reflect.DeepEqual(read, withoutNumbers(v)) {
			t.Fatalf("%q is %#v, want %#v", text, read, v)
		}
	})
}
