package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"latchkey/functions/internal/sealing"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/keyring"
	"latchkey/shared/keytest"
)

// ringSecret is the ring's secret with versions and stages, on the test's clock.
type ringSecret struct {
	clock   *keytest.Clock
	texts   map[string]string
	made    map[string]time.Time
	current string
	crash   int // the call after which nothing is done any more; 0 for never
	fails   int // the call that fails, alone; 0 for none
	calls   int
}

func newRingSecret(t *testing.T, clock *keytest.Clock) *ringSecret {
	t.Helper()
	first, err := keyring.Ring{}.Grow(keytest.Random(5), "k1")
	if err != nil {
		t.Fatal(err)
	}
	return &ringSecret{clock: clock, texts: map[string]string{"v1": string(first.Document())}, made: map[string]time.Time{"v1": clock.Now()}, current: "v1"}
}

func (v *ringSecret) call() error {
	v.calls++
	if v.crash > 0 && v.calls > v.crash || v.calls == v.fails {
		return keytest.ErrInjected
	}
	return nil
}

func (v *ringSecret) GetSecretValue(context.Context, *sm.GetSecretValueInput, ...func(*sm.Options)) (*sm.GetSecretValueOutput, error) {
	if err := v.call(); err != nil {
		return nil, err
	}
	version, text, at := v.current, v.texts[v.current], v.made[v.current]
	return &sm.GetSecretValueOutput{SecretString: &text, VersionId: &version, CreatedDate: &at}, nil
}

func (v *ringSecret) PutSecretValue(_ context.Context, in *sm.PutSecretValueInput, _ ...func(*sm.Options)) (*sm.PutSecretValueOutput, error) {
	if err := v.call(); err != nil {
		return nil, err
	}
	if slices.Contains(in.VersionStages, current) || len(in.VersionStages) == 0 {
		panic("a ring is never put in force without looking at what it replaces")
	}
	v.texts[*in.ClientRequestToken], v.made[*in.ClientRequestToken] = *in.SecretString, v.clock.Now()
	return &sm.PutSecretValueOutput{}, nil
}

func (v *ringSecret) UpdateSecretVersionStage(_ context.Context, in *sm.UpdateSecretVersionStageInput, _ ...func(*sm.Options)) (*sm.UpdateSecretVersionStageOutput, error) {
	if err := v.call(); err != nil {
		return nil, err
	}
	if *in.RemoveFromVersionId != v.current {
		return nil, &types.InvalidParameterException{Message: aws.String("not the holder")}
	}
	v.current = *in.MoveToVersionId
	return &sm.UpdateSecretVersionStageOutput{}, nil
}

