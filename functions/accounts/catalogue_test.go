package main

import (
	"encoding/json"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/product"
)

func products(t *testing.T, r *harness) map[string]api.Product {
	t.Helper()
	var list api.ProductList
	if err := json.Unmarshal(r.Want(t, 200, apitest.Call{As: "stranger", Method: "GET", Path: "/v1/products"}).Body, &list); err != nil {
		t.Fatal(err)
	}
	byID := map[string]api.Product{}
	for _, p := range list.Products {
		byID[p.Id] = p
	}
	return byID
}

// TestEveryProductIsListedWithItsSample holds for whatever the catalogue holds.
func TestEveryProductIsListedWithItsSample(t *testing.T) {
	listed := products(t, newHarness(t))
	for _, p := range product.Default().Products() {
		one, ok := listed[string(p.ID)]
		if !ok || one.Name != p.Name || len(one.Classes) != len(p.Classes) {
			t.Errorf("%s is listed as %+v", p.ID, one)
		}
		t.Log(p.ID, deref(one.SamplePath)) // read by the test that follows the guide
		if sample := deref(one.SamplePath); sample != p.SamplePath || (sample == "") != (one.Kind == api.Sdk) {
			t.Errorf("%s is listed with the sample %q", p.ID, sample)
		}
	}
}

func TestAClassIsListedWithWhatIsItsOwn(t *testing.T) {
	limit := map[account.Type]int{account.Enterprise: 2, account.SelfServe: 1}
	catalogue, err := product.New([]product.Product{{
		ID: "a", Name: "A", Kind: product.API, SamplePath: "/a/1", DocsURL: "https://docs.example/a", Classes: []product.LimitClass{
			{ID: "a", Name: "A", Prefixes: []string{"/a/"}, QPS: limit, MaxQPS: 3},
			{ID: "a.x", Name: "X", Prefixes: []string{"/a/x/"}, QPS: limit, MaxQPS: 3, SamplePath: "/a/x/1", DocsURL: "https://docs.example/x"},
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := newHarness(t)
	r.handler.catalogue.products = catalogue
	a := products(t, r)["a"]
	if deref(a.SamplePath) != "/a/1" || deref(a.DocsUrl) != "https://docs.example/a" {
		t.Errorf("the product: %+v", a)
	}
	if own := a.Classes[0]; own.SamplePath != nil || own.DocsUrl != nil {
		t.Errorf("a class without anything of its own: %+v", own)
	}
	if x := a.Classes[1]; deref(x.SamplePath) != "/a/x/1" || deref(x.DocsUrl) != "https://docs.example/x" || x.DefaultQps["enterprise"] != 2 || x.MaxQps != 3 {
		t.Errorf("a class with its own: %+v", x)
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
