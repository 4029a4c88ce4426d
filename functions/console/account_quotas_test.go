package main

import (
	"testing"

	"latchkey/shared/api"
)

// TestAnOwnQuotaIsThatOfItsBillingTypeAndGroup: an operator sets one of them, and what another has is neither shown nor saved in it.
func TestAnOwnQuotaIsThatOfItsBillingTypeAndGroup(t *testing.T) {
	a := api.Account{Quotas: []api.AccountQuota{
		{BillingType: "free", Group: "other", Month: ptr(int64(1))},
		{BillingType: "free", Group: "tiles", Day: ptr(int64(2))},
		{BillingType: "paying", Group: "tiles", Day: ptr(int64(3)), Month: ptr(int64(4))},
	}}
	for name, want := range map[[2]string]string{
		{"free", "other"}: "/1", {"free", "tiles"}: "2/", {"paying", "tiles"}: "3/4", {"paying", "other"}: "", {"evaluation", "tiles"}: "",
	} {
		if got := bothNumbers(ownQuota(a, name[0], name[1])); got != want {
			t.Errorf("%v has %q, want %q", name, got, want)
		}
	}
	v := &visit{}
	for _, f := range v.quotaForms(a, []api.Quota{{BillingType: "paying", Group: "tiles"}, {BillingType: "evaluation", Group: "tiles"}}) {
		if want := map[string]string{"paying": "3/4"}[f.BillingType]; f.Was != want || bothNumbers(f.Day, f.Month) != want {
			t.Errorf("the form of %s has %s/%s, and %q as it was", f.BillingType, f.Day, f.Month, f.Was)
		}
	}
}

// TestAPageSaysWhyMoreIsUsedThanCounts, where there is something to explain: more is used than was taken, and something is left all the same.
func TestAPageSaysWhyMoreIsUsedThanCounts(t *testing.T) {
	n := func(v int64) *int64 { return &v }
	for name, tt := range map[string]struct {
		most, left *int64
		used       int64
		want       bool
	}{
		"set in the middle of the day": {n(1000), n(990), 5000, true},
		"one call from before":         {n(1000), n(990), 11, true},
		"all calls count":              {n(1000), n(990), 10, false},
		"taken in advance":             {n(1000), n(900), 10, false},
		"nothing left of a lowered":    {n(1000), n(0), 5000, false},
		"no number":                    {nil, nil, 5000, false},
		"it can't be read":             {n(1000), nil, 5000, false},
	} {
		quota := quotaRow{QuotaPeriod: api.QuotaPeriod{Quota: tt.most, Left: tt.left, Used: tt.used}}
		cap := capRow{KeyQuotaUse: api.KeyQuotaUse{Day: tt.most, Left: tt.left, Used: tt.used}}
		if quota.Earlier() != tt.want || cap.Earlier() != tt.want {
			t.Errorf("%s: %v, %v", name, quota.Earlier(), cap.Earlier())
		}
	}
}
