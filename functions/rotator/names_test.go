package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
)

// earlier rewrites items of the control table as a release that doesn't know names does: without the attributes that it doesn't know.
func (i *installation) earlier(prefix string) {
	for _, item := range i.Items(i.t, i.Tables.Control) {
		if sk, _ := dynamo.GetS(item, "sk"); strings.HasPrefix(sk, prefix) {
			for _, name := range []string{"npk", "nsk", "names", "named"} {
				delete(item, name)
			}
			i.Put(i.t, i.Tables.Control, item)
		}
	}
}

func (i *installation) named(t *testing.T, want bool, when string) {
	t.Helper()
	if got, err := i.Control.NamesIndexed(t.Context()); err != nil || got != want {
		t.Errorf("%s: names are indexed %v, %v", when, got, err)
	}
}

// TestNamesAreIndexedOnceAPassHasGoneByAllKeys, in however many runs, and stay so in the passes that follow.
func TestNamesAreIndexedOnceAPassHasGoneByAllKeys(t *testing.T) {
	i := newInstallation(t, 3, 0, 2)
	i.earlier("KEY#")
	e, more := event{Job: "drift"}, true
	for runs := 0; more && runs < 100; e, runs = (event{Job: "resume"}), runs+1 {
		i.named(t, false, "before the end")
		ended(i.well(), 3, func(ctx context.Context, job *rotator) {
			raw, _ := json.Marshal(e)
			got, err := job.handle(ctx, raw)
			if err != nil {
				t.Fatal(err)
			}
			more = got.(drifted).More
		})
	}
	i.named(t, true, "at the end")
	for n, a := range i.accounts {
		page, err := i.Control.KeysByName(t.Context(), a.ID, control.NameQuery{Limit: 10})
		if want := []int{3, 0, 2}[n]; err != nil || len(page.Keys) != want {
			t.Errorf("account %d: %d keys, %v", n, len(page.Keys), err)
		}
	}
	ended(i.well(), 3, func(ctx context.Context, job *rotator) {
		if got, err := job.drift(ctx, true); err != nil || !got.More {
			t.Errorf("%+v, %v", got, err)
		}
	})
	i.named(t, true, "in the next pass")
}

// TestAPassThatAnEarlierReleaseTookPartInIndexesNoNames: it went by keys that it gave no place. The next pass does.
func TestAPassThatAnEarlierReleaseTookPartInIndexesNoNames(t *testing.T) {
	for _, when := range []string{"it began the pass", "it went on with the pass", "it compared after a whole pass"} {
		i := newInstallation(t, 4)
		if when == "it compared after a whole pass" {
			i.onward(t, event{Job: "drift"})
			i.named(t, true, "before")
		} else {
			ended(i.well(), 2, func(ctx context.Context, job *rotator) {
				if got, err := job.drift(ctx, false); err != nil || !got.More {
					t.Errorf("%+v, %v", got, err)
				}
			})
		}
		i.earlier("PASS")
		i.onward(t, event{Job: "resume"})
		i.named(t, false, when)
		i.onward(t, event{Job: "drift"})
		i.named(t, true, "a pass later")
	}
}

// TestASweepOfTheKeyringIndexesNoNames: it isn't the comparison.
func TestASweepOfTheKeyringIndexesNoNames(t *testing.T) {
	i := newInstallation(t, 1)
	v := newRingSecret(t, i.clock)
	i.sealedKey(t, i.accounts[0], v.ring(t))
	i.keyring(t, v, false)
	for _, job := range []string{"keyring", driftJob} {
		if p, err := i.Control.Pass(t.Context(), job); err != nil || p.Named {
			t.Errorf("%s: %+v, %v", job, p, err)
		}
	}
	i.named(t, false, "a sweep later")
}
