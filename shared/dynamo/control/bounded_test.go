package control_test

import (
	"testing"

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
