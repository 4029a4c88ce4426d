package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/moment"
)

// Change is one mutation of a key.
type Change struct {
	Before *apikey.Key // as it was read; nil creates the key
	After  apikey.Key  // its Version is set by Commit
	Audit  audit.Row   // its ID new for each attempt
	// UnlessSuspended, if set, is the time at which the account must not be suspended for the change to be made. It is
	// for changes that the account's type and place have no part in.
	UnlessSuspended time.Time
	// Idempotency, if set, is recorded with the change; its Resource and Version are set by Commit.
	Idempotency *Idempotency
}

// Commit writes the key, the policy records of all its secrets, the audit row, the idempotency record and what the
// account's rules need, in one transaction, and returns the key as written. A nil error means that the change is
// stored, and a lost answer has been looked up.
//
// Errors: [*Replay] when the idempotency key was used before, [dynamo.ErrNotFound], [dynamo.ErrExists],
// [dynamo.ErrStale] when the key has changed since Before was read, [apikey.ErrRevoked] when the change would undo a
// revocation, [account.ErrKeyLimit], [account.ErrClosed], [account.ErrSuspended], [account.ErrTypeChanging]; [dynamo.ErrConflict] and
// [dynamo.ErrUnknown] are breakdowns.
func (s *Store) Commit(ctx context.Context, c Change) (apikey.Key, error) {
	if c.UnlessSuspended.IsZero() {
		return s.commit(ctx, c)
	}
	return s.commit(ctx, c, s.activeAccount(c.After.Account, c.UnlessSuspended))
}

// commit adds ops of this package's own, which decide before the key's.
func (s *Store) commit(ctx context.Context, c Change, extra ...op) (apikey.Key, error) {
	after := c.After
	after.Version = 1
	if c.Before != nil {
		after.ID, after.Account, after.CreatedAt = c.Before.ID, c.Before.Account, c.Before.CreatedAt
		after.Version = c.Before.Version + 1
	}
	if err := s.gateReads(ctx, keyKey(after.Account, after.ID), after.AccountType, after.Editable() != nil || after.Blocked != nil || after.Disabled); err != nil {
		return apikey.Key{}, err
	}
	after.PlaceFreed = !after.RevokedAt.IsZero()
	ended := s.endedRequests(ctx, c.Before, after)
	ops := append(s.remember(after.Account, c.Idempotency, string(after.ID), after.Version), extra...)
	ops = append(ops, s.putKey(c.Before, after))
	ops = append(ops, s.accountRules(c.Before, after)...)
	ops = append(ops, s.gateOps(c.Before, after)...)
	for _, r := range ended {
		ops = append(ops, s.endRequest(r)...)
		c.Audit.Changes = append(c.Audit.Changes, audit.Set("qps_request", r.ID, nil))
	}
	err := s.write(ctx, c.Audit, append(ops, s.freePlace(c.Before, after)...)...)
	if errors.Is(err, errGuard) { // a key ends, whatever is wrong with the count
		s.unreadable(ctx, itemKey(accountPK(after.Account), keyCountSK), err)
		err = s.writeAs(ctx, c.Audit.ID+uncounted, c.Audit, ops...)
	}
	if err != nil {
		return apikey.Key{}, err
	}
	return after, nil
}

// putKey replaces the version that was read, and never a revocation by anything but itself.
func (s *Store) putKey(before *apikey.Key, after apikey.Key) op {
	if before == nil {
		return put(s.control, encodeKey(after), isNew, always(dynamo.ErrExists))
	}
	c := cond{
		text:   "version = :ver AND attribute_not_exists(revoked_at)",
		values: dynamo.Item{":ver": dynamo.N(before.Version)},
	}
	if !after.RevokedAt.IsZero() {
		c.text = "version = :ver AND (attribute_not_exists(revoked_at) OR revoked_at = :rev)"
		c.values[":rev"] = dynamo.S(moment.Format(after.RevokedAt))
	}
	return put(s.control, encodeKey(after), c, func(old dynamo.Item) error {
		version, _ := dynamo.GetN(old, "version")
		switch {
		case len(old) == 0:
			return dynamo.ErrNotFound
		case version == before.Version:
			return apikey.ErrRevoked
		default:
			return dynamo.ErrStale
		}
	})
}

