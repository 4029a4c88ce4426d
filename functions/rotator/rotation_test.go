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
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/moment"
	"latchkey/shared/rotation"
)

func TestADueKeyIsAnnouncedRotatedAndDelivered(t *testing.T) {
	r := newHarness(t)
	a := r.NewAccount(t)
	k := r.dueKey(a)
	s := r.rotation()
	if s.Keys != 1 || s.Announced != 1 || s.Rotated != 1 || s.Delivered != 1 || s.Failed != 0 || s.More {
		t.Fatalf("%+v", s)
	}
	r.settled(k)
	after := r.key(k)
	if after.Outgoing == nil || after.Outgoing.Hash != k.Current.Hash || after.Outgoing.Reason != rotation.Scheduled ||
		!after.Outgoing.EndsAt.Equal(keytest.Now.Add(rotation.DefaultGrace)) {
		t.Errorf("the old secret lives through the grace: %+v", after.Outgoing)
	}
	if got := r.actions(a); !slices.Equal(got, []string{"key.deliver", "key.rotate", "key.rotation_announced"}) {
		t.Errorf("audit: %v", got)
	}
	text, _ := r.delivered(k, reader, current)
	if strings.Contains(r.out.String(), text) || strings.Contains(fmt.Sprint(r.AllAudit(t, a.ID)), text) {
		t.Error("the secret is in a log or in the audit trail")
	}
	if !strings.Contains(r.out.String(), `"msg":"job done"`) || !strings.Contains(r.out.String(), `"KeysRotated":1`) {
		t.Errorf("no summary or no metrics: %s", r.out)
	}
	if _, err := r.delivered(k, "arn:aws:iam::111122223333:role/other", current); err == nil {
		t.Error("another principal reads the secret")
	}
	out, err := r.secrets.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: nameOf(k)})
	if err != nil || aws.ToString(out.KmsKeyId) != "delivery" || len(out.Tags) != 2 {
		t.Errorf("described as %+v, %v", out, err)
	}
	if s := r.rotation(); s.Keys != 0 {
		t.Errorf("the next run found %+v", s)
	}
}

func TestTheNextRotationLeavesTheOldSecretAsPrevious(t *testing.T) {
	r := newHarness(t)
	k := r.dueKey(r.NewAccount(t))
	r.rotation()
	first, _ := r.delivered(k, reader, current)
	r.clock.Advance(31 * day)
	if s := r.rotation(); s.Rotated != 1 || s.Ended != 1 || s.Delivered != 1 {
		t.Fatalf("%+v", s)
	}
	r.settled(k)
	if was, err := r.delivered(k, reader, previous); err != nil || was != first {
		t.Errorf("AWSPREVIOUS isn't the secret before: %v", err)
	}
}

func TestWithoutAPrincipalAKeyIsAnnouncedOnceAndNeverRotated(t *testing.T) {
	r := newHarness(t)
	a := r.NewAccount(t)
	k := r.dueKey(a, func(k *apikey.Key) { k.Rotation.Principal = "" })
	for range 3 {
		r.rotation()
		r.clock.Advance(day)
	}
	if got := r.actions(a); !slices.Equal(got, []string{"key.rotation_announced"}) || r.key(k).Current.Hash != k.Current.Hash {
		t.Errorf("audit: %v", got)
	}
	rows := slices.DeleteFunc(r.AllAudit(t, a.ID), func(row audit.Row) bool { return row.Action != "key.rotation_announced" })
	if row := rows[0]; fmt.Sprint(row.Changes) != fmt.Sprintf("[{rotation_due  %q}]", moment.Format(keytest.Now)) {
		t.Errorf("the announcement says %v", row.Changes)
	}
}

