package account

import (
	"errors"
	"strings"
	"unicode"
)

// Why a field is refused.
var (
	ErrID   = errors.New("account: malformed account ID")
	ErrType = errors.New("account: the type must be enterprise or self_serve")

	ErrSubjectLength    = errors.New("account: a subject has 1 to 255 bytes")
	ErrSubjectCharacter = errors.New("account: a subject has no control characters and is valid UTF-8")
)

// MaxNameRunes bounds an account's name.
const MaxNameRunes = 64

// MaxSubject bounds a subject, in bytes.
const MaxSubject = 255

// ParseSubject reads a subject from outside, of a token, a path, a body or a query: the issuer's own text, byte by byte. What
// looks alike, folds or hides is somebody else, and what no token may carry is nobody: ErrSubjectLength, ErrSubjectCharacter.
func ParseSubject(issuer, id string) (Subject, error) {
	if id == "" || len(id) > MaxSubject {
		return Subject{}, ErrSubjectLength
	}
	for _, r := range id {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return Subject{}, ErrSubjectCharacter
		}
	}
	return Subject{Issuer: issuer, ID: id}, nil
}

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
