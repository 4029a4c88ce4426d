package web

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"unicode/utf8"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/apikey/search"
	"latchkey/shared/pasted"
)

// Wanted holds the term of a search for a key: a preview or, where that is empty, the hash of a secret.
type Wanted struct {
	Preview string
	Hash    apikey.Hash
}

// The longest of each member, in characters.
const (
	MaxSecret  = 200
	maxPreview = 40
)

// PastedSecret reads the member secret of a body.
func PastedSecret(typed string) (string, error) {
	secret := pasted.Unquoted(typed)
	if n := utf8.RuneCountInString(typed); secret == "" || n > MaxSecret {
		return "", gateway.Invalid(gateway.Field("secret", "bad_length", "It must have 1 to 200 characters."))
	}
	return secret, nil
}

// PastedHash reads the member secret_sha256 of a body.
func PastedHash(typed string) (apikey.Hash, error) {
	sum, err := hex.DecodeString(pasted.Unquoted(typed))
	if err != nil || len(sum) != len(apikey.Hash{}) {
		return apikey.Hash{}, gateway.Invalid(gateway.Field("secret_sha256", "not_a_hash", "It must be SHA-256 in hexadecimal, 64 characters."))
	}
	return apikey.Hash(sum), nil
}

// ParseWanted reads the body of a search for a key. A secret is hashed here and goes no further; what is refused is named,
// never quoted.
func ParseWanted(r *http.Request) (Wanted, error) {
	body, sent, err := gateway.Body[api.FindKeys](r, gateway.BodyOptions{})
	if err != nil {
		return Wanted{}, err
	}
	if len(sent) != 1 {
		return Wanted{}, gateway.Invalid(notOne(sent)...)
	}
	switch {
	case body.Secret != nil:
		secret, err := PastedSecret(*body.Secret)
		if err != nil {
			return Wanted{}, err
		}
		return Wanted{Hash: sha256.Sum256([]byte(secret))}, nil
	case body.SecretSha256 != nil:
		hash, err := PastedHash(*body.SecretSha256)
		return Wanted{Hash: hash}, err
	default:
		preview := strings.ReplaceAll(pasted.Unquoted(*body.Preview), "...", "…")
		if n := utf8.RuneCountInString(*body.Preview); preview == "" || n > maxPreview {
			return Wanted{}, gateway.Invalid(gateway.Field("preview", "bad_length", "It must have 1 to 40 characters."))
		}
		return Wanted{Preview: preview}, nil
	}
}

// Words reads the words of a search for keys. What has no character that shows finds no key, rather than every key.
func Words(typed string) search.Words {
	words := search.Parse(pasted.Unquoted(typed))
	if len(words) == 0 && strings.TrimSpace(typed) != "" {
		return search.Nothing
	}
	return words
}

// notOne names every member that was sent, or those that could be.
func notOne(sent gateway.Members) (fields []api.FieldError) {
	for _, name := range []string{"preview", "secret", "secret_sha256"} {
		if len(sent) == 0 || sent.Has(name) {
			fields = append(fields, gateway.Field(name, "one_of", "Send exactly one of secret, secret_sha256 and preview."))
		}
	}
	return fields
}
