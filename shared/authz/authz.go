// Package authz decides calls. Decide is one pure function: the authorizer, the console's "test this key" and
// the tests call the same code.
package authz

import (
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/product"
)

// Code is the stable reason of a decision, as logs, usage and problem documents name it.
type Code string

// The codes, in the order of the checks; the first that fails wins. The zero Code denies.
const (
	Allowed           Code = "allowed"
	KeyMissing        Code = "key_missing"
	KeyAmbiguous      Code = "key_ambiguous"
	KeyMalformed      Code = "key_malformed"
	KeyUnknown        Code = "key_unknown"
	KeyDeleted        Code = "key_deleted"
	KeyRevoked        Code = "key_revoked"
	KeyBlocked        Code = "key_blocked"
	KeyDisabled       Code = "key_disabled"
	KeyExpired        Code = "key_expired"
	SecretExpired     Code = "secret_expired" // this secret's grace is over
	KeyNotInHeader    Code = "key_not_in_header"
	PathNotCanonical  Code = "path_not_canonical"
	ProductNotAllowed Code = "product_not_allowed"
	OriginMissing     Code = "origin_missing"
	DomainNotAllowed  Code = "domain_not_allowed"
	QPSExceeded       Code = "qps_exceeded"
	Unavailable       Code = "unavailable"
)

// Policy is all that Decide needs to know of one secret: what a gate record holds. The zero value denies.
type Policy struct {
	Hash        apikey.Hash
	KeyID       apikey.ID
	Account     account.ID
	AccountType account.Type
	Version     int64 // the key's version that this record mirrors

	Live       bool      // set by every real record: the zero Policy denies as unknown
	Outgoing   bool      // this secret is the one that a rotation is ending
	SecretEnds time.Time // zero: this secret has no end of its own
	ExpiresAt  time.Time // the key's
	DeletedAt  time.Time
	RevokedAt  time.Time
	Blocked    bool
	Disabled   bool

	Products      []product.ID
	Domains       []string // canonical patterns
	MissingOrigin apikey.MissingOrigin
	HeaderOnly    bool
	Limits        []apikey.Limit // the key's own; package product knows the defaults
	Proposed      *apikey.Proposal
}
