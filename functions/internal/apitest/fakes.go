package apitest

import (
	"context"
	"strings"
	"time"

	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/keyring"
)

// Sealer seals each secret for its own key alone, and so that a scan of the stores for the secret doesn't find it.
type Sealer struct{}

// Seal writes the key's ID before the disguised secret.
func (Sealer) Seal(_ context.Context, s apikey.Secret, id apikey.ID) ([]byte, error) {
	return []byte(string(id) + "|" + rot13(s.Reveal())), nil
}

// Open gives back what was sealed for the same key.
func (Sealer) Open(_ context.Context, sealed []byte, id apikey.ID) (string, error) {
	text, ok := strings.CutPrefix(string(sealed), string(id)+"|")
	if !ok {
		return "", keyring.ErrSealed
	}
	return rot13(text), nil
}

func rot13(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return 'a' + (r-'a'+13)%26
		case r >= 'A' && r <= 'Z':
			return 'A' + (r-'A'+13)%26
		default:
			return r
		}
	}, text)
}

// NoUse knows of no key that it was ever used.
type NoUse struct{}

// LastUsed finds nothing.
func (NoUse) LastUsed(context.Context, account.ID, ...apikey.Key) (map[apikey.ID]web.Used, error) {
	return nil, nil
}

// unbounded lets everybody change as much as they like.
type unbounded struct{}

func (unbounded) Admit(context.Context, account.Subject) (time.Duration, bool) { return 0, true }
