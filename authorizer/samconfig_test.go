package main

import (
	"testing"

	"latchkey/infra/local/parameters"
	"latchkey/infra/local/samconfig"
)

func started(getenv func(string) string) error {
	_, err := start(func(name string) string {
		if name == "AWS_LAMBDA_RUNTIME_API" { // which the runtime itself sets
			return "127.0.0.1:9001"
		}
		return getenv(name)
	})
	return err
}

// What samconfig.toml gives for `sam local` is what this function takes.
func TestSamconfigIsTaken(t *testing.T) {
	if err := samconfig.Try("..", "Authorizer", started); err != nil {
		t.Error(err)
	}
}

// What CloudFormation makes a stack of is what this function takes.
func TestWhatTheTemplateTakesIsTaken(t *testing.T) {
	if err := parameters.Try("..", "Authorizer", started); err != nil {
		t.Error(err)
	}
}
