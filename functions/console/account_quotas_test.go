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
