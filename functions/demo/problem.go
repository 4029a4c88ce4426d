package main

import (
	"encoding/json"
	"net/http"
)

// problem says why a request isn't answered. It is a value, not an error: nothing broke.
type problem struct {
	status int
	code   string // stable, for programs
	text   string // short, for people
}

func notFound(code, text string) problem { return problem{http.StatusNotFound, code, text} }
func badValue(code, text string) problem { return problem{http.StatusBadRequest, code, text} }

// write answers with the problem body that the whole of Latchkey uses.
func write(w http.ResponseWriter, p problem) {
	answer(w, p.status, "application/problem+json", struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Code   string `json:"code"`
		Error  string `json:"error"`
	}{"about:blank", http.StatusText(p.status), p.status, p.code, p.text})
}

func writeJSON(w http.ResponseWriter, body any) {
	answer(w, http.StatusOK, "application/json", body)
}

func answer(w http.ResponseWriter, status int, contentType string, body any) {
	b, err := json.Marshal(body)
	if err != nil { // only types of this package come here, and all of them can be encoded
		panic(err)
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // the reader may have gone
}
