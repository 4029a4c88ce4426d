package lock

import (
	"maps"
	"slices"
	"strings"

	"latchkey/shared/consent"
)

// Covered is a part of a product's paths that has been covered without a break: the prefix is as it was written, and
// where prefixes nest, the longest decides.
type Covered struct {
	Product string
	Prefix  string
	// Since has the version in which it began. After a merge it can be several: the coverages of branches, each of which
	// goes on if no branch has ended it.
	Since []consent.Version
	// Standing says that it goes back to the product's first version: keys that say nothing of the product were shown it.
	Standing bool
}

// state holds the coverage of one version.
type state struct {
	covered  map[string]map[string]bool              // by product, its prefixes; "" is the product itself
	since    map[string]map[string][]consent.Version // by product and prefix in lower case
	written  map[string]map[string]string            // the same, as it was written
	ever     map[string]map[string]bool              // every prefix that the product had
	first    map[string][]consent.Version            // the versions in which the product came for the first time
	behind   map[consent.Version]bool                // the versions that led to this one, itself included
	outdated map[string]bool                         // products that a later version than the first one changed
}

func newState() *state {
	return &state{
		covered: map[string]map[string]bool{}, since: map[string]map[string][]consent.Version{}, written: map[string]map[string]string{},
		ever: map[string]map[string]bool{}, first: map[string][]consent.Version{}, behind: map[consent.Version]bool{}, outdated: map[string]bool{},
	}
}

// replay makes the state of each version. Blocks stand behind those that they come after.
func replay(blocks []block) map[consent.Version]*state {
	states := map[consent.Version]*state{}
	for _, b := range blocks {
		parents := make([]*state, len(b.after))
		for i, v := range b.after {
			parents[i] = states[v]
		}
		states[b.version] = after(parents, b)
	}
	return states
}

// merged joins the coverage of several versions, before a block changes it.
func merged(parents []*state) *state {
	s := newState()
	for _, p := range parents {
		maps.Copy(s.behind, p.behind)
		maps.Copy(s.outdated, p.outdated)
		for id := range p.ever {
			join(s.covered, id, p.covered[id])
			join(s.ever, id, p.ever[id])
			for _, v := range p.first[id] {
				if !slices.Contains(s.first[id], v) {
					s.first[id] = append(s.first[id], v)
				}
			}
		}
	}
	return s
}

func join(all map[string]map[string]bool, id string, more map[string]bool) {
	if all[id] == nil {
		all[id] = map[string]bool{}
	}
	maps.Copy(all[id], more)
}

func after(parents []*state, b block) *state {
	s := merged(parents)
	s.behind[b.version] = true
	for _, l := range b.lines {
		if s.ever[l.product] == nil {
			s.first[l.product] = []consent.Version{b.version}
		}
		s.outdated[l.product] = s.outdated[l.product] || len(parents) > 0
		join(s.covered, l.product, nil)
		join(s.ever, l.product, map[string]bool{l.prefix: true})
		if l.added {
			s.covered[l.product][l.prefix] = true
		} else {
			delete(s.covered[l.product], l.prefix)
		}
	}
	for id := range s.ever {
		s.cover(id, parents, b.version)
	}
	return s
}

// cover finds since when each part of a product is covered. The borders of the parts are those of the versions before, as
// far as they lie in what is covered now.
func (s *state) cover(id string, parents []*state, now consent.Version) {
	since, written := map[string][]consent.Version{}, map[string]string{}
	for prefix := range s.covered[id] {
		if prefix != "" {
			written[strings.ToLower(prefix)] = prefix
		}
	}
	whole := slices.Collect(maps.Keys(written))
	for _, p := range parents {
		for border, text := range p.written[id] {
			if written[border] == "" && slices.ContainsFunc(whole, func(outer string) bool { return strings.HasPrefix(border, outer) }) {
				written[border] = text
			}
		}
	}
	for border := range written {
		if since[border] = surviving(id, border, parents); len(since[border]) == 0 {
			since[border] = []consent.Version{now}
		}
	}
	s.since[id], s.written[id] = since, written
}

// surviving lists the coverages of a part that some version before had, and that none of them has ended: one that stands
// in the history of a version which doesn't have it was ended there.
func surviving(id, border string, parents []*state) (list []consent.Version) {
	for _, p := range parents {
		for _, v := range p.sinceOf(id, border) {
			if slices.Contains(list, v) || slices.ContainsFunc(parents, func(other *state) bool {
				return other.behind[v] && !slices.Contains(other.sinceOf(id, border), v)
			}) {
				continue
			}
			list = append(list, v)
		}
	}
	slices.Sort(list)
	return list
}

// sinceOf finds the coverage of a part by the longest prefix that it lies in; none where the product doesn't cover all of it.
func (s *state) sinceOf(id, border string) (found []consent.Version) {
	longest := -1
	for prefix, versions := range s.since[id] {
		if len(prefix) > longest && strings.HasPrefix(border, prefix) {
			longest, found = len(prefix), versions
		}
	}
	return found
}

// coverage lists the parts of all products, sorted, without those that say the same as the one around them.
func (s *state) coverage() (list []Covered) {
	for _, id := range slices.Sorted(maps.Keys(s.since)) {
		for _, border := range slices.Sorted(maps.Keys(s.since[id])) {
			versions := s.since[id][border]
			if outer := s.around(id, border); outer != nil && slices.Equal(outer, versions) {
				continue
			}
			list = append(list, Covered{
				Product: id, Prefix: s.written[id][border], Since: versions,
				Standing: slices.ContainsFunc(versions, func(v consent.Version) bool { return slices.Contains(s.first[id], v) }),
			})
		}
	}
	return list
}

func (s *state) around(id, border string) (found []consent.Version) {
	longest := -1
	for prefix, versions := range s.since[id] {
		if prefix != border && len(prefix) > longest && strings.HasPrefix(border, prefix) {
			longest, found = len(prefix), versions
		}
	}
	return found
}

// narrowed reports whether a product once covered more than it does.
func (s *state) narrowed(id string) bool {
	for prefix := range s.ever[id] {
		if prefix != "" && s.sinceOf(id, strings.ToLower(prefix)) == nil {
			return true
		}
	}
	return false
}
