package keytest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
)

// searched are the names of a search's matches, read in pages of so many, and what it looked at.
func searched[T any](t *testing.T, size int, page func(after string) (control.MatchPage[T], error), name func(control.Match[T]) string) (names []string, looked control.Looked) {
	t.Helper()
	for after, n := "", 0; ; n++ {
		p, err := page(after)
		must(t, err)
		if n > 100 {
			t.Fatal("it has no end")
		}
		if len(p.Matches) > size {
			t.Errorf("%d matches in a page of %d", len(p.Matches), size)
		}
		for _, m := range p.Matches {
			names = append(names, name(m))
		}
		if p.Looked.Accounts < looked.Accounts || p.Looked.Records < looked.Records {
			t.Errorf("%+v were looked at, and then %+v", looked, p.Looked)
		}
		looked = p.Looked
		if after = p.Next; after == "" {
			return names, looked
		}
	}
}

func (s Stores) searchedKeys(t *testing.T, size int, match func(apikey.Key) bool) ([]string, control.Looked) {
	t.Helper()
	return searched(t, size, func(after string) (control.MatchPage[apikey.Key], error) {
		return s.Control.SearchKeys(t.Context(), match, after, size)
	}, func(m control.Match[apikey.Key]) string {
		if m.Account.ID != m.Record.Account {
			t.Errorf("%s is of %s", m.Record.Name, m.Account.ID)
		}
		return m.Account.Name + "/" + m.Record.Name
	})
}

// crowd makes accounts with so many keys each, and names all of these in the order of a search.
func (s Stores) searchCrowd(t *testing.T, keys ...int) (names []string) {
	t.Helper()
	for i, n := range keys {
		a := s.NewAccount(t, func(a *account.Account) { a.Name = fmt.Sprintf("A%02d", i) })
		for j := range n {
			k := s.NewKey(t, a, func(k *apikey.Key) {
				k.Name = fmt.Sprintf("K%03d", j)
				if j == 1 {
					k.DeletedAt = Now
				}
			})
			names = append(names, a.Name+"/"+k.Name)
		}
	}
	return names
}

// searchesInPages: pages of any size have each match once, of accounts by name and keys by ID, deleted ones too, and count each account and each
// record once.
func searchesInPages(t *testing.T, s Stores) {
	names := s.searchCrowd(t, 3, 0, 1, 7, 0, 2)
	odd := func(k apikey.Key) bool { return strings.HasSuffix(k.Name, "1") || strings.HasSuffix(k.Name, "5") }
	var odds []string
	for _, name := range names {
		if odd(apikey.Key{Name: name}) {
			odds = append(odds, name)
		}
	}
	for _, size := range []int{1, 2, 3, len(names), 100} {
		got, looked := s.searchedKeys(t, size, func(apikey.Key) bool { return true })
		if !slices.Equal(got, names) || looked != (control.Looked{Accounts: 6, Records: len(names)}) {
			t.Errorf("in pages of %d: %q, %+v", size, got, looked)
		}
		if got, looked := s.searchedKeys(t, size, odd); !slices.Equal(got, odds) || looked != (control.Looked{Accounts: 6, Records: len(names)}) {
			t.Errorf("some in pages of %d: %q, %+v", size, got, looked)
		}
	}
	for _, bad := range []string{"x", "\n\n\n\n", "1\nx\n\n\n"} {
		if _, err := s.Control.SearchKeys(t.Context(), odd, bad, 1); err == nil {
			t.Errorf("%q is a place", bad)
		}
	}
}

// searchesOnWithoutWhatCantBeRead: neither a key nor an account that can't be read ends a search, or hides the keys beside it.
func searchesOnWithoutWhatCantBeRead(t *testing.T, s Stores) {
	names := s.searchCrowd(t, 2, 2, 2)
	page, err := s.Control.SearchKeys(t.Context(), func(apikey.Key) bool { return true }, "", 100)
	must(t, err)
	s.spoilAt(t, "A#"+string(page.Matches[1].Account.ID), "KEY#"+string(page.Matches[1].Record.ID))
	s.spoilAt(t, "A#"+string(page.Matches[3].Account.ID), "ACCOUNT")
	want := []string{names[0], "/K000", "/K001", names[4], names[5]}
	for _, size := range []int{1, 2, 100} {
		if got, looked := s.searchedKeys(t, size, func(apikey.Key) bool { return true }); !slices.Equal(got, want) || looked.Records != 6 {
			t.Errorf("in pages of %d: %q, %+v, want %q", size, got, looked, want)
		}
	}
}

// searchesForMembers as it does for keys.
func searchesForMembers(t *testing.T, s Stores) {
	var want []string
	for i := range 3 {
		a := s.NewAccount(t, func(a *account.Account) { a.Name = fmt.Sprint("A", i) })
		for _, name := range []string{"kari", "ola"} {
			_, err := s.Control.PutMember(t.Context(), nil, Member(a.ID, name, account.Viewer), Subject("owner"), Row(a.ID, "member.add", ""))
			must(t, err)
		}
		want = append(want, a.Name+"/kari@example.com")
	}
	for _, size := range []int{1, 2, 100} {
		got, looked := searched(t, size, func(after string) (control.MatchPage[account.Member], error) {
			return s.Control.SearchMembers(t.Context(), func(m account.Member) bool { return strings.HasPrefix(m.Email, "kari@") }, after, size)
		}, func(m control.Match[account.Member]) string { return m.Account.Name + "/" + m.Record.Email })
		if !slices.Equal(got, want) || looked != (control.Looked{Accounts: 3, Records: 9}) { // each has its owner
			t.Errorf("in pages of %d: %q, %+v, want %q", size, got, looked, want)
		}
	}
}

// searchesWithinALongAccount: an account of more keys than one page looks at, or than are read at once, is gone through in parts.
func searchesWithinALongAccount(t *testing.T, s Stores) {
	first := s.NewAccount(t, func(a *account.Account) { a.Name = "A" })
	s.NewKeys(t, s.NewKey(t, first, func(k *apikey.Key) { k.Name = "first" }), control.MostLooked+150)
	s.NewKey(t, s.NewAccount(t, func(a *account.Account) { a.Name = "B" }), func(k *apikey.Key) { k.Name = "last" })
	last := func(k apikey.Key) bool { return k.Name == "last" }
	page, err := s.Control.SearchKeys(t.Context(), last, "", 1)
	must(t, err)
	if page.Next == "" || len(page.Matches) != 0 || page.Looked != (control.Looked{Accounts: 1, Records: control.MostLooked}) {
		t.Errorf("the first page: %+v", page)
	}
	page, err = s.Control.SearchKeys(t.Context(), last, page.Next, 1)
	must(t, err)
	if page.Next != "" || len(page.Matches) != 1 || page.Looked != (control.Looked{Accounts: 2, Records: control.MostLooked + 152}) {
		t.Errorf("the second page: %+v", page)
	}
}
