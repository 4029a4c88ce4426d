package gateway

import (
	"strings"

	"latchkey/shared/account"
	"latchkey/shared/pasted"
)

// kinds names what IDs are of, by their prefixes.
var kinds = map[string]string{
	"acc_": "an account", "key_": "a key", "qps_": "a QPS request", "inv_": "an invitation", "op_": "an operation",
}

// ID reads an ID of the kind that its prefix says: the prefix and a ULID. Any other text is no object's, and where it is an ID
// of another kind the answer says so. That depends on the text alone, so it tells nothing of what there is.
func ID(text, prefix string) (string, error) {
	id := pasted.Unquoted(text)
	for of, kind := range kinds {
		rest, ok := strings.CutPrefix(id, of)
		switch {
		case !ok || !account.IsULID(rest):
		case of == prefix:
			return id, nil
		default:
			return "", ErrNotFound.WithDetail("This is the ID of " + kind + ". Here belongs that of " + kinds[prefix] + ", which begins with " + prefix + ".")
		}
	}
	return "", ErrNotFound
}
