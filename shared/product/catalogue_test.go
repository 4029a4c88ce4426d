package product_test

import (
	"reflect"
	"strings"
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/product"
)

func TestCatalogueMatchesPathsByTheLongestPrefix(t *testing.T) {
	for path, want := range map[string]product.Match{
		"/map/1/tile/basic/main/0/0/0.png": {Product: "map-display", Class: "map-display.tiles"},
		"/map/1/staticimage":               {Product: "map-display", Class: "map-display"},
		"/map/":                            {Product: "map-display", Class: "map-display"},
		"/search/2/search/x.json":          {Product: "search", Class: "search"},
		"/routing/1/x":                     {Product: "routing", Class: "routing"},
		"/traffic/4/x":                     {Product: "traffic", Class: "traffic"},
		"/map":                             {},
		"/maps/1":                          {},
		"/Map/1":                           {Product: "map-display", Class: "map-display"},
		"/map/1/%54ile;x=1/0":              {Product: "map-display", Class: "map-display.tiles"},
		"/map/1/%tile/0":                   {Product: "map-display", Class: "map-display"},
		"/map/1/tile%2F0":                  {Product: "map-display", Class: "map-display"},
		"/map;x":                           {},
		"/map%":                            {},
		"/":                                {},
		"":                                 {},
	} {
		got, ok := product.Default().Match(path)
		if got != want || ok != (want != product.Match{}) {
			t.Errorf("%q: got %v, %v", path, got, ok)
		}
	}
}

