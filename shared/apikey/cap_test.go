package apikey_test

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"latchkey/shared/apikey"
	"latchkey/shared/product"
)

// TestTheCapsOfAKeyAreAMap of groups to numbers: whatever was set in whichever order, equal ones make equal lists, and a list that was
// given away doesn't change.
func TestTheCapsOfAKeyAreAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := map[product.Group]int64{}
		var caps apikey.Caps
		for range rapid.IntRange(0, 12).Draw(t, "changes") {
			one := apikey.Cap{Group: rapid.SampledFrom([]product.Group{"maps", "tiles", product.Other}).Draw(t, "group"), Day: rapid.Int64Range(0, 2).Draw(t, "day")}
			before := slices.Clone(caps)
			next := caps.With(one)
			if !slices.Equal(caps, before) {
				t.Fatalf("%v became %v", before, caps)
			}
			caps = next
			if want[one.Group] = one.Day; one.Day == 0 {
				delete(want, one.Group)
			}
		}
		var again apikey.Caps
		for group, day := range want {
			again = again.With(apikey.Cap{Group: group, Day: day})
			if got := caps.Of(group); got != day {
				t.Fatalf("%v has %d of %s, want %d", caps, got, group, day)
			}
		}
		if !reflect.DeepEqual(caps, again) || caps.Of("gone") != 0 {
			t.Fatalf("%#v, want %#v", caps, again)
		}
	})
}
