// Package authz decides calls. Decide is one pure function: the authorizer, the console's "test this key" and
// the tests call the same code. docs/glossary.md explains its words: policy record, tombstone, decision, shadow decision.
package authz

import (
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/consent"
	"latchkey/shared/product"
)

// Account is the content of an account record: what Decide needs to know of a key's account. The zero value is an
// account that isn't suspended: accounts that are older than the records have none until a job has made theirs.
type Account struct {
	ID             account.ID
	Type           account.Type
	Version        int64 // the account's version that this record mirrors
	Suspended      bool
	SuspendedUntil time.Time // zero: until somebody resumes it
	// Closed revokes all keys of the account, those too whose own records could not be revoked. Such a record has Suspended
	// as well, without an end: the release before, which knows no Closed, refuses the keys by that.
	Closed bool
	// Accepted holds the consents of the account for all its keys, beside those of each key.
	Accepted consent.List
	// Limits holds the account's own limits over all its keys; package product knows the defaults.
	Limits account.Limits
	// Quotas holds the account's own quotas, in place of the catalogue's.
	Quotas account.Quotas
}

// MemoryCost estimates what the lists of an account record hold in memory, in bytes, for caches that are bounded in bytes. It
// rounds up.
func (a Account) MemoryCost() int {
	const limit, quota = 64, 96
	cost := ConsentCost(a.Accepted) + len(a.Limits)*limit + len(a.Quotas)*quota
	for _, l := range a.Limits {
		cost += len(l.Class)
	}
	for _, q := range a.Quotas {
		cost += len(q.Billing) + len(q.Group)
	}
	return cost
}

// AccountOf derives the gate's record from an account.
func AccountOf(a account.Account) Account {
	record := Account{
		ID: a.ID, Type: a.Type, Version: a.Version,
		Suspended: !a.Suspended.At.IsZero(), SuspendedUntil: a.Suspended.Until,
		Accepted: a.Accepted, Limits: a.Limits, Quotas: a.Quotas,
	}
	if a.Closed() {
		record.Closed, record.Suspended, record.SuspendedUntil = true, true, time.Time{}
	}
	return record
}

// stopped reports whether the account's keys open nothing at a time.
func (a *Account) stopped(now time.Time) bool { return a.Suspended && !over(a.SuspendedUntil, now) }

// Policy is the content of a policy record: everything that Decide needs to know of one secret. The zero value denies.
type Policy struct {
	Hash        apikey.Hash
	KeyID       apikey.ID
	Account     account.ID
	AccountType account.Type
	// BillingType is the key's, by which its calls are counted. Records of releases before have none until the drift job or a
	// change of the key has written it.
	BillingType apikey.BillingType
	Version     int64 // the key's version that this record mirrors

	Live       bool      // set by every real record: the zero Policy denies as unknown
	Outgoing   bool      // this secret is the one that a rotation is ending
	SecretEnds time.Time // zero: this secret has no end of its own
	Exposed    bool      // this secret was found where others can read it, and is refused for that
	ExpiresAt  time.Time // the key's
	DeletedAt  time.Time
	RevokedAt  time.Time
	Blocked    bool
	Disabled   bool

	Products      []product.ID
	Consents      consent.List
	Domains       []string // canonical patterns
	Networks      []string // canonical blocks
	Apps          []string // canonical apps
	MissingOrigin apikey.MissingOrigin
	HeaderOnly    bool
	Limits        []apikey.Limit // the key's own; package product knows the defaults
	Caps          apikey.Caps    // of calls a day
	Proposed      *apikey.Proposal
}
