package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/shared/api"
)

// fieldsOf are those of the form of a page that sends an act, of keys that nobody chooses on it; nil without one.
func fieldsOf(page answered, act string) url.Values {
	for _, one := range forms(page.doc) {
		if strings.HasSuffix(one.action, "/selected/"+act) && slices.ContainsFunc(one.fields, func(f field) bool { return f.name == "keys" }) {
			return one.values()
		}
	}
	return nil
}

// sealed is a note as a cookie of the session has it.
func (w *walker) sealed(n note) string {
	raw, err := json.Marshal(n)
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := w.app.keeper.SealNote(w.sessionValue(), raw)
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

// TestALeanPageIsSmall: a page of as many keys as an act takes is below 40 kB of HTML in each language, with names of the length that people
// give, before an act, half-way through one, and with its Undo. The IDs of accounts are
// longer on AWS than here.
func TestALeanPageIsSmall(t *testing.T) {
	m := newMany(t, mostSelected)
	m.state(func(me *api.Me, _ *api.KeyWithSecret) {
		me.Accounts = slices.Clone(me.Accounts)
		me.Accounts[0].Type = api.Enterprise
	})
	var ids []string
	for i := range m.keys {
		m.keys[i].Id, m.keys[i].Name, m.keys[i].Status = scattered(i), fmt.Sprintf("Web shop, store finder %d", i), api.Disabled
		ids = append(ids, strings.TrimPrefix(scattered(i), keyPrefix))
	}
	failed := outcome{Act: "disable", Done: ids[25:]}
	for i := range 25 {
		failed.Failed = append(failed.Failed, failedKey{ids[i], m.keys[i].Name, "problem.key_revoked"})
	}
	for name, o := range map[string]*outcome{
		"before":    nil,
		"half-way":  {Act: "disable", Done: ids[:70], Left: ids[70:], Slow: true},
		"all done":  {Act: "disable", Done: ids},
		"some fail": &failed,
	} {
		for _, language := range []string{"en", "fr", "ar"} {
			page := m.ask(http.MethodGet, keysPath+"?size=100&select=all", nil, "Cookie", m.with(m.sealed(note{Path: keysPath, Keys: o}))+"; "+languageCookie+"="+language)
			if size := len(page.text); size > mostHTML-1_000 || strings.Count(page.text, `name="key"`) != mostSelected || (o == nil) == strings.Contains(page.text, `name="keys"`) {
				t.Errorf("%s, %s: %d bytes", name, language, size)
			}
		}
	}
}

// TestEveryKeyThatMatchesCanBeSelected, or as many as an act takes, on one page that names them all: one call of the API, without the figures
// that the page doesn't show. It is the list as it was narrowed and sorted, from its beginning.
func TestEveryKeyThatMatchesCanBeSelected(t *testing.T) {
	w := newWalker(t, "owner")
	for matching, says := range map[int]string{0: "", 12: "", 13: "Select all 13 keys", 100: "Select all 100 keys", 101: "Select the first 100 keys", 500: "Select the first 100 keys"} {
		asked := w.listing(t, func(q url.Values) api.KeyList {
			list := api.KeyList{}
			for i := range min(matching, map[string]int{"12": 12, "100": 100}[q.Get("page_size")]) {
				list.Keys = append(list.Keys, api.Key{Id: scattered(i), Name: fmt.Sprint("Shop ", i), Status: api.Active})
			}
			if matching > 0 {
				list.Matching, list.Position = ptr(matching), ptr(1)
			} else {
				list.Keys = []api.Key{{Id: keyID, Name: "Shop", Status: api.Active}} // of more keys than the API counts
			}
			if matching > len(list.Keys) {
				list.NextPageToken = ptr("next")
			}
			return list
		})
		page := w.ask(http.MethodGet, keysPath+"?q=shop&sort=name", nil)
		var every string
		for name, to := range links(page.doc) {
			if strings.HasPrefix(name, "Select all ") && name != "Select all on this page" || strings.HasPrefix(name, "Select the first") {
				every = name + " " + to
			}
		}
		if says == "" {
			if every != "" {
				t.Errorf("of %d: %q", matching, every)
			}
			continue
		}
		if want := says + " " + keysPath + "?q=shop&select=all&size=100&sort=name"; every != want {
			t.Errorf("of %d: %q, want %q", matching, every, want)
			continue
		}
		*asked = nil
		page = w.ask(http.MethodGet, keysPath+"?q=shop&select=all&size=100&sort=name", nil)
		if n := strings.Count(page.text, "checked>"); n != min(matching, 100) || strings.Contains(text(page.doc), "You can change up to 100 keys at a time.") != (matching > 100) {
			t.Errorf("of %d: %d are selected: %s", matching, n, text(page.doc))
		}
		if len(*asked) != 1 || (*asked)[0].Get("page_size") != "100" || (*asked)[0].Has("figures") {
			t.Errorf("of %d: asks %v", matching, *asked)
		}
		if to := links(page.doc); to["Show 12 per page, with details"] != keysPath+"?q=shop&sort=name" {
			t.Errorf("of %d: leads to %v", matching, to)
		}
		for _, form := range forms(page.doc) {
			if strings.HasSuffix(form.action, "/keys") && form.values().Get("size") != "100" {
				t.Errorf("a search leaves the long page: %v", form.values())
			}
		}
	}
}

// TestAnActOfManyKeysIsOneAct, however many rounds it takes: it goes on by itself while it gets somewhere, the last page tells of all keys, and
// Undo is about all that were changed.
func TestAnActOfManyKeysIsOneAct(t *testing.T) {
	m := newMany(t, mostSelected)
	m.keys[3].Disabled = true
	m.refuse[idOf(5)] = func(out http.ResponseWriter) { problem(out, 409, "key_revoked") }
	busy := func(out http.ResponseWriter) {
		out.Header().Set("Retry-After", "60")
		problem(out, 429, "too_many_changes")
	}
	for i := 70; i < mostSelected; i++ {
		m.refuse[idOf(i)] = busy
	}
	var all []int
	for i := range mostSelected {
		all = append(all, i)
	}
	page := m.act("disable", url.Values{"size": {"100"}}, all...)
	if whole := text(page.doc); !strings.Contains(whole, "Not done yet: ") || !strings.Contains(whole, "Only a few keys can be changed per second.") || !strings.Contains(page.text, "data-continue") || fieldsOf(page, "enable") != nil {
		t.Fatalf("half-way: %s", whole)
	}
	for i := 70; i < mostSelected; i++ {
		delete(m.refuse, idOf(i))
	}
	page = m.press(page, "disable")
	whole := text(page.doc)
	for _, want := range []string{"Disabled 98 keys.", "No change needed for 1 key.", "No change made to 1 key", "Key 5"} {
		if !strings.Contains(whole, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if undone := strings.Fields(fieldsOf(page, "enable").Get("keys")); len(undone) != 98 || strings.Contains(page.text, "data-continue") {
		t.Errorf("Undo is about %d keys", len(undone))
	}
	m.press(page, "enable")
	for i, k := range m.keys {
		if k.Disabled != (i == 3) {
			t.Errorf("key %d is disabled: %t", i, k.Disabled)
		}
	}
}

// TestAnActThatGetsNowhereWaitsForAPerson, so that no page goes on for ever.
func TestAnActThatGetsNowhereWaitsForAPerson(t *testing.T) {
	m := newMany(t, 2)
	for i := range m.keys {
		m.refuse[idOf(i)] = func(out http.ResponseWriter) {
			out.Header().Set("Retry-After", "60")
			problem(out, 503, "unavailable")
		}
	}
	page := m.act("disable", nil, 0, 1)
	if whole := text(page.doc); !strings.Contains(whole, "The service is busy.") || strings.Contains(page.text, "data-continue") {
		t.Error(whole)
	}
}

// TestWhatWasDoneBeforeIsTheConsolesOwnWord: nobody else makes a page say it, and it is about the same act alone.
func TestWhatWasDoneBeforeIsTheConsolesOwnWord(t *testing.T) {
	m := newMany(t, 2)
	disabled := m.sealed(note{})
	raw, _ := json.Marshal(outcome{Act: "disable", Done: []string{"x", "y"}})
	if own, err := m.app.keeper.SealNote(m.sessionValue(), raw); err == nil {
		disabled = own
	}
	for name, begun := range map[string]string{"of another act": disabled, "of nobody": "e30", "no text": "\x00", "another note": m.sealed(note{Notice: "edited"})} {
		m.keys[0].Disabled = true
		if page := m.act("enable", url.Values{"begun": {begun}}, 0); !strings.Contains(text(page.doc), "Enabled 1 key.") {
			t.Errorf("%s: %s", name, text(page.doc))
		}
	}
	if page := m.act("disable", url.Values{"begun": {disabled}}, 0); !strings.Contains(text(page.doc), "Disabled 3 keys.") {
		t.Errorf("its own: %s", text(page.doc))
	}
}

// TestFewKeysAreRotatedTogether: the page asks about the first of those that were selected, and says so; no form takes more.
func TestFewKeysAreRotatedTogether(t *testing.T) {
	m := newMany(t, mostRotated+1)
	query := url.Values{}
	for i := range m.keys {
		query.Add("key", idOf(i))
	}
	ask := m.ask(http.MethodGet, keysPath+"/selected/rotate?"+query.Encode(), nil)
	sent := fieldsOf(ask, "rotate")
	if n := len(strings.Fields(sent.Get("keys"))); n != mostRotated || !strings.Contains(text(ask.doc), "Up to 25 keys are rotated at a time") || !strings.Contains(text(ask.doc), "Rotate 25 keys") {
		t.Errorf("it asks about %d: %s", n, text(ask.doc))
	}
	query["idempotency"], query["reason"] = []string{"once"}, []string{"other"}
	if page := m.ask(http.MethodPost, keysPath+"/selected/rotate", query); page.StatusCode != http.StatusBadRequest || len(m.rotated) > 0 {
		t.Errorf("%d, and %d are rotated", page.StatusCode, len(m.rotated))
	}
	query.Del("key")
	query.Set("key", idOf(0))
	if page := m.ask(http.MethodGet, keysPath+"/selected/rotate?"+query.Encode(), nil); strings.Contains(text(page.doc), "at a time") {
		t.Error("one key is one too many")
	}
}
