package control

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/policies"
)

// DriftKind is the kind of difference between a policy record and its key, or an account record and its account.
type DriftKind string

// The kinds of drift.
const (
	DriftMissing   DriftKind = "missing"   // the gate doesn't know a secret
	DriftDifferent DriftKind = "different" // the gate says something else than the key
	DriftOrphan    DriftKind = "orphan"    // the gate knows a secret that no key has
	DriftBadKey    DriftKind = "unreadable_key"
)

// Drift is one difference between the gate table and the control table.
type Drift struct {
	Kind     DriftKind
	Account  account.ID
	Key      apikey.ID // "" for an account record
	Hash     string    // the record's name; it tells nothing of the secret
	Repaired bool
}

// Reconciliation is one comparison of the gate table with the control table, or a part of it.
type Reconciliation struct {
	From   Place                                 // the zero place compares everything
	Repair bool                                  // makes the gate say what the keys say
	Row    func(account.ID, apikey.ID) audit.Row // makes a repair's audit row
	Report func(Drift)
	// Done is called with the place behind each account, each key and each record of the gate that was compared, after its
	// differences were reported. The comparison ends with its error; one that begins at that place leaves nothing out.
	Done func(Place) error
}

// Reconcile compares the gate table with the control table in both directions. A repair is one transaction that holds the key
// at the version that it was compared at, so it never undoes a change made in between.
func (s *Store) Reconcile(ctx context.Context, r Reconciliation) error {
	if !r.From.Gate {
		err := s.walk(ctx, r.From, func(id account.ID) error {
			err := s.reconcileAccount(ctx, id, r)
			if errors.Is(err, dynamo.ErrUnreadable) {
				r.Report(Drift{Kind: DriftBadAccount, Account: id})
				return nil
			}
			return err
		}, func(item dynamo.Item, k apikey.Key, unreadable error) error {
			if unreadable == nil {
				return s.reconcileKey(ctx, item, k, r)
			}
			r.Report(Drift{Kind: DriftBadKey, Account: k.Account, Key: k.ID})
			return nil
		}, r.Done)
		if err != nil {
			return err
		}
		r.From = Place{Gate: true}
	}
	// Policy records of secrets that no key has: after a restore of the control table from a backup they would allow calls
	// that nobody can stop.
	if r.From.Index == "" {
		err := s.eachRecord(ctx, r.From, func(item dynamo.Item) error {
			return s.orphan(ctx, item, r)
		}, r.Done)
		if err != nil {
			return err
		}
	}
	return s.reconcileIndex(ctx, r.From.Index, r.Done)
}

// reconcileKey looks twice before it calls anything a difference: a commit between the two reads looks like one.
func (s *Store) reconcileKey(ctx context.Context, item dynamo.Item, k apikey.Key, r Reconciliation) error {
	if err := s.indexName(ctx, item, k); err != nil {
		return err
	}
	for range staleAttempts {
		found, ops, err := s.compare(ctx, k)
		if err != nil || len(ops) == 0 {
			return err
		}
		again, err := s.Key(ctx, k.Account, k.ID)
		switch {
		case errors.Is(err, dynamo.ErrNotFound):
			return nil
		case err != nil:
			return err
		case again.Version != k.Version:
			k = again
			continue
		}
		ops = append([]op{s.keyStill(k)}, ops...)
		switch {
		case len(found) == 0:
			err = s.unaudited(ctx, makingRecords, ops...)
		case r.Repair:
			err = s.write(ctx, r.Row(k.Account, k.ID), ops...)
		}
		switch {
		case errors.Is(err, dynamo.ErrStale), errors.Is(err, dynamo.ErrNotFound):
			continue
		case err != nil:
			return err
		}
		for _, d := range found {
			d.Repaired = r.Repair
			r.Report(d)
		}
		return nil
	}
	return fmt.Errorf("%w: key %s keeps changing", dynamo.ErrConflict, k.ID)
}

