package main

import (
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
)

// TestTheSameIdempotencyKeyOnAnotherKeyIsAnotherRequest: the path counts, or the second key would seem to be rotated.
func TestTheSameIdempotencyKeyOnAnotherKeyIsAnotherRequest(t *testing.T) {
	r := newHarness(t)
	other := r.NewKey(t, r.account)
	r.want(t, 200, "rotate", nil, "Idempotency-Key", "k")
	before := r.Dump(t)
	got := r.Do(t, apitest.Call{
		As: "developer", Method: "POST", Path: "/v1/accounts/" + string(r.account.ID) + "/keys/" + string(other.ID) + "/rotate",
		Headers: map[string]string{"Idempotency-Key": "k"},
	})
	if got.Problem() != "422 idempotency_key_reused []" || len(keytest.Written(before, r.Dump(t))) > 0 {
		t.Errorf("%s", got.Problem())
	}
}

// TestARepeatedRotateIsReplayedWhateverHasChangedSince: the rotation that it asked for runs by now, which would refuse
// it, and so may be anything that came after.
func TestARepeatedRotateIsReplayedWhateverHasChangedSince(t *testing.T) {
	edit := func(change func(*apikey.Key)) func(*harness) error {
		return func(r *harness) error {
			_, err := r.Edit(t.Context(), r.stored(t), "key.edit", change)
			return err
		}
	}
	for name, then := range map[string]func(*harness) error{
		"nothing": func(*harness) error { return nil },
		"ended":   func(r *harness) error { r.want(t, 200, "rotation/end", nil); return nil },
		"rotated again": func(r *harness) error {
			r.want(t, 200, "rotation/end", nil)
			r.want(t, 200, "rotate", nil)
			return nil
		},
		"cancelled":       func(r *harness) error { r.want(t, 200, "rotation/cancel", nil); return nil },
		"revoked":         edit(func(k *apikey.Key) { k.RevokedAt = keytest.Now }),
		"deleted":         edit(func(k *apikey.Key) { k.DeletedAt = keytest.Now }),
		"expired":         edit(func(k *apikey.Key) { k.ExpiresAt = keytest.Now }),
		"the last second": func(r *harness) error { r.Clock.Advance(24*time.Hour - time.Second); return nil },
	} {
		r := newHarness(t)
		body := object{"grace_seconds": 3600}
		r.want(t, 200, "rotate", body, "Idempotency-Key", "k", "If-Match", `"1"`)
		if err := then(r); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		before := r.Dump(t)
		got := r.do(t, "rotate", body, "Idempotency-Key", "k", "If-Match", `"1"`)
		if got.Status != 200 || got.Header.Get("Idempotent-Replayed") != "true" || len(keytest.Written(before, r.Dump(t))) > 0 {
			t.Errorf("%s: %s", name, got.Problem())
		}
		if got := r.do(t, "rotate", object{"grace_seconds": 3601}, "Idempotency-Key", "k"); got.Problem() != "422 idempotency_key_reused []" {
			t.Errorf("%s: another body: %s", name, got.Problem())
		}
	}
	r := newHarness(t)
	r.want(t, 200, "rotate", object{"grace_seconds": 60}, "Idempotency-Key", "k")
	r.Clock.Advance(24 * time.Hour)
	if doc := r.want(t, 200, "rotate", object{"grace_seconds": 60}, "Idempotency-Key", "k"); doc["secret"] == nil {
		t.Error("a day later it is still replayed")
	}
}

// TestOneIdempotencyKeyForTwoOperationsIsTwoRequests: a create under the same key was another request.
func TestOneIdempotencyKeyForTwoOperationsIsTwoRequests(t *testing.T) {
	r := newHarness(t)
	r.want(t, 200, "rotate", nil, "Idempotency-Key", "k")
	for _, operation := range []string{"create", "qps"} {
		if _, err := r.Control.Remembered(t.Context(), r.account.ID, operation, keytest.Subject("developer"), "k", keytest.Now); err == nil {
			t.Errorf("it is remembered as %s", operation)
		}
	}
	if _, err := r.Control.Remembered(t.Context(), r.account.ID, "rotate", keytest.Subject("developer"), "k", keytest.Now); err != nil {
		t.Error(err)
	}
}
