package main

import (
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
)

// TestALeakedSecretIsReplacedAndDelivered: by the next run, without a grace period, also in the middle of a rotation and long before
// the schedule wants it; and the new secret isn't exposed.
func TestALeakedSecretIsReplacedAndDelivered(t *testing.T) {
	for name, running := range map[string]bool{"between rotations": false, "while a rotation runs": true} {
		r := newHarness(t)
		a := r.NewAccount(t)
		k := r.dueKey(a)
		r.rotation() // delivered, and a grace runs
		if !running {
			r.clock.Advance(2 * 24 * time.Hour)
			r.rotation()
		}
		before := r.key(k)
		if (before.Outgoing != nil) != running {
			t.Fatalf("%s: %+v", name, before)
		}
		if _, err := r.Edit(t.Context(), before, "key.expose", func(k *apikey.Key) {
			*k, _ = k.Expose(k.Current.Hash, apikey.LeakReport{By: apikey.ReportedByGitHub}, account.LeakRotate, r.clock.Now())
		}); err != nil {
			t.Fatal(err)
		}
		if !r.key(k).Current.Exposed.Replace {
			t.Fatalf("%s: %+v", name, r.key(k).Current.Exposed)
		}
		s := r.rotation()
		if s.Rotated != 1 || s.Delivered != 1 || s.Failed != 0 {
			t.Errorf("%s: %+v", name, s)
		}
		r.settled(k)
		after := r.key(k)
		if after.Outgoing != nil || after.Current.Hash == before.Current.Hash || after.Current.Exposed != (apikey.Exposure{}) {
			t.Errorf("%s: %+v", name, after)
		}
		if after.RoleOf(before.Current.Hash) != apikey.RetiredSecret {
			t.Errorf("%s: the leaked secret is %q", name, after.RoleOf(before.Current.Hash))
		}
		if s := r.rotation(); s.Rotated != 0 {
			t.Errorf("%s: replaced again: %+v", name, s)
		}
	}
}

// TestASecretThatAnOwnerAllowedAgainIsNotReplaced: nor one that is only refused.
func TestASecretThatAnOwnerAllowedAgainIsNotReplaced(t *testing.T) {
	for name, change := range map[string]func(apikey.Key) apikey.Key{
		"allowed again": func(k apikey.Key) apikey.Key {
			k, _ = k.Expose(k.Current.Hash, apikey.LeakReport{By: apikey.ReportedByGitHub}, account.LeakRotate, keytest.Now)
			k, _ = k.LiftExposure("A sample.", keytest.Now)
			return k
		},
		"refused": func(k apikey.Key) apikey.Key {
			k, _ = k.Expose(k.Current.Hash, apikey.LeakReport{By: apikey.ReportedByGitHub}, account.LeakRefuse, keytest.Now)
			return k
		},
	} {
		r := newHarness(t)
		k := r.dueKey(r.NewAccount(t))
		r.rotation()
		r.clock.Advance(2 * 24 * time.Hour)
		r.rotation()
		before := r.key(k)
		if _, err := r.Edit(t.Context(), before, "key.edit", func(k *apikey.Key) { *k = change(*k) }); err != nil {
			t.Fatal(err)
		}
		if s := r.rotation(); s.Rotated != 0 || r.key(k).Current.Hash != before.Current.Hash {
			t.Errorf("%s: %+v", name, s)
		}
	}
}
