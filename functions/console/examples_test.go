package main

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"latchkey/shared/api"
)

// weather is a catalogue that has nothing in common with the demo's.
func weather() []api.Product {
	return []api.Product{
		{Id: "weather-sdk", Name: "Weather SDK", Kind: api.Sdk, Classes: []api.ProductClass{{Id: "weather-sdk"}}},
		{
			Id: "weather", Name: "Weather API", Kind: api.Api, SamplePath: ptr("/weather/1/now/berlin.json"), DocsUrl: ptr("https://docs.example/weather"),
			Classes: []api.ProductClass{{Id: "weather"}, {Id: "weather.radar", SamplePath: ptr("/weather/1/radar/0/0/0.webp")}},
		},
		{Id: "tides", Name: "Tides API", Kind: api.Api, SamplePath: ptr("/tides/1/dover.json")},
	}
}

func TestExamplesFitTheKey(t *testing.T) {
	titles := func(list []example) (ids []string) {
		for _, e := range list {
			ids = append(ids, e.ID)
		}
		return ids
	}
	key := api.Key{Products: []string{"gone", "weather-sdk", "weather", "tides"}, Domains: []string{"*.example.com"}, MissingOrigin: api.Deny}
	of := func(key api.Key) []example {
		return caller{"https://p.example", key, secret, sampleOrigin(key.Domains), weather()}.examples()
	}
	list := of(key)
	if !slices.Equal(titles(list), []string{"curl", "browser", "fetch", "img", "leaflet", "maplibre"}) {
		t.Fatalf("%+v", list)
	}
	// A call of each product that has one, by name.
	for _, e := range list[:3] {
		if len(e.Blocks) != 2 || e.Blocks[0].Name != "Weather API" || e.Blocks[1].Name != "Tides API" || !strings.Contains(e.Blocks[1].Code, "https://p.example/tides/1/dover.json?key="+secret) {
			t.Errorf("%+v", e)
		}
	}
	if got := list[0].Blocks[0].Code; got != "curl -sS 'https://p.example/weather/1/now/berlin.json?key="+secret+"' -H 'Origin: https://www.example.com'" {
		t.Errorf("curl: %s", got)
	}
	if list[1].Note != "try.browser.refused" {
		t.Errorf("the address is refused when it is opened, and the note says %s", list[1].Note)
	}
	if got := list[3].Blocks[0].Code; got != `<img src="https://p.example/weather/1/radar/0/0/0.webp?key=`+secret+`" crossorigin alt="">` {
		t.Errorf("img: %s", got)
	}
	if got := list[4].Blocks[0].Code; !strings.Contains(got, "{ crossOrigin: true }") {
		t.Errorf("on a page with a strict Referrer-Policy nothing says where Leaflet's tiles are asked for from: %s", got)
	}
	for _, e := range list[4:] {
		code := e.Blocks[0].Code
		if !strings.Contains(code, `"https://p.example/weather/1/radar/{z}/{x}/{y}.webp?key=`+secret+`"`) {
			t.Errorf("%s: %s", e.Title, code)
		}
		if !strings.HasPrefix(code, "<!doctype html>") || !strings.HasSuffix(code, "</html>") || strings.Count(code, `integrity="sha384-`) != 2 {
			t.Errorf("%s is no whole page with a library that can't be exchanged: %s", e.Title, code)
		}
	}
	key.HeaderOnly = true
	list = of(key)
	if !slices.Equal(titles(list), []string{"curl", "fetch", "maplibre"}) {
		t.Errorf("in a header alone: %v", titles(list))
	}
	for _, e := range list {
		for _, b := range e.Blocks {
			if strings.Contains(b.Code, "key="+secret) || !strings.Contains(b.Code, secret) {
				t.Errorf("%s sends the secret where the key refuses it: %s", e.Title, b.Code)
			}
		}
	}
	if got := of(api.Key{Products: []string{"tides"}}); !slices.Equal(titles(got), []string{"curl", "browser", "fetch"}) || got[0].Blocks[0].Name != "" {
		t.Errorf("what is no map is shown as %+v", got)
	}
	if got := of(api.Key{Products: []string{"weather-sdk"}}); got != nil {
		t.Errorf("an SDK has no call: %v", got)
	}
}

