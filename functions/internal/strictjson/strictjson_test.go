package strictjson_test

import (
	"errors"
	"testing"

	"latchkey/functions/internal/strictjson"
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
