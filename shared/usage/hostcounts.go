package usage

import (
	"cmp"
	"slices"
	"strings"

	"latchkey/shared/authz"
)

// givingWay hosts give up a call for each call of a host that finds no place.
const givingWay = 8

// hostCounts are the calls by host, of an environment's hour or of a key's counters. Hosts that pass and hosts that are
// always refused have places of their own, so many and so many bytes of them.
//
// The places of hosts that pass can't be held by names that hardly call. Where a host finds none, it and the lightest
// hosts give up calls to OtherHost, one for one (Misra and Gries, "Finding repeated elements", 1982, whose summaries can
// be merged), until one of them has none left and goes. Each such step moves givingWay+1 calls out of the names and
// takes one of a host's at most. So of N calls a host loses N/(givingWay+1) at most, in the environments and in the fold
// together, whatever comes in whatever order: with more calls than that it has a name, and is among the busiest of them.
// All other hosts keep exact counts, and the total is always right.
type hostCounts struct {
	named            map[string]*namedHost
	latest           *namedHost        // of named, the one that counted last; nil: none
	rest             map[hostKey]int64 // under NoHost, OtherHost and OtherRefused
	passing, refused hostBudget
	nameBytes        int
}

// hostBudget counts the places and bytes that the hosts of one kind take.
type hostBudget struct{ hosts, bytes int }

// namedHost is a host with a name of its own in the counts. A host that is refused first and passes later moves.
type namedHost struct {
	name     string
	passing  bool
	reported bool // in a report that may be stored: its counts only grow
	bytes    int  // of its outcomes, about, as an item has them
	calls    int64
	outcomes []outcome
}

type outcome struct {
	code authz.Code
	n    int64
}

func newHostCounts() hostCounts {
	return hostCounts{named: map[string]*namedHost{}, rest: map[hostKey]int64{}}
}

// add counts calls of a host, under its own name if there is room.
func (hc *hostCounts) add(host string, code authz.Code, n int64) {
	h := hc.latest
	if h == nil || h.name != host {
		h = hc.named[host]
	}
	if h != nil && h.countAgain(code, n) {
		hc.latest = h
		return
	}
	if isRest(host) {
		hc.rest[hostKey{host, code}] += n
		return
	}
	if h == nil {
		h = &namedHost{name: host}
	}
	size := sizeOf(host, code)
	passing := passes(code) || h.passing
	if passes(code) {
		n = hc.makeRoom(h, code, n, size)
	}
	switch {
	case n == 0:
	case hc.fits(h, code, size):
		hc.take(h, code, n, size)
	case passing:
		hc.rest[hostKey{OtherHost, code}] += n
	default:
		hc.rest[hostKey{OtherRefused, code}] += n
	}
}

func (h *namedHost) countAgain(code authz.Code, n int64) bool {
	for i := range h.outcomes {
		if h.outcomes[i].code == code {
			h.outcomes[i].n += n
			h.calls += n
			return true
		}
	}
	return false
}

// fits reports whether there is room for another outcome of a host. What hosts that pass are refused besides has half
// of the bytes, so that it can't take the room of the hosts.
func (hc *hostCounts) fits(h *namedHost, code authz.Code, size int) bool {
	known := len(h.outcomes) > 0
	switch {
	case !passes(code) && !h.passing:
		return (known || hc.refused.hosts < MaxRefusedHosts) && hc.refused.bytes+size <= maxRefusedBytes
	case !passes(code):
		return hc.passing.bytes+size <= maxHostBytes/2
	case h.passing:
		return hc.passing.bytes+size <= maxHostBytes
	default:
		return hc.passing.hosts < MaxHosts && hc.passing.bytes+h.bytes+size <= maxHostBytes
	}
}

// take gives an outcome the room that fits has found.
func (hc *hostCounts) take(h *namedHost, code authz.Code, n int64, size int) {
	if len(h.outcomes) == 0 {
		h.name = strings.Clone(h.name)
		hc.named[h.name] = h
		hc.nameBytes += len(h.name)
	} else {
		hc.leave(h)
	}
	h.passing = h.passing || passes(code)
	h.bytes += size
	h.calls += n
	h.outcomes = append(h.outcomes, outcome{code, n})
	budget := hc.budget(h)
	budget.hosts++
	budget.bytes += h.bytes
}

