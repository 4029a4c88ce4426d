package limiter

import (
	"context"
	"time"

	"latchkey/shared/limiter/internal/breaker"
	"latchkey/shared/moment"
)

// Limiter is one environment's part of the limits. It is for one call at a time, as in Lambda.
type Limiter struct {
	states  *states
	breaker breaker.Breaker[string]
}

// New returns a limiter that remembers up to maxLimits limits. Forgetting one costs a store call, not the guarantee.
func New(maxLimits int) *Limiter {
	return &Limiter{states: newStates(max(1, maxLimits))}
}

// state is an environment's knowledge of one limit. All times are on its monotonic clock.
type state struct {
	window   int64 // the newest window seen; 0: none
	capacity int64
	used     int64         // as seen last
	base     time.Duration // upper bound of base(window): the next one may open a second later
	// ended is an upper bound of the last grant out of window, if exhausted.
	exhausted bool
	ended     time.Duration
	// full says that an ask came back short: there is nothing to have for this limit before the next window.
	full bool

	tokens int64
	bought Now // when the tokens were asked for
	life   time.Duration

	ahead       int64         // tokens of a window that wasn't open yet when they were taken
	aheadFrom   time.Duration // when that window may be open for certain
	aheadBought Now

	use    int64 // the most that was known of a window lately
	demand demand
	share  share

	breaker breaker.Limit
}

// Step tells the caller what to do next: answer the call with Result, or perform Ask and pass its result to
// [Limiter.Answer].
type Step struct {
	Done   bool
	Result Result
	Ask    Ask
}

// Decide begins the decision on one call under the named limit of so many calls per second.
func (l *Limiter) Decide(name string, limit int, now Now) Step {
	if limit <= 0 {
		return Step{Done: true, Result: Result{RetryAfter: 1}}
	}
	s := l.states.get(name)
	s.demand.add(now.Mono)
	return l.next(name, s, int64(limit), now, 0)
}

// next decides from memory, or says what to ask.
func (l *Limiter) next(name string, s *state, limit int64, now Now, tries int) Step {
	if s.ready(now) {
		s.tokens--
		s.share.granted(now.Mono)
		return s.done(true, now)
	}
	if l.breaker.Open(&s.breaker, now.Mono) {
		return s.fallback(limit, now)
	}
	if s.exhaustedFor(limit, now) || tries >= maxTries {
		return s.done(false, now)
	}
	ask := Ask{
		Limit: name, Window: s.window, Capacity: limit,
		Expires: now.Wall.Add(expiry), sent: now, limit: limit, tries: tries + 1,
	}
	switch {
	case s.window == 0:
		ask.Create, ask.Window = true, max(1, now.Wall.Unix())
	case s.mayOpen(now.Mono):
		ask.Window++
		ask.Age = s.ageOfNext(limit, now)
	default:
		ask.Age = now.Mono - s.base
	}
	ask.Age = floorMicro(ask.Age)
	ask.N, ask.Ahead = s.demand.lease(limit, s.use, s.full, now.Mono)
	if s.ahead > 0 { // in hand already
		ask.Ahead = 0
	}
	return Step{Ask: ask}
}

// exhaustedFor reports whether what is known of the open window leaves nothing for a limit, and no other may be opened.
func (s *state) exhaustedFor(limit int64, now Now) bool {
	return s.window != 0 && !s.mayOpen(now.Mono) && s.full && s.used >= min(limit, s.capacity)
}

func (s *state) mayOpen(now time.Duration) bool { return now >= s.base+window }

// floorMicro rounds an age down: an age is what is certain.
func floorMicro(d time.Duration) time.Duration {
	m := d.Truncate(time.Microsecond)
	if m > d {
		m -= time.Microsecond
	}
	return m
}

// ageOfNext is the age of base(window+1) at the moment in which an ask sent now is written.
func (s *state) ageOfNext(limit int64, now Now) time.Duration {
	if !s.exhausted {
		return -wait(limit) // grants out of this window go on until the next one opens, by that very write
	}
	return now.Mono - s.baseOfNext(limit, now.Mono, s.ended)
}

// baseOfNext bounds base(window+1), for an ask sent at the given moment and a window whose grants ended by ended.
func (s *state) baseOfNext(limit int64, sent, ended time.Duration) time.Duration {
	return max(s.base+window, ended+wait(limit), sent-forgive)
}

// alive reports whether the tokens may still be used: time is counted from before they were asked for, by the clock
// that saw more of it pass.
func (s *state) alive(now Now) bool {
	return now.Since(s.bought) < s.life
}

