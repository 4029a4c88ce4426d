package apikey_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"latchkey/shared/apikey"
)

// TestKeysAreOrderedByNameInAnyCase, a name before what begins with it, and equal names by their IDs.
func TestKeysAreOrderedByNameInAnyCase(t *testing.T) {
	want := []apikey.Key{{Name: "A", ID: "key_2"}, {Name: "a", ID: "key_3"}, {Name: "a!", ID: "key_1"}, {Name: "Ab", ID: "key_1"}, {Name: "Ä", ID: "key_1"}}
	got := slices.SortedFunc(slices.Values([]apikey.Key{want[4], want[2], want[1], want[3], want[0]}), func(a, b apikey.Key) int {
		return strings.Compare(a.PlaceByName(), b.PlaceByName())
	})
	for i := range want {
		if got[i].Name != want[i].Name || got[i].ID != want[i].ID {
			t.Errorf("%d: %s %s, want %s %s", i, got[i].Name, got[i].ID, want[i].Name, want[i].ID)
		}
	}
}

// TestAPlaceByNameFitsASortKey of DynamoDB, 1,024 bytes, whatever letters the name has, and is text.
func TestAPlaceByNameFitsASortKey(t *testing.T) {
	const id = "key_01ARZ3NDEKTSV4RRFFQ69G5FAV"
	for _, letter := range []string{"x", "Ⱥ", "𐐀", "İ", "\u1e9e", "語"} {
		for _, n := range []int{1, apikey.MaxNameRunes, 5000} {
			place := apikey.Key{Name: strings.Repeat(letter, n), ID: id}.PlaceByName()
			if name, end, _ := strings.Cut(place, "\x00"); len(place) > 1024 || !utf8.ValidString(place) || end != id || utf8.RuneCountInString(name) != min(n, apikey.MaxNameRunes) {
				t.Errorf("%d times %q: %d bytes, %q", n, letter, len(place), place)
			}
		}
	}
}
