package keytest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
)

// An earlier release writes no item of what waits and takes none out: what it wrote is made here by the present one, with the items put
// back as they were before.

func itemOf(pk, sk string) dynamo.Item { return dynamo.Item{"pk": dynamo.S(pk), "sk": dynamo.S(sk)} }

// stored returns an item of the control table, nil if there is none.
func (s Stores) stored(t *testing.T, pk, sk string) dynamo.Item {
	t.Helper()
	consistent := true
	out, err := s.DB.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &s.Tables.Control, Key: itemOf(pk, sk), ConsistentRead: &consistent})
	must(t, err)
	return out.Item
}

// unindex drops what waits from the index.
func (s Stores) unindex(t *testing.T, pk, sk string) {
	t.Helper()
	_, err := s.DB.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &s.Tables.Control, Key: itemOf(pk, sk)})
	must(t, err)
}

// calm is a comparison of the tables that finds no drift and writes no audit row.
func (s Stores) calm(t *testing.T, accounts ...account.ID) {
	t.Helper()
	rows := func() (n int) {
		for _, id := range accounts {
			n += len(s.AllAudit(t, id))
		}
		return n
	}
	before := rows()
	if drifts := s.Drifts(t, false); len(drifts) != 0 {
		t.Errorf("drift: %+v", drifts)
	}
	if n := rows(); n != before {
		t.Errorf("%d audit rows more", n-before)
	}
}

// exposedAndBlocked is a key that waits for operators for two reasons.
func (s Stores) exposedAndBlocked(t *testing.T, a account.Account, name string, at time.Time) apikey.Key {
	t.Helper()
	k, err := s.Edit(t.Context(), s.NewKey(t, a), "key.expose", func(k *apikey.Key) {
		k.Name, k.Current.Exposed = name, apikey.Exposure{At: at, By: apikey.ReportedByAnybody}
		k.Blocked = &apikey.Block{Reason: "abuse", At: at, By: "operator"}
	})
	must(t, err)
	return k
}

// waitingOfEarlierReleases: what a release made wait that doesn't know the index is indexed by the comparison of the tables, which is no drift.
func waitingOfEarlierReleases(t *testing.T, s Stores) {
	a := s.suspend(t, s.NewAccount(t, func(a *account.Account) { a.Name = "Old" }))
	k := s.exposedAndBlocked(t, a, "Shop", Now)
	s.unindex(t, "A#"+string(a.ID), "SUSPENDED")
	s.unindex(t, "K#"+string(k.ID), "EXPOSED")
	locator := s.stored(t, "K#"+string(k.ID), "KEY")
	delete(locator, "gpk")
	delete(locator, "gsk")
	s.Put(t, s.Tables.Control, locator)
	if got := s.waits(t, Now, 1); got != "0 0 0 []" {
		t.Fatal("before: ", got)
	}
	for range 2 {
		s.calm(t, a.ID)
	}
	if got := s.waits(t, Now, 1); got != "1 1 1 [Shop Shop Old]" {
		t.Error("after: ", got)
	}
}

// endedByEarlierReleases: what a release ended that doesn't know the index is not counted where it is read, and hides nothing that does
// wait. A suspension that it gave another end is over at that end.
func endedByEarlierReleases(t *testing.T, s Stores) {
	a := s.suspend(t, s.NewAccount(t, func(a *account.Account) { a.Name = "Old" }))
	s.exposedAndBlocked(t, a, "Shop", Now)
	put := func(key dynamo.Item, a account.ID, gpk, gsk string) {
		key["account"], key["gpk"], key["gsk"] = dynamo.S(string(a)), dynamo.S(gpk), dynamo.S(gsk)
		s.Put(t, s.Tables.Control, key)
	}
	other := s.NewAccount(t)
	fine := s.NewKey(t, other)
	put(itemOf("A#"+string(other.ID), "SUSPENDED"), other.ID, "SUSPENDED", "9999-12-31T23:59:59.999Z#~")
	put(itemOf("A#acc_gone", "SUSPENDED"), "acc_gone", "SUSPENDED", "9999-12-31T23:59:59.999Z#~~")
	put(itemOf("K#"+string(fine.ID), "EXPOSED"), other.ID, "EXPOSED", "9999#~")
	put(itemOf("K#key_gone", "EXPOSED"), other.ID, "EXPOSED", "9999#~~")
	for _, few := range []int{1, 10} {
		if got := s.waits(t, Now, few); got != "1 1 1 [Shop Shop Old]" {
			t.Errorf("the last %d: %s", few, got)
		}
	}
	noEnd := s.stored(t, "A#"+string(a.ID), "SUSPENDED")
	sooner := a
	sooner.Suspended.Until = Now.Add(time.Hour)
	_, err := s.Control.UpdateAccount(t.Context(), a, sooner, Row(a.ID, "account.suspend", ""))
	must(t, err)
	s.Put(t, s.Tables.Control, noEnd)
	for at, want := range map[time.Duration]string{time.Hour - time.Millisecond: "1 1 1 [Shop Shop Old]", time.Hour: "1 1 0 [Shop Shop]"} {
		if got := s.waits(t, Now.Add(at), 10); got != want {
			t.Errorf("after %v: %s, want %s", at, got, want)
		}
	}
}

