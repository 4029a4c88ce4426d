package apikey

import (
	"errors"
	"time"
)

// Status is a key's state, derived from its facts: the first of these that holds.
type Status string

// The statuses, in the order in which they hide each other.
const (
	StatusDeleted   Status = "deleted"
	StatusRevoked   Status = "revoked"
	StatusBlocked   Status = "blocked"
	StatusSuspended Status = "suspended" // its account is
	StatusDisabled  Status = "disabled"
	StatusExpired   Status = "expired"
	StatusActive    Status = "active"
)

// Statuses lists all of them in that order.
var Statuses = [...]Status{StatusDeleted, StatusRevoked, StatusBlocked, StatusSuspended, StatusDisabled, StatusExpired, StatusActive}

// Expired reports whether the key's end has come, whatever else is true of it. A key expires at ExpiresAt itself.
func (k Key) Expired(now time.Time) bool { return !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt) }

// RestoreWindow is the time in which a deleted key can be restored; then it is purged.
const RestoreWindow = 30 * 24 * time.Hour

// Status derives the key's status at a time, where its account is not suspended.
func (k Key) Status(now time.Time) Status {
	switch {
	case !k.DeletedAt.IsZero():
		return StatusDeleted
	case !k.RevokedAt.IsZero():
		return StatusRevoked
	case k.Blocked != nil:
		return StatusBlocked
	case k.Disabled:
		return StatusDisabled
	case k.Expired(now):
		return StatusExpired
	default:
		return StatusActive
	}
}

// StatusIn derives the key's status at a time in an account that is suspended, or isn't.
func (k Key) StatusIn(suspended bool, now time.Time) Status {
	switch s := k.Status(now); {
	case suspended && (s == StatusDisabled || s == StatusExpired || s == StatusActive):
		return StatusSuspended
	default:
		return s
	}
}

// Why a change of status is refused.
var (
	ErrDeleted       = errors.New("apikey: the key is deleted")
	ErrRevoked       = errors.New("apikey: the key is permanently revoked")
	ErrNotDeleted    = errors.New("apikey: the key is not deleted")
	ErrRestoreTooOld = errors.New("apikey: the key was deleted too long ago")
	ErrNameMismatch  = errors.New("apikey: the confirmation doesn't match the key's name")
	ErrNotBlocked    = errors.New("apikey: the key is not blocked")
	ErrBlockPast     = errors.New("apikey: the end of the block has passed")
	ErrBlockLong     = errors.New("apikey: the end of the block is too far off")
)

// Editable reports why a customer can't edit the key: a deleted or revoked key stays as it is.
func (k Key) Editable() error {
	switch {
	case !k.DeletedAt.IsZero():
		return ErrDeleted
	case !k.RevokedAt.IsZero():
		return ErrRevoked
	default:
		return nil
	}
}

// next is the record after a change at now.
func (k Key) next(now time.Time) Key {
	k.Version++
	k.UpdatedAt = now.UTC().Truncate(time.Millisecond)
	return k
}

// Touched returns the key as the next version, for a change that a caller has made to its fields.
func (k Key) Touched(now time.Time) Key { return k.next(now) }

// Disable stops the key until it is enabled again. Disabling twice changes nothing: the key comes back as it was.
func (k Key) Disable(now time.Time) (Key, error) { return k.setDisabled(true, now) }

// Enable undoes Disable. It doesn't touch an operator's block.
func (k Key) Enable(now time.Time) (Key, error) { return k.setDisabled(false, now) }

func (k Key) setDisabled(disabled bool, now time.Time) (Key, error) {
	if err := k.Editable(); err != nil || k.Disabled == disabled {
		return k, err
	}
	after := k.next(now)
	after.Disabled = disabled
	return after, nil
}

// Revoke ends the key for good. confirmed says that the customer typed the key's name. Revoking twice changes nothing.
func (k Key) Revoke(confirmed bool, now time.Time) (Key, error) {
	if !k.DeletedAt.IsZero() {
		return k, ErrDeleted
	}
	if !confirmed {
		return k, ErrNameMismatch
	}
	after, _ := k.RevokeUnconfirmed(now)
	return after, nil
}

// RevokeUnconfirmed ends the key for good without its customer's confirmation, as an operator does and the closure of its account: from any
// state, a deleted one included.
func (k Key) RevokeUnconfirmed(now time.Time) (after Key, ok bool) {
	if !k.RevokedAt.IsZero() {
		return k, false
	}
	after = k.next(now)
	after.RevokedAt = after.UpdatedAt
	return after, true
}

// Delete hides the key, from any state. Deleting twice changes nothing.
func (k Key) Delete(now time.Time) Key {
	if !k.DeletedAt.IsZero() {
		return k
	}
	after := k.next(now)
	after.DeletedAt = after.UpdatedAt
	return after
}

// Restore brings back what [Key.Delete] hid and nothing else: a revoked key comes back revoked. Where the billing type
// doesn't fit the account any more, which a release before left so in deleted keys, the key gets the default.
func (k Key) Restore(now time.Time) (Key, error) {
	if k.DeletedAt.IsZero() {
		return k, ErrNotDeleted
	}
	if !now.Before(k.DeletedAt.Add(RestoreWindow)) {
		return k, ErrRestoreTooOld
	}
	after := k.next(now)
	after.DeletedAt = time.Time{}
	if !fits(k.BillingType, k.AccountType) {
		b, err := DefaultBilling(k.AccountType)
		if err != nil {
			return k, err
		}
		after.BillingType = b
	}
	return after, nil
}

// Block stops the key for an operator; no customer can unblock it. It may have an end, in the future and at most MaxBlock away; the zero time is
// none. It replaces a block with another reason or end; the same again changes nothing.
func (k Key) Block(reason, operator string, until, now time.Time) (Key, error) {
	switch {
	case !until.IsZero() && !now.Before(until):
		return k, ErrBlockPast
	case until.After(now.Add(MaxBlock)):
		return k, ErrBlockLong
	case k.Blocked != nil && k.Blocked.Reason == reason && k.Blocked.Until.Equal(until):
		return k, nil
	}
	after := k.next(now)
	after.Blocked = &Block{Reason: reason, At: after.UpdatedAt, Until: until, By: operator}
	return after, nil
}

// WithoutEndedBlock lifts a block whose end has come. ok is false, and the key as it was, where there is none, or the key has ended.
func (k Key) WithoutEndedBlock(now time.Time) (after Key, ok bool) {
	if !k.Blocked.Over(now) || k.Editable() != nil {
		return k, false
	}
	after, err := k.Unblock(now)
	return after, err == nil
}

// Unblock undoes Block.
func (k Key) Unblock(now time.Time) (Key, error) {
	if k.Blocked == nil {
		return k, ErrNotBlocked
	}
	after := k.next(now)
	after.Blocked = nil
	return after, nil
}
