package lock

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"latchkey/shared/consent"
)

// History is the newest version of a file.
type History struct {
	Version consent.Version
	Covered []Covered // sorted by product and prefix
	// Changed are the products that the first version doesn't have as they are, sorted.
	Changed []string
	// Narrowed are the products that once covered more than they do, sorted.
	Narrowed []string
}

// Report holds the effects of an update on products that were there.
type Report struct {
	Gained Coverages // what keys of a product need consent for
	Lost   Coverages
}

// Read reads a file, which must be up to date: one that ends in several versions is a merge that nobody has finished.
func Read(text string) (History, error) {
	blocks, err := parse(text)
	if err != nil {
		return History{}, err
	}
	last := heads(blocks)
	if len(last) != 1 {
		return History{}, fmt.Errorf("%w: ends in %d versions, want one: make catalogue", ErrLock, len(last))
	}
	s := replay(blocks)[last[0]]
	h := History{Version: last[0], Covered: s.coverage()}
	for _, id := range slices.Sorted(maps.Keys(s.ever)) {
		if s.outdated[id] || !slices.Contains(s.first[id], blocks[0].version) {
			h.Changed = append(h.Changed, id)
		}
		if s.narrowed(id) {
			h.Narrowed = append(h.Narrowed, id)
		}
	}
	return h, nil
}

// Update adds to a file what a catalogue covers, "" for a file that isn't there. A product that was there and comes to
// cover more must be named: keys have it already, and its new paths stay closed to them until their owners accept. A
// catalogue that covers what the file says leaves the file as it is.
func Update(text string, now Coverages, widened []string) (updated string, report Report, err error) {
	blocks, err := parse(text)
	if err != nil {
		return "", report, err
	}
	b := block{after: heads(blocks)}
	states := replay(blocks)
	parents := make([]*state, len(b.after))
	next := 1
	for i, v := range b.after {
		parents[i], next = states[v], max(next, number(v)+1)
	}
	before := merged(parents)
	report = Report{Gained: Coverages{}, Lost: Coverages{}}
	b.lines = changes(before.covered, now)
	for id, prefixes := range now {
		if before.ever[id] == nil {
			continue // no key has it yet
		}
		for _, prefix := range prefixes {
			if !slices.ContainsFunc(parents, func(p *state) bool { return p.sinceOf(id, strings.ToLower(prefix)) != nil }) {
				report.Gained[id] = append(report.Gained[id], prefix)
			}
		}
	}
	for id, had := range before.covered {
		for _, prefix := range slices.Sorted(maps.Keys(had)) {
			if prefix != "" && !within(prefix, now[id]) {
				report.Lost[id] = append(report.Lost[id], prefix)
			}
		}
	}
	if err := named(report.Gained, widened); err != nil {
		return "", report, err
	}
	if len(b.lines) == 0 && len(b.after) == 1 {
		return text, report, nil
	}
	b.version = b.name(next)
	if text == "" {
		text = preface
	}
	return strings.TrimRight(text, "\n") + "\n\n" + b.String(), report, nil
}

func within(prefix string, list []string) bool {
	return slices.ContainsFunc(list, func(outer string) bool { return strings.HasPrefix(strings.ToLower(prefix), strings.ToLower(outer)) })
}

// named refuses a product that covers more and isn't named, and one that is named and doesn't.
func named(gained Coverages, widened []string) error {
	for _, id := range slices.Sorted(maps.Keys(gained)) {
		if !slices.Contains(widened, id) {
			return fmt.Errorf("%w: product %s comes to cover %s. Keys that have it may call that only once their owners accept it. If that is meant: make catalogue WIDEN=%s",
				ErrLock, id, strings.Join(gained[id], " "), id)
		}
	}
	for _, id := range widened {
		if gained[id] == nil {
			return fmt.Errorf("%w: product %s covers no more than before", ErrLock, id)
		}
	}
	return nil
}

// changes lists what makes one catalogue of another. Only outermost prefixes are written: a class within another of its
// product's covers nothing new.
func changes(before map[string]map[string]bool, now Coverages) (lines []line) {
	wanted := map[string]map[string]bool{}
	for id, prefixes := range now {
		wanted[id] = map[string]bool{"": true}
		for _, prefix := range prefixes {
			others := slices.DeleteFunc(slices.Clone(prefixes), func(other string) bool { return other == prefix })
			if !within(prefix, others) {
				wanted[id][prefix] = true
			}
		}
	}
	ids := slices.Sorted(maps.Keys(before))
	for id := range wanted {
		if _, known := before[id]; !known {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		for _, prefix := range slices.Sorted(maps.Keys(before[id])) {
			if !wanted[id][prefix] {
				lines = append(lines, line{product: id, prefix: prefix})
			}
		}
		for _, prefix := range slices.Sorted(maps.Keys(wanted[id])) {
			if !before[id][prefix] {
				lines = append(lines, line{added: true, product: id, prefix: prefix})
			}
		}
	}
	return lines
}
