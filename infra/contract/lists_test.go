package contract

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"

	"latchkey/shared/appid"
	"latchkey/shared/finding"
	"latchkey/shared/network"
	"latchkey/shared/origin/entry"
)

// TestAListOfCodesHasAllThatAreDeclared, in their order: what has a text, a row or a column for each of them walks the list.
func TestAListOfCodesHasAllThatAreDeclared(t *testing.T) {
	for file, codes := range map[string][]string{
		"shared/finding/finding.go": codeNames(finding.Codes()), "shared/network/entry.go": codeNames(network.Codes()), "shared/appid/entry.go": codeNames(appid.Codes()), "shared/origin/entry/entry.go": codeNames(entry.Codes()),
	} {
		raw, err := os.ReadFile(root + file)
		if err != nil {
			t.Fatal(err)
		}
		var declared []string
		for _, m := range regexp.MustCompile(`(?m)^\t\w+ +Code = "([a-z0-9_]+)"`).FindAllStringSubmatch(string(raw), -1) {
			declared = append(declared, m[1])
		}
		if len(declared) < 5 || !slices.Equal(declared, codes) {
			t.Errorf("%s declares %v, and lists %v", file, declared, codes)
		}
	}
}

func codeNames[T ~string](list []T) (names []string) {
	for _, one := range list {
		names = append(names, fmt.Sprint(one))
	}
	return names
}
