package api

import (
	_ "embed"
	"encoding/json"
	"errors"
)

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 -config codegen.yaml openapi.yaml
//go:generate go run ./reference ../../docs/reference/api.md ../../docs/problems

// Contract is openapi.yaml, from which this package's types are generated and against which the handlers are tested.
//
//go:embed openapi.yaml
var Contract []byte

// keyWithSecret is the Go type of the contract's KeyWithSecret: the generator would copy the members of Key, and the
// code that fills them.
type keyWithSecret struct {
	Key

	// Secret is shown this once.
	Secret *string `json:"secret,omitempty"`
	// SecretUnavailable says on a replay that the secret was shown once and can't be shown again.
	SecretUnavailable *bool `json:"secret_unavailable,omitempty"`
}

// appOf is the Go type of the contract's App: one of two kinds, by its platform, where the generator would keep JSON unread.
type appOf struct {
	Platform string `json:"platform"`
	// Package and Sha1 are an Android app's.
	Package *string `json:"package,omitempty"`
	Sha1    *string `json:"sha1,omitempty"`
	// BundleId is an iOS app's.
	BundleId *string `json:"bundle_id,omitempty"` //nolint:revive // as the generator writes it
}

var errApp = errors.New("api: not an app")

// UnmarshalJSON takes the members that an app can have, all of which are texts, under exactly these names.
func (a *appOf) UnmarshalJSON(raw []byte) error {
	var members map[string]*string
	if err := json.Unmarshal(raw, &members); err != nil {
		return err
	}
	if members == nil {
		return errApp
	}
	*a = appOf{}
	for name, value := range members {
		if value == nil {
			return errApp
		}
		switch name {
		case "platform":
			a.Platform = *value
		case "package":
			a.Package = value
		case "sha1":
			a.Sha1 = value
		case "bundle_id":
			a.BundleId = value
		default:
			return errApp
		}
	}
	return nil
}
