package account_test

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/account"
)

// TestTheLimitsOfAnAccountAreAMap of classes to numbers: whatever was set in whichever order, equal ones make equal lists, and
// a list that was given away doesn't change.
func TestTheLimitsOfAnAccountAreAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := map[string]int{}
		var limits account.Limits
		for range rapid.IntRange(0, 12).Draw(t, "changes") {
			class, qps := rapid.SampledFrom([]string{"a", "a.x", "b", "c"}).Draw(t, "class"), rapid.IntRange(0, 3).Draw(t, "qps")
			before := slices.Clone(limits)
			next := limits.With(class, qps)
			if !slices.Equal(limits, before) {
				t.Fatalf("%v became %v", before, limits)
			}
			limits = next
			if want[class] = qps; qps == 0 {
				delete(want, class)
			}
		}
		var again account.Limits
		for _, class := range slices.Sorted(maps.Keys(want)) {
			again = again.With(class, want[class])
			if limits.Of(class) != want[class] {
				t.Fatalf("%v has %d of %s, want %d", limits, limits.Of(class), class, want[class])
			}
		}
		if !reflect.DeepEqual(limits, again) || limits.Of("d") != 0 {
			t.Fatalf("%#v, want %#v", limits, again)
		}
	})
}

func TestAClosedAccountHasNoLimitSet(t *testing.T) {
	for _, closed := range []account.Account{{Closing: true}, {ClosedAt: time.Unix(1, 0)}} {
		if after, err := closed.SetLimit("search", 5); !errors.Is(err, account.ErrClosed) || after.Limits != nil {
			t.Errorf("%+v, %v", after, err)
		}
	}
}
