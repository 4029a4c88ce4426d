package main

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// budgets say how long a package's tests may run. The zero value limits nothing.
type budgets struct {
	packages map[string]allowance
	fallback allowance // of a package without a line of its own
	whole    allowance // from the start of the first package to the end of the last
}

// allowance is a budget in seconds; 0 limits nothing.
type allowance struct {
	plain, race float64
}

// The names in place of a package's.
const (
	nameFallback = "default"
	nameWhole    = "whole"
)

// module is the path of the packages that the file names by their folder.
const module = "latchkey/"

// parseBudgets reads lines of "package seconds seconds-under-the-race-detector". A package is its folder in the module, "-"
// stands for one that isn't run that way, and "default" and "whole" must both be there.
func parseBudgets(in io.Reader) (budgets, error) {
	b := budgets{packages: map[string]allowance{}}
	seen := map[string]bool{}
	lines := bufio.NewScanner(in)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(text)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 3 {
			return budgets{}, fmt.Errorf("line %d: want a package and two numbers of seconds", n)
		}
		name := fields[0]
		if seen[name] {
			return budgets{}, fmt.Errorf("line %d: %s stands twice", n, name)
		}
		seen[name] = true
		plain, errPlain := parseSeconds(fields[1])
		race, errRace := parseSeconds(fields[2])
		if errPlain != nil || errRace != nil {
			return budgets{}, fmt.Errorf("line %d: seconds are a number above 0, or \"-\"", n)
		}
		switch a := (allowance{plain, race}); name {
		case nameFallback:
			b.fallback = a
		case nameWhole:
			b.whole = a
		default:
			b.packages[module+name] = a
		}
	}
	if err := lines.Err(); err != nil {
		return budgets{}, err
	}
	if !seen[nameFallback] || !seen[nameWhole] {
		return budgets{}, fmt.Errorf("no line for %q or %q", nameFallback, nameWhole)
	}
	return b, nil
}

func parseSeconds(text string) (float64, error) {
	if text == "-" {
		return 0, nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err == nil && !(seconds > 0) {
		err = fmt.Errorf("%v seconds", seconds)
	}
	return seconds, err
}

// times returns the budgets of a machine that is so many times slower.
func (b budgets) times(slower float64) budgets {
	packages := make(map[string]allowance, len(b.packages))
	for name, a := range b.packages {
		packages[name] = a.times(slower)
	}
	return budgets{packages: packages, fallback: b.fallback.times(slower), whole: b.whole.times(slower)}
}

func (a allowance) times(slower float64) allowance {
	return allowance{a.plain * slower, a.race * slower}
}

// of is a package's budget in seconds; 0 limits nothing.
func (b budgets) of(pkg string, race bool) float64 {
	a, ok := b.packages[pkg]
	if !ok {
		a = b.fallback
	}
	return a.in(race)
}

func (a allowance) in(race bool) float64 {
	if race {
		return a.race
	}
	return a.plain
}
