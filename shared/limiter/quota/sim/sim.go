// Package sim runs quotas of many environments against a modelled table, in virtual time and from a seed. The tests of
// package quota search it for a run that breaks the guarantee, and measure with it.
package sim

import (
	"container/heap"
	"context"
	"math/rand/v2"
	"strconv"
	"time"

	"latchkey/shared/limiter"
	"latchkey/shared/limiter/quota"
)

// Config describes a run.
type Config struct {
	Seed   uint64
	Envs   int
	Rate   float64 // calls a second, on average
	Bursts bool    // in floods of seconds with pauses of up to a minute or two between them
	Skewed bool    // a few environments get most of the calls
	Start  time.Time
	Length time.Duration
	Life   time.Duration // of an environment, which then gives back what it holds and is replaced; 0: no end
	Others float64       // calls a second under no limit, after which corrections are made too

	Day, Month int64 // of the account
	KeyDay     int64 // of each of two keys, if not 0: the calls of both count for the account
	Taken      int64 // already, of the first day and month
	Changes    []Change
	Faults     Faults
	NoReturn   bool // nothing is given back: what the return is worth
	Watch      bool // count Outcome.WhileHeld, which takes time
}

// Change sets the account's numbers. Each environment learns of it within [Learns].
type Change struct {
	At         time.Duration
	Day, Month int64
}

// Learns is the longest time until an environment knows a change.
const Learns = 10 * time.Second

// Faults sets the faults to inject; the probabilities are per write, Kill is per call.
type Faults struct {
	Lost, Duplicate, Delay, Freeze float64
	Kill                           float64
	Skew                           time.Duration // clocks are wrong by up to this
	Outage, OutageEnds             time.Duration // every write fails
}

// Key names a limit's count in a period.
type Key struct {
	quota.Name
	Period string // 2006-01-02 or 2006-01
}

// Outcome is the result of one run.
type Outcome struct {
	Calls     int
	Admitted  int         // with a token of each limit
	By        map[Key]int // of those, in each period, under a limit that had a number
	Suspended int         // admitted without a token
	Counted   int64       // of those, by corrections of the account's item that were made
	Uncounted int64       // of those, by corrections that the living gave up, or have still to make
	Refused   int
	WhileHeld int // of those, while another living environment could have admitted the call
	Writes    int // that a call waited for
	Returns   int // corrections that none waited for
	Ended     int // environments that had lived their time
	Table     *Table
	// LastAt is the moment of the last admission.
	LastAt time.Duration
	// Before holds the sums of periods behind the last write for a call that began with other numbers than those that hold in the end; OldAt is its time.
	Before map[Key]int64
	OldAt  time.Duration
	Held   int64 // in the hands of the living, at the end
	Killed int64 // lost with environments that were killed
}

// Account is the name of the limit that all calls count under.
var Account = quota.Name{Scope: "account", Type: "freemium", Group: "tiles"}

// Run runs a simulation.
func Run(c Config) *Outcome {
	s := &run{Config: c, rnd: rand.New(rand.NewPCG(c.Seed, 0x9e3779b97f4a7c15))}
	s.out.By, s.out.Before, s.out.Table = map[Key]int{}, map[Key]int64{}, NewTable()
	if c.Taken > 0 {
		_, _ = s.out.Table.Write(context.Background(), quota.Ask{Name: Account, Date: c.Start.Truncate(24 * time.Hour), N: c.Taken})
	}
	for range c.Envs {
		s.envs = append(s.envs, s.newEnv())
		s.envs[len(s.envs)-1].born = -time.Duration(s.rnd.Int64N(int64(max(c.Life, 1))))
	}
	s.at(0, s.arrive)
	if c.Others > 0 {
		s.at(0, s.other)
	}
	for s.queue.Len() > 0 {
		e := heap.Pop(&s.queue).(event)
		if e.at > c.Length+10*longest {
			break
		}
		s.now = e.at
		e.do()
	}
	for _, e := range s.envs {
		s.out.Held += e.limiter.InHand(Account, s.clock(e))
		for _, ask := range e.limiter.Close(s.clock(e)) {
			s.out.Uncounted += max(0, ask.N)
		}
		s.out.Uncounted += e.limiter.Dropped().Calls
	}
	return &s.out
}

type run struct {
	Config
	rnd   *rand.Rand
	queue events
	seq   int
	now   time.Duration
	envs  []*env
	out   Outcome

	flood     bool
	phaseEnds time.Duration
}

// env is an execution environment.
type env struct {
	limiter *quota.Limiter
	limits  []quota.Limit
	wall    time.Duration // what its wall clock is wrong by
	mono    time.Duration // where its monotonic clock began
	learns  time.Duration
	born    time.Duration
	busy    bool
	dead    bool
}

