package main

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"latchkey/shared/api"
)

// placeholder stands in examples where the secret goes.
const placeholder = "YOUR_API_KEY"

// example is one way to try a key, with a block for each call or page that it has.
type example struct {
	ID, Title, Note string
	Blocks          []block
}

// block is something to copy. Name is the product that it calls; empty where the example has one block.
type block struct{ ID, Name, Code string }

// caller makes the examples of a key.
type caller struct {
	base     string // of the products
	key      api.Key
	secret   string // or the placeholder
	origin   string // of the customer's page; "" if calls need not name one
	products []api.Product
}

// examples are made for what the key may do: its products, its domains, and where it takes the secret. There are none
// where the catalogue has no sample path for the key: it is for SDKs only, or the catalogue couldn't be read.
func (c caller) examples() (list []example) {
	calls, tiles := samples(c.products, c.key.Products)
	if len(calls) == 0 {
		return nil
	}
	list = append(list, c.example("curl", "curl", calls, c.curl))
	if !c.key.HeaderOnly {
		one := c.example("browser", "try.browser", calls, func(path string) string { return withKey(c.base+path, c.secret) })
		switch one.Note = "try.browser.history"; {
		case len(c.key.Apps) > 0:
			one.Note = "try.browser.refused.apps"
		case len(c.key.Domains) > 0 && c.key.MissingOrigin == api.Deny:
			one.Note = "try.browser.refused"
		}
		list = append(list, one)
	}
	if c.apps() {
		list = append(list, c.example("kotlin", "Android", oneImage(calls), c.kotlin), c.example("swift", "iOS", oneImage(calls), c.swift))
	}
	switch c.key.Usage {
	case api.Mobile:
		return list
	case api.Backend: // no page: it would publish the secret
		return append(list, c.example("fetch", "Node.js", oneImage(calls), c.node))
	case api.Frontend:
	}
	list = append(list, c.example("fetch", "fetch", oneImage(calls), c.fetch))
	if tiles == "" {
		return list
	}
	if c.key.HeaderOnly { // of the two libraries one can send it
		return append(list, example{ID: "maplibre", Title: "MapLibre", Note: "try.page", Blocks: []block{{ID: "maplibre", Code: mapLibrePage(c.base+tiles, c.base, c.secret)}}})
	}
	url := withKey(c.base+tiles, c.secret)
	return append(list,
		// An image sends no Origin unless it is asked for with CORS, and no Referer where its page's policy is strict: the gate
		// would see a call that names no page. MapLibre asks with CORS by itself.
		example{ID: "img", Title: "img", Blocks: []block{{ID: "img", Code: `<img src="` + firstTile(url) + `" crossorigin alt="">`}}},
		example{ID: "leaflet", Title: "Leaflet", Note: "try.page", Blocks: []block{{ID: "leaflet", Code: leafletPage(url)}}},
		example{ID: "maplibre", Title: "MapLibre", Note: "try.page", Blocks: []block{{ID: "maplibre", Code: mapLibrePage(url, "", "")}}},
	)
}

// example has a block for each call.
func (c caller) example(id, title string, calls []sample, code func(path string) string) example {
	one := example{ID: id, Title: title}
	for i, call := range calls {
		b := block{ID: id, Code: code(call.path)}
		if len(calls) > 1 {
			b.Name = call.product
		}
		if i > 0 {
			b.ID += "-" + call.id
		}
		one.Blocks = append(one.Blocks, b)
	}
	return one
}

// curl saves what is an image, and prints everything else.
func (c caller) curl(call string) string {
	command := "curl -sS"
	if ext := pictureOf(call); ext != "" {
		command += " -f -o tile" + ext
	}
	if c.key.HeaderOnly {
		command += " '" + c.base + call + "' -H 'X-Api-Key: " + c.secret + "'"
	} else {
		command += " '" + withKey(c.base+call, c.secret) + "'"
	}
	if c.origin != "" {
		command += " -H 'Origin: " + c.origin + "'"
	}
	for _, h := range c.appHeaders("") {
		command += " -H '" + h.name + ": " + h.value + "'"
	}
	return command
}

// pictureOf is the end of the name of the image that a call answers, "" if it answers none.
func pictureOf(call string) string {
	file, _, _ := strings.Cut(call, "?")
	return picture.FindString(path.Ext(file))
}

func isPicture(call string) bool { return pictureOf(call) != "" }

// fetch draws what is an image, and prints everything else: a refusal too.
func (c caller) fetch(call string) string {
	code := "const response = await fetch(\"" + withKey(c.base+call, c.secret) + "\");\n"
	if c.key.HeaderOnly {
		code = "const response = await fetch(\"" + c.base + call + "\", {\n  headers: { \"X-Api-Key\": \"" + c.secret + "\" },\n});\n"
	}
	if !isPicture(call) {
		return code + "console.log(await response.text());"
	}
	return code + `if (response.ok) document.body.append(Object.assign(new Image(), { src: URL.createObjectURL(await response.blob()) }));
else console.log(await response.text());`
}

