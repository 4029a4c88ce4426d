package apikey_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/rotation"
)

var (
	leakedAt  = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	inForce   = apikey.Hash{1}
	ending    = apikey.Hash{2}
	ended     = apikey.Hash{3}
	nobodys   = apikey.Hash{9}
	reporters = []apikey.Reporter{apikey.ReportedByAnybody, apikey.ReportedByGitHub, apikey.ReportedByOperator}
	reactions = []account.LeakReaction{account.LeakNotify, account.LeakRefuse, account.LeakRotate}
)

func rotatingKey() apikey.Key {
	return apikey.Key{
		ID: "key_1", Version: 3, CreatedAt: leakedAt.Add(-time.Hour), Usage: apikey.Backend,
		Current:  apikey.StoredSecret{Hash: inForce},
		Outgoing: &apikey.Outgoing{StoredSecret: apikey.StoredSecret{Hash: ending}, EndsAt: leakedAt.Add(time.Hour)},
		Retired:  []apikey.Retired{{Hash: ended, EndedAt: leakedAt}},
		Rotation: &apikey.RotationPolicy{EveryDays: 30, Principal: "arn:aws:iam::111122223333:role/r"},
	}
}

func report(by apikey.Reporter) apikey.LeakReport {
	return apikey.LeakReport{By: by, Place: "https://" + string(by) + ".example"}
}

// TestAReportIsWorthWhatItsReporterIs: anybody's only notes the secret, a trusted one applies the policy also behind anybody's, and
// one of the same or of less trust changes nothing.
func TestAReportIsWorthWhatItsReporterIs(t *testing.T) {
	first, second := leakedAt, leakedAt.Add(time.Minute)
	for _, one := range reporters {
		k, ok := rotatingKey().Expose(inForce, report(one), account.LeakRefuse, first)
		if e := k.Current.Exposed; !ok || !e.At.Equal(first) || e.By != one || e.Refused() != (one != apikey.ReportedByAnybody) || k.Version != 4 {
			t.Fatalf("%s: %+v, %v", one, e, ok)
		}
		for _, other := range reporters {
			again, ok := k.Expose(inForce, report(other), account.LeakRefuse, second)
			above := one == apikey.ReportedByAnybody && other != apikey.ReportedByAnybody
			if ok != above || !above && !reflect.DeepEqual(again, k) {
				t.Errorf("%s after %s: %v, %+v", other, one, ok, again.Current.Exposed)
			}
			want := apikey.Exposure{At: first, By: other, Place: report(other).Place, RefusedAt: second}
			if above && again.Current.Exposed != want {
				t.Errorf("%s after %s: %+v, want %+v", other, one, again.Current.Exposed, want)
			}
		}
	}
	if k, ok := rotatingKey().Expose(inForce, apikey.LeakReport{By: "a later release's"}, account.LeakRefuse, first); ok {
		t.Errorf("nobody's word counts: %+v", k.Current.Exposed)
	}
}

// TestOnlyASecretThatCanOpenSomethingIsExposed: not one of another key, one that has ended, or one of a revoked key. One that is
// disabled, blocked, expired or deleted can work again.
func TestOnlyASecretThatCanOpenSomethingIsExposed(t *testing.T) {
	for name, c := range map[string]struct {
		hash apikey.Hash
		edit func(*apikey.Key)
		want bool
	}{
		"in force":                     {inForce, func(*apikey.Key) {}, true},
		"ending":                       {ending, func(*apikey.Key) {}, true},
		"at the end of its grace":      {ending, func(k *apikey.Key) { k.Outgoing.EndsAt = leakedAt }, false},
		"ended":                        {ended, func(*apikey.Key) {}, false},
		"of nobody":                    {nobodys, func(*apikey.Key) {}, false},
		"none":                         {apikey.Hash{}, func(k *apikey.Key) { k.Current.Hash = apikey.Hash{} }, false},
		"of a revoked key":             {inForce, func(k *apikey.Key) { k.RevokedAt = leakedAt }, false},
		"of a deleted key":             {inForce, func(k *apikey.Key) { k.DeletedAt = leakedAt }, true},
		"of a disabled key":            {inForce, func(k *apikey.Key) { k.Disabled = true }, true},
		"of a blocked key":             {inForce, func(k *apikey.Key) { k.Blocked = &apikey.Block{} }, true},
		"of an expired key":            {inForce, func(k *apikey.Key) { k.ExpiresAt = leakedAt }, true},
		"of a key without an outgoing": {ending, func(k *apikey.Key) { k.Outgoing = nil }, false},
	} {
		before := rotatingKey()
		c.edit(&before)
		was := before
		if before.Outgoing != nil {
			out := *before.Outgoing
			was.Outgoing = &out
		}
		after, ok := before.Expose(c.hash, report(apikey.ReportedByGitHub), account.LeakRefuse, leakedAt)
		if ok != c.want || !reflect.DeepEqual(before, was) || !ok && !reflect.DeepEqual(after, was) {
			t.Errorf("%s: %v, %+v; the key as it was read is now %+v", name, ok, after, before)
		}
	}
}

