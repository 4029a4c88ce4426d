package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// editing is a console in which a key's form was opened; the API refuses what isn't of the key's version.
func editing(t *testing.T) (r *harness, form url.Values) {
	r = newHarness(t, time.Hour)
	r.api.key.Domains, r.api.key.Products = []string{"a.example", "b.example"}, []string{"map-display"}
	r.api.on("PATCH /v1"+keyPath, func(w http.ResponseWriter, q *http.Request, _ []byte) bool {
		if q.Header.Get("If-Match") != `"3"` && r.api.key.Version == 3 || q.Header.Get("If-Match") != `"4"` && r.api.key.Version == 4 {
			problem(w, http.StatusPreconditionFailed, "version_stale")
			return true
		}
		reply(w, 200, r.api.key)
		return true
	})
	r.signIn("owner")
	return r, formAt(t, r.get(keyPath+"/edit").doc)
}

// formAt is the form to edit the key, as a browser would send it untouched.
func formAt(t *testing.T, doc *html.Node) url.Values {
	t.Helper()
	for _, f := range forms(doc) {
		if f.action == keyPath+"/edit" {
			return f.values()
		}
	}
	t.Fatalf("no form: %s", text(doc))
	return nil
}

// theirChange changes the key as somebody else does.
func theirChange(r *harness, change func(*api.KeyWithSecret)) {
	r.api.mu.Lock()
	defer r.api.mu.Unlock()
	change(&r.api.key)
	r.api.key.Version++
}

// TestAConflictShowsBothVersions: what somebody else has changed meanwhile stands beside what was typed. Saving anyway keeps what was typed
// where both have changed it, and theirs where only they have.
func TestAConflictShowsBothVersions(t *testing.T) {
	at := time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		mine   url.Values
		theirs func(*api.KeyWithSecret)
		rows   []string       // field, theirs, yours
		sent   map[string]any // by saving anyway
		absent []string
	}{
		"both the name": {
			url.Values{"name": {"Mine"}},
			func(k *api.KeyWithSecret) { k.Name = "Theirs" },
			[]string{"Name Theirs Mine"},
			map[string]any{"name": "Mine"},
			nil,
		},
		"they the name, I the domains": {
			url.Values{"domains": {"a.example\nc.example"}},
			func(k *api.KeyWithSecret) { k.Name = "Theirs" },
			[]string{"Name Theirs Not edited: their version is kept"},
			map[string]any{"name": "Theirs", "domains": []any{"a.example", "c.example"}},
			nil,
		},
		"they what isn't on the form": {
			url.Values{"name": {"Mine"}},
			func(k *api.KeyWithSecret) { k.Disabled = true },
			nil,
			map[string]any{"name": "Mine"},
			nil,
		},
		"they everything": {
			url.Values{"name": {"Mine"}},
			func(k *api.KeyWithSecret) {
				k.Domains, k.Products, k.HeaderOnly, k.ExpiresAt, k.Usage, k.MissingOrigin = []string{"z.example"}, []string{"search"}, true, ptr(moment.Of(at)), api.Backend, api.Allow
			},
			[]string{
				"Domains z.example Not edited: their version is kept", "Expires 2 Jan 2027 Not edited: their version is kept", "Header only Yes Not edited: their version is kept",
				"Requests without Origin or Referer Allowed Not edited: their version is kept", "Products Search API Not edited: their version is kept", "Use Back end Not edited: their version is kept",
			},
			map[string]any{"name": "Mine", "domains": []any{"z.example"}, "products": []any{"search"}, "header_only": true, "usage": "backend"},
			[]string{"expires_at", "missing_origin"},
		},
		"both everything": {
			url.Values{"domains": {""}, "products": {"search"}, "usage": {"mobile"}, "expires_at": {"2028-03-04"}, "header_only": {"on"}},
			func(k *api.KeyWithSecret) {
				k.Domains, k.Products, k.ExpiresAt, k.Usage = []string{"z.example"}, []string{"map-display", "search"}, ptr(moment.Of(at)), api.Backend
			},
			[]string{"Domains z.example –", "Expires 2 Jan 2027 4 Mar 2028", "Products Map Display API, Search API Search API", "Use Back end Mobile"},
			map[string]any{"domains": []any{}, "products": []any{"search"}, "usage": "mobile", "expires_at": "2028-03-04T00:00:00Z", "header_only": true},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, form := editing(t)
			for field, values := range c.mine {
				form[field] = values
			}
			theirChange(r, c.theirs)
			page := r.post(keyPath+"/edit", form)
			shown := text(page.doc)
			if page.StatusCode != http.StatusPreconditionFailed || !strings.Contains(shown, "Someone else changed this key") || !strings.Contains(shown, "Save anyway") || !strings.Contains(shown, "Discard my changes") {
				t.Fatalf("%d: %s", page.StatusCode, shown)
			}
			if got := conflictRows(page.doc); !slices.Equal(got, c.rows) {
				t.Errorf("shown %q, want %q", got, c.rows)
			}
			saved := r.post(keyPath+"/edit", formAt(t, page.doc))
			if saved.StatusCode != 200 || saved.Request.URL.Path != keyPath {
				t.Fatalf("saving anyway: %d: %s", saved.StatusCode, text(saved.doc))
			}
			made := r.api.seen("PATCH /v1" + keyPath)
			var sent, after map[string]any
			_ = json.Unmarshal([]byte(made[len(made)-1].body), &sent)
			stored, _ := json.Marshal(r.api.key)
			_ = json.Unmarshal(stored, &after)
			maps.Copy(after, sent) // what is as they have it needn't be sent
			for member, want := range c.sent {
				one, _ := json.Marshal(after[member])
				if two, _ := json.Marshal(want); string(one) != string(two) {
					t.Errorf("%s is sent as %s, want %s", member, one, two)
				}
			}
			for _, member := range c.absent {
				if value, there := sent[member]; there {
					t.Errorf("%s is sent as %v", member, value)
				}
			}
		})
	}
}

