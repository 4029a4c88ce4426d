package main

import (
	"fmt"
	"strings"
	"testing"

	"latchkey/shared/apikey"
)

// TestScriptsLookForSecretsAsTheServerDoes: what the one takes for a secret must not be a search for the other.
func TestScriptsLookForSecretsAsTheServerDoes(t *testing.T) {
	whole := fmt.Sprintf("/^[a-z][^_]*_.{%d}$/", apikey.DefaultPrefix.SecretLength()-len(apikey.DefaultPrefix)-1)
	for file, wanted := range map[string][]string{
		"app.js":     {"/" + aSecret.String() + "/", whole, `"` + incomplete + `"`, `"` + usualGrace + `"`},
		"chooser.js": {"/" + aSecret.String() + "/"},
	} {
		script, err := assetFiles.ReadFile("assets/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range wanted {
			if !strings.Contains(string(script), text) {
				t.Errorf("%s hasn't %s", file, text)
			}
		}
	}
}