// takeAhead takes over what an ask that was applied got of the window after its own. Only a grant out of the ask's own window holds
// the one after the next back for as long as these tokens live.
func (s *state) takeAhead(ask Ask, seen Seen, top int64) {
	if ask.Ahead == 0 || s.tokens == 0 || top <= smallLimit {
		return
	}
	if seen.Window != ask.Window {
		seen.Ahead = 0 // this ask opened its window, and what was taken ahead was of that
	}
	s.ahead = max(0, min(ask.Ahead, top/aheadShare-seen.Ahead))
	s.aheadFrom, s.aheadBought = s.base+window, ask.sent
}

// ready reports whether a token is in hand that may be used.
func (s *state) ready(now Now) bool {
	if s.tokens > 0 && s.alive(now) {
		return true
	}
	s.tokens = 0
	if s.ahead == 0 || now.Mono < s.aheadFrom {
		return false
	}
	s.tokens, s.bought, s.life, s.ahead = s.ahead, s.aheadBought, window+lifeLarge, 0
	if !s.alive(now) {
		s.tokens = 0
	}
	return s.tokens > 0
}

// Answer takes what came of the ask of a [Step], and goes on.
func (l *Limiter) Answer(ask Ask, seen Seen, err error, now Now) Step {
	s := l.states.get(ask.Limit)
	l.breaker.Note(ask.Limit, &s.breaker, err, now)
	if err != nil {
		return s.fallback(ask.limit, now)
	}
	if !seen.Applied {
		s.learn(seen, ask.limit, now)
		return l.next(ask.Limit, s, ask.limit, now, ask.tries)
	}
	s.enter(ask, seen, now.Mono)
	first := s.used // where the slot begins
	s.used += ask.N
	if s.used >= s.capacity && !s.exhausted {
		s.exhausted, s.ended = true, now.Mono
	}
	s.use = max(s.used, s.use*9/10)
	top := min(ask.limit, s.capacity)
	s.full = s.used >= top
	s.tokens = max(0, min(ask.N, top-first))
	s.bought, s.life = ask.sent, life(top)
	s.takeAhead(ask, seen, top)
	if s.tokens > 0 && !s.alive(now) && ask.tries < maxTries {
		s.full = false // the answer came too late to use it; that says nothing about what is left
	}
	return l.next(ask.Limit, s, ask.limit, now, ask.tries)
}

// learn takes over the open window from an ask that was not applied.
func (s *state) learn(seen Seen, limit int64, at Now) {
	now := at.Mono
	if seen.Window == 0 {
		s.window, s.full, s.exhausted = 0, false, false
		return
	}
	if seen.Window != s.window {
		s.window, s.exhausted, s.full = seen.Window, false, false
		s.base = now + wait(limit)
	}
	s.capacity, s.used = seen.Capacity, seen.Used
	s.use = max(s.used, s.use*9/10)
	s.base = min(s.base, now-seen.Age)
	if s.used >= s.capacity && !s.exhausted {
		s.exhausted, s.ended = true, now
	}
	s.full = s.full || s.used >= min(limit, s.capacity)
	if !seen.Expires.IsZero() && at.Wall.Sub(seen.Expires.Add(-expiry)) > longIdle {
		s.base, s.ended = min(s.base, now-window), min(s.ended, now-window)
	}
}

// enter takes over the window of an ask that was applied.
func (s *state) enter(ask Ask, seen Seen, now time.Duration) {
	if s.window != ask.Window {
		switch {
		case ask.Create:
			s.base = now
		case s.exhausted:
			s.base = s.baseOfNext(ask.limit, ask.sent.Mono, s.ended)
		default:
			s.base = now + wait(ask.limit)
		}
		s.window, s.exhausted = ask.Window, false
	}
	if seen.Window != ask.Window {
		s.capacity, s.used = ask.Capacity, seen.Ahead // this ask opened it
		return
	}
	s.capacity, s.used = seen.Capacity, seen.Used
	s.base = min(s.base, now-seen.Age)
}

// done answers a call.
func (s *state) done(admit bool, now Now) Step {
	r := Result{Admit: admit}
	if !admit {
		r.RetryAfter = moment.WholeSeconds(s.base + window - now.Mono)
	}
	return Step{Done: true, Result: r}
}

// Admit is [Limiter.AdmitAll] under one limit.
func (l *Limiter) Admit(ctx context.Context, store Store, clock func() Now, name string, limit int) Result {
	return l.AdmitAll(ctx, store, clock, Bound{Name: name, Limit: limit})
}
