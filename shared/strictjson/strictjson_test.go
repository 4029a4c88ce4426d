package strictjson_test

import (
	"errors"
	"testing"
	"time"

	"latchkey/shared/strictjson"
)

// TestADocumentIsDecodedByItsExactNames: what encoding/json would take for another name is refused.
func TestADocumentIsDecodedByItsExactNames(t *testing.T) {
	type event struct {
		Job    string `json:"job"`
		Repair bool   `json:"repair,omitempty"`
	}
	var e event
	if err := strictjson.Decode([]byte(`{"job":"drift","repair":true}`), &e); err != nil || e != (event{"drift", true}) {
		t.Errorf("%+v, %v", e, err)
	}
	for text, want := range map[string]error{
		`{"Job":"drift"}`: strictjson.ErrName, `{"job":"drift","REPAIR":true}`: strictjson.ErrName, `{"job":"a","job":"b"}`: strictjson.ErrDuplicate,
		`{"job":"drift"} {}`: strictjson.ErrSyntax, `[]`: strictjson.ErrObject, `null`: strictjson.ErrObject, ``: strictjson.ErrSyntax,
		"{\"job\":\"\xff\"}": strictjson.ErrUTF8, `{"job":"drift","repairs":true}`: nil, `{"job":1}`: nil,
	} {
		if err := strictjson.Decode([]byte(text), new(event)); err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
}

// TestNamesAreExactAtEveryDepth: in structs that stand in lists, maps and behind pointers, and not for the keys of a map.
func TestNamesAreExactAtEveryDepth(t *testing.T) {
	type inner struct {
		Skip int `json:"skip"`
	}
	type document struct {
		List  []inner          `json:"list"`
		Map   map[string]inner `json:"map"`
		Inner *inner           `json:"inner"`
		At    time.Time        `json:"at"`
	}
	for text, want := range map[string]error{
		`{"list":[{"skip":1},{"Skip":1}]}`: strictjson.ErrName, `{"map":{"a":{"SKIP":1}}}`: strictjson.ErrName, `{"inner":{"sKip":1}}`: strictjson.ErrName,
		"{\"inner\":{\"\u017fkip\":1}}": strictjson.ErrName, `{"list":[{"skip":1,"skip":2}]}`: strictjson.ErrDuplicate,
		`{"list":[{"skip":1}],"map":{"skip":{"skip":1},"Skip":{"skip":2}},"inner":null,"at":"2026-01-02T03:04:05Z"}`: nil,
	} {
		if err := strictjson.Decode([]byte(text), new(document)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
	for _, text := range []string{`{"list":[{"skips":1}]}`, `{"list":{}}`, `{"map":[]}`, `{"inner":[]}`, `{"at":{}}`} {
		if strictjson.Decode([]byte(text), new(document)) == nil {
			t.Errorf("%s was taken", text)
		}
	}
}
