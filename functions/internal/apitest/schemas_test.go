package apitest

import (
	"encoding/json"
	"maps"
	"testing"
)

// What the contract shows is as it describes, and every member that is missing, too much or of another form is noticed.
func TestAnAnswerIsHeldAgainstItsSchema(t *testing.T) {
	doc := Contract(t)
	described := responseOf(doc.Paths.Find("/v1/accounts/{account}/keys/{key}").Get, 200)
	shown, err := json.Marshal(described.Content.Get("application/json").Examples["Key"].Value.Value)
	if err != nil {
		t.Fatal(err)
	}
	var key map[string]any
	if err := json.Unmarshal(shown, &key); err != nil {
		t.Fatal(err)
	}
	check := func(change func(map[string]any)) error {
		changed := maps.Clone(key)
		change(changed)
		body, err := json.Marshal(changed)
		if err != nil {
			t.Fatal(err)
		}
		looked, err := bodies.check(doc, described.Content, "application/json", body)
		if !looked {
			t.Fatal("nobody looked")
		}
		return err
	}
	if err := check(func(map[string]any) {}); err != nil {
		t.Errorf("the contract's own example: %v", err)
	}
	for name := range key {
		if name == "secret" {
			continue
		}
		if err := check(func(k map[string]any) { delete(k, name) }); err == nil {
			t.Errorf("nobody notices that %s is missing", name)
		}
		if err := check(func(k map[string]any) { k[name] = map[string]any{"odd": true} }); err == nil {
			t.Errorf("nobody notices that %s is of another form", name)
		}
	}
	for name, value := range map[string]any{"created_at": "yesterday", "status": "lost", "limits": []any{map[string]any{"class": 1}}} {
		if err := check(func(k map[string]any) { k[name] = value }); err == nil {
			t.Errorf("nobody notices that %s is %v", name, value)
		}
	}
	for _, kind := range []string{"", "text/csv", "image/png"} {
		if looked, _ := bodies.check(doc, described.Content, kind, nil); looked {
			t.Errorf("%q was looked at as JSON", kind)
		}
	}
}
