package engine

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A binary from a registry is run if its hash is known, or its user names it.
func TestAnEngineWhoseHashIsUnknownIsNotRun(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "node_modules", "@dynoxide", "plan9-mips", "dynoxide")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := binary(dir, "plan9-mips", ""); err == nil || !strings.Contains(err.Error(), "npm ci") {
		t.Errorf("none: %v", err)
	}
	if err := os.WriteFile(file, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	const hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // of abc
	for trusted, runs := range map[string]bool{"": false, hash: true, strings.ToUpper(hash): true, hash[:63] + "0": false, known["linux-x64@1.2.1"]: false} {
		got, err := binary(dir, "plan9-mips", trusted)
		if (err == nil) != runs || runs && got != file {
			t.Errorf("trusting %q: %s %v", trusted, got, err)
		}
		if err != nil && (!strings.Contains(err.Error(), hash) || !strings.Contains(err.Error(), "LATCHKEY_ENGINE_SHA256") || !strings.Contains(err.Error(), "DYNAMODB_ENDPOINT")) {
			t.Errorf("the message doesn't say what to do: %v", err)
		}
	}
}

// npm and the runner know the same binaries: one with an integrity in the lock file has a hash here, of that version.
func TestTheLockFileAndTheRunnerKnowTheSameEngines(t *testing.T) {
	raw, err := os.ReadFile("../package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	var lock struct {
		Packages map[string]struct{ Version, Integrity string }
	}
	if err := json.Unmarshal(raw, &lock); err != nil {
		t.Fatal(err)
	}
	locked := map[string]bool{}
	for name, p := range lock.Packages {
		if platform, ok := strings.CutPrefix(name, "node_modules/@dynoxide/"); ok && p.Integrity != "" {
			locked[platform+"@"+p.Version] = true
		}
	}
	if len(locked) == 0 {
		t.Fatal("no engine in the lock file")
	}
	for name := range locked {
		if len(known[name]) != 64 {
			t.Errorf("%s has an integrity in the lock file, and no hash here", name)
		}
	}
	for name := range known {
		if !locked[name] {
			t.Errorf("%s has a hash here, and no integrity in the lock file", name)
		}
	}
}
