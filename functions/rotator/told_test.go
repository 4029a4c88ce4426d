package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"latchkey/functions/internal/apitest"
	"latchkey/functions/internal/sealing"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/keytest"
	"latchkey/shared/rotation"
)

// measured finds the metrics of a job's last line.
func (r *harness) measured(job string) (last map[string]float64) {
	r.t.Helper()
	for line := range strings.Lines(r.out.String()) {
		var members map[string]any
		if err := json.Unmarshal([]byte(line), &members); err != nil {
			r.t.Fatalf("not a line of JSON: %s", line)
		}
		if members["_aws"] == nil || members["Job"] != job {
			continue
		}
		last = map[string]float64{}
		for name, value := range members {
			if n, is := value.(float64); is {
				last[name] = n
			}
		}
	}
	return last
}

// TestWhatARunMeasuresIsWhatItDid: a key that failed isn't done, and each key is one of the two.
func TestWhatARunMeasuresIsWhatItDid(t *testing.T) {
	for kinds, want := range map[string]string{ // done, failed, rotated, announced, refused
		"":    "0 0 0 0 0",
		"ggg": "3 0 3 3 0",
		"gbr": "2 1 1 2 1",
		"bb":  "0 2 0 0 0",
	} {
		d := newDue(t, kinds)
		_, _ = d.kill(0).rotation(t.Context(), event{})
		m := d.measured("rotation")
		got := fmt.Sprint(m["KeysDone"], m["KeysFailed"], m["KeysRotated"], m["KeysAnnounced"], m["KeysRefused"])
		if got != want {
			t.Errorf("%q: %s, want %s", kinds, got, want)
		}
	}
}

// paged gives pages of a size of its own.
type paged struct {
	store
	size int
}

func (p paged) Due(ctx context.Context, now time.Time, after string, limit int) (control.JobPage, error) {
	return p.store.Due(ctx, now, after, min(limit, p.size))
}

// TestACountIsOfAllThatIsDue, however it is paged, and does nothing.
func TestACountIsOfAllThatIsDue(t *testing.T) {
	d := newDue(t, "ggggggg")
	for _, size := range []int{1, 2, 6, 7, 8} {
		job := d.kill(0)
		job.store = paged{job.store, size}
		s, err := job.rotation(t.Context(), event{Count: true})
		if err != nil || s.Due != len(d.keys) || s.Keys != 0 || s.Rotated != 0 {
			t.Errorf("pages of %d: %+v, %v", size, s, err)
		}
	}
	for _, k := range d.keys {
		if got := d.key(k); got.Version != k.Version {
			t.Errorf("a count has changed a key: %+v", got)
		}
	}
}

// busy gives each job something to do in one account, with the event that makes a job do it.
func busy(t *testing.T, r *harness, v *ringSecret) (account.Account, []string) {
	t.Helper()
	a := r.NewAccount(t)
	r.dueKey(a)
	r.NewKey(t, a, func(k *apikey.Key) { k.DeletedAt = keytest.Now.Add(-31 * day) })
	r.NewKey(t, a, func(k *apikey.Key) {
		k.Limits = []apikey.Limit{{Class: "search", QPS: 50, EndsAt: keytest.Now}}
		k.Outgoing = &apikey.Outgoing{StoredSecret: keytest.StoredSecret(string(k.ID) + "/0"), EndsAt: keytest.Now}
	})
	r.sealedKey(t, a, v.ring(t))
	o := keytest.Operation(t, a.ID, account.Enterprise, nil)
	if _, _, err := keytest.BeginType(t.Context(), r.Control, o, keytest.Row(a.ID, "account.type.begin", "")); err != nil {
		t.Fatal(err)
	}
	wider := authz.PoliciesOf(r.NewKey(t, r.NewAccount(t)))[0]
	wider.HeaderOnly = !wider.HeaderOnly
	if err := keytest.PutRaw(t.Context(), r.DB, r.Tables.Gate, policies.Encode(wider)); err != nil {
		t.Fatal(err)
	}
	return a, []string{`{"job":"rotation"}`, `{"job":"purge"}`, `{"job":"drift","repair":true}`, `{"job":"keyring","grow":true}`}
}

// TestEachRowOfAJobNamesTheRunThatWroteIt: the request ID leads from the audit trail to the log of the function.
func TestEachRowOfAJobNamesTheRunThatWroteIt(t *testing.T) {
	r := newHarness(t)
	v := newRingSecret(t, r.clock)
	a, jobs := busy(t, r, v)
	job := r.well()
	job.ring = sealing.Secret{Client: v, Name: "ring"}
	for _, raw := range jobs {
		ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "run of " + raw})
		if _, err := job.handle(ctx, json.RawMessage(raw)); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
	}
	done := map[string]string{} // the action: its run
	for _, row := range r.AllAudit(t, a.ID) {
		if row.RequestID == keytest.Row(a.ID, "", "").RequestID { // what was there before
			continue
		}
		if row.Actor.Role != account.RoleSystem || !strings.HasPrefix(row.RequestID, "run of ") {
			t.Errorf("%s by %q names the run %q", row.Action, row.Actor.Role, row.RequestID)
		}
		done[row.Action] = strings.TrimPrefix(row.RequestID, "run of ")
	}
	for action, run := range map[string]string{
		"key.rotate": jobs[0], "key.deliver": jobs[0], "key.rotation_announced": jobs[0], "key.rotation_end": jobs[0], "key.limit_end": jobs[0],
		"key.account_type": jobs[0], "account.type": jobs[0], "key.purge": jobs[1], "key.reseal": jobs[3],
	} {
		if done[action] != run {
			t.Errorf("%s names %q, want %q", action, done[action], run)
		}
	}
}

// TestARecoverableKeyStaysRecoverable: what the job puts in force is kept where the key is recoverable, by the first
// rotation and each after it, by the schedule and by Secrets Manager's own steps; and nowhere else.
func TestARecoverableKeyStaysRecoverable(t *testing.T) {
	for _, recoverable := range []bool{true, false} {
		r := newHarness(t)
		k := r.dueKey(r.NewAccount(t), func(k *apikey.Key) { k.Recoverable = recoverable })
		kept := func(how string) {
			t.Helper()
			now := r.key(k)
			text, err := r.delivered(k, reader, current)
			if err != nil || hashOf(text) != now.Current.Hash || slices.ContainsFunc(now.Retired, func(old apikey.Retired) bool { return old.Hash == now.Current.Hash }) {
				t.Fatalf("%s: %v", how, err)
			}
			if !recoverable {
				if len(now.Current.Sealed) > 0 {
					t.Errorf("%s: a secret that is shown once is kept", how)
				}
				return
			}
			if opened, err := (apitest.Sealer{}).Open(t.Context(), now.Current.Sealed, k.ID); err != nil || opened != text {
				t.Errorf("%s: the secret isn't kept: %v", how, err)
			}
		}
		for n := range 3 {
			if s := r.rotation(); s.Rotated != 1 {
				t.Fatalf("%+v", s)
			}
			kept(fmt.Sprintf("rotation %d", n+1))
			r.clock.Advance(time.Hour * 24 * 31)
			r.clock.Advance(rotation.DefaultGrace)
		}
		out, err := r.secrets.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: nameOf(k)})
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []string{"createSecret", "setSecret", "testSecret", "finishSecret"} {
			r.job(fmt.Sprintf(`{"Step":%q,"SecretId":%q,"ClientRequestToken":"11111111-2222-4333-8444-555555555555"}`, step, *out.ARN))
		}
		kept("Secrets Manager's steps")
	}
}
