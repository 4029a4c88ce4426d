package apikey

import (
	"errors"
	"fmt"
	"strings"

	"latchkey/shared/account"
)

// Limits of a key's fields.
const (
	MaxNameRunes = 64
	MaxDomains   = 100
	MaxProducts  = 50
	MaxReason    = 500
)

// Why a field is refused.
var (
	ErrID         = errors.New("apikey: malformed key ID")
	ErrClientKind = errors.New("apikey: usage must be frontend, backend or mobile")
	ErrBilling    = errors.New("apikey: the billing type doesn't fit the account's type")
)

const (
	idPrefix = "key_"
)

// ParseID reads a key ID: "key_" and a ULID in capitals.
func ParseID(text string) (ID, error) {
	rest, ok := strings.CutPrefix(text, idPrefix)
	if !ok || !account.IsULID(rest) {
		return "", ErrID
	}
	return ID(text), nil
}

// ParseClientKind reads a usage kind.
func ParseClientKind(text string) (ClientKind, error) {
	switch u := ClientKind(text); u {
	case Frontend, Backend, Mobile:
		return u, nil
	default:
		return "", ErrClientKind
	}
}

// DefaultMissingOrigin is deny for keys that live in pages, which send an origin; other programs send none.
func (u ClientKind) DefaultMissingOrigin() MissingOrigin {
	if u == Backend || u == Mobile {
		return MissingOriginAllow
	}
	return MissingOriginDeny
}

// BillingTypes lists the billing types that fit an account's type, the default first.
func BillingTypes(t account.Type) []BillingType {
	switch t {
	case account.Enterprise:
		return []BillingType{Paying, Evaluation, Free}
	case account.SelfServe:
		return []BillingType{Freemium, PayAsYouGrow}
	default:
		return nil
	}
}

// ParseBilling reads a billing type of an account's type; "" is the default.
func ParseBilling(text string, t account.Type) (BillingType, error) {
	fit := BillingTypes(t)
	if len(fit) == 0 {
		return "", ErrBilling
	}
	if text == "" {
		return fit[0], nil
	}
	for _, b := range fit {
		if string(b) == text {
			return b, nil
		}
	}
	return "", fmt.Errorf("%w: %s accounts have %v", ErrBilling, t, fit)
}
