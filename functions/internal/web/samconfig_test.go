package web

import (
	"io"
	"testing"

	"latchkey/infra/local/samconfig"
)

// What samconfig.toml gives for `sam local` is what these functions take.
func TestSamconfigIsTaken(t *testing.T) {
	for id, read := range map[string]func(func(string) string, io.Writer) (*Base, error){
		"KeysFunction": Start, "RotationFunction": Start, "QpsFunction": Start, "AccountsFunction": Start, "UsageFunction": StartReader,
	} {
		err := samconfig.Try("../../..", id, func(getenv func(string) string) error {
			_, err := read(getenv, io.Discard)
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}
