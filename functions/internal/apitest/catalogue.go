package apitest

import (
	"maps"
	"os"
	"slices"
	"testing"

	"latchkey/shared/product"
	"latchkey/shared/product/lock"
)

// Catalogue makes the catalogue of a later deployment: the shipped products after each of some edits, which are committed one
// after the other. root is the repository.
func Catalogue(t testing.TB, root string, edits ...func([]product.Product)) product.Catalogue {
	t.Helper()
	text, err := os.ReadFile(root + "/shared/product/catalogue.lock")
	if err != nil {
		t.Fatal(err)
	}
	locked, products := string(text), slices.Clone(product.Default().Products())
	for i := range products {
		products[i].Classes = slices.Clone(products[i].Classes)
	}
	for _, edit := range edits {
		edit(products)
		covers := lock.CoveragesOf(products, product.Default().Groups()...)
		_, report, _ := lock.Update(locked, covers, lock.Named{})
		named := lock.Named{Widened: slices.Collect(maps.Keys(report.Gained))}
		if locked, _, err = lock.Update(locked, covers, named); err != nil {
			t.Fatal(err)
		}
	}
	h, err := lock.Read(locked)
	if err != nil {
		t.Fatal(err)
	}
	c, err := product.WithHistory(products, h.OfCatalogue())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Covers is an edit: from now on the first class of a product has these prefixes.
func Covers(id product.ID, prefixes ...string) func([]product.Product) {
	return func(products []product.Product) {
		for i := range products {
			if products[i].ID == id {
				products[i].Classes[0].Prefixes = prefixes
			}
		}
	}
}
