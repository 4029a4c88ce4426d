package main

import (
	"io"
	"testing"

	"latchkey/infra/local/parameters"
	"latchkey/infra/local/samconfig"
)

func started(getenv func(string) string) error {
	_, err := newConsumer(getenv, io.Discard)
	return err
}

// What samconfig.toml gives for `sam local` is what this function takes.
func TestSamconfigIsTaken(t *testing.T) {
	if err := samconfig.Try("../..", "CounterFunction", started); err != nil {
		t.Error(err)
	}
}

// What CloudFormation makes a stack of is what this function takes.
func TestWhatTheTemplateTakesIsTaken(t *testing.T) {
	if err := parameters.Try("../..", "CounterFunction", started); err != nil {
		t.Error(err)
	}
}
