package main

import (
	"testing"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
)

// TestTheReasonOfARotationIsKept in the key and in its audit row, whichever it is.
func TestTheReasonOfARotationIsKept(t *testing.T) {
	for sent, want := range map[string]string{"": "other", "other": "other", "scheduled": "scheduled", "leaked": "leaked"} {
		r := newHarness(t)
		body := object{"grace_seconds": 60}
		if sent != "" {
			body["reason"] = sent
		}
		r.want(t, 200, "rotate", body)
		if got := r.stored(t).Outgoing; got == nil || got.Reason != want {
			t.Errorf("%q: %+v", sent, got)
		}
	}
}

// TestANewPolicyIsTriedAtOnceAndNotAnnouncedAgain: it may fix what failed, and what was announced stays so.
func TestANewPolicyIsTriedAtOnceAndNotAnnouncedAgain(t *testing.T) {
	f := idle(t)
	id := apikey.ID(f.Params["key"])
	k, err := f.Control.Key(t.Context(), f.Account, id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = f.Edit(t.Context(), k, "key.edit", func(k *apikey.Key) {
		policy := *k.Rotation
		policy.AnnouncedFor = keytest.Now.Add(time.Hour)
		k.Rotation, k.Delivery.RetryAt = &policy, keytest.Now.Add(time.Hour)
	}); err != nil {
		t.Fatal(err)
	}
	f.Call(t, "putRotationPolicy", "", object{"every_days": 60})
	k, err = f.Control.Key(t.Context(), f.Account, id)
	if err != nil || !k.Delivery.RetryAt.IsZero() || !k.Rotation.AnnouncedFor.Equal(keytest.Now.Add(time.Hour)) || k.Rotation.EveryDays != 60 {
		t.Errorf("%+v, %+v, %v", k.Rotation, k.Delivery, err)
	}
}
