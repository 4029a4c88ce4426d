package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// canary stands wherever somebody can type something, or where a secret stands.
const canary = "canary7f3a"

func (w *walker) lines() []map[string]any {
	w.t.Helper()
	var list []map[string]any
	for line := range strings.Lines(w.logs.String()) {
		var one map[string]any
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			w.t.Fatalf("a log line isn't JSON: %s", line)
		}
		list = append(list, one)
	}
	return list
}

// TestWhatPeopleTypeIsInNoLog types a canary into every query, path, header, cookie and form, with an API that accepts,
// refuses, breaks and is down.
func TestWhatPeopleTypeIsInNoLog(t *testing.T) {
	w := newWalker(t, "owner")
	down, up := management.New("http://127.0.0.1:1", nil), w.app.api
	for outcome, prepare := range map[string]func(){
		"accepted":  w.accept,
		"refused":   func() { w.refuse(422, "invalid", api.FieldError{Pointer: "/name", Code: "x", Detail: canary}) },
		"forbidden": func() { w.refuse(403, "forbidden") },
		"broken":    func() { w.refuse(500, "internal", api.FieldError{Detail: canary}) },
		"down":      func() { w.app.api = down },
	} {
		w.app.api = up
		prepare()
		before := len(w.lines())
		calls := w.typeEverywhere()
		lines := w.lines()[before:]
		if len(lines) < calls {
			t.Errorf("%s: %d requests left %d lines", outcome, calls, len(lines))
		}
		for _, line := range lines {
			raw, _ := json.Marshal(line)
			if strings.Contains(string(raw), canary) {
				t.Errorf("%s: %s", outcome, raw)
			}
		}
	}
}

func (w *walker) typeEverywhere() (calls int) {
	names := []string{
		"q", "status", "product", "label", "labels", "sort", "page", "key", "class", "origin", "audit", "range", "from", "to", "by", "return", "done", "subject", "state", "code", "error", "error_description", "name", "usage",
		"domains", "products", "billing_type", "missing_origin", "expires_at", "idempotency", "version", "confirm_name", "confirm", "grace_seconds", "reason", "every_days", "notify_days_before", "principal",
		"qps", "requested_qps", "justification", "ends_at", "comment", "decision", "email", "role", "invitation", "token", "type", "key_limit", "language", "theme", "key_id",
	}
	all := url.Values{}
	for _, name := range names {
		all.Set(name, canary)
	}
	odd := []string{"User-Agent", canary, "Referer", "https://x.example/" + canary, "Accept-Language", canary, "X-Forwarded-For", canary, "Origin", "https://console.example"}
	for _, pattern := range w.routes(http.MethodGet) {
		w.ask(http.MethodGet, w.fill(pattern)+"?"+all.Encode(), nil, odd...)
		w.ask(http.MethodGet, w.fill(pattern)+"?key="+keyID+"&q="+canary, nil)
		w.without().ask(http.MethodGet, w.fill(pattern)+"?"+all.Encode(), nil, "Cookie", sessionCookie+"="+canary+"; "+signinCookie+"="+canary+"; "+invitationName+"="+canary)
		calls += 3
		for _, name := range []string{"{account}", "{key}", "{request}", "{class}", "{file}"} {
			if strings.Contains(pattern, name) {
				w.ask(http.MethodGet, w.fill(pattern, name, canary), nil)
				w.ask(http.MethodGet, w.fill(pattern, name, canary+"%2F"), nil)
				calls += 2
			}
		}
	}
	plausible := url.Values{
		"name": {canary}, "confirm_name": {canary}, "confirm": {"Demo"}, "justification": {canary}, "comment": {canary}, "reason": {canary}, "email": {canary + "@example.com"}, "subject": {canary}, "token": {"https://x/#" + canary},
		"principal": {canary}, "domains": {canary}, "idempotency": {canary}, "grace_seconds": {"0"}, "every_days": {"1"}, "notify_days_before": {"1"}, "qps": {"1"}, "requested_qps": {"1"}, "key_limit": {"1"},
	}
	for _, pattern := range w.routes(http.MethodPost) {
		if slices.Contains(ends, pattern) {
			continue
		}
		for _, form := range []url.Values{all, plausible} {
			w.ask(http.MethodPost, w.fill(pattern)+"?q="+canary, form)
			calls++
		}
	}
	for _, path := range []string{"/" + canary, "/accounts/" + account + "/" + canary, "/x%00" + canary} {
		w.ask(http.MethodGet, path, nil)
		w.ask("PUT", path, nil, "Sec-Fetch-Site", "same-origin")
		calls += 2
	}
	w.ask(http.MethodPost, "/sign-out?q="+canary, plausible, "Sec-Fetch-Site", "cross-site")
	return calls + 1
}

