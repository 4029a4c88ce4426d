package apikey

import (
	"time"

	"latchkey/shared/product"
)

// Limit is a limit of this key's own for one limit class, in calls a second.
type Limit struct {
	Class product.Class
	QPS   int
	// EndsAt, if set, is when Then (or the catalogue's default, if Then is 0) comes back.
	EndsAt time.Time
	Then   int
	// What an operator last granted for good, and until EndsAt; 0 for nothing. The customer may go back up to it.
	Granted, Lent int
}

// OwnLimit finds a key's own limit of a class; the zero Limit, which is the catalogue's default, if it has none.
func OwnLimit(limits []Limit, class product.Class) Limit {
	for i := range limits {
		if limits[i].Class == class {
			return limits[i]
		}
	}
	return Limit{}
}

// At returns the calls a second that the limit grants at a time; 0 means the catalogue's default. The end itself is
// over. A number below 0, which no code writes, is no limit of the key's own.
func (l Limit) At(now time.Time) int {
	if l.Ended(now) {
		return max(l.Then, 0)
	}
	return max(l.QPS, 0)
}

// Free returns the calls a second up to which the customer may set the limit without asking: what holds, what was last
// granted, and the catalogue's default. It is never less than what holds.
func (l Limit) Free(catalogueDefault int, now time.Time) int {
	most := max(catalogueDefault, l.Granted, l.At(now))
	if !l.EndsAt.IsZero() {
		most = max(most, l.Then)
		if !l.Ended(now) {
			most = max(most, l.Lent)
		}
	}
	return most
}

// Ended reports whether the limit had an end and it has come.
func (l Limit) Ended(now time.Time) bool { return !l.EndsAt.IsZero() && !now.Before(l.EndsAt) }
