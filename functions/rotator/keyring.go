package main

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"latchkey/functions/internal/sealing"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keyring"
	"latchkey/shared/moment"
	"latchkey/shared/telemetry"
)

// swept is the result of a keyring run, with what its sweep has found so far. It names data keys and never holds them.
type swept struct {
	Job      string   `json:"job"`
	Current  string   `json:"current"`
	Grown    bool     `json:"grown"`
	Resealed int      `json:"resealed"`
	Failed   int      `json:"failed"` // secrets that no data key opens, and records that can't be read
	Dropped  []string `json:"dropped"`
	Began    string   `json:"began,omitempty"` // when the sweep began
	More     bool     `json:"more"`            // the next run goes on
}

// What a sweep counts, as it is stored.
const (
	stale    = "stale" // keys with a secret that the current data key hasn't sealed
	resealed = "resealed"
	failed   = "failed"
)

// settled is the time after a change of the ring from which no environment can seal by an older one: the age at which
// environments read it again, and as much again and more for calls on their way and clocks that differ.
const settled = 3 * sealing.MaxAge

// keyring makes the first ring, adds a data key when told to, re-encrypts by the newest one what older ones sealed,
// and drops those once a whole sweep, begun after every environment had the newest, has found nothing to do. A sweep may
// take many runs; one that began under another data key begins again.
func (r *rotator) keyring(ctx context.Context, grow bool) (swept, error) {
	s := swept{Job: "keyring", Dropped: []string{}}
	ring, err := r.ring.Read(ctx, r.source.Rand)
	if err == nil && grow {
		if ring, err = r.grow(ctx, ring); err == nil {
			s.Grown = true
		}
	}
	if err != nil {
		return s, err
	}
	s.Current = ring.Current()
	p, err := r.pass(ctx, s.Job)
	if err == nil && (!p.UnderWay() || p.Mode != ring.Current()) {
		err = p.begin(ctx, ring.Current())
	}
	before := maps.Clone(p.Counts)
	if err == nil {
		s.More, err = p.end(ctx, r.sweep(ctx, ring, p))
	}
	s.Resealed, s.Failed, s.Began = p.Counts[resealed], p.Counts[failed], moment.Format(p.Began)
	overtaken, slow := errors.Is(err, errOvertaken), errors.Is(err, errSlowPass)
	if err != nil && !overtaken && !slow {
		return s, err
	}
	if err == nil && !s.More && p.Began.Sub(ring.Since) >= settled && p.Counts[stale] == 0 && s.Failed == 0 {
		if err := r.drop(ctx, ring, &s); err != nil {
			return s, err
		}
	}
	r.log.InfoContext(ctx, "job done", "job", s.Job, "current", s.Current, "grown", s.Grown, "resealed", s.Resealed,
		"failed", s.Failed, "dropped", strings.Join(s.Dropped, " "), "began", s.Began, "more", s.More)
	r.measure(s.Job, telemetry.Metric{Name: "SecretsResealed", Unit: telemetry.Count, Value: float64(s.Resealed - before[resealed])},
		telemetry.Metric{Name: "SecretsUnopened", Unit: telemetry.Count, Value: float64(s.Failed - before[failed])})
	if overtaken {
		err = nil // the other run goes on
	}
	return s, err
}

func (r *rotator) grow(ctx context.Context, ring sealing.Held) (sealing.Held, error) {
	highest := 0
	for _, name := range ring.Names() {
		if n, err := strconv.Atoi(strings.TrimPrefix(name, "k")); err == nil {
			highest = max(highest, n)
		}
	}
	next, err := ring.Grow(r.source.Rand, "k"+strconv.Itoa(highest+1))
	if err != nil {
		return ring, err
	}
	if err := r.ring.Replace(ctx, ring, next); err != nil {
		return ring, err
	}
	return r.ring.Read(ctx, r.source.Rand)
}

func (r *rotator) drop(ctx context.Context, ring sealing.Held, s *swept) error {
	next := ring.Ring
	for _, name := range ring.Names() {
		if name == ring.Current() {
			continue
		}
		var err error
		if next, err = next.Drop(name); err != nil {
			return err
		}
		s.Dropped = append(s.Dropped, name)
	}
	if len(s.Dropped) == 0 {
		return nil
	}
	slices.Sort(s.Dropped)
	return r.ring.Replace(ctx, ring, next)
}

// sweep seals again what isn't sealed by the current data key, from where the last run ended.
func (r *rotator) sweep(ctx context.Context, ring sealing.Held, p *pass) error {
	return r.store.EachKeyFrom(ctx, p.Place, func(k apikey.Key, err error) error {
		if err != nil {
			r.log.ErrorContext(ctx, "key record unreadable", "account_id", k.Account, "key_id", k.ID, "error", err.Error())
			p.count(failed)
			return nil
		}
		if !sealedBy(ring.Current(), k) {
			// Stored before the first one is sealed again: of a run that is killed behind that, the next finds nothing to do.
			if p.count(stale); p.Counts[stale] == 1 {
				if err := p.save(ctx); err != nil {
					return err
				}
			}
		}
		done, err := r.resealKey(ctx, ring, k)
		if done {
			p.count(resealed)
		}
		if err != nil {
			r.log.ErrorContext(ctx, "secret not sealed again", "account_id", k.Account, "key_id", k.ID, "error", err.Error())
			p.count(failed)
		}
		return nil
	}, func(place control.Place) error { return p.done(ctx, place) })
}

// sealedBy reports whether all sealed secrets of a key are sealed by one data key.
func sealedBy(name string, k apikey.Key) bool {
	by := func(s apikey.StoredSecret) bool { return len(s.Sealed) == 0 || keyring.SealedBy(s.Sealed) == name }
	return by(k.Current) && (k.Outgoing == nil || by(k.Outgoing.StoredSecret))
}

// resealKey seals a key's secrets again, if they need it. done means that a write was made or tried.
func (r *rotator) resealKey(ctx context.Context, ring sealing.Held, k apikey.Key) (done bool, err error) {
	for range maxSteps {
		after, changed, err := reseal(r.source.Rand, ring.Ring, k)
		if err != nil || !changed {
			return done, err
		}
		done = true
		_, err = r.store.Commit(ctx, control.Change{
			Before: &k, After: after, Audit: r.source.JobRow(ctx, k.Account, k.ID, "key.reseal", audit.Set("sealed_by", nil, ring.Current())),
		})
		if !errors.Is(err, dynamo.ErrStale) && !errors.Is(err, apikey.ErrRevoked) {
			return done, ignore(err, dynamo.ErrNotFound)
		}
		if k, err = r.store.Key(ctx, k.Account, k.ID); err != nil {
			return done, ignore(err, dynamo.ErrNotFound)
		}
	}
	return done, errKeepsChanging
}

// reseal is the key with all its sealed secrets sealed by the ring's current data key.
func reseal(random io.Reader, ring keyring.Ring, k apikey.Key) (after apikey.Key, changed bool, err error) {
	after = k
	one := func(stored *apikey.StoredSecret) error {
		if len(stored.Sealed) == 0 || keyring.SealedBy(stored.Sealed) == ring.Current() {
			return nil
		}
		text, err := ring.Open(stored.Sealed, string(k.ID))
		if err != nil {
			return err
		}
		changed = true
		stored.Sealed, err = ring.Seal(random, text, string(k.ID))
		return err
	}
	if err := one(&after.Current); err != nil {
		return k, false, err
	}
	if k.Outgoing != nil {
		out := *k.Outgoing
		after.Outgoing = &out
		if err := one(&out.StoredSecret); err != nil {
			return k, false, err
		}
	}
	return after, changed, nil
}
