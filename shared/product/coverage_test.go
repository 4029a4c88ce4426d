package product_test

import (
	"reflect"
	"slices"
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/consent"
	"latchkey/shared/product"
)

// maps is a product with a class of its own for tiles.
func maps() []product.Product {
	class := func(id product.Class, prefixes ...string) product.LimitClass {
		return product.LimitClass{ID: id, Name: "N", Prefixes: prefixes, QPS: map[account.Type]int{account.Enterprise: 1, account.SelfServe: 1}, MaxQPS: 1}
	}
	return []product.Product{{ID: "map", Name: "Map", Kind: product.API, SamplePath: "/map/x", Classes: []product.LimitClass{
		class("map", "/map/", "/Static/"), class("map.tiles", "/map/1/tile/"),
	}}}
}

func part(id product.ID, prefix string, since ...consent.Version) product.Covered {
	return product.Covered{Product: id, Prefix: prefix, Coverage: product.Coverage{Since: since}}
}

// TestACatalogueAndItsLockAgree on every path, or nothing is decided by them.
func TestACatalogueAndItsLockAgree(t *testing.T) {
	for name, tt := range map[string]struct {
		covered []product.Covered
		good    bool
	}{
		"they do":                      {[]product.Covered{part("map", "/map/", "1-a"), part("map", "/Static/", "2-b")}, true},
		"an older part within a class": {[]product.Covered{part("map", "/map/", "2-b"), part("map", "/map/1/", "1-a"), part("map", "/static/", "2-b")}, true},
		"a prefix that isn't locked":   {[]product.Covered{part("map", "/map/", "1-a")}, false},
		"one that is locked in part":   {[]product.Covered{part("map", "/map/1/", "1-a"), part("map", "/static/", "2-b")}, false},
		"a lock of nobody's path":      {[]product.Covered{part("map", "/map/", "1-a"), part("map", "/static/", "2-b"), part("map", "/other/", "1-a")}, false},
		"a lock of another product":    {[]product.Covered{part("map", "/map/", "1-a"), part("map", "/static/", "2-b"), part("other", "/map/2/", "1-a")}, false},
		"no version":                   {[]product.Covered{part("map", "/map/"), part("map", "/static/", "2-b")}, false},
	} {
		if _, err := product.WithHistory(maps(), product.History{Version: "2-b", Covered: tt.covered}); (err == nil) != tt.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestThePartsOfAProductDecideNoLimit: an older part within a class has the class's, and a class within a part the part's coverage.
func TestThePartsOfAProductDecideNoLimit(t *testing.T) {
	c, err := product.WithHistory(maps(), product.History{Version: "2-b", Covered: []product.Covered{
		part("map", "/map/", "2-b"), part("map", "/map/1/", "1-a"), part("map", "/static/", "2-b"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]struct {
		class product.Class
		since consent.Version
	}{
		"/map/x": {"map", "2-b"}, "/map/1/x": {"map", "1-a"}, "/map/1/tile/x": {"map.tiles", "1-a"}, "/MAP/1/tile/x": {"map.tiles", "1-a"}, "/static/x": {"map", "2-b"},
	} {
		match, coverage := c.Find(path)
		if match.Class != want.class || !slices.Equal(coverage.Since, []consent.Version{want.since}) {
			t.Errorf("%s: %s, %v; want %+v", path, match.Class, coverage, want)
		}
	}
	if match, coverage := c.Find("/other/x"); match != (product.Match{}) || len(coverage.Since) != 0 {
		t.Errorf("a path of no product: %v, %v", match, coverage)
	}
}

// TestWhatIsShownIsAllThatTheProductCovers, and pending is what of it isn't open, as it is written.
func TestWhatIsShownIsAllThatTheProductCovers(t *testing.T) {
	c, err := product.WithHistory(maps(), product.History{Version: "2-b", Changed: []product.ID{"map"}, Covered: []product.Covered{
		part("map", "/map/", "1-a"), part("map", "/Static/", "2-b", "2-c"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	shown := c.Shown("map")
	want := consent.Given{Product: "map", Paths: []consent.Path{{Prefix: "/map/", Since: "1-a"}, {Prefix: "/static/", Since: "2-b"}, {Prefix: "/static/", Since: "2-c"}}}
	if !reflect.DeepEqual(shown, want) {
		t.Errorf("shown %+v", shown)
	}
	old := consent.List{{Product: "map", Paths: []consent.Path{{Prefix: "/map/", Since: "1-a"}}}}
	for name, tt := range map[string]struct {
		key, account consent.List
		want         []string
	}{
		"a key of before":             {old, nil, []string{"/Static/"}},
		"one whose account accepted":  {old, consent.List{shown}, nil},
		"a new one":                   {consent.List{shown}, nil, nil},
		"one of a merged branch":      {consent.List{{Product: "map", Paths: []consent.Path{{Prefix: "/map/", Since: "1-a"}, {Prefix: "/static/", Since: "2-c"}}}}, nil, nil},
		"one that was shown nothing":  {consent.List{{Product: "map"}}, nil, []string{"/map/", "/Static/"}},
		"one of another product only": {consent.List{{Product: "other"}}, nil, []string{"/map/", "/Static/"}}, // and it stood before the lock
	} {
		if got := c.Pending("map", tt.key, tt.account); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// TestTheZeroCatalogueShowsNothing: a key that is given its products opens none of their paths.
func TestTheZeroCatalogueShowsNothing(t *testing.T) {
	var zero product.Catalogue
	given := zero.Consents(nil, nil, []product.ID{"map"})
	if g, recorded := given.Of("map"); !recorded || len(g.Paths) != 0 || zero.Version() != "" || zero.Pending("map", nil, nil) != nil {
		t.Errorf("%+v, version %q", given, zero.Version())
	}
}
