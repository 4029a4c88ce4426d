package rotation_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/apikey"
	"latchkey/shared/rotation"
)

const reader = "arn:aws:iam::123456789012:role/app"

// deepCopy shares nothing with the record: what a refused operation gives back, and what a caller still holds, is compared
// with it.
func deepCopy(k apikey.Key) apikey.Key {
	c := k
	if k.Outgoing != nil {
		out := *k.Outgoing
		c.Outgoing = &out
	}
	if k.Rotation != nil {
		policy := *k.Rotation
		c.Rotation = &policy
	}
	c.Retired = append([]apikey.Retired(nil), k.Retired...)
	c.Limits = append([]apikey.Limit(nil), k.Limits...)
	return c
}

// asWritten is a moment as records keep it.
func asWritten(at time.Time) time.Time { return at.UTC().Truncate(time.Millisecond) }

// TestARecordSaysAfterAnyHistoryWhatWasDone walks through operations in any order and expects the whole record: each
// secret in its place with its own times, reason and end, the delivery as it was promised, and nothing else touched. A
// refused operation gives the record back, and none writes into the record that it was given.
func TestARecordSaysAfterAnyHistoryWhatWasDone(t *testing.T) {
	done := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		now := noon.In(time.FixedZone("", 3600)).Add(123456789)
		k, next := fresh(), byte(2)
		k.Name, k.Recoverable, k.Disabled = "n", true, rapid.Bool().Draw(t, "disabled")
		k.Retired = make([]apikey.Retired, 0, 40) // room behind the list: a shared one would show
		if rapid.Bool().Draw(t, "delivered") {
			k.Rotation = &apikey.RotationPolicy{EveryDays: 90, Principal: reader}
			k.Delivery = apikey.Delivery{Reader: reader, Name: "latchkey/maps/a/k"}
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(2*time.Hour)).Draw(t, "waited")))
			seconds := rapid.SampledFrom([]int64{0, 60, 3600, 7200}).Draw(t, "grace")
			before, want := deepCopy(k), deepCopy(k)
			at, live := asWritten(now), k.Outgoing != nil && now.Before(k.Outgoing.EndsAt)
			retire := func(hash apikey.Hash, ended time.Time) {
				want.Retired = append(want.Retired, apikey.Retired{Hash: hash, EndedAt: ended})
				want.Retired = want.Retired[max(0, len(want.Retired)-20):]
			}
			retireOutgoing := func() {
				if want.Outgoing != nil {
					ended := want.Outgoing.EndsAt
					if live {
						ended = at
					}
					retire(want.Outgoing.Hash, ended)
				}
				want.Outgoing = nil
			}
			deliver := func() {
				if want.Delivery.Reader != "" || want.Delivery.Due {
					want.Delivery = apikey.Delivery{Reader: want.Delivery.Reader, Name: want.Delivery.Name, Due: true}
				}
			}
			var after apikey.Key
			var err, refusal error
			ok := true
			name := rapid.SampledFrom([]string{"rotate", "rotate", "end", "extend", "cancel", "sweep", "sweep", "sweep", "prepared", "delivered", "undelivered"}).Draw(t, "operation")
			switch name {
			case "rotate":
				reason := rapid.SampledFrom([]string{rotation.Scheduled, rotation.Leaked, rotation.Other}).Draw(t, "reason")
				length, graceErr := rotation.ParseGrace(&seconds, reason)
				if graceErr != nil {
					t.Fatal(graceErr)
				}
				secret := apikey.StoredSecret{Hash: apikey.Hash{next, 1}, Preview: "new", Sealed: []byte{next}}
				next++
				after, err = rotation.Rotate(k, secret, length, reason, now)
				if live && !k.Outgoing.Cancelled && reason != rotation.Leaked {
					refusal = rotation.ErrInProgress
					break
				}
				retireOutgoing()
				old := want.Current
				want.Current, want.RotatedAt = secret, at
				want.Current.CreatedAt = at
				deliver()
				if seconds == 0 {
					retire(old.Hash, at)
				} else {
					want.Outgoing = &apikey.Outgoing{StoredSecret: old, EndsAt: at.Add(time.Duration(seconds) * time.Second), Reason: reason}
				}
			case "end":
				after, err = rotation.End(k, now)
				if !live {
					refusal = rotation.ErrNotRunning
				}
				retireOutgoing()
			case "extend":
				after, err = rotation.Extend(k, grace(t, seconds), now)
				end := at.Add(time.Duration(seconds) * time.Second)
				switch {
				case !live:
					refusal = rotation.ErrNotRunning
				case k.Outgoing.Cancelled:
					refusal = rotation.ErrAlreadyCancelled
				case !end.After(k.Outgoing.EndsAt):
					refusal = rotation.ErrShorter
				default:
					want.Outgoing.EndsAt = end
				}
			case "cancel":
				after, err = rotation.Cancel(k, now)
				switch {
				case !live:
					refusal = rotation.ErrNotRunning
				case k.Outgoing.Cancelled:
					refusal = rotation.ErrAlreadyCancelled
				default:
					want.Current = k.Outgoing.StoredSecret
					want.Outgoing = &apikey.Outgoing{
						StoredSecret: k.Current, EndsAt: at.Add(15 * time.Minute), Cancelled: true, Reason: k.Outgoing.Reason,
					}
					deliver()
				}
			case "sweep":
				after, ok = rotation.Sweep(k, now)
				if done := k.Outgoing != nil && !live; done != ok {
					t.Fatalf("swept: %v, want %v", ok, done)
				}
				if ok {
					retireOutgoing()
				}
			case "prepared": // with a rotation, whose version it doesn't count again
				after = rotation.Prepared(k, "v")
				want.Delivery = apikey.Delivery{Reader: want.Delivery.Reader, Name: want.Delivery.Name, Due: true, Version: "v"}
				want.Version, at = want.Version-1, want.UpdatedAt
			case "delivered":
				after = rotation.Delivered(k, "latchkey/maps/a/k", now)
				want.Delivery = apikey.Delivery{}
				if k.Rotation != nil {
					want.Delivery = apikey.Delivery{Reader: reader, Name: "latchkey/maps/a/k"}
				}
			case "undelivered":
				after = rotation.Undelivered(k, now)
				want.Delivery.RetryAt = at.Add(24 * time.Hour)
			}
			if refusal != nil || !ok {
				want = deepCopy(before)
			} else {
				want.Version, want.UpdatedAt = want.Version+1, at
				done[name]++
			}
			if !errors.Is(err, refusal) || (err == nil) != (refusal == nil) {
				t.Fatalf("%s: %v, want %v", name, err, refusal)
			}
			if !reflect.DeepEqual(deepCopy(after), deepCopy(want)) {
				t.Fatalf("%s:\n%+v\n%+v\nwant\n%+v\n%+v", name, after, after.Outgoing, want, want.Outgoing)
			}
			if !reflect.DeepEqual(deepCopy(k), before) {
				t.Fatalf("%s wrote into the record that it was given:\n%+v\nwas\n%+v", name, k, before)
			}
			// A second change of the same record is not seen in the first: two callers may hold it.
			_, _ = rotation.End(k, now)
			_, _ = rotation.Sweep(k, now.Add(3*time.Hour))
			if again := deepCopy(after); !reflect.DeepEqual(again, deepCopy(want)) {
				t.Fatalf("%s: another change of the record it began with changed it:\n%+v\nwant\n%+v", name, again, want)
			}
			k = after
		}
	})
	for _, name := range []string{"rotate", "end", "extend", "cancel", "sweep"} {
		if done[name] == 0 {
			t.Errorf("%s was never let through", name)
		}
	}
}

