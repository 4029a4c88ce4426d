package main

import (
	"io"
	"testing"

	"latchkey/functions/internal/web"
	"latchkey/infra/local/parameters"
	"latchkey/infra/local/samconfig"
)

func started(getenv func(string) string) error {
	base, err := web.Start(getenv, io.Discard)
	if err == nil {
		_, err = settingsOf(base.Env)
	}
	return err
}

// What samconfig.toml gives for `sam local` is what this function takes.
func TestSamconfigIsTaken(t *testing.T) {
	if err := samconfig.Try("../..", "AccountsFunction", started); err != nil {
		t.Error(err)
	}
}

// What CloudFormation makes a stack of is what this function takes.
func TestWhatTheTemplateTakesIsTaken(t *testing.T) {
	if err := parameters.Try("../..", "AccountsFunction", started); err != nil {
		t.Error(err)
	}
}
