package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/shared/api"
)

// keysByName lets the fake API find these keys by their names or IDs.
func (w *walker) keysByName(keys ...api.Key) {
	w.api.on("GET /v1/accounts/"+account+"/keys", func(out http.ResponseWriter, r *http.Request, _ []byte) bool {
		text := strings.ToLower(r.URL.Query().Get("q"))
		reply(out, 200, api.KeyList{Keys: slices.DeleteFunc(slices.Clone(keys), func(k api.Key) bool { return !strings.Contains(strings.ToLower(k.Name+k.Id), text) })})
		return true
	})
}

// TestMatchesThatAreNotAllAreNotCounted: where the API may know of other keys, no page says how many match, nor that there are none.
func TestMatchesThatAreNotAllAreNotCounted(t *testing.T) {
	w := newWalker(t, "owner")
	root := "/accounts/" + account
	keys := []api.Key{{Id: "key_2", Name: "Web app", Status: api.Active}, {Id: "key_3", Name: "Web shop", Status: api.Active}}
	w.api.on("GET /v1"+root+"/keys", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.KeyList{Keys: keys, NextPageToken: ptr("k2")})
		return true
	})
	for _, page := range []string{"/usage", "/qps-requests/new"} {
		got := text(w.ask(http.MethodGet, root+page+"?find=web", nil).doc)
		if strings.Contains(got, "keys match") || !strings.Contains(got, "Keys that match “web”") || !strings.Contains(got, "Only the first keys are shown.") {
			t.Errorf("%s: %s", page, got)
		}
	}
	keys[0].Status, keys[1].Status = api.Revoked, api.Revoked
	if got := text(w.ask(http.MethodGet, root+"/qps-requests/new", nil).doc); strings.Contains(got, "no keys") {
		t.Errorf("the newest keys are revoked, the others not looked at: %s", got)
	}
}

// TestTheKeyOfARequestIsFoundByItsNameOrID, without a script: what is typed leads to the form about that key, several are offered, and a key
// that has ended can't be chosen.
func TestTheKeyOfARequestIsFoundByItsNameOrID(t *testing.T) {
	w := newWalker(t, "owner")
	w.keysByName(
		api.Key{Id: keyID, Name: "Web shop", Status: api.Active}, api.Key{Id: "key_2", Name: "Web app", Status: api.Disabled}, api.Key{Id: "key_3", Name: "Fleet", Status: api.Active},
		api.Key{Id: "key_4", Name: "Old fleet", Status: api.Revoked},
	)
	root := "/accounts/" + account + "/qps-requests/new"
	for form, want := range map[string]string{
		"find=fleet&key=&was=": root + "?key=key_3", "find=" + keyID + "&qps=15": root + "?key=" + keyID + "&qps=15",
		"find=Site&was=Site&key=" + keyID + "&class=map-display": root + "?class=map-display&key=" + keyID, "find=shop&was=Site&key=key_3&class=search": root + "?class=search&key=" + keyID,
	} {
		if got := w.sentOn(root+"/key", form); got != want {
			t.Errorf("%s leads to %q, want %q", form, got, want)
		}
	}
	several := w.ask(http.MethodGet, root+"?find=web&qps=15", nil)
	var to []string
	elements(first(several.doc, "matches"), func(n *html.Node) {
		if n.Data == "a" {
			to = append(to, attr(n, "href"))
		}
	})
	if want := []string{root + "?key=key_2&qps=15", root + "?key=" + keyID + "&qps=15"}; !slices.Equal(to, want) || !strings.Contains(text(several.doc), "2 keys match “web”") {
		t.Errorf("several match: %q: %s", to, text(several.doc))
	}
	if none := w.ask(http.MethodGet, root+"?find=old+fleet", nil); none.StatusCode != http.StatusBadRequest || !strings.Contains(text(none.doc), "No key matches “old fleet”.") || !strings.Contains(none.text, `value="old fleet"`) {
		t.Errorf("a key that has ended: %d %s", none.StatusCode, text(none.doc))
	}
	w.state(func(_ *api.Me, k *api.KeyWithSecret) { k.Status = api.Revoked })
	if ended := w.ask(http.MethodGet, root+"?key="+keyID, nil); !strings.Contains(text(ended.doc), "was revoked or deleted, so its limits can’t change.") || strings.Contains(ended.text, `name="justification"`) {
		t.Errorf("the form of a key that has ended: %s", text(ended.doc))
	}
}

// TestKeysThatARequestCanBeAboutAreSuggested, and no others.
func TestKeysThatARequestCanBeAboutAreSuggested(t *testing.T) {
	w := newWalker(t, "owner")
	w.keysByName(api.Key{Id: keyID, Name: "Web shop", Status: api.Active}, api.Key{Id: "key_4", Name: "Old shop", Status: api.Revoked}, api.Key{Id: "key_5", Name: "Another", Status: api.Active})
	var found []suggestion
	page := w.ask(http.MethodPost, "/accounts/"+account+"/qps-requests/keys", url.Values{"q": {"shop"}})
	if err := json.Unmarshal([]byte(page.text), &found); err != nil || len(found) != 1 || found[0].ID != keyID {
		t.Errorf("%v: %s", err, page.text)
	}
}

// TestTheSecretOfAnEndedKeyLeadsToIt too, where keys are chosen that haven't ended, so that the page says why it can't be; a key that can be
// chosen goes first.
func TestTheSecretOfAnEndedKeyLeadsToIt(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(_ *api.Me, k *api.KeyWithSecret) { k.Status = api.Revoked })
	root := "/accounts/" + account + "/qps-requests/new"
	var before []any
	w.api.on("POST /v1/accounts/"+account+"/keys/find", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		w.api.mu.Lock()
		defer w.api.mu.Unlock()
		reply(out, 200, map[string]any{"matches": append([]any{map[string]any{"matched": "current", "key": w.api.key}}, before...)})
		return true
	})
	for _, want := range []string{keyID, "key_2"} {
		for how, to := range map[string]string{
			"a form":     w.ask(http.MethodPost, root+"/key", url.Values{"find": {secret}, "qps": {"15"}}).Header.Get("Location"),
			"an address": w.ask(http.MethodGet, root+"?qps=15&find="+secret, nil).Header.Get("Location"),
		} {
			if to != root+"?key="+want+"&qps=15" {
				t.Errorf("by %s it leads to %q, want %s", how, to, want)
			}
		}
		before = []any{map[string]any{"matched": "retired", "key": api.Key{Id: "key_2", Status: api.Active}}}
	}
	if page := w.ask(http.MethodGet, root+"?key="+keyID, nil); !strings.Contains(text(page.doc), "was revoked or deleted, so its limits can’t change.") {
		t.Errorf("the page says %s", text(page.doc))
	}
}
