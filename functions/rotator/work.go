package main

import (
	"context"
	"errors"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/moment"
	"latchkey/shared/rotation"
)

// work carries out one run's tasks for one key: the next one that package rotation names, until there is none.
type work struct {
	*rotator
	account account.ID
	id      apikey.ID
	due     time.Time // what is due by then, or since

	task rotation.Task // the last that was begun
	// needsReconcile is set when Secrets Manager was written for a key version that has since been replaced: what was
	// written there may have overtaken a change, and is looked at again.
	needsReconcile bool

	rotated, delivered, announced, ended int
	refused                              bool
}

// maxSteps bounds tasks plus restarts per key and run.
const maxSteps = 12

var errKeepsChanging = errors.New("rotator: the key keeps changing")

func (w *work) count(s *summary, err error) {
	s.Keys++
	s.Rotated += w.rotated
	s.Delivered += w.delivered
	s.Announced += w.announced
	s.Ended += w.ended
	switch {
	case err != nil:
		s.Failed++
	case w.refused:
		s.Refused++
	case w.rotated+w.delivered+w.announced+w.ended == 0:
		s.Skipped++
	}
}

// run reads the key, since the list may be late, and does its tasks. A write that finds another version than the one
// that was thought about starts over.
func (w *work) run(ctx context.Context) error {
	k, err := w.read(ctx)
	for range maxSteps {
		if err != nil {
			return ignore(err, dynamo.ErrNotFound)
		}
		var at time.Time
		now := w.source.Time()
		w.task, at = rotation.NextFrom(k, now)
		if w.task == rotation.Nothing || at.After(w.due) && at.After(now) { // what this run made due is due now
			return nil
		}
		var again bool
		k, again, err = w.do(ctx, k)
		switch {
		case errors.Is(err, dynamo.ErrStale), errors.Is(err, apikey.ErrRevoked), errors.Is(err, rotation.ErrExpired):
			k, err = w.read(ctx)
		case err == nil && !again:
			return nil
		}
	}
	if err == nil {
		err = errKeepsChanging
	}
	return err
}

func ignore(err, known error) error {
	if errors.Is(err, known) {
		return nil
	}
	return err
}

// read reads the key, and puts right what was written to Secrets Manager for another version of it.
func (w *work) read(ctx context.Context) (apikey.Key, error) {
	k, err := w.store.Key(ctx, w.account, w.id)
	if err == nil && w.needsReconcile {
		if _, err = w.reconcile(ctx, k); err == nil {
			w.needsReconcile = false
		}
	}
	return k, err
}

// do does the key's next task and returns the key as it is then. again is false where nothing can be done now.
func (w *work) do(ctx context.Context, k apikey.Key) (after apikey.Key, again bool, err error) {
	now := w.source.Time()
	ok := false
	switch w.task {
	case rotation.EndGrace:
		if after, ok = rotation.Sweep(k, now); ok {
			after, err = w.commit(ctx, k, after, "key.rotation_end", &w.ended)
		}
	case rotation.EndLimit:
		if after, ok = rotation.WithoutEndedLimits(k, now); ok {
			after, err = w.commit(ctx, k, after, "key.limit_end", &w.ended)
		}
	case rotation.EndBlock:
		if after, ok = k.WithoutEndedBlock(now); ok {
			after, err = w.commit(ctx, k, after, "key.unblock", &w.ended)
		}
	case rotation.Announce:
		if after, ok = rotation.Announced(k, now); ok {
			after, err = w.commit(ctx, k, after, "key.rotation_announced", &w.announced,
				audit.Set("rotation_due", nil, moment.Of(rotation.Due(k))))
		}
	case rotation.RotateAndDeliver:
		leaked := !rotation.Leak(k).IsZero() // which ends a rotation that runs
		if ok = (leaked || !rotation.Running(k, now)) && !waits(k, now); ok {
			after, err = w.prepareRotation(ctx, k)
		}
	case rotation.Deliver:
		if ok = !waits(k, now); ok {
			after, err = w.deliver(ctx, k)
		}
	case rotation.Nothing:
	}
	return after, ok, err
}

