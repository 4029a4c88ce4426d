package account_test

import (
	"errors"
	"testing"
	"time"

	"latchkey/shared/account"
)

func TestASuspensionHoldsUntilItsEnd(t *testing.T) {
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	until := at.Add(time.Hour)
	for name, c := range map[string]struct {
		s    account.Suspension
		now  time.Time
		want bool
	}{
		"none":                   {account.Suspension{}, at, false},
		"none, with an end":      {account.Suspension{Until: until}, at, false},
		"without an end":         {account.Suspension{At: at}, at.AddDate(100, 0, 0), true},
		"from its moment":        {account.Suspension{At: at, Until: until}, at, true},
		"the moment before over": {account.Suspension{At: at, Until: until}, until.Add(-1), true},
		"its end":                {account.Suspension{At: at, Until: until}, until, false},
	} {
		if got := c.s.Holds(c.now); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestSuspendingAgainTakesWhatIsNew: what differs in anything replaces the suspension, what says the same is no change at all.
func TestSuspendingAgainTakesWhatIsNew(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	end := now.Add(time.Hour)
	stands := account.Suspension{Reason: "unpaid", At: now.Add(-time.Minute), Until: end, By: "first"}
	over := stands
	over.Until = now
	endless := stands
	endless.Until = time.Time{}
	for name, c := range map[string]struct {
		stands account.Suspension
		reason string
		until  time.Time
		kept   bool
	}{
		"none":               {account.Suspension{}, "unpaid", end, false},
		"the same":           {stands, "unpaid", end, true},
		"the same elsewhere": {stands, "unpaid", end.In(time.FixedZone("", 3600)), true},
		"another reason":     {stands, "abuse", end, false},
		"later":              {stands, "unpaid", end.Add(1), false},
		"sooner":             {stands, "unpaid", end.Add(-1), false},
		"without an end":     {stands, "unpaid", time.Time{}, false},
		"again without one":  {endless, "unpaid", time.Time{}, true},
		"an end at last":     {endless, "unpaid", end, false},
		"one that is over":   {over, "unpaid", end, false},
	} {
		got, err := account.Account{Suspended: c.stands}.Suspend(c.reason, c.until, "second", now)
		want := account.Suspension{Reason: c.reason, At: now, Until: c.until, By: "second"}
		if c.kept {
			want = c.stands
		}
		if err != nil || got.Suspended != want {
			t.Errorf("%s: %+v, %v", name, got.Suspended, err)
		}
	}
	for _, until := range []time.Time{now, now.Add(-1)} {
		got, err := account.Account{Suspended: stands}.Suspend("unpaid", until, "second", now)
		if !errors.Is(err, account.ErrSuspendedUntil) || got.Suspended != stands {
			t.Errorf("until %v: %+v, %v", until, got.Suspended, err)
		}
	}
	if got, err := (account.Account{Suspended: stands}).Resume(); err != nil || got.Suspended != (account.Suspension{}) {
		t.Errorf("resumed: %+v, %v", got.Suspended, err)
	}
}
