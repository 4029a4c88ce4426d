package product

import (
	_ "embed"
	"testing"
)

// Within reports whether a canonical path begins with a prefix in lower case, as Match reads it.
func Within(path, prefix string) bool { return begins(path, prefix) }

//go:embed catalogue.json
var embedded []byte

// Embedded reads the catalogue file.
func Embedded(t *testing.T) ([]Product, Quotas) {
	t.Helper()
	products, err := Parse(embedded)
	if err != nil {
		t.Fatal(err)
	}
	quotas, err := ParseQuotas(embedded)
	if err != nil {
		t.Fatal(err)
	}
	return products, quotas
}