// TestALogLineSaysWhatWasAskedByItsRoute holds what a line has, and all that it has.
func TestALogLineSaysWhatWasAskedByItsRoute(t *testing.T) {
	w := newWalker(t, "owner")
	for _, c := range []struct {
		method, path, route string
		status              float64
	}{
		{"GET", "/accounts/" + account + "/keys?q=x", "GET /accounts/{account}/keys", 200},
		{"POST", "/accounts/" + account + "/keys/" + keyID + "/disable", "POST /accounts/{account}/keys/{key}/disable", 404},
		{"GET", "/sign-in", "GET /sign-in", 303},
	} {
		before := len(w.lines())
		page := w.ask(c.method, c.path, nil)
		lines := w.lines()[before:]
		i := slices.IndexFunc(lines, func(l map[string]any) bool { return l["msg"] == "request" })
		if i < 0 {
			t.Fatalf("%s left %v", c.path, lines)
		}
		got := lines[i]
		if got["method"] != c.method || got["route"] != c.route || got["status"] != c.status || got["request_id"] != page.Header.Get("X-Request-Id") || got["level"] != "INFO" {
			t.Errorf("%s left %v", c.path, got)
		}
		if _, ok := got["ms"].(float64); !ok {
			t.Errorf("%s took %v", c.path, got["ms"])
		}
	}
}

func TestABreakdownIsLoggedAndARefusalIsNot(t *testing.T) {
	w := newWalker(t, "owner")
	for status, want := range map[int]bool{422: false, 404: false, 403: false, 409: false, 500: true, 503: true} {
		w.refuse(status, "some_code")
		before := len(w.lines())
		page := w.ask(http.MethodPost, "/accounts/"+account+"/keys/"+keyID+"/disable", nil)
		failed := slices.ContainsFunc(w.lines()[before:], func(l map[string]any) bool {
			return l["level"] == "ERROR" && l["request_id"] == page.Header.Get("X-Request-Id") && strings.Contains(l["error"].(string), "api-request-1")
		})
		if failed != want {
			t.Errorf("%d: logged as a breakdown: %v", status, failed)
		}
	}
}

func TestSecretsAreInNoLog(t *testing.T) {
	w := newWalker(t, "owner")
	w.accept()
	session := ""
	for _, c := range w.cookies {
		if c.Name == sessionCookie {
			session = c.Value
		}
	}
	w.ask(http.MethodGet, "/accounts/"+account+"/keys", nil)
	token := w.api.seen("GET /v1/me")[0].token
	for _, pattern := range w.routes(http.MethodPost) {
		w.ask(http.MethodPost, w.fill(pattern), url.Values{"grace_seconds": {"0"}, "token": {invitation}})
	}
	for name, hidden := range map[string]string{"the session": session, "the access token": token, "a key's secret": secret, "an invitation": invitation} {
		if hidden == "" || strings.Contains(w.logs.String(), hidden) {
			t.Errorf("the logs hold %s %q", name, hidden)
		}
	}
}
