package main

import (
	"os"
	"path/filepath"
	"regexp"
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
