package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/keytest"
	"latchkey/shared/rotation"
)

const stepToken = "11111111-2222-4333-8444-555555555555"

var allSteps = []string{"createSecret", "setSecret", "testSecret", "finishSecret"}

// stepTable has the result of each step in each state of the key. The steps before it were done while the key was active.
const stepTable = `
              createSecret  setSecret      testSecret  finishSecret
active        ok            ok             ok          ok
disabled      ok            ok             ok          ok
blocked       ok            ok             ok          ok
expired       ok            expired        ok          ok
rotating      ok            in_progress    not_current ok
cancelled     ok            ok             not_current ok
revoked       no_offer      no_offer       no_offer    no_offer
deleted       ok            deleted        ok          ok
no_policy     no_offer      no_offer       no_offer    no_offer
no_principal  no_offer      no_offer       no_offer    no_offer
`

// stepStates bring an active key into a state. A manual rotation is one that Secrets Manager knows nothing of.
var stepStates = map[string]func(r *harness, k *apikey.Key){
	"active":   func(*harness, *apikey.Key) {},
	"disabled": func(_ *harness, k *apikey.Key) { k.Disabled = true },
	"blocked":  func(_ *harness, k *apikey.Key) { k.Blocked = &apikey.Block{Reason: "abuse", At: keytest.Now} },
	"expired":  func(r *harness, k *apikey.Key) { k.ExpiresAt = r.clock.Now() },
	"rotating": func(r *harness, k *apikey.Key) { r.manually(k) },
	"cancelled": func(r *harness, k *apikey.Key) {
		if k.Outgoing == nil {
			r.manually(k)
		}
		after, err := rotation.Cancel(*k, r.clock.Now())
		if err != nil {
			r.t.Fatal(err)
		}
		*k = after
	},
	"revoked":      func(r *harness, k *apikey.Key) { k.RevokedAt = r.clock.Now() },
	"deleted":      func(r *harness, k *apikey.Key) { k.DeletedAt = r.clock.Now() },
	"no_policy":    func(_ *harness, k *apikey.Key) { k.Rotation = nil },
	"no_principal": func(_ *harness, k *apikey.Key) { k.Rotation = &apikey.RotationPolicy{EveryDays: 30} },
}

// manually rotates as a person does; what runs already is cancelled first.
func (r *harness) manually(k *apikey.Key) {
	if k.Outgoing != nil {
		*k, _ = rotation.Cancel(*k, r.clock.Now())
	}
	fresh := keytest.StoredSecret(string(k.ID) + "/manual")
	r.given[fresh.Hash] = true
	grace, _ := rotation.ParseGrace(nil, rotation.Other)
	after, err := rotation.Rotate(*k, fresh, grace, rotation.Other, r.clock.Now())
	if err != nil {
		r.t.Fatal(err)
	}
	*k = after
}

func stepResult(err error) string {
	for name, known := range map[string]error{
		"no_offer": errNoOffer, "used": errUsed, "no_step": errStep, "in_progress": rotation.ErrInProgress, "expired": rotation.ErrExpired, "revoked": apikey.ErrRevoked,
		"deleted": apikey.ErrDeleted, "not_found": dynamo.ErrNotFound,
	} {
		if errors.Is(err, known) {
			return name
		}
	}
	switch {
	case err == nil:
		return "ok"
	case strings.Contains(err.Error(), "isn't the key's current one"):
		return "not_current"
	default:
		return err.Error()
	}
}

// delivering makes a key whose secret has been delivered for some days.
func delivering(t testing.TB) (*harness, apikey.Key) {
	r := newHarness(t)
	k := r.dueKey(r.NewAccount(t))
	r.rotation()
	r.clock.Advance(2 * day)
	r.rotation()
	return r, r.key(k)
}

func (r *harness) stepOf(k apikey.Key, name string) error {
	r.t.Helper()
	out, err := r.secrets.DescribeSecret(r.t.Context(), &sm.DescribeSecretInput{SecretId: nameOf(k)})
	if err != nil {
		r.t.Fatal(err)
	}
	raw, _ := json.Marshal(step{Step: name, SecretID: *out.ARN, ClientRequestToken: stepToken})
	_, err = r.well().handle(r.t.Context(), raw)
	return err
}

