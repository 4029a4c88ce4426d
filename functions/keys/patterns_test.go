package main

import (
	"net/url"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/apikey"
)

// wide is a pattern that older rules took: domains of many owners stand under it.
const wide = "*.amazonaws.com"

// TestAStoredPatternStaysUntilItIsTakenOff: rules become stricter with each list of suffixes. A key that has such a
// pattern can be edited, with the list sent back as it was, and nobody can give it to another key.
func TestAStoredPatternStaysUntilItIsTakenOff(t *testing.T) {
	r := newHarness(t)
	other := "*.eu-west-1.amazonaws.com"
	k := r.NewKey(t, r.account, func(k *apikey.Key) {
		k.Domains = []string{wide, "example.com"}
		k.Proposed = &apikey.Proposal{Domains: &[]string{other}, Since: r.Source.Time()}
	})
	path := r.keys() + "/" + string(k.ID)
	call := func(status int, method, sub string, domains ...string) apitest.Answer {
		t.Helper()
		return r.Want(t, status, apitest.Call{As: "owner", Method: method, Path: path + sub, Body: map[string]any{"domains": domains}, Headers: map[string]string{"If-Match": "*"}})
	}
	allowed := func(page string) bool {
		t.Helper()
		doc := r.Want(t, 200, apitest.Call{As: "owner", Method: "POST", Path: path + "/test", Body: map[string]any{"origin": page}}).JSON(t)
		return doc["allowed"] == true
	}
	if !allowed("https://some-bucket.s3.amazonaws.com") {
		t.Error("a stored pattern no longer covers what it covered")
	}
	call(200, "PATCH", "", wide, "b.example")
	call(200, "PATCH", "", wide, "b.example", other) // which is proposed for it
	call(200, "PUT", "/proposal", wide, other, "c.example")
	call(422, "PATCH", "", wide, "*.windows.net")
	call(422, "PATCH", "", "https://*.amazonaws.com") // another pattern than the stored one
	call(422, "PUT", "/proposal", "*.windows.net")
	r.Want(t, 200, apitest.Call{As: "owner", Method: "DELETE", Path: path + "/proposal"})
	call(200, "PATCH", "", "example.com")
	call(422, "PATCH", "", wide, "example.com") // taken off, it is a new one
	r.Want(t, 422, apitest.Call{As: "owner", Method: "POST", Path: r.keys(), Body: map[string]any{
		"name": "Other", "usage": "frontend", "products": []string{"map-display"}, "domains": []string{wide},
	}})
}

// TestAStoredPatternIsFoundAndTakenOffOverAllKeys: by the list of domains, which finds it, and takes it off or puts another in its
// place, though no key may be given it any more.
func TestAStoredPatternIsFoundAndTakenOffOverAllKeys(t *testing.T) {
	r := newHarness(t)
	shop, blog := r.withDomains(t, "shop", wide, "a.example.com"), r.withDomains(t, "blog", wide)
	listed, _ := r.listed(t, "?domain="+url.QueryEscape(wide))
	wantList(t, "found", listed, wide+": blog shop (2)")
	send := func(status int, how string, body map[string]any) apitest.Answer {
		t.Helper()
		return r.Want(t, status, apitest.Call{As: "owner", Method: "POST", Path: r.domains() + "/" + how, Body: body, Headers: map[string]string{"If-Match": "*"}})
	}
	send(422, "link", map[string]any{"domain": wide, "keys": []any{shop.ID}})
	wantList(t, "taken off", changed(t, send(200, "unlink", map[string]any{"domain": wide, "keys": []any{shop.ID}})), "shop changed 1")
	wantList(t, "replaced", changed(t, send(200, "replace", map[string]any{"domain": wide, "with": "b.example.com"})), "blog changed 1")
	if got := r.domainsOf(t, shop) + "; " + r.domainsOf(t, blog); got != "a.example.com; b.example.com" {
		t.Error(got)
	}
}

// TestARefusedPatternSaysWhatToType: one suggestion where one is meant, both where a text has two readings, and none
// where no entry would cover what was typed.
func TestARefusedPatternSaysWhatToType(t *testing.T) {
	r := newHarness(t)
	for typed, want := range map[string]struct {
		code        string
		suggestions []any
	}{
		"https://example.com/map": {"pattern_path", []any{"https://example.com"}},
		"FAẞ.de":                  {"pattern_ambiguous", []any{"xn--fa-hia.de", "fass.de"}},
		"ftp://example.com":       {"pattern_scheme", nil},
		"file:///index.html":      {"pattern_file", nil},
		"capacitor://localhost:1": {"pattern_app", nil},
		wide:                      {"pattern_wildcard_suffix", nil},
	} {
		answer := r.Want(t, 422, apitest.Call{As: "owner", Method: "POST", Path: r.keys(), Body: map[string]any{
			"name": "Site", "usage": "frontend", "products": []string{"map-display"}, "domains": []string{"a.example", typed},
		}}).JSON(t)
		e := answer["errors"].([]any)[0].(map[string]any)
		one, several := e["suggestion"], e["suggestions"]
		if e["code"] != want.code || e["pointer"] != "/domains/1" || (one != nil) != (len(want.suggestions) > 0) || (several != nil) != (len(want.suggestions) > 1) {
			t.Errorf("%s: %v", typed, e)
			continue
		}
		if len(want.suggestions) > 0 && one != want.suggestions[0] {
			t.Errorf("%s: %v", typed, e)
		}
		if list, _ := several.([]any); len(list) > 0 && (len(list) != 2 || list[1] != want.suggestions[1]) {
			t.Errorf("%s: %v", typed, e)
		}
	}
}

// TestAnAppCanBeListed: its origin is stored, shown and obeyed like a page's.
func TestAnAppCanBeListed(t *testing.T) {
	r := newHarness(t)
	for _, app := range []string{"capacitor://localhost", "ionic://localhost", "tauri://localhost", "app://-"} {
		doc := r.Want(t, 201, apitest.Call{As: "owner", Method: "POST", Path: r.keys(), Body: map[string]any{
			"name": "App", "usage": "frontend", "products": []string{"map-display"}, "domains": []string{app},
		}}).JSON(t)
		path := r.keys() + "/" + doc["id"].(string)
		if domains := doc["domains"].([]any); len(domains) != 1 || domains[0] != app {
			t.Errorf("%s is stored as %v", app, domains)
		}
		for page, want := range map[string]bool{app: true, "http://localhost": false, "https://-": false, "file://": false, app + ":80": false, app + "/": false, "": false} {
			got := r.Want(t, 200, apitest.Call{As: "owner", Method: "POST", Path: path + "/test", Body: map[string]any{"origin": page}}).JSON(t)
			if got["allowed"] != want {
				t.Errorf("%s from %q: %v", app, page, got)
			}
		}
	}
}
