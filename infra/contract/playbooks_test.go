package contract

import (
	"slices"
	"strings"
	"testing"
)

// That each alarm has a playbook is tested beside the sources; here, that all have one form and are in the index.
func TestPlaybooksHaveOneForm(t *testing.T) {
	all := pages(t)
	n := 0
	for file, text := range all {
		name, ok := strings.CutPrefix(file, "docs/playbooks/")
		if !ok || name == "README.md" {
			continue
		}
		n++
		var sections []string
		for _, m := range heading.FindAllStringSubmatch(text, -1) {
			sections = append(sections, m[1])
		}
		if len(sections) != 4 || !slices.Equal(sections[1:], []string{"Look", "Do", "Know"}) {
			t.Errorf("%s has the sections %q, not a title, Look, Do and Know", file, sections)
		}
		if !strings.Contains(all["docs/playbooks/README.md"], "]("+name+")") {
			t.Errorf("docs/playbooks/README.md lacks %s", name)
		}
	}
	if n < 8 {
		t.Errorf("only %d playbooks", n)
	}
}