func TestEveryStepInEveryStateOfTheKey(t *testing.T) {
	keytest.OneAtATime(t)
	lines := strings.Split(strings.TrimSpace(stepTable), "\n")
	seen := map[string]bool{}
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		state := cells[0]
		seen[state] = true
		for i, want := range cells[1:] {
			r, k := delivering(t)
			for _, before := range allSteps[:i] {
				if err := r.stepOf(k, before); err != nil {
					t.Fatalf("%s: %v", before, err)
				}
			}
			before, err := r.Edit(t.Context(), r.key(k), "key.edit", func(k *apikey.Key) { stepStates[state](r, k) })
			if err != nil {
				t.Fatalf("%s: %v", state, err)
			}
			for try := range 2 { // Secrets Manager may repeat each step
				if got := stepResult(r.stepOf(k, allSteps[i])); got != want {
					t.Errorf("%s of a key that is %s, try %d: %s, want %s", allSteps[i], state, try+1, got, want)
				}
			}
			after := r.key(k)
			if want != "ok" && after.Version != before.Version {
				t.Errorf("%s of a key that is %s was refused and changed it", allSteps[i], state)
			}
			if allSteps[i] != "setSecret" && after.Current.Hash != before.Current.Hash {
				t.Errorf("%s of a key that is %s changed its secret", allSteps[i], state)
			}
		}
	}
	for state := range stepStates {
		if !seen[state] {
			t.Errorf("the table has no row for %s", state)
		}
	}
}

// TestASecretThatTheKeyHadBeforeIsNotPutInForceAgain: somebody wrote an old one into the version.
func TestASecretThatTheKeyHadBeforeIsNotPutInForceAgain(t *testing.T) {
	for name, c := range map[string]struct {
		wait int // days until the set
		want string
	}{"current": {-1, "ok"}, "outgoing": {0, "used"}, "retired": {2, "used"}} {
		r, k := delivering(t)
		old, err := r.delivered(k, reader, current)
		if err != nil {
			t.Fatal(err)
		}
		if c.wait >= 0 { // the job rotates it out
			r.clock.Advance(31 * day)
			r.rotation()
			for range c.wait {
				r.clock.Advance(day)
				r.rotation()
			}
		}
		if _, err := r.secrets.PutSecretValue(t.Context(), &sm.PutSecretValueInput{
			SecretId: nameOf(k), ClientRequestToken: aws.String(stepToken), SecretString: &old, VersionStages: []string{pending},
		}); err != nil {
			t.Fatal(err)
		}
		before := r.key(k)
		if got := stepResult(r.stepOf(k, "setSecret")); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if r.key(k).Version != before.Version {
			t.Errorf("%s: the key has changed", name)
		}
	}
}

func TestAStepOfNothingThatIsDeliveredIsRefused(t *testing.T) {
	r, k := delivering(t)
	arn := func(acct account.ID, id apikey.ID) string {
		return fmt.Sprintf("arn:aws:secretsmanager:us-east-1:111122223333:secret:latchkey/tests/%s/%s-AbCdEf", acct, id)
	}
	good := arn(k.Account, k.ID)
	for name, c := range map[string]struct {
		step step
		want string
	}{
		"another step":          {step{"dropSecret", good, stepToken}, "no_step"},
		"no token":              {step{"createSecret", good, ""}, "no_step"},
		"a secret of others":    {step{"createSecret", "arn:aws:secretsmanager:us-east-1:111122223333:secret:prod/db-AbCdEf", stepToken}, "no_step"},
		"another stack's":       {step{"createSecret", strings.Replace(good, "latchkey/tests/", "latchkey/maps/", 1), stepToken}, "no_step"},
		"named without a stack": {step{"createSecret", strings.Replace(good, "latchkey/tests/", "latchkey/", 1), stepToken}, "no_step"},
		"no suffix":             {step{"createSecret", strings.TrimSuffix(good, "-AbCdEf"), stepToken}, "no_step"},
		"text after the suffix": {step{"createSecret", good + "/x", stepToken}, "no_step"},
		"an odd key":            {step{"createSecret", arn(k.Account, "key_1"), stepToken}, "no_step"},
		"an unknown key":        {step{"createSecret", arn(k.Account, keytest.KeyID()), stepToken}, "not_found"},
		"the account of others": {step{"createSecret", arn(keytest.AccountID(), k.ID), stepToken}, "not_found"},
	} {
		raw, _ := json.Marshal(c.step)
		_, err := r.well().handle(t.Context(), raw)
		if got := stepResult(err); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if after := r.key(k); after.Version != k.Version {
		t.Error("the key has changed")
	}
}