func (hc *hostCounts) budget(h *namedHost) *hostBudget {
	if h.passing {
		return &hc.passing
	}
	return &hc.refused
}

func (hc *hostCounts) leave(h *namedHost) {
	budget := hc.budget(h)
	budget.hosts--
	budget.bytes -= h.bytes
}

// makeRoom lets the lightest hosts give way to n calls of a host that has no room, call for call, and returns how many
// calls are left when there is room; 0 if there never was.
func (hc *hostCounts) makeRoom(h *namedHost, code authz.Code, n int64, size int) int64 {
	for n > 0 && !hc.fits(h, code, size) {
		light := hc.lightest(h)
		if len(light) == 0 {
			break
		}
		each := min(n, light[0].calls)
		for _, l := range light {
			hc.giveUp(l, each)
		}
		hc.rest[hostKey{OtherHost, code}] += each
		n -= each
	}
	return n
}

// lightest finds the hosts with the fewest calls that may give way to h, the lightest first.
func (hc *hostCounts) lightest(h *namedHost) []*namedHost {
	found := make([]*namedHost, 0, givingWay+1)
	for _, l := range hc.named {
		if !l.passing || l.reported || l == h {
			continue
		}
		at, _ := slices.BinarySearchFunc(found, l, func(a, b *namedHost) int {
			return cmp.Or(cmp.Compare(a.calls, b.calls), cmp.Compare(a.name, b.name))
		})
		if at < givingWay {
			found = slices.Insert(found, at, l)[:min(len(found)+1, givingWay)]
		}
	}
	return found
}

// sizeOf is the size of the dimension.
func sizeOf(host string, code authz.Code) int {
	return len(host) + len(code) + len("o::") + bytesPerNumber
}

// giveUp moves n calls of a host under OtherHost, refused ones first: as long as it has a name, it is one that passes.
func (hc *hostCounts) giveUp(h *namedHost, n int64) {
	h.calls -= n
	for _, passing := range []bool{false, true} {
		for i := range h.outcomes {
			if o := &h.outcomes[i]; n > 0 && passes(o.code) == passing {
				moved := min(n, o.n)
				o.n -= moved
				n -= moved
				hc.rest[hostKey{OtherHost, o.code}] += moved
			}
		}
	}
	hc.leave(h)
	h.outcomes = slices.DeleteFunc(h.outcomes, func(o outcome) bool {
		if o.n == 0 {
			h.bytes -= sizeOf(h.name, o.code)
		}
		return o.n == 0
	})
	if h.calls <= 0 {
		delete(hc.named, h.name)
		if hc.latest == h {
			hc.latest = nil
		}
		hc.nameBytes -= len(h.name)
		return
	}
	budget := hc.budget(h)
	budget.hosts++
	budget.bytes += h.bytes
}

// crowded reports whether the names that have been reported, which can't give way any more, could take the room of others.
func (hc *hostCounts) crowded() bool {
	return hc.passing.hosts > MaxHosts/2 || hc.passing.bytes > maxHostBytes/4
}

// reported says that the counts are in a report.
func (hc *hostCounts) reported() {
	for _, h := range hc.named {
		h.reported = true
	}
}

func (hc *hostCounts) into(c Counts) {
	for name, h := range hc.named {
		for _, o := range h.outcomes {
			c[fromHost(name, o.code)] = o.n
		}
	}
	for k, n := range hc.rest {
		c[fromHost(k.host, k.code)] = n
	}
}

// hostCounts reads the hosts of a key's counters. Those of before may have more refused hosts than there is room for now.
func (c Counts) hostCounts() hostCounts {
	hc := newHostCounts()
	for d, n := range c {
		host, code, ok := d.host()
		if !ok {
			continue
		}
		if isRest(host) {
			hc.rest[hostKey{host, authz.Code(code)}] = n
			continue
		}
		h := hc.named[host]
		if h == nil {
			h = &namedHost{name: host}
			hc.named[host] = h
		}
		h.passing = h.passing || passes(authz.Code(code))
		h.bytes += d.size()
		h.calls += n
		h.outcomes = append(h.outcomes, outcome{authz.Code(code), n})
	}
	for _, h := range hc.named {
		slices.SortFunc(h.outcomes, func(a, b outcome) int { return cmp.Compare(a.code, b.code) })
		budget := hc.budget(h)
		budget.hosts++
		budget.bytes += h.bytes
	}
	return hc
}
