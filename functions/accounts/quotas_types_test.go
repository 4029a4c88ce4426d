package main

import (
	"net/http"
	"slices"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/keytest"
)

// TestAQuotaIsOfATypeThatTheAccountHasOrIsGetting: while a change of type runs, keys of both types are called, and the quotas of the one to come
// have to be there when the first key has it. What was set of any type can be lifted.
func TestAQuotaIsOfATypeThatTheAccountHasOrIsGetting(t *testing.T) {
	const none = account.Type("")
	of := map[string]account.Type{
		"evaluation": account.Enterprise, "paying": account.Enterprise, "free": account.Enterprise,
		"freemium": account.SelfServe, "pay_as_you_grow": account.SelfServe,
	}
	for _, is := range []account.Type{account.Enterprise, account.SelfServe} {
		for _, getting := range []account.Type{none, account.Enterprise, account.SelfServe} {
			t.Run(string(is)+" to "+string(getting), func(t *testing.T) {
				r := newHarness(t)
				r.account = r.NewAccount(t, func(a *account.Account) {
					a.Type = is
					for billing := range of { // set before, under whichever type
						a.Quotas = append(a.Quotas, account.Quota{Billing: billing, Group: "other", Month: 10})
					}
				})
				apitest.People(t, r.API, r.account.ID)
				after := r.account
				after.PendingType = getting
				if _, err := r.Control.UpdateAccount(t.Context(), r.account, after, keytest.Row(r.account.ID, "account.type.begin", "")); err != nil {
					t.Fatal(err)
				}
				put := func(group, billing string, day any) apitest.Answer {
					return r.Do(t, apitest.Call{
						As: "operator", Method: http.MethodPut, Path: operatorPath(r) + "/quotas/" + group,
						Body: object{"billing_type": billing, "day": day, "month": nil},
					})
				}
				for billing, fits := range of {
					want := "422 invalid [/billing_type]"
					taken := slices.Contains([]account.Type{is, getting}, fits)
					if taken {
						want = ""
					}
					if got := put("tiles", billing, 5); got.Problem() != want && !(taken && got.Status == 200) {
						t.Errorf("%s: %s, taken is %v", billing, got.Problem(), taken)
					}
					if got := put("other", billing, nil); got.Status != 200 {
						t.Errorf("lifting %s: %s", billing, got.Problem())
					}
				}
				stored, err := r.Control.Account(t.Context(), r.account.ID)
				if err != nil {
					t.Fatal(err)
				}
				for billing, fits := range of {
					want := account.Quota{Billing: billing, Group: "tiles"}
					if fits == is || fits == getting {
						want.Day = 5
					}
					if got := stored.Quotas.Of(billing, "tiles"); got != want {
						t.Errorf("stored: %+v, want %+v", got, want)
					}
					if got := stored.Quotas.Of(billing, "other"); got.Month != 0 {
						t.Errorf("lifted, and stored: %+v", got)
					}
				}
			})
		}
	}
}
