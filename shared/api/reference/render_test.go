package main

import (
	"bytes"
	"os"
	"testing"

	"latchkey/shared/api"
)

func TestReferencePageSaysWhatTheContractSays(t *testing.T) {
	want, err := render(api.Contract)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../../docs/reference/api.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/reference/api.md is stale: run go generate ./shared/api")
	}
}
