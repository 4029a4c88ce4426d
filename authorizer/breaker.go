package main

import (
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
)

// How long a failing store is left alone. Both pauses double with each failure in a row. The largest must stay well
// below the 10 s within which an environment that can read the store again obeys a change. The pause of one record is
// longer than the breaker's, so that a record which alone can't be read doesn't take every probe from the others.
const (
	firstPause      = 250 * time.Millisecond
	longestPause    = 2 * time.Second
	longestOwnPause = 4 * time.Second
	maxFailing      = 64               // records remembered as failing
	failingFor      = 10 * time.Second // for so long: an older failure says nothing about the store of now
)

// record names what is read of the store: the record of a secret, or of an account.
type record struct {
	hash    apikey.Hash
	account account.ID
}

// breaker decides whether the store is asked at all. A failure makes the record that failed wait; while two records fail,
// all wait. Then one call probes, and its success closes the breaker.
type breaker struct {
	failing  map[record]failure
	open     bool
	openedAt moment
	pause    time.Duration
	rest     time.Duration // pause, shortened at random, so that environments don't probe in step
	shorten  func(time.Duration) time.Duration
}

type failure struct {
	at    moment
	pause time.Duration
	rest  time.Duration // pause, shortened at random like the breaker's
}

func newBreaker(shorten func(time.Duration) time.Duration) *breaker {
	return &breaker{failing: map[record]failure{}, shorten: shorten}
}

// allows reports whether a call may ask the store for a record now.
func (b *breaker) allows(of record, now moment) bool {
	if b.open && now.since(b.openedAt) < b.rest {
		return false
	}
	if len(b.failing) == 0 {
		return true
	}
	f, ok := b.failing[of]
	return !ok || now.since(f.at) >= f.rest
}

// succeeded closes the breaker: the store answered.
func (b *breaker) succeeded(of record) {
	if b.open {
		clear(b.failing)
		b.open, b.pause = false, 0
		return
	}
	delete(b.failing, of)
}

// failed notes that a read failed on a fresh connection too.
func (b *breaker) failed(of record, now moment) {
	for other, f := range b.failing {
		if now.since(f.at) > failingFor {
			delete(b.failing, other)
		}
	}
	f, again := b.failing[of]
	if !again && len(b.failing) >= maxFailing {
		clear(b.failing) // by now the breaker is open, and says the same for all of them
	}
	f.at, f.pause = now, min(max(2*f.pause, firstPause), longestOwnPause)
	f.rest = b.shorten(f.pause)
	b.failing[of] = f
	if !b.open && len(b.failing) < 2 {
		return
	}
	b.open, b.openedAt = true, now
	b.pause = min(max(2*b.pause, firstPause), longestPause)
	b.rest = b.shorten(b.pause)
}
