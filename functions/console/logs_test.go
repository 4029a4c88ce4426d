package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestWhatPeopleTypeIsInNoLogLine: search texts, invitation tokens, return paths, fields of forms and paths are looked
// for in all that the console logs, whether a request goes well, is refused, or breaks something.
func TestWhatPeopleTypeIsInNoLogLine(t *testing.T) {
	const canary = "Canary7Yellow"
	r := newHarness(t, time.Hour)
	r.app.public("POST /breaks/{what}", func(v *visit) error { panic("at " + v.form("name")) })
	typed := url.Values{}
	for _, field := range []string{"name", "domains", "reason", "comment", "subject", "email", "token", "qps", "origin", "password"} {
		typed.Set(field, canary+field)
	}
	keys, broken := "/accounts/"+account+"/keys", "GET /v1/accounts/"+account+"/keys"
	visits := func() {
		for _, path := range []string{
			"/sign-in?return=/" + canary, "/invitations?token=" + canary, "/invitations/" + canary, "/" + canary, "/accounts/" + canary + "/keys", "/assets/" + canary,
			keys + "?q=" + canary, keys + "?q=" + canary + "&page=" + canary, keys + "/" + canary, "/accounts/" + account + "/usage?from=" + canary,
			"/operator?q=" + canary, "/operator?q=acc_" + canary, "/operator?q=key_" + canary + "%25zz", "/sign-in/callback?state=" + canary + "&code=" + canary + "&error_description=" + canary,
		} {
			r.get(path)
		}
		for _, path := range []string{"/invitations", "/preferences", "/domains/check", keys + "/new", keys + "/" + keyID + "/edit", "/operator/operators", "/breaks/" + canary} {
			r.post(path, typed)
		}
		r.post(keys+"/new", typed, "Sec-Fetch-Site", "cross-site", "Referer", "https://"+canary+".example/", "User-Agent", canary)
	}
	visits() // signed in as nobody
	r.signIn("owner")
	visits()
	cut := func(w http.ResponseWriter, _ *http.Request, _ []byte) bool { panic(http.ErrAbortHandler) }
	r.api.on(broken, cut)
	r.api.on("POST /v1/accounts/"+account+"/keys", cut)
	visits()

	var routes []string
	counts := map[string]int{}
	for line := range strings.Lines(r.logs.String()) {
		var doc map[string]any
		if err := json.Unmarshal([]byte(line), &doc); err != nil {
			t.Fatal(err)
		}
		message, _ := doc["msg"].(string)
		counts[message]++
		if message == "request" {
			routes = append(routes, doc["route"].(string))
		}
		if strings.Contains(strings.ToLower(line), strings.ToLower(canary)) {
			t.Errorf("the log holds what somebody typed: %s", line)
		}
	}
	if counts["request"] < 3*22 || counts["panic"] != 3 || counts["request failed"] < 2 {
		t.Errorf("not all requests came that far: %v", counts)
	}
	for _, route := range []string{"GET /accounts/{account}/keys", "POST /accounts/{account}/keys/new", "POST /breaks/{what}", "GET /sign-in", "POST /invitations", ""} {
		if !slices.Contains(routes, route) {
			t.Errorf("no line about %q", route)
		}
	}
}
