package main

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// resent is a field of a form that can't be taken yet, to be sent again.
type resent struct{ Name, Value string }

// formPage is the page to come back to: this one, or the one that a form was on.
func (v *visit) formPage() string {
	if v.r.Method == http.MethodGet || v.r.Method == http.MethodHead {
		return ownAddress(v.r.URL)
	}
	own := "/"
	if _, pattern := v.app.mux.Handler(getting(v.r.URL.Path)); pattern != "" {
		own = ownAddress(&url.URL{Path: v.r.URL.Path})
	}
	if own != "/" && v.r.Header.Get("Latchkey-Form") != "" {
		return own // a dialog's page is behind another
	}
	from, err := url.Parse(v.r.Header.Get("Referer"))
	if err != nil || from.Host != v.r.Host {
		return own
	}
	below, ok := strings.CutPrefix(from.Path, v.base)
	if !ok {
		return own
	}
	if _, pattern := v.app.mux.Handler(getting(below)); pattern == "" {
		return own
	}
	return ownAddress(&url.URL{Path: below, RawQuery: from.RawQuery})
}

// getting is a request for a page, to find its route by.
func getting(path string) *http.Request {
	return &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}}
}

// secretive reports whether a form is for a secret or a token, which no other page repeats.
func (v *visit) secretive() bool {
	return strings.HasSuffix(v.r.URL.Path, "/try") || v.r.URL.Path == invitationPage
}

// typed returns the fields of the form, as they were sent, less those with a secret pasted into them.
func (v *visit) typed() (list []resent) {
	if v.r.Method != http.MethodPost || v.secretive() {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(v.r.PostForm)) {
		for _, value := range v.r.PostForm[name] {
			if secretIn(value) == "" {
				list = append(list, resent{name, value})
			}
		}
	}
	return list
}
