package main

import (
	"net/http"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/keytest"
)

// TestAnOperatorSetsAnAccountsQuotas: members see them, the gate has them, saying one again changes nothing, and null lifts it.
func TestAnOperatorSetsAnAccountsQuotas(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	set := func(group, billing string, day, month any, status int) apitest.Answer {
		t.Helper()
		return r.Want(t, status, apitest.Call{
			As: "operator", Method: http.MethodPut, Path: operatorPath(r) + "/quotas/" + group, Body: object{"billing_type": billing, "day": day, "month": month},
		})
	}
	stored := func(want ...account.Quota) account.Account {
		t.Helper()
		a, err := r.Control.Account(t.Context(), r.account.ID)
		if err != nil || len(a.Quotas) != len(want) {
			t.Fatalf("stored: %+v (%v), want %+v", a.Quotas, err, want)
		}
		for _, one := range want {
			if a.Quotas.Of(one.Billing, one.Group) != one {
				t.Fatalf("stored: %+v, want %+v", a.Quotas, want)
			}
		}
		r.CheckAccount(t, a)
		return a
	}
	tiles, others := account.Quota{Billing: "freemium", Group: "tiles", Day: 50_000}, account.Quota{Billing: "pay_as_you_grow", Group: "other", Day: 2_500, Month: account.MaxQuota}
	set("tiles", "freemium", 50_000, nil, 200)
	first := stored(tiles)
	if got, at := first.QuotaTimes.Of("freemium", "tiles"), r.Clock.Now(); !got.Since.Equal(at) || !got.Day.Equal(at) || !got.Month.IsZero() {
		t.Errorf("%+v, want those of %v", got, at)
	}
	rows := len(r.AllAudit(t, r.account.ID))
	set("tiles", "freemium", 50_000, nil, 200)
	if again := stored(tiles); again.Version != first.Version || len(r.AllAudit(t, r.account.ID)) != rows {
		t.Errorf("version %d after %d, %d rows after %d", again.Version, first.Version, len(r.AllAudit(t, r.account.ID)), rows)
	}
	set("other", "pay_as_you_grow", 2_500, account.MaxQuota, 200)
	stored(tiles, others)
	for _, as := range []string{"viewer", "developer", "owner", "operator"} {
		quotas, _ := r.Want(t, 200, apitest.Call{As: as, Method: "GET", Path: r.path("")}).JSON(t)["quotas"].([]any)
		if len(quotas) != 2 {
			t.Fatalf("%s sees %v", as, quotas)
		}
		if one, _ := quotas[0].(map[string]any); one["group"] != "tiles" || one["billing_type"] != "freemium" || one["day"] != 50_000.0 || one["month"] != nil {
			t.Errorf("%s sees %v", as, quotas)
		}
	}
	for _, group := range []string{"unheard-of", "map-display.tiles", "acc_1", "Tiles"} {
		set(group, "freemium", 5, nil, 404)
	}
	for _, billing := range []string{"paying", "unheard-of", ""} { // of enterprise accounts, and of none
		set("tiles", billing, 5, nil, 422)
	}
	set("tiles", "unheard-of", nil, nil, 422)
	for _, half := range []object{{"billing_type": "freemium", "day": 5}, {"billing_type": "freemium", "month": 5}, {"day": 5, "month": 5}, {}} {
		r.Want(t, 422, apitest.Call{As: "operator", Method: http.MethodPut, Path: operatorPath(r) + "/quotas/tiles", Body: half})
	}
	stored(tiles, others)
	set("tiles", "freemium", nil, nil, 200)
	set("other", "pay_as_you_grow", nil, nil, 200)
	last := stored()
	set("tiles", "freemium", nil, nil, 200)
	if again := stored(); again.Version != last.Version {
		t.Errorf("nothing was lifted, and the version is %d after %d", again.Version, last.Version)
	}
}

// TestAQuotaOfAnAccountOutlivesOtherChanges: a new name, a suspension and a change of type leave it; then it can be lifted, but
// not set.
func TestAQuotaOfAnAccountOutlivesOtherChanges(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	do := func(as, method, path string, body object, status int) {
		t.Helper()
		r.Want(t, status, apitest.Call{As: as, Method: method, Path: path, Body: body})
	}
	do("operator", "PUT", operatorPath(r)+"/quotas/tiles", object{"billing_type": "freemium", "day": 50, "month": nil}, 200)
	do("owner", "PATCH", r.path(""), object{"name": "Other"}, 200)
	do("operator", "POST", operatorPath(r)+"/suspend", object{"reason": "Unpaid."}, 200)
	do("operator", "PATCH", r.path(""), object{"type": "enterprise"}, 202)
	a, err := r.Control.Account(t.Context(), r.account.ID)
	if err != nil || a.Quotas.Of("freemium", "tiles").Day != 50 || a.Type != account.Enterprise {
		t.Errorf("%+v, %v", a, err)
	}
	r.CheckAccount(t, a)
	do("operator", "PUT", operatorPath(r)+"/quotas/tiles", object{"billing_type": "freemium", "day": 60, "month": nil}, 422)
	do("operator", "PUT", operatorPath(r)+"/quotas/tiles", object{"billing_type": "freemium", "day": nil, "month": nil}, 200)
	if a, err := r.Control.Account(t.Context(), r.account.ID); err != nil || a.Quotas != nil {
		t.Errorf("%+v, %v", a.Quotas, err)
	}
}

// TestAQuotaOfAGroupThatIsGoneCanBeLifted, and not set: the group may come back with another catalogue, and its numbers with it.
func TestAQuotaOfAGroupThatIsGoneCanBeLifted(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	after, err := r.account.SetQuota(account.Quota{Billing: "freemium", Group: "gone", Day: 150, Month: 10_000}, keytest.Now)
	if err == nil {
		_, err = r.Control.UpdateAccount(t.Context(), r.account, after, keytest.Row(r.account.ID, "account.set_quota", ""))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		group, billing string
		day, month     any
		status, left   int
	}{
		{"gone", "freemium", 150, 10_000, 404, 1},
		{"gone", "freemium", nil, 5, 404, 1},
		{"gone", "pay_as_you_grow", nil, nil, 404, 1}, // another billing type's
		{"never", "freemium", nil, nil, 404, 1},
		{"gone", "freemium", nil, nil, 200, 0},
		{"gone", "freemium", nil, nil, 404, 0},
	} {
		r.Want(t, step.status, apitest.Call{
			As: "operator", Method: http.MethodPut, Path: operatorPath(r) + "/quotas/" + step.group, Body: object{"billing_type": step.billing, "day": step.day, "month": step.month},
		})
		if a, err := r.Control.Account(t.Context(), r.account.ID); err != nil || len(a.Quotas) != step.left {
			t.Fatalf("%+v: stored: %+v (%v)", step, a.Quotas, err)
		}
	}
}
