package main

import (
	"regexp"
	"testing"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/keytest"
)

// The alarms are evaluated in infra/contract, on what is kept here.
func TestTheRotatorMeasuresTheTroubleThatItsAlarmIsFor(t *testing.T) {
	r := newHarness(t)
	k := r.NewKey(t, r.NewAccount(t))
	wider := authz.PoliciesOf(k)[0]
	wider.HeaderOnly = !wider.HeaderOnly
	if err := keytest.PutRaw(t.Context(), r.DB, r.Tables.Gate, policies.Encode(wider)); err != nil {
		t.Fatal(err)
	}
	r.job(`{"job":"drift"}`)
	keytest.KeepMetrics(t, "GateDrift", r.out.String())
}

// All jobs in an hour in which one key is rotated and one purged, and a drift run that repairs what it finds.
func TestAHealthyHourOfTheRotator(t *testing.T) {
	r := newHarness(t)
	a := r.NewAccount(t)
	k := r.dueKey(a)
	r.NewKey(t, a, func(k *apikey.Key) { k.DeletedAt = keytest.Now.Add(-31 * day) })
	for range 12 {
		r.rotation()
		r.clock.Advance(5 * time.Minute)
	}
	r.job(`{"job":"purge"}`)
	r.job(`{"job":"drift"}`)
	wider := authz.PoliciesOf(r.key(k))[0]
	wider.HeaderOnly = !wider.HeaderOnly
	if err := keytest.PutRaw(t.Context(), r.DB, r.Tables.Gate, policies.Encode(wider)); err != nil {
		t.Fatal(err)
	}
	r.job(`{"job":"drift","repair":true}`)
	r.keyring(t, newRingSecret(t, r.clock), false)
	// How long a job takes is measured on the machine's own clock.
	written := regexp.MustCompile(`"JobTime":[0-9.e-]+`).ReplaceAllString(r.out.String(), `"JobTime":2`)
	keytest.KeepMetrics(t, "healthy", written)
}
