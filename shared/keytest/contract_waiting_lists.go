package keytest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
)

// waitingKeys are the names of the keys of a list, read in pages of so many.
func (s Stores) waitingKeys(t *testing.T, size int, read func(after string) (control.WaitingPage, error)) (keys []string) {
	t.Helper()
	for next := ""; ; {
		page, err := read(next)
		must(t, err)
		if len(page.Keys) > size {
			t.Errorf("%d keys in a page of %d", len(page.Keys), size)
		}
		keys = append(keys, s.keyNames(t, page.Keys)...)
		if next = page.Next; next == "" {
			return keys
		}
	}
}

// waitingLists are the names in the lists of blocked keys, of exposed keys and of suspended accounts, read in pages of so many.
func (s Stores) waitingLists(t *testing.T, now time.Time, size int) (blocked, exposed, accounts []string) {
	t.Helper()
	blocked = s.waitingKeys(t, size, func(after string) (control.WaitingPage, error) {
		return s.Control.BlockedKeys(t.Context(), after, size)
	})
	exposed = s.waitingKeys(t, size, func(after string) (control.WaitingPage, error) {
		return s.Control.ExposedKeys(t.Context(), now, after, size)
	})
	for next := ""; ; {
		page, err := s.Control.SuspendedAccounts(t.Context(), now, next, size)
		must(t, err)
		if len(page.Accounts) > size {
			t.Errorf("%d accounts in a page of %d", len(page.Accounts), size)
		}
		for _, a := range page.Accounts {
			accounts = append(accounts, a.Name)
		}
		if next = page.Next; next == "" {
			return blocked, exposed, accounts
		}
	}
}

// waitingInPages: pages of any size have each blocked or exposed key and suspended account once, in the overview's order; what waits no longer and is still
// in the index is in no list, and hides nothing.
func waitingInPages(t *testing.T, s Stores) {
	const n = 7
	var keys, accounts []string
	for i := range n {
		a := s.NewAccount(t, func(a *account.Account) { a.Name = fmt.Sprint("A", i) })
		after := a
		after.Suspended = account.Suspension{Reason: "Abuse.", At: Now, Until: Now.Add(time.Duration(n-i) * time.Hour)}
		_, err := s.Control.UpdateAccount(t.Context(), a, after, Row(a.ID, "account.suspend", ""))
		must(t, err)
		at := Now.Add(-time.Duration(i) * time.Hour)
		s.exposedAndBlocked(t, a, fmt.Sprint("K", i), at)
		keys, accounts = append(keys, fmt.Sprint("K", i)), append(accounts, a.Name)
	}
	other := s.NewAccount(t)
	fine := s.NewKey(t, other)
	lifted := s.exposedAndBlocked(t, other, "Lifted", Now)
	indexed := s.stored(t, "K#"+string(lifted.ID), "KEY")
	_, err := s.Edit(t.Context(), lifted, "key.unblock", func(k *apikey.Key) { k.Blocked, k.Current.Exposed = nil, apikey.Exposure{} })
	must(t, err)
	s.Put(t, s.Tables.Control, indexed)
	put := func(pk, sk, gsk string) {
		item := itemOf(pk, sk)
		item["account"], item["gpk"], item["gsk"] = dynamo.S(string(other.ID)), dynamo.S(sk), dynamo.S(gsk)
		s.Put(t, s.Tables.Control, item)
	}
	put("A#"+string(other.ID), "SUSPENDED", "9999-12-31T23:59:59.999Z#~")
	put("K#"+string(fine.ID), "EXPOSED", "9999#~")
	put("K#key_gone_too", "BLOCKED", "9999#~")
	put("K#key_gone", "EXPOSED", "9999#~~")
	for _, size := range []int{1, 2, 3, n, 100} {
		gotBlocked, gotExposed, gotAccounts := s.waitingLists(t, Now, size)
		if !slices.Equal(gotBlocked, keys) || !slices.Equal(gotExposed, keys) || !slices.Equal(gotAccounts, accounts) {
			t.Errorf("in pages of %d: %q, %q, %q", size, gotBlocked, gotExposed, gotAccounts)
		}
	}
}

// endedBetweenPages: a suspension that ends after the page that it was the last of is no wrong place to go on from.
func endedBetweenPages(t *testing.T, s Stores) {
	for i := range 3 {
		a := s.NewAccount(t, func(a *account.Account) { a.Name = fmt.Sprint("A", i) })
		after := a
		after.Suspended = account.Suspension{Reason: "Abuse.", At: Now, Until: Now.Add(time.Duration(i+1) * time.Hour)}
		_, err := s.Control.UpdateAccount(t.Context(), a, after, Row(a.ID, "account.suspend", ""))
		must(t, err)
	}
	first, err := s.Control.SuspendedAccounts(t.Context(), Now, "", 2)
	must(t, err)
	for later, want := range map[time.Duration]int{0: 1, time.Hour: 0, 2 * time.Hour: 0, 9 * time.Hour: 0} {
		page, err := s.Control.SuspendedAccounts(t.Context(), Now.Add(later), first.Next, 2)
		if err != nil || len(page.Accounts) != want || page.Next != "" {
			t.Errorf("%v later: %+v, %v; want %d", later, page, err, want)
		}
	}
}

// unreadableInPages: a record that can't be read is left out and reported, and what is behind it is listed. A key stays in its list where its account
// can't be read.
func unreadableInPages(t *testing.T, s Stores) {
	var made []account.Account
	for i := range 4 {
		a := s.suspend(t, s.NewAccount(t, func(a *account.Account) { a.Name = fmt.Sprint("A", i) }))
		k := s.exposedAndBlocked(t, a, fmt.Sprint("K", i), Now.Add(-time.Duration(i)*time.Hour))
		if i == 1 {
			s.spoilAt(t, "A#"+string(a.ID), "KEY#"+string(k.ID))
		}
		made = append(made, a)
	}
	s.spoilAt(t, "A#"+string(made[2].ID), "ACCOUNT")
	exposed, err := s.Control.ExposedKeys(t.Context(), Now, "", 100)
	must(t, err)
	blocked, err := s.Control.BlockedKeys(t.Context(), "", 100)
	must(t, err)
	for _, page := range []control.WaitingPage{exposed, blocked} {
		var names []string
		for _, w := range page.Keys {
			names = append(names, w.Key.Name+" "+w.Account.Name)
			if w.Account.ID != w.Key.Account {
				t.Errorf("%s is of %s", w.Key.Name, w.Account.ID)
			}
		}
		if want := []string{"K0 A0", "K2 ", "K3 A3"}; !slices.Equal(names, want) {
			t.Errorf("%q, want %q", names, want)
		}
	}
	accounts, err := s.Control.SuspendedAccounts(t.Context(), Now, "", 100)
	must(t, err)
	if len(accounts.Accounts) != 3 {
		t.Errorf("%d accounts, want 3", len(accounts.Accounts))
	}
}

// spoilAt makes a record unreadable.
func (s Stores) spoilAt(t *testing.T, pk, sk string) {
	t.Helper()
	item := s.stored(t, pk, sk)
	item["created_at"] = dynamo.S("soon")
	s.Put(t, s.Tables.Control, item)
}
