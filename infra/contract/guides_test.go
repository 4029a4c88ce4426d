package contract

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTheGuidesSayWhenOneNeedsEachParameter: one that nobody finds is set by nobody.
func TestTheGuidesSayWhenOneNeedsEachParameter(t *testing.T) {
	all := pages(t)
	text := all["docs/guides/deploy.md"] + all["docs/guides/operate.md"] + all["docs/guides/brand.md"]
	names := parameterNames(t, "template.yaml")
	if len(names) < 40 {
		t.Fatalf("only %d parameters", len(names))
	}
	for _, name := range names {
		if !regexp.MustCompile("`" + name + "\\b").MatchString(text) {
			t.Errorf("no guide says when one sets %s", name)
		}
	}
}

func templateText(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(root + "template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestTheGuideNamesTheServicesOfTheTemplate: who deploys needs rights to all of them.
func TestTheGuideNamesTheServicesOfTheTemplate(t *testing.T) {
	names := map[string]string{
		"ApiGateway": "API Gateway", "Cognito": "Cognito", "DynamoDB": "DynamoDB", "Events": "Events", "IAM": "IAM", "KMS": "KMS", "Lambda": "Lambda", "Logs": "Logs",
		"S3": "S3", "SecretsManager": "Secrets Manager", "Serverless": "Lambda", "WAFv2": "WAFv2", "CloudWatch": "CloudWatch", "Scheduler": "Scheduler",
	}
	row := ""
	for line := range strings.Lines(pages(t)["docs/guides/deploy.md"]) {
		if strings.HasPrefix(line, "| rights of who deploys |") {
			row = line
		}
	}
	services := regexp.MustCompile(`Type: AWS::(\w+)::`).FindAllStringSubmatch(templateText(t), -1)
	if len(services) < 50 || row == "" {
		t.Fatalf("%d resources, the row %q", len(services), row)
	}
	for _, s := range services {
		if name := names[s[1]]; name == "" || !strings.Contains(row, name) {
			t.Errorf("the guide doesn't name %s among the rights of who deploys", s[1])
		}
	}
}

// TestTheGuideSaysWhatStaysAfterTheStack: what is retained is removed manually, or paid for ever.
func TestTheGuideSaysWhatStaysAfterTheStack(t *testing.T) {
	_, tearDown, _ := strings.Cut(pages(t)["docs/guides/operate.md"], "\n## Tear down\n")
	tearDown, _, _ = strings.Cut(tearDown, "\n## ")
	var named, retained []string
	for line := range strings.Lines(tearDown) {
		if strings.HasPrefix(line, "| `") {
			cell, _, _ := strings.Cut(line[2:], " | ")
			for _, m := range regexp.MustCompile("`([A-Z]\\w+)`").FindAllStringSubmatch(cell, -1) {
				named = append(named, m[1])
			}
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^  ([A-Z]\w+):\n(?:    [^\n]*\n)*?    DeletionPolicy: Retain(?:ExceptOnCreate)?\n`).FindAllStringSubmatch(templateText(t), -1) {
		retained = append(retained, m[1])
	}
	slices.Sort(named)
	slices.Sort(retained)
	if !slices.Equal(named, retained) || len(retained) < 5 {
		t.Errorf("the guide has %v,\nthe template retains %v", named, retained)
	}
}
