package limiter

import (
	"context"
	"time"

	"latchkey/shared/limiter/internal/breaker"
)

// Bound is one of the limits that a call must keep.
type Bound struct {
	Name  string // of its item
	Limit int    // in calls a second
}

// MaxBounds is the number of limits that a call has at most: its key's, and its account's.
const MaxBounds = 2

// Call is the decision on one call under several limits, each of which must admit it: so the guarantee of each holds. They
// are asked in their order, and what one refuses is no demand on those behind it. A limit that memory knows to be exhausted
// refuses at once, without a write for any. What the others have given stays in hand.
type Call struct {
	bounds  [MaxBounds]Bound
	results [MaxBounds]Result
	n       int
	at      int // the limit that is asked
	rounds  int
}

// NewCall returns the decision that [Limiter.Begin] begins, under up to [MaxBounds] limits in the order in which they are asked.
func NewCall(bounds ...Bound) Call {
	c := Call{n: len(bounds)}
	copy(c.bounds[:], bounds)
	return c
}

// Begin begins the decision on a call. Result.By is the limit that refused it.
func (l *Limiter) Begin(c *Call, now Now) (step Step) {
	if c.n == 0 {
		return Step{Done: true, Result: Result{RetryAfter: 1}}
	}
	if c.n > 1 { // one alone is asked, and refuses by what memory knows
		if step, refused := l.refused(c, now); refused {
			return step
		}
	}
	step = l.ask(c, now)
	l.advance(c, &step, now)
	return step
}

// Continue takes what came of the ask of a [Step], and goes on.
func (l *Limiter) Continue(c *Call, ask Ask, seen Seen, err error, now Now) (step Step) {
	step = l.Answer(ask, seen, err, now)
	l.advance(c, &step, now)
	return step
}

// AdmitAll decides on one call under several limits, with the store calls that it takes, one at a time. The clock is read
// again after each.
func (l *Limiter) AdmitAll(ctx context.Context, store Store, clock func() Now, bounds ...Bound) Result {
	c := NewCall(bounds...)
	step := l.Begin(&c, clock())
	for !step.Done {
		seen, err := store.Take(ctx, step.Ask)
		step = l.Continue(&c, step.Ask, seen, err, clock())
	}
	return step.Result
}

// refused refuses a call by what memory knows: by the limit that refuses for longest, where it is several. Where the first
// limit isn't among them nobody knows whether it would have refused the call, and so it is no demand on any. Nor does the
// demand fade by it: else an exhausted limit's next window would be leased in small parts.
func (l *Limiter) refused(c *Call, now Now) (Step, bool) {
	by, first := -1, -1
	var opens time.Duration
	for i := range c.n {
		b := c.bounds[i]
		s := l.states.get(b.Name)
		if !l.spent(s, int64(b.Limit), now) {
			continue
		}
		if first < 0 {
			first = i
		}
		if by < 0 || s.base+window > opens {
			by, opens = i, s.base+window
		}
	}
	if by < 0 {
		return Step{}, false
	}
	if first == 0 {
		l.states.get(c.bounds[0].Name).demand.add(now.Mono)
	}
	for i := range first + 1 {
		l.states.get(c.bounds[i].Name).demand.hold(now.Mono)
	}
	step := l.states.get(c.bounds[by].Name).done(false, now)
	step.Result.By = by
	return step, true
}

// spent reports whether memory knows that a limit has nothing to give before its next window.
func (l *Limiter) spent(s *state, limit int64, now Now) bool {
	return !s.ready(now) && !l.breaker.Open(&s.breaker, now.Mono) && s.exhaustedFor(limit, now)
}

// ask asks the limit whose turn it is. A call is demand once, however often it has to ask.
func (l *Limiter) ask(c *Call, now Now) Step {
	b := c.bounds[c.at]
	if c.rounds == 0 || b.Limit <= 0 {
		return l.Decide(b.Name, b.Limit, now)
	}
	return l.next(b.Name, l.states.get(b.Name), int64(b.Limit), now, 0)
}

// advance goes from one limit to the next.
func (l *Limiter) advance(c *Call, step *Step, now Now) {
	for step.Done {
		if !step.Result.Admit {
			l.giveBack(c, now)
			step.Result.By = c.at
			return
		}
		c.results[c.at] = step.Result
		if c.at++; c.at == c.n {
			by, died := l.died(c, now)
			if !died {
				c.admitted(step)
				return
			}
			l.giveBack(c, now)
			if c.rounds++; c.rounds == maxTries {
				step.Result = Result{RetryAfter: 1, By: by}
				return
			}
		}
		*step = l.ask(c, now)
	}
}

// died finds a limit whose token has died while the others were asked: the call isn't admitted by it any more.
func (l *Limiter) died(c *Call, now Now) (by int, died bool) {
	for i := range c.n - 1 { // the last one has just been asked
		if !c.results[i].Fallback && !l.states.get(c.bounds[i].Name).alive(now) {
			return i, true
		}
	}
	return 0, false
}

// giveBack keeps in hand what a call took that isn't admitted after all, and begins with the first limit again.
func (l *Limiter) giveBack(c *Call, now Now) {
	for i := range c.at {
		l.GiveBack(c.bounds[i].Name, c.results[i], now)
	}
	if c.at == c.n {
		c.at = 0
	}
}

// admitted tells the answer of the last limit as a fallback if one of them was.
func (c *Call) admitted(step *Step) {
	for i := range c.n {
		step.Result.Fallback = step.Result.Fallback || c.results[i].Fallback
	}
}

// GiveBack takes back what a limit gave for a call that isn't admitted: its result is r. A token dies no later by it.
func (l *Limiter) GiveBack(name string, r Result, now Now) {
	s := l.states.get(name)
	switch {
	case !r.Admit:
	case r.Fallback:
		s.share.localBack(now.Mono)
	default:
		s.tokens++
		s.share.back(now.Mono)
	}
}

// ErrNotAsked is the error of an ask that wasn't made, since the call has no time left for it. It says nothing about the
// limit's item, and rests none.
var ErrNotAsked = breaker.ErrNotAsked
