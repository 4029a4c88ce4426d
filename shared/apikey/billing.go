package apikey

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"latchkey/shared/account"
)

// ErrBilling says that a billing type doesn't fit an account's type.
var ErrBilling = errors.New("apikey: the billing type doesn't fit the account's type")

// BillingTypes lists the billing types that fit an account's type, the one of new keys first.
func BillingTypes(t account.Type) []BillingType {
	switch t {
	case account.Enterprise:
		return []BillingType{Evaluation, Paying, Free}
	case account.SelfServe:
		return []BillingType{Freemium, PayAsYouGrow}
	default:
		return nil
	}
}

// DefaultBilling is the billing type of new keys of an account: nobody is billed before an operator says so.
func DefaultBilling(t account.Type) (BillingType, error) {
	fit := BillingTypes(t)
	if len(fit) == 0 {
		return "", ErrBilling
	}
	return fit[0], nil
}

// ParseBilling reads a billing type of an account's type.
func ParseBilling(text string, t account.Type) (BillingType, error) {
	if b := BillingType(text); fits(b, t) {
		return b, nil
	}
	return "", fmt.Errorf("%w: %s accounts have %v", ErrBilling, t, BillingTypes(t))
}

func fits(b BillingType, t account.Type) bool { return slices.Contains(BillingTypes(t), b) }

// SetBilling gives the key another billing type of its account's type, in whatever state the key is: what is billed is
// a fact of the contract.
func (k Key) SetBilling(b BillingType, now time.Time) (Key, error) {
	if !fits(b, k.AccountType) {
		return k, ErrBilling
	}
	if k.BillingType == b {
		return k, nil
	}
	after := k.next(now)
	after.BillingType = b
	return after, nil
}

// TypeChange is a change of an account's type, with the billing types that its keys get.
type TypeChange struct {
	To account.Type
	// Billing names the new billing type of keys that have a given one. Keys of other billing types keep theirs if it fits,
	// and get the new type's default if not.
	Billing map[BillingType]BillingType
}

// ErrUnknownBilling says that a mapping begins at a billing type that doesn't exist.
var ErrUnknownBilling = errors.New("apikey: no such billing type")

// NewTypeChange checks a mapping: every key's billing type must fit the new type afterwards. The error names the entry.
func NewTypeChange(to account.Type, billing map[BillingType]BillingType) (TypeChange, error) {
	for from, onto := range billing {
		if !fits(from, account.Enterprise) && !fits(from, account.SelfServe) {
			return TypeChange{}, &MappingError{From: from, Err: ErrUnknownBilling}
		}
		if !fits(onto, to) {
			return TypeChange{}, &MappingError{From: from, Err: ErrBilling}
		}
	}
	if _, err := DefaultBilling(to); err != nil {
		return TypeChange{}, err
	}
	return TypeChange{To: to, Billing: billing}, nil
}

// MappingError is an entry of a mapping that can't be followed.
type MappingError struct {
	From BillingType
	Err  error
}

// Error quotes the entry.
func (e *MappingError) Error() string { return fmt.Sprintf("%v: %q", e.Err, e.From) }

// Unwrap returns [ErrBilling] or [ErrUnknownBilling].
func (e *MappingError) Unwrap() error { return e.Err }

// Retype moves a key of any status along with its account. ok is false where the key is there already.
func (k Key) Retype(c TypeChange, now time.Time) (after Key, ok bool) {
	if k.AccountType == c.To {
		return k, false
	}
	after = k.next(now)
	after.AccountType = c.To
	onto, named := c.Billing[k.BillingType]
	switch {
	case named:
		after.BillingType = onto
	case !fits(k.BillingType, c.To):
		after.BillingType = BillingTypes(c.To)[0]
	}
	return after, true
}