func (v *ringSecret) ring(t *testing.T) keyring.Ring {
	t.Helper()
	ring, err := keyring.Parse([]byte(v.texts[v.current]))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// ringHarness is a harness with a ring and a recoverable key in the middle of a rotation: two sealed secrets.
func ringHarness(t *testing.T) (*harness, *ringSecret, account.Account, apikey.Key) {
	t.Helper()
	r := newHarness(t)
	v := newRingSecret(t, r.clock)
	a := r.NewAccount(t)
	return r, v, a, r.sealedKey(t, a, v.ring(t))
}

func (r *harness) sealedKey(t *testing.T, a account.Account, ring keyring.Ring) apikey.Key {
	t.Helper()
	return r.NewKey(t, a, func(k *apikey.Key) {
		seal := func(text string) []byte {
			sealed, err := ring.Seal(keytest.Random(9), text, string(k.ID))
			if err != nil {
				t.Fatal(err)
			}
			return sealed
		}
		k.Recoverable = true
		k.Current.Sealed = seal("new")
		k.Outgoing = &apikey.Outgoing{StoredSecret: keytest.StoredSecret(string(k.ID) + "/0"), EndsAt: keytest.Now.AddDate(0, 0, 90)}
		k.Outgoing.Sealed = seal("old")
	})
}

func (r *harness) ringJob(v *ringSecret) *rotator {
	job := r.well()
	job.ring = sealing.Secret{Client: v, Name: "ring"}
	return job
}

func (r *harness) keyring(t *testing.T, v *ringSecret, grow bool) swept {
	t.Helper()
	s, err := r.ringJob(v).keyring(t.Context(), grow)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// opens checks that both secrets of a key open with the present ring.
func (r *harness) opens(t *testing.T, v *ringSecret, k apikey.Key) {
	t.Helper()
	k, ring := r.key(k), v.ring(t)
	for want, sealed := range map[string][]byte{"new": k.Current.Sealed, "old": k.Outgoing.Sealed} {
		if text, err := ring.Open(sealed, string(k.ID)); err != nil || text != want {
			t.Fatalf("%s: %q, %v", want, text, err)
		}
	}
}

func TestADataKeyIsAddedSweptInAndTheOldOneDroppedByALaterRun(t *testing.T) {
	r, v, _, k := ringHarness(t)
	r.clock.Advance(time.Hour)
	if s := r.keyring(t, v, true); !s.Grown || s.Resealed != 1 || len(s.Dropped) > 0 || s.Current != "k2" {
		t.Fatalf("%+v", s)
	}
	r.opens(t, v, k)
	if got := r.key(k); keyring.SealedBy(got.Current.Sealed) != "k2" || keyring.SealedBy(got.Outgoing.Sealed) != "k2" {
		t.Fatal("not sealed again")
	}
	r.clock.Advance(settled - time.Second)
	if s := r.keyring(t, v, false); len(s.Dropped) > 0 {
		t.Fatalf("dropped while an environment may still seal by it: %+v", s)
	}
	r.clock.Advance(time.Second)
	if s := r.keyring(t, v, false); fmt.Sprint(s.Dropped) != "[k1]" || fmt.Sprint(v.ring(t).Names()) != "[k2]" {
		t.Fatalf("%+v", s)
	}
	r.opens(t, v, k)
	if strings.Contains(r.out.String(), `"keys"`) {
		t.Error("a log line holds data keys")
	}
}

func TestNoDataKeyIsDroppedByARunThatFoundSomethingToDo(t *testing.T) {
	r, v, a, k := ringHarness(t)
	old := v.ring(t)
	r.keyring(t, v, true)
	r.clock.Advance(day)
	late := r.sealedKey(t, a, old) // by an environment that woke up with an old ring, against all rules
	if s := r.keyring(t, v, false); s.Resealed != 1 || len(s.Dropped) > 0 {
		t.Fatalf("%+v", s)
	}
	foreign, err := keyring.Ring{}.Grow(keytest.Random(6), "k0")
	if err != nil {
		t.Fatal(err)
	}
	r.sealedKey(t, a, foreign)
	if s := r.keyring(t, v, false); s.Failed != 1 || len(s.Dropped) > 0 {
		t.Fatalf("a secret that doesn't open must stop the dropping: %+v", s)
	}
	r.opens(t, v, k)
	r.opens(t, v, late)
}

func TestKeyringJobMayCrashAfterAnyCall(t *testing.T) {
	for n := 1; n < 12; n++ {
		r, v, _, k := ringHarness(t)
		for run := range 3 {
			v.calls, v.crash = 0, n
			_, _ = r.ringJob(v).keyring(t.Context(), run == 0)
			v.crash = 0
			r.opens(t, v, k)
			r.clock.Advance(day)
		}
	}
	for n := 1; n < 12; n++ { // and of the store
		r, v, _, k := ringHarness(t)
		for run := range 3 {
			job, _ := r.dying(n)
			job.ring = r.ringJob(v).ring
			_, _ = job.keyring(t.Context(), run == 0)
			r.opens(t, v, k)
			r.clock.Advance(day)
		}
	}
}

// TestAFailureAnywhereFailsTheKeyringRun: whichever call of the ring or of the list of keys fails, the run ends there with the
// error, says that it isn't done, and has neither grown nor dropped what it didn't come to. A run that says it is done while it
// couldn't read the ring would let nobody notice that secrets are no longer sealed again.
func TestAFailureAnywhereFailsTheKeyringRun(t *testing.T) {
	for _, tt := range []struct {
		name    string
		grow    bool
		fails   int    // the call of the ring that fails
		list    bool   // the list of keys fails instead
		current string // of the ring afterwards
		names   string
	}{
		{name: "reading the ring", fails: 1, current: "k2", names: "[k1 k2]"},
		{name: "reading the ring that is to grow", grow: true, fails: 1, current: "k2", names: "[k1 k2]"},
		{name: "writing the grown ring", grow: true, fails: 2, current: "k2", names: "[k1 k2]"},
		{name: "putting the grown ring in force", grow: true, fails: 3, current: "k2", names: "[k1 k2]"},
		{name: "reading the grown ring again", grow: true, fails: 4, current: "k3", names: "[k1 k2 k3]"},
		{name: "writing the ring without the old key", fails: 2, current: "k2", names: "[k1 k2]"},
		{name: "putting the ring without the old key in force", fails: 3, current: "k2", names: "[k1 k2]"},
		{name: "listing the keys", list: true, current: "k2", names: "[k1 k2]"},
		{name: "listing the keys after growing", grow: true, list: true, current: "k3", names: "[k1 k2 k3]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, v, _, k := ringHarness(t)
			r.keyring(t, v, true)
			r.clock.Advance(settled)
			before := len(r.out.String())
			job := r.ringJob(v)
			if tt.list {
				job.store = r.With(func(string, int) keytest.Fault { return keytest.Before }).Control
			} else {
				v.calls, v.fails = 0, tt.fails
			}
			s, err := job.keyring(t.Context(), tt.grow)
			calls := v.calls
			v.fails = 0
			if !errors.Is(err, keytest.ErrInjected) {
				t.Errorf("%+v, %v", s, err)
			}
			if !tt.list && calls != tt.fails {
				t.Errorf("%d calls of the ring after the one that failed", calls-tt.fails)
			}
			if said := r.out.String()[before:]; strings.Contains(said, "job done") || strings.Contains(said, "SecretsResealed") {
				t.Errorf("it says %s", said)
			}
			if ring := v.ring(t); ring.Current() != tt.current || fmt.Sprint(slices.Sorted(slices.Values(ring.Names()))) != tt.names {
				t.Errorf("the ring has %v and seals by %s", ring.Names(), ring.Current())
			}
			if s.Grown && tt.current != "k3" {
				t.Errorf("%+v", s)
			}
			r.opens(t, v, k)
		})
	}
}

func TestAnOvertakenChangeOfTheRingIsRefused(t *testing.T) {
	r, v, _, _ := ringHarness(t)
	job := r.ringJob(v)
	before, err := job.ring.Read(t.Context(), keytest.Random(1))
	if err != nil {
		t.Fatal(err)
	}
	r.keyring(t, v, true)
	if err := job.ring.Replace(t.Context(), before, before.Ring); err == nil || v.ring(t).Current() != "k2" {
		t.Errorf("a data key that seals was written away: %v", err)
	}
}

func TestRevokedAndDeletedKeysAreSealedAgainAndStayAsTheyAre(t *testing.T) {
	r, v, a, k := ringHarness(t)
	revoked, err := r.Edit(t.Context(), k, "key.revoke", func(k *apikey.Key) { k.RevokedAt = keytest.Now; k.DeletedAt = keytest.Now })
	if err != nil {
		t.Fatal(err)
	}
	if s := r.keyring(t, v, true); s.Resealed != 1 || s.Failed != 0 {
		t.Errorf("%+v", s)
	}
	if got := r.key(k); !got.RevokedAt.Equal(revoked.RevokedAt) || !got.DeletedAt.Equal(revoked.DeletedAt) {
		t.Errorf("%+v", got)
	}
	_ = a
}
