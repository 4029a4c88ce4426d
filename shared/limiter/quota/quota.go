package quota

import (
	"context"
	"errors"

	"latchkey/shared/limiter"
	"latchkey/shared/limiter/internal/breaker"
)

// Limiter is one environment's part of the quotas. It is for one call at a time, as in Lambda.
type Limiter struct {
	slot    int         // for corrections
	stamp   int64       // of the last one, by its own clock
	at      limiter.Now // the last reading
	states  *states
	waiting []Ask // corrections that no call waits for
	cursor  int   // of those, where Due goes on
	dropped Dropped
	breaker breaker.Breaker[Name]
	call    call
}

// call is the call at hand.
type call struct {
	limits []*state // that it counts under
	asked  *state   // last
	tries  int      // of that one
}

// New returns a limiter that remembers up to maxLimits limits. slot is any number of the environment's, drawn at random.
// Forgetting a limit costs a write, and tokens that go back.
func New(slot uint64, maxLimits int) *Limiter {
	return &Limiter{slot: int(slot % Slots), states: newStates(max(1, maxLimits))}
}

// Step tells the caller what to do next: answer the call with Result, or perform Ask and pass what came of it to
// [Limiter.Answer].
type Step struct {
	Done   bool
	Result Result
	Ask    Ask
}

// Exhausted reports whether memory knows that a call is refused, and why. It counts nothing and asks nothing, so that a
// call that can't pass need not ask for anything else first.
func (l *Limiter) Exhausted(limits []Limit, now limiter.Now) (Result, bool) {
	var refused Result
	today := dayOf(now)
	for i := range limits {
		s := l.states.peek(limits[i].Name)
		if s == nil || s.day != today || s.limit != limits[i] {
			continue
		}
		refused.later(s)
	}
	return refused, refused.Period != 0
}

// later makes r the refusal by s if that one is exhausted and ends later.
func (r *Result) later(s *state) {
	if p := s.exhausted(); p != 0 {
		if other := s.refusal(p); r.Period == 0 || other.Ends.After(r.Ends) {
			*r = other
		}
	}
}

// Decide begins the decision on one call, which counts under each of the limits, in the period of now. They are asked in
// their order.
func (l *Limiter) Decide(limits []Limit, now limiter.Now) Step {
	l.call, l.at = call{limits: l.call.limits[:0]}, now
	today := dayOf(now)
	for i := range limits {
		if limits[i].Day <= 0 && limits[i].Month <= 0 {
			continue
		}
		s := l.states.get(limits[i].Name, l.forgotten)
		if s.day != today {
			s.tokens = 0 // what they were taken for is over, or hasn't begun
			l.forgotten(s)
		}
		s.enter(limits[i], today, now)
		s.passed = false
		l.call.limits = append(l.call.limits, s)
	}
	return l.next(now)
}

// next decides from memory, or says what to ask.
func (l *Limiter) next(now limiter.Now) Step {
	var refused Result
	for _, s := range l.call.limits {
		refused.later(s)
	}
	if refused.Period != 0 {
		return Step{Done: true, Result: refused}
	}
	for _, s := range l.call.limits {
		if s.tokens > 0 {
			continue
		}
		if s.passed || l.breaker.Open(&s.breaker, now.Mono) {
			if p := s.reached(); p != 0 { // a lower number holds too, though its item can't be asked
				return Step{Done: true, Result: s.refusal(p)}
			}
			continue
		}
		if l.call.asked != s {
			l.call.asked, l.call.tries = s, 0
		}
		if ask, ok := l.settlement(s); ok {
			return Step{Ask: ask}
		}
		if l.call.tries >= maxTries { // others took what was seen to be left, each time
			return Step{Done: true, Result: s.refusal(s.tightest())}
		}
		ask := s.ask(l.call.tries, now)
		l.call.tries++
		return Step{Ask: ask}
	}
	return l.admit()
}

// tightest is the period of which less is left.
func (s *state) tightest() Period {
	if s.limit.Month > 0 && (s.limit.Day <= 0 || s.limit.Month-s.monthTaken <= s.limit.Day-s.dayTaken) {
		return Month
	}
	return Day
}

// admit uses a token of each limit. One that can't be asked counts it later.
func (l *Limiter) admit() Step {
	r := Result{Admit: true}
	for _, s := range l.call.limits {
		if s.tokens > 0 {
			s.tokens--
			continue
		}
		s.debt++
		r.Suspended = true
	}
	return Step{Done: true, Result: r}
}

// settlement is the correction that a limit needs before it is asked again. One of its item that waits is older, and goes first.
func (l *Limiter) settlement(s *state) (Ask, bool) {
	if s.settle.Stamp == 0 && s.debt > 0 {
		s.settle, s.debt = l.stamped(s.uncounted(), s), 0
	}
	if s.settle.Stamp == 0 {
		return Ask{}, false
	}
	if i := l.oldest(s.limit.Name); i >= 0 && l.waiting[i].Stamp < s.settle.Stamp {
		return l.remove(i), true
	}
	return s.settle, true
}

// stamped gives a correction of a limit a stamp that is larger than all that this environment gave it, and than those that its slot is known to hold. One of an
// environment whose clock is ahead stays with the limit: no other's slot is raised to it.
func (l *Limiter) stamped(ask Ask, s *state) Ask {
	l.stamp = max(l.stamp+1, l.at.Wall.UnixNano())
	s.stamp = max(l.stamp, s.stamp+1)
	ask.Stamp, ask.Slot = s.stamp, l.slot
	return ask
}

// corrected returns what has to be asked again of a correction: nothing where it is known to be written. One that wasn't asked for goes on,
// and so does one whose answer is lost, if calls have to be counted. One that is refused for another's larger stamp is made under a still
// larger one, unless it has failed before: then it may be written, and is given up, as tokens that go back are.
func (l *Limiter) corrected(ask Ask, seen Seen, err error) (again Ask, unfinished bool) {
	switch {
	case err == nil && seen.Made(ask):
		return Ask{}, false
	case errors.Is(err, limiter.ErrNotAsked):
		return ask, true
	case ask.N <= 0 || err == nil && ask.unsure:
		l.Drop(ask)
		return Ask{}, false
	case err != nil:
		ask.unsure = true
		return ask, true
	default:
		s := l.states.peek(ask.Name)
		if s == nil { // forgotten
			s = &state{}
		}
		s.stamp = max(s.stamp, seen.Stamp)
		return l.stamped(ask, s), true
	}
}

// Answer takes what came of the ask of a [Step], and goes on.
func (l *Limiter) Answer(ask Ask, seen Seen, err error, now limiter.Now) Step {
	s := l.call.asked
	l.at = now
	l.breaker.Note(s.limit.Name, &s.breaker, err, now)
	s.passed = s.passed || err != nil
	switch {
	case ask.Stamp != 0 && ask.Stamp != s.settle.Stamp: // an older one
		l.again(ask, seen, err)
	case ask.Stamp != 0:
		s.settle, _ = l.corrected(ask, seen, err)
	case err == nil:
		s.learn(ask, seen)
	}
	return l.next(now)
}

// Admit decides on one call, with the writes that it takes, one at a time. The clock is read again after each.
func (l *Limiter) Admit(ctx context.Context, store Store, clock func() limiter.Now, limits []Limit, at limiter.Now) Result {
	step := l.Decide(limits, at)
	for !step.Done {
		seen, err := store.Write(ctx, step.Ask)
		step = l.Answer(step.Ask, seen, err, clock())
	}
	return step.Result
}
