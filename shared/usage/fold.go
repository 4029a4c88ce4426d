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

// Kind tells the counter items apart.
type Kind byte

// The kinds of counter items.
const (
	Contributed  Kind = 'P' // what one environment has contributed to a subject and hour
	KeyHour      Kind = 'H'
	KeyDay       Kind = 'D'
	AccountHour  Kind = 'h'
	AccountDay   Kind = 'd'
	KeyLastUse   Kind = 'L' // when each secret of a key was last used
	CountedUntil Kind = 'F' // up to when an account's reports are counted
)

// Item names one item of the counters table. Fields that its kind doesn't use are zero, so that items can be compared.
type Item struct {
	Kind        Kind
	Account     account.ID
	Key         apikey.ID
	Product     product.ID
	Hour        Hour // the first hour of the day for days
	Environment string
}

// Stored is the content of a counter item. Version 0 means that it isn't there yet.
type Stored struct {
	Version int64
	Counts  Counts
	At      time.Time // only a CountedUntil item has it
}

// Expires returns the time from which an item of this place may be deleted; zero: never.
func (p Item) Expires() time.Time {
	switch p.Kind {
	case Contributed:
		return p.Hour.Start().Add(KeepContributions)
	case KeyHour, AccountHour:
		return p.Hour.Start().Add(KeepHours)
	case KeyDay, AccountDay:
		return p.Hour.Start().Add(KeepDays)
	default:
		return time.Time{}
	}
}

// ContributedBy is the place of what an environment has contributed to a subject and hour.
func ContributedBy(environment string, s Subject, h Hour) Item {
	return Item{Kind: Contributed, Account: s.Account, Key: s.Key, Product: s.Product, Hour: h, Environment: environment}
}

// items are the items that a contribution can change.
func (c Contribution) items() [6]Item {
	s, day := c.Subject, Hour(c.Hour.Day()*24)
	return [...]Item{
		ContributedBy(c.Environment, s, c.Hour),
		{Kind: KeyHour, Account: s.Account, Key: s.Key, Product: s.Product, Hour: c.Hour},
		{Kind: KeyDay, Account: s.Account, Key: s.Key, Product: s.Product, Hour: day},
		{Kind: AccountHour, Account: s.Account, Product: s.Product, Hour: c.Hour},
		{Kind: AccountDay, Account: s.Account, Product: s.Product, Hour: day},
		{Kind: KeyLastUse, Account: s.Account, Key: s.Key},
	}
}

// Batch is the content of one transaction.
type Batch struct {
	Contributions []Contribution
	// Fresh is the time of the newest report of each account that has nothing to count in later batches.
	Fresh map[account.ID]time.Time
}

// Items lists the items that a batch can change, each once.
func (b Batch) Items() []Item {
	seen := map[Item]bool{}
	for _, c := range b.Contributions {
		for _, p := range c.items() {
			seen[p] = true
		}
	}
	for a := range b.Fresh {
		seen[Item{Kind: CountedUntil, Account: a}] = true
	}
	return slices.Collect(maps.Keys(seen))
}

// Halves splits a batch of two contributions or more, to find the one that can't be counted.
func (b Batch) Halves() (first, second Batch) {
	n := len(b.Contributions) / 2
	return Batch{Contributions: b.Contributions[:n]}, Batch{Contributions: b.Contributions[n:], Fresh: b.Fresh}
}

// Batches splits contributions so that each batch changes at most limit items, which is what one transaction holds.
// Contributions to the same items stay together as far as that allows. Each batch can be folded by itself. newest is
// the time of the newest report of each account.
func Batches(contributions []Contribution, newest map[account.ID]time.Time, limit int) []Batch {
	ordered := slices.Clone(contributions)
	slices.SortStableFunc(ordered, func(a, b Contribution) int {
		return cmp.Or(
			cmp.Compare(a.Subject.Account, b.Subject.Account), cmp.Compare(a.Hour, b.Hour),
			cmp.Compare(a.Subject.Key, b.Subject.Key), cmp.Compare(a.Subject.Product, b.Subject.Product),
			cmp.Compare(a.Environment, b.Environment),
		)
	})
	var batches []Batch
	taken := map[Item]bool{}
	for i, c := range ordered {
		acct := c.Subject.Account
		items := c.items()
		wanted := append(items[:], Item{Kind: CountedUntil, Account: acct})
		added := 0
		for _, p := range wanted {
			if !taken[p] {
				added++
			}
		}
		if len(batches) == 0 || len(taken)+added > limit {
			batches = append(batches, Batch{Fresh: map[account.ID]time.Time{}})
			clear(taken)
		}
		last := &batches[len(batches)-1]
		last.Contributions = append(last.Contributions, c)
		for _, p := range wanted {
			taken[p] = true
		}
		if at, ok := newest[acct]; ok && (i+1 == len(ordered) || ordered[i+1].Subject.Account != acct) {
			last.Fresh[acct] = at
		}
	}
	return batches
}

// Fold merges a batch into what is stored, and returns the items that change, each with the next version. All of them
// are to be written in one transaction, on condition that every item still has the version that was read: then what
// an environment has contributed and the sums always agree, and a repeated contribution adds nothing.
func Fold(stored map[Item]Stored, b Batch) map[Item]Stored {
	f := folding{stored: stored, changed: map[Item]Stored{}}
	for _, c := range b.Contributions {
		f.add(c)
	}
	for acct, at := range b.Fresh {
		p := Item{Kind: CountedUntil, Account: acct}
		if s := f.get(p); at.After(s.At) {
			s.At = at
			f.changed[p] = s
		}
	}
	for p, s := range f.changed {
		s.Version = stored[p].Version + 1
		f.changed[p] = s
	}
	return f.changed
}

type folding struct {
	stored  map[Item]Stored
	changed map[Item]Stored
}

// get returns an item with counts of its own: what was read stays as it was, for a second attempt.
func (f folding) get(p Item) Stored {
	if s, ok := f.changed[p]; ok {
		return s
	}
	s := f.stored[p]
	if s.Counts = maps.Clone(s.Counts); s.Counts == nil {
		s.Counts = Counts{}
	}
	return s
}

func (f folding) add(c Contribution) {
	items := c.items()
	contributed := f.get(items[0])
	growth := contributed.Counts.Growth(c.Counts.summed())
	if growth != nil {
		contributed.Counts = contributed.Counts.Merge(c.Counts.summed()).newestProposals()
		f.changed[items[0]] = contributed
	}
	for _, p := range items[1:] {
		s := f.get(p)
		switch {
		case p.Kind == KeyLastUse:
			used := s.Counts.Growth(c.Counts.used())
			if used == nil {
				continue
			}
			s.Counts = s.Counts.Add(used).newestSecrets()
		case growth == nil:
			continue
		case p.Kind == KeyHour:
			s.Counts = s.Counts.AddKey(growth)
		case p.Kind == KeyDay:
			s.Counts = s.Counts.AddKey(growth.ForDay())
		case p.Kind == AccountHour:
			s.Counts = s.Counts.Add(growth.ForAccount())
		case p.Kind == AccountDay:
			s.Counts = s.Counts.Add(growth.ForAccount().ForDay())
		}
		f.changed[p] = s
	}
}
