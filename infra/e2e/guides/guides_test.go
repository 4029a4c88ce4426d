package guides

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEachBlockOfCommandsIsMarked: run by a test, or said to be for AWS or Docker alone.
func TestEachBlockOfCommandsIsMarked(t *testing.T) {
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/guides/*.md", "docs/playbooks/*.md"} {
		found, err := filepath.Glob("../../../" + pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	blocks := 0
	for _, page := range pages {
		raw, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		_, unmarked := Steps(string(raw))
		for _, what := range unmarked {
			t.Errorf("%s: %q is marked neither console nor sh aws nor sh docker", page, what)
		}
		blocks += len(block.FindAllString(string(raw), -1))
		if fences := strings.Count(string(raw), "```"); fences != 2*len(block.FindAllString(string(raw), -1)) {
			t.Errorf("%s: %d fences, and %d blocks can be read", page, fences, len(block.FindAllString(string(raw), -1)))
		}
	}
	if len(pages) < 30 || blocks < 30 {
		t.Errorf("only %d pages with %d blocks", len(pages), blocks)
	}
}

// TestStepsAreRead: what is run, what isn't, and what has no mark.
func TestStepsAreRead(t *testing.T) {
	page := "'''console\n$ a \\\n    b\nout\nmore\n$ c   # a comment\n'''\n\n1. x\n\n   '''sh aws\n   aws x\n   '''\n\n'''\nd\n'''\n\n'''sh\ne\n'''\n\n'''json\n{}\n'''\n\n'''console\nno command\n'''\n"
	list, unmarked := Steps(strings.ReplaceAll(page, "'''", "```"))
	want := `[{"a \\\n    b" "out\nmore\n"} {"c" ""}] ["` + "```" + `" "` + "```" + `sh" "no command"]`
	if got := fmt.Sprintf("%q %q", list, unmarked); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWhatIsPrintedIsWhatThePageSays(t *testing.T) {
	for _, c := range []struct {
		printed, page string
		want          bool
	}{
		{"a b\n", "a b\n", true},
		{`{"a":1,"b":2}`, "{\"a\":1,\n \"b\":…}\n", true},
		{"a b", "a", false},
		{"a b", "b", false},
		{"", "…", true},
		{"a", "b", false},
		{"200", "2..", false},
	} {
		if like(c.printed, c.page) != c.want {
			t.Errorf("%q and %q", c.printed, c.page)
		}
	}
}

// TestACommandThatDoesntWorkIsFound: one that fails, in a pipe too, one with a variable that nobody set, and one that prints otherwise.
func TestACommandThatDoesntWorkIsFound(t *testing.T) {
	good := []Step{{"x=$(echo 1)", ""}, {"echo $x NAME", "1 y\n"}}
	for name, c := range map[string]struct {
		more []Step
		says string
	}{
		"all works":            {nil, ""},
		"it fails":             {[]Step{{"false", ""}, {"true", ""}}, "false\nfails"},
		"in a pipe":            {[]Step{{"false | cat", ""}}, "false | cat\nfails"},
		"nobody set it":        {[]Step{{"echo $unset", ""}}, "fails"},
		"it prints otherwise":  {[]Step{{"echo 2", "3\n"}}, "and the page says"},
		"and the last one too": {[]Step{{"true", ""}, {"exit 3", ""}}, "fails"},
	} {
		problems := strings.Join(Follow(t.Context(), t.TempDir(), os.Environ(), []string{"NAME", "y"}, append(append([]Step{}, good...), c.more...)), "\n")
		if !strings.Contains(problems, c.says) || (problems == "") != (c.says == "") {
			t.Errorf("%s: %q", name, problems)
		}
	}
}
