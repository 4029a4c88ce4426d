// Package account holds customers, their members and what each role may do.
// It is pure: no clock, no randomness, no environment. docs/glossary.md explains account and operator.
package account

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"reflect"
	"time"

	"latchkey/shared/consent"
)

// ID names an account: "acc_" and a ULID.
type ID string

// Type is the kind of contract of a customer: it decides the billing types and the default limits of its keys.
type Type string

// The account types.
const (
	Enterprise Type = "enterprise"
	SelfServe  Type = "self_serve"
)

// Account is a customer.
type Account struct {
	ID        ID
	Name      string
	Type      Type
	KeyLimit  int       // keys that aren't deleted, at most
	CreatedAt time.Time // UTC, milliseconds
	ClosedAt  time.Time // zero while open; never cleared
	Version   int64     // grows by one with every write
	// PendingType is set while a change of type fans out over the keys, and says which type they are going to.
	PendingType Type
	// Operation names the running change of type. Empty: none runs, or one that a release before this one began.
	Operation string
	// Closing is set while closing the account fans out over the keys.
	Closing bool
	// UnreadableKeys counts the keys that could not be revoked as the account was closed, since a record of theirs could not
	// be read. They open nothing: the gate refuses all keys of a closed account.
	UnreadableKeys int
	// OpenedBy is the person who opened the account, whose count of accounts it is in; zero for accounts that are
	// older than the count, and where the person was erased.
	OpenedBy Subject
	// Suspended stops all keys of the account while it holds.
	Suspended Suspension
	// Accepted holds what an owner has accepted for all keys of what products have come to cover.
	Accepted consent.List
	// Limits holds the account's own limits over all its keys.
	Limits Limits
	// Quotas holds the account's own quotas.
	Quotas Quotas
	// QuotaTimes holds when those were set.
	QuotaTimes QuotaTimes
	// Leaks holds what happens to secrets of the account's keys that are reported as exposed.
	Leaks LeakPolicy
	// Rules holds what the account asks of its keys.
	Rules Rules
}

// DefaultKeyLimit is the number of keys of a new account, unless an operator raises it.
const DefaultKeyLimit = 100

// MaxInvitations is the number of invitations that an account may have open: made, and neither accepted, withdrawn nor expired.
const MaxInvitations = 100

// Same reports whether two versions of an account say the same: a change between them needs no write. It compares by
// reflection, so that no field can be forgotten; the authorizer doesn't call it.
func (a Account) Same(other Account) bool {
	a.Version = other.Version
	return reflect.DeepEqual(a, other)
}

// Accept opens to all keys of the account what was shown of a product. To accept the same again changes nothing.
func (a Account) Accept(g consent.Given) (Account, error) {
	if a.Closed() {
		return a, ErrClosed
	}
	a.Accepted = a.Accepted.With(g)
	return a, nil
}

// Closed reports whether the account was closed, or is being closed.
func (a Account) Closed() bool { return a.Closing || !a.ClosedAt.IsZero() }

// The reasons why a change of an account, its members or its keys is refused.
var (
	ErrClosed       = errors.New("account: the account is closed")
	ErrKeyLimit     = errors.New("account: the account has as many keys as it may have")
	ErrLastOwner    = errors.New("account: an account keeps at least one owner")
	ErrAccounts     = errors.New("account: the person has opened as many accounts as one may")
	ErrInvitations  = errors.New("account: the account has as many open invitations as it may have")
	ErrOtherAddress = errors.New("account: the invitation is for another e-mail address")
	ErrRightLost    = errors.New("account: the person had the right for the change when it was decided, and has lost it since")
	ErrNotAdmin     = errors.New("account: the person is no admin among the operators")
	ErrTypeChanging = errors.New("account: the account's type is being changed")
)

// Subject identifies the person that a token speaks for: an issuer and its subject. An e-mail address is no identity.
type Subject struct {
	Issuer string
	ID     string
}

// erased is the issuer of pseudonyms: no token is of it, so nobody signs in as one.
const erased = "erased"

// Pseudonym stands for a person who was erased: always the same one for a person, and it doesn't tell who that was.
func (s Subject) Pseudonym() Subject {
	sum := sha256.Sum256([]byte(s.Issuer + "|" + s.ID))
	return Subject{Issuer: erased, ID: "erased_" + hex.EncodeToString(sum[:10])}
}

// Erased reports whether this is a pseudonym.
func (s Subject) Erased() bool { return s.Issuer == erased }

// WithIssuer names a person by the subject behind the issuer: where the stack's issuer has changed, the subject alone may be somebody else's.
func (s Subject) WithIssuer() string { return s.Issuer + "#" + s.ID }

// Person is an authenticated caller: facts of the token alone.
type Person struct {
	Subject Subject
	Email   string // only when the issuer says that it is verified
	Name    string
}

// SameAddress reports whether two e-mail addresses are one, but for the case of ASCII letters. Of other characters each is
// itself: Unicode folds the Kelvin sign to a k, and the long s to an s, which are other people's addresses.
func SameAddress(a, b string) bool { return FoldAddress(a) == FoldAddress(b) }

// FoldAddress is the form of an address that all which are the same have.
func FoldAddress(address string) string {
	folded := []byte(address)
	for i, c := range folded {
		if 'A' <= c && c <= 'Z' {
			folded[i] = c + 'a' - 'A'
		}
	}
	return string(folded)
}

// Member is a person's place in an account.
type Member struct {
	Account ID
	Subject Subject
	Email   string // verified when the person joined; it is what searches find
	Label   string // an address that an owner typed; shown where there is no verified one
	Role    Role
	AddedAt time.Time
	RoleAt  time.Time // of the last change of role; zero if there was none
	Version int64
}

// WithRole returns the member with a role from now on.
func (m Member) WithRole(role Role, now time.Time) Member {
	if m.Role != role {
		m.Role, m.RoleAt = role, now
	}
	return m
}

// Address is the e-mail address to show.
func (m Member) Address() string { return cmp.Or(m.Email, m.Label) }