// TestASecretIsReplacedOnlyWhereTheNewOneReachesItsReader: else the policy rotate refuses it.
func TestASecretIsReplacedOnlyWhereTheNewOneReachesItsReader(t *testing.T) {
	for name, c := range map[string]struct {
		hash     apikey.Hash
		reaction account.LeakReaction
		edit     func(*apikey.Key)
		refused  bool
		replace  bool
	}{
		"delivered":            {inForce, account.LeakRotate, func(*apikey.Key) {}, true, true},
		"not delivered":        {inForce, account.LeakRotate, func(k *apikey.Key) { k.Rotation.Principal = "" }, true, false},
		"without a schedule":   {inForce, account.LeakRotate, func(k *apikey.Key) { k.Rotation = nil }, true, false},
		"the one that ends":    {ending, account.LeakRotate, func(*apikey.Key) {}, true, false},
		"of an expired key":    {inForce, account.LeakRotate, func(k *apikey.Key) { k.ExpiresAt = leakedAt }, true, false},
		"of a deleted key":     {inForce, account.LeakRotate, func(k *apikey.Key) { k.DeletedAt = leakedAt }, true, false},
		"the policy is refuse": {inForce, account.LeakRefuse, func(*apikey.Key) {}, true, false},
		"the policy is notify": {inForce, account.LeakNotify, func(*apikey.Key) {}, false, false},
	} {
		k := rotatingKey()
		c.edit(&k)
		after, _ := k.Expose(c.hash, report(apikey.ReportedByOperator), c.reaction, leakedAt)
		e := after.Current.Exposed
		if c.hash == ending {
			e = after.Outgoing.Exposed
		}
		if e.Refused() != c.refused || e.Replace != c.replace {
			t.Errorf("%s: %+v", name, e)
		}
		task, at := rotation.Next(after)
		if (task == rotation.RotateAndDeliver && at.Equal(leakedAt)) != c.replace {
			t.Errorf("%s: the job's next task is %s at %s", name, task, at)
		}
	}
}

