package api

import _ "embed"

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
