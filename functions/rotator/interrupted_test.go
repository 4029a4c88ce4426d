package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"pgregory.net/rapid"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// refusing takes no policy for some secrets, as AWS does when the principal doesn't exist.
type refusing struct {
	deliveryClient
	secrets map[string]bool
}

func (c refusing) PutResourcePolicy(ctx context.Context, in *sm.PutResourcePolicyInput, o ...func(*sm.Options)) (*sm.PutResourcePolicyOutput, error) {
	if c.secrets[*in.SecretId] {
		return nil, &types.MalformedPolicyDocumentException{}
	}
	return c.deliveryClient.PutResourcePolicy(ctx, in, o...)
}

// failing can't read some keys.
type failing struct {
	store
	ids map[apikey.ID]bool
}

func (f failing) Key(ctx context.Context, a account.ID, id apikey.ID) (apikey.Key, error) {
	if f.ids[id] {
		return apikey.Key{}, errors.New("unreadable")
	}
	return f.store.Key(ctx, a, id)
}

// due is a list of due keys: good ones, ones that can't be worked on, and ones that only the customer can fix.
type due struct {
	*harness
	account account.Account
	keys    []apikey.Key
	bad     map[apikey.ID]bool
	refused map[string]bool // by the name of the delivered secret
}

// newDue makes a key for each letter: g good, b bad, r refused.
func newDue(t testing.TB, kinds string) *due {
	r := newHarnessOn(t, keytest.MemoryStores(t))
	d := &due{harness: r, account: r.NewAccount(t), bad: map[apikey.ID]bool{}, refused: map[string]bool{}}
	for _, kind := range kinds {
		k := r.dueKey(d.account)
		d.keys = append(d.keys, k)
		switch kind {
		case 'b':
			d.bad[k.ID] = true
		case 'r':
			d.refused[*nameOf(k)] = true
		}
	}
	return d
}

// kill is a run that dies at its n-th call of the store or of Secrets Manager; n is 0 for one that lives.
func (d *due) kill(n int) *rotator {
	job := d.well()
	if n > 0 {
		job, _ = d.dying(n)
	}
	job.store = failing{job.store, d.bad}
	job.delivery = &delivery{client: refusing{job.delivery.client, d.refused}, names: job.delivery.names}
	job.workers = 1
	return job
}

// once checks that each key has been done exactly once, and each refusal been reported once.
func (d *due) once() error {
	reported := map[string]int{}
	for _, row := range d.AllAudit(d.t, d.account.ID) {
		reported[row.Action+row.KeyID]++
	}
	for i, before := range d.keys {
		id, rotated, refused := string(before.ID), 1, 0
		switch {
		case d.bad[before.ID]:
			rotated = 0
		case d.refused[*nameOf(before)]:
			rotated, refused = 0, 1
		}
		if got := reported["key.rotate"+id]; got != rotated {
			return fmt.Errorf("key %d was rotated %d times, want %d", i, got, rotated)
		}
		if got := reported["key.deliver"+id]; got != rotated {
			return fmt.Errorf("key %d was delivered %d times, want %d", i, got, rotated)
		}
		if got := reported["key.delivery_failed"+id]; got != refused {
			return fmt.Errorf("the refusal of key %d was reported %d times, want %d", i, got, refused)
		}
	}
	return nil
}

// TestGoingOnFromWhatASliceAnsweredVisitsEachKeyOnce has keys that stay on the list, which no slice may look at again.
func TestGoingOnFromWhatASliceAnsweredVisitsEachKeyOnce(t *testing.T) {
	for _, limit := range []int{1, 2, 3, 4, 6, 7, 8} {
		d := newDue(t, "bgbbrgb")
		total, after := summary{}, ""
		for slice := 0; ; slice++ {
			s, err := d.kill(0).rotation(t.Context(), event{Limit: limit, After: after})
			if err != nil || s.Keys > limit || slice > len(d.keys) {
				t.Fatalf("slices of %d: %+v, %v", limit, s, err)
			}
			total.Keys, total.Failed, total.Rotated, total.Refused = total.Keys+s.Keys, total.Failed+s.Failed, total.Rotated+s.Rotated, total.Refused+s.Refused
			if after = s.Next; s.More != (after != "") {
				t.Errorf("slices of %d: more is %v, next is %q", limit, s.More, after)
			}
			if !s.More {
				break
			}
		}
		if total.Keys != 7 || total.Failed != 4 || total.Rotated != 2 || total.Refused != 1 {
			t.Errorf("slices of %d: %+v", limit, total)
		}
		if err := d.once(); err != nil {
			t.Errorf("slices of %d: %v", limit, err)
		}
	}
}

