package account_test

import (
	"maps"
	"strings"
	"testing"

	"latchkey/shared/account"
)

// TestAnAccessTokenCarriesAVerifiedAddressAlone, and nothing else of what the pool knows of the person.
func TestAnAccessTokenCarriesAVerifiedAddressAlone(t *testing.T) {
	const address = "jane.doe@example.com"
	for name, c := range map[string]struct {
		attributes map[string]string
		carried    bool
	}{
		"verified":             {map[string]string{"email": address, "email_verified": "true", "sub": "x", "name": "Jane", "phone_number": "+1"}, true},
		"not verified":         {map[string]string{"email": address, "email_verified": "false"}, false},
		"verified by nobody":   {map[string]string{"email": address}, false},
		"in another writing":   {map[string]string{"email": address, "email_verified": "True"}, false},
		"without an address":   {map[string]string{"email_verified": "true"}, false},
		"longer than one is":   {map[string]string{"email": strings.Repeat("a", 250) + "@b.c", "email_verified": "true"}, true},
		"longer by a letter":   {map[string]string{"email": strings.Repeat("a", 251) + "@b.c", "email_verified": "true"}, false},
		"of another name":      {map[string]string{"custom:email": address, "email_verified": "true"}, false},
		"nothing at all":       {nil, false},
		"a verified telephone": {map[string]string{"email": address, "phone_number_verified": "true"}, false},
	} {
		got := account.AccessClaims(c.attributes)
		if want := map[string]any{"email": c.attributes["email"], "email_verified": "true"}; c.carried && !maps.Equal(got, want) || !c.carried && len(got) > 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
}
