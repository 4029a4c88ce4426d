package quota

import (
	"slices"

	"latchkey/shared/limiter"
	"latchkey/shared/limiter/internal/breaker"
)

// looks is the number of limits that Due looks at: it is asked after every call.
const looks = 16

// Due gives a correction that no call waits for: calls that were admitted while the item couldn't be written, be it for a period that is over or a
// quota that was lifted, or tokens of a limit that isn't called for any more. One whose item has failed rests, as calls of it do. What came of it is told
// by [Limiter.Corrected].
func (l *Limiter) Due(now limiter.Now) (Ask, bool) {
	l.at = now
	if l.breaker.All(now.Mono) {
		return Ask{}, false
	}
	for range min(len(l.waiting), looks) {
		l.cursor %= len(l.waiting)
		if !l.breaker.Open(l.rest(&l.waiting[l.cursor]), now.Mono) {
			return l.take(l.cursor), true
		}
		l.cursor++
	}
	known := len(l.waiting)
	for range looks {
		s := l.states.walk()
		switch {
		case s == nil:
		case s.tokens > 0: // so nothing is left to count
			if now.Since(s.used) > idleFor {
				l.giveBack(s)
			}
		case s.unsettled() && !l.breaker.Open(&s.breaker, now.Mono):
			return l.settlement(s)
		}
	}
	if i := len(l.waiting) - 1; i >= known && !l.breaker.Open(l.rest(&l.waiting[i]), now.Mono) {
		return l.take(i), true
	}
	return Ask{}, false
}

// take removes one that waits, or the oldest of its item: behind a younger one that is written, the slot refuses it, and nobody knows whether it was written before.
func (l *Limiter) take(i int) Ask { return l.remove(l.oldest(l.waiting[i].Name)) }

// oldest finds the oldest one of a name that waits, -1 for none.
func (l *Limiter) oldest(name Name) int {
	oldest := -1
	for i := range l.waiting {
		if l.waiting[i].Name == name && (oldest < 0 || l.waiting[i].Stamp < l.waiting[oldest].Stamp) {
			oldest = i
		}
	}
	return oldest
}

func (l *Limiter) remove(i int) Ask {
	ask := l.waiting[i]
	l.waiting = slices.Delete(l.waiting, i, i+1)
	return ask
}

// rest returns how a correction's item has failed. Calls of its limit know it, if there are any.
func (l *Limiter) rest(ask *Ask) *breaker.Limit {
	if s := l.states.peek(ask.Name); s != nil {
		return &s.breaker
	}
	return &ask.rest
}

// Corrected takes what came of a correction. One that wasn't asked for waits on.
func (l *Limiter) Corrected(ask Ask, seen Seen, err error) {
	l.breaker.Note(ask.Name, l.rest(&ask), err, l.at)
	for i := range l.waiting { // of another day
		if w := &l.waiting[i]; w.Name == ask.Name {
			w.rest = ask.rest
		}
	}
	l.again(ask, seen, err)
}

// again keeps what has to be asked again of a correction that no call needed: with the limit whose it is, else where it waited.
func (l *Limiter) again(ask Ask, seen Seen, err error) {
	next, unfinished := l.corrected(ask, seen, err)
	if s := l.states.peek(ask.Name); s != nil && s.settle.Stamp == ask.Stamp {
		s.settle = next
	} else if unfinished {
		l.wait(next)
	}
}

// mostLast bounds the corrections that Close sorts: more than there is time to write.
const mostLast = 256

// Close gives all corrections that are left, the largest first, and forgets what they are for. The environment ends.
func (l *Limiter) Close(now limiter.Now) []Ask {
	l.at = now
	l.states.each(func(s *state) { l.forgotten(s) })
	asks := l.waiting
	l.waiting = nil
	for i := range min(len(asks), mostLast) { // the library's sort would be the larger part of this package in the gate's binary
		largest := i
		for k := i + 1; k < len(asks); k++ {
			if size(asks[k]) > size(asks[largest]) {
				largest = k
			}
		}
		asks[i], asks[largest] = asks[largest], asks[i]
	}
	return asks
}

func size(a Ask) int64 { return max(a.N, -a.N) }

// forgotten saves what a state that is given up holds.
func (l *Limiter) forgotten(s *state) {
	if s.settle.Stamp != 0 {
		l.wait(s.settle.after(s))
		s.settle = Ask{}
	}
	if debt := s.uncounted(); debt.N != 0 {
		s.debt = 0
		l.wait(l.stamped(debt, s).after(s))
	}
	l.giveBack(s)
}

// giveBack forgets tokens, and then has them given back.
func (l *Limiter) giveBack(s *state) {
	if s.tokens <= 0 {
		return
	}
	back := Ask{Name: s.limit.Name, Date: s.date, N: -s.tokens}
	s.tokens = 0
	l.wait(l.stamped(back, s).after(s))
}

// wait keeps a correction until somebody asks for it. Where too many wait, one is lost: tokens before calls that were admitted,
// which must be counted, and of each the fewest.
func (l *Limiter) wait(ask Ask) {
	if len(l.waiting) < maxWaiting {
		l.waiting = append(l.waiting, ask)
		return
	}
	for i := range l.waiting {
		if lostBefore(&l.waiting[i], &ask) {
			ask, l.waiting[i] = l.waiting[i], ask
		}
	}
	l.Drop(ask)
}

func lostBefore(a, b *Ask) bool {
	if (a.N < 0) != (b.N < 0) {
		return a.N < 0
	}
	return size(*a) < size(*b)
}

// after rests a correction as its limit rests, which may be forgotten.
func (a Ask) after(s *state) Ask {
	a.rest = s.breaker
	return a
}

// Drop counts a correction that nobody makes any more. Where its answer is lost it may have been made.
func (l *Limiter) Drop(ask Ask) {
	l.dropped.Calls += max(0, ask.N)
	l.dropped.Tokens += max(0, -ask.N)
}

// Dropped counts calls and tokens of corrections that nobody makes.
type Dropped struct {
	Calls  int64 // that were admitted and may not be counted as taken
	Tokens int64 // that may not have gone back
}

// Dropped returns what was dropped since it was last asked for.
func (l *Limiter) Dropped() (d Dropped) {
	d, l.dropped = l.dropped, Dropped{}
	return d
}

// InHand is the number of calls that may still be admitted of a limit in the period of now without asking.
func (l *Limiter) InHand(name Name, now limiter.Now) int64 {
	if s := l.states.peek(name); s != nil && s.day == dayOf(now) {
		return s.tokens
	}
	return 0
}
