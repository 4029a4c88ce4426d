package authz

// Code is the stable reason of a decision, as logs, usage and problem documents name it. The zero Code denies.
type Code string

// The codes. Codes has them in the order of the checks; docs/guides/changing.md says what a new one needs.
const (
	Allowed           Code = "allowed"
	KeyMissing        Code = "key_missing"
	KeyAmbiguous      Code = "key_ambiguous"
	HeaderNotAllowed  Code = "header_not_allowed" // one that imitates the gate's
	KeyMalformed      Code = "key_malformed"
	KeyUnknown        Code = "key_unknown"
	KeyDeleted        Code = "key_deleted"
	KeyRevoked        Code = "key_revoked"
	KeyBlocked        Code = "key_blocked"
	AccountSuspended  Code = "account_suspended"
	KeyDisabled       Code = "key_disabled"
	KeyExpired        Code = "key_expired"
	SecretExpired     Code = "secret_expired" // this secret's grace is over
	KeyExposed        Code = "key_exposed"    // this secret was found where others can read it
	KeyNotInHeader    Code = "key_not_in_header"
	PathNotCanonical  Code = "path_not_canonical"
	ProductNotAllowed Code = "product_not_allowed"
	PathNotGranted    Code = "path_not_granted" // the product has come to cover it since, and nobody has accepted that
	IPNotAllowed      Code = "ip_not_allowed"
	AppNotAllowed     Code = "app_not_allowed"
	OriginMissing     Code = "origin_missing"
	DomainNotAllowed  Code = "domain_not_allowed"
	QPSExceeded       Code = "qps_exceeded"
	QuotaExceeded     Code = "quota_exceeded"
	Unavailable       Code = "unavailable"
)

// Class is the kind of answer of a code. The zero Class is an outage, so a code that is in no list denies without
// blaming the caller's key.
type Class uint8

// The classes.
const (
	ClassOutage     Class = iota // nothing could be decided
	ClassPass                    // the call may pass
	ClassCredential              // who calls isn't known, or the key or secret no longer counts
	ClassPermission              // the key is good, but not for this call
	ClassLimit                   // the key makes too many calls
)

// Refusal is a code for which a call can be refused.
type Refusal struct {
	Code  Code
	Class Class
	// Check is the number of the check that gives the code, as README's table counts them; 0: it belongs to none.
	Check int
}

// OfKey reports whether the refusal comes after the key is known: usage counts these calls.
func (r Refusal) OfKey() bool { return r.Check >= firstCheckOfKey }

// firstCheckOfKey is the first check that knows the key.
const firstCheckOfKey = 4

// Codes are the refusals in the order of the checks: the first check that fails decides. Whatever needs something for
// each code ranges over this list, or has a test that does.
var Codes = [...]Refusal{
	{KeyMissing, ClassCredential, 1},
	{KeyAmbiguous, ClassCredential, 1},
	{HeaderNotAllowed, ClassCredential, 1},
	{KeyMalformed, ClassCredential, 2},
	{KeyUnknown, ClassCredential, 3},
	{KeyDeleted, ClassCredential, 4},
	{KeyRevoked, ClassCredential, 4},
	{KeyBlocked, ClassCredential, 4},
	{AccountSuspended, ClassCredential, 4},
	{KeyDisabled, ClassCredential, 4},
	{KeyExpired, ClassCredential, 4},
	{SecretExpired, ClassCredential, 4},
	{KeyExposed, ClassCredential, 4},
	{KeyNotInHeader, ClassPermission, 4},
	{PathNotCanonical, ClassPermission, 5},
	{ProductNotAllowed, ClassPermission, 5},
	{PathNotGranted, ClassPermission, 5},
	{IPNotAllowed, ClassPermission, 6},
	{AppNotAllowed, ClassPermission, 6},
	{OriginMissing, ClassPermission, 6},
	{DomainNotAllowed, ClassPermission, 6},
	{QPSExceeded, ClassLimit, 7},
	{QuotaExceeded, ClassLimit, 7},
	{Unavailable, ClassOutage, 0},
}

// Class is the code's class; ClassOutage for a code that Codes doesn't have.
func (c Code) Class() Class {
	if c == Allowed {
		return ClassPass
	}
	for i := range Codes {
		if Codes[i].Code == c {
			return Codes[i].Class
		}
	}
	return ClassOutage
}
