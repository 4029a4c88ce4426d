package usage

import (
	"cmp"
	"slices"

	"latchkey/shared/authz"
)

// Grouping says by what the calls of each hour or day are split.
type Grouping byte

// The groupings. The zero value splits nothing.
const (
	GroupKey     Grouping = 'K'
	GroupProduct Grouping = 'P'
	GroupReason  Grouping = 'R' // refused calls alone
	GroupHost    Grouping = 'H'
)

// ShownGroups bounds the groups that are told apart; all others are one.
const ShownGroups = 8

// Group is one part of the calls.
type Group struct {
	Name   string
	Rest   bool    // all that have no group of their own; it has no name
	Calls  int64   // of all points together
	Series []int64 // of each point of the summary
}

// track counts the calls of one name in some points, in their order.
type track struct {
	sum   int64
	cells []cellOf
}

type cellOf struct {
	at int
	n  int64
}

func (t *track) add(at int, n int64) {
	t.sum += n
	i, found := slices.BinarySearchFunc(t.cells, at, func(c cellOf, at int) int { return cmp.Compare(c.at, at) })
	if found {
		t.cells[i].n += n
		return
	}
	t.cells = slices.Insert(t.cells, i, cellOf{at, n})
}

// track counts calls for a name, if this grouping was asked for.
func (s *Summing) track(by Grouping, name string, at int, n int64) {
	if s.q.Group != by || by == GroupHost && name == OtherHost {
		return
	}
	if s.tracks == nil {
		s.tracks = map[string]*track{}
	}
	t := s.tracks[name]
	if t == nil {
		t = &track{}
		s.tracks[name] = t
	}
	t.add(at, n)
}

// Groups splits the calls of points by what the rows added so far say: the names with the most calls, and the rest. In each point the groups
// add up to its calls, or to its refused calls by [GroupReason]: where rows were read after the points and have more calls by then, the later
// groups have fewer.
func (s *Summing) Groups(points []Point) []Group {
	if s.q.Group == 0 {
		return nil
	}
	left := make([]int64, len(points))
	for i, p := range points {
		left[i] = p.Requests
		if s.q.Group == GroupReason {
			left[i] = p.Refused
		}
	}
	names := make([]string, 0, len(s.tracks))
	for name := range s.tracks {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(s.tracks[b].sum, s.tracks[a].sum), cmp.Compare(a, b))
	})
	groups := make([]Group, 0, ShownGroups+1)
	for _, name := range names[:min(len(names), ShownGroups)] {
		g := Group{Name: name, Series: make([]int64, len(points))}
		for _, c := range s.tracks[name].cells {
			if c.at < len(points) {
				n := min(c.n, left[c.at])
				g.Series[c.at], left[c.at], g.Calls = n, left[c.at]-n, g.Calls+n
			}
		}
		groups = append(groups, g)
	}
	rest := Group{Rest: true, Series: left}
	for _, n := range left {
		rest.Calls += n
	}
	if rest.Calls > 0 {
		groups = append(groups, rest)
	}
	return groups
}

// trackCall counts a call by its key, product or reason.
func (s *Summing) trackCall(at int, r Row, code authz.Code, n int64) {
	s.track(GroupProduct, string(r.Product), at, n)
	if r.Key != "" {
		s.track(GroupKey, string(r.Key), at, n)
	}
	if code != authz.Allowed {
		s.track(GroupReason, string(code), at, n)
	}
}
