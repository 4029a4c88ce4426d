package main

import (
	"testing"

	"latchkey/shared/keytest"
)

// The alarms are evaluated in infra/contract, on what is kept here.
func TestTheCounterMeasuresTheTroubleThatItsAlarmIsFor(t *testing.T) {
	r := newHarness(t)
	r.invoke(t, record("1", "a", 3, 1), mutate(record("2", "b", 1, 1), mutations["no image"]))
	keytest.KeepMetrics(t, "UsageSetAside", r.written.String())
}

func TestAHealthyHourOfTheCounter(t *testing.T) {
	r := newHarness(t)
	r.invoke(t, record("1", "a", 3, 1), record("2", "b", 1, 1))
	r.invoke(t, record("1", "a", 3, 1)) // delivered again
	keytest.KeepMetrics(t, "healthy", r.written.String())
}
