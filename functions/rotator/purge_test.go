package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/keytest"
)

func TestAKeyIsPurgedWithItsDeliveredSecretAfterThirtyDays(t *testing.T) {
	r := newHarness(t)
	a := r.NewAccount(t)
	k := r.dueKey(a)
	r.rotation()
	plain := r.NewKey(t, a, func(k *apikey.Key) { k.DeletedAt = keytest.Now })
	deleted, err := r.Edit(t.Context(), r.key(k), "key.delete", func(k *apikey.Key) { k.DeletedAt = keytest.Now })
	if err != nil {
		t.Fatal(err)
	}
	r.clock.Advance(apikey.RestoreWindow - 1)
	if got := r.job(`{"job":"purge"}`).(purged); got.Purged != 0 {
		t.Fatalf("too early: %+v", got)
	}
	r.clock.Advance(day)
	if got := r.job(`{"job":"purge"}`).(purged); got.Purged != 2 || got.Failed != 0 {
		t.Fatalf("%+v", got)
	}
	for _, id := range []apikey.ID{k.ID, plain.ID} {
		if _, err := r.Control.Key(t.Context(), a.ID, id); !errors.Is(err, dynamo.ErrNotFound) {
			t.Errorf("%s is left: %v", id, err)
		}
	}
	for _, p := range authz.PoliciesOf(deleted) {
		if _, found, _ := r.Gate.Policy(t.Context(), p.Hash); found {
			t.Error("a policy record is left")
		}
	}
	if out, err := r.secrets.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: nameOf(k)}); err != nil || out.DeletedDate == nil {
		t.Errorf("the delivered secret: %+v, %v", out, err)
	}
	if got := r.job(`{"job":"purge"}`).(purged); got.Purged != 0 {
		t.Errorf("again: %+v", got)
	}
}

func TestAPurgeMayCrashAfterAnyCall(t *testing.T) {
	for n := 1; ; n++ {
		r := newHarness(t)
		k := r.dueKey(r.NewAccount(t))
		r.rotation()
		if _, err := r.Edit(t.Context(), r.key(k), "key.delete", func(k *apikey.Key) { k.DeletedAt = keytest.Now }); err != nil {
			t.Fatal(err)
		}
		r.clock.Advance(31 * day)
		job, c := r.dying(n)
		_, _ = job.purge(t.Context())
		if got := r.job(`{"job":"purge"}`).(purged); got.Failed != 0 {
			t.Fatalf("call %d: %+v", n, got)
		}
		if _, err := r.Control.Key(t.Context(), k.Account, k.ID); !errors.Is(err, dynamo.ErrNotFound) {
			t.Fatalf("call %d: %v", n, err)
		}
		if out, err := r.secrets.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: nameOf(k)}); err != nil || out.DeletedDate == nil {
			t.Fatalf("call %d: the delivered secret is left", n)
		}
		if !c.reached {
			return
		}
	}
}

func TestDriftIsReportedAndRepairedOnlyWhenAsked(t *testing.T) {
	r := newHarness(t)
	k := r.NewKey(t, r.NewAccount(t))
	wider := authz.PoliciesOf(k)[0]
	wider.HeaderOnly = !wider.HeaderOnly
	if err := keytest.PutRaw(t.Context(), r.DB, r.Tables.Gate, policies.Encode(wider)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := r.job(`{"job":"drift"}`).(drifted); got.Found["different"] != 1 || got.Repaired != 0 {
			t.Fatalf("%+v", got)
		}
	}
	if !strings.Contains(r.out.String(), `"GateDrift":1`) || !strings.Contains(r.out.String(), string(k.ID)) {
		t.Errorf("no metric, or no line: %s", r.out)
	}
	if got := r.job(`{"job":"drift","repair":true}`).(drifted); got.Repaired != 1 {
		t.Fatalf("%+v", got)
	}
	r.CheckGate(t, k)
	if got := r.job(`{"job":"rebuild"}`).(drifted); len(got.Found) != 0 {
		t.Errorf("%+v", got)
	}
}

// replicated is Secrets Manager that refuses a deletion, as it does for a secret with replicas in other regions.
type replicated struct{ deliveryClient }

func (replicated) DeleteSecret(context.Context, *sm.DeleteSecretInput, ...func(*sm.Options)) (*sm.DeleteSecretOutput, error) {
	return nil, &types.InvalidRequestException{Message: aws.String("the secret has replicas")}
}

// TestADeliveredSecretThatIsNotDeletedIsNotForgotten: where the deletion is refused the secret can still be read, so the key is
// kept and reported with each run, until the deletion is done.
func TestADeliveredSecretThatIsNotDeletedIsNotForgotten(t *testing.T) {
	deleted := func(k *apikey.Key) { k.DeletedAt = keytest.Now }
	unpoliced := func(k *apikey.Key) { k.Rotation = nil }
	for what, change := range map[string]func(*apikey.Key){"key.delete": deleted, "key.rotation_policy": unpoliced} {
		r := newHarness(t)
		k := r.dueKey(r.NewAccount(t))
		r.rotation()
		if _, err := r.Edit(t.Context(), r.key(k), what, change); err != nil {
			t.Fatal(err)
		}
		r.clock.Advance(31 * day)
		job := r.run(r.Stores, replicated{r.secrets})
		for range 2 {
			purge, purgeErr := job.purge(t.Context())
			rotation, rotationErr := job.rotation(t.Context(), event{})
			if failed := purge.Failed + rotation.Failed; failed != 1 || (purgeErr == nil) == (rotationErr == nil) {
				t.Errorf("%s: %+v, %v; %+v, %v", what, purge, purgeErr, rotation, rotationErr)
			}
			if stored, err := r.Control.Key(t.Context(), k.Account, k.ID); err != nil || stored.Delivery.Reader == "" {
				t.Errorf("%s: nobody knows of the secret any more: %+v, %v", what, stored.Delivery, err)
			}
		}
		r.rotation()
		r.job(`{"job":"purge"}`)
		if out, err := r.secrets.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: nameOf(k)}); err != nil || out.DeletedDate == nil {
			t.Errorf("%s: the secret is left: %+v, %v", what, out, err)
		}
	}
}
