package usage

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/product"
)

// Subject is a key and a product: its calls are counted together. Product is empty for a path that belongs to none.
type Subject struct {
	Account account.ID
	Key     apikey.ID
	Product product.ID
}

// Counts are the numbers of one subject and hour. Nil is none.
type Counts map[Dimension]int64

// Merge keeps the larger value of each dimension: two reports of one environment, in any order.
func (c Counts) Merge(other Counts) Counts {
	if c == nil {
		c = Counts{}
	}
	for d, n := range other {
		if n > c[d] {
			c[d] = n
		}
	}
	return c
}

// Growth returns the increase of the sum over all environments when other is merged into c.
func (c Counts) Growth(other Counts) Counts {
	var grown Counts
	for d, n := range other {
		if n <= c[d] {
			continue
		}
		if grown == nil {
			grown = Counts{}
		}
		if kind, _ := d.parts(); kind != lastUses {
			n -= c[d]
		}
		grown[d] = n
	}
	return grown
}

// Add puts growth on top of c, which is a sum over environments. It changes c. Of billed calls it isn't a sum kind by kind: see addBilled.
func (c Counts) Add(growth Counts) Counts {
	if c == nil {
		c = Counts{}
	}
	var kinds []Dimension
	for d, n := range growth {
		switch kind, _ := d.parts(); {
		case kind == lastUses:
			c[d] = max(c[d], n)
		case kind == billedCalls && c[d] == 0:
			kinds = append(kinds, d)
		default:
			c[d] += n
		}
	}
	if len(kinds) > 0 {
		c.addBilled(kinds, growth)
	}
	return c
}

// newestProposals forgets the proposals before the newest ones: only the present one is ever shown. What one
// environment has contributed and the sums may both forget: the sums know of every proposal that an environment
// knows of, so what either forgets can't come back into the sums.
func (c Counts) newestProposals() Counts {
	var since []int64
	for d := range c {
		if at := d.since(); at > 0 && !slices.Contains(since, at) {
			since = append(since, at)
		}
	}
	if len(since) <= maxProposals {
		return c
	}
	slices.Sort(since)
	oldest := since[len(since)-maxProposals]
	maps.DeleteFunc(c, func(d Dimension, _ int64) bool { at := d.since(); return at > 0 && at < oldest })
	return c
}

// newestSecrets forgets the secrets that were used longest ago.
func (c Counts) newestSecrets() Counts {
	if len(c) <= maxSecrets {
		return c
	}
	refused, ok := c[lastUsed(RefusedTag)] // has a place of its own
	delete(c, lastUsed(RefusedTag))
	byAge := slices.SortedFunc(maps.Keys(c), func(a, b Dimension) int { return cmp.Or(cmp.Compare(c[b], c[a]), cmp.Compare(a, b)) })
	for _, d := range byAge[min(maxSecrets, len(byAge)):] {
		delete(c, d)
	}
	if ok {
		c[lastUsed(RefusedTag)] = refused
	}
	return c
}

// summed keeps the counts that add up over environments.
func (c Counts) summed() Counts { return c.only(outcomes, minutes, hosts, proposals, billedCalls) }

// used is the rest: the minutes in which secrets were last used.
func (c Counts) used() Counts { return c.only(lastUses) }

// ForAccount keeps the outcomes, minutes and billed calls. Hosts and proposals are counted for keys only.
func (c Counts) ForAccount() Counts { return c.only(outcomes, minutes, billedCalls) }

// ForDay drops the per-minute counts, which days don't keep.
func (c Counts) ForDay() Counts { return c.only(outcomes, hosts, proposals, billedCalls) }

func (c Counts) only(sets ...byte) Counts {
	out := Counts{}
	for d, n := range c {
		if kind, _ := d.parts(); slices.Contains(sets, kind) {
			out[d] = n
		}
	}
	return out
}

// LastUsed finds the minute of last use of each secret, by HashTag.
func (c Counts) LastUsed() map[string]time.Time {
	out := map[string]time.Time{}
	for d, n := range c {
		if kind, tag := d.parts(); kind == lastUses {
			out[tag] = time.Unix(n*60, 0).UTC()
		}
	}
	return out
}

// size is about how many bytes a number takes in an item, with its name; rather more than less.
func (d Dimension) size() int { return len(d) + bytesPerNumber }

func (c Counts) size() int {
	n := 0
	for d := range c {
		n += d.size()
	}
	return n
}
