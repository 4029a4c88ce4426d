package main

import (
	"net/http"
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
	key := api.KeyWithSecret{Key: api.Key{Products: []string{"gone", "weather-sdk", "weather", "tides"}, Domains: []string{"*.example.com"}}}
	list := examples("https://p.example", weather(), key, secret)
	if !slices.Equal(titles(list), []string{"curl", "browser", "fetch", "img", "leaflet", "maplibre"}) {
		t.Fatalf("%+v", list)
	}
	if !strings.Contains(list[0].Code, "'https://p.example/weather/1/now/berlin.json?key="+secret+"' -H 'Origin: https://www.example.com'") {
		t.Errorf("curl: %s", list[0].Code)
	}
	if list[3].Code != `<img src="https://p.example/weather/1/radar/0/0/0.webp?key=`+secret+`" crossorigin alt="">` {
		t.Errorf("img: %s", list[3].Code)
	}
	if !strings.Contains(list[4].Code, "{ crossOrigin: true }") {
		t.Errorf("on a page with a strict Referrer-Policy nothing says where Leaflet's tiles are asked for from: %s", list[4].Code)
	}
	for _, e := range list[4:] {
		if !strings.Contains(e.Code, `"https://p.example/weather/1/radar/{z}/{x}/{y}.webp?key=`+secret+`"`) {
			t.Errorf("%s: %s", e.Title, e.Code)
		}
	}
	key.HeaderOnly = true
	for _, e := range examples("https://p.example", weather(), key, secret) {
		if strings.Contains(e.Code, "key="+secret) {
			t.Errorf("%s sends the secret where the key refuses it", e.Title)
		}
	}
	if got := examples("https://p.example", weather(), api.KeyWithSecret{Key: api.Key{Products: []string{"tides"}}}, secret); !slices.Equal(titles(got), []string{"curl", "browser", "fetch"}) {
		t.Errorf("what is no map is shown as %v", titles(got))
	}
	if got := examples("https://p.example", weather(), api.KeyWithSecret{Key: api.Key{Products: []string{"weather-sdk"}}}, secret); got != nil {
		t.Errorf("an SDK has no call: %v", got)
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
	r.app.catalog.until = time.Time{}
	r.api.on("GET /v1/products", func(w http.ResponseWriter, _ *http.Request, _ []byte) bool { problem(w, 500, "internal"); return true })
	made := r.post("/accounts/"+account+"/keys/new", create())
	if shown := text(made.doc); made.StatusCode != http.StatusOK || !strings.Contains(shown, secret) || strings.Contains(shown, "curl") {
		t.Errorf("%d: %s", made.StatusCode, shown)
	}
}
