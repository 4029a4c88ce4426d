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
	// EncodedSlash says that it is that of the paths with encoded slashes. It has no version where those are open as the
	// paths around them are.
	EncodedSlash bool
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
	encoded  bool                                    // the versions that led here have encoded slashes
	groups   map[string]bool                         // the groups of quotas that there ever were; true for those that are there
}

// asAround is the coverage of paths with encoded slashes that are open as the paths around them are.
const asAround consent.Version = "="

// begun names the coverage of a product, or of its encoded slashes, that begins in a version.
func begun(id string, in consent.Version) consent.Version {
	if base(id) != id {
		return in.OfEncodedSlash()
	}
	return in
}

func newState() *state {
	return &state{
		covered: map[string]map[string]bool{}, since: map[string]map[string][]consent.Version{}, written: map[string]map[string]string{},
		ever: map[string]map[string]bool{}, first: map[string][]consent.Version{}, behind: map[consent.Version]bool{}, outdated: map[string]bool{}, groups: map[string]bool{},
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
	s.encoded = len(parents) > 0
	for _, p := range parents {
		s.encoded = s.encoded && p.encoded
		maps.Copy(s.behind, p.behind)
		maps.Copy(s.outdated, p.outdated)
		for id, there := range p.groups { // one that a branch has ended, and another hasn't, is there until the merge
			s.groups[id] = s.groups[id] || there
		}
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
	standing := map[string]map[string]bool{}
	for _, l := range b.lines {
		if l.product == encodedSlash {
			s.encoded = true
			continue
		}
		if id, is := strings.CutSuffix(l.product, ofGroup); is {
			s.groups[id] = l.sign == comes
			continue
		}
		if s.ever[l.product] == nil {
			s.first[l.product] = []consent.Version{b.version}
		}
		s.outdated[base(l.product)] = s.outdated[base(l.product)] || len(parents) > 0 && l.sign != stood
		join(s.covered, l.product, nil)
		join(s.ever, l.product, map[string]bool{l.prefix: true})
		switch l.sign {
		case goes:
			delete(s.covered[l.product], l.prefix)
		case stood:
			join(standing, l.product, map[string]bool{strings.ToLower(l.prefix): true})
			fallthrough
		default:
			s.covered[l.product][l.prefix] = true
		}
	}
	if s.encoded {
		s.behind[begun(encodedSlash, b.version)], s.behind[asAround] = true, true
	}
	for id := range s.ever {
		if !strings.HasSuffix(id, noneWithin) {
			s.cover(id, parents, b.version, standing[id])
		}
	}
	return s
}

// cover finds since when each part of a product is covered. The borders of the parts are those of the versions before, as
// far as they lie in what is covered now.
func (s *state) cover(id string, parents []*state, now consent.Version, standing map[string]bool) {
	since, written := map[string][]consent.Version{}, map[string]string{}
	none := map[string]bool{}
	for prefix := range s.covered[id] {
		if prefix != "" {
			written[strings.ToLower(prefix)] = prefix
		}
	}
	if id == EncodedSlash(base(id)) {
		for prefix := range s.covered[base(id)+noneWithin] {
			written[strings.ToLower(prefix)], none[strings.ToLower(prefix)] = prefix, true
		}
	}
	whole := slices.Collect(maps.Keys(written))
	for _, p := range parents {
		for border, text := range p.written[id] {
			if outer := longest(whole, border); written[border] == "" && outer != "" && !none[outer] {
				written[border] = text
			}
		}
	}
	for border := range written {
		switch since[border] = surviving(id, border, parents); {
		case none[border]:
			since[border] = nil
		case len(since[border]) > 0:
		case longest(slices.Collect(maps.Keys(standing)), border) != "":
			since[border] = []consent.Version{asAround}
		default:
			since[border] = []consent.Version{begun(id, now)}
		}
	}
	s.since[id], s.written[id] = since, written
}

// longest is the innermost of some prefixes in which a border lies, "" if it lies in none.
func longest(prefixes []string, border string) (found string) {
	for _, prefix := range prefixes {
		if len(prefix) > len(found) && strings.HasPrefix(border, prefix) {
			found = prefix
		}
	}
	return found
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
	return s.since[id][longest(slices.Collect(maps.Keys(s.since[id])), border)]
}

// coverage lists the parts of all products, sorted, without those that say the same as the one around them.
func (s *state) coverage() (list []Covered) {
	for _, id := range slices.Sorted(maps.Keys(s.since)) {
		for _, border := range slices.Sorted(maps.Keys(s.since[id])) {
			versions := s.since[id][border]
			if outer := s.around(id, border); len(versions) == 0 || outer != nil && slices.Equal(outer, versions) {
				continue
			}
			c := Covered{
				Product: base(id), Prefix: s.written[id][border], Since: versions, EncodedSlash: base(id) != id,
				Standing: slices.ContainsFunc(versions, func(v consent.Version) bool {
					return slices.ContainsFunc(s.first[base(id)], func(first consent.Version) bool { return v == begun(id, first) })
				}),
			}
			if slices.Contains(versions, asAround) {
				c.Since = nil
			}
			list = append(list, c)
		}
	}
	return list
}

func (s *state) around(id, border string) []consent.Version {
	others := slices.DeleteFunc(slices.Collect(maps.Keys(s.since[id])), func(prefix string) bool { return prefix == border })
	return s.since[id][longest(others, border)]
}

// allAround has the versions of all parts that a part lies in, however far out.
func (s *state) allAround(id, border string) (versions []consent.Version) {
	for prefix, since := range s.since[id] {
		if prefix != border && strings.HasPrefix(border, prefix) {
			versions = append(versions, since...)
		}
	}
	return versions
}

// narrowed reports whether a product once covered more than it does.
func (s *state) narrowed(id string) bool {
	for prefix := range s.ever[id] {
		if prefix != "" && s.sinceOf(id, strings.ToLower(prefix)) == nil {
			return true
		}
	}
	return base(id) == id && (s.narrowed(EncodedSlash(id)) || s.excepted(EncodedSlash(id)))
}

// excepted reports whether a class takes no encoded slashes within one that came to take them for a second time: what it was in
// the first time isn't known.
func (s *state) excepted(id string) bool {
	for prefix := range s.covered[base(id)+noneWithin] {
		outer := s.around(id, strings.ToLower(prefix))
		if !slices.Contains(outer, asAround) && !slices.ContainsFunc(s.first[id], func(v consent.Version) bool { return slices.Contains(outer, begun(id, v)) }) {
			return true
		}
	}
	return false
}
