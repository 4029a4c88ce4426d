package authz_test

import (
	"strings"
	"sync"
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/authz"
	"latchkey/shared/product"
)

// nested is a catalogue in which a class that takes escaped slashes holds a costly one, and one that takes none.
var nested = sync.OnceValue(func() product.Catalogue {
	class := func(id product.Class, encodedSlash bool, prefix string) product.LimitClass {
		return product.LimitClass{
			ID: id, Name: "N", Prefixes: []string{prefix}, EncodedSlash: encodedSlash, MaxQPS: 9,
			QPS: map[account.Type]int{account.Enterprise: 1, account.SelfServe: 1},
		}
	}
	c, err := product.New([]product.Product{
		{ID: "map", Name: "N", Kind: product.API, SamplePath: "/map/1/x", Classes: []product.LimitClass{
			class("map", false, "/map/"), class("map.tiles", false, "/map/1/tile/"),
		}},
		{ID: "search", Name: "N", Kind: product.API, SamplePath: "/search/2/x", Classes: []product.LimitClass{
			class("search", true, "/search/"), class("search.costly", true, "/search/2/costly/"), class("search.strict", false, "/search/2/Strict_A/"),
		}},
	})
	if err != nil {
		panic(err)
	}
	return c
})

// TestASpellingOfAPathHasTheLimitOfThePath: no escape, parameter or capital letter leads to the limit of a wider prefix.
func TestASpellingOfAPathHasTheLimitOfThePath(t *testing.T) {
	for path, want := range map[string]product.Class{
		"/map/1/tile/0": "map.tiles", "/map/1/%74ile/0": "map.tiles", "/map/1/til%65/0": "map.tiles", "/map/%31/tile/0": "map.tiles",
		"/map/1/tile;x=1/0": "map.tiles", "/map;a/1;b/tile%3Bx/0": "map.tiles", "/map/1/tile;%2fx/0": "", "/map/1/TILE/0": "map.tiles",
		"/Map/1/t%49le/0": "map.tiles", "/map/1/%54ile/": "map.tiles", "/map/1/tile": "map", "/map/1/tile;x": "map", "/map/1/tiles/0": "map",
		"/map/1/tile%2B/0": "map", "/map/1/x/tile/0": "map", "/map/1/tile%3Fx/0": "map", "/map/1/tile%C3%A9/0": "map",
		"/search/2/strict%5Fa/1": "search.strict", "/search/2/STRICT_A/1": "search.strict", "/search/2/strict-a/1": "search",
	} {
		target := authz.TargetOf(path, nested())
		if target.Match.Class != want || target.Canonical != (want != "") {
			t.Errorf("%q: %+v, want %q", path, target, want)
		}
	}
}

// TestAnEscapedSlashStandsWhereTheCatalogueLetsIt: addresses such as "12/3 King St" can be searched for, and no decoding
// of one leads to another class.
func TestAnEscapedSlashStandsWhereTheCatalogueLetsIt(t *testing.T) {
	for path, want := range map[string]product.Class{
		"/search/2/search/12%2F3%20King%20St.json": "search", "/search/2/search/50%25%20Arabica.json": "search", "/search/2/a%252Fb": "search",
		"/search/2/costly/a%2fb": "search.costly", "/search/2/a%2F%2Fb": "search", "/search/2/%2Fa": "search", "/search/2/a%2F%23b": "search",
		"/search/2/100%25units": "search", "/search/2/a%2F;x": "search",

		"/map/1/a%2Fb": "", "/map/1/50%25": "", "/search%2F2/x": "", "/search;a%2Fb/2/x": "", "/search/2/Strict_A/a%2Fb": "",
		"/search/2/costly%2Fx": "", "/search/2/%2Fcostly/x": "", "/search/2%2Fcostly/x": "", "/search/2/co%2573tly/x": "", "/search/2/costly%252Fx": "",
		"/search/2/strict_a%2Fx": "", "/search/2/%2F;x%2Fcostly/1": "", "/search/2/COSTLY%2Fx": "",
		"/search/2/..%2Fx": "", "/search/2/a%2F..%2Fx": "", "/search/2/a%2F.": "", "/search/2/%252e%252e/x": "", "/search/2/a%2F%252e%2Fx": "",
		"/search/2/a%255cb": "", "/search/2/a%250ab": "", "/search/2/a%25u002e": "", "/search/2/a%2F..;x%2Fb": "", "/search/2/a%2F.%20%2Fb": "",
		"/search/2/a%25c0%25ae": "", "/search/2/a%25ef%25bc%258fb": "", "/search/2/a%25ff": "", "/search/2/a%257f": "", "/search/2/%2F%20%2Fx": "",
		"/search/2/" + "%" + strings.Repeat("25", 9): "",
	} {
		target := authz.TargetOf(path, nested())
		if target.Match.Class != want || target.Canonical != (want != "") {
			t.Errorf("%q: %+v, want %q", path, target, want)
		}
	}
}

// TestAHollowSegmentMustNotJoinItsNeighbours: for who cuts parameters and drops empty segments, "%3Bx" isn't there.
func TestAHollowSegmentMustNotJoinItsNeighbours(t *testing.T) {
	for path, want := range map[string]product.Class{
		"/map/1/%3Bx/y": "map", "/map/1/tile/%3Bx/0": "map.tiles", "/search/2/%3Bx": "search", "/map/1/%3Bx/tile/0": "", "/map/%3Bx/1/tile/0": "",
		"/%3Bx/map/1": "", "/map/1/tile/%3Bx": "map.tiles", "/map/1/%3Bx/tile": "map",
	} {
		target := authz.TargetOf(path, nested())
		if target.Match.Class != want || target.Canonical != (want != "") {
			t.Errorf("%q: %+v, want %q", path, target, want)
		}
	}
}

func TestThePathAsSentMayHoldWhatTheRoutesMay(t *testing.T) {
	search, tiles := authz.TargetOf("/search/2/x", nested()), authz.TargetOf("/map/1/tile/0", nested())
	for _, tt := range []struct {
		path   string
		target authz.Target
		same   bool
	}{
		{"/base/search/2/a%2Fb", search, true},
		{"/base/search/2/a%2F..%2Fb", search, false},
		{"/base/search/2/%2e%2e/b", search, false},
		{"/base/map/1/tile/0", tiles, true},
		{"/base/map/1/tile/a%2Fb", tiles, false},
		{"/base//map", tiles, false},
		{"/base/search/2/a%2Fb", authz.Target{}, false},
	} {
		if got := authz.SameAsSent(tt.path, tt.target, nested()); got != tt.same {
			t.Errorf("%q: %v", tt.path, got)
		}
	}
}

func TestReadingAPathDoesNotAllocate(t *testing.T) {
	var products authz.Matcher = nested()
	for _, path := range []string{
		"/map/1/tile/basic/main/0/0/0.png", "/map/1/TILE;x=1/0", "/map/1/%74ile/Z%C3%BCrich", "/routing/1/calculateRoute/52.5,13.4:48.1,11.5/json", "/map/..",
	} {
		if n := testing.AllocsPerRun(100, func() { authz.TargetOf(path, products) }); n != 0 {
			t.Errorf("%s: %v allocations", path, n)
		}
	}
}
