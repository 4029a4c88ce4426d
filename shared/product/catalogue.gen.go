// Code generated from catalogue.json by go generate. DO NOT EDIT.

package product

import "latchkey/shared/account"

var generated = []Product{
	{ID: "map-display", Name: "Map Display API", Kind: "api", Classes: []LimitClass{
		{ID: "map-display", Name: "Map display", Prefixes: []string{"/map/"}, QPS: map[account.Type]int{account.Enterprise: 10, account.SelfServe: 10}, MaxQPS: 1000},
		{ID: "map-display.tiles", Name: "Map tiles", Prefixes: []string{"/map/1/tile/"}, QPS: map[account.Type]int{account.Enterprise: 1000, account.SelfServe: 1000}, MaxQPS: 10000},
	}},
	{ID: "search", Name: "Search API", Kind: "api", Classes: []LimitClass{
		{ID: "search", Name: "Search", Prefixes: []string{"/search/"}, QPS: map[account.Type]int{account.Enterprise: 5, account.SelfServe: 5}, MaxQPS: 1000},
	}},
	{ID: "routing", Name: "Routing API", Kind: "api", Classes: []LimitClass{
		{ID: "routing", Name: "Routing", Prefixes: []string{"/routing/"}, QPS: map[account.Type]int{account.Enterprise: 5, account.SelfServe: 5}, MaxQPS: 1000},
	}},
	{ID: "traffic", Name: "Traffic API", Kind: "api", Classes: []LimitClass{
		{ID: "traffic", Name: "Traffic", Prefixes: []string{"/traffic/"}, QPS: map[account.Type]int{account.Enterprise: 10, account.SelfServe: 10}, MaxQPS: 1000},
	}},
	{ID: "maps-sdk-web", Name: "Maps SDK for Web", Kind: "sdk", Classes: []LimitClass{
		{ID: "maps-sdk-web", Name: "Maps SDK for Web", Prefixes: []string{}, QPS: map[account.Type]int{account.Enterprise: 10, account.SelfServe: 10}, MaxQPS: 1000},
	}},
}
