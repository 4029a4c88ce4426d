package rotation_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/apikey"
	"latchkey/shared/rotation"
)

// TestEveryRotationThatIsNamedCanBeMadeAtItsTime: a key comes up for rotation only at a time at which a rotation would be
// let through, whatever puts it off: a grace that still runs, a delivery that failed. Otherwise the job would fail on the
// key in each of its runs.
func TestEveryRotationThatIsNamedCanBeMadeAtItsTime(t *testing.T) {
	named, never := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		hours := func(label string) time.Time {
			return noon.AddDate(0, 0, 1).Add(time.Duration(rapid.IntRange(-3, 3).Draw(t, label)) * time.Hour) // around the day that it is due
		}
		k := fresh()
		k.Rotation = &apikey.RotationPolicy{EveryDays: 1, Principal: "arn:aws:iam::123456789012:role/app"}
		if rapid.Bool().Draw(t, "expires") {
			k.ExpiresAt = hours("expires after")
		}
		if rapid.Bool().Draw(t, "written late") {
			k.UpdatedAt = hours("written after")
		}
		if rapid.Bool().Draw(t, "a delivery failed") {
			k.Delivery.RetryAt = hours("retry after")
		}
		if rapid.Bool().Draw(t, "a grace runs") {
			k.Outgoing = &apikey.Outgoing{StoredSecret: stored(7), EndsAt: hours("grace ends after")}
		}
		k.Rotation.AnnouncedFor = rotation.Due(k)
		task, at := rotation.Next(k)
		if task == rotation.EndGrace { // the job does that first
			k, _ = rotation.Sweep(k, at)
			task, at = rotation.Next(k)
		}
		if task != rotation.RotateAndDeliver {
			never++
			return
		}
		named++
		if k.UpdatedAt.After(at) { // nothing is done before it is written
			at = k.UpdatedAt
		}
		if _, err := rotation.Rotate(k, stored(9), grace(t, 3600), rotation.Scheduled, at); err != nil {
			t.Fatalf("named for %v, refused then: %v: %+v", at, err, k)
		}
	})
	if named == 0 || never == 0 {
		t.Fatalf("%d rotations were named, %d weren't", named, never)
	}
}
