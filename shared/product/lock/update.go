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
	Covered []Covered // sorted by product and prefix, those of encoded slashes behind the others of their product
	// Changed are the products that the first version doesn't have as they are, sorted.
	Changed []string
	// Narrowed are the products that once covered more than they do, sorted.
	Narrowed []string
}

// Report holds the effects of an update on products that were there, as texts for people: "/map/", and "/map/*%2F*" for the
// paths in it that hold encoded slashes.
type Report struct {
	Gained map[string][]string // what keys of a product need consent for
	Closed map[string][]string // the same, of which keys had some before: a merge keeps what one of its branches took away
	Lost   map[string][]string
	Stood  map[string][]string // what is taken to have been open before the file said so
	// Ended are the groups of quotas that go, and Returned those that come and were there before, sorted.
	Ended, Returned []string
}

// Named holds what is meant: the products that come to cover more, those of which a merge closes paths, and the groups that go.
type Named struct{ Widened, Closed, Ended []string }

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
		if id != base(id) {
			continue
		}
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
// cover more must be named: keys have it already, and its new paths stay closed to them until their owners accept. So must one
// of which a merge closes paths. A catalogue that covers what the file says leaves the file as it is.
func Update(text string, now Coverages, named Named) (updated string, report Report, err error) {
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
	b.lines = changes(before, now, len(parents) > 0)
	b.version = b.name(next)
	after := after(parents, b)
	report = compare(parents, before, after)
	for _, id := range slices.Sorted(maps.Keys(before.groups)) {
		switch was, is := before.groups[id], after.groups[id]; {
		case was && !is:
			report.Ended = append(report.Ended, id)
		case is && !was:
			report.Returned = append(report.Returned, id)
		}
	}
	if err := exceptions(parents, after); err != nil {
		return "", report, err
	}
	if err := named.check(report); err != nil {
		return "", report, err
	}
	if len(b.lines) == 0 && len(b.after) == 1 {
		return text, report, nil
	}
	if text == "" {
		text = preface
	}
	return strings.TrimRight(text, "\n") + "\n\n" + b.String(), report, nil
}

// compare finds what a block changes, border by border, of products that were there: no key has a new one yet.
func compare(parents []*state, before, after *state) Report {
	r := Report{Gained: map[string][]string{}, Closed: map[string][]string{}, Lost: map[string][]string{}, Stood: map[string][]string{}}
	lists := map[effect]map[string][]string{gained: r.Gained, closed: r.Closed, lost: r.Lost, wasOpen: r.Stood}
	var told map[effect][]string // of the product, and behind it of its encoded slashes: they go with the rest
	for _, id := range slices.Sorted(maps.Keys(after.ever)) {
		if strings.HasSuffix(id, noneWithin) || before.ever[base(id)] == nil {
			continue
		}
		if id == base(id) {
			told = map[effect][]string{}
		}
		written := writtenIn(parents, after, id)
		for _, border := range slices.Sorted(maps.Keys(written)) {
			e := effectOn(parents, after, id, border)
			if e == none || longest(told[e], border) != "" {
				continue
			}
			told[e] = append(told[e], border)
			lists[e][base(id)] = append(lists[e][base(id)], shown(id, written[border]))
		}
	}
	return r
}

// writtenIn are the borders of a product after an update, and those before it, as they are written.
func writtenIn(parents []*state, after *state, id string) map[string]string {
	all := map[string]string{}
	for _, s := range append([]*state{after}, parents...) {
		maps.Copy(all, s.written[id])
	}
	return all
}

// effect is that of an update on a part of a product, and names a list of the report.
type effect int

const (
	none effect = iota // it goes on, or was never there
	gained
	closed
	lost
	wasOpen // open before the file said so
)

func effectOn(parents []*state, after *state, id, border string) effect {
	now, was, ended := after.sinceOf(id, border), false, false
	for _, p := range parents {
		then := p.sinceOf(id, border)
		was = was || len(then) > 0
		ended = ended || len(then) > 0 && !slices.ContainsFunc(then, func(v consent.Version) bool { return slices.Contains(now, v) })
	}
	switch {
	case was && len(now) == 0:
		if id != base(id) && len(after.sinceOf(base(id), border)) == 0 {
			return none // it is told of the paths around it
		}
		return lost
	case ended:
		return closed
	case was, len(now) == 0:
		return none
	case slices.Contains(now, asAround):
		return wasOpen
	default:
		return gained
	}
}

func shown(id, prefix string) string {
	if id != base(id) {
		return prefix + consent.EncodedSlash
	}
	return prefix
}

