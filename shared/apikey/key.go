// Package apikey defines keys and their secrets. docs/glossary.md explains its words: secret, preview, stored secret,
// proposal.
package apikey

import (
	"slices"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/consent"
	"latchkey/shared/product"
)

// ID names a key for good: "key_" and a ULID. It is safe to show and to send to support.
type ID string

// ClientKind is the kind of program that holds a key's secret; it decides the key's defaults and warnings.
type ClientKind string

// The usage kinds.
const (
	Frontend ClientKind = "frontend"
	Backend  ClientKind = "backend"
	Mobile   ClientKind = "mobile"
)

// MissingOrigin is the rule for calls that name no origin. The zero value denies.
type MissingOrigin string

// What a key does with a call that names no origin.
const (
	MissingOriginDeny  MissingOrigin = "deny"
	MissingOriginAllow MissingOrigin = "allow"
)

// Key is the record of a key: facts only. The status shown is derived by Status.
// All times are UTC with millisecond precision; the zero time means "not so".
type Key struct {
	ID            ID
	Account       account.ID
	AccountType   account.Type // mirrors the account, for the default limits
	Version       int64        // grows by one with every write; the ETag
	Name          string
	Labels        []string // at most MaxLabels, sorted; alike but for case is the same label
	Usage         ClientKind
	BillingType   BillingType
	Products      []product.ID
	Consents      consent.List // what was shown of the products, those that cover what they always did left out
	Domains       []string     // canonical patterns of package origin; an empty list restricts nothing
	Networks      []string     // canonical blocks of package network; as domains
	Apps          []string     // canonical apps of package appid; as domains
	MissingOrigin MissingOrigin
	OriginChosen  bool // the customer set MissingOrigin himself: it stays when Usage changes
	HeaderOnly    bool // refuse the secret in the query string
	Recoverable   bool

	Current  StoredSecret // the secret in force
	Outgoing *Outgoing    // the second live secret while a rotation's grace runs
	Retired  []Retired    // secrets that ended, the newest last, at most MaxRetired: their policy records stay as tombstones

	CreatedAt time.Time
	CreatedBy account.Subject // zero for keys that are older than this field
	UpdatedAt time.Time
	RotatedAt time.Time
	ExpiresAt time.Time
	Disabled  bool   // by the customer
	Blocked   *Block // by an operator
	RevokedAt time.Time
	DeletedAt time.Time
	// PlaceFreed says that the key gave up its place among the account's keys when it was revoked. Keys that were revoked
	// by a release which didn't do that keep it until their next write.
	PlaceFreed bool

	Limits   []Limit         // limits that differ from the catalogue's default
	Caps     Caps            // of calls a day
	Rotation *RotationPolicy // nil: no schedule
	Delivery Delivery        // the state of the delivery to Secrets Manager
	Proposed *Proposal       // report-only restrictions
}

// StoredSecret is one secret of a key.
type StoredSecret struct {
	Hash      Hash
	Preview   string
	CreatedAt time.Time
	Sealed    []byte // the secret, encrypted, for recoverable keys; else nil
	Exposed   Exposure
}

// Outgoing is the secret that ends when the grace period does.
type Outgoing struct {
	StoredSecret
	EndsAt time.Time
	// Cancelled says that the outgoing secret is the newer one: the rotation was cancelled.
	Cancelled bool
	// Reason is why the rotation was asked for: scheduled, leaked or other.
	Reason string
}

// Retired is a secret that ended.
type Retired struct {
	Hash    Hash
	EndedAt time.Time
}

// MaxRetired bounds the tombstones of one key.
const MaxRetired = 20

// SecretRole tells a key's secrets from each other.
type SecretRole string

// The secrets that a key has, or had.
const (
	CurrentSecret  SecretRole = "current"
	OutgoingSecret SecretRole = "outgoing"
	RetiredSecret  SecretRole = "retired" // it ended, and its hash is still kept
)

// RoleOf tells which of the key's secrets has a hash; "" for none.
func (k Key) RoleOf(h Hash) SecretRole {
	switch {
	case h == (Hash{}):
		return ""
	case k.Current.Hash == h:
		return CurrentSecret
	case k.Outgoing != nil && k.Outgoing.Hash == h:
		return OutgoingSecret
	}
	for _, r := range k.Retired {
		if r.Hash == h {
			return RetiredSecret
		}
	}
	return ""
}

