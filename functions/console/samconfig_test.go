package main

import (
	"io"
	"testing"

	"latchkey/infra/local/samconfig"
)

// What samconfig.toml gives for `sam local` is what this function takes.
func TestSamconfigIsTaken(t *testing.T) {
	err := samconfig.Try("../..", "ConsoleFunction", func(getenv func(string) string) error {
		_, err := start(getenv, io.Discard)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
