package main

import (
	"crypto/sha256"
	"encoding/base32"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"latchkey/shared/api"
)

// answeredInPlace are the forms whose answer is a page, though nothing is wrong with them, and why.
var answeredInPlace = map[string]string{
	"/accounts/{account}/keys/new":             "the secret is shown this once",
	"/accounts/{account}/keys/first":           "the secret is shown this once",
	"/accounts/{account}/keys/{key}/rotate":    "the secret is shown this once",
	"/accounts/{account}/keys/{key}/reveal":    "the secret is shown this once",
	"/accounts/{account}/keys/selected/rotate": "the secrets are shown this once",
	"/accounts/{account}/keys/{key}/try":       "it changes nothing, and shows a secret that was pasted",
	"/domains/check":                           "it changes nothing, and a script asks",
	"/accounts/{account}/usage/keys":           "it changes nothing, and a script asks",
	"/accounts/{account}/qps-requests/keys":    "it changes nothing, and a script asks",
	erasePage:                                  "it says which part comes next, and a part that is erased twice is as it was",
}

// TestAReloadRepeatsNoForm: whatever the API says to a form that it carries out, the answer leads to another page, which a reload shows again.
func TestAReloadRepeatsNoForm(t *testing.T) {
	key := map[string]any{"id": keyID, "name": "Site", "account_id": account, "domains": []string{}, "products": []string{"map-display"}}
	left := map[string]any{
		"invitations": []string{"inv_1"}, "keys": []any{key}, "principals": []any{map[string]any{"id": keyID, "name": "Site", "principal": "arn:aws:iam::1:role/one"}}, "more": true,
	}
	full := map[string]any{
		"id": keyID, "secret": secret, "token": invitation, "account_id": account, "domains": []string{}, "products": []string{"map-display"}, "left": left, "next_page_token": "p2", "key_id": keyID,
		"changed": true, "key": key, "allowed": 7, "results": []any{map[string]any{"key_id": keyID, "name": "Site", "result": "refused", "code": "key_revoked"}}, "matches": []any{map[string]any{"key": key, "matched": "current"}},
	}
	for name, value := range left {
		full[name] = value
	}
	w := newWalker(t, "owner")
	w.state(func(_ *api.Me, k *api.KeyWithSecret) { k.Preview = goodPreview })
	sent := map[string]bool{}
	send := func(pattern, action string, form url.Values) {
		answer := w.ask(http.MethodPost, action, form)
		switch {
		case answer.StatusCode == http.StatusSeeOther:
			sent[pattern] = true
		case answer.StatusCode < http.StatusBadRequest:
			sent[pattern] = true
			if answeredInPlace[pattern] == "" {
				t.Errorf("%s is answered %d with a page: %s", pattern, answer.StatusCode, text(answer.doc))
			}
		}
	}
	for _, doc := range []map[string]any{full, {"id": keyID}} {
		w.answerWrites(func(out http.ResponseWriter, _ *http.Request) { reply(out, 200, doc) })
		w.eachForm(func(pattern, _ string, one formOf) { send(pattern, one.action, filled(one, "")) })
		for _, pattern := range w.routes(http.MethodPost) { // what eachForm leaves out
			switch {
			case pattern == "/sign-out" || strings.HasPrefix(pattern, "/sessions/"):
				sent[pattern] = true // sessions_test.go
			case !sent[pattern]:
				send(pattern, w.fill(pattern), url.Values{"key": {keyID}, "reason": {"other"}, "idempotency": {"once"}, "labels": {"x"}, "domains": {"x.example"}, "q": {"Site"}, "secret": {goodSecret}})
			}
		}
	}
	for _, pattern := range w.routes(http.MethodPost) {
		if !sent[pattern] {
			t.Errorf("no form for %s was carried out", pattern)
		}
	}
	for pattern := range answeredInPlace {
		if !sent[pattern] {
			t.Errorf("there is no form for %s", pattern)
		}
	}
}

// scattered is the ID of a key, as unlike others as theirs are.
func scattered(i int) string {
	sum := sha256.Sum256([]byte(strconv.Itoa(i)))
	return keyPrefix + base32.StdEncoding.EncodeToString(sum[:])[:26]
}

// TestKeysThatWereNotLookedAtAreNotNothing: where the API hasn't looked at all keys of a member who leaves, the console says so.
func TestKeysThatWereNotLookedAtAreNotNothing(t *testing.T) {
	w := newWalker(t, "owner")
	root := "/accounts/" + account + "/account"
	w.answerWrites(func(out http.ResponseWriter, _ *http.Request) { reply(out, 200, api.Legacy{More: true}) })
	page := w.post(root+"/remove", url.Values{"subject": {"a|b/c"}})
	if got := text(page.doc); !strings.Contains(got, "The member was removed.") || !strings.Contains(got, "This list isn’t complete.") {
		t.Errorf("%s", got)
	}
}

// TestWhatAMemberHasLeftIsShownUntilAReloadToo: by a page of its own, with up to as many keys as the API names, and the form isn't sent again.
func TestWhatAMemberHasLeftIsShownUntilAReloadToo(t *testing.T) {
	w := newWalker(t, "owner")
	root := "/accounts/" + account + "/account"
	for name, c := range map[string]struct {
		form    url.Values
		keys    int
		name    string
		all     bool
		demoted bool
	}{
		"removed": {url.Values{"subject": {"a|b/c"}}, 3, "Shop", true, false},
		"demoted": {url.Values{"subject": {"a|b/c"}, "role": {"viewer"}}, 3, "Shop", true, true},
		"as many as the API names, with usual names":      {url.Values{"subject": {"a|b/c"}}, 100, "Web shop, store finder", true, false},
		"as many as the API names, with the longest ones": {url.Values{"subject": {"a|b/c"}}, 100, strings.Repeat("🗝", 63), true, false},
	} {
		var left api.Legacy
		left.Invitations = []string{"inv_1", "inv_2"}
		for i := range c.keys {
			left.Keys = append(left.Keys, api.LegacyKey{Id: scattered(i), Name: c.name + string(rune('a'+i%26))})
		}
		w.answerWrites(func(out http.ResponseWriter, r *http.Request) {
			if c.demoted {
				reply(out, 200, api.Member{Left: &left})
				return
			}
			reply(out, 200, left)
		})
		action := root + map[bool]string{true: "/role", false: "/remove"}[c.demoted]
		answer := w.ask(http.MethodPost, action, c.form)
		note := w.noteOf(answer)
		if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != root+"/left" {
			t.Fatalf("%s: %d to %q", name, answer.StatusCode, answer.Header.Get("Location"))
		}
		w.forget()
		for range 2 {
			page := w.ask(http.MethodGet, root+"/left", nil, "Cookie", w.with(note.cookie))
			whole := text(page.doc)
			named := strings.Count(page.text, `/keys/key_`)
			if named != c.keys && c.all || !c.all && !strings.Contains(whole, "This list isn’t complete.") {
				t.Errorf("%s: %d of %d keys: %s", name, named, c.keys, whole)
			}
			if !strings.Contains(whole, "withdrawn: 2") || len(page.Cookies()) > 0 {
				t.Errorf("%s: %v: %s", name, page.Cookies(), whole)
			}
		}
		if got := w.writes(); len(got) > 0 {
			t.Errorf("%s: %s", name, describe(got))
		}
	}
	if page := w.ask(http.MethodGet, root+"/left", nil); page.StatusCode != http.StatusSeeOther || page.Header.Get("Location") != root {
		t.Errorf("without a note: %d to %q", page.StatusCode, page.Header.Get("Location"))
	}
}
