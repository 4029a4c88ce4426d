package product_test

import (
	"fmt"

	"latchkey/shared/account"
	"latchkey/shared/product"
)

// A path belongs to a product and to one of its limit classes: the longest prefix decides.
func ExampleCatalogue_Match() {
	catalogue := product.Default()
	for _, path := range []string{"/map/1/tile/3/4/2.png", "/search/2/geocode/Berlin.json", "/unknown"} {
		match, ok := catalogue.Match(path)
		if !ok {
			fmt.Println(path, "belongs to no product")
			continue
		}
		fmt.Printf("%s: %s, limit class %s, %d calls a second\n", path, match.Product, match.Class, catalogue.DefaultQPS(match.Class, account.SelfServe))
	}
	// Output:
	// /map/1/tile/3/4/2.png: map-display, limit class map-display.tiles, 1000 calls a second
	// /search/2/geocode/Berlin.json: search, limit class search, 5 calls a second
	// /unknown belongs to no product
}

// New refuses a catalogue that the gate could not decide by.
func ExampleNew() {
	_, err := product.New([]product.Product{{ID: "weather", Name: "Weather", Kind: product.API, Classes: []product.LimitClass{
		{ID: "weather", Name: "Weather", Prefixes: []string{"/weather"}, QPS: map[account.Type]int{account.SelfServe: 5, account.Enterprise: 50}, MaxQPS: 100},
	}}})
	fmt.Println(err)
	// Output:
	// product: catalogue: weather: limit class weather: prefix "/weather" is not of the form /…/
}
