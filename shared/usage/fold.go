package usage

import (
	"cmp"
	"hash/fnv"
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
	Parts       Kind = 'P' // what each environment of a shard has contributed to a subject and hour
	KeyHour     Kind = 'H'
	KeyDay      Kind = 'D'
	AccountHour Kind = 'h'
	AccountDay  Kind = 'd'
	KeyLast     Kind = 'L' // when each secret of a key was last used
	Fresh       Kind = 'F' // up to when an account's reports are counted
)

// Shards spreads the environments of a subject and hour over items: 10,000 of them make about 40 an item.
const Shards = 256

// Place names one counter item. Fields that its kind doesn't use are zero, so that places can be compared.
type Place struct {
	Kind    Kind
	Account account.ID
	Key     apikey.ID
	Product product.ID
	Hour    Hour // the first hour of the day for days
	Shard   int
}

// Stored is the content of a counter item. Version 0 means that it isn't there yet.
type Stored struct {
	Version int64
	Counts  Counts
	Parts   map[string]Counts // by environment; only Parts items have them
	At      time.Time         // only Fresh items have it
}

// Expires is when an item of this place may be forgotten; zero: never.
func (p Place) Expires() time.Time {
	switch p.Kind {
	case Parts:
		return p.Hour.Start().Add(KeepParts)
	case KeyHour, AccountHour:
		return p.Hour.Start().Add(KeepHours)
	case KeyDay, AccountDay:
		return p.Hour.Start().Add(KeepDays)
	default:
		return time.Time{}
	}
}

func shard(environment string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(environment))
	return int(h.Sum32() % Shards)
}

// PlacesOf lists the items that a contribution changes.
func PlacesOf(c Contribution) []Place {
	s, day := c.Subject, Hour(c.Hour.Day()*24)
	return []Place{
		{Kind: Parts, Key: s.Key, Product: s.Product, Hour: c.Hour, Shard: shard(c.Environment)},
		{Kind: KeyHour, Account: s.Account, Key: s.Key, Product: s.Product, Hour: c.Hour},
		{Kind: KeyDay, Account: s.Account, Key: s.Key, Product: s.Product, Hour: day},
		{Kind: AccountHour, Account: s.Account, Product: s.Product, Hour: c.Hour},
		{Kind: AccountDay, Account: s.Account, Product: s.Product, Hour: day},
		{Kind: KeyLast, Account: s.Account, Key: s.Key},
		{Kind: Fresh, Account: s.Account},
	}
}

// Batches splits contributions so that each batch changes at most limit items, which is what one transaction holds.
// Contributions to the same items stay together as far as that allows. Each batch can be folded by itself.
func Batches(contributions []Contribution, limit int) [][]Contribution {
	ordered := slices.Clone(contributions)
	slices.SortStableFunc(ordered, func(a, b Contribution) int {
		return cmp.Or(
			cmp.Compare(a.Subject.Account, b.Subject.Account), cmp.Compare(a.Hour, b.Hour),
			cmp.Compare(a.Subject.Key, b.Subject.Key), cmp.Compare(a.Subject.Product, b.Subject.Product),
			cmp.Compare(shard(a.Environment), shard(b.Environment)), cmp.Compare(a.Environment, b.Environment),
		)
	})
	var batches [][]Contribution
	places := map[Place]bool{}
	for _, c := range ordered {
		added := 0
		for _, p := range PlacesOf(c) {
			if !places[p] {
				added++
			}
		}
		if len(batches) == 0 || len(places)+added > limit {
			batches = append(batches, nil)
			clear(places)
		}
		batches[len(batches)-1] = append(batches[len(batches)-1], c)
		for _, p := range PlacesOf(c) {
			places[p] = true
		}
	}
	return batches
}

// Fold merges contributions into what is stored, and returns the items that change, each with the next version. All of
// them are to be written in one transaction, on condition that every item still has the version that was read: then
// what an environment has contributed and the sums always agree, and a repeated contribution adds nothing. newest is
// the time of the newest report of each account.
func Fold(stored map[Place]Stored, contributions []Contribution, newest map[account.ID]time.Time) map[Place]Stored {
	f := folding{stored: stored, changed: map[Place]Stored{}}
	for _, c := range contributions {
		f.add(c)
	}
	for acct, at := range newest {
		p := Place{Kind: Fresh, Account: acct}
		if s := f.get(p); at.After(s.At) && f.touches(acct, contributions) {
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
	stored  map[Place]Stored
	changed map[Place]Stored
}

func (f folding) touches(acct account.ID, contributions []Contribution) bool {
	return slices.ContainsFunc(contributions, func(c Contribution) bool { return c.Subject.Account == acct })
}

// get returns an item with maps of its own: what was read stays as it was, for a second attempt.
func (f folding) get(p Place) Stored {
	if s, ok := f.changed[p]; ok {
		return s
	}
	s := f.stored[p]
	s.Counts = Counts{}.Merge(s.Counts)
	parts := make(map[string]Counts, len(s.Parts)+1)
	for env, c := range s.Parts {
		parts[env] = c
	}
	s.Parts = parts
	return s
}

func (f folding) add(c Contribution) {
	places := PlacesOf(c)
	parts := f.get(places[0])
	growth := parts.Parts[c.Environment].Growth(c.Counts)
	if growth == nil {
		return
	}
	parts.Parts[c.Environment] = Counts{}.Merge(parts.Parts[c.Environment]).Merge(c.Counts)
	f.changed[places[0]] = parts
	for _, p := range places[1:] {
		s := f.get(p)
		switch p.Kind {
		case KeyHour:
			s.Counts = s.Counts.AddKey(growth)
		case KeyDay:
			s.Counts = s.Counts.AddKey(growth.ForDay())
		case AccountHour:
			s.Counts = s.Counts.Add(growth.ForAccount())
		case AccountDay:
			s.Counts = s.Counts.Add(growth.ForAccount().ForDay())
		case KeyLast:
			s.Counts = s.Counts.Add(growth.only("l")).newestSecrets()
		default:
			continue
		}
		if len(s.Counts) > 0 {
			f.changed[p] = s
		}
	}
}

// maxSecrets bounds the secrets whose last use is remembered for a key.
const maxSecrets = 24

// newestSecrets forgets the secrets that were used longest ago.
func (c Counts) newestSecrets() Counts {
	if len(c) <= maxSecrets {
		return c
	}
	byAge := sorted(c)
	slices.SortStableFunc(byAge, func(a, b Dimension) int { return cmp.Compare(c[b], c[a]) })
	for _, d := range byAge[maxSecrets:] {
		delete(c, d)
	}
	return c
}