// TestAnyFailedKeyIsAnErrorOfTheRun: the alarm hears of one as of all.
func TestAnyFailedKeyIsAnErrorOfTheRun(t *testing.T) {
	for kinds, failed := range map[string]int{"": 0, "g": 0, "r": 0, "b": 1, "gbg": 1, "bb": 2, "rbg": 1} {
		d := newDue(t, kinds)
		s, err := d.kill(0).rotation(t.Context(), event{})
		if s.Failed != failed || (err != nil) != (failed > 0) || s.Keys != len(kinds) {
			t.Errorf("%q: %+v, %v", kinds, s, err)
		}
		if err := d.once(); err != nil {
			t.Errorf("%q: %v", kinds, err)
		}
	}
}

func TestARunThatCantListIsAnError(t *testing.T) {
	d := newDue(t, "g")
	for _, e := range []event{{}, {Count: true}, {Limit: 1}} {
		down := d.With(func(call string, _ int) keytest.Fault {
			if call == "Query" {
				return keytest.Before
			}
			return keytest.NoFault
		})
		if s, err := d.run(down, d.secrets).rotation(t.Context(), e); err == nil {
			t.Errorf("%+v: %+v", e, s)
		}
	}
}

// inTurn notes in which order a run reads its lists, of which one fails.
type inTurn struct {
	store
	fails string
	read  []string
}

func (l *inTurn) list(name string) error {
	l.read = append(l.read, name)
	if name == l.fails {
		return keytest.ErrInjected
	}
	return nil
}

func (l *inTurn) Due(ctx context.Context, now time.Time, after string, limit int) (control.JobPage, error) {
	if err := l.list("due"); err != nil {
		return control.JobPage{}, err
	}
	return l.store.Due(ctx, now, after, limit)
}

func (l *inTurn) RunningOperations(ctx context.Context, after string, limit int) (control.OperationPage, error) {
	if err := l.list("operations"); err != nil {
		return control.OperationPage{}, err
	}
	return l.store.RunningOperations(ctx, after, limit)
}

func (l *inTurn) OpenRequests(ctx context.Context, after string, limit int) (control.RequestPage, error) {
	if err := l.list("requests"); err != nil {
		return control.RequestPage{}, err
	}
	return l.store.OpenRequests(ctx, after, limit)
}

// TestWhatOthersLeftStopsNoRotation: the keys that are due come first, so that one account's change of type, which may take all
// of a run's time, keeps nobody's rotation waiting; and a list that can't be read stops no other.
func TestWhatOthersLeftStopsNoRotation(t *testing.T) {
	for _, fails := range []string{"operations", "requests", "due"} {
		d := newDue(t, "g")
		run := d.run(d.Stores, d.secrets)
		lists := &inTurn{store: run.store, fails: fails}
		run.store = lists
		s, err := run.rotation(t.Context(), event{})
		if err == nil || !slices.Equal(lists.read, []string{"due", "operations", "requests"}) {
			t.Errorf("without %s: %v, read %q", fails, err, lists.read)
		}
		if fails != "due" && (s.Unfollowed != 1 || s.Failed != 0 || s.Rotated != 1) {
			t.Errorf("without %s: %+v", fails, s)
		}
	}
}

// TestARunKilledBetweenAnyTwoStepsIsGoneOnWith walks the kill through a run over keys of each kind, in slices and whole.
func TestARunKilledBetweenAnyTwoStepsIsGoneOnWith(t *testing.T) {
	keytest.OneAtATime(t)
	for _, limit := range []int{0, 2} {
		for n := 1; n < 60; n += times(2, 1) {
			d := newDue(t, "gbgrg")
			s, _ := d.kill(n).rotation(t.Context(), event{Limit: limit})
			for range 6 {
				if s.Next == "" && !s.More {
					break
				}
				s, _ = d.kill(0).rotation(t.Context(), event{Limit: limit, After: s.Next})
			}
			_, _ = d.kill(0).rotation(t.Context(), event{}) // a killed run answers nothing: the next begins at the start
			if err := d.once(); err != nil {
				t.Fatalf("limit %d, killed at call %d: %v", limit, n, err)
			}
			for _, k := range d.keys {
				d.check(k)
			}
		}
	}
}

// stopping ends the run's time at its n-th call.
type stopping struct {
	deliveryClient
	left int
	stop func()
}