func (s *run) newEnv() *env {
	e := &env{
		limiter: quota.New(s.rnd.Uint64(), 64), born: s.now, limits: make([]quota.Limit, 0, 2),
		mono: time.Duration(s.rnd.Int64N(int64(time.Hour))), learns: time.Duration(s.rnd.Int64N(int64(Learns))),
	}
	if s.Faults.Skew > 0 {
		e.wall = time.Duration(s.rnd.Int64N(int64(2*s.Faults.Skew))) - s.Faults.Skew
	}
	return e
}

func (s *run) clock(e *env) limiter.Now {
	return limiter.Now{Wall: s.Start.Add(s.now + e.wall), Mono: s.now + e.mono}
}

// numbers are the account's as one knows them who learns of a change after a while.
func (s *run) numbers(learns time.Duration) (day, month int64) {
	day, month = s.Day, s.Month
	for _, c := range s.Changes {
		if s.now >= c.At+learns {
			day, month = c.Day, c.Month
		}
	}
	return day, month
}

// limitsOf are the limits of one call: the key's first.
func (s *run) limitsOf(e *env) []quota.Limit {
	e.limits = e.limits[:0]
	if s.KeyDay > 0 {
		e.limits = append(e.limits, quota.Limit{Name: quota.Name{Scope: "key" + strconv.Itoa(s.rnd.IntN(2)), Group: "tiles"}, Day: s.KeyDay})
	}
	day, month := s.numbers(e.learns)
	return append(e.limits, quota.Limit{Name: Account, Day: day, Month: month})
}

// old reports whether a call began with other numbers of the account than those of the last change.
func (s *run) old(limits []quota.Limit) bool {
	n := len(s.Changes)
	return n > 0 && limits[len(limits)-1] != quota.Limit{Name: Account, Day: s.Changes[n-1].Day, Month: s.Changes[n-1].Month}
}

// close is the orderly end of an environment.
func (s *run) close(e *env) {
	e.dead = true
	if s.NoReturn {
		return
	}
	for _, ask := range e.limiter.Close(s.clock(e)) {
		s.out.Returns++
		s.write(e, ask, false, func(quota.Seen, error) {})
	}
}

// after makes one correction that is due, while no call waits.
func (s *run) after(e *env) {
	if s.NoReturn {
		return
	}
	ask, ok := e.limiter.Due(s.clock(e))
	if !ok {
		return
	}
	s.out.Returns++
	e.busy = true
	s.write(e, ask, false, func(seen quota.Seen, err error) {
		e.busy = false
		e.limiter.Corrected(ask, seen, err)
	})
}

func (s *run) decide(e *env) {
	at := s.clock(e)
	limits := s.limitsOf(e)
	s.step(e, at.Wall, limits, e.limiter.Decide(limits, at))
}

// step follows a limiter through its writes.
func (s *run) step(e *env, at time.Time, limits []quota.Limit, step quota.Step) {
	if !step.Done {
		s.out.Writes++
		s.write(e, step.Ask, s.old(limits), func(seen quota.Seen, err error) {
			s.step(e, at, limits, e.limiter.Answer(step.Ask, seen, err, s.clock(e)))
		})
		return
	}
	e.busy = false
	switch {
	case !step.Result.Admit:
		s.out.Refused++
		if s.Watch && s.heldElsewhere(e, limits) {
			s.out.WhileHeld++
		}
	case step.Result.Suspended:
		s.out.Suspended++
		s.out.LastAt = s.now
	default:
		s.out.Admitted++
		s.out.LastAt = s.now
		for i := range limits {
			if limits[i].Day <= 0 && limits[i].Month <= 0 {
				continue // nothing counts it
			}
			s.out.By[Key{limits[i].Name, at.Format("2006-01-02")}]++
			s.out.By[Key{limits[i].Name, at.Format("2006-01")}]++
		}
	}
	s.after(e)
}

// heldElsewhere reports whether an environment could have admitted a call that another one has refused.
func (s *run) heldElsewhere(not *env, limits []quota.Limit) bool {
	for _, e := range s.envs {
		if e == not {
			continue
		}
		all := true
		for i := range limits {
			all = all && e.limiter.InHand(limits[i].Name, s.clock(e)) > 0
		}
		if all {
			return true
		}
	}
	return false
}

func (s *run) at(in time.Duration, do func()) {
	s.seq++
	heap.Push(&s.queue, event{at: s.now + in, seq: s.seq, do: do})
}

type event struct {
	at  time.Duration
	seq int
	do  func()
}

type events []event

func (q events) Len() int { return len(q) }
func (q events) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q events) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *events) Push(x any)   { *q = append(*q, x.(event)) }
func (q *events) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	return e
}
