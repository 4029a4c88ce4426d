package main

import (
	"crypto/elliptic"
	"encoding/json"
	"io"
	"testing"
	"time"

	"latchkey/infra/local/parameters"
	"latchkey/infra/local/samconfig"
)

var elliptic256, elliptic384 = elliptic.P256(), elliptic.P384()

func quoted(text string) string {
	raw, _ := json.Marshal(text)
	return string(raw)
}

func mustSigners(t testing.TB, url string, now func() time.Time) *signers {
	t.Helper()
	s, err := newSigners(url, now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func started(getenv func(string) string) error {
	_, err := start(getenv, io.Discard)
	return err
}

// What samconfig.toml gives for `sam local` is what this function takes.
func TestSamconfigIsTaken(t *testing.T) {
	if err := samconfig.Try("../..", "LeaksFunction", started); err != nil {
		t.Error(err)
	}
}

// What CloudFormation makes a stack of is what this function takes.
func TestWhatTheTemplateTakesIsTaken(t *testing.T) {
	if err := parameters.Try("../..", "LeaksFunction", started); err != nil {
		t.Error(err)
	}
}