func TestWhoIsRotated(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*apikey.Key)
		rotated int
	}{
		"active":                         {func(*apikey.Key) {}, 1},
		"disabled":                       {func(k *apikey.Key) { k.Disabled = true }, 1},
		"blocked":                        {func(k *apikey.Key) { k.Blocked = &apikey.Block{Reason: "abuse", At: keytest.Now} }, 1},
		"expired":                        {func(k *apikey.Key) { k.ExpiresAt = keytest.Now.AddDate(0, 0, -1) }, 0},
		"expires just when it comes due": {func(k *apikey.Key) { k.ExpiresAt = keytest.Now }, 0},
		"expired when it got its policy": {func(k *apikey.Key) {
			k.CreatedAt, k.ExpiresAt = keytest.Now.AddDate(0, 0, -400), keytest.Now.AddDate(0, 0, -10)
			k.UpdatedAt = keytest.Now.Add(-time.Hour)
		}, 0},
		"expired before a late run": {func(k *apikey.Key) {
			k.CreatedAt, k.ExpiresAt = keytest.Now.AddDate(0, 0, -31), keytest.Now.Add(-time.Hour)
			k.UpdatedAt = k.CreatedAt
		}, 0},
		"revoked":     {func(k *apikey.Key) { k.RevokedAt = keytest.Now }, 0},
		"deleted":     {func(k *apikey.Key) { k.DeletedAt = keytest.Now }, 0},
		"not due yet": {func(k *apikey.Key) { k.RotatedAt = keytest.Now.Add(-day) }, 0},
		"a manual rotation is running": {func(k *apikey.Key) {
			k.Outgoing = &apikey.Outgoing{StoredSecret: keytest.StoredSecret(string(k.ID) + "/0"), EndsAt: keytest.Now.Add(time.Hour)}
		}, 0},
	} {
		r := newHarness(t)
		k := r.dueKey(r.NewAccount(t), c.change)
		if s := r.rotation(); s.Rotated != c.rotated || s.Failed != 0 || k.Expired(keytest.Now) && s.Announced != 0 {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// TestARunDeliversWhatItRotates, though time has passed since it began: an exposed secret isn't accepted any more, and its reader would
// wait for the new one until the next run.
func TestARunDeliversWhatItRotates(t *testing.T) {
	r := newHarness(t)
	k := r.dueKey(r.NewAccount(t))
	slow := r.well()
	slow.source.Now = func() time.Time { r.clock.Advance(time.Millisecond); return r.clock.Now() }
	answer, err := slow.handle(t.Context(), json.RawMessage(`{"job":"rotation"}`))
	if s, _ := answer.(summary); err != nil || s.Rotated != 1 || s.Delivered != 1 {
		t.Errorf("%+v, %v", answer, err)
	}
	r.settled(k)
}

// TestARotationThatCameTooLateHoldsUpNothing: of a key that expired while its rotation was due, everything else is still done.
func TestARotationThatCameTooLateHoldsUpNothing(t *testing.T) {
	r := newHarness(t)
	k := r.dueKey(r.NewAccount(t), func(k *apikey.Key) {
		k.CreatedAt, k.ExpiresAt = keytest.Now.AddDate(0, 0, -31), keytest.Now.Add(-time.Hour)
		k.UpdatedAt = k.CreatedAt
		k.Blocked = &apikey.Block{Reason: "abuse", At: k.CreatedAt, Until: keytest.Now.Add(-time.Minute)}
	})
	if s := r.rotation(); s.Ended != 1 || s.Announced+s.Rotated+s.Failed != 0 || r.key(k).Blocked != nil {
		t.Errorf("%+v: %+v", s, r.key(k).Blocked)
	}
	if s := r.rotation(); s.Keys != 0 {
		t.Errorf("it is still due: %+v", s)
	}
}

func TestAManualRotationInProgressIsWaitedFor(t *testing.T) {
	r := newHarness(t)
	k := r.dueKey(r.NewAccount(t), func(k *apikey.Key) {
		k.Outgoing = &apikey.Outgoing{StoredSecret: keytest.StoredSecret(string(k.ID) + "/0"), EndsAt: keytest.Now.Add(time.Hour)}
	})
	r.given[k.Outgoing.Hash] = true
	r.rotation()
	r.clock.Advance(time.Hour)
	if s := r.rotation(); s.Rotated != 1 || s.Ended != 1 {
		t.Errorf("%+v", s)
	}
	r.settled(k)
}

// poisoned refuses a principal's policy, as AWS does for one that doesn't exist.
type poisoned struct {
	*sm.Client
	account account.ID
	key     apikey.ID
	calls   int
}

func (p *poisoned) PutResourcePolicy(ctx context.Context, in *sm.PutResourcePolicyInput, o ...func(*sm.Options)) (*sm.PutResourcePolicyOutput, error) {
	if strings.HasSuffix(*in.SecretId, string(p.key)) {
		p.calls++
		return nil, &types.MalformedPolicyDocumentException{Message: aws.String("This resource policy contains an unsupported principal.")}
	}
	return p.Client.PutResourcePolicy(ctx, in, o...)
}

func TestAWrongPrincipalIsReportedOnceAndStopsNoOther(t *testing.T) {
	r := newHarness(t)
	a := r.NewAccount(t)
	keys := []apikey.Key{r.dueKey(a), r.dueKey(a), r.dueKey(a)}
	client := &poisoned{Client: r.secrets, account: a.ID, key: keys[1].ID}
	for range 3 { // within a day
		s, err := r.run(r.Stores, client).rotation(t.Context(), event{})
		if err != nil || s.Failed != 0 {
			t.Fatalf("%+v %v", s, err)
		}
		r.clock.Advance(5 * time.Minute)
	}
	r.settled(keys[0])
	r.settled(keys[2])
	if n := len(slices.DeleteFunc(r.actions(a), func(s string) bool { return s != "key.delivery_failed" })); n != 1 || client.calls != 1 {
		t.Errorf("reported %d times, tried %d times", n, client.calls)
	}
	if r.key(keys[1]).Current.Hash != keys[1].Current.Hash {
		t.Error("rotated although nobody can read it")
	}
	r.clock.Advance(day)
	if r.rotation(); r.key(keys[1]).Delivery.Reader != reader {
		t.Error("not delivered after the principal was fixed")
	}
	r.settled(keys[1])
}

// panicking breaks down over one key.
type panicking struct {
	store
	id apikey.ID
}

func (p panicking) Key(ctx context.Context, a account.ID, id apikey.ID) (apikey.Key, error) {
	if id == p.id {
		panic("poison")
	}
	return p.store.Key(ctx, a, id)
}

func TestOnePoisonedKeyStopsNoOther(t *testing.T) {
	r := newHarness(t)
	a := r.NewAccount(t)
	keys := []apikey.Key{r.dueKey(a), r.dueKey(a), r.dueKey(a)}
	damaged := r.dueKey(a)
	if err := keytest.PutRaw(t.Context(), r.DB, r.Tables.Control, dynamo.Item{
		"pk": dynamo.S("A#" + string(a.ID)), "sk": dynamo.S("KEY#" + string(damaged.ID)), "kind": dynamo.S("key"), "v": dynamo.N(99),
		"id": dynamo.S(string(damaged.ID)), "account": dynamo.S(string(a.ID)),
		"gpk": dynamo.S("DUE"), "gsk": dynamo.S("2000-01-01T00:00:00.000Z#" + string(damaged.ID)),
	}); err != nil {
		t.Fatal(err)
	}
	job := r.well()
	job.store = panicking{job.store, keys[0].ID}
	s, err := job.rotation(t.Context(), event{})
	if err == nil || s.Failed != 2 || s.Rotated != 2 {
		t.Errorf("%+v, %v: the alarm must hear of the two", s, err)
	}
	r.settled(keys[1])
	r.settled(keys[2])
}

func TestDueByRotatesAheadAndEndsNoGrace(t *testing.T) {
	r := newHarness(t)
	a := r.NewAccount(t)
	ahead := r.dueKey(a, func(k *apikey.Key) { k.RotatedAt = keytest.Now.AddDate(0, 0, -20) })
	running := r.dueKey(a, func(k *apikey.Key) {
		k.Rotation = nil
		k.Outgoing = &apikey.Outgoing{StoredSecret: keytest.StoredSecret(string(k.ID) + "/0"), EndsAt: keytest.Now.Add(time.Hour)}
	})
	raw := fmt.Sprintf(`{"job":"rotation","due_by":%q}`, keytest.Now.AddDate(0, 0, 40).Format(time.RFC3339))
	s := r.job(raw).(summary)
	if s.Rotated != 1 || s.Ended != 0 || r.key(running).Outgoing == nil {
		t.Errorf("%+v", s)
	}
	r.settled(ahead)
	if got := r.key(ahead); !got.RotatedAt.Equal(keytest.Now) || !got.Outgoing.EndsAt.Equal(keytest.Now.Add(day)) {
		t.Errorf("dates of the future: %+v", got)
	}
	if again := r.job(raw).(summary); again.Rotated != 0 || again.Failed != 0 {
		t.Errorf("again: %+v", again)
	}
}

func TestARunInSlicesDoesEveryKeyOnce(t *testing.T) {
	r := newHarness(t)
	a := r.NewAccount(t)
	for range 25 {
		r.dueKey(a)
	}
	if s := r.job(`{"job":"rotation","count":true}`).(summary); s.Due != 25 || s.Keys != 0 {
		t.Fatalf("%+v", s)
	}
	total, after := 0, ""
	for {
		s := r.job(fmt.Sprintf(`{"job":"rotation","limit":7,"after":%q}`, after)).(summary)
		total += s.Rotated
		if s.Keys > 7 {
			t.Errorf("%d keys in a slice of 7", s.Keys)
		}
		if after = s.Next; !s.More {
			break
		}
	}
	if total != 25 {
		t.Errorf("%d rotated", total)
	}
}

func TestARunEndsBeforeItsTimeAndTheNextGoesOn(t *testing.T) {
	r := newHarness(t)
	a := r.NewAccount(t)
	for range 10 {
		r.dueKey(a)
	}
	ctx, cancel := context.WithTimeout(t.Context(), margin/2)
	defer cancel()
	s, err := r.well().rotation(ctx, event{})
	if err != nil || !s.More || s.Keys != 0 {
		t.Fatalf("%+v %v", s, err)
	}
	if s := r.rotation(); s.Rotated != 10 || s.More {
		t.Errorf("%+v", s)
	}
}

func TestAnEventThatNamesNoJobIsRefused(t *testing.T) {
	r := newHarness(t)
	for _, raw := range []string{
		`{}`, `{"job":"rotations"}`, `[]`, `"rotation"`, `{"job":"keyring","growing":true}`, `null`, `{"Step":"createSecret"}`,
		`{"Job":"drift"}`, `{"job":"drift","Repair":true}`, `{"job":"purge","job":"drift"}`, `{"step":"createSecret"}`, `{"job":"drift"} {}`,
	} {
		if answer, err := r.well().handle(t.Context(), json.RawMessage(raw)); err == nil {
			t.Errorf("%s: %+v", raw, answer)
		} else if !errors.Is(err, errJob) && !errors.Is(err, errStep) {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

// TestALimitedRunAsksForWhatIsLeftOfItsLimit, on each page: it works on no key beyond it.
func TestALimitedRunAsksForWhatIsLeftOfItsLimit(t *testing.T) {
	job := newHarness(t).well()
	full := &fullPages{store: job.store}
	job.store = full
	s, err := job.rotation(t.Context(), event{Limit: 2*pageSize + 30})
	if err != nil || s.Keys != 2*pageSize+30 || !s.More || !slices.Equal(full.asked, []int{pageSize, pageSize, 30}) {
		t.Errorf("asked for %v: %+v, %v", full.asked, s, err)
	}
}

// fullPages has as many keys as it is asked for, each time. None can be read, so that nothing is done with them.
type fullPages struct {
	store
	asked []int
}

func (f *fullPages) Due(_ context.Context, _ time.Time, _ string, size int) (control.JobPage, error) {
	f.asked = append(f.asked, size)
	page := control.JobPage{Next: "more"}
	for range size {
		page.Bad = append(page.Bad, control.Unreadable{Err: keytest.ErrInjected})
	}
	return page, nil
}
