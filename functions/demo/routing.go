package main

import (
	"math"
	"net/http"
	"strconv"
	"strings"
)

// place is a point on Earth in decimal degrees, WGS 84.
type place struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

const (
	earthRadius = 6371008.8  // metres, the mean radius
	cruise      = 90.0 / 3.6 // metres a second
)

type routeAnswer struct {
	Routes []route `json:"routes"`
}

type route struct {
	Method  string `json:"method"` // the demo knows no roads, and says so
	Summary struct {
		LengthInMeters      int `json:"lengthInMeters"`
		TravelTimeInSeconds int `json:"travelTimeInSeconds"`
	} `json:"summary"`
	Points []place `json:"points"`
}

// serveRoute answers with the great circle between two places, at 90 km/h.
func serveRoute(w http.ResponseWriter, r *http.Request) {
	from, to, ok := parseRoute(r.PathValue("points"))
	if !ok {
		write(w, badValue("points_malformed", "give two places as lat,lon:lat,lon in decimal degrees"))
		return
	}
	metres := distance(from, to)
	one := route{Method: "great-circle", Points: []place{from, to}}
	one.Summary.LengthInMeters = int(math.Round(metres))
	one.Summary.TravelTimeInSeconds = int(math.Round(metres / cruise))
	writeJSON(w, routeAnswer{[]route{one}})
}

// parseRoute reads "52.37,4.90:48.86,2.35".
func parseRoute(s string) (from, to place, ok bool) {
	a, b, found := strings.Cut(s, ":")
	if !found {
		return place{}, place{}, false
	}
	from, okFrom := parsePlace(a)
	to, okTo := parsePlace(b)
	return from, to, okFrom && okTo
}

// parsePlace reads "52.37,4.90": latitude -90 to 90, longitude -180 to 180.
func parsePlace(s string) (place, bool) {
	a, b, found := strings.Cut(s, ",")
	lat, okLat := degrees(a, 90)
	lon, okLon := degrees(b, 180)
	return place{lat, lon}, found && okLat && okLon
}

// degrees reads a plain decimal number between -limit and limit. ParseFloat alone would take "0x1p3", "1e1" and "NaN".
func degrees(s string, limit float64) (float64, bool) {
	if s == "" || len(s) > 24 || strings.Trim(s, "-0123456789.") != "" {
		return 0, false
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && v >= -limit && v <= limit
}

// distance is the length of the great circle in metres, by the haversine formula.
func distance(a, b place) float64 {
	const degree = math.Pi / 180
	half := func(d float64) float64 { s := math.Sin(d * degree / 2); return s * s }
	h := half(b.Lat-a.Lat) + math.Cos(a.Lat*degree)*math.Cos(b.Lat*degree)*half(b.Lon-a.Lon)
	return 2 * earthRadius * math.Asin(math.Sqrt(min(1, h)))
}
