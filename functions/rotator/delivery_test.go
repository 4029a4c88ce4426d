package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/keytest"
	"latchkey/shared/rotation"
)

func TestCancellingADeliveredRotationBringsTheOldSecretBack(t *testing.T) {
	for name, at := range map[string]time.Duration{"first delivery": 0, "a later one": 31 * day} {
		r := newHarness(t)
		k := r.dueKey(r.NewAccount(t))
		if at > 0 {
			r.rotation()
			r.clock.Advance(at)
		}
		r.rotation()
		before := r.key(k)
		_, err := r.Edit(t.Context(), before, "key.rotation_cancel", func(k *apikey.Key) {
			*k, err1 = rotation.Cancel(*k, r.clock.Now())
		})
		if err != nil || err1 != nil {
			t.Fatal(name, err, err1)
		}
		r.rotation()
		if at > 0 {
			r.settled(k)
			continue
		}
		// The old secret can't be delivered: it was shown once and isn't kept. The customer gets an event.
		if got := r.actions(account.Account{ID: k.Account}); !slices.Contains(got, "key.delivery_outdated") {
			t.Errorf("%s: %v", name, got)
		}
		r.check(k)
	}
}

var err1 error

func TestAManualRotationIsDeliveredWhereTheSecretIsKept(t *testing.T) {
	r := newHarness(t)
	k := r.dueKey(r.NewAccount(t), func(k *apikey.Key) { k.Recoverable = true })
	r.rotation()
	r.clock.Advance(2 * day)
	r.rotation()
	before := r.key(k)
	after, secret, err := r.rotateManually(t.Context(), before, 99)
	if err != nil {
		t.Fatal(err)
	}
	r.given[secret.Hash()] = true
	sealed, _ := apitest.Sealer{}.Seal(t.Context(), secret, k.ID)
	if _, err := r.Edit(t.Context(), after, "key.reseal", func(k *apikey.Key) { k.Current.Sealed = sealed }); err != nil {
		t.Fatal(err)
	}
	r.rotation()
	r.settled(k)
}

func TestWithoutAPolicyTheDeliveredSecretIsWithdrawn(t *testing.T) {
	r := newHarness(t)
	k := r.dueKey(r.NewAccount(t))
	r.rotation()
	without := func(p *apikey.RotationPolicy) {
		if _, err := r.Edit(t.Context(), r.key(k), "key.rotation_policy", func(k *apikey.Key) { k.Rotation = p }); err != nil {
			t.Fatal(err)
		}
		r.rotation()
	}
	without(nil)
	if _, err := r.delivered(k, reader, current); err == nil {
		t.Error("the principal still reads it")
	}
	if h := r.key(k).Delivery; h != (apikey.Delivery{}) {
		t.Errorf("left: %+v", h)
	}
	// With a new policy it comes back at the next rotation.
	without(&apikey.RotationPolicy{EveryDays: 1, Principal: "arn:aws:iam::111122223333:role/new"})
	r.clock.Advance(3 * day)
	r.rotation()
	r.check(k)
	if text, err := r.delivered(k, "arn:aws:iam::111122223333:role/new", current); err != nil || hashOf(text) != r.key(k).Current.Hash {
		t.Error(err)
	}
}

func TestARevokedKeysDeliveredSecretIsWithdrawn(t *testing.T) {
	r := newHarness(t)
	k := r.dueKey(r.NewAccount(t))
	r.rotation()
	if _, err := r.Edit(t.Context(), r.key(k), "key.revoke", func(k *apikey.Key) { k.RevokedAt = keytest.Now }); err != nil {
		t.Fatal(err)
	}
	if s := r.rotation(); s.Delivered != 1 || s.Failed != 0 {
		t.Errorf("%+v", s)
	}
	if _, err := r.delivered(k, reader, current); err == nil {
		t.Error("it can still be read")
	}
	if s := r.rotation(); s.Keys != 0 {
		t.Errorf("again: %+v", s)
	}
}

// witness looks, in the moment in which a secret is put where somebody reads it, who that is.
type witness struct {
	*sm.Client
	principal string
	wrong     []string
}

func (w *witness) PutSecretValue(ctx context.Context, in *sm.PutSecretValueInput, o ...func(*sm.Options)) (*sm.PutSecretValueOutput, error) {
	out, err := w.GetResourcePolicy(ctx, &sm.GetResourcePolicyInput{SecretId: in.SecretId})
	if err != nil || !strings.Contains(aws.ToString(out.ResourcePolicy), `"AWS":"`+w.principal+`"`) {
		w.wrong = append(w.wrong, fmt.Sprintf("%v, %v", aws.ToString(out.ResourcePolicy), err))
	}
	return w.Client.PutSecretValue(ctx, in, o...)
}

// TestOnlyThePrincipalOfTheMomentReads walks all ways in which a policy's principal comes, changes, goes and comes back:
// a secret that was withdrawn is restored with the policy that it had. No new secret is put in before that is replaced.
func TestOnlyThePrincipalOfTheMomentReads(t *testing.T) {
	principals := []string{"", "arn:aws:iam::111122223333:role/one", "arn:aws:iam::111122223333:role/two"}
	for way := range 27 {
		r := newHarnessOn(t, keytest.MemoryStores(t))
		k := r.NewKey(t, r.NewAccount(t))
		for n := range 3 {
			principal := principals[[]int{way % 3, way / 3 % 3, way / 9}[n]]
			change := func(k *apikey.Key) {
				if k.Rotation = nil; principal != "" {
					k.Rotation = &apikey.RotationPolicy{EveryDays: 1, Principal: principal}
				}
			}
			if _, err := r.Edit(t.Context(), r.key(k), "key.rotation_policy", change); err != nil {
				t.Fatal(err)
			}
			seen := &witness{Client: r.secrets, principal: principal}
			for range 2 {
				if _, err := r.run(r.Stores, seen).rotation(t.Context(), event{}); err != nil {
					t.Fatal(err)
				}
				r.clock.Advance(3 * day)
			}
			if len(seen.wrong) > 0 {
				t.Errorf("way %d, change %d to %q: a secret is put in under %s", way, n+1, principal, seen.wrong)
			}
			for _, who := range principals[1:] {
				if _, err := r.delivered(k, who, current); (err == nil) != (who == principal) {
					t.Errorf("way %d, change %d to %q: %s reads: %v", way, n+1, principal, who, err)
				}
			}
		}
	}
}

