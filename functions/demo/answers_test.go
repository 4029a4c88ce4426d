package main

import (
	"net/http"
	"strings"
	"testing"
)

// TestAnswersSayEachFactUnderItsOwnName: where latitude, longitude, names and codes all differ, none can stand in another's place.
func TestAnswersSayEachFactUnderItsOwnName(t *testing.T) {
	for target, want := range map[string]string{
		"/search/2/search/amster.json":                             `{"summary":{"query":"amster","numResults":1,"totalResults":1},"results":[{"type":"Geography","address":{"municipality":"Amsterdam","country":"Netherlands","countryCode":"NL"},"position":{"lat":52.37,"lon":4.9}}]}`,
		"/routing/1/calculateRoute/52.37,4.90:-48.86,-102.35/json": `{"routes":[{"method":"great-circle","summary":{"lengthInMeters":15087900,"travelTimeInSeconds":603516},"points":[{"lat":52.37,"lon":4.9},{"lat":-48.86,"lon":-102.35}]}]}`,
		"/traffic/4/flow/52.37,4.90/json":                          `{"synthetic":true,"point":{"lat":52.37,"lon":4.9},"currentSpeed":68,"freeFlowSpeed":80}`,
	} {
		w := get(t, target)
		if got := strings.TrimSpace(w.Body.String()); got != want || w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s:\n     %s\nwant %s", target, got, want)
		}
	}
}

// TestBoundsOfTheDemo, on both of their sides and at both of their ends.
func TestBoundsOfTheDemo(t *testing.T) {
	for target, status := range map[string]int{
		"/routing/1/calculateRoute/90,180:-90,-180/json":         200,
		"/routing/1/calculateRoute/0,0:-90.1,0/json":             400,
		"/routing/1/calculateRoute/0,0:90.1,0/json":              400,
		"/routing/1/calculateRoute/0,-180.1:0,0/json":            400,
		"/routing/1/calculateRoute/0,180.1:0,0/json":             400,
		"/routing/1/calculateRoute/0,:0,0/json":                  400,
		"/routing/1/calculateRoute/x,0:0,0/json":                 400,
		"/traffic/4/flow/-90,180/json":                           200,
		"/search/2/search/an.json?limit=1":                       200,
		"/search/2/search/an.json?limit=100":                     200,
		"/search/2/search/" + strings.Repeat("a", 100) + ".json": 200,
		"/search/2/search/" + strings.Repeat("a", 101) + ".json": 400,
		"/map/1/tile/basic/main/8/255/255.png":                   200,
		"/map/1/tile/basic/main/8/256/255.png":                   400,
		"/map/1/tile/basic/main/8/255/256.png":                   400,
	} {
		w := get(t, target)
		if w.Code != status {
			t.Errorf("%s: %d, want %d", target, w.Code, status)
		}
		if h := w.Header(); h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Expose-Headers") != "ETag" {
			t.Errorf("%s: %v", target, h)
		}
	}
}

// TestASearchRanksAndHasTenResultsUnlessAskedForOthers: names that begin so come before those of which a word does, and those before the rest.
func TestASearchRanksAndHasTenResultsUnlessAskedForOthers(t *testing.T) {
	var names []string
	for _, c := range search("pa") {
		names = append(names, c.name)
	}
	if got, want := strings.Join(names, ", "), `Panama City, Paris, La Paz, São Paulo, Kampala`; got != want {
		t.Errorf("pa:\n     %s\nwant %s", got, want)
	}
	if got := strings.Count(get(t, "/search/2/search/an.json").Body.String(), `"municipality"`); got != 10 {
		t.Errorf("%d results without a limit", got)
	}
}
