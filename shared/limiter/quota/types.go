package quota

import (
	"context"
	"time"

	"latchkey/shared/limiter/internal/breaker"
	"latchkey/shared/moment"
)

// Name names a limit: whose calls, and of which classes.
type Name struct {
	Scope string // a key's ID, or an account's
	Type  string // of an account, the billing type of the keys whose calls count together; "" of a key
	Group string // of classes
}

// Limit is a bound on the calls of a UTC day, of a UTC month, or of both.
type Limit struct {
	Name
	Day, Month int64 // 0: none
}

// Period is a kind of period.
type Period uint8

// The periods. The zero Period is none.
const (
	Day Period = iota + 1
	Month
)

// Store is the table of quotas, shared by all environments.
type Store interface {
	// Write performs the ask and returns the sums as they were before. A failed condition is no error. After an error the
	// write may have happened, now or later, once or twice.
	Write(ctx context.Context, ask Ask) (Seen, error)
}

// Ask is a write to the item of a limit and a month: it adds N to the sums of Date and of its month.
type Ask struct {
	Name
	Date time.Time // 0:00 UTC of the day in which the calls count
	N    int64
	// DayMost and MonthMost are the largest sums to which N may be added, if DayBound and MonthBound say that there is such a
	// bound. A sum that isn't there is 0.
	DayBound, MonthBound bool
	DayMost, MonthMost   int64
	// Stamp, if it isn't 0, makes the ask a correction: N, which may be negative, is added whatever the sums are, under the
	// condition that the item's slot of that number holds a smaller stamp or none. It then holds this one.
	Stamp int64
	Slot  int // below [Slots]

	rest   breaker.Limit // of a correction that waits: how its item has failed
	unsure bool          // a correction has failed once, and may be written
}

// Slots is the number of slots for stamps that an item has.
const Slots = 8

// Seen is an item as an ask found it.
type Seen struct {
	Applied    bool // the condition held and the write happened
	Day, Month int64
	Stamp      int64 // of a correction: what its slot held, 0 for none
}

// Made reports whether a correction is written, by this ask or by one before whose answer was lost.
func (s Seen) Made(ask Ask) bool { return s.Applied || s.Stamp == ask.Stamp }

// Result is the answer to a call.
type Result struct {
	Admit bool
	// Suspended says that an item that the call needs can't be written: the guarantee is suspended.
	Suspended bool

	// Of a refused call: the quota that ends last of those that are exhausted, its number, and when its period ends.
	Refused Limit
	Period  Period
	Number  int64
	Ends    time.Time
}

// RetryAfter is the wait, in whole seconds, after which a call is served again.
func (r Result) RetryAfter(now time.Time) int { return moment.WholeSeconds(r.Ends.Sub(now)) }

// The sizes of a lease, and the times.
const (
	// horizon is the time whose calls a lease is for. docs/decisions/quotas-held-by-leases.md says why it isn't 30 s.
	horizon = time.Minute
	// shares is the number of leases into which what is left is divided.
	shares = 64
	// idleFor is the time without a call after which a limit's tokens go back while the environment works for others.
	idleFor = 5 * time.Minute
	// maxTries bounds the writes of one limit for one call: by what was known, by what that showed, and for one token.
	maxTries = 3
	// maxWaiting bounds the corrections that wait to be written.
	maxWaiting = 256
)
