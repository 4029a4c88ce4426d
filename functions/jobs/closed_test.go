package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/keytest"
)

// hidden are counters of which what was set aside on a day can't be read.
type hidden struct {
	countersStore
	day time.Time
}

func (h hidden) EachAside(ctx context.Context, day time.Time, yield func(counters.Aside) error) error {
	if day.Equal(h.day) {
		return errMute
	}
	return h.countersStore.EachAside(ctx, day, yield)
}

// TestWhatCouldNotBeReadWhenAMonthWasClosedIsNotedOnceItCan: a record that was set aside, whose day couldn't be read until an admin closed the month over it. The
// month isn't called equal meanwhile. When it can be read it is noted as not counted, once, be it after the days in which that can be known, and be
// it garbage; and what is counted then is an adjustment.
func TestWhatCouldNotBeReadWhenAMonthWasClosedIsNotedOnceItCan(t *testing.T) {
	hour := february.Settled().Add(time.Hour)
	for name, c := range map[string]struct {
		readable time.Time
		garbage  bool
		counted  bool
	}{
		"within the days":                      {hour, false, false},
		"within the days, counted":             {hour, false, true},
		"within the days, garbage":             {hour, true, false},
		"later than anybody knows":             {february.End().AddDate(0, 0, 20), false, false},
		"later than anybody knows, of garbage": {february.End().AddDate(0, 0, 20), true, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t, newHarnessOn(t, keytest.LongStores(t)), 1, 1, 1)
			f.decide(f.tallies[0], f.keys[0], "search", "", "paying", authz.Allowed)
			records := f.recordsOf(f.tallies[0])
			if f.setAside(t, f.tallies[0]); c.garbage {
				for _, item := range f.Items(t, f.Tables.Counters) {
					if item["why"] != nil {
						item["record"] = dynamo.S("{")
						f.Put(t, f.Tables.Counters, item)
					}
				}
			}
			sound := f.billing.counters
			f.billing.counters = hidden{sound, february.End().AddDate(0, 0, -1)}
			f.close(t, february)
			f.at = february.Settled()
			if _, err := f.do(t, "statements"); f.state(t, february).Status != statements.Final {
				t.Fatalf("%+v, %v", f.state(t, february), err)
			}
			f.at = hour
			answer, err := f.do(t, "compare")
			if got, _ := answer.(compared); err == nil || len(got.Equal) != 0 || got.Uncounted != 0 {
				t.Errorf("while it can't be read: %+v, %v", got, err)
			}
			if f.billing.counters = sound; c.counted {
				f.consume(t, f.now, records, false)
			}
			for run := range 2 {
				f.forget()
				got := f.job(t, "compare", c.readable.Add(time.Duration(1+run)*time.Hour)).(compared)
				want := fmt.Sprint("[] [2026-02] 0 1 ", run == 0)
				if c.counted { // and nobody is told of what was set aside
					want = [...]string{"[] [2026-02] 1 0 true", "[2026-02] [] 0 0 false"}[run]
				}
				told := strings.Contains(f.out.String(), `"StatementDifferences":1`)
				if line := fmt.Sprint(got.Equal, " ", got.Unequal, " ", got.Adjusted, got.Uncounted, told); line != want {
					t.Errorf("run %d: %s, want %s", run, line, want)
				}
			}
		})
	}
}
