package web

import (
	"io"
	"testing"

	"latchkey/infra/local/samconfig"
)

// What samconfig.toml gives for `sam local` is what this function takes.
func TestSamconfigIsTaken(t *testing.T) {
	for _, env := range samconfig.Environments {
		functions, err := samconfig.Functions("../../..", env)
		if err != nil {
			t.Fatal(err)
		}
		for id, read := range map[string]func(func(string) string, io.Writer) (*Base, error){
			"KeysFunction": Start, "RotationFunction": Start, "QpsFunction": Start, "AccountsFunction": Start, "UsageFunction": StartReader,
		} {
			variables := functions[id]
			if _, err := read(func(name string) string { return variables[name] }, io.Discard); err != nil {
				t.Errorf("%s, %s: %v", env, id, err)
			}
		}
	}
}
