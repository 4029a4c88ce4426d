package web

import (
	"io"
	"testing"

	"latchkey/infra/local/parameters"
	"latchkey/infra/local/samconfig"
)

// readers start the functions behind the management API. AccountsFunction has a test of its own, for it reads more.
var readers = map[string]func(func(string) string, io.Writer) (*Base, error){
	"KeysFunction": Start, "RotationFunction": Start, "QpsFunction": Start, "UsageFunction": StartReader,
}

// What samconfig.toml gives for `sam local` is what these functions take.
func TestSamconfigIsTaken(t *testing.T) { each(t, samconfig.Try) }

// What CloudFormation makes a stack of is what these functions take.
func TestWhatTheTemplateTakesIsTaken(t *testing.T) { each(t, parameters.Try) }

func each(t *testing.T, try func(root, function string, read func(getenv func(string) string) error) error) {
	t.Helper()
	for id, start := range readers {
		err := try("../../..", id, func(getenv func(string) string) error {
			_, err := start(getenv, io.Discard)
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}
