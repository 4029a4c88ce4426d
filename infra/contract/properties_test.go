package contract

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// properties writes down every property of every resource, a line each, but for what the surface has already: routes,
// permissions and variables. So a property that is switched off, or a number that changes, is seen by every reader of the
// change.
func properties(d document) string {
	var b strings.Builder
	for _, id := range sorted(d.Resources) {
		resource := d.Resources[id].(object)
		fmt.Fprintf(&b, "%s: %v\n", id, resource["Type"])
		for _, part := range sorted(resource) {
			if part != "Type" {
				flatten(&b, part, resource[part])
			}
		}
	}
	return b.String()
}

// inSurface are the parts that surface.txt writes down in a form that is easier to read.
var inSurface = []string{
	"Properties.DefinitionBody.paths", "Properties.DefinitionBody.x-amazon-apigateway-gateway-responses",
	"Properties.PolicyDocument", "Properties.Policies", "Properties.AssumeRolePolicyDocument", "Properties.Environment",
	"Properties.DashboardBody",
}

func flatten(b *strings.Builder, path string, v any) {
	for _, known := range inSurface {
		if path == known {
			return
		}
	}
	switch x := v.(type) {
	case object:
		if len(x) == 0 { // as what a rule does
			fmt.Fprintf(b, "  %s = {}\n", path)
		}
		for _, name := range sorted(x) {
			flatten(b, path+"."+name, x[name])
		}
	case list:
		if len(x) == 0 {
			fmt.Fprintf(b, "  %s = []\n", path)
		}
		for i, e := range x {
			flatten(b, fmt.Sprintf("%s[%d]", path, i), e)
		}
	default:
		fmt.Fprintf(b, "  %s = %v\n", path, x)
	}
}

// TestEveryPropertyIsAsWrittenDown: what the template switches on stays on, until somebody means to change it.
func TestEveryPropertyIsAsWrittenDown(t *testing.T) {
	var got strings.Builder
	fmt.Fprintf(&got, "# template.yaml\n%s\n", properties(render(t, "template.yaml")))
	fmt.Fprintf(&got, "# infra/alarms.yaml\n%s\n", properties(render(t, "infra/alarms.yaml", "TopicArn", "<TopicArn>")))
	fmt.Fprintf(&got, "# infra/dashboard.yaml\n%s\n", properties(render(t, "infra/dashboard.yaml")))
	got.WriteString("# where the parameters of template.yaml go\n" + parameterUses(t))
	got.WriteString("\n# what is there with other parameters alone\n" + switched(t))
	got.WriteString("\n# operations, by what they have\n" + operations(render(t, "template.yaml", "UpstreamUrl", "https://up.example")))
	compareWithFile(t, "testdata/properties.txt", got.String())
}

// parameterUses renders the template with every parameter standing for itself, and keeps the lines that hold one: a
// literal in the place of a parameter would look the same with the defaults.
func parameterUses(t *testing.T) string {
	t.Helper()
	var named []string
	for _, name := range parameterNames(t, "template.yaml") {
		if name == "PlainUpstreamUrl" { // in the place of UpstreamUrl
			continue
		}
		named = append(named, name, "<"+name+">")
	}
	var b strings.Builder
	id := ""
	for line := range strings.Lines(properties(render(t, "template.yaml", named...))) {
		if !strings.HasPrefix(line, " ") {
			id, _, _ = strings.Cut(line, ":")
		}
		if strings.Contains(line, "<") {
			b.WriteString(id + strings.TrimPrefix(line, " "))
		}
	}
	return b.String()
}

// switched writes down what each choice among parameters adds, of properties and of the surface: most of it no rendering with the defaults
// has.
func switched(t *testing.T) string {
	t.Helper()
	lines := func(d document) []string {
		var list []string
		id := ""
		for line := range strings.Lines(properties(d)) {
			if !strings.HasPrefix(line, " ") {
				id, _, _ = strings.Cut(line, ":")
			}
			if line = strings.TrimSuffix(line, "\n"); strings.HasPrefix(line, " ") {
				line = id + line
			}
			list = append(list, line)
		}
		return append(list, strings.Split(surface(d), "\n")...)
	}
	standing := lines(render(t, "template.yaml"))
	var b strings.Builder
	for _, with := range append([][]string{
		{"UpstreamUrl", "https://up.example"},
		{"PlainUpstreamUrl", "http://up.example"},
		{"AccessLogs", "on"},
		{"CallsPerAddress", "1000"},
		{"GateConcurrency", "5"},
		{"OidcIssuer", "https://issuer.example", "OidcClientId", "console"},
		{"SignUp", "invited"},
		{"Mfa", "OFF"},
		{"Mfa", "ON"},
		{"SesIdentityArn", "arn:aws:ses:eu-west-1:1:identity/a.example"},
		{"DynamoDBEndpoint", "http://d", "SecretsManagerEndpoint", "http://s", "EventsEndpoint", "http://e"},
		{"ManagementUrl", "https://m.example"},
		{"ProductsUrl", "https://p.example"},
		{"ConsoleUrl", "https://c.example"},
		{"ProblemDocsUrl", "https://docs.example"},
		{"SharedSecretNames", "on"},
		{"AlarmTopicArn", topic},
		{"OverLimitStatus", "403"},
		restored,
	}, threeDomains, append([]string{"DefaultUrls", "off"}, threeDomains...)) {
		fmt.Fprintf(&b, "with %s\n", strings.Join(with, " "))
		for _, line := range without(lines(render(t, "template.yaml", with...)), standing) {
			b.WriteString("  " + line + "\n")
		}
	}
	return b.String()
}

// operations writes down what the routes of the APIs have, those that have the same together, and the responses of the gateways. Names of
// functions are the surface's.
func operations(d document) string {
	var b strings.Builder
	for _, api := range sorted(d.ofType("AWS::Serverless::Api")) {
		body, _ := at(d.Resources, api, "Properties", "DefinitionBody").(object)
		routes := map[string][]string{}
		paths, _ := body["paths"].(object)
		for _, path := range sorted(paths) {
			methods, _ := paths[path].(object)
			for _, method := range sorted(methods) {
				if method == "parameters" { // those of the path's text
					continue
				}
				var has strings.Builder
				flatten(&has, "", methods[method])
				shape := functionName.ReplaceAllString(has.String(), "${…Function.Arn}")
				routes[shape] = append(routes[shape], strings.TrimPrefix(method, "x-amazon-apigateway-")+" "+path)
			}
		}
		for _, shape := range sorted(routes) {
			fmt.Fprintf(&b, "%s: %d routes\n  %s\n%s", api, len(routes[shape]), strings.Join(routes[shape], "\n  "), shape)
		}
		if responses := body["x-amazon-apigateway-gateway-responses"]; responses != nil {
			fmt.Fprintf(&b, "%s: responses of the gateway\n", api)
			flatten(&b, "", responses)
		}
	}
	return b.String()
}

var functionName = regexp.MustCompile(`\$\{\w+Function\.Arn\}`)

// compareWithFile compares a text with a golden file, line by line; -update rewrites the file.
func compareWithFile(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	was, is := strings.Split(string(raw), "\n"), strings.Split(got, "\n")
	for _, l := range without(is, was) {
		t.Errorf("new:  %s", l)
	}
	for _, l := range without(was, is) {
		t.Errorf("gone: %s", l)
	}
	if !t.Failed() && string(raw) != got {
		t.Error("the order of lines has changed, or the number of equal ones")
	}
	if t.Failed() {
		t.Log("if that is meant: go test ./infra/contract -update")
	}
}
