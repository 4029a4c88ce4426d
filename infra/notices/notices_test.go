package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// What is linked may be passed on with its licences and its notices beside it, and everything that ships a notice is in.
func TestEveryLinkedModuleIsThereWithItsLicenceAndNotice(t *testing.T) {
	list, err := linked(root)
	if err != nil {
		t.Fatal(err)
	}
	text, err := render(list)
	if err != nil {
		t.Fatal(err)
	}
	mods, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	known := regexp.MustCompile(`Apache License|Redistribution and use in source and binary forms|Permission is hereby granted, free of charge|Permission to use, copy, modify|released into the public domain`)
	for _, m := range list {
		raw, err := os.ReadFile(m.texts[0])
		if err != nil || !known.Match(raw) {
			t.Errorf("%s: a licence of a kind that nobody has looked at: %s (%v)", m.path, m.texts[0], err)
		}
		if m.version != "" && !strings.Contains(string(mods), m.path+" "+m.version) {
			t.Errorf("%s %s isn't what go.mod asks for", m.path, m.version)
		}
	}
	for _, wanted := range []string{"Go standard library", "github.com/aws/aws-sdk-go-v2 ", "github.com/aws/smithy-go ", "github.com/aws/aws-lambda-go ", "-- NOTICE", "AWS SDK for Go"} {
		if !strings.Contains(string(text), wanted) {
			t.Errorf("there is no %q", wanted)
		}
	}
	if _, err := texts(t.TempDir()); err == nil {
		t.Error("a module without a licence is taken")
	}
}

// The same commit is the same binary, in whatever folder and with whatever history: a change of the documents replaces no function.
func TestTwoFoldersBuildTheSameBinary(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	flags := regexp.MustCompile(`(?m)^\tGOFLAGS="([^"]+)" CGO_ENABLED=0 \$\(TOOLS\)/venv/bin/sam build$`).FindSubmatch(raw)
	if flags == nil {
		t.Fatal("`make build` is gone")
	}
	hash := func(dir string) string {
		t.Helper()
		file := filepath.Join(t.TempDir(), "bootstrap")
		cmd := exec.Command("go", "build", "-o", file, "./functions/demo") //nolint:noctx // a test
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0", "GOFLAGS="+string(flags[1]))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		binary, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(binary)
		return hex.EncodeToString(sum[:])
	}
	if here, there := hash(root), hash(elsewhere(t)); here != there {
		t.Errorf("%s here, %s in another folder with another history", here, there)
	}
}

// elsewhere is a copy of the code in a repository of its own.
func elsewhere(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	git := func(in string, args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", in, "-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...) //nolint:noctx,gosec // a test
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v %s", args, err, out)
		}
		return string(out)
	}
	files := strings.Split(strings.TrimSpace(git(root, "ls-files", "--cached", "--others", "--exclude-standard", "--", "*.go", "go.mod", "go.sum", "shared", "functions/demo", "functions/internal")), "\n")
	slices.Sort(files)
	for _, f := range slices.Compact(files) {
		raw, err := os.ReadFile(filepath.Join(root, f))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, f)
		if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git(dir, "init", "-q")
	git(dir, "add", "-A")
	git(dir, "commit", "-q", "-m", "another history")
	return dir
}
