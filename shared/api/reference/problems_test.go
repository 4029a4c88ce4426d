package main

import (
	"os"
	"testing"
)

// TestEveryCodeHasItsPageAndEveryPageItsCode also holds what is on them.
func TestEveryCodeHasItsPageAndEveryPageItsCode(t *testing.T) {
	const dir = "../../../docs/problems/"
	want := problemPages()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		page, ok := want[file.Name()]
		raw, err := os.ReadFile(dir + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		if !ok || string(raw) != page {
			t.Errorf("docs/problems/%s is stale: run go generate ./shared/api", file.Name())
		}
		delete(want, file.Name())
	}
	for name := range want {
		t.Errorf("docs/problems/%s is missing: run go generate ./shared/api", name)
	}
}