// accountRules checks that a key's account is open and of the type that the key mirrors, and the
// number of keys, of which those that are revoked or deleted are none. They are checked where the change could break them, and not on other edits, which would make
// transactions of one account collide.
func (s *Store) accountRules(before *apikey.Key, after apikey.Key) []op {
	created := before == nil
	wasCounted, isCounted := !created && hasPlace(*before), hasPlace(after)
	retyped := !created && before.AccountType != after.AccountType
	var ops []op
	switch {
	case retyped:
		ops = append(ops, check(s.control, accountKey(after.Account), cond{
			// The type that the account is getting; or has, where the key could not be read when the account got it.
			text:   "pending_type = :type OR account_type = :type AND attribute_not_exists(pending_type)",
			values: dynamo.Item{":type": dynamo.S(string(after.AccountType))},
		}, gone(dynamo.ErrStale)))
	case created, !before.DeletedAt.IsZero() && after.DeletedAt.IsZero(), before.BillingType != after.BillingType:
		ops = append(ops, check(s.control, accountKey(after.Account), cond{
			text: "account_type = :type AND attribute_not_exists(pending_type) AND " +
				"attribute_not_exists(closed_at) AND attribute_not_exists(closing)",
			values: dynamo.Item{":type": dynamo.S(string(after.AccountType))},
		}, accountNotReady))
	}
	if isCounted && !wasCounted {
		ops = append(ops, update(s.control, itemKey(accountPK(after.Account), keyCountSK), "SET num = num + :one",
			cond{text: "num < cap", values: dynamo.Item{":one": dynamo.N(1)}}, counted(account.ErrKeyLimit, "cap")))
	}
	if created {
		ops = append(ops, put(s.control, locatorOf(after), isNew, always(dynamo.ErrExists)))
	}
	return append(append(ops, s.indexBlocked(before, after)...), s.indexExposed(before, after)...)
}

// uncounted tells the token of a second transaction from the first's.
const uncounted = "-u"

// freePlace lowers the number of keys where one is revoked or deleted. errGuard where it can't be lowered.
func (s *Store) freePlace(before *apikey.Key, after apikey.Key) []op {
	if before == nil || !hasPlace(*before) || hasPlace(after) {
		return nil
	}
	return []op{update(s.control, itemKey(accountPK(after.Account), keyCountSK), "SET num = num - :one",
		cond{text: "num >= :one", values: dynamo.Item{":one": dynamo.N(1)}}, always(errGuard))}
}

// hasPlace reports whether a key is one of those that its account's limit counts.
func hasPlace(k apikey.Key) bool { return k.DeletedAt.IsZero() && !k.PlaceFreed }

var errGuard = fmt.Errorf("%w: a count is lower than what it counts, or can't be read", dynamo.ErrUnreadable)

func accountNotReady(old dynamo.Item) error {
	switch {
	case len(old) == 0:
		return dynamo.ErrNotFound
	case old["closed_at"] != nil || old["closing"] != nil:
		return account.ErrClosed
	case old["pending_type"] != nil:
		return account.ErrTypeChanging
	default:
		return dynamo.ErrStale
	}
}

// gateReads refuses a change of a record whose account type isn't one: the gate couldn't read what mirrors it, and a new name would
// stop the key, or all keys of the account. What is to stop them goes on.
func (s *Store) gateReads(ctx context.Context, item dynamo.Item, t account.Type, ends bool) error {
	if _, err := account.ParseType(string(t)); err != nil && !ends {
		return s.unreadable(ctx, item, fmt.Errorf("%w: %w", dynamo.ErrUnreadable, err)).Err
	}
	return nil
}

// ofKey lets a write through to a policy record of the key, and to one of no key at all, which opens nothing and is to stop nobody
// from ending something.
func ofKey(id apikey.ID) cond {
	return cond{
		text:   "attribute_not_exists(pk) OR kid = :kid OR NOT begins_with(kid, :key)",
		values: dynamo.Item{":kid": dynamo.S(string(id)), ":key": dynamo.S("key_")},
	}
}

// gateOps makes the gate say what the key says, tombstones included, and removes those that dropped off its list.
func (s *Store) gateOps(before *apikey.Key, after apikey.Key) []op {
	mine := ofKey(after.ID)
	kept := map[apikey.Hash]bool{}
	var ops []op
	for _, p := range authz.PoliciesOf(after) {
		kept[p.Hash] = true
		ops = append(ops, put(s.gate, policies.Encode(p), mine, always(dynamo.ErrExists)))
	}
	if before == nil {
		return ops
	}
	for _, p := range authz.PoliciesOf(*before) {
		if !kept[p.Hash] {
			ops = append(ops, remove(s.gate, policies.Key(p.Hash), mine, always(dynamo.ErrExists)))
		}
	}
	return ops
}
