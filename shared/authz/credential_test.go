package authz_test

import (
	"testing"

	"latchkey/shared/authz"
)

func TestExactlyOneCredentialCounts(t *testing.T) {
	none := authz.Source{}
	one := authz.Source{Values: 1, Value: "a", Singles: 1, Single: "a"}
	tests := []struct {
		name             string
		key, api, header authz.Source
		text             string
		place            authz.Place
		code             authz.Code
	}{
		{"none", none, none, none, "", authz.Nowhere, authz.KeyMissing},
		{"key", one, none, none, "a", authz.InQuery, ""},
		{"api_key", none, one, none, "a", authz.InQuery, ""},
		{"header", none, none, one, "a", authz.InHeader, ""},
		{"single-value map alone", none, none, authz.Source{Singles: 1, Single: "b"}, "b", authz.InHeader, ""},
		{"multi-value map alone", authz.Source{Values: 1, Value: "b"}, none, none, "b", authz.InQuery, ""},
		{"two values", authz.Source{Values: 2, Value: "a", Singles: 1, Single: "a"}, none, none, "", authz.Nowhere, authz.KeyAmbiguous},
		{"the header in two cases", none, none, authz.Source{Singles: 2, Single: "a"}, "", authz.Nowhere, authz.KeyAmbiguous},
		{"maps that differ", authz.Source{Values: 1, Value: "a", Singles: 1, Single: "b"}, none, none, "", authz.Nowhere, authz.KeyAmbiguous},
		{"equal in two places", one, none, one, "", authz.Nowhere, authz.KeyAmbiguous},
		{"equal in both parameters", one, one, none, "", authz.Nowhere, authz.KeyAmbiguous},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, place, code := authz.Credential(&tt.key, &tt.api, &tt.header)
			if text != tt.text || place != tt.place || code != tt.code {
				t.Errorf("got %q %v %s", text, place, code)
			}
		})
	}
}
