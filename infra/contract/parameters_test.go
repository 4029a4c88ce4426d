package contract

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// TestEveryParameterDoesSomething: what is made with another value of it is another. One that led nowhere would be set, shown
// and believed. Those that need others get them: they are in surroundings.
func TestEveryParameterDoesSomething(t *testing.T) {
	surroundings := append([]string{
		"UpstreamUrl", "https://upstream.example.com", "OidcIssuer", "https://issuer.example.com", "OidcClientId", "client", "AccessLogs", "on",
		"DynamoDBEndpoint", "https://d.example.com", "SecretsManagerEndpoint", "https://s.example.com", "EventsEndpoint", "https://e.example.com",
		"RestoredControlTable", "control", "RestoredControlStream", "2026-12-01T00:00:00.000", "RestoredGateTable", "gate",
	}, threeDomains...)
	alone := []string{"PlainUpstreamUrl", "SignUp", "Mfa", "SesIdentityArn", "ManagementUrl", "ProductsUrl", "ConsoleUrl"}
	for _, name := range parameterNames(t, "template.yaml") {
		var among []string
		if !slices.Contains(alone, name) {
			among = surroundings
		}
		value, ok := map[string]string{
			"SignUp": "invited", "Mfa": "OFF", "DefaultUrls": "off", "AccessLogs": "off", "SharedSecretNames": "on", "SesIdentityArn": "arn:aws:ses:us-east-1:123456789012:identity/example.com",
			"OverLimitStatus": "403", "Architecture": "x86_64", "CallerAddresses": "hidden",
		}[name]
		if !ok {
			value = "another"
		}
		changes(t, "template.yaml", among, name, value)
	}
	for _, file := range []string{"infra/alarms.yaml", "infra/dashboard.yaml"} {
		var among []string
		for _, name := range parameterNames(t, file) {
			among = append(among, name, "the "+name)
		}
		for _, name := range parameterNames(t, file) {
			changes(t, file, among, name, "another")
		}
	}
}

// changes fails the test if a parameter's value makes no difference.
func changes(t *testing.T, file string, among []string, name, value string) {
	t.Helper()
	made := func(parameters ...string) string {
		d := render(t, file, append(slices.Clip(among), parameters...)...)
		text, err := json.Marshal([]any{d.Resources, d.Outputs})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if made() == made(name, value) {
		t.Errorf("%s: nothing depends on %s", file, name)
	}
}
