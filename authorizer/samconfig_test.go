package main

import (
	"testing"

	"latchkey/infra/local/samconfig"
)

// What samconfig.toml gives for `sam local` is what this function takes.
func TestSamconfigIsTaken(t *testing.T) {
	err := samconfig.Try("..", "Authorizer", func(getenv func(string) string) error {
		_, err := start(func(name string) string {
			if name == "AWS_LAMBDA_RUNTIME_API" { // which the runtime itself sets
				return "127.0.0.1:9001"
			}
			return getenv(name)
		})
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
