package rotation_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/apikey"
	"latchkey/shared/rotation"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func stored(n byte) apikey.StoredSecret {
	return apikey.StoredSecret{Hash: apikey.Hash{n}, Preview: "ak_…"}
}

func grace(t interface{ Fatal(...any) }, seconds int64) rotation.Grace {
	g, err := rotation.ParseGrace(&seconds, rotation.Other)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func fresh() apikey.Key {
	return apikey.Key{ID: "key_1", Name: "n", Version: 1, Current: stored(1), CreatedAt: noon}
}

func TestRotateKeepsTheOldSecretThroughTheGrace(t *testing.T) {
	k, err := rotation.Rotate(fresh(), stored(2), grace(t, 3600), rotation.Other, noon)
	if err != nil {
		t.Fatal(err)
	}
	if k.Current.Hash != stored(2).Hash || k.Outgoing == nil || k.Outgoing.Hash != stored(1).Hash {
		t.Errorf("got %+v", k)
	}
	if !k.Outgoing.EndsAt.Equal(noon.Add(time.Hour)) || !k.RotatedAt.Equal(noon) {
		t.Errorf("ends %v, rotated %v", k.Outgoing.EndsAt, k.RotatedAt)
	}
	if !rotation.Running(k, noon.Add(time.Hour-1)) || rotation.Running(k, noon.Add(time.Hour)) {
		t.Error("the grace ends at its end, not before and not after")
	}
}

func TestRotateWithoutGraceEndsTheOldSecretNow(t *testing.T) {
	k, err := rotation.Rotate(fresh(), stored(2), grace(t, 0), rotation.Leaked, noon)
	if err != nil || k.Outgoing != nil || len(k.Retired) != 1 || k.Retired[0].Hash != stored(1).Hash || k.Retired[0].EndedAt.After(noon) {
		t.Errorf("got %+v, %v", k, err)
	}
}

func TestSecondRotationIsRefusedWhileOneRuns(t *testing.T) {
	k, _ := rotation.Rotate(fresh(), stored(2), grace(t, 3600), rotation.Other, noon)
	if _, err := rotation.Rotate(k, stored(3), grace(t, 0), rotation.Other, noon.Add(time.Minute)); !errors.Is(err, rotation.ErrInProgress) {
		t.Errorf("got %v", err)
	}
	if _, err := rotation.Rotate(k, stored(3), grace(t, 0), rotation.Other, noon.Add(time.Hour)); err != nil {
		t.Errorf("once the grace is over: %v", err)
	}
}

func TestALeakIsAnsweredByOneRotationWhateverRuns(t *testing.T) {
	running, _ := rotation.Rotate(fresh(), stored(2), grace(t, 3600), rotation.Other, noon)
	cancelled, _ := rotation.Cancel(running, noon.Add(time.Second))
	at := noon.Add(time.Minute)
	for name, k := range map[string]apikey.Key{"nothing": fresh(), "a rotation": running, "a cancelled one": cancelled} {
		byReason, err := rotation.ParseGrace(nil, rotation.Leaked)
		if err != nil {
			t.Fatal(err)
		}
		after, err := rotation.Rotate(k, stored(3), byReason, rotation.Leaked, at)
		if err != nil || after.Outgoing != nil || after.Current.Hash != stored(3).Hash {
			t.Errorf("while %s runs: %+v, %v", name, after, err)
		}
		for _, r := range after.Retired {
			if r.EndedAt.After(at) {
				t.Errorf("while %s runs: an old secret lives until %v", name, r.EndedAt)
			}
		}
	}
	after, err := rotation.Rotate(running, stored(3), grace(t, 60), rotation.Leaked, at)
	if err != nil || after.Outgoing == nil || after.Outgoing.Hash != stored(2).Hash || len(after.Retired) != 1 || after.Retired[0].EndedAt.After(at) {
		t.Errorf("with a grace that was asked for, the secret in force gets it and the one before ends: %+v, %v", after, err)
	}
}

func TestAnExpiredKeyIsNotRotated(t *testing.T) {
	for _, reason := range []string{rotation.Other, rotation.Leaked, rotation.Scheduled} {
		k := fresh()
		k.ExpiresAt = noon
		if _, err := rotation.Rotate(k, stored(2), grace(t, 0), reason, noon); !errors.Is(err, rotation.ErrExpired) {
			t.Errorf("%s: %v", reason, err)
		}
		if _, err := rotation.Rotate(k, stored(2), grace(t, 0), reason, noon.Add(-1)); err != nil {
			t.Errorf("%s, a moment before its end: %v", reason, err)
		}
	}
}

func TestAKeyThatIsOverHasNoRotationInProgress(t *testing.T) {
	running, _ := rotation.Rotate(fresh(), stored(2), grace(t, 3600), rotation.Other, noon)
	revoked, deleted, disabled := running, running, running
	revoked.RevokedAt, deleted.DeletedAt, disabled.Disabled = noon, noon, true
	for name, c := range map[string]struct {
		key  apikey.Key
		want bool
	}{"active": {running, true}, "disabled": {disabled, true}, "revoked": {revoked, false}, "deleted": {deleted, false}} {
		if got := rotation.Running(c.key, noon); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestLostAnswerHasAWayOutAtOnce(t *testing.T) {
	k, _ := rotation.Rotate(fresh(), stored(2), grace(t, 3600), rotation.Other, noon)
	k, err := rotation.Cancel(k, noon.Add(time.Second))
	if err != nil || k.Current.Hash != stored(1).Hash {
		t.Fatalf("cancel: %v", err)
	}
	if k.Outgoing == nil || k.Outgoing.Hash != stored(2).Hash || !k.Outgoing.EndsAt.Equal(noon.Add(time.Second+15*time.Minute)) {
		t.Errorf("the new secret stays valid 15 minutes: got %+v", k.Outgoing)
	}
	k, err = rotation.Rotate(k, stored(3), grace(t, 3600), rotation.Other, noon.Add(2*time.Second))
	if err != nil || k.Current.Hash != stored(3).Hash || k.Outgoing.Hash != stored(1).Hash {
		t.Errorf("rotating again: %+v, %v", k, err)
	}
}

func TestExtendOnlyLengthens(t *testing.T) {
	k, _ := rotation.Rotate(fresh(), stored(2), grace(t, 3600), rotation.Other, noon)
	if _, err := rotation.Extend(k, grace(t, 60), noon); !errors.Is(err, rotation.ErrShorter) {
		t.Errorf("got %v", err)
	}
	longer, err := rotation.Extend(k, grace(t, 7200), noon.Add(time.Minute))
	if err != nil || !longer.Outgoing.EndsAt.Equal(noon.Add(time.Minute+2*time.Hour)) {
		t.Errorf("got %v %v", longer.Outgoing, err)
	}
	if k.Outgoing.EndsAt != noon.Add(time.Hour) {
		t.Error("extending changed the caller's record")
	}
}

func TestGraceIsZeroToThirtyDays(t *testing.T) {
	for seconds, ok := range map[int64]bool{-1: false, 0: true, 2592000: true, 2592001: false} {
		if _, err := rotation.ParseGrace(&seconds, rotation.Other); (err == nil) != ok {
			t.Errorf("%d: %v", seconds, err)
		}
	}
	byDefault, err := rotation.ParseGrace(nil, rotation.Other)
	if err != nil {
		t.Fatal(err)
	}
	k, err := rotation.Rotate(fresh(), stored(2), byDefault, rotation.Other, noon)
	if err != nil || !k.Outgoing.EndsAt.Equal(noon.Add(24*time.Hour)) {
		t.Errorf("by default the old secret ends at %v (%v), want 24 hours later", k.Outgoing, err)
	}
}

func TestRevokedAndDeletedKeysAreNotRotated(t *testing.T) {
	k := fresh()
	k.RevokedAt = noon
	if _, err := rotation.Rotate(k, stored(2), rotation.Grace{}, rotation.Other, noon); !errors.Is(err, apikey.ErrRevoked) {
		t.Error(err)
	}
	k.DeletedAt = noon
	if _, err := rotation.Rotate(k, stored(2), rotation.Grace{}, rotation.Other, noon); !errors.Is(err, apikey.ErrDeleted) {
		t.Error(err)
	}
}

func TestAKeyAlwaysHasOneOrTwoLiveSecrets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, now, next := fresh(), noon, byte(2)
		known := map[apikey.Hash]bool{k.Current.Hash: true}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(3*24*time.Hour)).Draw(t, "wait")))
			before := k
			var err error
			switch rapid.IntRange(0, 4).Draw(t, "command") {
			case 0:
				known[stored(next).Hash] = true
				k, err = rotation.Rotate(k, stored(next), grace(t, rapid.Int64Range(0, 2592000).Draw(t, "grace")),
					rapid.SampledFrom([]string{rotation.Other, rotation.Leaked}).Draw(t, "reason"), now)
				next++
			case 1:
				k, err = rotation.End(k, now)
			case 2:
				k, err = rotation.Extend(k, grace(t, rapid.Int64Range(0, 2592000).Draw(t, "grace")), now)
			case 3:
				k, err = rotation.Cancel(k, now)
			case 4:
				k, _ = rotation.Sweep(k, now)
			}
			if err != nil && k.Version != before.Version {
				t.Fatal("refused and still written")
			}
			if !known[k.Current.Hash] || k.ID != before.ID || k.Name != before.Name {
				t.Fatalf("got %+v", k)
			}
			if k.Outgoing != nil {
				if k.Outgoing.Hash == k.Current.Hash {
					t.Fatal("one secret in both slots")
				}
				if left := k.Outgoing.EndsAt.Sub(now); left > rotation.MaxGrace {
					t.Fatalf("grace of %v", left)
				}
			}
			for _, r := range k.Retired {
				if r.EndedAt.After(now) || r.Hash == k.Current.Hash || k.Outgoing != nil && r.Hash == k.Outgoing.Hash {
					t.Fatalf("a retired secret is live: %+v", k)
				}
			}
			if len(k.Retired) > apikey.MaxRetired {
				t.Fatalf("%d tombstones", len(k.Retired))
			}
		}
	})
}

