package api

import _ "embed"

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 -config codegen.yaml openapi.yaml
//go:generate go run ./reference ../../docs/reference/api.md

// Contract is openapi.yaml, from which this package's types are generated and against which the handlers are tested.
//
//go:embed openapi.yaml
var Contract []byte
