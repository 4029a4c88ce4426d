package main

import (
	"maps"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/authz"
	"latchkey/shared/keytest"
	"latchkey/shared/usage/statement"
)

// of fills the account and the key into a path.
func (r *harness) of(path string) string {
	return strings.NewReplacer("{account}", string(r.account.ID), "{key}", string(r.key.ID)).Replace(path)
}

// failAt lets the n-th call of the store fail, of those that one request makes; 0 for none. It returns the number of calls by then.
func (r *harness) failAt(n int64) *atomic.Int64 {
	calls := new(atomic.Int64)
	r.fault = func(string) keytest.Fault {
		if calls.Add(1) == n {
			return keytest.Before
		}
		return keytest.NoFault
	}
	return calls
}

// TestABreakdownWhileCountersAreReadIsAnError: each call of the store fails in turn, under every answer that is made of counters. No answer has
// lower numbers, or fewer rows, than the one without a breakdown.
func TestABreakdownWhileCountersAreReadIsAnError(t *testing.T) {
	open := "/statements/" + october.String()
	for name, of := range map[string]struct {
		as, path string
		final    bool
	}{
		"open month":                  {"owner", "/v1/accounts/{account}" + open, false},
		"open month, table":           {"owner", "/v1/accounts/{account}" + open + "?format=csv", false},
		"open month of all":           {"operator", "/v1/operator" + open, false},
		"open month of all, table":    {"operator", "/v1/operator" + open + "?format=csv", false},
		"final statement":             {"owner", "/v1/accounts/{account}" + open, true},
		"final statement of all":      {"operator", "/v1/operator" + open, true},
		"final statement, table":      {"owner", "/v1/accounts/{account}" + open + "?format=csv", true},
		"quotas":                      {"owner", "/v1/accounts/{account}/quotas", false},
		"quotas of a key":             {"owner", "/v1/accounts/{account}/keys/{key}/quotas", false},
		"usage of the account":        {"owner", "/v1/accounts/{account}/usage?interval=day&from=2026-11-01T00:00:00.000Z", false},
		"usage of the account, table": {"owner", "/v1/accounts/{account}/usage?interval=day&from=2026-11-01T00:00:00.000Z&format=csv", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := billedOn(t, faulty(t))
			r.count(t, 4, call(r.key, "search", authz.Allowed, keytest.Now), call(r.two, "search", authz.Allowed, keytest.Now.AddDate(0, 0, -3)))
			r.take(t, "other", 8, keytest.Now)
			if of.final {
				at := statement.Place{Account: r.account.ID, Key: r.key.ID, Product: "search", Class: "search", Billing: "free"}
				r.write(t, statement.Row{Place: at, Calls: map[authz.Code]int64{authz.Allowed: 7}})
			}
			ask := apitest.Call{As: of.as, Method: http.MethodGet, Path: r.of(of.path)}
			r.Want(t, 200, ask) // it writes who looked at what
			calls := r.failAt(0)
			whole := r.Want(t, 200, ask)
			if calls.Load() < 3 {
				t.Fatalf("only %d calls of the store", calls.Load())
			}
			for n := range calls.Load() {
				r.failAt(n + 1)
				got := r.Do(t, ask)
				if got.Status < 500 && (got.Status != 200 || string(got.Body) != string(whole.Body)) {
					t.Errorf("call %d fails: %d %s, want an error or %s", n+1, got.Status, got.Body, whole.Body)
				}
			}
		})
	}
}

// TestCountersThatCannotBeReadAreSaid: an answer that leaves an item out says so, in each form.
func TestCountersThatCannotBeReadAreSaid(t *testing.T) {
	for _, path := range []string{"/v1/accounts/{account}/statements/" + october.String(), "/v1/accounts/{account}/quotas", "/v1/accounts/{account}/keys/{key}/quotas"} {
		r := billed(t)
		r.count(t, 4, call(r.key, "search", authz.Allowed, keytest.Now))
		items := r.Items(t, r.Tables.Counters)
		said := 0
		for _, item := range items {
			damaged := maps.Clone(item)
			delete(damaged, "v")
			r.Put(t, r.Tables.Counters, damaged)
			doc := r.Want(t, 200, apitest.Call{As: "owner", Method: http.MethodGet, Path: r.of(path)}).JSON(t)
			r.Put(t, r.Tables.Counters, item)
			sound := r.Want(t, 200, apitest.Call{As: "owner", Method: http.MethodGet, Path: r.of(path)}).JSON(t)
			if sound["unreadable"] != nil {
				t.Fatalf("%s: %v", path, sound["unreadable"])
			}
			if doc["unreadable"] != nil {
				said++
			} else if !reflect.DeepEqual(doc, sound) {
				t.Errorf("%s: %v doesn't say what it leaves out of %v", path, doc, sound)
			}
		}
		if said == 0 {
			t.Errorf("%s: none of %d items has a part in it", path, len(items))
		}
	}
}

// TestAnOldMonthWhoseStateCannotBeReadIsABreakdown, and not a month that nobody has heard of.
func TestAnOldMonthWhoseStateCannotBeReadIsABreakdown(t *testing.T) {
	r := billedOn(t, faulty(t))
	ask := apitest.Call{As: "owner", Method: http.MethodGet, Path: r.root() + "/statements/" + statement.MonthOf(keytest.Now.Add(-2*365*24*time.Hour)).String()}
	calls := r.failAt(0)
	r.Want(t, 400, ask)
	r.failAt(calls.Load()) // the last one is that of the state
	if got := r.Do(t, ask); got.Status < 500 {
		t.Errorf("%d %s", got.Status, got.Body)
	}
}
