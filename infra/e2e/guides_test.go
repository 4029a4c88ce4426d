package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Commands stand in fenced blocks. A block marked `console` is run by these tests: each line after "$ " is a command, what follows it
// is what it prints, with "…" for any text. `sh aws` is for AWS alone, `sh docker` for SAM's containers; nothing runs those.
var (
	block  = regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?)^```$")
	target = regexp.MustCompile(`^make ([a-z-]+)( [A-Z]+=\S*)*$`)
)

// step is one command of a page with what it prints.
type step struct {
	command, prints string
}

// notCommands are the marks of blocks that hold no commands.
var notCommands = []string{"json", "mermaid", "text", "yaml"}

// steps reads the commands of a page that are run, and gives the marks that say nothing about a block.
func steps(page string) (list []step, unmarked []string) {
	for _, m := range block.FindAllStringSubmatch(page, -1) {
		switch mark := m[1]; {
		case mark == "console":
			for line := range strings.Lines(m[2]) {
				line = strings.TrimSuffix(line, "\n")
				if command, ok := strings.CutPrefix(line, "$ "); ok {
					list = append(list, step{command: command})
				} else if n := len(list) - 1; n < 0 {
					unmarked = append(unmarked, line)
				} else if last := &list[n]; last.prints == "" && strings.HasSuffix(last.command, `\`) {
					last.command += "\n" + line
				} else {
					last.prints += line + "\n"
				}
			}
		case mark != "sh aws" && mark != "sh docker" && !slices.Contains(notCommands, mark):
			unmarked = append(unmarked, "```"+mark)
		}
	}
	return list, unmarked
}

// like says whether a command printed what the page says, whatever the blanks and line ends.
func like(printed, page string) bool {
	var parts []string
	for part := range strings.SplitSeq(page, "…") {
		words := strings.Fields(part)
		for i, w := range words {
			words[i] = regexp.QuoteMeta(w)
		}
		parts = append(parts, strings.Join(words, `\s*`))
	}
	return regexp.MustCompile(`(?s)^\s*` + strings.Join(parts, `.*`) + `\s*$`).MatchString(printed)
}

func guidePages(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob(filepath.Join(root, "docs", "guides", "*.md"))
	if err != nil || len(pages) < 5 {
		t.Fatalf("%d guides, %v", len(pages), err)
	}
	return append(pages, filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md"))
}

// TestTheCommandsOfTheGuidesWork: each is run against a local run, in the order of its page, and prints what the page says.
func TestTheCommandsOfTheGuidesWork(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, page := range guidePages(t) {
		raw, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(page)
		list, unmarked := steps(string(raw))
		if len(unmarked) > 0 {
			t.Errorf("%s: a block of commands is marked console, sh aws or sh docker: %q", name, unmarked)
		}
		var here []step
		for _, s := range list {
			s.command, _, _ = strings.Cut(s.command, "  #")
			s.command = strings.TrimSpace(s.command)
			// What is made is run by .ci/run and by people; here it has to be there.
			if m := target.FindStringSubmatch(s.command); m != nil {
				if !strings.Contains(string(makefile), "\n"+m[1]+":") {
					t.Errorf("%s: %s is no target", name, m[1])
				}
				ran++
				continue
			}
			here = append(here, s)
		}
		ran += len(here)
		if len(here) > 0 {
			t.Run(name, func(t *testing.T) { shared.follow(t, here) })
		}
	}
	if ran < 25 {
		t.Errorf("only %d commands found", ran)
	}
}

// follow runs the commands of one page in one shell, as somebody would type them in the repository while a local run is up.
func (s *stack) follow(t *testing.T, list []step) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum", "template.yaml", "samconfig.toml", "infra", "docs", "shared", "authorizer", "functions"} {
		if err := os.Symlink(filepath.Join(root, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(s.dir, filepath.Join(dir, ".latchkey")); err != nil {
		t.Fatal(err)
	}
	const end = "\x1eended\n"
	script := "set -euo pipefail\n"
	for _, one := range list {
		script += one.command + "\nprintf '" + `\036ended\n` + "'\n"
	}
	script = strings.NewReplacer("http://127.0.0.1:8080", s.ProductsURL, "http://127.0.0.1:8081", s.ManagementURL, "http://127.0.0.1:8082", s.ConsoleURL,
		"ak_…", s.DemoSecret, "go run ./infra/local ", runner+" ").Replace(script)
	cmd := exec.Command("bash", "-c", script)
	cmd.Dir, cmd.WaitDelay = dir, time.Second
	cmd.Env = append(os.Environ(), "LATCHKEY_DATA_DIR="+s.dir)
	out, err := cmd.CombinedOutput()
	printed := strings.Split(string(out), end)
	for i, one := range list {
		if i >= len(printed)-1 {
			t.Fatalf("%s\nfails: %v\n%s", one.command, err, printed[len(printed)-1])
		}
		if one.prints != "" && !like(printed[i], one.prints) {
			t.Errorf("%s\nprints\n%.600q\nand the page says\n%q", one.command, printed[i], one.prints)
		}
	}
}

// TestCommandsOfAPageAreRead: what is run, what isn't, and what has no mark.
func TestCommandsOfAPageAreRead(t *testing.T) {
	list, unmarked := steps(strings.ReplaceAll("'''console\n$ a \\\n    b\nout\nmore\n$ c\n'''\n\n'''sh aws\naws x\n'''\n\n'''\nd\n'''\n\n'''sh\ne\n'''\n\n'''json\n{}\n'''\n", "'''", "```"))
	if got, want := fmt.Sprintf("%q %q", list, unmarked), `[{"a \\\n    b" "out\nmore\n"} {"c" ""}] ["`+"```"+`" "`+"```"+`sh"]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, c := range []struct {
		printed, page string
		want          bool
	}{
		{"a b\n", "a b\n", true},
		{`{"a":1,"b":2}`, "{\"a\":1,\n \"b\":…}\n", true},
		{"a b", "a", false},
		{"", "…", true},
		{"a", "b", false},
		{"200", "2..", false},
	} {
		if like(c.printed, c.page) != c.want {
			t.Errorf("%q and %q", c.printed, c.page)
		}
	}
}
