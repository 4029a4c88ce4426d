package apikey_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/product"
)

func TestSameIgnoresOnlyTheVersionAndTheOrderOfSets(t *testing.T) {
	key := func(edit func(*apikey.Key)) apikey.Key {
		domains, products := []string{"a.example", "b.example"}, []product.ID{"map-display", "search"}
		k := apikey.Key{
			Version: 1, UpdatedAt: noon, Name: "Shop", Domains: domains, Products: products,
			Proposed: &apikey.Proposal{Domains: &domains, Products: &products, Since: noon},
			Limits:   []apikey.Limit{{Class: "map-display", QPS: 60}, {Class: "search", QPS: 50}},
		}
		edit(&k)
		return k
	}
	turned := []string{"b.example", "a.example", "b.example"}
	for name, c := range map[string]struct {
		edit func(*apikey.Key)
		same bool
	}{
		"nothing":           {func(*apikey.Key) {}, true},
		"version and time":  {func(k *apikey.Key) { k.Version, k.UpdatedAt = 2, noon.Add(time.Hour) }, true},
		"order of domains":  {func(k *apikey.Key) { k.Domains = turned }, true},
		"order of products": {func(k *apikey.Key) { k.Products = []product.ID{"search", "map-display"} }, true},
		"order of limits":   {func(k *apikey.Key) { slices.Reverse(k.Limits) }, true},
		"order proposed":    {func(k *apikey.Key) { k.Proposed.Domains = &turned }, true},
		"no retired secret": {func(k *apikey.Key) { k.Retired = nil }, true},

		"name":              {func(k *apikey.Key) { k.Name = "shop" }, false},
		"a domain less":     {func(k *apikey.Key) { k.Domains = k.Domains[:1] }, false},
		"another network":   {func(k *apikey.Key) { k.Networks = []string{"192.0.2.0/24"} }, false},
		"another app":       {func(k *apikey.Key) { k.Apps = []string{"ios com.example.app"} }, false},
		"networks proposed": {func(k *apikey.Key) { k.Proposed.Networks = &[]string{} }, false},
		"apps proposed":     {func(k *apikey.Key) { k.Proposed.Apps = &[]string{} }, false},
		"another limit":     {func(k *apikey.Key) { k.Limits[0].QPS = 50 }, false},
		"a limit less":      {func(k *apikey.Key) { k.Limits = k.Limits[:1] }, false},
		"no domains":        {func(k *apikey.Key) { k.Domains = nil }, false},
		"nothing proposed":  {func(k *apikey.Key) { k.Proposed = nil }, false},
		"proposed to open":  {func(k *apikey.Key) { k.Proposed.Domains = &[]string{} }, false},
		"proposed one":      {func(k *apikey.Key) { k.Proposed.Domains = nil }, false},
		"proposed later":    {func(k *apikey.Key) { k.Proposed.Since = noon.Add(time.Hour) }, false},
		"another cap":       {func(k *apikey.Key) { k.Caps = k.Caps.With(apikey.Cap{Group: "tiles", Day: 5}) }, false},
		"delivery":          {func(k *apikey.Key) { k.Delivery.RetryAt = noon }, false},
	} {
		a, b := key(func(*apikey.Key) {}), key(c.edit)
		if a.Same(b) != c.same || b.Same(a) != c.same {
			t.Errorf("%s: same is %v and %v, want %v", name, a.Same(b), b.Same(a), c.same)
		}
	}
	unsorted := func() apikey.Key {
		list := func() *[]string { l := slices.Clone(turned); return &l }
		products := []product.ID{"search", "map-display", "search"}
		return key(func(k *apikey.Key) {
			k.Domains, k.Labels, k.Networks, k.Apps, k.Products = *list(), *list(), *list(), *list(), slices.Clone(products)
			k.Proposed = &apikey.Proposal{Domains: list(), Networks: list(), Apps: list(), Products: &products}
		})
	}
	if k := unsorted(); !k.Same(unsorted()) || !reflect.DeepEqual(k, unsorted()) {
		t.Errorf("comparing sorted a key's own lists: %+v, %+v", k, k.Proposed)
	}
}