func TestMatchDoesNotAllocate(t *testing.T) {
	c := product.Default()
	if n := testing.AllocsPerRun(100, func() { c.Match("/traffic/4/flow"); c.Match("/%54raffic;x/FLOW") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestDefaultLimits(t *testing.T) {
	for class, want := range map[product.Class]int{
		"map-display": 10, "map-display.tiles": 1000, "search": 5, "routing": 5, "traffic": 10, "nothing": 0,
	} {
		for _, typ := range []account.Type{account.Enterprise, account.SelfServe} {
			if got := product.Default().DefaultQPS(class, typ); got != want {
				t.Errorf("%s for %s: got %d, want %d", class, typ, got, want)
			}
		}
		if got := product.Default().DefaultQPS(class, "unknown"); got != 0 {
			t.Errorf("%s for an unknown account type: got %d, want 0", class, got)
		}
	}
}

func TestCatalogueHasAnSDKWithoutPaths(t *testing.T) {
	for _, p := range product.Default().Products() {
		if p.Kind == product.SDK {
			return
		}
	}
	t.Error("no SDK product")
}

func TestZeroCatalogueMatchesNothing(t *testing.T) {
	if _, ok := (product.Catalogue{}).Match("/map/1"); ok {
		t.Error("the zero catalogue matches")
	}
}

func TestTheLiteralSaysWhatTheFileSays(t *testing.T) {
	file, quotas := product.Embedded(t)
	if !reflect.DeepEqual(product.Default().Products(), file) || !reflect.DeepEqual(product.Default().Groups(), quotas.Groups) {
		t.Error("catalogue.gen.go is stale: make catalogue")
	}
}

// parse reads and checks a catalogue.
func parse(text string) error {
	products, err := product.Parse([]byte(text))
	if err == nil {
		_, err = product.New(products)
	}
	return err
}

// TestTheShippedCatalogueLimitsNoAccount: an upgrade takes nothing from anybody.
func TestTheShippedCatalogueLimitsNoAccount(t *testing.T) {
	for _, p := range product.Default().Products() {
		for _, c := range p.Classes {
			for _, kind := range []account.Type{account.Enterprise, account.SelfServe} {
				if q := product.Default().AccountQPS(c.ID, kind); q != 0 {
					t.Errorf("%s: %d calls a second for %s accounts", c.ID, q, kind)
				}
			}
		}
	}
}

func TestABrokenCatalogueIsRefused(t *testing.T) {
	one := func(id, kind, classes string) string {
		sample := ""
		if kind == "api" { // the first prefix of the first class
			_, sample, _ = strings.Cut(classes, `"prefixes":["`)
			sample, _, _ = strings.Cut(sample, `"`)
		}
		return `{"id":"` + id + `","name":"N","kind":"` + kind + `","sample_path":"` + sample + `","classes":[` + classes + `]}`
	}
	class := func(id, prefix string) string {
		return `{"id":"` + id + `","name":"N","prefixes":[` + prefix + `],"qps":{"enterprise":1,"self_serve":1},"max_qps":2}`
	}
	sampled := func(sample, of string) string {
		return strings.Replace(of, `"sample_path":"/a/"`, `"sample_path":"`+sample+`"`, 1)
	}
	with := func(member, of string) string { return strings.Replace(of, `"name":"N"`, `"name":"N",`+member, 1) }
	for name, products := range map[string]string{
		"no JSON":                   `{`,
		"no class":                  one("a", "api", ""),
		"no first class of its own": one("a", "api", class("b", `"/a/"`)),
		"class of another product":  one("a", "api", class("a", `"/a/"`)+","+class("b.x", `"/b/"`)),
		"unknown kind":              one("a", "thing", class("a", `"/a/"`)),
		"API without a path":        one("a", "api", class("a", "")),
		"SDK with a path":           one("a", "sdk", class("a", `"/a/"`)),
		"prefix without a slash":    one("a", "api", class("a", `"/a"`)),
		"same prefix twice":         one("a", "api", class("a", `"/a/"`)) + "," + one("b", "api", class("b", `"/a/"`)),
		"same prefix in capitals":   one("a", "api", class("a", `"/a/"`)) + "," + one("b", "api", class("b", `"/A/"`)),
		"capitals within another's": one("a", "api", class("a", `"/a/"`)) + "," + one("b", "api", class("b", `"/A/b/"`)),
		"sample in other capitals":  sampled("/A/x", one("a", "api", class("a", `"/a/"`))),
		"prefix within another's":   one("a", "api", class("a", `"/a/"`)) + "," + one("b", "api", class("b", `"/a/b/"`)),
		"prefix around another's":   one("a", "api", class("a", `"/a/b/"`)) + "," + one("b", "api", class("b", `"/a/"`)),
		"second prefix within":      one("a", "api", class("a", `"/a/"`)) + "," + one("b", "api", class("b", `"/b/"`)+","+class("b.x", `"/a/b/"`)),
		"same product twice":        one("a", "api", class("a", `"/a/"`)) + "," + one("a", "api", class("a", `"/b/"`)),
		"default above the maximum": one("a", "api", strings.Replace(class("a", `"/a/"`), `"max_qps":2`, `"max_qps":0`, 1)),
		"no default for self-serve": one("a", "api", strings.Replace(class("a", `"/a/"`), `,"self_serve":1`, "", 1)),
		"API without a sample":      sampled("", one("a", "api", class("a", `"/a/"`))),
		"SDK with a sample":         strings.Replace(one("a", "sdk", class("a", "")), `"sample_path":""`, `"sample_path":"/a/"`, 1),
		"sample of no product":      sampled("/c/x", one("a", "api", class("a", `"/a/"`))),
		"sample of another product": sampled("/b/x", one("a", "api", class("a", `"/a/"`))) + "," + one("b", "api", class("b", `"/b/"`)),
		"sample of another class":   one("a", "api", with(`"sample_path":"/a/x/1"`, class("a", `"/a/"`))+","+class("a.x", `"/a/x/"`)),
		"docs by plain http":        with(`"docs_url":"http://docs.example"`, one("a", "api", class("a", `"/a/"`))),
		"a class's docs by http":    one("a", "api", with(`"docs_url":"http://docs.example"`, class("a", `"/a/"`))),
		"a misspelt member":         with(`"doc_url":"https://docs.example"`, one("a", "api", class("a", `"/a/"`))),
		"a class's Max_QPS":         one("a", "api", with(`"Max_QPS":9`, class("a", `"/a/"`))),
		"a product's ID":            with(`"ID":"b"`, one("a", "api", class("a", `"/a/"`))),
		"two numbers of a type":     one("a", "api", strings.Replace(class("a", `"/a/"`), `"enterprise":1`, `"enterprise":1,"enterprise":2`, 1)),
		"a member that is twice":    with(`"kind":"api"`, one("a", "api", class("a", `"/a/"`))),
		"an account's limit of 0":   one("a", "api", with(`"account_qps":{"self_serve":0}`, class("a", `"/a/"`))),
		"an account's above 20,000": one("a", "api", with(`"account_qps":{"self_serve":20001}`, class("a", `"/a/"`))),
		"an unknown account type's": one("a", "api", with(`"account_qps":{"free":5}`, class("a", `"/a/"`))),
		"product without a name":    strings.Replace(one("a", "api", class("a", `"/a/"`)), `"name":"N","kind"`, `"name":"","kind"`, 1),
	} {
		if parse(`{"products":[`+products+`]}`) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for name, products := range map[string]string{
		"the good one that the others spoil":    one("a", "api", class("a", `"/a/"`)),
		"a product's own prefixes may nest":     one("a", "api", class("a", `"/a/"`)+","+class("a.x", `"/a/x/"`)),
		"a sample of the product's inner class": sampled("/a/x/1", one("a", "api", class("a", `"/a/"`)+","+with(`"sample_path":"/a/x/2","docs_url":"https://docs.example/x"`, class("a.x", `"/a/x/"`)))),
		"a limit of one type's accounts":        one("a", "api", with(`"account_qps":{"self_serve":20000}`, class("a", `"/a/"`))),
		"docs by https":                         with(`"docs_url":"https://docs.example/a"`, one("a", "sdk", class("a", ""))),
		"prefixes that only begin like others":  one("a", "api", class("a", `"/a/"`)) + "," + one("b", "api", class("b", `"/ab/"`)),
	} {
		if err := parse(`{"products":[` + products + `]}`); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
