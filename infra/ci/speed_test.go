package main

import (
	"testing"
	"time"
)

// TestASlowMachineIsGivenMoreTimeAndAFastOneNotLess, up to a bound.
func TestASlowMachineIsGivenMoreTimeAndAFastOneNotLess(t *testing.T) {
	for took, want := range map[time.Duration]float64{reference / 2: 1, reference: 1, reference * 3 / 2: 1.5, reference * 100: mostSlower} {
		if got := factor(took); got != want {
			t.Errorf("work that takes %v: %v times the budgets, want %v", took, got, want)
		}
	}
	b := budgets{packages: map[string]allowance{"latchkey/p": {plain: 10, race: 30}}, fallback: allowance{20, 90}, whole: allowance{300, 0}}.times(1.5)
	if b.of("latchkey/p", false) != 15 || b.of("latchkey/p", true) != 45 || b.of("latchkey/q", true) != 135 || b.whole.in(false) != 450 || b.whole.in(true) != 0 {
		t.Errorf("budgets of a machine that is half as slow again: %+v", b)
	}
}