// node saves what is an image, and prints everything else. The secret is in a header: an address would stay in logs on the way.
func (c caller) node(call string) string {
	code := "const response = await fetch(\"" + c.base + call + "\", {\n  headers: {"
	for i, h := range c.sent("") {
		if i > 0 {
			code += ","
		}
		code += " \"" + h.name + "\": \"" + h.value + "\""
	}
	code += " },\n});\n"
	ext := pictureOf(call)
	if ext == "" {
		return code + "console.log(await response.text());"
	}
	return "import { writeFile } from \"node:fs/promises\";\n" + code + `if (response.ok) await writeFile("tile` + ext + `", Buffer.from(await response.arrayBuffer()));
else console.log(await response.text());`
}

// oneImage leaves out of calls those for a further image: code draws one as it draws another.
func oneImage(calls []sample) []sample {
	one := false
	return slices.DeleteFunc(slices.Clone(calls), func(c sample) bool {
		again := one && isPicture(c.path)
		one = one || isPicture(c.path)
		return again
	})
}

// The libraries of the pages, as their projects publish them. A browser refuses another file than the one that the hash is of.
const (
	leafletURL   = "https://unpkg.com/leaflet@1.9.4/dist/leaflet"
	leafletJS    = "sha384-cxOPjt7s7Iz04uaHJceBmS+qpjv2JkIHNVcuOrM+YHwZOmJGBXI00mdUXEq65HTH"
	leafletCSS   = "sha384-sHL9NAb7lN7rfvG5lfHpm643Xkcjzp4jFvuavGOndn6pjVqS6ny56CAt3nsEVT4H"
	mapLibreURL  = "https://unpkg.com/maplibre-gl@5.6.0/dist/maplibre-gl"
	mapLibreJS   = "sha384-GfxBM9x46BaAFxtCq39Fxir8fNZ4VDnwgfi6Kzi5/F1tAFsm0amuuV8kd+Pxzuf/"
	mapLibreCSS  = "sha384-Nq6PQ+9vJPvw7U/VfDELyrWoGQMsy0gi6QShhaSrGzkpF5KkM40csg2leky+YMTd"
	mapPageStart = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Map</title>
`
)

func mapPage(url, css, js, script string) string {
	return mapPageStart + `<link rel="stylesheet" href="` + url + `.css" integrity="` + css + `" crossorigin>
<script src="` + url + `.js" integrity="` + js + `" crossorigin></script>
<style>html, body, #map { height: 100%; margin: 0; }</style>
</head>
<body>
<div id="map"></div>
<script>
` + script + `
</script>
</body>
</html>`
}

func leafletPage(tiles string) string {
	return mapPage(leafletURL, leafletCSS, leafletJS, `const map = L.map("map").setView([0, 0], 2);
L.tileLayer("`+tiles+`", { crossOrigin: true }).addTo(map);`)
}

// mapLibrePage sends the secret in the header to what begins with base, if one is given.
func mapLibrePage(tiles, base, secret string) string {
	header := ""
	if base != "" {
		header = `
  transformRequest: (url) => url.startsWith("` + base + `/") ? { url, headers: { "X-Api-Key": "` + secret + `" } } : { url },`
	}
	return mapPage(mapLibreURL, mapLibreCSS, mapLibreJS, `new maplibregl.Map({
  container: "map",
  zoom: 1,`+header+`
  style: {
    version: 8,
    sources: {
      tiles: { type: "raster", tileSize: 256, tiles: ["`+tiles+`"] },
    },
    layers: [{ id: "tiles", type: "raster", source: "tiles" }],
  },
});`)
}

// tile is the end of a path to a tile of a map: zoom, column and row. picture is the end of a path to an image.
var (
	tile    = regexp.MustCompile(`/0/0/0(\.(?:png|jpg|jpeg|webp))$`)
	picture = regexp.MustCompile(`^\.(?:png|jpg|jpeg|webp)$`)
)

// sample is a call of a product.
type sample struct{ id, product, path string }

// samples returns a sample of each of a key's products that has one and, if one of them has a tile as its sample, the path of
// all tiles, with variables.
func samples(products []api.Product, ids []string) (calls []sample, tiles string) {
	for _, id := range ids {
		i := slices.IndexFunc(products, func(p api.Product) bool { return p.Id == id })
		if i < 0 {
			continue
		}
		all := []*string{products[i].SamplePath}
		for _, c := range products[i].Classes {
			all = append(all, c.SamplePath)
		}
		found := false
		for _, path := range all {
			if path == nil {
				continue
			}
			if !found {
				calls, found = append(calls, sample{id, products[i].Name, *path}), true
			}
			if tiles == "" && tile.MatchString(*path) {
				tiles = tile.ReplaceAllString(*path, "/{z}/{x}/{y}$1")
			}
		}
	}
	return calls, tiles
}

// firstTile is the URL of one tile.
func firstTile(url string) string {
	return strings.NewReplacer("{z}", "0", "{x}", "0", "{y}", "0").Replace(url)
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
	return scheme + "://" + strings.TrimSuffix(host, ":*")
}
