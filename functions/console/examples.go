package main

import (
	"slices"
	"strings"

	"latchkey/shared/api"
)

// example is one way to try a key. It holds the real secret.
type example struct{ ID, Title, Code, Note string }

// tries are calls of each product, by which a new key can be tried.
var tries = map[string]string{
	"map-display": "/map/1/tile/basic/main/0/0/0.png?view=Unified",
	"search":      "/search/2/search/berlin.json",
	"routing":     "/routing/1/calculateRoute/52.50931,13.42936:52.50274,13.43872/json",
	"traffic":     "/traffic/4/flow/52.50931,13.42936/json",
}

const tiles = "/map/1/tile/basic/main/{z}/{x}/{y}.png?view=Unified"

// examples are made for what the key may do: its product, its domains, and where it takes the secret.
func examples(base string, k api.KeyWithSecret, secret string) (list []example) {
	path := ""
	for _, id := range k.Products {
		if path = tries[id]; path != "" {
			break
		}
	}
	if path == "" {
		return nil // only SDKs
	}
	call := base + path
	with := withKey(call, secret)
	origin := sampleOrigin(k.Domains)
	list = append(list, example{ID: "curl", Title: "curl", Code: curl(call, with, secret, origin, k.HeaderOnly)})
	if !k.HeaderOnly {
		list = append(list, example{ID: "browser", Title: "try.browser", Code: with, Note: browserNote(k)})
	}
	fetch := "const response = await fetch(\"" + with + "\");\nconsole.log(response.status);"
	if k.HeaderOnly {
		fetch = "const response = await fetch(\"" + call + "\", {\n  headers: { \"X-Api-Key\": \"" + secret + "\" },\n});\nconsole.log(response.status);"
	}
	list = append(list, example{ID: "fetch", Title: "fetch", Code: fetch})
	if slices.Contains(k.Products, "map-display") && !k.HeaderOnly {
		url := withKey(base+tiles, secret)
		list = append(list,
			example{ID: "leaflet", Title: "Leaflet", Code: "import L from \"leaflet\";\n\nconst map = L.map(\"map\").setView([0, 0], 2);\nL.tileLayer(\"" + url + "\").addTo(map);"},
			example{ID: "maplibre", Title: "MapLibre", Code: "import maplibregl from \"maplibre-gl\";\n\nnew maplibregl.Map({\n  container: \"map\",\n  zoom: 1,\n  style: {\n    version: 8,\n    sources: {\n      tiles: { type: \"raster\", tileSize: 256, tiles: [\"" + url + "\"] },\n    },\n    layers: [{ id: \"tiles\", type: \"raster\", source: \"tiles\" }],\n  },\n});"})
	}
	return list
}

func curl(call, with, secret, origin string, header bool) string {
	extra := ""
	if origin != "" {
		extra = " -H 'Origin: " + origin + "'"
	}
	if header {
		return "curl -sS -o answer -w '%{http_code}\\n' '" + call + "' -H 'X-Api-Key: " + secret + "'" + extra
	}
	return "curl -sS -o answer -w '%{http_code}\\n' '" + with + "'" + extra
}

func browserNote(k api.KeyWithSecret) string {
	if len(k.Domains) > 0 && k.MissingOrigin == api.Deny {
		return "try.browser.refused"
	}
	return "try.browser.history"
}

func withKey(call, secret string) string {
	if strings.Contains(call, "?") {
		return call + "&key=" + secret
	}
	return call + "?key=" + secret
}

// sampleOrigin is an origin that the first of the key's domains allows; "" if the key has none.
func sampleOrigin(domains []string) string {
	if len(domains) == 0 {
		return ""
	}
	scheme, host, found := strings.Cut(domains[0], "://")
	if !found {
		scheme, host = "https", domains[0]
	}
	if rest, wild := strings.CutPrefix(host, "*."); wild {
		host = "www." + rest
	}
	return scheme + "://" + host
}