// TestAKeyThatIsOverRefusesEachOperation: what is revoked or deleted changes no more, and is given back as it was.
func TestAKeyThatIsOverRefusesEachOperation(t *testing.T) {
	running, err := rotation.Rotate(fresh(), stored(2), grace(t, 3600), rotation.Other, noon)
	if err != nil {
		t.Fatal(err)
	}
	revoked, deleted, expired := running, running, running
	revoked.RevokedAt, deleted.DeletedAt, expired.ExpiresAt = noon, noon, noon
	for want, k := range map[error]apikey.Key{apikey.ErrRevoked: revoked, apikey.ErrDeleted: deleted, rotation.ErrExpired: expired} {
		for name, do := range map[string]func() (apikey.Key, error){
			"rotate": func() (apikey.Key, error) {
				return rotation.Rotate(k, stored(3), grace(t, 0), rotation.Leaked, noon)
			},
			"end":    func() (apikey.Key, error) { return rotation.End(k, noon) },
			"extend": func() (apikey.Key, error) { return rotation.Extend(k, grace(t, 7200), noon) },
			"cancel": func() (apikey.Key, error) { return rotation.Cancel(k, noon) },
		} {
			after, err := do()
			if errors.Is(want, rotation.ErrExpired) && name != "rotate" {
				if err != nil {
					t.Errorf("expired: %s: %v", name, err) // the customer may still clean up
				}
				continue
			}
			if !errors.Is(err, want) || !reflect.DeepEqual(after, k) {
				t.Errorf("%s: %v, want %v: %+v", name, err, want, after)
			}
		}
	}
}

