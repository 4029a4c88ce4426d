package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image/png"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"latchkey/shared/product"
)

func TestBadRequestsGetProblems(t *testing.T) {
	for target, want := range map[string]struct {
		status int
		code   string
	}{
		"/map/1/tile/basic/main/9/0/0.png":                       {400, "tile_out_of_range"},
		"/map/1/tile/basic/main/0/1/0.png":                       {400, "tile_out_of_range"},
		"/map/1/tile/basic/main/8/0/256.png":                     {400, "tile_out_of_range"},
		"/map/1/tile/basic/main/1/999999999/0.png":               {400, "tile_out_of_range"},
		"/map/1/tile/basic/main/-1/0/0.png":                      {400, "tile_malformed"},
		"/map/1/tile/basic/main/1/0x1/0.png":                     {400, "tile_malformed"},
		"/map/1/tile/basic/main/01/0/0.png":                      {400, "tile_malformed"},
		"/map/1/tile/basic/main/1/1.0/0.png":                     {400, "tile_malformed"},
		"/map/1/tile/basic/main/1/0/.png":                        {400, "tile_malformed"},
		"/map/1/tile/basic/main/1/99999999999999999999/0.png":    {400, "tile_malformed"},
		"/map/1/tile/basic/main/0/0/0.jpg":                       {404, "format_unknown"},
		"/map/1/tile/labels/main/0/0/0.png":                      {404, "layer_unknown"},
		"/map/1/tile/basic/dark/0/0/0.png":                       {404, "style_unknown"},
		"/map/1/tile/basic/main/0/0":                             {404, "path_unknown"},
		"/map/2/tile/basic/main/0/0/0.png":                       {404, "path_unknown"},
		"/map//1/tile/basic/main/0/0/0.png":                      {404, "path_unknown"},
		"/map/../search/2/search/a.json":                         {404, "path_unknown"},
		"/map/%2e%2e/search/2/search/a.json":                     {404, "path_unknown"},
		"/":                                                      {404, "path_unknown"},
		"/search/2/search/a.xml":                                 {404, "format_unknown"},
		"/search/2/search/.json":                                 {400, "query_malformed"},
		"/search/2/search/%20.json":                              {400, "query_malformed"},
		"/search/2/search/%ff.json":                              {400, "query_malformed"},
		"/search/2/search/" + strings.Repeat("a", 101) + ".json": {400, "query_malformed"},
		"/search/2/search/a.json?limit=0":                        {400, "limit_malformed"},
		"/search/2/search/a.json?limit=101":                      {400, "limit_malformed"},
		"/search/2/search/a.json?limit=x":                        {400, "limit_malformed"},
		"/search/2/search/a.json?limit=1&limit=2":                {400, "limit_malformed"},
		"/routing/1/calculateRoute/52,4/json":                    {400, "points_malformed"},
		"/routing/1/calculateRoute/52,4:91,0/json":               {400, "points_malformed"},
		"/routing/1/calculateRoute/52,4:0,181/json":              {400, "points_malformed"},
		"/routing/1/calculateRoute/NaN,4:0,0/json":               {400, "points_malformed"},
		"/routing/1/calculateRoute/1e1,4:0,0/json":               {400, "points_malformed"},
		"/routing/1/calculateRoute/1,4:0,0,0/json":               {400, "points_malformed"},
		"/routing/1/calculateRoute/1,4:0,0/xml":                  {404, "path_unknown"},
		"/traffic/4/flow/x/json":                                 {400, "point_malformed"},
		"/traffic/4/flow":                                        {404, "path_unknown"},
	} {
		w := get(t, target)
		var body struct {
			Type, Title, Code, Error string
			Status                   int
		}
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Errorf("%s: %v: %s", target, err, w.Body)
			continue
		}
		if w.Code != want.status || body.Status != want.status || body.Code != want.code {
			t.Errorf("%s: status %d, body %d %q, want %d %q", target, w.Code, body.Status, body.Code, want.status, want.code)
		}
		if body.Type != "about:blank" || body.Title == "" || body.Error == "" || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: not a problem document: %s", target, w.Body)
		}
	}
}

