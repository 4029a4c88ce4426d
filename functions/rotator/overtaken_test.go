package main

import (
	"context"
	"testing"
	"time"

	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/rotation"
)

// interrupted lets something else happen before one call of Secrets Manager.
type interrupted struct {
	*sm.Client
	before string
	do     func()
}

func (c *interrupted) at(call string) {
	if do := c.do; call == c.before && do != nil {
		c.do = nil
		do()
	}
}

func (c *interrupted) UpdateSecretVersionStage(ctx context.Context, in *sm.UpdateSecretVersionStageInput, o ...func(*sm.Options)) (*sm.UpdateSecretVersionStageOutput, error) {
	c.at("UpdateSecretVersionStage")
	return c.Client.UpdateSecretVersionStage(ctx, in, o...)
}

func (c *interrupted) DescribeSecret(ctx context.Context, in *sm.DescribeSecretInput, o ...func(*sm.Options)) (*sm.DescribeSecretOutput, error) {
	c.at("DescribeSecret")
	return c.Client.DescribeSecret(ctx, in, o...)
}

func (c *interrupted) GetSecretValue(ctx context.Context, in *sm.GetSecretValueInput, o ...func(*sm.Options)) (*sm.GetSecretValueOutput, error) {
	c.at("GetSecretValue")
	return c.Client.GetSecretValue(ctx, in, o...)
}

func (c *interrupted) PutResourcePolicy(ctx context.Context, in *sm.PutResourcePolicyInput, o ...func(*sm.Options)) (*sm.PutResourcePolicyOutput, error) {
	c.at("PutResourcePolicy")
	return c.Client.PutResourcePolicy(ctx, in, o...)
}

// TestARunThatWasOvertakenLeavesWhatTheKeySays: a run delivers a rotation, and before any of its calls somebody cancels
// that rotation and another run delivers it. What the first one then writes is put right by the same run: nobody else would
// look again, and the secret that it put in force ends minutes later.
func TestARunThatWasOvertakenLeavesWhatTheKeySays(t *testing.T) {
	for _, call := range []string{"PutResourcePolicy", "DescribeSecret", "GetSecretValue", "UpdateSecretVersionStage"} {
		r := newHarness(t)
		k := r.dueKey(r.NewAccount(t))
		r.rotation()
		r.clock.Advance(31 * day)
		// A first run puts the next secret in force and ends before it is delivered.
		dying := r.run(r.Stores, faulty{r.secrets, func(call string) keytest.Fault {
			if call == "UpdateSecretVersionStage" {
				return keytest.Before
			}
			return keytest.NoFault
		}})
		_, _ = dying.rotation(t.Context(), event{})
		if !rotation.DeliveryDue(r.key(k)) {
			t.Fatalf("%s: nothing is left to deliver", call)
		}
		client := &interrupted{Client: r.secrets, before: call, do: func() {
			if _, err := r.Edit(context.Background(), r.key(k), "key.rotation_cancel", func(k *apikey.Key) { *k, err1 = rotation.Cancel(*k, r.clock.Now()) }); err != nil || err1 != nil {
				t.Fatal(err, err1)
			}
			r.rotation()
			r.settled(k)
		}}
		if s, err := r.run(r.Stores, client).rotation(t.Context(), event{}); err != nil || client.do != nil {
			t.Fatalf("%s: %+v, %v", call, s, err)
		}
		r.settled(k)
	}
}

// slowSweep is a store in which reading all keys takes some time.
type slowSweep struct {
	store
	clock *keytest.Clock
	takes time.Duration
}

func (s slowSweep) EachKeyFrom(ctx context.Context, from control.Place, yield func(apikey.Key, error) error, done func(control.Place) error) error {
	err := s.store.EachKeyFrom(ctx, from, yield, done)
	s.clock.Advance(s.takes)
	return err
}

// TestADataKeyIsDroppedOnlyAfterAWholeSweepThatBeganLateEnough: an environment with the older ring may seal by it behind a
// sweep that began too soon, however long that takes.
func TestADataKeyIsDroppedOnlyAfterAWholeSweepThatBeganLateEnough(t *testing.T) {
	r, v, _, k := ringHarness(t)
	r.keyring(t, v, true)
	for began, drops := range []bool{false, true} {
		r.clock.Advance([]time.Duration{settled - time.Second, 0}[began])
		job := r.ringJob(v)
		job.store = slowSweep{job.store, r.clock, time.Second}
		s, err := job.keyring(t.Context(), false)
		if err != nil || (len(s.Dropped) > 0) != drops {
			t.Errorf("sweep %d: %+v, %v", began, s, err)
		}
	}
	r.opens(t, v, k)
}
