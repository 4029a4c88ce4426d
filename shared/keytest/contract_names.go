package keytest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
)

// byName reads a list by name in pages, and gives the IDs in their order.
func (s Stores) byName(t *testing.T, a account.ID, want control.NameQuery) (ids []apikey.ID) {
	t.Helper()
	for range 100 {
		page, err := s.Control.KeysByName(t.Context(), a, want)
		must(t, err)
		if len(page.Keys) > want.Limit {
			t.Errorf("%d keys in a page of %d", len(page.Keys), want.Limit)
		}
		for _, k := range page.Keys {
			ids = append(ids, k.ID)
		}
		if want.After = page.Next; want.After == "" {
			return ids
		}
	}
	t.Fatal("the list has no end")
	return nil
}

// placed are the IDs of keys in the order of their places by name.
func placed(keys ...apikey.Key) (ids []apikey.ID) {
	slices.SortFunc(keys, func(a, b apikey.Key) int { return strings.Compare(a.PlaceByName(), b.PlaceByName()) })
	for _, k := range keys {
		ids = append(ids, k.ID)
	}
	return ids
}

// wantByName compares the list with these keys, both ways, in pages of several sizes.
func (s Stores) wantByName(t *testing.T, what string, a account.ID, deleted bool, keys ...apikey.Key) {
	t.Helper()
	want := placed(keys...)
	for _, last := range []bool{false, true} {
		for _, size := range []int{1, 2, 3, 100} {
			if got := s.byName(t, a, control.NameQuery{Limit: size, Last: last, Deleted: deleted}); !slices.Equal(got, want) {
				t.Errorf("%s, from the last %v, in pages of %d: %q, want %q", what, last, size, got, want)
			}
		}
		slices.Reverse(want)
	}
}

// namesListed: in any case, equal ones by ID, whatever letters they have, both ways; a name that has changed is at its new place alone. A deleted
// key stays in the index until it is purged.
func namesListed(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	var keys []apikey.Key
	for _, name := range []string{
		"shop", "Shop", "shop!", "Shop #2", "shop\u00a0x", "Äpfel", "İstanbul", "Ωmega", "ω", "日本", "a", "Z", strings.Repeat("𐐀", apikey.MaxNameRunes), strings.Repeat("\u1e9e", apikey.MaxNameRunes),
	} {
		keys = append(keys, s.NewKey(t, a, func(k *apikey.Key) { k.Name = name }))
	}
	s.NewKey(t, s.NewAccount(t)) // another account's is never listed
	s.wantByName(t, "new", a.ID, false, slices.Clone(keys)...)
	edit := func(i int, action string, change func(*apikey.Key)) {
		t.Helper()
		after, err := s.Edit(t.Context(), keys[i], action, change)
		must(t, err)
		keys[i] = after
	}
	edit(0, "key.edit", func(k *apikey.Key) { k.Name = "zebra" })
	edit(1, "key.edit", func(k *apikey.Key) { k.Name = "SHOP" })
	edit(2, "key.disable", func(k *apikey.Key) { k.Disabled = true })
	s.wantByName(t, "renamed", a.ID, false, slices.Clone(keys)...)
	edit(3, "key.delete", func(k *apikey.Key) { k.DeletedAt = Now })
	s.wantByName(t, "one deleted", a.ID, false, slices.Delete(slices.Clone(keys), 3, 4)...)
	s.wantByName(t, "deleted ones too", a.ID, true, slices.Clone(keys)...)
	edit(3, "key.restore", func(k *apikey.Key) { k.DeletedAt = time.Time{} })
	s.wantByName(t, "restored", a.ID, false, slices.Clone(keys)...)
	edit(3, "key.delete", func(k *apikey.Key) { k.DeletedAt = Now })
	must(t, s.Control.Purge(t.Context(), keys[3], Row(a.ID, "key.purge", keys[3].ID)))
	s.wantByName(t, "purged", a.ID, true, slices.Delete(slices.Clone(keys), 3, 4)...)
	want := []apikey.ID{keys[2].ID}
	if got := s.byName(t, a.ID, control.NameQuery{Limit: 2, Match: func(k apikey.Key) bool { return k.Disabled }}); !slices.Equal(got, want) {
		t.Errorf("disabled ones: %q, want %q", got, want)
	}
}

