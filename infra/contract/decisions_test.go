package contract

import (
	"regexp"
	"strings"
	"testing"
)

var status = regexp.MustCompile(`^# [^\n]+\n\nStatus: ((?:proposed|accepted|replaced by \[[^\]]+\]\([^)]+\)), \d{4}-\d{2}-\d{2})\n\n`)

// Each decision begins with its status and date, and is in the index with both.
func TestEveryDecisionHasItsStatusAndDate(t *testing.T) {
	all := pages(t)
	index := all["docs/decisions/README.md"]
	n := 0
	for file, text := range all {
		name, ok := strings.CutPrefix(file, "docs/decisions/")
		if !ok || name == "README.md" {
			continue
		}
		n++
		m := status.FindStringSubmatch(text)
		if m == nil {
			t.Errorf("%s: the title isn't followed by a line \"Status: accepted, 2026-11-21\"", file)
			continue
		}
		found := false
		for line := range strings.SplitSeq(index, "\n") {
			found = found || strings.Contains(line, "]("+name+")") && strings.HasSuffix(line, "| "+m[1]+" |")
		}
		if !found {
			t.Errorf("docs/decisions/README.md: no line of %s that ends with %q", name, m[1])
		}
	}
	if n < 9 {
		t.Errorf("only %d decisions", n)
	}
}
