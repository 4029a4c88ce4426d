package quota

import (
	"slices"

	"latchkey/shared/limiter"
)

// looks is the number of limits that Due looks at: it is asked after every call.
const looks = 16

// Due gives a correction that no call waits for: tokens of a limit that isn't called for any more, or what is left to
// count of a period that is over. The limiter has forgotten what it gives: what came of it is told by [Limiter.Corrected].
func (l *Limiter) Due(now limiter.Now) (Ask, bool) {
	l.at = now
	if l.breaker.All(now.Mono) {
		return Ask{}, false
	}
	if len(l.waiting) == 0 {
		for range looks {
			if s := l.states.walk(); s != nil && s.tokens > 0 && elapsed(s.used, now) > idleFor {
				l.giveBack(s)
			}
		}
	}
	if len(l.waiting) == 0 {
		return Ask{}, false
	}
	ask := l.waiting[0]
	l.waiting = slices.Delete(l.waiting, 0, 1)
	return ask, true
}

// Corrected takes what came of a correction.
func (l *Limiter) Corrected(ask Ask, seen Seen, err error) {
	if again, unfinished := l.corrected(ask, seen, err); unfinished {
		l.wait(again)
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
		l.wait(s.settle)
		s.settle = Ask{}
	}
	if debt := s.uncounted(); debt.N != 0 {
		s.debt = 0
		l.wait(l.stamped(debt))
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
	l.wait(l.stamped(back))
}

// wait keeps a correction until somebody asks for it. Where too many wait, tokens are lost first: what was admitted must be
// counted.
func (l *Limiter) wait(ask Ask) {
	if len(l.waiting) >= maxWaiting {
		i := slices.IndexFunc(l.waiting, func(a Ask) bool { return a.N < 0 })
		if i < 0 {
			return
		}
		l.waiting = slices.Delete(l.waiting, i, i+1)
	}
	l.waiting = append(l.waiting, ask)
}

// InHand is the number of calls that may still be admitted of a limit in the period of now without asking.
func (l *Limiter) InHand(name Name, now limiter.Now) int64 {
	if s := l.states.peek(name); s != nil && s.day == dayOf(now) {
		return s.tokens
	}
	return 0
}