// namesBounded: one page looks at so many keys, or at as many as it is told, from either end, and the next one goes on there.
func namesBounded(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	first := s.NewKey(t, a)
	last := s.NewKeys(t, first, control.MostLooked+9) // of one name, so in the order of their IDs
	for _, backward := range []bool{false, true} {
		far := last
		if backward {
			far = first.ID
		}
		for _, look := range []int{0, 100, 150} {
			looked := 0
			want := control.NameQuery{Limit: 5, Last: backward, Look: look, Match: func(k apikey.Key) bool { looked++; return k.ID == far }}
			page, err := s.Control.KeysByName(t.Context(), a.ID, want)
			must(t, err)
			if most := map[int]int{0: control.MostLooked / 2}[look] + look; len(page.Keys) != 0 || page.Next == "" || looked != most {
				t.Fatalf("backward %v, look %d: %d keys, next %q, looked at %d", backward, look, len(page.Keys), page.Next, looked)
			}
			if got := s.byName(t, a.ID, want); !slices.Equal(got, []apikey.ID{far}) {
				t.Errorf("backward %v, look %d: %q", backward, look, got)
			}
		}
	}
	all := s.byName(t, a.ID, control.NameQuery{Limit: 100})
	if n := len(all); n != control.MostLooked+10 || !slices.IsSorted(all) || len(slices.Compact(all)) != n {
		t.Errorf("%d keys, in order %v", n, slices.IsSorted(all))
	}
}

// unplace drops a key's place by name, as a release does that doesn't know it.
func (s Stores) unplace(t *testing.T, k apikey.Key) {
	t.Helper()
	item := s.stored(t, "A#"+string(k.Account), "KEY#"+string(k.ID))
	delete(item, "npk")
	delete(item, "nsk")
	s.Put(t, s.Tables.Control, item)
}

// namesOfEarlierReleases: the comparison of the tables gives keys of earlier releases their places, and those that have another than their
// name, and changes nothing else of them; where there is nothing to do it neither writes nor reads more.
func namesOfEarlierReleases(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	old, wrong, fine := s.NewKey(t, a), s.NewKey(t, a), s.NewKey(t, a)
	was := s.stored(t, "A#"+string(a.ID), "KEY#"+string(old.ID))
	s.unplace(t, old)
	item := s.stored(t, "A#"+string(a.ID), "KEY#"+string(wrong.ID))
	item["nsk"] = dynamo.S("elsewhere\x00" + string(wrong.ID))
	s.Put(t, s.Tables.Control, item)
	s.wantByName(t, "before", a.ID, false, fine)
	var calls []map[string]int
	for range 2 {
		made := map[string]int{}
		s.With(func(call string, _ int) Fault { made[call]++; return NoFault }).calm(t, a.ID)
		calls = append(calls, made)
	}
	s.wantByName(t, "after", a.ID, false, old, wrong, fine)
	if now := s.stored(t, "A#"+string(a.ID), "KEY#"+string(old.ID)); !reflect.DeepEqual(now, was) {
		t.Errorf("the record is %v, and was %v", now, was)
	}
	if calls[0]["TransactWriteItems"] != 2 || calls[1]["TransactWriteItems"] != 0 {
		t.Errorf("calls %v", calls)
	}
	if delete(calls[0], "TransactWriteItems"); !reflect.DeepEqual(calls[0], calls[1]) {
		t.Errorf("the comparison that writes places reads more: %v", calls)
	}
}

// namedMeanwhile: a key that is renamed while the comparison gives it its place has the place of its new name.
func namedMeanwhile(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	k := s.NewKey(t, a)
	s.unplace(t, k)
	renamed := false
	s.With(func(call string, _ int) Fault {
		if call == "TransactWriteItems" && !renamed {
			renamed = true
			var err error
			k, err = s.Edit(context.Background(), k, "key.edit", func(k *apikey.Key) { k.Name = "Another" })
			must(t, err)
		}
		return NoFault
	}).calm(t)
	if !renamed {
		t.Error("nothing was written")
	}
	s.wantByName(t, "renamed meanwhile", a.ID, false, k)
}

// namesUnreadable: a record that can't be read is left out and reported, and what is behind it is listed.
func namesUnreadable(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	var keys []apikey.Key
	for i := range 5 {
		keys = append(keys, s.NewKey(t, a, func(k *apikey.Key) { k.Name = fmt.Sprint("K", i) }))
	}
	s.spoilAt(t, "A#"+string(a.ID), "KEY#"+string(keys[1].ID))
	var told []string
	s.Control = s.Control.Reporting(func(_ context.Context, u control.Unreadable) { told = append(told, u.Item) })
	got := s.byName(t, a.ID, control.NameQuery{Limit: 2})
	if want := []apikey.ID{keys[0].ID, keys[2].ID, keys[3].ID, keys[4].ID}; !slices.Equal(got, want) || !slices.Equal(told, []string{string(keys[1].ID)}) {
		t.Errorf("%q, reported %q", got, told)
	}
}
