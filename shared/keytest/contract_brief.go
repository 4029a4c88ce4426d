package keytest

import (
	"slices"
	"testing"

	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
)

// keysInBrief: an account's keys that aren't deleted, from either end, with their labels, as far as one page looks; and some of them
// by their IDs, in whatever order.
func keysInBrief(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	first := s.NewKey(t, a)
	labelled := s.NewKey(t, a, func(k *apikey.Key) { k.Labels = []string{"web", "beta"} })
	s.NewKey(t, a, func(k *apikey.Key) { k.DeletedAt = Now })
	damaged := s.NewKey(t, a)
	for _, item := range s.Items(t, s.Tables.Control) {
		if sk, _ := dynamo.GetS(item, "sk"); sk == "KEY#"+string(damaged.ID) {
			item["created_at"] = dynamo.S("damaged")
			s.Put(t, s.Tables.Control, item)
		}
	}
	foreign := s.NewKey(t, s.NewAccount(t))
	want := []apikey.ID{first.ID, labelled.ID, damaged.ID}
	for _, newest := range []bool{false, true} {
		page, err := s.Control.KeysInBrief(t.Context(), a.ID, newest)
		must(t, err)
		var got []apikey.ID
		for _, k := range page.Keys {
			got = append(got, k.ID)
			if labels := map[apikey.ID][]string{labelled.ID: labelled.Labels}[k.ID]; !slices.Equal(k.Labels, labels) {
				t.Errorf("%s has the labels %q, want %q", k.ID, k.Labels, labels)
			}
		}
		if !slices.Equal(got, want) || page.Next != "" {
			t.Fatalf("newest first %v: %q, next %q, want %q", newest, got, page.Next, want)
		}
		slices.Reverse(want)
	}
	keys, err := s.Control.KeysByID(t.Context(), a.ID, labelled.ID, foreign.ID, damaged.ID, first.ID, labelled.ID)
	must(t, err)
	if len(keys) != 2 || keys[0].ID != labelled.ID || keys[1].ID != first.ID {
		t.Fatalf("by their IDs: %+v", keys)
	}
	const more = 10
	last := s.NewKeys(t, first, control.MostLooked+more)
	for _, newest := range []bool{false, true} {
		page, err := s.Control.KeysInBrief(t.Context(), a.ID, newest)
		must(t, err)
		begin := map[bool]apikey.ID{false: first.ID, true: last}[newest]
		if page.Keys[0].ID != begin || page.Next != page.Keys[len(page.Keys)-1].ID || len(page.Keys) != map[bool]int{false: control.MostLooked - 1, true: control.MostLooked}[newest] {
			t.Fatalf("newest first %v: %d keys from %s, next %q", newest, len(page.Keys), page.Keys[0].ID, page.Next)
		}
	}
}
