package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

// TestAnOperatorLimitsAnAccountOverAllItsKeys: members see it, the gate has it, saying it again changes nothing, and null
// lifts it.
func TestAnOperatorLimitsAnAccountOverAllItsKeys(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	set := func(class string, qps any, status int) apitest.Answer {
		t.Helper()
		return r.Want(t, status, apitest.Call{As: "operator", Method: http.MethodPut, Path: operatorPath(r) + "/limits/" + class, Body: object{"qps": qps}})
	}
	stored := func(want account.Limits) account.Account {
		t.Helper()
		a, err := r.Control.Account(t.Context(), r.account.ID)
		if err != nil || len(a.Limits) != len(want) || a.Limits.Of("search") != want.Of("search") || a.Limits.Of("map-display.tiles") != want.Of("map-display.tiles") {
			t.Fatalf("stored: %+v (%v), want %+v", a.Limits, err, want)
		}
		r.CheckAccount(t, a)
		return a
	}
	stored(nil)
	set("search", 50, 200)
	first := stored(account.Limits{{Class: "search", QPS: 50}})
	rows := len(r.AllAudit(t, r.account.ID))
	set("search", 50, 200)
	if again := stored(first.Limits); again.Version != first.Version || len(r.AllAudit(t, r.account.ID)) != rows {
		t.Errorf("version %d after %d, %d rows after %d", again.Version, first.Version, len(r.AllAudit(t, r.account.ID)), rows)
	}
	set("map-display.tiles", 20_000, 200)
	stored(first.Limits.With("map-display.tiles", 20_000))
	for _, as := range []string{"viewer", "developer", "owner", "operator"} {
		limits, _ := r.Want(t, 200, apitest.Call{As: as, Method: "GET", Path: r.path("")}).JSON(t)["limits"].([]any)
		if len(limits) != 2 {
			t.Fatalf("%s sees %v", as, limits)
		}
		tiles, _ := limits[0].(map[string]any)
		if tiles["class"] != "map-display.tiles" || tiles["qps"] != 20_000.0 || tiles["default_qps"] != nil || tiles["set_by"] != "operator" {
			t.Errorf("%s sees %v", as, limits)
		}
	}
	for _, class := range []string{"unheard-of", "search.x", "acc_1", "Search"} {
		set(class, 5, 404)
		set(class, nil, 404)
	}
	set("search", nil, 200)
	set("map-display.tiles", nil, 200)
	last := stored(nil)
	set("search", nil, 200)
	if again := stored(nil); again.Version != last.Version {
		t.Errorf("nothing was lifted, and the version is %d after %d", again.Version, last.Version)
	}
	r.Want(t, 422, apitest.Call{As: "operator", Method: http.MethodPut, Path: operatorPath(r) + "/limits/search", Body: object{}})
}

// TestALimitOfAnAccountOutlivesOtherChanges: a new name, a suspension and a change of type leave it.
func TestALimitOfAnAccountOutlivesOtherChanges(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	do := func(as, method, path string, body object, status int) {
		t.Helper()
		r.Want(t, status, apitest.Call{As: as, Method: method, Path: path, Body: body})
	}
	do("operator", "PUT", operatorPath(r)+"/limits/search", object{"qps": 50}, 200)
	do("owner", "PATCH", r.path(""), object{"name": "Other"}, 200)
	do("operator", "POST", operatorPath(r)+"/suspend", object{"reason": "Unpaid."}, 200)
	do("operator", "PATCH", r.path(""), object{"type": "enterprise"}, 202)
	a, err := r.Control.Account(t.Context(), r.account.ID)
	if err != nil || a.Limits.Of("search") != 50 || a.Type != account.Enterprise {
		t.Errorf("%+v, %v", a, err)
	}
	r.CheckAccount(t, a)
}

// TestALimitOfAClassThatIsGoneIsShownAndCanBeLifted, and not set: the class may come back with another catalogue, and its number with it.
func TestALimitOfAClassThatIsGoneIsShownAndCanBeLifted(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	after := r.account
	after.Limits = account.Limits{}.With("gone", 5).With("search", 7)
	if _, err := r.Control.UpdateAccount(t.Context(), r.account, after, keytest.Row(r.account.ID, "account.set_limit", "")); err != nil {
		t.Fatal(err)
	}
	shown := func(as string) (list []string) {
		limits, _ := r.Want(t, 200, apitest.Call{As: as, Method: "GET", Path: r.path("")}).JSON(t)["limits"].([]any)
		for _, one := range limits {
			l, _ := one.(map[string]any)
			list = append(list, fmt.Sprint(l["class"], " ", l["product"], " ", l["name"] != "", " ", l["qps"], " ", l["default_qps"], " ", l["set_by"], " ", l["enforced"]))
		}
		return list
	}
	for _, as := range []string{"viewer", "operator"} {
		if got, want := shown(as), []string{"search search true 7 <nil> operator true", "gone  true 5 <nil> operator false"}; !slices.Equal(got, want) {
			t.Errorf("%s sees %q, want %q", as, got, want)
		}
	}
	for _, step := range []struct {
		class        string
		qps          any
		status, left int
	}{
		{"gone", 5, 404, 2}, {"gone", 6, 404, 2}, {"never", nil, 404, 2}, {"gone", nil, 200, 1}, {"gone", nil, 404, 1},
	} {
		r.Want(t, step.status, apitest.Call{As: "operator", Method: http.MethodPut, Path: operatorPath(r) + "/limits/" + step.class, Body: object{"qps": step.qps}})
		a, err := r.Control.Account(t.Context(), r.account.ID)
		if err != nil || len(a.Limits) != step.left || a.Limits.Of("search") != 7 {
			t.Fatalf("%+v: stored: %+v (%v)", step, a.Limits, err)
		}
	}
}

// TestTheBoundOfANumberIsTheOneThatIsSaid: the largest is taken, and who sends more is told which it is.
func TestTheBoundOfANumberIsTheOneThatIsSaid(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	for path, tt := range map[string]struct {
		member string
		most   int64
		beside object
	}{
		"/limits/search": {"qps", product.MaxAccountQPS, object{}},
		"/quotas/tiles":  {"month", account.MaxQuota, object{"billing_type": "freemium", "day": nil}},
		"/key-limit":     {"key_limit", maxKeyLimit, object{}},
	} {
		for n, status := range map[int64]int{tt.most: 200, tt.most + 1: 422} {
			method, at := http.MethodPut, operatorPath(r)+path
			if path == "/key-limit" {
				method, at = http.MethodPatch, r.path("")
			}
			body := maps.Clone(tt.beside)
			body[tt.member] = n
			answer := r.Want(t, status, apitest.Call{As: "operator", Method: method, Path: at, Body: body})
			if said := fmt.Sprintf("1 to %d", tt.most); status == 422 && !strings.Contains(string(answer.Body), said) {
				t.Errorf("%s: %s doesn't say %q", path, answer.Body, said)
			}
		}
	}
}
