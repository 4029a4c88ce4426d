package main

import (
	"testing"

	"latchkey/infra/local/samconfig"
)

// What samconfig.toml gives for `sam local` is what this function takes.
func TestSamconfigIsTaken(t *testing.T) {
	for _, env := range samconfig.Environments {
		functions, err := samconfig.Functions("..", env)
		if err != nil {
			t.Fatal(err)
		}
		variables := functions["Authorizer"]
		variables["AWS_LAMBDA_RUNTIME_API"] = "127.0.0.1:9001" // which the runtime itself sets
		if _, err := start(func(name string) string { return variables[name] }); err != nil {
			t.Errorf("%s: %v", env, err)
		}
	}
}
