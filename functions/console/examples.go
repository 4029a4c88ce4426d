package main

import (
	"regexp"
	"slices"
	"strings"

	"latchkey/shared/api"
)

// example is one way to try a key. It holds the real secret.
type example struct{ ID, Title, Code, Note string }

// examples are made for what the key may do: its products, its domains, and where it takes the secret. There are none
// where the catalogue has no sample path for the key: it is for SDKs only, or the catalogue couldn't be read.
func examples(base string, products []api.Product, k api.KeyWithSecret, secret string) (list []example) {
	path, tiles := samples(products, k.Products)
	if path == "" {
		return nil
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
	if tiles != "" && !k.HeaderOnly {
		url := withKey(base+tiles, secret)
		// An image sends no Origin unless it is asked for with CORS, and no Referer where its page's policy is strict: the gate
		// would see a call that names no page. MapLibre asks with CORS by itself.
		list = append(list,
			example{ID: "img", Title: "img", Code: "<img src=\"" + firstTile(url) + "\" crossorigin alt=\"\">"},
			example{ID: "leaflet", Title: "Leaflet", Code: "import L from \"leaflet\";\n\nconst map = L.map(\"map\").setView([0, 0], 2);\nL.tileLayer(\"" + url + "\", { crossOrigin: true }).addTo(map);"},
			example{ID: "maplibre", Title: "MapLibre", Code: "import maplibregl from \"maplibre-gl\";\n\nnew maplibregl.Map({\n  container: \"map\",\n  zoom: 1,\n  style: {\n    version: 8,\n    sources: {\n      tiles: { type: \"raster\", tileSize: 256, tiles: [\"" + url + "\"] },\n    },\n    layers: [{ id: \"tiles\", type: \"raster\", source: \"tiles\" }],\n  },\n});"})
	}
	return list
}

// tile is the end of a path to a tile of a map: zoom, column and row.
var tile = regexp.MustCompile(`/0/0/0(\.(?:png|jpg|jpeg|webp))$`)

// samples returns the sample path of the first of a key's products that has one, and, if one of them has a tile as its
// sample, the path of all tiles, with variables.
func samples(products []api.Product, ids []string) (path, tiles string) {
	for _, id := range ids {
		i := slices.IndexFunc(products, func(p api.Product) bool { return p.Id == id })
		if i < 0 {
			continue
		}
		all := []*string{products[i].SamplePath}
		for _, c := range products[i].Classes {
			all = append(all, c.SamplePath)
		}
		for _, sample := range all {
			if sample == nil {
				continue
			}
			if path == "" {
				path = *sample
			}
			if tiles == "" && tile.MatchString(*sample) {
				tiles = tile.ReplaceAllString(*sample, "/{z}/{x}/{y}$1")
			}
		}
	}
	return path, tiles
}

// firstTile is the URL of one tile.
func firstTile(url string) string {
	return strings.NewReplacer("{z}", "0", "{x}", "0", "{y}", "0").Replace(url)
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
