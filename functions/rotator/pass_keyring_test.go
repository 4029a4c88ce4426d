package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/functions/internal/sealing"
	"latchkey/shared/apikey"
	"latchkey/shared/keyring"
	"latchkey/shared/keytest"
)

// TestHoweverSweepsEndEachSecretIsSealedOnceAndTheOldKeyGoesLast draws how runs of the keyring job end, and what accounts are
// called meanwhile. No data key goes that something is sealed by.
func TestHoweverSweepsEndEachSecretIsSealedOnceAndTheOldKeyGoesLast(t *testing.T) {
	keytest.OneAtATime(t)
	rapid.Check(t, func(rt *rapid.T) {
		i := newInstallation(t, rapid.SliceOfN(rapid.IntRange(0, 1), 1, 4).Draw(rt, "keys")...)
		v := newRingSecret(t, i.clock)
		var sealed []apikey.Key
		for _, a := range i.accounts {
			for range rapid.IntRange(0, 3).Draw(rt, "sealed") {
				sealed = append(sealed, i.sealedKey(t, a, v.ring(t)))
			}
		}
		i.keyring(t, v, false) // a sweep that finds nothing to do
		grow := true
		run := func(places, kill int) {
			job := i.well()
			if kill > 0 {
				job, _ = i.dying(kill)
			}
			job.ring = sealing.Secret{Client: v, Name: "ring"}
			ended(job, places, func(ctx context.Context, job *rotator) { _, _ = job.keyring(ctx, grow) })
			grow = false
		}
		for range rapid.IntRange(1, 8).Draw(rt, "runs") {
			run(rapid.IntRange(1, 6).Draw(rt, "places"), rapid.SampledFrom([]int{0, 0, 0, 2, 4, 8, 13}).Draw(rt, "kill"))
			i.clock.Advance(time.Hour)
			i.rename(rapid.IntRange(0, len(i.accounts)-1).Draw(rt, "account"), rapid.StringMatching("[a-z]{3}").Draw(rt, "name"))
			for _, k := range sealed {
				i.opens(t, v, k)
			}
		}
		for range 4 {
			run(0, 0)
			i.clock.Advance(time.Hour)
		}
		if names := fmt.Sprint(v.ring(t).Names()); names != "[k2]" {
			rt.Fatalf("the ring is %s", names)
		}
		for _, k := range sealed {
			if i.opens(t, v, k); keyring.SealedBy(i.key(k).Current.Sealed) != "k2" {
				rt.Fatal("not sealed again")
			}
		}
		done := map[string]int{}
		for _, a := range i.accounts {
			for _, row := range i.AllAudit(t, a.ID) {
				if row.Action == "key.reseal" {
					done[row.KeyID]++
				}
			}
		}
		for _, k := range sealed {
			if done[string(k.ID)] != 1 {
				rt.Fatalf("%s was sealed %d times", k.ID, done[string(k.ID)])
			}
		}
	})
}

// TestASweepThatFoundSomethingDropsNothingWhereverItWasKilled: whatever became of the run that found it.
func TestASweepThatFoundSomethingDropsNothingWhereverItWasKilled(t *testing.T) {
	left := 0
	for kill := 1; kill < 14; kill++ {
		r, v, a, _ := ringHarness(t)
		old := v.ring(t)
		r.keyring(t, v, true)
		r.clock.Advance(day)
		late := r.sealedKey(t, a, old)
		job, _ := r.dying(kill)
		job.ring = r.ringJob(v).ring
		_, _ = job.keyring(t.Context(), false)
		found := keyring.SealedBy(r.key(late).Current.Sealed) == "k2"
		p, err := r.Control.Pass(t.Context(), "keyring")
		if err != nil {
			t.Fatal(err)
		}
		if found && p.UnderWay() {
			left++
		}
		s := r.keyring(t, v, false)
		if dropped := len(s.Dropped) > 0; dropped && (!found || p.UnderWay()) {
			t.Errorf("killed at call %d: %+v", kill, s)
		}
		r.opens(t, v, late)
	}
	if left == 0 {
		t.Error("no kill came between sealing and saving")
	}
}

// TestASweepBeginsAgainUnderANewDataKey: what an unfinished one had passed by is sealed by the run that adds the key.
func TestASweepBeginsAgainUnderANewDataKey(t *testing.T) {
	r, v, a, first := ringHarness(t)
	last := r.sealedKey(t, a, v.ring(t))
	ended(r.ringJob(v), 2, func(ctx context.Context, job *rotator) {
		if s, err := job.keyring(ctx, false); err != nil || !s.More {
			t.Fatalf("%+v, %v", s, err)
		}
	})
	if s := r.keyring(t, v, true); s.Resealed != 2 || s.More {
		t.Errorf("%+v", s)
	}
	for _, k := range []apikey.Key{first, last} {
		if keyring.SealedBy(r.key(k).Current.Sealed) != "k2" {
			t.Error("not sealed again")
		}
	}
}

// TestWhatASweepMeasuresIsOfEachRun: all runs together have measured what the sweep did, and no secret twice.
func TestWhatASweepMeasuresIsOfEachRun(t *testing.T) {
	r, v, a, _ := ringHarness(t)
	foreign, err := keyring.Ring{}.Grow(keytest.Random(6), "k0")
	if err != nil {
		t.Fatal(err)
	}
	r.sealedKey(t, a, v.ring(t))
	r.sealedKey(t, a, foreign) // which nobody can open
	measured := regexp.MustCompile(`"SecretsResealed":(\d+),"SecretsUnopened":(\d+)`)
	sum, told := [2]int{}, 0
	for n, more := 0, true; more && n < 20; n++ {
		before := len(r.out.String())
		ended(r.ringJob(v), 2, func(ctx context.Context, job *rotator) {
			s, err := job.keyring(ctx, n == 0)
			if more = s.More; err != nil {
				t.Fatal(err)
			}
		})
		said := measured.FindStringSubmatch(r.out.String()[before:])
		if said == nil {
			t.Fatalf("run %d: %s", n, r.out)
		}
		for i, text := range said[1:] {
			number, _ := strconv.Atoi(text)
			sum[i] += number
		}
		if said[1] != "0" || said[2] != "0" {
			told++
		}
	}
	if sum != [2]int{2, 1} || told < 2 {
		t.Errorf("%d were sealed again and %d not opened, told by %d runs", sum[0], sum[1], told)
	}
}
