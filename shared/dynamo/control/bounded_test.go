package control_test

import (
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// TestAPageReadsNoMoreThanItLooksAt: what is read is paid for. However many records a page is asked for, and
// however long the pages are in which DynamoDB gives them, a list that leaves all of them out reads one more than it looks at.
func TestAPageReadsNoMoreThanItLooksAt(t *testing.T) {
	s := keytest.LongStores(t)
	k := s.NewKey(t, s.NewAccount(t))
	s.NewKeys(t, k, control.MostLooked+99)
	memory := s.DB.(*keytest.Memory)
	nothing := func(apikey.Key) bool { return false }
	for _, page := range []int{0, 40, 170, control.MostLooked - 1, control.MostLooked, control.MostLooked + 1} {
		for _, limit := range []int{0, 1, 400, control.MostLooked} {
			memory.PageSize = page
			counted := &keytest.Counting{DB: s.DB}
			found, err := keytest.NewStores(counted, s.Tables).Control.Keys(t.Context(), k.Account, control.KeyQuery{Limit: limit, Match: nothing})
			if err != nil || len(found.Keys) != 0 || found.Next == "" || counted.Read() != control.MostLooked+1 {
				t.Errorf("in pages of %d, asked for %d: %d read, %d found, next %q, %v", page, limit, counted.Read(), len(found.Keys), found.Next, err)
			}
		}
	}
}

// TestARecordThatCantBeReadIsOneThatWasLookedAt: a page leaves it out, and says all the same that there is a next one. Whatever the pages, every
// other key is found once.
func TestARecordThatCantBeReadIsOneThatWasLookedAt(t *testing.T) {
	s := keytest.LongStores(t)
	k := s.NewKey(t, s.NewAccount(t))
	s.NewKeys(t, k, control.MostLooked+99)
	want := control.MostLooked + 100
	for n, item := range s.Items(t, s.Tables.Control) {
		if kind, _ := dynamo.GetS(item, "kind"); kind == "key" && n%7 == 0 {
			item["v"] = dynamo.N(99)
			s.Put(t, s.Tables.Control, item)
			want--
		}
	}
	if want > control.MostLooked-1 {
		t.Fatal("nothing was damaged")
	}
	for _, limit := range []int{0, 400, control.MostLooked} {
		found, after := map[apikey.ID]int{}, apikey.ID("")
		for pages := 1; ; pages++ {
			page, err := s.Control.Keys(t.Context(), k.Account, control.KeyQuery{After: after, Limit: limit})
			if err != nil || pages > 9 {
				t.Fatalf("asked for %d, page %d: %v", limit, pages, err)
			}
			for _, k := range page.Keys {
				found[k.ID]++
			}
			if after = page.Next; after == "" {
				break
			}
		}
		if len(found) != want {
			t.Errorf("asked for %d at a time: %d of %d keys are found", limit, len(found), want)
		}
	}
}

// TestASearchReadsABoundedPart of all accounts for each page, also one that finds nothing: so many accounts, and at most 500 more keys than it
// looks at.
func TestASearchReadsABoundedPart(t *testing.T) {
	s := keytest.LongStores(t)
	for range control.MostSearched + 9 {
		s.NewAccount(t)
	}
	nothing := func(apikey.Key) bool { return false }
	read := func(after string) (control.MatchPage[apikey.Key], int, int) {
		t.Helper()
		counted := &keytest.Counting{DB: s.DB}
		page, err := keytest.NewStores(counted, s.Tables).Control.SearchKeys(t.Context(), nothing, after, 10)
		if err != nil {
			t.Fatal(err)
		}
		return page, counted.Calls(), counted.Read()
	}
	page, calls, items := read("")
	if page.Next == "" || page.Looked.Accounts != control.MostSearched || calls > control.MostSearched+5 || items > control.MostSearched+5 {
		t.Errorf("accounts without keys: %+v after %d calls that read %d", page, calls, items)
	}
	if page, _, _ := read(page.Next); page.Next != "" || page.Looked.Accounts != control.MostSearched+9 {
		t.Errorf("behind them: %+v", page)
	}
	for range 12 {
		a := s.NewAccount(t, func(a *account.Account) { a.Name = "0 before all others" })
		s.NewKeys(t, s.NewKey(t, a), control.MostLooked/4)
	}
	for after, n := "", 0; n < 3; n++ {
		page, calls, items := read(after)
		if page.Looked.Records != (n+1)*control.MostLooked || calls > 40 || items > control.MostLooked+500+control.MostSearched+5 {
			t.Errorf("page %d: %+v after %d calls that read %d", n, page, calls, items)
		}
		after = page.Next
	}
}