// TestABackEndsKeyHasNoPage: who reads a page reads its secret. Its call from a program has the secret in a header, as the key may ask for, and
// says what the key is restricted to.
func TestABackEndsKeyHasNoPage(t *testing.T) {
	for header, want := range map[bool][]string{false: {"curl", "browser", "fetch"}, true: {"curl", "fetch"}} {
		key := api.Key{Usage: api.Backend, HeaderOnly: header, Products: []string{"map", "weather"}, Domains: []string{"shop.example"}, MissingOrigin: api.Deny}
		products := append(weather(), api.Product{Id: "map", Name: "Map", SamplePath: ptr("/map/0/0/0.png")})
		var ids []string
		list := caller{"https://p.example", key, secret, sampleOrigin(key.Domains), products}.examples()
		for _, e := range list {
			ids = append(ids, e.ID)
			for _, b := range e.Blocks {
				if strings.Contains(b.Code, "<") || strings.Contains(b.Code, "document.") {
					t.Errorf("%s is for a page: %s", e.ID, b.Code)
				}
			}
		}
		if !slices.Equal(ids, want) {
			t.Fatalf("in a header alone %v: %q, want %q", header, ids, want)
		}
		node := list[len(list)-1]
		sent := `", {
  headers: { "X-Api-Key": "` + secret + `", "Origin": "https://shop.example" },
});
`
		for i, want := range []string{
			"import { writeFile } from \"node:fs/promises\";\nconst response = await fetch(\"https://p.example/map/0/0/0.png" + sent + "if (response.ok) await writeFile(\"tile.png\", Buffer.from(await response.arrayBuffer()));\nelse console.log(await response.text());",
			"const response = await fetch(\"https://p.example/weather/1/now/berlin.json" + sent + "console.log(await response.text());",
		} {
			if got := node.Blocks[i].Code; got != want || node.Title != "Node.js" {
				t.Errorf("%s: %s\nwant %s", node.Title, got, want)
			}
		}
	}
}

// TestAnAppsKeyHasExamplesForItsPlatforms, which send what the key is restricted to; a key for apps alone has none for pages.
func TestAnAppsKeyHasExamplesForItsPlatforms(t *testing.T) {
	apps := []api.App{{Platform: "ios", BundleId: ptr("com.example.ios")}, {Platform: "android", Package: ptr("com.example.droid"), Sha1: ptr("AB:CD")}}
	for usage, want := range map[api.UsageKind][]string{api.Mobile: {"curl", "browser", "kotlin", "swift"}, api.Frontend: {"curl", "browser", "kotlin", "swift", "fetch", "img", "leaflet", "maplibre"}} {
		key := api.Key{Products: []string{"weather"}, Usage: usage, Apps: apps}
		var ids []string
		code := map[string]string{}
		for _, e := range (caller{"https://p.example", key, secret, "", weather()}).examples() {
			ids, code[e.ID] = append(ids, e.ID), e.Blocks[0].Code
			if e.ID == "browser" && e.Note != "try.browser.refused.apps" {
				t.Errorf("%s: an address that a browser opens names no app, and its note is %s", usage, e.Note)
			}
		}
		if !slices.Equal(ids, want) {
			t.Errorf("%s: %q", usage, ids)
		}
		for id, parts := range map[string][]string{
			"curl":   {"-H 'X-Ios-Bundle-Identifier: com.example.ios'"},
			"kotlin": {`setRequestProperty("X-Api-Key", "` + secret + `")`, `"X-Android-Package", "com.example.droid"`, `"X-Android-Cert", "AB:CD"`, `URL("https://p.example/weather/1/now/berlin.json")`},
			"swift":  {`setValue("` + secret + `", forHTTPHeaderField: "X-Api-Key")`, `setValue("com.example.ios", forHTTPHeaderField: "X-Ios-Bundle-Identifier")`},
		} {
			for _, part := range parts {
				if !strings.Contains(code[id], part) {
					t.Errorf("%s of %s lacks %s: %s", id, usage, part, code[id])
				}
			}
		}
		if strings.Contains(code["swift"], "droid") || strings.Contains(code["kotlin"], "com.example.ios") {
			t.Errorf("an app says that it is another: %s %s", code["swift"], code["kotlin"])
		}
	}
}

