package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/limiter/quota"
)

// quotaSince is an account whose quota of 1,000 calls a month, 100 a day, was set at a time, with a key that has a cap since then.
func quotaSince(t testing.TB, r *harness, since time.Time) apikey.Key {
	t.Helper()
	a := r.NewAccount(t, func(a *account.Account) {
		a.Quotas = account.Quotas{{Billing: "paying", Group: "other", Day: 100, Month: 1000}}
		if !since.IsZero() {
			a.QuotaTimes = account.QuotaTimes{{Billing: "paying", Group: "other", Since: since, Day: since, Month: since}}
		}
	})
	return r.NewKey(t, a, func(k *apikey.Key) { k.Caps = apikey.Caps{{Group: "other", Day: 100, Since: since}} })
}

// takenOf returns what the table says to be taken of the month and of today.
func (r *harness) takenOf(t testing.TB, scope, billing string) (month, day int64) {
	t.Helper()
	for _, item := range r.Items(t, r.Tables.Quotas) {
		if pk, _ := dynamo.GetS(item, "pk"); pk == scope+"#"+billing+"#other" {
			month, _ = dynamo.GetN(item, "m")
			day, _ = dynamo.GetN(item, "d"+r.at.UTC().Format("02"))
		}
	}
	return month, day
}

// TestARefillHasNoCallsFromBeforeTheQuota: neither those of other days, nor those of the day in which it was set, which are partly from before. What the gate
// has taken stays.
func TestARefillHasNoCallsFromBeforeTheQuota(t *testing.T) {
	for name, tt := range map[string]struct {
		since           func(today time.Time) time.Time
		month, day, cap int64
	}{
		"today":           {func(today time.Time) time.Time { return today.Add(time.Hour) }, 10, 10, 0},
		"at midnight":     {func(today time.Time) time.Time { return today }, 40, 40, 40},
		"yesterday":       {func(today time.Time) time.Time { return today.Add(-time.Hour) }, 40, 40, 40},
		"two days ago":    {func(today time.Time) time.Time { return today.Add(-25 * time.Hour) }, 70, 40, 40},
		"nobody knows it": {func(time.Time) time.Time { return time.Time{} }, 2070, 40, 40},
	} {
		t.Run(name, func(t *testing.T) {
			r := newHarness(t)
			today := r.at.UTC().Truncate(24 * time.Hour)
			k := quotaSince(t, r, tt.since(today))
			r.counts(t, k, "a", today.AddDate(0, 0, -3), 2000)
			r.counts(t, k, "b", today.AddDate(0, 0, -1), 30)
			r.counts(t, k, "c", today, 40)
			r.lose(t, nil)
			if _, err := r.taken().Write(t.Context(), quota.Ask{Name: nameOf(k), Date: today, N: 10}); err != nil {
				t.Fatal(err)
			}
			if _, err := r.quotasRun(t, `{"job":"quotas","refill":true}`); err != nil {
				t.Fatal(err)
			}
			month, day := r.takenOf(t, string(k.Account), "paying")
			if _, ofCap := r.takenOf(t, string(k.ID), ""); month != tt.month || day != tt.day || ofCap != tt.cap {
				t.Errorf("%d of the month, %d of the day and %d of the cap, want %d, %d and %d", month, day, ofCap, tt.month, tt.day, tt.cap)
			}
		})
	}
}

// TestNothingIsToldOfADayBeforeItsNumber: 900 calls of two days ago were within no quota.
func TestNothingIsToldOfADayBeforeItsNumber(t *testing.T) {
	for _, tt := range []struct{ ago, told int }{{0, 0}, {1, 0}, {2, 2}, {3, 2}} {
		r := newHarness(t)
		k := quotaSince(t, r, r.at.AddDate(0, 0, -tt.ago))
		r.counts(t, k, "a", r.at.AddDate(0, 0, -2), 400)
		if done, err := r.quotasRun(t, `{"job":"quotas"}`); err != nil || done.Told != tt.told {
			t.Errorf("set %d days ago: %+v, %v", tt.ago, done, err)
		}
	}
}

// TestARunOfOneAccountTouchesNoOther, and an account that there isn't is an error.
func TestARunOfOneAccountTouchesNoOther(t *testing.T) {
	r := newHarness(t)
	keys := limitedFleet(t, r, 2)
	for i, k := range keys[:2] {
		r.counts(t, k, fmt.Sprint(i), r.at, 60)
	}
	r.lose(t, nil)
	done, err := r.quotasRun(t, fmt.Sprintf(`{"job":"quotas","refill":true,"account":%q}`, keys[1].Account))
	if err != nil || done.Accounts != 1 || done.Raised != 1 || done.Told != 1 || r.toldOf(t, keys[1].Account) != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	if _, day := r.takenOf(t, string(keys[0].Account), "paying"); day != 0 || len(r.Items(t, r.Tables.Quotas)) != 1 {
		t.Errorf("another account is filled: %d", day)
	}
	if done, err := r.quotasRun(t, `{"job":"quotas","refill":true,"account":"acc_misspelt"}`); !errors.Is(err, dynamo.ErrNotFound) || done.Accounts != 0 {
		t.Errorf("%+v, %v", done, err)
	}
	for _, job := range []string{"compare", "statements", "suffixes", "catalogue"} {
		if _, err := r.handle(t.Context(), json.RawMessage(fmt.Sprintf(`{"job":%q,"account":"acc_1"}`, job))); !errors.Is(err, errJob) {
			t.Errorf("%s: %v", job, err)
		}
	}
}