// waits reports whether a delivery has failed and its next attempt isn't due yet. A run that takes what comes due later
// doesn't bring the attempt forward: each failure is reported to the customer.
func waits(k apikey.Key, now time.Time) bool { return now.Before(k.Delivery.RetryAt) }

// commit writes a change of the job with its audit row and counts it.
func (w *work) commit(ctx context.Context, before, after apikey.Key, action string, counter *int, more ...audit.Change) (apikey.Key, error) {
	row := w.source.JobRow(ctx, w.account, w.id, action, append(audit.KeyChanges(&before, after), more...)...)
	written, err := w.store.Commit(ctx, control.Change{Before: &before, After: after, Audit: row})
	if err == nil && counter != nil {
		*counter++
	}
	return written, err
}

// prepareRotation is the first half of a rotation of the job's own: the new secret is put where its reader will find it, and only then
// comes into force, so that no secret is ever live that nobody was given. The second half, deliver, follows from the
// key's own record, in this run or another.
func (w *work) prepareRotation(ctx context.Context, k apikey.Key) (apikey.Key, error) {
	secret, version, err := w.prepare(ctx, k, versionFor(k))
	if err != nil {
		return w.refuse(ctx, k, err)
	}
	return w.rotate(ctx, k, secret, version)
}

// rotate puts a prepared secret in force.
func (w *work) rotate(ctx context.Context, k apikey.Key, secret apikey.Secret, version string) (apikey.Key, error) {
	stored := apikey.StoredSecret{Hash: secret.Hash(), Preview: secret.Preview()}
	if k.Recoverable {
		var err error
		if stored.Sealed, err = w.sealer.Seal(ctx, secret, k.ID); err != nil {
			return k, err
		}
	}
	reason := rotation.Scheduled
	if !rotation.Leak(k).IsZero() {
		reason = rotation.Leaked
	}
	grace, err := rotation.ParseGrace(nil, reason)
	if err != nil {
		return k, err
	}
	after, err := rotation.Rotate(k, stored, grace, reason, w.source.Time())
	if err != nil {
		return k, err
	}
	after, err = w.commit(ctx, k, rotation.Prepared(after, version), "key.rotate", &w.rotated)
	w.needsReconcile = err != nil
	return after, err
}

// deliver makes Secrets Manager say what the key says, and notes that it does.
func (w *work) deliver(ctx context.Context, k apikey.Key) (apikey.Key, error) {
	held, err := w.reconcile(ctx, k)
	if err != nil {
		return w.refuse(ctx, k, err)
	}
	action := "key.deliver"
	if !held {
		action = "key.delivery_outdated" // somebody rotated manually: Secrets Manager doesn't have that secret
	}
	if rotation.Reader(k) == "" {
		action = "key.delivery_end"
	}
	after, err := w.commit(ctx, k, rotation.Delivered(k, w.delivery.name(k), w.source.Time()), action, &w.delivered)
	w.needsReconcile = err != nil
	return after, err
}

// reconcile brings Secrets Manager to where the key is. held is false where it can't have the key's current secret.
func (w *work) reconcile(ctx context.Context, k apikey.Key) (held bool, err error) {
	if rotation.Reader(k) == "" {
		return true, w.delivery.deleteSecret(ctx, k)
	}
	return w.delivery.reconcile(ctx, k, func() (string, error) {
		if !k.Recoverable || len(k.Current.Sealed) == 0 {
			return "", nil
		}
		return w.sealer.Open(ctx, k.Current.Sealed, k.ID)
	})
}

// refuse records a failure that only the customer can fix, reports it to them, and leaves the key until RetryAt. Any
// other failure is an error, and the key stays due.
func (w *work) refuse(ctx context.Context, k apikey.Key, err error) (apikey.Key, error) {
	if !customerMustFix(err) {
		return k, err
	}
	after, err := w.commit(ctx, k, rotation.Undelivered(k, w.source.Time()), "key.delivery_failed", nil,
		audit.Set("delivery_error", nil, "principal_refused"))
	w.refused = err == nil
	return after, err
}
