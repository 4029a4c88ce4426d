// Package guides reads the commands of the documents, and runs them as somebody would type them.
//
// Commands stand in fenced blocks. A block marked `console` is run: each line after "$ " is a command, what follows it is what it
// prints, with "…" for any text. `sh aws` is for AWS alone, `sh docker` for SAM's containers; nothing runs those.
package guides

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"
)

var block = regexp.MustCompile("(?ms)^ *```([^\n]*)\n(.*?)^ *```$")

// noCommands are the marks of blocks that hold no commands.
var noCommands = []string{"json", "mermaid", "text", "yaml"}

// Step is one command of a page with what it prints, "" for anything.
type Step struct {
	Command, Prints string
}

// Steps reads the commands of a page that are run, and gives the blocks and lines that nobody can tell what to do with.
func Steps(page string) (list []Step, unmarked []string) {
	for _, m := range block.FindAllStringSubmatch(page, -1) {
		switch mark := m[1]; {
		case mark == "console":
			steps, odd := console(m[2])
			list, unmarked = append(list, steps...), append(unmarked, odd...)
		case mark != "sh aws" && mark != "sh docker" && !slices.Contains(noCommands, mark):
			unmarked = append(unmarked, "```"+mark)
		}
	}
	return list, unmarked
}

// console reads one block. A comment stands behind two blanks and a number sign.
func console(text string) (list []Step, odd []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		command, ok := strings.CutPrefix(line, "$ ")
		switch n := len(list) - 1; {
		case ok:
			command, _, _ = strings.Cut(command, "  #")
			list = append(list, Step{Command: strings.TrimSpace(command)})
		case n < 0:
			odd = append(odd, line)
		case list[n].Prints == "" && strings.HasSuffix(list[n].Command, `\`):
			list[n].Command += "\n" + line
		default:
			list[n].Prints += line + "\n"
		}
	}
	return list, odd
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

// Follow runs the commands of one page in one shell, in a folder, and gives what is otherwise than the page says. It ends at the first
// command that fails. names are replaced in the commands, as by strings.NewReplacer.
func Follow(ctx context.Context, dir string, env, names []string, list []Step) (problems []string) {
	const end = "\x1eended\n"
	script := "set -euo pipefail\n"
	for _, one := range list {
		script += one.Command + "\nprintf '" + `\036ended\n` + "'\n"
	}
	cmd := exec.CommandContext(ctx, "bash", "-c", strings.NewReplacer(names...).Replace(script))
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, env, time.Second
	out, err := cmd.CombinedOutput()
	printed := strings.Split(string(out), end)
	for i, one := range list {
		if i >= len(printed)-1 {
			return append(problems, fmt.Sprintf("%s\nfails: %v\n%.600q", one.Command, err, printed[len(printed)-1]))
		}
		if one.Prints != "" && !like(printed[i], one.Prints) {
			problems = append(problems, fmt.Sprintf("%s\nprints\n%.600q\nand the page says\n%q", one.Command, printed[i], one.Prints))
		}
	}
	return problems
}