func (s *stopping) PutResourcePolicy(ctx context.Context, in *sm.PutResourcePolicyInput, o ...func(*sm.Options)) (*sm.PutResourcePolicyOutput, error) {
	if s.left--; s.left == 0 {
		defer s.stop()
	}
	return s.deliveryClient.PutResourcePolicy(context.WithoutCancel(ctx), in, o...)
}

// TestGoingOnFromARunWhoseTimeEndedLeavesNothingOut walks the end of the time through the keys of a slice, and goes on
// from what it answered, never from the start.
func TestGoingOnFromARunWhoseTimeEndedLeavesNothingOut(t *testing.T) {
	for at := 1; at <= 12; at++ {
		d, after, looked := newDue(t, "ggrgg"), "", 0
		for slice := 0; ; slice++ {
			ctx, stop := context.WithCancel(t.Context())
			job := d.kill(0)
			if slice == 0 {
				job.delivery.client = &stopping{job.delivery.client, at, stop}
			}
			s, err := job.rotation(ctx, event{Limit: 3, After: after})
			stop()
			if looked += s.Keys; slice > 0 && err != nil || slice > 9 {
				t.Fatalf("stopped at call %d, slice %d: %+v, %v", at, slice, s, err)
			}
			if after = s.Next; !s.More {
				break
			}
		}
		if err := d.once(); err != nil {
			t.Errorf("stopped at call %d, %d keys looked at: %v", at, looked, err)
		}
	}
}

// TestHoweverRunsEndEachKeyIsDoneOnce draws runs that end by their limit, their time or a kill, and goes on from what
// they answered until one comes to the end.
func TestHoweverRunsEndEachKeyIsDoneOnce(t *testing.T) {
	keytest.OneAtATime(t)
	rapid.Check(t, func(rt *rapid.T) {
		kinds := rapid.StringOfN(rapid.RuneFrom([]rune("gggrb")), 0, 7, -1).Draw(rt, "kinds")
		d := newDue(t, kinds)
		after := ""
		for range rapid.IntRange(0, 5).Draw(rt, "runs") {
			ctx, stop := context.WithCancel(context.Background())
			job := d.kill(rapid.SampledFrom([]int{0, 0, 1, 5, 9, 14, 22}).Draw(rt, "kill"))
			if at := rapid.IntRange(0, 6).Draw(rt, "stop"); at > 0 {
				job.delivery.client = &stopping{job.delivery.client, at, stop}
			}
			s, _ := job.rotation(ctx, event{Limit: rapid.IntRange(0, 4).Draw(rt, "limit"), After: after})
			stop()
			after = s.Next
		}
		s, err := d.kill(0).rotation(context.Background(), event{})
		if (err != nil) != (len(d.bad) > 0) || s.More {
			rt.Fatalf("%+v, %v", s, err)
		}
		if err := d.once(); err != nil {
			rt.Fatal(err)
		}
	})
}

// TestARefusedDeliveryIsTriedOnceARun: not even a run that takes what comes due later tries again before RetryAt, and
// the customer hears of it once a day.
func TestARefusedDeliveryIsTriedOnceARun(t *testing.T) {
	for name, prepare := range map[string]func(*due){
		"a rotation": func(*due) {},
		"a delivery of what was rotated manually": func(d *due) {
			d.refused = map[string]bool{}
			d.rotation()
			d.clock.Advance(2 * day)
			d.rotation()
			if _, secret, err := d.rotateManually(context.Background(), d.key(d.keys[0]), 7); err != nil {
				d.t.Fatal(err)
			} else {
				d.given[secret.Hash()] = true
			}
			d.refused = map[string]bool{*nameOf(d.keys[0]): true}
		},
	} {
		d := newDue(t, "r")
		prepare(d)
		raw, _ := json.Marshal(event{Job: "rotation", DueBy: d.clock.Now().AddDate(0, 2, 0)})
		reported := func() int {
			return len(slices.DeleteFunc(d.actions(d.account), func(a string) bool { return a != "key.delivery_failed" }))
		}
		for days := range 3 {
			for range 2 {
				answer, err := d.kill(0).handle(t.Context(), raw)
				if s := answer.(summary); err != nil || s.Failed != 0 || s.Rotated != 0 {
					t.Errorf("%s: %+v, %v", name, s, err)
				}
				if n := reported(); n != days+1 {
					t.Fatalf("%s: on day %d it was reported %d times", name, days+1, n)
				}
				d.clock.Advance(time.Hour)
			}
			d.clock.Advance(day)
		}
	}
}