func TestAPolicyKeepsWhatWasAskedFor(t *testing.T) {
	got, err := rotation.ParsePolicy(90, 7, reader)
	if want := (apikey.RotationPolicy{EveryDays: 90, NotifyDaysBefore: 7, Principal: reader}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestDueIsCountedInCalendarDaysFromTheLastRotation: a rotation that a person makes puts the next one off, a record's creation counts
// where there was none, and days are calendar days.
func TestDueIsCountedInCalendarDaysFromTheLastRotation(t *testing.T) {
	day := func(year int, month time.Month, d int) time.Time {
		return time.Date(year, month, d, 12, 0, 0, 0, time.UTC)
	}
	for name, c := range map[string]struct {
		created, rotated time.Time
		every            int
		want             time.Time
	}{
		"never rotated":            {day(2026, 3, 1), time.Time{}, 90, day(2026, 5, 30)},
		"rotated since":            {day(2026, 3, 1), day(2026, 4, 1), 90, day(2026, 6, 30)},
		"over a leap day":          {day(2028, 2, 1), time.Time{}, 30, day(2028, 3, 2)},
		"over February":            {day(2027, 2, 1), time.Time{}, 30, day(2027, 3, 3)},
		"over the end of the year": {day(2026, 1, 1), day(2026, 12, 31), 1, day(2027, 1, 1)},
		"ten years":                {day(2026, 1, 1), time.Time{}, 3650, day(2035, 12, 30)},
	} {
		k := fresh()
		k.CreatedAt, k.RotatedAt, k.Rotation = c.created, c.rotated, &apikey.RotationPolicy{EveryDays: c.every}
		if got := rotation.Due(k); !got.Equal(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	over := fresh()
	over.Rotation = &apikey.RotationPolicy{EveryDays: 90, Principal: reader, AnnouncedFor: noon}
	revoked, deleted := over, over
	revoked.RevokedAt, deleted.DeletedAt = noon, noon
	for name, k := range map[string]apikey.Key{"revoked": revoked, "deleted": deleted, "without a policy": fresh()} {
		if due := rotation.Due(k); !due.IsZero() {
			t.Errorf("%s: due at %v", name, due)
		}
		if after, ok := rotation.Announced(k, noon); ok || !reflect.DeepEqual(after, k) {
			t.Errorf("%s: announced: %+v", name, after)
		}
	}
	if rotation.Reader(revoked) != "" || rotation.Reader(fresh()) != "" || rotation.Reader(over) != reader {
		t.Error("a secret is delivered for keys that can be used, with a policy that names a reader")
	}
}

// TestTheTaskOfEachState has one state per row, and what the job does first in it.
func TestTheTaskOfEachState(t *testing.T) {
	at := func(h int) time.Time { return noon.Add(time.Duration(h) * time.Hour) }
	due := noon.AddDate(0, 0, 90)
	policy := func() *apikey.RotationPolicy {
		return &apikey.RotationPolicy{EveryDays: 90, NotifyDaysBefore: 7, Principal: reader, AnnouncedFor: due}
	}
	leaked := func(k *apikey.Key) { k.Current.Exposed = apikey.Exposure{At: at(4), RefusedAt: at(5), Replace: true} }
	for name, c := range map[string]struct {
		state func(k *apikey.Key)
		task  rotation.Task
		at    time.Time
	}{
		"deleted, whatever it was": {func(k *apikey.Key) {
			k.DeletedAt, k.RevokedAt, k.Delivery = at(1), at(1), apikey.Delivery{Reader: reader, Due: true}
			k.Outgoing = &apikey.Outgoing{EndsAt: at(1)}
		}, rotation.Nothing, time.Time{}},
		"revoked, delivered": {func(k *apikey.Key) {
			k.RevokedAt, k.UpdatedAt, k.Rotation, k.Delivery.Reader = at(5), at(5), policy(), reader
			k.Outgoing, k.Limits = &apikey.Outgoing{EndsAt: at(1)}, []apikey.Limit{{EndsAt: at(2)}}
		}, rotation.Deliver, at(5)},
		"revoked, nothing delivered": {func(k *apikey.Key) {
			k.RevokedAt, k.Outgoing, k.Limits = at(5), &apikey.Outgoing{EndsAt: at(1)}, []apikey.Limit{{EndsAt: at(2)}}
		}, rotation.Nothing, time.Time{}},
		"a delivery since the last write":    {func(k *apikey.Key) { k.Delivery.Due, k.UpdatedAt = true, at(3) }, rotation.Deliver, at(3)},
		"a delivery of a record as made":     {func(k *apikey.Key) { k.Delivery.Due = true }, rotation.Deliver, noon},
		"a delivery that failed":             {func(k *apikey.Key) { k.Delivery.Due, k.Delivery.RetryAt = true, at(24) }, rotation.Deliver, at(24)},
		"a delivery that is to be taken off": {func(k *apikey.Key) { k.Delivery.Reader, k.UpdatedAt = reader, at(2) }, rotation.Deliver, at(2)},
		"the earlier of two ends": {func(k *apikey.Key) {
			k.Limits = []apikey.Limit{{Class: "a", EndsAt: at(3)}, {Class: "b", EndsAt: at(2)}, {Class: "c"}}
			k.Outgoing = &apikey.Outgoing{EndsAt: at(4)}
		}, rotation.EndLimit, at(2)},
		"delivery before all else of its time": {func(k *apikey.Key) {
			k.Delivery.Due, k.Outgoing, k.Limits = true, &apikey.Outgoing{EndsAt: noon}, []apikey.Limit{{EndsAt: noon}}
		}, rotation.Deliver, noon},
		"a grace before a limit of its time": {func(k *apikey.Key) {
			k.Outgoing, k.Limits = &apikey.Outgoing{EndsAt: at(1)}, []apikey.Limit{{EndsAt: at(1)}}
		}, rotation.EndGrace, at(1)},
		"a notice before the rotation of its time": {func(k *apikey.Key) {
			k.Rotation = policy()
			k.Rotation.NotifyDaysBefore, k.Rotation.AnnouncedFor = 0, time.Time{}
		}, rotation.Announce, due},
		"announced for another time": {func(k *apikey.Key) { k.Rotation = policy(); k.Rotation.AnnouncedFor = due.Add(-time.Hour) }, rotation.Announce, due.AddDate(0, 0, -7)},
		"a rotation that waits for a delivery's next attempt": {func(k *apikey.Key) {
			k.Rotation, k.Delivery.RetryAt = policy(), due.Add(time.Hour)
		}, rotation.RotateAndDeliver, due.Add(time.Hour)},
		"a leaked secret, whenever it comes due": {func(k *apikey.Key) { k.Rotation = policy(); leaked(k) }, rotation.RotateAndDeliver, at(5)},
		"a leaked secret that waits for a delivery's next attempt": {func(k *apikey.Key) {
			k.Rotation, k.Delivery.RetryAt = policy(), at(29)
			leaked(k)
		}, rotation.RotateAndDeliver, at(29)},
		"a leaked secret after a delivery that waits": {func(k *apikey.Key) {
			k.Rotation, k.Delivery = policy(), apikey.Delivery{Reader: reader, Due: true, RetryAt: at(29)}
			leaked(k)
		}, rotation.Deliver, at(29)},
		"a leaked secret of a key that has expired by then": {func(k *apikey.Key) {
			k.Rotation, k.Delivery.RetryAt, k.ExpiresAt = policy(), at(29), at(28)
			leaked(k)
		}, rotation.Nothing, time.Time{}},
		"a leaked secret that nobody reads": {func(k *apikey.Key) { leaked(k) }, rotation.Nothing, time.Time{}},
		"no rotation before a delivery": {func(k *apikey.Key) {
			k.Rotation, k.Delivery = policy(), apikey.Delivery{Reader: reader, Due: true, RetryAt: due.Add(48 * time.Hour)}
		}, rotation.Deliver, due.Add(48 * time.Hour)},
		"a change after the rotation came due": {func(k *apikey.Key) { // which a delivery that waits still comes before
			k.Rotation, k.UpdatedAt, k.Delivery = policy(), due.Add(time.Hour), apikey.Delivery{Reader: reader, Due: true}
		}, rotation.Deliver, due.Add(time.Hour)},
	} {
		k := fresh()
		c.state(&k)
		if task, when := rotation.Next(k); task != c.task || !when.Equal(c.at) {
			t.Errorf("%s: %q at %v, want %q at %v", name, task, when, c.task, c.at)
		}
	}
}

// TestWhatComesBackAfterALimitKeepsItsGrant: the record is written as any other, and a grant for good outlives the loan.
func TestWhatComesBackAfterALimitKeepsItsGrant(t *testing.T) {
	k := fresh()
	k.Limits = []apikey.Limit{{Class: "search", QPS: 50, EndsAt: noon, Then: 20, Granted: 30, Lent: 50}}
	after, ok := rotation.WithoutEndedLimits(k, noon.Add(time.Hour))
	if want := (apikey.Limit{Class: "search", QPS: 20, Granted: 30}); !ok || len(after.Limits) != 1 || after.Limits[0] != want {
		t.Errorf("%+v", after.Limits)
	}
	if after.Version != k.Version+1 || !after.UpdatedAt.Equal(noon.Add(time.Hour)) {
		t.Errorf("version %d of %v", after.Version, after.UpdatedAt)
	}
	if same, ok := rotation.WithoutEndedLimits(k, noon.Add(-1)); ok || !reflect.DeepEqual(same, k) {
		t.Errorf("%+v, %v", same, ok)
	}
}
