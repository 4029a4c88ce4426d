package apitest

import (
	"net/http"
	"slices"
	"testing"

	"latchkey/shared/keytest"
)

// Overlapping holds for each operation that takes an Idempotency-Key that a request which is sent again while the first one is under way has the
// first one's answer, whenever that one is made: the walk makes it before each call of the store that the other makes. tag is the
// version that both name where the operation takes one.
func Overlapping(t *testing.T, fixture func(testing.TB) Fixture, serves func(Operation) bool, tag string) {
	keytest.OneAtATime(t)
	walked := false
	for _, op := range Operations(t) {
		if !serves(op) || op.Idempotency == NotTaken {
			continue
		}
		for n := 1; ; n++ {
			f := fixture(t).naming(op, tag).sending(op, "Idempotency-Key", "the-same")
			as := op.Caller()
			if slices.Contains(op.Roles, "any") {
				as = "stranger"
			}
			var one Answer
			came := false
			f.Faults.Meanwhile(n, func() { one, came = f.call(t, op, as, f.params(op)), true })
			two := f.call(t, op, as, f.params(op))
			if !came {
				break
			}
			walked = true
			if one.Status >= http.StatusBadRequest || two.Status != one.Status {
				t.Fatalf("%s: made before call %d of the other: %d %s, the other %d %s", op.ID, n, one.Status, one.Code(), two.Status, two.Code())
			}
			if replayed := "Idempotent-Replayed"; (one.Header.Get(replayed) == "true") == (two.Header.Get(replayed) == "true") {
				t.Errorf("%s: made before call %d of the other: not one of the two is a replay", op.ID, n)
			}
		}
	}
	if !walked {
		t.Fatal("no operation takes an Idempotency-Key")
	}
}