func TestSecretsManagersOwnStepsRotateTheKey(t *testing.T) {
	r := newHarness(t)
	k := r.dueKey(r.NewAccount(t))
	r.rotation()
	r.clock.Advance(2 * day)
	r.rotation()
	before := r.key(k)
	out, err := r.secrets.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: nameOf(k)})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"createSecret", "setSecret", "testSecret", "finishSecret"} {
		for range 2 { // every step may be repeated
			raw := fmt.Sprintf(`{"Step":%q,"SecretId":%q,"ClientRequestToken":"11111111-2222-4333-8444-555555555555"}`, name, *out.ARN)
			if _, err := r.well().handle(t.Context(), json.RawMessage(raw)); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			r.check(k)
		}
	}
	r.settled(k)
	if after := r.key(k); after.Current.Hash == before.Current.Hash || after.Outgoing.Hash != before.Current.Hash {
		t.Errorf("%+v", after)
	}
}

// beforePolicy calls a function just before the first policy is written.
type beforePolicy struct {
	*sm.Client
	once func()
}

func (m *beforePolicy) PutResourcePolicy(ctx context.Context, in *sm.PutResourcePolicyInput, o ...func(*sm.Options)) (*sm.PutResourcePolicyOutput, error) {
	if do := m.once; do != nil {
		m.once = nil
		do()
	}
	return m.Client.PutResourcePolicy(ctx, in, o...)
}

func TestARunThatWasOvertakenPutsBackWhatItWrote(t *testing.T) {
	const other = "arn:aws:iam::111122223333:role/new"
	r := newHarness(t)
	k := r.dueKey(r.NewAccount(t))
	slow := r.run(r.Stores, &beforePolicy{r.secrets, func() {
		policy := *k.Rotation
		policy.Principal = other
		if _, err := r.Edit(t.Context(), r.key(k), "key.rotation_policy", func(k *apikey.Key) { k.Rotation = &policy }); err != nil {
			t.Error(err)
		}
		r.rotation()
	}})
	slow.workers = 1
	// It begins with the key as it is now, and writes its policy when the other run is over.
	w := &work{rotator: slow, account: k.Account, id: k.ID, due: r.clock.Now(), task: rotation.RotateAndDeliver}
	if _, _, err := w.do(t.Context(), k); !errors.Is(err, dynamo.ErrStale) {
		t.Fatalf("got %v", err)
	}
	if _, err := r.delivered(k, reader, current); err != nil {
		t.Fatal("this test wants the overtaken run to have opened the secret to the old principal")
	}
	if err := w.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.delivered(k, reader, current); err == nil {
		t.Error("the old principal reads the secret")
	}
	if _, err := r.delivered(k, other, current); err != nil {
		t.Error(err)
	}
}

// What was delivered before names had the stack in them is read there by somebody's program, so it stays there. Everything else
// carries the stack, which has no right to another's.
func TestASecretStaysWhereItsReaderFindsIt(t *testing.T) {
	r := newHarness(t)
	acct := r.NewAccount(t)
	fresh, old := r.dueKey(acct), r.dueKey(acct)
	before := &delivery{client: r.secrets, names: "latchkey"}
	if err := before.create(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Edit(t.Context(), r.key(old), "key.edit", func(k *apikey.Key) { k.Delivery = apikey.Delivery{Reader: reader, Due: true} }); err != nil {
		t.Fatal(err)
	}
	r.rotation()
	where := func(k apikey.Key) (names []string) {
		for _, name := range []string{"latchkey/tests/", "latchkey/"} {
			name += string(acct.ID) + "/" + string(k.ID)
			out, err := r.secrets.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: &name})
			if err == nil && out.DeletedDate == nil {
				names = append(names, name)
			}
		}
		return names
	}
	for range 2 { // at first, and when it is rotated again
		for name, k := range map[string]apikey.Key{"latchkey/tests/": fresh, "latchkey/": old} {
			name += string(acct.ID) + "/" + string(k.ID)
			k = r.key(k)
			if got := where(k); !slices.Equal(got, []string{name}) || k.Delivery.Name != name {
				t.Errorf("the secret is at %q, its record says %q, want %s", got, k.Delivery.Name, name)
			}
			if text, err := r.delivered(k, reader, current); err != nil || hashOf(text) != k.Current.Hash {
				t.Errorf("%s doesn't hold the key's secret: %v", name, err)
			}
		}
		r.clock.Advance(91 * day)
		r.rotation()
	}
	// With its policy the secret goes too, wherever it is.
	for _, k := range []apikey.Key{fresh, old} {
		if _, err := r.Edit(t.Context(), r.key(k), "key.edit", func(k *apikey.Key) { k.Rotation = nil }); err != nil {
			t.Fatal(err)
		}
	}
	r.rotation()
	for _, k := range []apikey.Key{fresh, old} {
		if got := where(k); len(got) > 0 || r.key(k).Delivery != (apikey.Delivery{}) {
			t.Errorf("after its policy %q is left, and %+v", got, r.key(k).Delivery)
		}
	}
}
