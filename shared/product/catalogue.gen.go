// Code generated from catalogue.json by `make catalogue`. DO NOT EDIT.

package product

import (
	"latchkey/shared/account"
	"latchkey/shared/consent"
)

var generated = []Product{
	{ID: "map-display", Name: "Map Display API", Kind: "api", SamplePath: "/map/1/tile/basic/main/0/0/0.png", Classes: []LimitClass{
		{ID: "map-display", Name: "Map display", Prefixes: []string{"/map/"}, QPS: map[account.Type]int{account.Enterprise: 10, account.SelfServe: 10}, MaxQPS: 1000},
		{ID: "map-display.tiles", Name: "Map tiles", Prefixes: []string{"/map/1/tile/"}, QPS: map[account.Type]int{account.Enterprise: 1000, account.SelfServe: 1000}, MaxQPS: 10000},
	}},
	{ID: "search", Name: "Search API", Kind: "api", SamplePath: "/search/2/search/berlin.json", Classes: []LimitClass{
		{ID: "search", Name: "Search", EncodedSlash: true, Prefixes: []string{"/search/"}, QPS: map[account.Type]int{account.Enterprise: 5, account.SelfServe: 5}, MaxQPS: 1000},
	}},
	{ID: "routing", Name: "Routing API", Kind: "api", SamplePath: "/routing/1/calculateRoute/52.50931,13.42936:52.50274,13.43872/json", Classes: []LimitClass{
		{ID: "routing", Name: "Routing", Prefixes: []string{"/routing/"}, QPS: map[account.Type]int{account.Enterprise: 5, account.SelfServe: 5}, MaxQPS: 1000},
	}},
	{ID: "traffic", Name: "Traffic API", Kind: "api", SamplePath: "/traffic/4/flow/52.50931,13.42936/json", Classes: []LimitClass{
		{ID: "traffic", Name: "Traffic", Prefixes: []string{"/traffic/"}, QPS: map[account.Type]int{account.Enterprise: 10, account.SelfServe: 10}, MaxQPS: 1000},
	}},
	{ID: "maps-sdk-web", Name: "Maps SDK for Web", Kind: "sdk", Classes: []LimitClass{
		{ID: "maps-sdk-web", Name: "Maps SDK for Web", Prefixes: []string{}, QPS: map[account.Type]int{account.Enterprise: 10, account.SelfServe: 10}, MaxQPS: 1000},
	}},
}

var generatedQuotas = Quotas{
	Groups: []ClassGroup{
		{ID: "tiles", Name: "Map tiles", Classes: []Class{"map-display.tiles"}},
	},
}

var history = History{
	Version: "3-4eb1705abf",
	Covered: []Covered{
		{Product: "map-display", Prefix: "/map/", Coverage: Coverage{Since: []consent.Version{"1-e459a7fd79"}, Standing: true}},
		{Product: "routing", Prefix: "/routing/", Coverage: Coverage{Since: []consent.Version{"1-e459a7fd79"}, Standing: true}},
		{Product: "search", Prefix: "/search/", Coverage: Coverage{Since: []consent.Version{"1-e459a7fd79"}, Standing: true}},
		{Product: "traffic", Prefix: "/traffic/", Coverage: Coverage{Since: []consent.Version{"1-e459a7fd79"}, Standing: true}},
	},
	EncodedSlash: []Covered{
		{Product: "search", Prefix: "/search/"},
	},
}