var errStop = errors.New("keytest: the run has no time left")

// takenOutOfTheIndex: the comparison of the tables takes out what a release has ended that doesn't know the index, so that no number is
// wrong for good: behind the last few, nobody looks whether it waits. A comparison that is stopped at any place of the index goes on there.
func takenOutOfTheIndex(t *testing.T, s Stores) {
	const few, waiting = 10, 11
	left := s.suspend(t, s.NewAccount(t))
	k := s.exposedAndBlocked(t, left, "Left", Now)
	items := []dynamo.Item{
		s.stored(t, "A#"+string(left.ID), "SUSPENDED"), s.stored(t, "K#"+string(k.ID), "EXPOSED"), s.stored(t, "K#"+string(k.ID), "KEY"),
	}
	gone := itemOf("K#key_gone", "EXPOSED")
	gone["account"], gone["gpk"], gone["gsk"] = dynamo.S(string(left.ID)), dynamo.S("EXPOSED"), dynamo.S("0000#")
	_, err := s.Edit(t.Context(), k, "key.revoke", func(k *apikey.Key) { k.RevokedAt = Now })
	must(t, err)
	resumed := left
	resumed.Suspended = account.Suspension{}
	_, err = s.Control.UpdateAccount(t.Context(), left, resumed, Row(left.ID, "account.resume", ""))
	must(t, err)
	for _, item := range append(items, gone) {
		s.Put(t, s.Tables.Control, item)
	}
	for n := range waiting {
		a := s.NewAccount(t, func(a *account.Account) { a.Name = fmt.Sprint("A", n) })
		after := a
		after.Suspended = account.Suspension{Reason: "Abuse.", At: Now.Add(time.Minute)}
		_, err := s.Control.UpdateAccount(t.Context(), a, after, Row(a.ID, "account.suspend", ""))
		must(t, err)
		s.exposedAndBlocked(t, a, fmt.Sprint("K", n), Now.Add(time.Minute))
	}
	numbers := func() string { return strings.Join(strings.Fields(s.waits(t, Now, few))[:3], " ") }
	if got, want := numbers(), fmt.Sprint(waiting+1, waiting+2, waiting+1); got != want {
		t.Fatalf("before: %s, want %s", got, want)
	}
	var place control.Place
	steps := 0
	for err = errStop; errors.Is(err, errStop) && steps < 100; steps++ {
		err = s.Control.Reconcile(t.Context(), control.Reconciliation{
			From: place, Report: func(d control.Drift) { t.Errorf("drift: %+v", d) },
			Done: func(p control.Place) error {
				if place = p; p.Index == "" {
					return nil
				}
				return errStop
			},
		})
	}
	must(t, err)
	if want := 3*(waiting+1) + 2; steps != want {
		t.Errorf("%d runs, want %d", steps, want)
	}
	if got, want := numbers(), fmt.Sprint(waiting, waiting, waiting); got != want {
		t.Errorf("after: %s, want %s", got, want)
	}
	if n := s.indexed(t, "EXPOSED") + s.indexed(t, "SUSPENDED"); n != 2*waiting {
		t.Errorf("%d items are indexed, want %d", n, 2*waiting)
	}
	if found, err := s.Control.FindKey(t.Context(), k.ID); err != nil || found.ID != k.ID {
		t.Errorf("the key is found no longer: %v", err)
	}
}

// waitingAgain: what waits again by the time at which it would be taken out of the index stays in it.
func waitingAgain(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	k := s.exposedAndBlocked(t, a, "Shop", Now)
	items := []dynamo.Item{s.stored(t, "K#"+string(k.ID), "EXPOSED"), s.stored(t, "K#"+string(k.ID), "KEY")}
	k, err := s.Edit(t.Context(), k, "key.unblock", func(k *apikey.Key) { k.Current.Exposed, k.Blocked = apikey.Exposure{}, nil })
	must(t, err)
	for _, item := range items {
		s.Put(t, s.Tables.Control, item)
	}
	again := false
	s.With(func(call string, _ int) Fault {
		if call == "TransactWriteItems" && !again {
			again = true
			_, err := s.Edit(context.Background(), k, "key.expose", func(k *apikey.Key) {
				k.Current.Exposed = apikey.Exposure{At: Now, By: apikey.ReportedByOperator}
				k.Blocked = &apikey.Block{Reason: "abuse", At: Now, By: "operator"}
			})
			must(t, err)
		}
		return NoFault
	}).Drifts(t, false)
	if got := s.waits(t, Now, 10); !again || got != "1 1 0 [Shop Shop]" {
		t.Errorf("%v, %s", again, got)
	}
}
