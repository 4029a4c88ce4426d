package product_test

import (
	"reflect"
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/product"
)

func TestOutlinesSayWhatAProductCovers(t *testing.T) {
	qps := map[account.Type]int{account.Enterprise: 1, account.SelfServe: 1}
	c, err := product.New([]product.Product{
		{ID: "tiles", Name: "Tiles", Kind: product.API, SamplePath: "/tile/1", Classes: []product.LimitClass{
			{ID: "tiles", Name: "Tiles", Prefixes: []string{"/tile/", "/Map/"}, QPS: qps, MaxQPS: 1},
			{ID: "tiles.big", Name: "Big", Prefixes: []string{"/TILE/big/"}, QPS: qps, MaxQPS: 1}, // inside /tile/, in whatever case
		}},
		{ID: "kit", Name: "Kit", Kind: product.SDK, Classes: []product.LimitClass{{ID: "kit", Name: "Kit", QPS: qps, MaxQPS: 1}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []product.Outline{{ID: "kit", Name: "Kit"}, {ID: "tiles", Name: "Tiles", Prefixes: []string{"/Map/", "/tile/"}}}
	if got := c.Outlines(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestACatalogueIsComparedByWhatCustomersNotice(t *testing.T) {
	search := product.Outline{ID: "search", Name: "Search", Prefixes: []string{"/find/", "/search/"}}
	routing := product.Outline{ID: "routing", Name: "Routing", Prefixes: []string{"/routing/"}}
	renamed, narrowed, wider := search, search, search
	renamed.Name = "Search API"
	narrowed.Prefixes = []string{"/search/"}
	wider.Prefixes = []string{"/find/", "/places/", "/search/"}
	for name, c := range map[string]struct {
		before, after []product.Outline
		want          []product.OutlineChange
	}{
		"nothing":          {nil, nil, nil},
		"the first":        {nil, []product.Outline{search}, []product.OutlineChange{{ID: "search", After: &search}}},
		"the same":         {[]product.Outline{search, routing}, []product.Outline{routing, search}, nil},
		"another name":     {[]product.Outline{search, routing}, []product.Outline{renamed, routing}, []product.OutlineChange{{"search", &search, &renamed}}},
		"fewer paths":      {[]product.Outline{search}, []product.Outline{narrowed}, []product.OutlineChange{{"search", &search, &narrowed}}},
		"more paths":       {[]product.Outline{search}, []product.Outline{wider}, []product.OutlineChange{{"search", &search, &wider}}},
		"one that is gone": {[]product.Outline{search, routing}, []product.Outline{search}, []product.OutlineChange{{ID: "routing", Before: &routing}}},
	} {
		if got := product.Compare(c.before, c.after); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
