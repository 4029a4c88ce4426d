package main

import (
	"io"
	"testing"

	"latchkey/infra/local/samconfig"
)

// What samconfig.toml gives for `sam local` is what this function takes.
func TestSamconfigIsTaken(t *testing.T) {
	for _, env := range samconfig.Environments {
		functions, err := samconfig.Functions("../..", env)
		if err != nil {
			t.Fatal(err)
		}
		variables := functions["ConsoleFunction"]
		if _, err := start(func(name string) string { return variables[name] }, io.Discard); err != nil {
			t.Errorf("%s: %v", env, err)
		}
	}
}
