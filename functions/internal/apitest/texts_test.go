package apitest

import (
	"maps"
	"net/http"
	"slices"
	"testing"
)

// A new string member of a body is a text, or has an excuse; an excuse for what isn't there is none.
func TestEveryStringOfTheContractIsATextOrExcused(t *testing.T) {
	left := map[string]bool{}
	for name := range texts {
		left[name] = true
	}
	for name := range excused {
		if left[name] {
			t.Errorf("%s is a text and excused from being one", name)
		}
		left[name] = true
	}
	for _, op := range Operations(t) {
		for _, member := range stringMembers(t, operation(t, op)) {
			name := op.ID + " " + member
			if !left[name] {
				t.Errorf("%s is a string: read it with web.Line or web.Block and add it to texts, or say in excused why not", name)
			}
			delete(left, name)
		}
		if op.Method == http.MethodGet {
			continue // it stores nothing
		}
		parameters := slices.Concat(operation(t, op).Parameters, Contract(t).Paths.Value(op.Path).Parameters)
		for _, p := range parameters {
			if s := p.Value.Schema.Value; s.Type.Includes("string") && !slices.Contains(slices.Concat(storedParameters, lookUpsParameters), p.Value.Name) {
				t.Errorf("%s has the parameter %s: is it stored?", op.ID, p.Value.Name)
			}
		}
	}
	for name := range maps.Keys(left) {
		t.Errorf("the contract has no string %s", name)
	}
}
