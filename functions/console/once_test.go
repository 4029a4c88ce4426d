package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// giving is a form whose answer from the API holds what is shown once.
type giving struct {
	pattern, action string
	form            url.Values
}

// secretForms finds them: the forms whose answer shows the secret, or leaves a link for the page that follows.
func (w *walker) secretForms() (list []giving) {
	w.t.Helper()
	w.accept()
	try := func(pattern, action string, form url.Values) {
		if slices.ContainsFunc(list, func(g giving) bool { return g.pattern == pattern }) {
			return
		}
		answer := w.ask(http.MethodPost, action, form)
		if left := w.noteOf(answer); strings.Contains(answer.text, secret) || left.Link != "" {
			list = append(list, giving{pattern, action, form})
		}
	}
	w.eachForm(func(pattern, _ string, one formOf) { try(pattern, one.action, filled(one, "")) })
	for _, pattern := range w.routes(http.MethodPost) { // what eachForm leaves out
		if strings.Contains(pattern, "/selected/") {
			try(pattern, w.fill(pattern), url.Values{"key": {keyID}, "reason": {"other"}, "idempotency": {"once"}, "labels": {"x"}, "domains": {"x.example"}})
		}
	}
	return list
}

// outage fails every call of the API from the moment on at which it has given something, and who is signed in from the start.
type outage struct {
	once sync.Once
	gave chan struct{}
	fail func(http.ResponseWriter, *http.Request)
}

func (o *outage) serve(out http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path == "/v1/me" || strings.HasSuffix(r.URL.Path, idOf(1)) { // a key that comes second
		<-o.gave
	}
	select {
	case <-o.gave:
		o.fail(out, r)
		return true
	default:
	}
	if r.Method != http.MethodGet {
		reply(out, 200, map[string]any{"id": keyID, "secret": secret, "token": invitation, "account_id": account, "domains": []string{}, "products": []string{"map-display"}})
		o.once.Do(func() { close(o.gave) })
		return true
	}
	return false
}

// outages are the ways in which a call can fail.
func outages() map[string]func(http.ResponseWriter, *http.Request) {
	ways := map[string]func(http.ResponseWriter, *http.Request){
		"no answer": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"cut off":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"no JSON":   func(out http.ResponseWriter, _ *http.Request) { _, _ = out.Write([]byte("<html>")) },
		"empty":     func(out http.ResponseWriter, _ *http.Request) { reply(out, 200, map[string]any{}) },
	}
	for _, status := range []int{400, 401, 403, 404, 409, 422, 429, 500, 502, 503, 504} {
		ways[fmt.Sprint(status)] = func(out http.ResponseWriter, _ *http.Request) {
			out.Header().Set("Retry-After", "60")
			problem(out, status, "no_such_code")
		}
	}
	return ways
}

// TestWhatIsGivenOnceIsShownWhateverElseFails: after the API has given a secret or an invitation, every further call fails in every way,
// and the answer still shows it. The rest of several rotations can be gone on with.
func TestWhatIsGivenOnceIsShownWhateverElseFails(t *testing.T) {
	found := newWalker(t, "owner").secretForms()
	var patterns []string
	for _, g := range found {
		patterns = append(patterns, strings.TrimPrefix(g.pattern, "/accounts/{account}"))
	}
	slices.Sort(patterns)
	if want := []string{"/account/invitations", "/keys/first", "/keys/new", "/keys/selected/rotate", "/keys/{key}/reveal", "/keys/{key}/rotate"}; !slices.Equal(patterns, want) {
		t.Fatalf("given once: %q, want %q", patterns, want)
	}
	for name, fail := range outages() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWalker(t, "owner")
			for _, g := range found {
				o := &outage{gave: make(chan struct{}), fail: fail}
				w.app.catalog.products.until = time.Time{}
				w.app.api = management.New(serve(t, w.api, nil, false).URL, nil)
				form, several := g.form, strings.Contains(g.pattern, "/selected/") && name != "no answer" // that would be waited for
				if several {
					form = url.Values{"key": {keyID, idOf(1)}, "reason": {"other"}, "idempotency": {"once"}}
				}
				w.api.mu.Lock()
				w.api.fault = o.serve
				w.api.mu.Unlock()
				begin := time.Now()
				answer := w.ask(http.MethodPost, g.action, form)
				if took := time.Since(begin); took > 5*time.Second {
					t.Errorf("%s takes %s: the function would be over", g.pattern, took)
				}
				if left := w.noteOf(answer); left.Link != "" {
					w.showsLink(answer, left)
					continue
				}
				if answer.StatusCode != http.StatusOK || !strings.Contains(text(answer.doc), secret) || answer.Header.Get("Cache-Control") != "no-store" || answer.Header.Get("Referrer-Policy") != "no-referrer" {
					t.Errorf("%s answers %d: %s", g.pattern, answer.StatusCode, text(answer.doc))
				}
				if name == "401" && several && !strings.Contains(answer.text, `name="keys" value="`+strings.TrimPrefix(idOf(1), keyPrefix)+`"`) {
					t.Errorf("the key that is left isn't gone on with: %s", text(answer.doc))
				}
			}
		})
	}
}

// showsLink follows to the page of an invitation's link. Where nothing can be read, it shows the link still; what else is wrong with it it
// says too.
func (w *walker) showsLink(answer answered, left leftNote) {
	w.t.Helper()
	w.app.api = management.New(serve(w.t, w.api, nil, false).URL, &http.Client{Timeout: 300 * time.Millisecond})
	page := w.ask(http.MethodGet, answer.Header.Get("Location"), nil, "Cookie", w.with(left.cookie))
	if !strings.Contains(text(page.doc), invitation) {
		w.t.Errorf("the page of the invitation answers %d: %s", page.StatusCode, text(page.doc))
	}
}

// TestANoticeWaitsForAPageThatCanShowIt: a failure forgets none.
func TestANoticeWaitsForAPageThatCanShowIt(t *testing.T) {
	w := newWalker(t, "owner")
	w.accept()
	answer := w.ask(http.MethodPost, keyPath+"/enable", nil)
	left := w.noteOf(answer)
	w.api.fault = func(out http.ResponseWriter, _ *http.Request) bool { problem(out, 503, "unavailable"); return true }
	failed := w.ask(http.MethodGet, keyPath, nil, "Cookie", w.with(left.cookie))
	if failed.StatusCode != http.StatusServiceUnavailable || len(failed.Cookies()) > 0 || left.cookie == "" {
		t.Errorf("%d with %v", failed.StatusCode, failed.Cookies())
	}
}

// TestASecretIsTakenOutOfAnAnswerThatCantBeRead as a whole.
func TestASecretIsTakenOutOfAnAnswerThatCantBeRead(t *testing.T) {
	w := newWalker(t, "owner")
	w.answerWrites(func(out http.ResponseWriter, _ *http.Request) {
		reply(out, 201, map[string]any{"id": keyID, "name": "Site", "created_at": "soon", "domains": 7, "secret": secret})
	})
	page := w.ask(http.MethodPost, keysPath+"/new", url.Values{"name": {"Site"}, "usage": {string(api.Backend)}})
	if page.StatusCode != http.StatusOK || !strings.Contains(text(page.doc), secret) {
		t.Errorf("%d: %s", page.StatusCode, text(page.doc))
	}
}
