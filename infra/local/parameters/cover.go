package parameters

import (
	"maps"
	"slices"

	"latchkey/infra/local/template"
)

// factor is one or several parameters that the template's Rules look at together, with all that they may be together.
type factor struct {
	names  []string
	levels []map[string]string
}

// factors splits the parameters of the samples into such groups, and keeps those that one of the deciding parameters is in. Of each
// group all combinations are there that the Rules take.
func factors(t *template.Template, deciding []string) ([]factor, error) {
	group := map[string]int{} // of each parameter
	for i, name := range slices.Sorted(maps.Keys(Samples)) {
		group[name] = i
	}
	for _, ruled := range t.Ruled() {
		for _, name := range ruled[1:] {
			from, to := group[name], group[ruled[0]]
			for other, g := range group {
				if g == from {
					group[other] = to
				}
			}
		}
	}
	named := map[int][]string{}
	for _, name := range slices.Sorted(maps.Keys(Samples)) {
		named[group[name]] = append(named[group[name]], name)
	}
	var all []factor
	for _, g := range slices.Sorted(maps.Keys(named)) {
		f := factor{names: named[g]}
		if !slices.ContainsFunc(f.names, func(name string) bool { return slices.Contains(deciding, name) }) {
			continue
		}
		for _, level := range product(f.names) {
			refused, err := refusals(t, level)
			if err != nil {
				return nil, err
			}
			if len(refused) == 0 {
				f.levels = append(f.levels, level)
			}
		}
		all = append(all, f)
	}
	return all, nil
}

// product lists every combination of what parameters take.
func product(names []string) []map[string]string {
	all := []map[string]string{{}}
	for _, name := range names {
		var longer []map[string]string
		for _, level := range all {
			for _, value := range Samples[name].values() {
				one := maps.Clone(level)
				one[name] = value
				longer = append(longer, one)
			}
		}
		all = longer
	}
	return all
}

// values are the default and what else a parameter takes.
func (s Sample) values() []string {
	all := []string{s.Standard}
	for _, v := range s.Takes {
		if v != s.Standard {
			all = append(all, v)
		}
	}
	return all
}

func refusals(t *template.Template, set map[string]string) ([]string, error) {
	with, err := t.With(set)
	if err != nil {
		return nil, err
	}
	return with.Refused()
}

// pair is a level of one factor beside a level of another.
type pair struct{ factor, level, otherFactor, otherLevel int }

// covering lists combinations of the factors' levels: each level of one stands beside each of another in at least one of them.
func covering(all []factor) (rows [][]int) {
	missing := map[pair]bool{}
	var order []pair
	for i, f := range all {
		for j := i + 1; j < len(all); j++ {
			for a := range f.levels {
				for b := range all[j].levels {
					p := pair{i, a, j, b}
					missing[p] = true
					order = append(order, p)
				}
			}
		}
	}
	for _, first := range order {
		if !missing[first] {
			continue
		}
		row := slices.Repeat([]int{-1}, len(all))
		row[first.factor], row[first.otherFactor] = first.level, first.otherLevel
		for i, f := range all {
			if row[i] < 0 {
				row[i] = best(row, i, len(f.levels), missing)
			}
		}
		for i, a := range row {
			for j := i + 1; j < len(row); j++ {
				delete(missing, pair{i, a, j, row[j]})
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// best is the level of a factor that brings a row the most pairs that are still missing.
func best(row []int, factor, levels int, missing map[pair]bool) (level int) {
	most := -1
	for l := range levels {
		n := 0
		for i, a := range row {
			switch {
			case a < 0:
			case i < factor && missing[pair{i, a, factor, l}], i > factor && missing[pair{factor, l, i, a}]:
				n++
			}
		}
		if n > most {
			most, level = n, l
		}
	}
	return level
}

// Combinations are sets of parameters that CloudFormation takes: in each group that the template's Rules look at, all that its parameters
// may be together, and beside each of these, in one set or another, all that any other group may be. Groups that none of the deciding
// parameters is in stay at their defaults.
func Combinations(t *template.Template, deciding []string) ([]map[string]string, error) {
	all, err := factors(t, deciding)
	if err != nil {
		return nil, err
	}
	var sets []map[string]string
	for _, row := range covering(all) {
		set := map[string]string{}
		for i, level := range row {
			maps.Copy(set, all[i].levels[level])
		}
		sets = append(sets, set)
	}
	return sets, nil
}