func (s *Store) keyStill(k apikey.Key) op {
	return check(s.control, keyKey(k.Account, k.ID),
		cond{text: "version = :ver", values: dynamo.Item{":ver": dynamo.N(k.Version)}}, gone(dynamo.ErrStale))
}

// compare returns what makes the gate say what a key says, and indexes one that waits for operators. For a record that says all that the
// release before wrote there is a write, and no drift.
func (s *Store) compare(ctx context.Context, k apikey.Key) (found []Drift, ops []op, err error) {
	if blocked(k) {
		if ops, err = s.unindexed(ctx, locatorOf(k)); err != nil {
			return nil, nil, err
		}
	}
	if exposed(k) {
		again, err := s.unindexed(ctx, exposedItem(k))
		if err != nil {
			return nil, nil, err
		}
		ops = append(ops, again...)
	}
	for _, p := range authz.PoliciesOf(k) {
		want := policies.Encode(p)
		stored, err := s.gateRecord(ctx, policies.Key(p.Hash))
		if err != nil {
			return nil, nil, err
		}
		if reflect.DeepEqual(stored, want) {
			continue
		}
		ops = append(ops, put(s.gate, want, whatever, always(dynamo.ErrStale)))
		d := Drift{Kind: DriftDifferent, Account: k.Account, Key: k.ID, Hash: p.Hash.String()}
		switch {
		case len(stored) == 0:
			d.Kind = DriftMissing
		case ofReleaseBefore(stored, want):
			continue
		}
		found = append(found, d)
	}
	return found, ops, nil
}

// ofReleaseBefore reports whether a policy record lacks nothing but what releases before didn't write.
func ofReleaseBefore(stored, want dynamo.Item) bool {
	before := maps.Clone(want)
	delete(before, policies.BillingType)
	return reflect.DeepEqual(stored, before)
}

func (s *Store) orphan(ctx context.Context, item dynamo.Item, r Reconciliation) error {
	if policies.IsAccount(item) {
		return s.orphanAccount(ctx, item, r)
	}
	d := Drift{
		Kind: DriftOrphan, Account: account.ID(text(item, "acct")), Key: apikey.ID(text(item, "kid")), Hash: text(item, "pk"),
	}
	key := keyKey(d.Account, d.Key)
	var unchanged op
	k, err := s.Key(ctx, d.Account, d.Key)
	switch {
	case errors.Is(err, dynamo.ErrNotFound):
		unchanged = check(s.control, key, isNew, always(dynamo.ErrStale))
	case errors.Is(err, dynamo.ErrUnreadable):
		return nil // reported already, and its secrets are unknown: better a record too many than a door shut by mistake
	case err != nil:
		return err
	default:
		for _, p := range authz.PoliciesOf(k) {
			if p.Hash.String() == d.Hash {
				return nil
			}
		}
		unchanged = s.keyStill(k)
	}
	// The scan may have seen the record of a secret that was dropped since.
	stored, err := s.gateRecord(ctx, dynamo.Item{"pk": item["pk"]})
	if err != nil || len(stored) == 0 {
		return err
	}
	return s.dropOrphan(ctx, d, item, unchanged, r)
}

// dropOrphan removes, where it repairs, a record of the gate that nothing in the control table stands for, as long as
// unchanged holds, and reports it.
func (s *Store) dropOrphan(ctx context.Context, d Drift, item dynamo.Item, unchanged op, r Reconciliation) error {
	if r.Repair {
		err := s.write(ctx, r.Row(d.Account, d.Key), unchanged,
			remove(s.gate, dynamo.Item{"pk": item["pk"]}, exists, always(dynamo.ErrNotFound)))
		switch {
		case errors.Is(err, dynamo.ErrStale), errors.Is(err, dynamo.ErrNotFound):
			return nil // it changed under our eyes: the next run sees what became of it
		case err != nil:
			return err
		}
		d.Repaired = true
	}
	r.Report(d)
	return nil
}
