package apitest

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"

	"latchkey/shared/keytest"
)

// Race is a harness whose operations can be interrupted by others.
type Race struct {
	Interrupt *keytest.Interrupt
	Do        map[string]func(testing.TB) Answer // the operations, none of which names a version
	Others    map[string]func(testing.TB)        // what other functions do to the same object
	State     func(testing.TB) string            // all that must be the same in either order
}

// first is an operation that comes in between.
func (r Race) first(name string) func(testing.TB) {
	if do, ok := r.Others[name]; ok {
		return do
	}
	return func(t testing.TB) { r.Do[name](t) }
}

// RaceStores are stores whose transactions can be interrupted.
func RaceStores(t testing.TB) (keytest.Stores, *keytest.Interrupt) {
	s := keytest.MemoryStores(t)
	interrupt := &keytest.Interrupt{DB: s.DB}
	return keytest.NewStores(interrupt, s.Tables), interrupt
}

// Races runs every operation with every other one in the middle of it, from a state that open makes each time, and
// demands what the two would have done one after the other: never 412, which is for those who named a version.
func Races(t *testing.T, open func(testing.TB) Race) {
	keytest.OneAtATime(t)
	sample := open(t)
	firsts := slices.Collect(maps.Keys(sample.Do))
	for _, first := range append(firsts, slices.Collect(maps.Keys(sample.Others))...) {
		for second := range sample.Do {
			t.Run(first+" before the write of "+second, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					one := open(t)
					one.first(first)(t)
					want := one.Do[second](t)
					wantState := one.State(t)

					two := open(t)
					interrupted := false
					two.Interrupt.Arm(func() {
						interrupted = true
						two.first(first)(t)
					})
					got := two.Do[second](t)
					two.Interrupt.Arm(nil)
					if !interrupted {
						return // it wrote nothing, so there was no race
					}
					if got.Status != want.Status || got.Code() != want.Code() {
						t.Errorf("got %d %s, want %d %s", got.Status, got.Code(), want.Status, want.Code())
					}
					if state := two.State(t); state != wantState {
						t.Errorf("afterwards\n%s\nwant\n%s", state, wantState)
					}
				})
			})
		}
	}
}

// Facts are the members of a document that are named, in this order.
func Facts(doc map[string]any, names ...string) string {
	text := ""
	for _, name := range names {
		text += fmt.Sprintf("%s=%v ", name, doc[name])
	}
	return text
}
