package usage

import (
	"maps"
	"slices"
	"strings"

	"latchkey/shared/authz"
)

// passes reports whether an outcome shows that the key lets calls from the origin through: the call was allowed, or was
// over a limit, which is the last check.
func passes(code authz.Code) bool {
	class := code.Class()
	return class == authz.ClassPass || class == authz.ClassLimit
}

// hostBudget counts the hosts of one kind in an hour, or in a key's counters, and their bytes.
type hostBudget struct{ hosts, bytes int }

// hostBudgets are those of the hosts that pass and of the others. A host that is refused first and passes later moves.
type hostBudgets struct{ passing, refused hostBudget }

// of returns the budget of a kind of hosts, its bounds, and the name for what it has no room for.
func (b *hostBudgets) of(passing bool) (budget *hostBudget, hosts, bytes int, rest string) {
	if passing {
		return &b.passing, MaxHosts, maxHostBytes, OtherHost
	}
	return &b.refused, MaxRefusedHosts, maxRefusedBytes, OtherRefused
}

// namedHost is a host with a name of its own in the counts.
type namedHost struct {
	name    string
	passing bool
	bytes   int // of its outcomes, about, as an item has them
}

// add finds room for another outcome of a host, of size bytes, and takes it. h is the host as it is known, the zero
// value if it isn't.
func (b *hostBudgets) add(h *namedHost, passing bool, size int) bool {
	known := h.name != ""
	moves := known && passing && !h.passing
	budget, hosts, bytes, _ := b.of(passing || h.passing)
	needed := size
	if moves {
		needed += h.bytes
	}
	if (!known || moves) && budget.hosts >= hosts || budget.bytes+needed > bytes {
		return false
	}
	if moves {
		b.refused.hosts--
		b.refused.bytes -= h.bytes
	}
	if !known || moves {
		budget.hosts++
	}
	budget.bytes += needed
	h.passing = h.passing || passing
	h.bytes += size
	return true
}

// countHost counts under the host's own name while there is room for it. What has its own name keeps it: each count
// only grows.
func (t *Tally) countHost(in *cell, host string, code authz.Code) {
	if host == "" {
		in.hosts[hostKey{NoHost, code}]++
		return
	}
	h := in.named[host]
	if h != nil {
		if k := (hostKey{h.name, code}); in.hosts[k] > 0 {
			in.hosts[k]++
			return
		}
	}
	passing := passes(code)
	size := len(host) + len(code) + len("o::") + bytesPerNumber
	if h == nil {
		_, _, _, rest := in.budgets.of(passing)
		h = &namedHost{}
		if len(host) > maxHost || t.nameBytes+len(host) > maxNameBytes || !in.budgets.add(h, passing, size) {
			in.hosts[hostKey{rest, code}]++
			return
		}
		h.name = strings.Clone(host)
		in.named[h.name] = h
		t.nameBytes += len(host)
	} else if !in.budgets.add(h, passing, size) {
		_, _, _, rest := in.budgets.of(passing || h.passing)
		in.hosts[hostKey{rest, code}]++
		return
	}
	in.hosts[hostKey{h.name, code}] = 1
}

// AddKey is Add for the counters of one key, which are bounded: the hosts that come first keep their own counts, those
// that pass before those that don't, what comes later goes together, and of proposals the newest stay. It changes c.
func (c Counts) AddKey(growth Counts) Counts {
	room := roomIn(c)
	bounded := maps.Clone(growth)
	for _, passing := range []bool{true, false} {
		for _, d := range slices.Sorted(maps.Keys(growth)) {
			host, code, ok := d.host()
			if !ok || passes(authz.Code(code)) != passing {
				continue
			}
			if rest, fits := room.takes(c, d, host, passing); !fits {
				bounded[fromHost(rest, authz.Code(code))] += growth[d]
				delete(bounded, d)
			}
		}
	}
	return c.Add(bounded).newestProposals()
}

// hostRoom is the room that the hosts in a key's counters take.
type hostRoom struct {
	known   map[string]*namedHost
	budgets hostBudgets
}

func isRest(host string) bool { return host == NoHost || host == OtherHost || host == OtherRefused }

// roomIn reads the room that is taken. Counters of before may have more refused hosts than there is room for now.
func roomIn(c Counts) *hostRoom {
	r := &hostRoom{known: map[string]*namedHost{}}
	for d := range c {
		host, code, ok := d.host()
		if !ok || isRest(host) {
			continue
		}
		h := r.known[host]
		if h == nil {
			h = &namedHost{name: host}
			r.known[host] = h
		}
		h.passing = h.passing || passes(authz.Code(code))
		h.bytes += d.size()
	}
	for _, h := range r.known {
		budget, _, _, _ := r.budgets.of(h.passing)
		budget.hosts++
		budget.bytes += h.bytes
	}
	return r
}

// takes reports whether c has a host's outcome, or room for it, which is then taken; if not, rest is where it counts.
func (r *hostRoom) takes(c Counts, d Dimension, host string, passing bool) (rest string, fits bool) {
	if _, counted := c[d]; counted || isRest(host) {
		return "", true
	}
	h := r.known[host]
	if h == nil {
		h = &namedHost{}
	}
	if !r.budgets.add(h, passing, d.size()) {
		_, _, _, rest = r.budgets.of(passing || h.passing)
		return rest, false
	}
	h.name = host
	r.known[host] = h
	return "", true
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
