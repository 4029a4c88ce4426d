package contract

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	contractapi "latchkey/shared/api"
)

// TestEveryFormatOfTheContractIsNamedAndCanBeMade: its description names the formats of its own, and Schemathesis is told how to make each.
func TestEveryFormatOfTheContractIsNamedAndCanBeMade(t *testing.T) {
	standard := []string{"int64", "int32", "uri", "uri-reference", "date-time", "idn-email"}
	hooks, err := os.ReadFile(root + "infra/schemathesis/hooks.py")
	if err != nil {
		t.Fatal(err)
	}
	_, named, _ := strings.Cut(string(contractapi.Contract), "A `format` says")
	named, _, _ = strings.Cut(named, "A `product-id` and")
	found := 0
	for _, m := range regexp.MustCompile(`[{ ]format: ([a-z0-9-]+)`).FindAllStringSubmatch(string(contractapi.Contract), -1) {
		if slices.Contains(standard, m[1]) {
			continue
		}
		found++
		if !strings.Contains(named, "`"+m[1]+"`") {
			t.Errorf("the contract's description doesn't name the format %s", m[1])
		}
		if !strings.Contains(string(hooks), `    "`+m[1]+`": `) {
			t.Errorf("infra/schemathesis/hooks.py makes no text of format %s", m[1])
		}
	}
	for _, m := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(named, -1) {
		if !regexp.MustCompile(`[{ ]format: ` + m[1] + `\b`).Match(contractapi.Contract) {
			t.Errorf("nothing has the format %s", m[1])
		}
	}
	if found < 10 {
		t.Errorf("%d formats", found)
	}
}
