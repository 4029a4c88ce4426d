package main

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/leases"
	"latchkey/shared/keytest"
)

// shop is a gate with all its parts, and traffic of three keys.
type shop struct {
	*harness
	leases *countingTable
	usage  *written
	keys   []string
}

func newShop(t *testing.T) *shop {
	b, w := countingHarness(t)
	memory, names := keytest.NewMemory()
	s := &shop{harness: b, leases: &countingTable{Memory: memory}, usage: w}
	b.gate.limiter = newLeased(leases.New(s.leases, names.Leases), b.clock)
	b.gate.records.breaker.shorten = func(d time.Duration) time.Duration { return d } // nothing at random
	s.keys = []string{
		b.add(t, 1, nil),
		b.add(t, 2, func(p *authz.Policy) { p.Domains = []string{"example.com"} }), // refused: the calls name no origin
		b.add(t, 3, own(50)),
		secret(t, 4).Reveal(), // unknown
		"ak_malformed",
	}
	b.store.delay = 4 * time.Millisecond
	return s
}

// serve takes a round of calls every so often. As Lambda has it, what is due after an answer is done before the next call.
func (s *shop) serve(t *testing.T, rounds int, every time.Duration) {
	t.Helper()
	for range rounds {
		for _, key := range s.keys {
			s.status(t, key)
			s.gate.AfterReply()
		}
		s.clock.advance(every)
	}
}

// troubles are, for each alarm on a metric of the gate, the least of what it is there for.
var troubles = map[string]func(t *testing.T, s *shop){
	"GateUnavailable": func(t *testing.T, s *shop) {
		s.down()
		s.keys = s.keys[:1]
		s.serve(t, 60, 6*time.Second)
	},
	"LimitsSuspended": func(t *testing.T, s *shop) {
		s.leases.err = errors.New("down")
		s.keys = s.keys[:1]
		s.serve(t, 6, time.Minute)
	},
	"RecordsUnreadable": func(t *testing.T, s *shop) {
		damaged := secret(t, 1).Hash()
		s.store.fail = func(hash apikey.Hash) error {
			if hash == damaged {
				return fmt.Errorf("%w: damaged", dynamo.ErrUnreadable)
			}
			return nil
		}
		s.serve(t, 1, time.Minute)
	},
	"RecordsOld": func(t *testing.T, s *shop) {
		s.serve(t, 1, time.Minute)
		s.down()
		s.serve(t, 11, time.Minute)
	},
	"UsageUnreported": func(t *testing.T, s *shop) {
		s.keys = s.keys[:1]
		for range 75 { // of two reports one fails
			s.usage.err = errors.New("throttled")
			s.serve(t, 1, 6*time.Second)
			s.usage.err = nil
			s.serve(t, 1, 6*time.Second)
		}
	},
	"UsageDropped": func(t *testing.T, s *shop) {
		s.usage.err = errors.New("throttled")
		s.keys = nil
		for n := range uint64(4097) { // one more than fits
			s.keys = append(s.keys, s.add(t, 100+n, nil))
		}
		s.serve(t, 1, time.Minute)
	},
}

// The alarms themselves are evaluated in infra/contract, on what is kept here.
func TestTheGateMeasuresTheTroubleThatItsAlarmsAreFor(t *testing.T) {
	for alarm, trouble := range troubles {
		t.Run(alarm, func(t *testing.T) {
			s := newShop(t)
			trouble(t, s)
			s.gate.Close()
			keepMetrics(t, alarm, s.out)
		})
	}
}

// An hour of calls that comes as near to trouble as it may: some are refused for good reasons, one report in four fails, for
// a minute the store is down, for another the lease table, and then a single secret can't be read now and then.
func TestAHealthyHourOfTheGate(t *testing.T) {
	s := newShop(t)
	for wave := range 9 { // as traffic comes to one environment of many
		if wave == 4 {
			s.down()
		}
		if wave == 6 {
			s.leases.err = errors.New("down")
		}
		s.usage.err = errors.New("throttled")
		s.serve(t, 1, 6*time.Second)
		s.usage.err = nil
		s.serve(t, 4, 6*time.Second)
		s.up()
		s.leases.err = nil
		s.clock.advance(270 * time.Second)
	}
	s.keys = s.keys[:1]
	for n := range uint64(15) {
		sick := secret(t, 1000+n)
		s.store.fail = func(hash apikey.Hash) error {
			if hash == sick.Hash() {
				return errDown
			}
			return nil
		}
		s.status(t, sick.Reveal())
		s.serve(t, 2, 30*time.Second)
	}
	s.gate.Close()
	keepMetrics(t, "healthy", s.out)
}

func keepMetrics(t *testing.T, trouble string, out *bytes.Buffer) {
	t.Helper()
	keytest.KeepMetrics(t, trouble, out.String())
}
