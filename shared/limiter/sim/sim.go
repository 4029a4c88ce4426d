// Package sim runs limiters of many environments against a modelled table, in virtual time and from a seed. The tests
// of package limiter search it for a run that breaks the guarantee; infra/bench/qps measures with it.
package sim

import (
	"container/heap"
	"math/rand/v2"
	"strconv"
	"time"

	"latchkey/shared/limiter"
)

// Config describes a run.
type Config struct {
	Seed   uint64
	Envs   int
	Limit  int
	Load   float64 // offered calls per second, as a multiple of Limit
	Length time.Duration
	Shape  Shape
	Skewed bool // a few environments get most of the calls
	Policy Policy
	Faults Faults
	Life   time.Duration // of an environment, which is then replaced, as others began at other times; 0: no end
	// Change, if set, is the limit from the middle of the run on. Each environment learns of it within a second.
	Change int
	// ItemRate is the number of writes a second that one item takes; 0 means any number.
	ItemRate int
	// Latency is the median time of a store call; 0 means 4 ms.
	Latency time.Duration
	// Keys is the number of keys that the calls are for, each under Limit; 0 means one. The load is that of all together.
	Keys int
	// Account, if set, is the limit over all keys, from the middle of the run on AccountChange if that is set.
	Account, AccountChange int
}

// Shape is the pattern in which calls arrive.
type Shape int

// The shapes.
const (
	Poisson Shape = iota
	Bursty        // all calls of a second within 100 ms, at a moment that drifts
	OnOff         // a trickle and floods in turn, each of random length: the worst for windows
)

// Policy selects the limiter under test.
type Policy int

// The policies: ours, and those it is compared with.
const (
	Leases  Policy = iota
	Local          // each environment admits its share
	PerCall        // one write per call to a counter of the second
	GCRA           // one conditional write per call to a theoretical arrival time
)

// Faults sets the faults to inject; the probabilities are per store call, Kill and Freeze per call.
type Faults struct {
	Lost, Duplicate, Delay float64
	Kill, Freeze           float64
	Skew                   time.Duration // clocks are wrong by up to this
	MonoStops              bool          // the monotonic clock stops in a freeze
}

// Outcome is the result of one simulation run.
type Outcome struct {
	Calls     int
	Ended     int                    // environments that had lived their time
	Admitted  []time.Duration        // when, in order; without those of a fallback
	OfKeys    [][]time.Duration      // the same of each key
	Refused   [limiter.MaxBounds]int // calls that a key's limit refused, and the account's
	Fallback  int                    // admitted without the store
	Writes    int
	Latencies []time.Duration // of every decision
	Retries   []Retry
}

// Retry is a refusal: where, when, and what the client was told.
type Retry struct {
	Env   int
	At    time.Duration
	After int
}

// Run runs a simulation.
func Run(c Config) Outcome {
	if c.Latency == 0 {
		c.Latency = 4 * time.Millisecond
	}
	s := &run{Config: c, rnd: rand.New(rand.NewPCG(c.Seed, 0x9e3779b97f4a7c15)), table: NewTable()}
	for n := range max(1, c.Keys) {
		s.names = append(s.names, "key#class")
		if n > 0 {
			s.names[n] += strconv.Itoa(n)
		}
	}
	s.out.OfKeys = make([][]time.Duration, len(s.names))
	for i := range c.Envs {
		s.envs = append(s.envs, s.newEnv(i))
		if c.Life > 0 {
			s.envs[i].born = -time.Duration(s.rnd.Int64N(int64(c.Life)))
		}
	}
	s.at(0, s.arrive)
	for s.queue.Len() > 0 {
		e := heap.Pop(&s.queue).(event)
		if e.at > c.Length+10*time.Second {
			break
		}
		s.now = e.at
		e.do()
	}
	return s.out
}

type run struct {
	Config
	rnd   *rand.Rand
	queue events
	seq   int
	now   time.Duration
	table *Table
	envs  []*env
	out   Outcome
	room  localLimit // of the item

	names []string // of the keys' limits

	flood     bool // of OnOff
	phaseEnds time.Duration
}

// env is an execution environment; a killed one is replaced.
type env struct {
	id       int
	limiter  *limiter.Limiter
	local    localLimit
	born     time.Duration
	wall     time.Duration // what its wall clock is wrong by
	mono     time.Duration // where its monotonic clock began
	stopped  time.Duration // how long that stood still
	busy     bool
	dead     bool
	thawed   time.Duration // frozen until then
	learns   time.Duration // how long after a change of the limit it knows
	gcraSeen int64
}

func (s *run) newEnv(id int) *env {
	e := &env{id: id, born: s.now, limiter: limiter.New(4 + s.Keys), mono: time.Duration(s.rnd.Int64N(int64(time.Hour)))}
	if s.Faults.Skew > 0 {
		e.wall = time.Duration(s.rnd.Int64N(int64(2*s.Faults.Skew))) - s.Faults.Skew
	}
	e.learns = time.Duration(s.rnd.Int64N(int64(time.Second)))
	return e
}

var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func (s *run) clock(e *env) limiter.Now {
	return limiter.Now{Wall: epoch.Add(s.now + e.wall), Mono: s.now + e.mono - e.stopped}
}

func (s *run) limit(e *env) int { return s.inForce(e, s.Limit, s.Change) }

// inForce is a limit as an environment knows it.
func (s *run) inForce(e *env, limit, change int) int {
	if change > 0 && s.now > s.Length/2+e.learns {
		return change
	}
	return limit
}

// bounds are the limits of a call for a key.
func (s *run) bounds(e *env, key int) []limiter.Bound {
	list := []limiter.Bound{{Name: s.names[key], Limit: s.limit(e)}}
	if s.Account > 0 {
		list = append(list, limiter.Bound{Name: "account#class", Limit: s.inForce(e, s.Account, s.AccountChange)})
	}
	return list
}

func (s *run) decide(e *env) {
	switch s.Policy {
	case Local:
		s.finish(e, s.now, e.local.admit(float64(s.Limit)/float64(s.Envs), s.now), false)
	case PerCall:
		s.perCall(e)
	case GCRA:
		s.gcra(e, s.now, 0)
	default:
		key := 0
		if s.Keys > 1 {
			key = s.rnd.IntN(s.Keys)
		}
		c := limiter.NewCall(s.bounds(e, key)...)
		s.step(e, key, &c, s.now, e.limiter.Begin(&c, s.clock(e)))
	}
}

// step follows a limiter through its store calls.
func (s *run) step(e *env, key int, c *limiter.Call, began time.Duration, step limiter.Step) {
	if step.Done {
		switch {
		case !step.Result.Admit:
			s.out.Refused[step.Result.By]++
			s.out.Retries = append(s.out.Retries, Retry{Env: e.id, At: s.now, After: step.Result.RetryAfter})
		case !step.Result.Fallback:
			s.out.OfKeys[key] = append(s.out.OfKeys[key], s.now)
		}
		s.finish(e, began, step.Result.Admit, step.Result.Fallback)
		return
	}
	s.call(e, func() limiter.Seen { return s.table.Take(step.Ask) }, func(seen limiter.Seen, err error) {
		s.step(e, key, c, began, e.limiter.Continue(c, step.Ask, seen, err, s.clock(e)))
	})
}

func (s *run) finish(e *env, began time.Duration, admitted, fallback bool) {
	e.busy = false
	s.out.Latencies = append(s.out.Latencies, s.now-began)
	switch {
	case admitted && fallback:
		s.out.Fallback++
	case admitted:
		s.out.Admitted = append(s.out.Admitted, s.now)
	}
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
