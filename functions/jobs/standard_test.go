package main

import (
	"testing"
	"time"

	"latchkey/functions/internal/thresholds"
	"latchkey/shared/account"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/quotas"
	"latchkey/shared/product"
)

// deploy has the job's next runs be those of the shipped catalogue with a quota of paying keys, or without one.
func (r *harness) deploy(t testing.TB, q product.Quota) {
	t.Helper()
	set := product.Quotas{}
	if q != (product.Quota{}) {
		set.ByBilling = map[string]map[product.Group]product.Quota{"paying": {"other": q}}
	}
	var err error
	if r.products, err = product.Default().WithQuotas(set); err != nil {
		t.Fatal(err)
	}
	r.thresholds = &thresholds.Teller{Store: r.Control, Rows: r.billing.counters, Quotas: quotas.NewReader(r.DB.(quotas.BatchClient), r.Tables.Quotas), Products: r.products, Source: r.source}
}

func (r *harness) noticed(t testing.TB) control.Announced {
	t.Helper()
	a, err := r.Control.Announced(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestTheJobKeepsWhenTheCataloguesQuotasWereSet: of those of its first run nobody knows it. A run that finds the same writes nothing.
func TestTheJobKeepsWhenTheCataloguesQuotasWereSet(t *testing.T) {
	r := newHarness(t)
	first := r.at
	at := func(day int) time.Time { return first.AddDate(0, 0, day) }
	for i, step := range []struct {
		quota product.Quota
		want  account.QuotaTime
	}{
		{product.Quota{Day: 5}, account.QuotaTime{}},
		{product.Quota{Day: 6}, account.QuotaTime{Day: at(1)}},
		{product.Quota{}, account.QuotaTime{Day: at(2)}},
		{product.Quota{Day: 6, Month: 60}, account.QuotaTime{Since: at(3), Day: at(3), Month: at(3)}},
		{product.Quota{Day: 6, Month: 50}, account.QuotaTime{Since: at(3), Day: at(3), Month: at(4)}},
	} {
		r.at = at(i)
		r.deploy(t, step.quota)
		r.tell(t)
		noticed := r.noticed(t)
		step.want.Billing, step.want.Group = "paying", "other"
		if got := noticed.QuotaTimes.Of("paying", "other"); got != step.want || !noticed.QuotasKnown {
			t.Errorf("step %d: %+v, want %+v", i, got, step.want)
		}
		r.at = r.at.Add(time.Hour)
		r.tell(t)
		if again := r.noticed(t); again.Revision != noticed.Revision {
			t.Errorf("step %d: written again", i)
		}
	}
}

// TestACataloguesNewQuotaSaysNothingOfDaysBefore: neither while the job catalogue hasn't noticed it nor afterwards are its numbers told of days that were over, or calls of
// these days filled into it. Of a catalogue that the job never looked at it is taken to have been there.
func TestACataloguesNewQuotaSaysNothingOfDaysBefore(t *testing.T) {
	for name, tt := range map[string]struct {
		before, after bool // the job ran before the quota was deployed, and after that
		told, raised  int
	}{
		"not noticed yet": {true, false, 0, 0},
		"noticed":         {true, true, 0, 0},
		"never looked at": {false, false, 2, 1},
		"always there":    {false, true, 2, 1},
	} {
		r := newHarness(t)
		k := r.NewKey(t, r.NewAccount(t, func(a *account.Account) { a.Type = account.Enterprise }))
		r.deploy(t, product.Quota{})
		if tt.before {
			r.tell(t)
		}
		r.counts(t, k, "a", r.at.AddDate(0, 0, -2), 85)
		r.lose(t, nil)
		r.deploy(t, product.Quota{Day: 100})
		if tt.after {
			r.tell(t)
		}
		for range 2 { // the second by what the first remembers
			done, err := r.quotasRun(t, `{"job":"quotas","refill":true}`)
			if err != nil || done.Told != tt.told || done.Raised != tt.raised {
				t.Errorf("%s: %+v, %v", name, done, err)
			}
			tt.told, tt.raised = 0, 0
		}
	}
}
