package rotation_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
	"latchkey/shared/rotation"
)

func TestAGracePeriodHasBothItsBounds(t *testing.T) {
	for seconds, good := range map[int64]bool{-1: false, 0: true, 1: true, 2_592_000: true, 2_592_001: false, 1 << 62: false, -1 << 62: false} {
		if _, err := rotation.ParseGrace(&seconds, rotation.Other); (err == nil) != good || err != nil && !errors.Is(err, rotation.ErrGrace) {
			t.Errorf("%d seconds: %v", seconds, err)
		}
	}
}

func TestAPolicyHasBothItsBounds(t *testing.T) {
	for _, c := range []struct {
		every, notify int
		want          error
	}{
		{0, 0, rotation.ErrEvery},
		{-1, 0, rotation.ErrEvery},
		{1, 0, nil},
		{3650, 0, nil},
		{3651, 0, rotation.ErrEvery},
		{30, -1, rotation.ErrNotify},
		{1, 1, rotation.ErrNotify},
		{30, 29, nil},
		{30, 30, rotation.ErrNotify},
		{91, 90, nil},
		{365, 90, nil},
		{365, 91, rotation.ErrNotify},
	} {
		if _, err := rotation.ParsePolicy(c.every, c.notify, ""); !errors.Is(err, c.want) {
			t.Errorf("every %d days, %d before: %v, want %v", c.every, c.notify, err, c.want)
		}
	}
}

// TestAPrincipalIsOneUserOrRoleAndNothingBesides: what is in the policy of the delivered secret decides who reads it.
func TestAPrincipalIsOneUserOrRoleAndNothingBesides(t *testing.T) {
	const role = "arn:aws:iam::111122223333:role/app"
	for _, good := range []string{
		"", role, "arn:aws:iam::111122223333:user/ops", "arn:aws-cn:iam::111122223333:role/app", "arn:aws-us-gov:iam::111122223333:role/app",
		"arn:aws-iso-b:iam::111122223333:role/app", "arn:aws-eusc:iam::111122223333:role/app", "arn:aws:iam::111122223333:role/a..b/.c",
		"arn:aws:iam::111122223333:role/team/a/app_1+=,.@-", "arn:aws:iam::111122223333:role/" + strings.Repeat("r", 512),
	} {
		if p, err := rotation.ParsePolicy(30, 7, good); err != nil || p.Principal != good {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"*", role + "\n", role + " ", " " + role, "\n" + role, role + "\n" + role, role + "\x00", role + "\"", role + ` "*"`, role + "*", role + "?",
		"arn:aws:iam::111122223333:root", "arn:aws:iam::*:role/app", "arn:aws:iam::11112222333:role/app", "arn:aws:iam::1111222233334:role/app",
		"arn:aws:iam::111122223333:role/", "arn:aws:iam::111122223333:role", "arn:aws:iam::111122223333:group/app", "arn:aws:iam::111122223333:roles/app",
		"arn:aws:sts::111122223333:assumed-role/app/x", "arn:aws:iam:us-east-1:111122223333:role/app", "xarn:aws:iam::111122223333:role/app",
		"ARN:aws:iam::111122223333:role/app", "arn:AWS:iam::111122223333:role/app", "arn:gcp:iam::111122223333:role/app", "111122223333",
		"arn:aws:iam::111122223333:role/../x", "arn:aws:iam::111122223333:role/a/../x", "arn:aws:iam::111122223333:role/./x", "arn:aws:iam::111122223333:role/x/..",
		"arn:aws:iam::111122223333:role//x", "arn:aws:iam::111122223333:role/x/", "arn:aws-x-y-zzzz:iam::111122223333:role/app", "arn:aws-:iam::111122223333:role/app",
		"arn:aws:iam::111122223333:role/äpp", "arn:aws:iam::111122223333:role/" + strings.Repeat("r", 513),
	} {
		if _, err := rotation.ParsePolicy(30, 7, bad); !errors.Is(err, rotation.ErrPrincipal) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestReasonsAreThree(t *testing.T) {
	for text, want := range map[string]string{"": "other", "other": "other", "leaked": "leaked", "scheduled": "scheduled"} {
		if got, err := rotation.ParseReason(text); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, bad := range []string{"Leaked", "leaked ", "none"} {
		if _, err := rotation.ParseReason(bad); !errors.Is(err, rotation.ErrReason) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestTheMomentsAtWhichARotationChanges has each of its times just before, and at it.
func TestTheMomentsAtWhichARotationChanges(t *testing.T) {
	now := keytest.Now
	grace := func(d time.Duration) rotation.Grace {
		seconds := int64(d / time.Second)
		g, err := rotation.ParseGrace(&seconds, rotation.Other)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	k, err := rotation.Rotate(keytest.Key(keytest.AccountID()), keytest.StoredSecret("2"), grace(time.Hour), rotation.Other, now)
	if err != nil {
		t.Fatal(err)
	}
	end := now.Add(time.Hour)
	for name, c := range map[string]struct {
		at            time.Duration // before the end
		running       bool
		again, finish error
	}{
		"before": {time.Millisecond, true, rotation.ErrInProgress, nil}, "at the end": {0, false, nil, rotation.ErrNotRunning},
		"after": {-time.Millisecond, false, nil, rotation.ErrNotRunning},
	} {
		at := end.Add(-c.at)
		if got := rotation.Running(k, at); got != c.running {
			t.Errorf("%s: running %v", name, got)
		}
		if _, err := rotation.Rotate(k, keytest.StoredSecret("3"), grace(time.Hour), rotation.Other, at); !errors.Is(err, c.again) {
			t.Errorf("%s: rotate: %v", name, err)
		}
		for what, do := range map[string]func(apikey.Key, time.Time) (apikey.Key, error){
			"end": rotation.End, "cancel": rotation.Cancel,
			"extend": func(k apikey.Key, at time.Time) (apikey.Key, error) {
				return rotation.Extend(k, grace(2*time.Hour), at)
			},
		} {
			if _, err := do(k, at); !errors.Is(err, c.finish) {
				t.Errorf("%s: %s: %v, want %v", name, what, err, c.finish)
			}
		}
		if _, swept := rotation.Sweep(k, at); swept == c.running {
			t.Errorf("%s: swept %v", name, swept)
		}
	}
	for d, want := range map[time.Duration]error{time.Hour: rotation.ErrShorter, time.Hour + time.Second: nil, rotation.MaxGrace: nil} {
		if _, err := rotation.Extend(k, grace(d), now); !errors.Is(err, want) {
			t.Errorf("extending to %v: %v", d, err)
		}
	}
}

// TestTheLastTwentyEndedSecretsAreTold, and the oldest are forgotten.
func TestTheLastTwentyEndedSecretsAreTold(t *testing.T) {
	k := keytest.Key(keytest.AccountID())
	for i := range byte(25) {
		after, err := rotation.Rotate(k, apikey.StoredSecret{Hash: apikey.Hash{i + 1}}, rotation.Grace{}, rotation.Leaked, keytest.Now)
		if err != nil {
			t.Fatal(err)
		}
		k = after
	}
	if len(k.Retired) != 20 || k.Retired[19].Hash != (apikey.Hash{24}) || k.Retired[0].Hash != (apikey.Hash{5}) {
		t.Errorf("%d: %v to %v", len(k.Retired), k.Retired[0].Hash[0], k.Retired[len(k.Retired)-1].Hash[0])
	}
}
