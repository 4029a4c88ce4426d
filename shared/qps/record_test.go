package qps_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/product"
	"latchkey/shared/qps"
)

// TestAChangeOfAClassLeavesTheOthers: whatever is granted, lent or set for a class, what the key has in other classes
// stays as it was, and the list that was given isn't written into.
func TestAChangeOfAClassLeavesTheOthers(t *testing.T) {
	backToDefault := 0
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
		classes := []product.Class{"search", "routing", "tiles"}
		limits := make([]apikey.Limit, 0, 10) // room behind the list: a shared one would show
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			class := rapid.SampledFrom(classes).Draw(t, "class")
			number := rapid.IntRange(1, 20).Draw(t, "number")
			before := append([]apikey.Limit(nil), limits...)
			var after []apikey.Limit
			switch rapid.SampledFrom([]string{"grant", "lend", "set", "default"}).Draw(t, "step") {
			case "grant":
				after = qps.Grant(limits, class, number, time.Time{}, now)
				if got, want := apikey.OwnLimit(after, class), (apikey.Limit{Class: class, QPS: number, Granted: number}); got != want {
					t.Fatalf("granted %+v, want %+v", got, want)
				}
			case "lend":
				after = qps.Grant(limits, class, number, now.Add(time.Hour), now)
				got := apikey.OwnLimit(after, class)
				if got.QPS != number || got.Lent != number || !got.EndsAt.Equal(now.Add(time.Hour)) {
					t.Fatalf("lent %d: %+v", number, got)
				}
			case "set":
				after = qps.Set(limits, class, min(number, qps.Free(limits, class, 10, now)), 10, now)
			case "default":
				after = qps.Set(limits, class, 10, 10, now)
				if apikey.OwnLimit(after, class) == (apikey.Limit{}) {
					backToDefault++
				}
			}
			seen := 0
			for _, other := range classes {
				for _, l := range after {
					if l.Class == other {
						seen++
					}
				}
				if other != class && apikey.OwnLimit(after, other) != apikey.OwnLimit(before, other) {
					t.Fatalf("a change of %s made %s %+v, it was %+v", class, other, apikey.OwnLimit(after, other), apikey.OwnLimit(before, other))
				}
			}
			if seen != len(after) || len(after) > len(classes) {
				t.Fatalf("more than one limit of a class: %+v", after)
			}
			if !reflect.DeepEqual(append([]apikey.Limit(nil), limits...), before) {
				t.Fatalf("the list that was given is now %+v, it was %+v", limits, before)
			}
			limits = append(make([]apikey.Limit, 0, len(after)+3), after...)
		}
	})
	if backToDefault == 0 {
		t.Error("no limit ever went back to the catalogue's default")
	}
}

// TestARequestSaysWhatBecameOfIt has the whole record after each operation, and that nothing follows a decision.
func TestARequestSaysWhatBecameOfIt(t *testing.T) {
	operator := qps.Party{Subject: account.Subject{Issuer: "i", ID: "op"}, Email: "op@example.com"}
	now := t0.Add(time.Hour)
	filed := submitted(t)
	filed.CreatedBy = qps.Party{Subject: account.Subject{Issuer: "i", ID: "me"}}
	filed.EndsAt = now.Add(time.Millisecond)
	for name, c := range map[string]struct {
		do   func(r qps.Request, by qps.Party) (qps.Request, error)
		want func(r *qps.Request)
	}{
		"approve": {func(r qps.Request, by qps.Party) (qps.Request, error) {
			return r.Approve(by, block(t, "Fine."), 0, 1000, now)
		}, func(r *qps.Request) {
			r.Status, r.Decision = qps.Approved, &qps.Decision{By: operator, At: now, Comment: "Fine.", QPS: r.Requested}
		}},
		"approve another number": {func(r qps.Request, by qps.Party) (qps.Request, error) {
			return r.Approve(by, block(t, ""), 1, 1000, now)
		}, func(r *qps.Request) {
			r.Status, r.Decision = qps.Approved, &qps.Decision{By: operator, At: now, QPS: 1}
		}},
		"reject": {func(r qps.Request, by qps.Party) (qps.Request, error) {
			return r.Reject(by, block(t, "Too many."), now)
		}, func(r *qps.Request) {
			r.Status, r.Decision = qps.Rejected, &qps.Decision{By: operator, At: now, Comment: "Too many."}
		}},
		"withdraw": {func(r qps.Request, _ qps.Party) (qps.Request, error) { return r.Withdraw(now) }, func(r *qps.Request) { r.Status = qps.Withdrawn }},
	} {
		want := filed
		want.ClosedAt, want.Version = now, filed.Version+1
		c.want(&want)
		got, err := c.do(filed, operator)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\n%+v, %+v\nwant\n%+v, %+v", name, err, got, got.Decision, want, want.Decision)
		}
		for _, over := range []qps.Status{qps.Approved, qps.Rejected, qps.Withdrawn, ""} {
			r := filed
			r.Status = over
			for _, by := range []qps.Party{operator, filed.CreatedBy} { // for each of them that it is over comes first
				if after, err := c.do(r, by); !errors.Is(err, qps.ErrNotPending) || after != (qps.Request{}) {
					t.Errorf("%s of a request that is %q: %+v, %v", name, over, after, err)
				}
			}
		}
	}
}
