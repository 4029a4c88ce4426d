package strictjson_test

import (
	"errors"
	"strings"
	"testing"

	"latchkey/shared/strictjson"
)

// TestTwoReadersSeeTheSameDocument: what one of them might pass over, replace or take for another is refused, and nothing else is.
func TestTwoReadersSeeTheSameDocument(t *testing.T) {
	nested := func(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }
	objects := func(depth int) string {
		return strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth)
	}
	for text, want := range map[string]error{
		`{}`: nil, `[]`: nil, `"a"`: nil, `1e400`: nil, `null`: nil, " {\"a\" : [1, {\"b\":\"c\"}] }\n": nil, `{"a":1,"A":2}`: nil, `{"a":{"a":1},"b":{"a":1}}`: nil, `[{"a":1},{"a":1}]`: nil,
		``: strictjson.ErrSyntax, `{`: strictjson.ErrSyntax, `{} {}`: strictjson.ErrSyntax, `{},`: strictjson.ErrSyntax, `{"a":1,}`: strictjson.ErrSyntax, `{a:1}`: strictjson.ErrSyntax, `01`: strictjson.ErrSyntax,
		"\ufeff{}": strictjson.ErrSyntax, "\"a\x01\"": strictjson.ErrSyntax,
		`{"a":1,"a":1}`: strictjson.ErrDuplicate, `{"a":1,"b":{"c":1,"c":2}}`: strictjson.ErrDuplicate, `[[{"a":1,"a":2}]]`: strictjson.ErrDuplicate, `{"a":1,"\u0061":2}`: strictjson.ErrDuplicate,
		"\"\xff\"": strictjson.ErrUTF8, "{\"a\xc3\":1}": strictjson.ErrUTF8, "\"\xed\xa0\x80\"": strictjson.ErrUTF8,
		`"\ud83d\ude00"`: nil, `"\ud800\udc00"`: nil, `"\udbff\udfff"`: nil, `"\ud7ff\ue000"`: nil, `"\\ud800"`: nil, `"\n\ud83d\ude00\ud83d\ude00x"`: nil, `"\"\\\/\b\f\r\t"`: nil, `"a\u0041"`: nil,
		`"\ud800"`: strictjson.ErrUTF8, `"\udbff"`: strictjson.ErrUTF8, `"\udc00"`: strictjson.ErrUTF8, `"\udfff"`: strictjson.ErrUTF8, `"\ud800a"`: strictjson.ErrUTF8, `"\ud800\n"`: strictjson.ErrUTF8, `"\ud800xxxxxx"`: strictjson.ErrUTF8,
		`"\ud800\ud800"`: strictjson.ErrUTF8, `"\ud800\udbff"`: strictjson.ErrUTF8, `"\ud800\ue000"`: strictjson.ErrUTF8, `"\ud83d\ude00\ude00"`: strictjson.ErrUTF8, `"\\\ud800"`: strictjson.ErrUTF8, `{"\ud800":1}`: strictjson.ErrUTF8, `"\uD800"`: strictjson.ErrUTF8, `"\ud800\\udc00"`: strictjson.ErrUTF8,
		nested(16): nil, nested(17): nil, nested(18): strictjson.ErrSyntax, objects(16): nil, objects(17): strictjson.ErrSyntax,
	} {
		if err := strictjson.Check([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
}

// TestAnObjectHasItsMembersByTheirNames: all of them, and none that a reader who folds would take for a known one.
func TestAnObjectHasItsMembersByTheirNames(t *testing.T) {
	members, err := strictjson.Object([]byte(`{"kid":"1","other":[2],"Another":{}}`), "kid", "alg")
	if err != nil || len(members) != 3 || string(members["kid"]) != `"1"` || string(members["other"]) != `[2]` || string(members["Another"]) != `{}` {
		t.Errorf("%s, %v", members, err)
	}
	for text, want := range map[string]error{
		`{"Kid":1}`: strictjson.ErrName, `{"kid":1,"ALG":2}`: strictjson.ErrName, "{\"\u212aid\":1}": strictjson.ErrName, `{"kid":1,"kid":2}`: strictjson.ErrDuplicate,
		`[]`: strictjson.ErrObject, `null`: strictjson.ErrObject, `"kid"`: strictjson.ErrObject, `{`: strictjson.ErrSyntax, `{}`: nil,
	} {
		if got, err := strictjson.Object([]byte(text), "kid", "alg"); !errors.Is(err, want) || (got == nil) != (want != nil) {
			t.Errorf("%s: %v, %v, want %v", text, got, err, want)
		}
	}
}
