package keytest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
)

// waits tells what an overview has, as "blocked exposed suspended" and the names of what it lists.
func (s Stores) waits(t *testing.T, now time.Time, few int) string {
	t.Helper()
	o, err := s.Control.Overview(t.Context(), now, few)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, list := range [][]string{s.keyNames(t, o.LastBlocked), s.keyNames(t, o.LastExposed)} {
		names = append(names, list...)
	}
	for _, a := range o.LastSuspended {
		names = append(names, a.Name)
	}
	return fmt.Sprint(o.Blocked, " ", o.Exposed, " ", o.Suspended, " ", names)
}

func (s Stores) keyNames(t *testing.T, list []control.WaitingKey) (names []string) {
	t.Helper()
	for _, w := range list {
		if w.Account.Name == "" || w.Account.ID != w.Key.Account {
			t.Errorf("%s is of %+v", w.Key.Name, w.Account)
		}
		names = append(names, w.Key.Name)
	}
	return names
}

// waitingKeys: an exposed key waits until a rotation has ended that secret, an owner has said why it works, or the key has ended. Each write
// may be repeated, and a key may be blocked and exposed at once.
func waitingKeys(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	k := s.NewKey(t, a)
	steps := []struct {
		name string
		do   func(*apikey.Key)
		want string
	}{
		{"key.edit", func(k *apikey.Key) { k.Name = "Shop" }, "0 0 0 []"},
		{"key.expose", func(k *apikey.Key) {
			k.Current.Exposed = apikey.Exposure{At: Now, By: apikey.ReportedByAnybody}
		}, "0 1 0 [Shop]"},
		{"key.block", func(k *apikey.Key) { k.Blocked = &apikey.Block{Reason: "abuse", At: Now, By: "operator"} }, "1 1 0 [Shop Shop]"},
		{"key.expose", func(k *apikey.Key) {
			k.Current.Exposed.By, k.Current.Exposed.RefusedAt = apikey.ReportedByGitHub, Now.Add(time.Second)
		}, "1 1 0 [Shop Shop]"},
		{"key.unblock", func(k *apikey.Key) { k.Blocked = nil }, "0 1 0 [Shop]"},
		{"key.lift_exposure", func(k *apikey.Key) {
			k.Current.Exposed.LiftedAt, k.Current.Exposed.LiftReason = Now.Add(time.Minute), "A sample."
		}, "0 0 0 []"},
		{"key.rotate", func(k *apikey.Key) {
			old := k.Current
			old.Exposed = apikey.Exposure{At: Now.Add(time.Hour), By: apikey.ReportedByOperator}
			k.Outgoing, k.Current = &apikey.Outgoing{StoredSecret: old, EndsAt: Now.Add(2 * time.Hour)}, StoredSecret("fresh")
		}, "0 1 0 [Shop]"},
		{"key.delete", func(k *apikey.Key) { k.DeletedAt = Now.Add(time.Hour) }, "0 0 0 []"},
		{"key.restore", func(k *apikey.Key) { k.DeletedAt = time.Time{} }, "0 1 0 [Shop]"},
		{"key.end_rotation", func(k *apikey.Key) {
			k.Retired = append(k.Retired, apikey.Retired{Hash: k.Outgoing.Hash, EndedAt: Now})
			k.Outgoing = nil
		}, "0 0 0 []"},
		{"key.expose", func(k *apikey.Key) {
			k.Current.Exposed = apikey.Exposure{At: Now, By: apikey.ReportedByOperator}
		}, "0 1 0 [Shop]"},
		{"key.revoke", func(k *apikey.Key) { k.RevokedAt = Now }, "0 0 0 []"},
	}
	for _, step := range steps {
		after, err := s.Edit(t.Context(), k, step.name, step.do)
		if err != nil {
			t.Fatal(step.name, err)
		}
		k = after
		if got := s.waits(t, Now, 10); got != step.want {
			t.Errorf("%s: %s, want %s", step.name, got, step.want)
		}
		if out := k.Outgoing; out != nil { // a secret that has ended opens nothing, also before the rotator has looked at it
			if got := s.waits(t, out.EndsAt, 10); got != "0 0 0 []" {
				t.Errorf("%s: at the end of the rotation: %s", step.name, got)
			}
		}
		if left, want := s.indexed(t, "EXPOSED"), strings.Count(step.want, " 1 0 "); left != want {
			t.Errorf("%s: %d items are indexed, want %d", step.name, left, want)
		}
	}
}

// indexed counts the items with a sort key: what ended and is still there would be read each time, and passed over.
func (s Stores) indexed(t *testing.T, sk string) (n int) {
	t.Helper()
	for _, item := range s.Items(t, s.Tables.Control) {
		if one, _ := dynamo.GetS(item, "sk"); one == sk {
			n++
		}
	}
	return n
}

// waitingAccounts: a suspended account waits until it is resumed or closed, or until its suspension ends, when nothing is written.
func waitingAccounts(t *testing.T, s Stores) {
	suspend := func(a account.Account, until, at time.Time) account.Account {
		after := a
		after.Suspended = account.Suspension{Reason: "Abuse.", At: at, Until: until}
		if at.IsZero() {
			after.Suspended = account.Suspension{}
		}
		after, err := s.Control.UpdateAccount(t.Context(), a, after, Row(a.ID, "account.suspend", ""))
		if err != nil {
			t.Fatal(err)
		}
		return after
	}
	want := func(step string, now time.Time, want string) {
		t.Helper()
		if got := s.waits(t, now, 2); got != "0 0 "+want {
			t.Errorf("%s: %s, want %s", step, got, want)
		}
	}
	named := func(name string) account.Account {
		return s.NewAccount(t, func(a *account.Account) { a.Name = name })
	}
	one, two, three := named("One"), named("Two"), named("Three")
	one = suspend(one, Now.Add(time.Hour), Now)
	two = suspend(two, time.Time{}, Now)
	want("two", Now, "2 [Two One]")
	want("before the end", Now.Add(time.Hour-time.Millisecond), "2 [Two One]")
	want("at the end", Now.Add(time.Hour), "1 [Two]")
	if got := s.waits(t, Now.Add(time.Hour), 1); got != "0 0 1 [Two]" { // nor is it counted behind those that are read
		t.Errorf("at the end, the last one: %s", got)
	}
	three = suspend(three, time.Time{}, Now.Add(time.Minute))
	want("three", Now, "3 [Three Two]")
	suspend(one, Now.Add(2*time.Hour), Now.Add(time.Minute))
	want("another end", Now.Add(time.Hour), "3 [Three Two]")
	two = suspend(two, time.Time{}, time.Time{})
	want("resumed", Now, "2 [Three One]")
	suspend(two, time.Time{}, time.Time{})
	want("resumed again", Now, "2 [Three One]")
	_, err := s.CloseAccount(t.Context(), three.ID)
	must(t, err)
	want("closed", Now, "1 [One]")
	if left := s.indexed(t, "SUSPENDED"); left != 1 {
		t.Errorf("%d items are indexed, want one", left)
	}
}
