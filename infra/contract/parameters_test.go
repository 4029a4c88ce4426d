package contract

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"go.yaml.in/yaml/v3"

	"latchkey/shared/apikey"
)

// TestTheTemplateTakesThePrefixesThatTheCodeTakes: a stack with any other prefix would not start, or refuse to.
func TestTheTemplateTakesThePrefixesThatTheCodeTakes(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Parameters map[string]struct {
			AllowedPattern string `yaml:"AllowedPattern"`
			Default        any    `yaml:"Default"`
		} `yaml:"Parameters"`
	}
	if err := yaml.Unmarshal(raw, &template); err != nil {
		t.Fatal(err)
	}
	parameter := template.Parameters["KeyPrefix"]
	if parameter.Default != string(apikey.DefaultPrefix) {
		t.Errorf("the template's prefix is %v, the code's %q", parameter.Default, apikey.DefaultPrefix)
	}
	pattern := regexp.MustCompile(parameter.AllowedPattern)
	for _, text := range []string{
		"", "a", "ak", "a1", "1a", "Ak", "aK", "a_", "a-b", "é1", "abcdefg", "abcdefgh", "abcdefghi", "a1234567", "a12345678", "ak ", " ak", "ak\n",
	} {
		if _, err := apikey.ParsePrefix(text); (err == nil) != pattern.MatchString(text) {
			t.Errorf("%q: the code says %v, the template takes it: %v", text, err, pattern.MatchString(text))
		}
	}
}