func TestNextTask(t *testing.T) {
	policy := func(principal string) *apikey.RotationPolicy {
		return &apikey.RotationPolicy{EveryDays: 90, NotifyDaysBefore: 7, Principal: principal}
	}
	due := noon.AddDate(0, 0, 90)
	announced := policy("arn:aws:iam::123456789012:role/app")
	announced.AnnouncedFor = due
	quiet := policy("")
	quiet.AnnouncedFor = due
	for _, c := range []struct {
		name string
		key  func(*apikey.Key)
		task rotation.Task
		at   time.Time
	}{
		{"no policy", func(*apikey.Key) {}, rotation.Nothing, time.Time{}},
		{"announce first", func(k *apikey.Key) { k.Rotation = policy("arn:aws:iam::123456789012:role/app") }, rotation.Announce, due.AddDate(0, 0, -7)},
		{"then rotate", func(k *apikey.Key) { k.Rotation = announced }, rotation.RotateAndDeliver, due},
		{"without delivery only announced", func(k *apikey.Key) { k.Rotation = quiet }, rotation.Nothing, time.Time{}},
		{"grace ends before", func(k *apikey.Key) {
			k.Rotation = announced
			k.Outgoing = &apikey.Outgoing{EndsAt: noon.Add(time.Hour)}
		}, rotation.EndGrace, noon.Add(time.Hour)},
		{"revoked keys rest", func(k *apikey.Key) { k.Rotation = announced; k.RevokedAt = noon }, rotation.Nothing, time.Time{}},
		{"limit ends", func(k *apikey.Key) {
			k.Limits = []apikey.Limit{{Class: "search", QPS: 50, EndsAt: noon.Add(time.Minute)}}
		}, rotation.EndLimit, noon.Add(time.Minute)},
	} {
		k := fresh()
		c.key(&k)
		if task, at := rotation.Next(k); task != c.task || !at.Equal(c.at) {
			t.Errorf("%s: got %s at %v, want %s at %v", c.name, task, at, c.task, c.at)
		}
	}
}

