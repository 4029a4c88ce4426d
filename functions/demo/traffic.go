package main

import (
	"hash/fnv"
	"math"
	"net/http"
)

type flowAnswer struct {
	Synthetic     bool  `json:"synthetic"` // always true: the numbers are made up, though always the same for a place
	Point         place `json:"point"`
	CurrentSpeed  int   `json:"currentSpeed"`  // km/h
	FreeFlowSpeed int   `json:"freeFlowSpeed"` // km/h
}

// serveFlow answers with the flow of traffic near a place, made up.
func serveFlow(w http.ResponseWriter, r *http.Request) {
	at, ok := parsePlace(r.PathValue("point"))
	if !ok {
		write(w, badValue("point_malformed", "give a place as lat,lon in decimal degrees"))
		return
	}
	writeJSON(w, flow(at))
}

// flow makes up speeds from the place, rounded to a hundredth of a degree (about 1 km).
func flow(at place) flowAnswer {
	hash := fnv.New32a()
	for _, v := range []float64{at.Lat, at.Lon} {
		n := uint32(int32(math.Round(v * 100)))
		hash.Write([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)})
	}
	sum := hash.Sum32()
	free := 30 + int(sum%10)*10
	return flowAnswer{Synthetic: true, Point: at, FreeFlowSpeed: free, CurrentSpeed: free * (40 + int(sum>>8%61)) / 100}
}
