package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

type options struct {
	calls, cold, procs int
	runs               int // whose medians count
	qps                int // the key's limit
	seed               uint64
	gate, node, ci     bool
	more               bool            // what stands behind the table, too
	trips              []time.Duration // to the store over TLS
	authorizer         string
}

// result holds the measurements of one contestant.
type result struct {
	contestant
	hits   []time.Duration                   // warm calls during which the store wasn't asked
	all    []time.Duration                   // all warm calls
	cold   []time.Duration                   // from starting the process to its first answer
	cpu    time.Duration                     // for each warm call
	memory int64                             // bytes resident after the warm calls
	asked  int64                             // store calls during the warm calls
	away   map[time.Duration][]time.Duration // cold starts with the store over TLS, by the round trip to it
}

// warmUp is the number of calls of each contestant that aren't counted.
const warmUp = 1000

// measurement holds the figures of one run.
type measurement struct {
	results []*result
	harness time.Duration // a warm call's, at the median; 0: not measured
}

func run(o options) (m measurement, err error) {
	known, err := fixture(o.qps)
	if err != nil {
		return m, err
	}
	into, err := os.MkdirTemp("", "latchkey-bench-")
	if err != nil {
		return m, err
	}
	defer os.RemoveAll(into)
	contestants, err := buildAll(o, into)
	if err != nil {
		return m, err
	}
	s, err := newStore(known)
	if err != nil {
		return m, err
	}
	defer s.close()
	b := &session{options: o, known: known, store: s, order: rand.New(rand.NewPCG(o.seed, 0))}
	for _, c := range contestants {
		b.results = append(b.results, &result{contestant: c})
	}
	m.results = b.results
	if err := b.coldStarts(); err != nil {
		return m, err
	}
	if err := b.warmCalls(); err != nil {
		return m, err
	}
	if !o.more {
		return m, nil
	}
	if m.harness, err = harnessTakes(known.plain.event, o.calls); err != nil {
		return m, err
	}
	return m, b.awayStarts(known, into)
}

type session struct {
	options
	known   callers
	store   *store
	order   *rand.Rand
	results []*result
}

// shuffled gives the contestants' numbers in a new order, so that none always runs in another's wake.
func (b *session) shuffled() []int { return b.order.Perm(len(b.results)) }

// startsOfOneFile is the number of cold starts of a contestant that are counted before it is unpacked again, so that
// one file's place in the page cache doesn't decide.
const startsOfOneFile = 3

// coldStarts starts fresh processes, one at a time, and stops each after its first answer. It doesn't measure what
// Lambda adds: the sandbox, the download of the zip.
func (b *session) coldStarts() error {
	for round := 0; len(b.results[0].cold) < b.cold; round++ {
		fresh := round%(startsOfOneFile+1) == 0 // the first start of a file fills the page cache, and isn't counted
		for _, i := range b.shuffled() {
			r := b.results[i]
			if fresh {
				if err := r.unpack(); err != nil {
					return err
				}
			}
			took, err := b.coldStart(r.contestant, b.store)
			if err != nil {
				return err
			}
			if !fresh {
				r.cold = append(r.cold, took)
			}
		}
	}
	return nil
}

// coldStart starts a process and stops it after its first answer.
func (b *session) coldStart(c contestant, s *store) (took time.Duration, err error) {
	before := s.reads.Load()
	p, err := start(c, b.options, s)
	if err != nil {
		return 0, err
	}
	at, err := b.first(p, c)
	text := p.stop()
	if err != nil {
		return 0, fmt.Errorf("%s: cold start: %w\n%s", c.name, err, text)
	}
	if c.reads && s.reads.Load() == before {
		return 0, fmt.Errorf("%s: answered its first call without reading the store", c.name)
	}
	return at.Sub(p.started), nil
}

func (b *session) first(p *process, c contestant) (time.Time, error) {
	if err := p.api.ready(); err != nil {
		return time.Time{}, err
	}
	got, err := b.call(p, c)
	return got.at, err
}

// call makes one call of a process that is ready, and checks its answer: a fast refusal is worth nothing.
func (b *session) call(p *process, c contestant) (outcome, error) {
	event := b.known.plain.event
	if c.limited {
		event = b.known.limited.event
	}
	got, err := p.api.invoke(event)
	if err != nil {
		return got, err
	}
	if c.decides && !bytes.Contains(got.body, []byte(`"Allow"`)) {
		return got, fmt.Errorf("not allowed: %s", got.body)
	}
	return got, nil
}

// warmCalls calls all contestants in turn, each in one process.
func (b *session) warmCalls() (err error) {
	processes := make([]*process, len(b.results))
	defer func() {
		for i, p := range processes {
			if p == nil {
				continue
			}
			if text := p.stop(); err != nil {
				err = fmt.Errorf("%w\n%s printed:\n%s", err, b.results[i].name, tail(text))
			}
		}
	}()
	for i, r := range b.results {
		if processes[i], err = start(r.contestant, b.options, b.store); err != nil {
			return err
		}
		if err := processes[i].api.ready(); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	if err := b.rounds(processes, warmUp, false); err != nil {
		return err
	}
	before := make([]time.Duration, len(processes))
	for i, p := range processes {
		if before[i], err = p.cpu(); err != nil {
			return err
		}
	}
	if err := b.rounds(processes, b.calls, true); err != nil {
		return err
	}
	for i, p := range processes {
		r := b.results[i]
		after, errCPU := p.cpu()
		size, errMemory := p.memory()
		if err := errors.Join(errCPU, errMemory); err != nil {
			return err
		}
		r.cpu, r.memory = (after-before[i])/time.Duration(b.calls), size
	}
	return nil
}

func (b *session) rounds(processes []*process, n int, count bool) error {
	for range n {
		for _, i := range b.shuffled() {
			r, p := b.results[i], processes[i]
			before := b.store.calls()
			got, err := b.call(p, r.contestant)
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			// The next contestant's turn comes when this one waits again: what it does after its answer is its own.
			if err := p.api.ready(); err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			if !count {
				continue
			}
			asked := b.store.calls() - before
			r.asked += asked
			r.all = append(r.all, got.took)
			if asked == 0 {
				r.hits = append(r.hits, got.took)
			}
		}
	}
	return nil
}

// tail keeps the end of a log.
func tail(text string) string {
	const most = 2000
	if len(text) > most {
		return "…" + text[len(text)-most:]
	}
	return text
}