func TestAnnouncingIsDoneOnce(t *testing.T) {
	k := fresh()
	k.Rotation = &apikey.RotationPolicy{EveryDays: 90, NotifyDaysBefore: 7}
	after, ok := rotation.Announced(k, noon)
	if !ok || !after.Rotation.AnnouncedFor.Equal(noon.AddDate(0, 0, 90)) || !k.Rotation.AnnouncedFor.IsZero() {
		t.Errorf("got %+v %v", after.Rotation, ok)
	}
	if _, again := rotation.Announced(after, noon); again {
		t.Error("announced twice")
	}
}

func TestEndedLimitGivesWayToWhatWasAgreed(t *testing.T) {
	k := fresh()
	k.Limits = []apikey.Limit{
		{Class: "search", QPS: 50, EndsAt: noon, Then: 20}, {Class: "routing", QPS: 9, EndsAt: noon}, {Class: "traffic", QPS: 7},
	}
	after, ok := rotation.WithoutEndedLimits(k, noon)
	if !ok || len(after.Limits) != 2 || after.Limits[0] != (apikey.Limit{Class: "search", QPS: 20}) || after.Limits[1].Class != "traffic" {
		t.Errorf("got %+v", after.Limits)
	}
	if _, ok := rotation.WithoutEndedLimits(k, noon.Add(-1)); ok {
		t.Error("a limit ended early")
	}
}

