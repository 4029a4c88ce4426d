package main

import (
	"io"
	"testing"

	"latchkey/infra/local/samconfig"
)

// What samconfig.toml gives for `sam local` is what this function takes.
func TestSamconfigIsTaken(t *testing.T) {
	err := samconfig.Try("../..", "RotatorFunction", func(getenv func(string) string) error {
		_, err := newRotator(getenv, io.Discard)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
