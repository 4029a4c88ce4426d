// Package breaker spares a table of limits that fails. A failure rests the limit that failed, since one item alone may be
// throttled; the failures of two limits without a success between them rest all. A limit that fails again and again rests
// longer than all do, so that its own asks leave time for another limit's, whose success ends the rest of all.
package breaker

import "time"

const (
	// Pause is the rest after a failure, of the limit that failed and of all. The rest of all is never longer.
	Pause = time.Second
	// longest is the rest of a limit that failed three times in a row or more. Each rest before is half of the next.
	longest = 4 * Pause
)

// Limit is the breaker's state of one limit. Its zero value is one that hasn't failed.
type Limit struct {
	rest  time.Duration // after its last failure; 0: it has succeeded since
	until time.Duration // by the monotonic clock
}

// Breaker is the state of all limits, which have names. Its zero value lets all be asked for.
type Breaker[Name comparable] struct {
	failing Name // the limit that failed last; the zero Name after a success
	all     bool
	until   time.Duration // of the rest of all
}

// Open reports whether a limit isn't to be asked for now.
func (b *Breaker[Name]) Open(l *Limit, now time.Duration) bool {
	return l.rest > 0 && now < l.until || b.All(now)
}

// All reports whether no limit is to be asked for now.
func (b *Breaker[Name]) All(now time.Duration) bool { return b.all && now < b.until }

// Fail notes that an ask for a limit failed.
func (b *Breaker[Name]) Fail(name Name, l *Limit, now time.Duration) {
	l.rest = min(max(2*l.rest, Pause), longest)
	l.until = now + l.rest
	var none Name
	b.all = b.all || b.failing != none && b.failing != name
	b.failing, b.until = name, now+Pause
}

// Succeed notes that an ask for a limit was answered.
func (b *Breaker[Name]) Succeed(l *Limit) {
	*l, *b = Limit{}, Breaker[Name]{}
}