// Block is an operator's block, which no customer can lift.
type Block struct {
	Reason string
	At     time.Time
	Until  time.Time // from when on a job may lift it; zero: until an operator does
	By     string    // the operator's e-mail or subject; shown to operators only
}

// MaxBlock is the longest time from a block to its end, where it has one.
const MaxBlock = 366 * 24 * time.Hour

// Over reports whether the block has an end, which has come. The gate goes on refusing the key until the block is lifted.
func (b *Block) Over(now time.Time) bool {
	return b != nil && !b.Until.IsZero() && !now.Before(b.Until)
}

// RotationPolicy is "every n days", announced some days before.
type RotationPolicy struct {
	EveryDays        int
	NotifyDaysBefore int
	// Principal is the IAM principal that may read the new secret in Secrets Manager. Empty: the key is
	// announced as due and never rotated on its own.
	Principal string
	// SetBy is the person who named the principal; zero where there is none, or it is older than this field.
	SetBy account.Subject
	// AnnouncedFor is the due time that was announced last.
	AnnouncedFor time.Time
}

// Delivery is the state of a key's delivery through Secrets Manager. The zero value is that of a key without one.
type Delivery struct {
	// Reader is the principal that the delivered secret is open to; empty where there is no delivered secret.
	Reader string
	// Name is the delivered secret's in Secrets Manager; empty where there is none, or where it has the name that delivered
	// secrets had before they named the stack.
	Name string
	// Due says that Secrets Manager may hold something else than the key's current secret: the job has to look.
	Due bool
	// Version names the version in Secrets Manager that was prepared for the current secret, if one was.
	Version string
	// RetryAt is the time of the next attempt after a failure that the customer's settings caused. Zero: nothing
	// failed.
	RetryAt time.Time
}

// Again is the delivery to the same reader, in the same place, of another secret: the one in a prepared version, or "" where none was
// prepared.
func (d Delivery) Again(version string) Delivery {
	return Delivery{Reader: d.Reader, Name: d.Name, Due: true, Version: version}
}

// withoutStack begins the names of secrets that were delivered before names had the stack in them.
const withoutStack = "latchkey"

// DeliveredAs returns the name of the key's delivered secret in Secrets Manager, "" where there is none. As long as somebody reads
// it, it stays what it was first.
func (k Key) DeliveredAs() string {
	if k.Delivery.Reader == "" || k.Delivery.Name != "" {
		return k.Delivery.Name
	}
	return withoutStack + "/" + string(k.Account) + "/" + string(k.ID)
}

// Proposal is a set of restrictions that is evaluated and counted, but not enforced.
type Proposal struct {
	Domains  *[]string     // nil: not proposed
	Networks *[]string     // nil: not proposed
	Apps     *[]string     // nil: not proposed
	Products *[]product.ID // nil: not proposed
	Consents consent.List  // what was shown of the proposed products
	Since    time.Time
}

// Enforced returns the key with what is proposed for it in force. A product that it has keeps its consent; one that comes has
// that of the proposal, when it was shown.
func (k Key) Enforced() Key {
	p := k.Proposed
	if p == nil {
		return k
	}
	if p.Domains != nil {
		k.Domains = *p.Domains
	}
	if p.Networks != nil {
		k.Networks = *p.Networks
	}
	if p.Apps != nil {
		k.Apps = *p.Apps
	}
	if p.Products != nil {
		var consents consent.List
		for _, id := range *p.Products {
			from := p.Consents
			if slices.Contains(k.Products, id) {
				from = k.Consents
			}
			if g, ok := from.Of(string(id)); ok {
				consents = consents.Set(g)
			}
		}
		k.Products, k.Consents = *p.Products, consents
	}
	k.Proposed = nil
	return k
}

// BillingType is the way a key is paid for; which of them fit depends on the account's type.
type BillingType string

// The billing types: the first three for enterprise accounts, the others for self-serve ones.
const (
	Paying       BillingType = "paying"
	Evaluation   BillingType = "evaluation"
	Free         BillingType = "free"
	Freemium     BillingType = "freemium"
	PayAsYouGrow BillingType = "pay_as_you_grow"
)