func TestPolicies(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/app"
	for _, c := range []struct {
		every, notify int
		principal     string
		want          error
	}{
		{90, 7, role, nil},
		{90, 7, "", nil},
		{1, 0, "", nil},
		{0, 0, "", rotation.ErrEvery},
		{3651, 0, "", rotation.ErrEvery},
		{5, 5, "", rotation.ErrNotify},
		{365, 91, "", rotation.ErrNotify},
		{90, 7, "*", rotation.ErrPrincipal},
		{90, 7, "arn:aws:iam::123456789012:root", rotation.ErrPrincipal},
		{90, 7, "arn:aws:iam::123456789012:role/*", rotation.ErrPrincipal},
	} {
		if _, err := rotation.ParsePolicy(c.every, c.notify, c.principal); !errors.Is(err, c.want) {
			t.Errorf("%+v: got %v", c, err)
		}
	}
}

func TestAnExpiringKeyIsNotRotated(t *testing.T) {
	k := fresh()
	k.Rotation = &apikey.RotationPolicy{EveryDays: 90, Principal: "arn:aws:iam::123456789012:role/app"}
	due := noon.AddDate(0, 0, 90)
	for name, c := range map[string]struct {
		expires time.Time
		rotated bool
	}{
		"never expires": {time.Time{}, true}, "expires later": {due.Add(1), true}, "expires then": {due, false}, "expires before": {due.Add(-1), false},
	} {
		k.ExpiresAt = c.expires
		if got := !rotation.Due(k).IsZero(); got != c.rotated {
			t.Errorf("%s: %v", name, got)
		}
	}
	k.ExpiresAt = due.Add(time.Hour)
	k.Outgoing = &apikey.Outgoing{EndsAt: due.Add(2 * time.Hour)}
	k.Rotation.AnnouncedFor = due
	if task, _ := rotation.Next(k); task != rotation.EndGrace {
		t.Errorf("a key that expires before the running rotation ends: %s", task)
	}
}

func TestSecretsManagerFollowsEveryChangeOfADeliveredSecret(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/app"
	delivered := fresh()
	delivered.Rotation = &apikey.RotationPolicy{EveryDays: 90, Principal: role, AnnouncedFor: noon.AddDate(0, 0, 90)}
	delivered.Delivery.Reader = role
	rotate := func(k apikey.Key) apikey.Key {
		k, err := rotation.Rotate(k, stored(2), grace(t, 3600), rotation.Other, noon)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	cancel := func(k apikey.Key) apikey.Key {
		k, err := rotation.Cancel(k, noon)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	for name, c := range map[string]struct {
		key apikey.Key
		due bool
	}{
		"delivered":                   {delivered, false},
		"never delivered, manual":     {rotate(fresh()), false},
		"rotated manually":            {rotate(delivered), true},
		"prepared by the job":         {rotation.Prepared(rotate(fresh()), "v"), true},
		"prepared and then cancelled": {cancel(rotation.Prepared(rotate(fresh()), "v")), true},
		"delivered and cancelled":     {cancel(rotation.Delivered(rotate(delivered), "latchkey/maps/x", noon)), true},
		"delivered after all":         {rotation.Delivered(rotate(delivered), "latchkey/maps/x", noon), false},
		"another reader": {func() apikey.Key {
			k := delivered
			k.Delivery.Reader = "arn:aws:iam::123456789012:role/old"
			return k
		}(), true},
		"no policy any more": {func() apikey.Key {
			k := delivered
			k.Rotation = nil
			return k
		}(), true},
	} {
		task, at := rotation.Next(c.key)
		if rotation.DeliveryDue(c.key) != c.due || (task == rotation.Deliver) != c.due {
			t.Errorf("%s: due %v, next %s", name, rotation.DeliveryDue(c.key), task)
		}
		if c.due && !at.Equal(noon) {
			t.Errorf("%s: at %v", name, at)
		}
	}
	failed := rotation.Undelivered(rotate(delivered), noon)
	if task, at := rotation.Next(failed); task != rotation.EndGrace || !at.Equal(noon.Add(time.Hour)) {
		t.Errorf("a delivery that waits stops nothing else: %s at %v", task, at)
	}
	if v := cancel(rotation.Prepared(rotate(fresh()), "v")).Delivery.Version; v != "" {
		t.Error("a cancelled rotation's version is still to be promoted")
	}
}
