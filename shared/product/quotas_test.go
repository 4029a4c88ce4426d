package product_test

import (
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/product"
)

// quotaed is the products with tiles, with groups and quotas.
func quotaed(text string) (product.Catalogue, error) {
	c, err := product.New(maps())
	if err != nil {
		return c, err
	}
	q, err := product.ParseQuotas([]byte(text))
	if err != nil {
		return c, err
	}
	return c.WithQuotas(q)
}

const tilesGroup = `"groups":[{"id":"tiles","name":"Tiles","classes":["map.tiles"]}]`

func TestEachClassIsInOneGroup(t *testing.T) {
	c, err := quotaed(`{` + tilesGroup + `,"quotas":{"freemium":{"tiles":{"day":50},"other":{"day":2,"month":30}}}}`)
	if err != nil {
		t.Fatal(err)
	}
	for class, want := range map[product.Class]product.Group{"map.tiles": "tiles", "map": product.Other, "nothing": product.Other} {
		if got := c.Group(class); got != want {
			t.Errorf("%s is in %s, want %s", class, got, want)
		}
	}
	for _, q := range []struct {
		billing string
		group   product.Group
		want    product.Quota
	}{
		{"freemium", "tiles", product.Quota{Day: 50}},
		{"freemium", product.Other, product.Quota{Day: 2, Month: 30}},
		{"paying", "tiles", product.Quota{}},
		{"", "tiles", product.Quota{}},
		{"freemium", "nothing", product.Quota{}},
	} {
		if got := c.Quota(q.billing, q.group); got != q.want {
			t.Errorf("%s, %s: %+v, want %+v", q.billing, q.group, got, q.want)
		}
	}
}

// TestAnAccountsOwnQuotaComesBeforeTheCatalogues, for each period by itself.
func TestAnAccountsOwnQuotaComesBeforeTheCatalogues(t *testing.T) {
	c, err := quotaed(`{` + tilesGroup + `,"quotas":{"freemium":{"tiles":{"day":50},"other":{"day":2,"month":30}}}}`)
	if err != nil {
		t.Fatal(err)
	}
	own := account.Quotas{{Billing: "freemium", Group: "other", Month: 40}, {Billing: "freemium", Group: "tiles", Day: 60, Month: 70}, {Billing: "paying", Group: "tiles", Day: 5}}
	for _, q := range []struct {
		billing string
		group   product.Group
		want    product.Quota
	}{
		{"freemium", "tiles", product.Quota{Day: 60, Month: 70}},
		{"freemium", product.Other, product.Quota{Day: 2, Month: 40}},
		{"paying", "tiles", product.Quota{Day: 5}},
		{"paying", product.Other, product.Quota{}},
		{"", "tiles", product.Quota{}},
	} {
		if got := c.QuotaOf(own, q.billing, q.group); got != q.want {
			t.Errorf("%s, %s: %+v, want %+v", q.billing, q.group, got, q.want)
		}
	}
}

func TestTheShippedCatalogueSetsNoQuota(t *testing.T) {
	c := product.Default()
	if c.Group("map-display.tiles") != "tiles" || c.Group("search") != product.Other || len(c.Groups()) != 1 {
		t.Errorf("%+v", c.Groups())
	}
	if _, quotas := product.Embedded(t); len(quotas.ByBilling) != 0 {
		t.Errorf("%+v: an upgrade takes nothing from anybody", quotas)
	}
}

func TestABrokenQuotaIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"a group of nothing":          `{"groups":[{"id":"tiles","name":"Tiles","classes":[]}]}`,
		"a group without a name":      `{"groups":[{"id":"tiles","name":"","classes":["map"]}]}`,
		"an ID that needs escaping":   `{"groups":[{"id":"ti#les","name":"Tiles","classes":["map"]}]}`,
		"the group of the others":     `{"groups":[{"id":"other","name":"Other","classes":["map"]}]}`,
		"a group twice":               `{"groups":[{"id":"a","name":"A","classes":["map"]},{"id":"a","name":"A","classes":["map.tiles"]}]}`,
		"a class in two":              `{"groups":[{"id":"a","name":"A","classes":["map"]},{"id":"b","name":"B","classes":["map"]}]}`,
		"a class that isn't there":    `{"groups":[{"id":"a","name":"A","classes":["street"]}]}`,
		"a quota of no group":         `{` + tilesGroup + `,"quotas":{"freemium":{"titles":{"day":1}}}}`,
		"a quota of nothing":          `{` + tilesGroup + `,"quotas":{"freemium":{"tiles":{}}}}`,
		"a negative one":              `{` + tilesGroup + `,"quotas":{"freemium":{"tiles":{"day":-1}}}}`,
		"a day larger than its month": `{` + tilesGroup + `,"quotas":{"freemium":{"tiles":{"day":11,"month":10}}}}`,
		"a member that is misspelt":   `{` + tilesGroup + `,"quotas":{"freemium":{"tiles":{"daily":11}}}}`,
		"a number that is a text":     `{` + tilesGroup + `,"quotas":{"freemium":{"tiles":{"day":"11"}}}}`,
	} {
		if _, err := quotaed(text); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, err := quotaed(`{}`); err != nil {
		t.Errorf("no quotas: %v", err)
	}
}