// TestAnOwnerLiftsARefusalOnce, and what is told of it stays.
func TestAnOwnerLiftsARefusalOnce(t *testing.T) {
	k, _ := rotatingKey().Expose(inForce, report(apikey.ReportedByGitHub), account.LeakRotate, leakedAt)
	k, _ = k.Expose(ending, report(apikey.ReportedByGitHub), account.LeakRotate, leakedAt)
	later := leakedAt.Add(time.Minute)
	lifted, err := k.LiftExposure("A sample.", later)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []apikey.Exposure{lifted.Current.Exposed, lifted.Outgoing.Exposed} {
		if e.Refused() || e.Replace || !e.At.Equal(leakedAt) || !e.LiftedAt.Equal(later) || e.LiftReason != "A sample." || !e.RefusedAt.Equal(leakedAt) {
			t.Errorf("%+v", e)
		}
	}
	if k.Outgoing.Exposed.LiftReason != "" {
		t.Error("the key as it was read has changed")
	}
	if _, err := lifted.LiftExposure("Again.", later); !errors.Is(err, apikey.ErrNotExposed) {
		t.Errorf("the second time: %v", err)
	}
	if again, ok := lifted.Expose(inForce, report(apikey.ReportedByOperator), account.LeakRefuse, later); ok {
		t.Errorf("what an owner has decided is decided again: %+v", again.Current.Exposed)
	}
	for name, edit := range map[string]func(*apikey.Key){
		"not exposed": func(k *apikey.Key) { k.Current.Exposed, k.Outgoing = apikey.Exposure{}, nil },
		"ended":       func(k *apikey.Key) { k.Current.Exposed, k.Outgoing = apikey.Exposure{}, endedAt(*k.Outgoing, later) },
	} {
		other := k
		edit(&other)
		if _, err := other.LiftExposure("No.", later); !errors.Is(err, apikey.ErrNotExposed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	k.RevokedAt = leakedAt
	if _, err := k.LiftExposure("No.", later); !errors.Is(err, apikey.ErrRevoked) {
		t.Errorf("revoked: %v", err)
	}
}

func endedAt(out apikey.Outgoing, at time.Time) *apikey.Outgoing {
	out.EndsAt = at
	return &out
}

// TestAnOwnerLiftsWhatWasOnlyNoted: nobody has to see to it any more. A report of more trust is told again.
func TestAnOwnerLiftsWhatWasOnlyNoted(t *testing.T) {
	later := leakedAt.Add(time.Minute)
	for _, by := range []apikey.Reporter{apikey.ReportedByAnybody, apikey.ReportedByOperator} {
		k, _ := rotatingKey().Expose(inForce, report(by), account.LeakNotify, leakedAt)
		lifted, err := k.LiftExposure("It is meant to be public.", later)
		if err != nil {
			t.Errorf("%s: %v", by, err)
			continue
		}
		if e := lifted.Current.Exposed; lifted.OpenExposure(later) != (apikey.Exposure{}) || e.Refused() || e.LiftReason == "" || !e.LiftedAt.Equal(later) {
			t.Errorf("%s: %+v", by, e)
		}
		again, ok := lifted.Expose(inForce, report(apikey.ReportedByGitHub), account.LeakRefuse, later)
		if want := by == apikey.ReportedByAnybody; ok != want || again.Current.Exposed.Refused() != want {
			t.Errorf("%s, then GitHub: %v, %+v", by, ok, again.Current.Exposed)
		}
	}
}

// TestWhatIsKnownOfALeakLeavesWithItsSecret: whatever rotations come, the new secret isn't exposed, and the old one stays so.
func TestWhatIsKnownOfALeakLeavesWithItsSecret(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, now, n := rotatingKey(), leakedAt, byte(10)
		exposed := map[apikey.Hash]bool{}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "minutes")) * time.Minute)
			switch rapid.SampledFrom([]string{"expose", "rotate", "end", "cancel", "sweep"}).Draw(t, "step") {
			case "expose":
				h := rapid.SampledFrom([]apikey.Hash{inForce, ending, ended, {n}, {n - 1}}).Draw(t, "which")
				by := rapid.SampledFrom(reporters).Draw(t, "by")
				if after, ok := k.Expose(h, report(by), rapid.SampledFrom(reactions).Draw(t, "reaction"), now); ok {
					k, exposed[h] = after, true
				}
			case "rotate":
				n++
				seconds := int64(rapid.SampledFrom([]int{0, 3600}).Draw(t, "grace"))
				grace, err := rotation.ParseGrace(&seconds, rotation.Leaked)
				if err != nil {
					t.Fatal(err)
				}
				if k, err = rotation.Rotate(k, apikey.StoredSecret{Hash: apikey.Hash{n}}, grace, rotation.Leaked, now); err != nil {
					t.Fatal(err)
				}
			case "end":
				k, _ = rotation.End(k, now)
			case "cancel":
				k, _ = rotation.Cancel(k, now)
			case "sweep":
				k, _ = rotation.Sweep(k, now)
			}
			secrets := []apikey.StoredSecret{k.Current}
			if k.Outgoing != nil {
				secrets = append(secrets, k.Outgoing.StoredSecret)
			}
			for _, s := range secrets {
				if s.Exposed.At.IsZero() == exposed[s.Hash] {
					t.Fatalf("secret %d: exposed %v, its record says %+v", s.Hash[0], exposed[s.Hash], s.Exposed)
				}
			}
		}
	})
}

func TestAKindHasTheReactionOfItsAccount(t *testing.T) {
	set := account.LeakPolicy{Frontend: account.LeakRefuse, Backend: account.LeakNotify, Mobile: account.LeakRotate}
	for kind, want := range map[apikey.ClientKind][2]account.LeakReaction{
		apikey.Frontend: {account.LeakNotify, account.LeakRefuse},
		apikey.Backend:  {account.LeakRefuse, account.LeakNotify},
		apikey.Mobile:   {account.LeakNotify, account.LeakRotate},
		"another":       {account.LeakRefuse, account.LeakRefuse},
	} {
		if got := [2]account.LeakReaction{kind.Reaction(account.LeakPolicy{}), kind.Reaction(set)}; got != want {
			t.Errorf("%s: %v, want %v", kind, got, want)
		}
	}
}
