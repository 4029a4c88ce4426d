package keytest

import (
	"os"
	"path/filepath"
	"testing"
)

// TestAnEngineWhoseHashIsUnknownIsNotRunInTestsEither: npm puts binaries there that it can hold against nothing.
func TestAnEngineWhoseHashIsUnknownIsNotRunInTestsEither(t *testing.T) {
	const hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // of abc
	write := func(folder ...string) string {
		file := filepath.Join(append([]string{t.TempDir()}, folder...)...)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("abc"), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	installed, own := write("node_modules", "@dynoxide", "plan9-mips", "dynoxide"), write("dynoxide")
	for _, c := range []struct {
		binary, trusts string
		runs           bool
	}{{installed, "", false}, {installed, hash, true}, {installed, hash[:63] + "0", false}, {own, "", true}} {
		if err := trusted(c.binary, c.trusts); (err == nil) != c.runs {
			t.Errorf("%s, trusting %q: %v", c.binary, c.trusts, err)
		}
	}
}
