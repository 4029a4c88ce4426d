package account

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Why a field is refused.
var (
	ErrID   = errors.New("account: malformed account ID")
	ErrType = errors.New("account: the type must be enterprise or self_serve")
	ErrName = errors.New("account: a name must have 1 to 64 characters and no control characters")
)

const idPrefix = "acc_"

// ParseID reads an account ID: "acc_" and a ULID in capitals.
func ParseID(text string) (ID, error) {
	rest, ok := strings.CutPrefix(text, idPrefix)
	if !ok || !IsULID(rest) {
		return "", ErrID
	}
	return ID(text), nil
}

// IsULID reports whether text is a ULID as this project writes them: 26 capitals and digits of Crockford's
// base 32, the first at most 7 (https://github.com/ulid/spec).
func IsULID(text string) bool {
	if len(text) != 26 || text[0] > '7' {
		return false
	}
	for i := range len(text) {
		if !strings.ContainsRune("0123456789ABCDEFGHJKMNPQRSTVWXYZ", rune(text[i])) {
			return false
		}
	}
	return true
}

// ParseType reads an account type.
func ParseType(text string) (Type, error) {
	switch t := Type(text); t {
	case Enterprise, SelfServe:
		return t, nil
	default:
		return "", ErrType
	}
}

// ParseName trims an account's name and checks it.
func ParseName(text string) (string, error) {
	name := strings.TrimSpace(text)
	if n := utf8.RuneCountInString(name); n < 1 || n > 64 || !utf8.ValidString(name) {
		return "", ErrName
	}
	for _, r := range name {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return "", ErrName
		}
	}
	return name, nil
}