func TestOtherMethodsAreRefused(t *testing.T) {
	w := httptest.NewRecorder()
	routes().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/map/1/tile/basic/main/0/0/0.png", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("status %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

func TestSearchFindsCitiesAsPeopleTypeThem(t *testing.T) {
	for query, want := range map[string]string{
		"amster":           "Amsterdam",
		"AMSTERDAM":        "Amsterdam",
		"sao%20paulo":      "São Paulo",
		"S%C3%A3o":         "São Paulo",
		"Sa%CC%83o%20Pau":  "São Paulo", // a combining tilde
		"zurich":           "Zürich",
		"lodz":             "Łódź",
		"tromso":           "Tromsø",
		"janeiro":          "Rio de Janeiro",
		"izmir":            "İzmir",
		"cluj%20napoca":    "Cluj-Napoca",
		"york":             "New York",
		"New%20%20York%20": "New York",
	} {
		var body searchAnswer
		if err := json.Unmarshal(get(t, "/search/2/search/"+query+".json").Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
		if len(body.Results) == 0 || body.Results[0].Address.Municipality != want {
			t.Errorf("%s: %+v, want %s first", query, body.Results, want)
		}
	}
}

func TestSearchObeysItsLimitAndCountsAll(t *testing.T) {
	var body searchAnswer
	if err := json.Unmarshal(get(t, "/search/2/search/an.json?limit=3").Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	if len(body.Results) != 3 || body.Summary.NumResults != 3 || body.Summary.TotalResults <= 10 {
		t.Errorf("%+v", body.Summary)
	}
	w := get(t, "/search/2/search/xyzzy.json")
	if !strings.Contains(w.Body.String(), `"results":[]`) {
		t.Errorf("nothing found must be an empty list: %s", w.Body)
	}
}

func TestEveryCityLiesOnOrNearLand(t *testing.T) {
	if n := len(cities()); n < 200 {
		t.Errorf("only %d cities", n)
	}
	for _, c := range cities() {
		id, x, y := pixelAt(c.at, 5)
		img, near := paint(id), false
		for dy := -4; dy <= 4; dy++ {
			for dx := -4; dx <= 4; dx++ {
				near = near || img.AlphaAt(x+dx, y+dy).A > 0
			}
		}
		if !near {
			t.Errorf("%s at %v is in the sea", c.name, c.at)
		}
	}
}

func TestRouteIsTheGreatCircle(t *testing.T) {
	var body routeAnswer
	if err := json.Unmarshal(get(t, "/routing/1/calculateRoute/52.37,4.90:48.86,2.35/json").Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	got := body.Routes[0].Summary
	if got.LengthInMeters < 428_000 || got.LengthInMeters > 432_000 { // Amsterdam to Paris is 430 km
		t.Errorf("%d m", got.LengthInMeters)
	}
	if want := float64(got.LengthInMeters) / 25; math.Abs(float64(got.TravelTimeInSeconds)-want) > 1 {
		t.Errorf("%d s for %d m", got.TravelTimeInSeconds, got.LengthInMeters)
	}
	for name, pair := range map[string][2]place{
		"same place":              {{10, 20}, {10, 20}},
		"opposite":                {{90, 0}, {-90, 0}},
		"across the antimeridian": {{0, 179}, {0, -179}},
		"opposite on the equator": {{0, 0}, {0, 180}},
	} {
		d, back := distance(pair[0], pair[1]), distance(pair[1], pair[0])
		if math.IsNaN(d) || d != back || d > 20_015_200 {
			t.Errorf("%s: %f and %f", name, d, back)
		}
	}
	if d := distance(place{0, 179}, place{0, -179}); math.Abs(d-222_390) > 100 {
		t.Errorf("two degrees of the equator: %f m", d)
	}
}

func TestTrafficIsMarkedAsSynthetic(t *testing.T) {
	first, second := get(t, "/traffic/4/flow/52.37,4.90/json"), get(t, "/traffic/4/flow/52.37,4.90/json")
	if first.Body.String() != second.Body.String() {
		t.Error("the same place flows differently")
	}
	var body flowAnswer
	if err := json.Unmarshal(first.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	if !body.Synthetic || body.CurrentSpeed <= 0 || body.CurrentSpeed > body.FreeFlowSpeed {
		t.Errorf("%+v", body)
	}
}

// As API Gateway delivers it: the picture must come back as base64, or its bytes are lost on the way.
func TestTileSurvivesTheGatewayEvent(t *testing.T) {
	answer, err := httpadapter.New(routes()).ProxyWithContext(t.Context(), events.APIGatewayProxyRequest{
		HTTPMethod:                      "GET",
		Path:                            "/map/1/tile/basic/main/0/0/0.png",
		MultiValueQueryStringParameters: map[string][]string{"view": {"Unified"}},
		RequestContext:                  events.APIGatewayProxyRequestContext{Path: "/prod/map/1/tile/basic/main/0/0/0.png", Stage: "prod"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK || !answer.IsBase64Encoded {
		t.Fatalf("status %d, base64 %v", answer.StatusCode, answer.IsBase64Encoded)
	}
	raw, err := base64.StdEncoding.DecodeString(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(bytes.NewReader(raw)); err != nil {
		t.Error(err)
	}
	// An accent arrives decoded in the event's path.
	answer, err = httpadapter.New(routes()).ProxyWithContext(t.Context(), events.APIGatewayProxyRequest{
		HTTPMethod: "GET", Path: "/search/2/search/são paulo.json",
	})
	if err != nil || answer.StatusCode != http.StatusOK || answer.IsBase64Encoded {
		t.Errorf("%v: %+v", err, answer)
	}
}

// TestTheDemoAnswersTheSamplesOfItsProducts: the console shows them with a new key.
func TestTheDemoAnswersTheSamplesOfItsProducts(t *testing.T) {
	for _, id := range []product.ID{"map-display", "search", "routing", "traffic"} {
		p, ok := product.Default().Product(id)
		if !ok {
			continue // a catalogue of somebody else
		}
		if w := get(t, p.SamplePath); w.Code != http.StatusOK {
			t.Errorf("%s: %s is answered with %d %s", id, p.SamplePath, w.Code, w.Body)
		}
	}
}

func FuzzParseRoute(f *testing.F) {
	f.Add("52.37,4.90:48.86,2.35")
	f.Add("-90,-180:90,180")
	f.Add("Inf,0:0x1p3,1e9")
	f.Add("..,--:1,2")
	f.Fuzz(func(t *testing.T, s string) {
		from, to, ok := parseRoute(s)
		if !ok {
			return
		}
		for _, p := range []place{from, to} {
			if !(p.Lat >= -90 && p.Lat <= 90 && p.Lon >= -180 && p.Lon <= 180) {
				t.Errorf("%q was read as %v", s, p)
			}
		}
		if d := distance(from, to); !(d >= 0 && d <= 20_015_200) {
			t.Errorf("%q: distance %f", s, d)
		}
	})
}

func FuzzAnyPathIsAnswered(f *testing.F) {
	f.Add("/map/1/tile/basic/main/0/0/0.png")
	f.Add("/search/2/search/é.json")
	f.Add("/traffic/4/flow/1,2/json")
	f.Add("//..//")
	f.Fuzz(func(t *testing.T, path string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path = path
		w := httptest.NewRecorder()
		routes().ServeHTTP(w, r)
		if w.Code != http.StatusOK && w.Code != http.StatusBadRequest && w.Code != http.StatusNotFound {
			t.Errorf("%q: status %d", path, w.Code)
		}
	})
}
