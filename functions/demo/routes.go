package main

import (
	"net/http"
	"path"
)

// routes serves all of the demo's paths. It trusts the gate: every call that gets here is allowed.
func routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /map/1/tile/{layer}/{style}/{z}/{x}/{y}", serveTile)
	mux.HandleFunc("GET /search/2/search/{query}", serveSearch)
	mux.HandleFunc("GET /routing/1/calculateRoute/{points}/json", serveRoute)
	mux.HandleFunc("GET /traffic/4/flow/{point}/json", serveFlow)
	mux.HandleFunc("/", serveUnknown)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Expose-Headers", "ETag")
		// The mux would redirect a path with "//" or ".." to a clean one. The gate refuses such paths, so should one
		// arrive anyway, it must not be read as another.
		if r.URL.Path != path.Clean("/"+r.URL.Path) {
			serveUnknown(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func serveUnknown(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		write(w, problem{http.StatusMethodNotAllowed, "method_not_allowed", "this API is read with GET"})
		return
	}
	write(w, notFound("path_unknown", "no such resource"))
}
