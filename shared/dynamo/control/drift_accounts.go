package control

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/account"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/policies"
)

// DriftBadAccount is an account whose record can't be read.
const DriftBadAccount DriftKind = "unreadable_account"

// reconcileAccount compares the gate's account record with the account, and indexes a suspended one.
func (s *Store) reconcileAccount(ctx context.Context, id account.ID, r Reconciliation) error {
	for range staleAttempts {
		a, err := s.Account(ctx, id)
		if errors.Is(err, dynamo.ErrNotFound) {
			return nil
		}
		if err == nil && suspended(a) {
			err = s.reindexSuspended(ctx, a)
		}
		switch {
		case errors.Is(err, dynamo.ErrStale):
			continue
		case err != nil:
			return err
		}
		want := policies.EncodeAccount(authz.AccountOf(a))
		found, err := s.gateRecord(ctx, policies.AccountKey(id))
		switch {
		case err != nil:
			return err
		case reflect.DeepEqual(found, want):
			return nil
		case olderRecord(found, a):
			if err = s.unaudited(ctx, makingRecords, s.accountStill(a), s.putAccountRecord(a)); err == nil {
				return nil
			}
		case r.Repair:
			err = s.write(ctx, r.Row(id, ""), s.accountStill(a), s.putAccountRecord(a))
		default:
			// Looked at again: a change between the two reads looks like a difference.
			if again, unread := s.Account(ctx, id); unread != nil || again.Version != a.Version {
				continue
			}
		}
		switch {
		case errors.Is(err, dynamo.ErrStale), errors.Is(err, dynamo.ErrNotFound):
			continue
		case err != nil:
			return err
		}
		d := Drift{Kind: DriftDifferent, Account: id, Hash: text(want, "pk"), Repaired: r.Repair}
		if len(found) == 0 {
			d.Kind = DriftMissing
		}
		r.Report(d)
		return nil
	}
	return fmt.Errorf("%w: account %s keeps changing", dynamo.ErrConflict, id)
}

// reindexSuspended indexes a suspended account as it was suspended by a release before this one. dynamo.ErrStale where it has changed.
func (s *Store) reindexSuspended(ctx context.Context, a account.Account) error {
	ops, err := s.unindexed(ctx, suspendedItem(a))
	if err != nil || len(ops) == 0 {
		return err
	}
	return s.unaudited(ctx, makingRecords, append([]op{s.accountStill(a)}, ops...)...)
}

// olderRecord reports whether the gate has of an account what an earlier release wrote: no record, of an account of which it
// would say nothing (what it says was written together with it), or one that doesn't say that the account was closed. Neither
// is drift: without a record an account isn't suspended, and the keys of a closed one are revoked.
func olderRecord(found dynamo.Item, a account.Account) bool {
	if len(found) == 0 {
		empty := account.Account{ID: a.ID, Type: a.Type, Version: a.Version, Closing: a.Closing, ClosedAt: a.ClosedAt}
		return reflect.DeepEqual(authz.AccountOf(a), authz.AccountOf(empty))
	}
	open := a
	open.Closing, open.ClosedAt = false, time.Time{}
	return a.Closed() && reflect.DeepEqual(found, policies.EncodeAccount(authz.AccountOf(open)))
}

// makingRecords names the writes that give the gate and the index what a release before didn't write of an account or a key, while that is
// as it was compared. Nobody's audit trail has them.
const makingRecords = "making records of an earlier release"

func (s *Store) accountStill(a account.Account) op {
	return check(s.control, accountKey(a.ID), cond{text: "version = :ver", values: dynamo.Item{":ver": dynamo.N(a.Version)}}, gone(dynamo.ErrStale))
}

// orphanAccount finds the record of an account that isn't there.
func (s *Store) orphanAccount(ctx context.Context, item dynamo.Item, r Reconciliation) error {
	d := Drift{Kind: DriftOrphan, Account: account.ID(text(item, "acct")), Hash: text(item, "pk")}
	if _, err := s.Account(ctx, d.Account); !errors.Is(err, dynamo.ErrNotFound) {
		if errors.Is(err, dynamo.ErrUnreadable) {
			err = nil // reported already
		}
		return err
	}
	unchanged := check(s.control, accountKey(d.Account), isNew, always(dynamo.ErrStale))
	return s.dropOrphan(ctx, d, item, unchanged, r)
}

// gateRecord reads a record of the gate, nil if there is none.
func (s *Store) gateRecord(ctx context.Context, key dynamo.Item) (dynamo.Item, error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.gate, Key: key, ConsistentRead: &consistent})
	if err != nil {
		return nil, fmt.Errorf("control: reading a record of the gate: %w", err)
	}
	return out.Item, nil
}
