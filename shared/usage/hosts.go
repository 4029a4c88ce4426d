package usage

import (
	"cmp"
	"maps"
	"slices"

	"latchkey/shared/authz"
)

// passes reports whether an outcome shows that the key lets calls from the origin through: the call was allowed, or was
// over a limit, which is the last check.
func passes(code authz.Code) bool {
	class := code.Class()
	return class == authz.ClassPass || class == authz.ClassLimit
}

func isRest(host string) bool { return host == NoHost || host == OtherHost || host == OtherRefused }

// countHost counts the host of a call.
func (t *Tally) countHost(in *cell, host string, code authz.Code) {
	if host == "" {
		host = NoHost
	}
	if len(host) > maxHost || t.nameBytes+len(host) > maxNameBytes && in.hosts.named[host] == nil {
		host = OtherRefused
		if passes(code) {
			host = OtherHost
		}
	}
	t.nameBytes -= in.hosts.nameBytes
	in.hosts.add(host, code, 1)
	t.nameBytes += in.hosts.nameBytes
}

// AddKey is Add for the counters of one key, whose hosts are bounded as hostCounts says, and which keep the newest
// proposals only. It changes c. Of hosts it isn't a sum: a light one's count may go to OtherHost.
func (c Counts) AddKey(growth Counts) Counts {
	hc := c.hostCounts()
	grown := make([]Dimension, 0, len(growth))
	other := Counts{}
	for d, n := range growth {
		if _, _, ok := d.host(); ok {
			grown = append(grown, d)
		} else {
			other[d] = n
		}
	}
	if len(grown) > 0 {
		slices.SortFunc(grown, func(a, b Dimension) int { return cmp.Or(hc.order(growth, a, b), cmp.Compare(a, b)) })
		for _, d := range grown {
			host, code, _ := d.host()
			hc.add(host, authz.Code(code), growth[d])
		}
		maps.DeleteFunc(c, func(d Dimension, _ int64) bool { _, _, ok := d.host(); return ok })
	}
	c = c.Add(other)
	if len(grown) > 0 {
		hc.into(c)
	}
	return c.newestProposals()
}

// order puts what passes first, of that the hosts that are known, and then what has the most calls.
func (hc *hostCounts) order(growth Counts, a, b Dimension) int {
	rank := func(d Dimension) int {
		host, code, _ := d.host()
		switch {
		case !passes(authz.Code(code)):
			return 2
		case hc.named[host] == nil:
			return 1
		default:
			return 0
		}
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(growth[b], growth[a]))
}

// The hosts that are shown, and how many of those may be refused ones while others want their places.
const (
	shownMost    = 20
	shownRefused = 5
)

// shownHosts are the hosts with the most requests. Those of which every call was refused leave room for the others, so
// that a flood of made-up origins hides nobody here either.
func shownHosts(all []Share) []Share {
	refused := 0
	for _, s := range all {
		if s.refusedOnly() {
			refused++
		}
	}
	room := map[bool]int{true: min(refused, max(shownRefused, shownMost-(len(all)-refused)))}
	room[false] = shownMost - room[true]
	shown := []Share{}
	for _, s := range all {
		if kind := s.refusedOnly(); room[kind] > 0 {
			room[kind]--
			shown = append(shown, s)
		}
	}
	return shown
}

func (s *Share) refusedOnly() bool { return s.Allowed == 0 && s.Breaches == 0 }