// TestCurlSavesATile: what is no text goes into a file of its kind, and a refusal doesn't.
func TestCurlSavesATile(t *testing.T) {
	for path, want := range map[string]string{
		"/map/0/0/0.png":   "curl -sS -f -o tile.png 'https://p.example/map/0/0/0.png?key=K'",
		"/radar/0.webp":    "curl -sS -f -o tile.webp 'https://p.example/radar/0.webp?key=K'",
		"/search/a.json":   "curl -sS 'https://p.example/search/a.json?key=K'",
		"/search/a?q=.png": "curl -sS 'https://p.example/search/a?q=.png&key=K'",
	} {
		if got := (caller{base: "https://p.example", secret: "K"}).curl(path); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestAKeysPageHasExamplesToPaste at any time, with a placeholder where the secret goes.
func TestAKeysPageHasExamplesToPaste(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.api.products, r.api.key.Products, r.api.key.Domains = weather(), []string{"weather", "tides"}, []string{"shop.example"}
	r.signIn("owner")
	shown := text(r.get("/accounts/" + account + "/keys/" + keyID).doc)
	for _, want := range []string{
		"curl -sS 'https://products.example/weather/1/now/berlin.json?key=" + placeholder + "' -H 'Origin: https://shop.example'",
		"https://products.example/tides/1/dover.json?key=" + placeholder, "L.tileLayer(\"https://products.example/weather/1/radar/{z}/{x}/{y}.webp?key=" + placeholder,
		"Replace " + placeholder + " with your API key",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("no %s in %s", want, shown)
		}
	}
}

func TestThePageAfterCreateShowsACallOfTheCatalogue(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.api.products, r.api.key.Products = weather(), []string{"weather"}
	r.signIn("owner")
	made := text(r.post("/accounts/"+account+"/keys/new", create()).doc)
	if !strings.Contains(made, "/weather/1/now/berlin.json?key="+secret) || !strings.Contains(made, "Leaflet") {
		t.Errorf("the page after create shows no call to try: %s", made)
	}
	docs := ""
	elements(r.get("/accounts/"+account+"/keys/"+keyID).doc, func(n *html.Node) {
		if text(n) == "Weather API" && n.Data == "a" {
			docs = attr(n, "href")
		}
	})
	if docs != "https://docs.example/weather" {
		t.Errorf("the product of the key leads to %q", docs)
	}
}

func TestASecretIsShownThoughTheCatalogueCannotBeRead(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	r.app.catalog.products.until = time.Time{}
	r.api.on("GET /v1/products", func(w http.ResponseWriter, _ *http.Request, _ []byte) bool { problem(w, 500, "internal"); return true })
	made := r.post("/accounts/"+account+"/keys/new", create())
	if shown := text(made.doc); made.StatusCode != http.StatusOK || !strings.Contains(shown, secret) || strings.Contains(shown, "curl") {
		t.Errorf("%d: %s", made.StatusCode, shown)
	}
}

// TestEachTabOfExamplesShowsItsPanel: panels are hidden but for those that the style sheet names with their tabs.
func TestEachTabOfExamplesShowsItsPanel(t *testing.T) {
	style, err := os.ReadFile("assets/app.css")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, usage := range []api.UsageKind{api.Frontend, api.Backend, api.Mobile} {
		for _, headerOnly := range []bool{false, true} {
			key := api.Key{Usage: usage, HeaderOnly: headerOnly, Products: []string{"weather"}, Apps: []api.App{{Platform: "ios", BundleId: ptr("com.example.App")}}}
			for _, e := range (caller{"https://p.example", key, secret, "", weather()}).examples() {
				seen[e.ID] = true
			}
		}
	}
	for id := range seen {
		if !strings.Contains(string(style), ".try:has(#try-"+id+":checked) #panel-"+id) {
			t.Errorf("nothing shows the example %s", id)
		}
	}
	if len(seen) < 8 {
		t.Errorf("only %v", seen)
	}
}

// TestAnExampleShowsWhatTheCallAnswers: an image is saved or drawn, everything else is printed. A number of HTTP is neither.
func TestAnExampleShowsWhatTheCallAnswers(t *testing.T) {
	products := []api.Product{{Id: "map-display", Name: "Map", SamplePath: ptr("/map/0/0/0.png")}, {Id: "search", Name: "Search", SamplePath: ptr("/search/berlin.json?limit=1")}}
	shows := map[string][2]string{
		"curl": {"-o tile.png", "curl -sS"}, "fetch": {"document.body.append(", "console.log(await response.text())"},
		"kotlin": {"decodeStream(connection.inputStream)", "inputStream.bufferedReader().readText()"}, "swift": {"UIImage(data: data)", "String(decoding: data, as: UTF8.self)"},
	}
	for _, usage := range []api.UsageKind{api.Frontend, api.Mobile} {
		for _, header := range []bool{false, true} {
			key := api.Key{Usage: usage, HeaderOnly: header, Products: []string{"map-display", "search"}}
			for _, e := range (caller{"https://p.example", key, placeholder, "", products}).examples() {
				want, ok := shows[e.ID]
				if !ok {
					continue
				}
				for i, b := range e.Blocks {
					if !strings.Contains(b.Code, want[i]) || strings.Contains(b.Code, "responseCode)") || strings.Contains(b.Code, "print((response") || e.ID == "kotlin" && !strings.Contains(b.Code, "error(connection.errorStream") || e.ID == "swift" && !strings.Contains(b.Code, "statusCode == 200 else") || strings.HasSuffix(b.Code, "console.log(response.status);") {
						t.Errorf("%s, %s: %s", usage, e.ID, b.Code)
					}
				}
			}
		}
	}
}