func conflictRows(doc *html.Node) (rows []string) {
	elements(doc, func(n *html.Node) {
		if n.Data != "table" || !strings.HasPrefix(strings.TrimSpace(text(n)), "Someone else changed") {
			return
		}
		elements(n, func(tr *html.Node) {
			if tr.Data != "tr" {
				return
			}
			var cells []string
			elements(tr, func(cell *html.Node) {
				if cell.Data == "td" || cell.Data == "th" && attr(cell, "scope") == "row" {
					cells = append(cells, strings.TrimSpace(text(cell)))
				}
			})
			if len(cells) > 0 {
				rows = append(rows, strings.Join(cells, " "))
			}
		})
	})
	return rows
}

// TestAThirdPersonIsNotOverwritten: who saves anyway was shown one version, and a later one is a conflict of its own.
func TestAThirdPersonIsNotOverwritten(t *testing.T) {
	r, form := editing(t)
	form.Set("name", "Mine")
	theirChange(r, func(k *api.KeyWithSecret) { k.Name = "Theirs" })
	first := r.post(keyPath+"/edit", form)
	theirChange(r, func(k *api.KeyWithSecret) { k.Name, k.Version = "Third", 7 })
	r.api.on("PATCH /v1"+keyPath, func(w http.ResponseWriter, q *http.Request, _ []byte) bool {
		if q.Header.Get("If-Match") == `"8"` {
			reply(w, 200, r.api.key)
		} else {
			problem(w, http.StatusPreconditionFailed, "version_stale")
		}
		return true
	})
	second := r.post(keyPath+"/edit", formAt(t, first.doc))
	if got := conflictRows(second.doc); second.StatusCode != http.StatusPreconditionFailed || !slices.Equal(got, []string{"Name Third Mine"}) {
		t.Errorf("%d: %q", second.StatusCode, got)
	}
}

// TestAFormOfTheReleaseBeforeStillShowsAConflict: it doesn't say how it began, so what differs is shown, and nothing is taken over.
func TestAFormOfTheReleaseBeforeStillShowsAConflict(t *testing.T) {
	r, form := editing(t)
	form.Set("name", "Mine")
	for _, was := range []string{"", "{", "[]", `{"name":"x"}`} {
		r.api.key.Version, r.api.key.Name = 3, "Site"
		theirChange(r, func(k *api.KeyWithSecret) { k.Name = "Theirs" })
		form.Set("was", was)
		page := r.post(keyPath+"/edit", form)
		if got := conflictRows(page.doc); page.StatusCode != http.StatusPreconditionFailed || !slices.Equal(got, []string{"Name Theirs Mine"}) {
			t.Errorf("%q: %d: %q", was, page.StatusCode, got)
		}
	}
}