// exceptions refuses that paths stop to take encoded slashes within a class that goes on to, be it the class around them or one
// further out: a consent names the outermost prefix, and would open them too where a deployment is rolled back.
func exceptions(parents []*state, after *state) error {
	for _, id := range slices.Sorted(maps.Keys(after.ever)) {
		written := writtenIn(parents, after, EncodedSlash(id))
		for _, border := range slices.Sorted(maps.Keys(written)) {
			outer := after.allAround(EncodedSlash(id), border)
			if len(after.sinceOf(EncodedSlash(id), border)) > 0 || !slices.ContainsFunc(parents, func(p *state) bool {
				return slices.ContainsFunc(p.sinceOf(EncodedSlash(id), border), func(v consent.Version) bool { return slices.Contains(outer, v) })
			}) {
				continue
			}
			return fmt.Errorf("%w: product %s takes encoded slashes around %s, and would no longer take them there. Give the class of %s encoded_slash, or take it from the class around it too",
				ErrLock, id, written[border], written[border])
		}
	}
	return nil
}

// check refuses a product that covers more, or of which paths are closed, and a group that goes, and that isn't named; and one that is named without need.
func (n Named) check(r Report) error {
	for _, id := range slices.Sorted(maps.Keys(r.Gained)) {
		if !slices.Contains(n.Widened, id) {
			return fmt.Errorf("%w: product %s comes to cover %s. Keys that have it may call that only once their owners accept it. If that is meant: make catalogue WIDEN=%s. If keys could call it before there was a catalogue.lock: docs/guides/products.md#from-a-release-without-a-lock",
				ErrLock, id, strings.Join(r.Gained[id], " "), id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.Closed)) {
		if !slices.Contains(n.Closed, id) {
			return fmt.Errorf("%w: product %s covers %s, which one of the branches that are merged took away. Keys that could call it will be refused until their owners accept it. If that is meant: make catalogue CLOSE=%s",
				ErrLock, id, strings.Join(r.Closed[id], " "), id)
		}
	}
	for _, id := range r.Ended {
		if !slices.Contains(n.Ended, id) {
			return fmt.Errorf("%w: group %s would go (with another ID it is another group). Quotas of accounts and caps of keys that are set for it would bound no call any more. If that is meant: make catalogue END=%s",
				ErrLock, id, id)
		}
	}
	for _, id := range n.Ended {
		if !slices.Contains(r.Ended, id) {
			return fmt.Errorf("%w: no group %s goes", ErrLock, id)
		}
	}
	for _, id := range n.Widened {
		if r.Gained[id] == nil {
			return fmt.Errorf("%w: product %s covers no more than before", ErrLock, id)
		}
	}
	for _, id := range n.Closed {
		if r.Closed[id] == nil {
			return fmt.Errorf("%w: of product %s no paths are closed", ErrLock, id)
		}
	}
	return nil
}

// changes lists what makes one catalogue of another, after a version or as the first one. A file that doesn't have encoded slashes yet
// takes those of the catalogue for what stood.
func changes(was *state, now Coverages, follows bool) (lines []line) {
	sign := comes
	if !was.encoded {
		lines = append(lines, line{sign: stood, product: encodedSlash})
		if follows {
			sign = stood
		}
	}
	for _, id := range slices.Sorted(maps.Keys(was.groups)) {
		if _, there := now[id+ofGroup]; !there && was.groups[id] {
			lines = append(lines, line{sign: goes, product: id + ofGroup})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(now)) {
		if group, is := strings.CutSuffix(id, ofGroup); is && !was.groups[group] {
			lines = append(lines, line{sign: comes, product: id})
		}
	}
	before, wanted := was.covered, now.borders()
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
				lines = append(lines, line{sign: goes, product: id, prefix: prefix})
			}
		}
		for _, prefix := range slices.Sorted(maps.Keys(wanted[id])) {
			if before[id][prefix] {
				continue
			}
			l := line{sign: comes, product: id, prefix: prefix}
			if id != base(id) {
				l.sign = sign
			}
			lines = append(lines, l)
		}
	}
	return lines
}

// borders are the prefixes that say all: of a product the outermost, since a class within another of its product's covers
// nothing new; of encoded slashes those where classes begin to take them, and where they no longer do.
func (c Coverages) borders() map[string]map[string]bool {
	wanted := map[string]map[string]bool{}
	put := func(id, prefix string) {
		if wanted[id] == nil {
			wanted[id] = map[string]bool{}
		}
		wanted[id][prefix] = true
	}
	for id, prefixes := range c {
		if id != base(id) {
			continue
		}
		put(id, "")
		taken := lower(c[EncodedSlash(id)])
		for _, prefix := range prefixes {
			path := strings.ToLower(prefix)
			outer := longest(slices.DeleteFunc(lower(prefixes), func(other string) bool { return other == path }), path)
			if outer == "" {
				put(id, prefix)
			}
			takes, around := slices.Contains(taken, path), slices.Contains(taken, outer)
			switch {
			case takes && !around:
				put(EncodedSlash(id), prefix)
			case !takes && around:
				put(id+noneWithin, prefix)
			}
		}
	}
	return wanted
}

func lower(prefixes []string) []string {
	out := make([]string, len(prefixes))
	for i, prefix := range prefixes {
		out[i] = strings.ToLower(prefix)
	}
	return out
}
