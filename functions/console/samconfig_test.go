package main

import (
	"errors"
	"io"
	"strings"
	"testing"

	"latchkey/functions/console/internal/brand"
	"latchkey/functions/internal/openid"
	"latchkey/infra/local/parameters"
	"latchkey/infra/local/samconfig"
)

// read reads all that the console reads, also what it leaves out with a warning, and what it reads at the first sign-in. Only the
// content of a logo is beyond any pattern; a color of too little contrast is changed, and a name that can't be read has a neutral one in its place.
func read(getenv func(string) string) error {
	_, err := configured(getenv, io.Discard)
	issuer := openid.Config{Issuer: getenv("OIDC_ISSUER"), Store: getenv("DYNAMODB_ENDPOINT"), Algorithm: getenv("OIDC_ALGORITHM")}
	err = errors.Join(err, issuer.Check())
	_, left := brand.Read(getenv)
	for _, one := range left {
		if strings.Contains(one.Error(), "the link ") {
			err = errors.Join(err, one)
		}
	}
	return err
}

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

// What CloudFormation makes a stack of is what this function takes.
func TestWhatTheTemplateTakesIsTaken(t *testing.T) {
	if err := parameters.Try("../..", "ConsoleFunction", read); err != nil {
		t.Error(err)
	}
}
