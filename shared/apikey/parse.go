package apikey

import (
	"errors"
	"strings"

	"latchkey/shared/account"
)

// Limits of a key's fields.
const (
	MaxNameRunes = 64
	MaxDomains   = 100
	MaxNetworks  = 50
	MaxApps      = 50
	MaxProducts  = 50
	MaxLabels    = 5
	// MaxLabelRunes bounds one label.
	MaxLabelRunes = 32
)

// Why a field is refused.
var (
	ErrID         = errors.New("apikey: malformed key ID")
	ErrClientKind = errors.New("apikey: usage must be frontend, backend or mobile")
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

// SetUsage changes what the key is used for. The rule for calls that name no origin follows to the new kind's default,
// unless the customer chose it: a key that becomes a page's must not keep the leniency of a server's.
func (k Key) SetUsage(kind ClientKind) Key {
	chosen := k.OriginChosen || k.MissingOrigin != k.Usage.DefaultMissingOrigin() // which nobody but the customer does
	if k.Usage = kind; !chosen {
		k.MissingOrigin = kind.DefaultMissingOrigin()
	}
	return k
}
