// Package breaker spares a table of limits that fails. A failure rests the limit that failed, since one item alone may be
// throttled; the failures of two limits without a success between them rest all, unless more than ten seconds
// are between them. A limit that fails again and again rests
// longer than all do, so that its own asks leave time for another limit's, whose success ends the rest of all.
// Rests end by the monotonic clock; what is long ago is so by either clock, since that one may stand still in a freeze.
package breaker

import (
	"errors"
	"time"

	"latchkey/shared/limiter/internal/clock"
)

const (
	// Pause is the rest after a failure, of the limit that failed and of all. The rest of all is never longer.
	Pause = time.Second
	// longest is the rest of a limit that failed three times in a row or more. Each rest before is half of the next.
	longest = 4 * Pause
	// failingFor is the age from which a failure is forgotten: it says nothing about the table of now.
	failingFor = 10 * time.Second
)

// ErrNotAsked is the error of an ask that wasn't made, since the call has no time left for it. It says nothing about the
// limit's item.
var ErrNotAsked = errors.New("limiter: the store wasn't asked")

// Limit is the breaker's state of one limit. Its zero value is one that hasn't failed.
type Limit struct {
	rest   time.Duration // after its last failure; 0: it has succeeded since
	until  time.Duration // by the monotonic clock
	failed clock.Now     // last
}

// Breaker is the state of all limits, which have names. Its zero value lets all be asked for.
type Breaker[Name comparable] struct {
	failing Name // the limit that failed last; the zero Name after a success
	all     bool
	until   time.Duration // of the rest of all
	failed  clock.Now     // a limit, last
}

// Open reports whether a limit isn't to be asked for now.
func (b *Breaker[Name]) Open(l *Limit, now time.Duration) bool {
	return l.rest > 0 && now < l.until || b.All(now)
}

// All reports whether no limit is to be asked for now.
func (b *Breaker[Name]) All(now time.Duration) bool { return b.all && now < b.until }

// Note notes what came of an ask for a limit. One that wasn't made changes nothing.
func (b *Breaker[Name]) Note(name Name, l *Limit, err error, now clock.Now) {
	switch {
	case err == nil:
		*l, *b = Limit{}, Breaker[Name]{}
	case !errors.Is(err, ErrNotAsked):
		b.fail(name, l, now)
	}
}

func (b *Breaker[Name]) fail(name Name, l *Limit, now clock.Now) {
	if now.Since(l.failed) > failingFor {
		*l = Limit{}
	}
	if now.Since(b.failed) > failingFor {
		*b = Breaker[Name]{}
	}
	l.rest = min(max(2*l.rest, Pause), longest)
	l.until, l.failed = now.Mono+l.rest, now
	var none Name
	b.all = b.all || b.failing != none && b.failing != name
	b.failing, b.until, b.failed = name, now.Mono+Pause, now
}
