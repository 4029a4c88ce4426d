package account_test

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/account"
)

// TestTheQuotasOfAnAccountAreAMap of billing types and groups to numbers: whatever was set in whichever order, equal ones make equal
// lists, and a list that was given away doesn't change.
func TestTheQuotasOfAnAccountAreAMap(t *testing.T) {
	type of struct{ billing, group string }
	rapid.Check(t, func(t *rapid.T) {
		want := map[of]account.Quota{}
		var quotas account.Quotas
		for range rapid.IntRange(0, 12).Draw(t, "changes") {
			one := account.Quota{
				Billing: rapid.SampledFrom([]string{"freemium", "free", "paying"}).Draw(t, "billing"), Group: rapid.SampledFrom([]string{"tiles", "other"}).Draw(t, "group"),
				Day: rapid.Int64Range(0, 2).Draw(t, "day"), Month: rapid.Int64Range(0, 2).Draw(t, "month"),
			}
			before := slices.Clone(quotas)
			next := quotas.With(one)
			if !slices.Equal(quotas, before) {
				t.Fatalf("%v became %v", before, quotas)
			}
			quotas = next
			if want[of{one.Billing, one.Group}] = one; one.Day == 0 && one.Month == 0 {
				delete(want, of{one.Billing, one.Group})
			}
		}
		var again account.Quotas
		for name := range maps.Keys(want) {
			again = again.With(want[name])
			if got := quotas.Of(name.billing, name.group); got != want[name] {
				t.Fatalf("%v has %v of %s, want %v", quotas, got, name, want[name])
			}
		}
		if !reflect.DeepEqual(quotas, again) || quotas.Of("freemium", "gone") != (account.Quota{Billing: "freemium", Group: "gone"}) {
			t.Fatalf("%#v, want %#v", quotas, again)
		}
	})
}

func TestAClosedAccountHasNoQuotaSet(t *testing.T) {
	for _, closed := range []account.Account{{Closing: true}, {ClosedAt: time.Unix(1, 0)}} {
		if after, err := closed.SetQuota(account.Quota{Billing: "free", Group: "other", Day: 5}, time.Unix(2, 0)); !errors.Is(err, account.ErrClosed) || after.Quotas != nil {
			t.Errorf("%+v, %v", after, err)
		}
	}
}

// TestTheTimesOfAQuotaSayWhenItsNumbersWereSet: each number by itself, also one that was lifted; and since when there has been any. The same numbers
// again, and those of another quota, change nothing.
func TestTheTimesOfAQuotaSayWhenItsNumbersWereSet(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 11, 28, hour, 0, 0, 0, time.UTC) }
	var a account.Account
	for i, step := range []struct {
		day, month int64
		want       account.QuotaTime
	}{
		{5, 0, account.QuotaTime{Since: at(0), Day: at(0)}},
		{5, 0, account.QuotaTime{Since: at(0), Day: at(0)}},
		{5, 50, account.QuotaTime{Since: at(0), Day: at(0), Month: at(2)}},
		{6, 50, account.QuotaTime{Since: at(0), Day: at(3), Month: at(2)}},
		{0, 50, account.QuotaTime{Since: at(0), Day: at(4), Month: at(2)}},
		{0, 0, account.QuotaTime{Since: at(0), Day: at(4), Month: at(5)}},
		{7, 70, account.QuotaTime{Since: at(6), Day: at(6), Month: at(6)}},
	} {
		before := a
		next, err := a.SetQuota(account.Quota{Billing: "free", Group: "other", Day: step.day, Month: step.month}, at(i))
		if err != nil || next.Same(before) != (i == 1) {
			t.Fatalf("step %d: %v, same: %v", i, err, next.Same(before))
		}
		if next, err = next.SetQuota(account.Quota{Billing: "free", Group: "a", Day: 1}, at(0)); err != nil {
			t.Fatal(err)
		}
		step.want.Billing, step.want.Group = "free", "other"
		if a = next; a.QuotaTimes.Of("free", "other") != step.want || len(a.QuotaTimes) != 2 {
			t.Errorf("step %d: %+v, want %+v", i, a.QuotaTimes, step.want)
		}
	}
	if got := a.QuotaTimes.Of("free", "gone"); got != (account.QuotaTime{Billing: "free", Group: "gone"}) {
		t.Errorf("%+v", got)
	}
}
