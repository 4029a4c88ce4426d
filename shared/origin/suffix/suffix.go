// Package suffix knows under which names domains of many different owners stand: the public suffixes, ICANN's and
// private ones, and the names above them.
//
// Its table is the public suffix list of the day that [Date] says. `make suffixes` writes it. Package origin/entry asks
// it, and so does the job that looks at stored patterns; the gate never links it.
package suffix

import (
	_ "embed"
	"slices"
	"sort"
	"strings"
)

// table has a rule a line, in the order of its bytes. A rule has its labels reversed, so that what stands below a name
// follows it: "uk.co", "ck.*", and the exception "ck.www!". It is searched as it is, so that it costs nothing to load.
//
//go:embed suffixes.txt
var table string

// heading begins the table's first line; the list's date follows.
const heading = "# Public suffix list of "

// Date is the day of the list, as in 2026-10-22.
func Date() string {
	line, _, _ := strings.Cut(table, "\n")
	day, _, _ := strings.Cut(strings.TrimPrefix(line, heading), ".")
	return day
}

// Kind says whose the names under a name are. The zero value is one owner.
type Kind uint8

const (
	// OneOwner is a name below a suffix, with all that is under it.
	OneOwner Kind = iota
	// Suffix is a public suffix, or a name of which everything right under it is one.
	Suffix
	// AboveSuffix is a name with a public suffix somewhere under it.
	AboveSuffix
)

// Of returns what a name is: lower-case ASCII, no trailing dot. For [AboveSuffix], below is one of the suffixes under it.
func Of(name string) (kind Kind, below string) {
	labels := strings.Split(name, ".")
	slices.Reverse(labels)
	reversed := strings.Join(labels, ".")
	last := strings.LastIndexByte(reversed, '.')
	switch {
	case last < 0, has(reversed): // each name of one label is a suffix, listed or not
		return Suffix, ""
	case has(reversed + ".*"), has(reversed[:last]+".*") && !has(reversed+"!"):
		return Suffix, ""
	}
	if rule := from(reversed + "."); strings.HasPrefix(rule, reversed+".") {
		labels = strings.Split(strings.TrimPrefix(strings.TrimRight(rule, "!*"), reversed+"."), ".")
		slices.Reverse(labels)
		return AboveSuffix, strings.TrimPrefix(strings.Join(labels, ".")+"."+name, ".")
	}
	return OneOwner, ""
}

// has reports whether the table has a rule.
func has(rule string) bool { return from(rule) == rule }

// from returns the first rule that is not before text.
func from(text string) string {
	// The search is by byte: of each place, the line that begins there or next after it is looked at.
	at := sort.Search(len(table), func(i int) bool { return lineAfter(i) >= text || lineAfter(i) == "" })
	return lineAfter(at)
}

// lineAfter returns the first line that begins at i or later, and "" behind the last one.
func lineAfter(i int) string {
	if i > 0 && i < len(table) && table[i-1] != '\n' {
		n := strings.IndexByte(table[i:], '\n')
		i += n + 1
	}
	if i >= len(table) {
		return ""
	}
	line, _, _ := strings.Cut(table[i:], "\n")
	return line
}
