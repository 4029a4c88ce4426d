package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/shared/api"
)

// settling are the forms about a part of a key: what somebody else may do to that part, and what is then shown and sent.
var settling = map[string]struct {
	mine   url.Values
	theirs func(*api.KeyWithSecret)
	rows   []string // field, theirs, yours
	sent   string   // by saving anyway
}{
	"/policy": {
		url.Values{"every_days": {"60"}},
		func(k *api.KeyWithSecret) {
			k.RotationPolicy = &api.RotationPolicy{EveryDays: 30, NotifyDaysBefore: 5, Principal: k.RotationPolicy.Principal}
		},
		[]string{"Rotation interval (days) 30 60", "Announce in the audit trail (days in advance) 5 Not edited: their version is kept"},
		`{"every_days":60,"notify_days_before":5,"principal":"arn:aws:iam::123456789012:role/x"}`,
	},
	"/limits/map-display": {
		url.Values{"qps": {"4"}},
		func(k *api.KeyWithSecret) { k.Limits[0].Qps = 8 },
		[]string{"Requests per second 8 4"},
		`{"qps":4}`,
	},
	"/quotas/tiles": {
		url.Values{"day": {"400"}},
		func(k *api.KeyWithSecret) { k.Quotas = []api.KeyQuota{{Group: "tiles", Day: 800}} },
		[]string{"Daily cap 800 400"},
		`{"day":400}`,
	},
	"/propose": {
		url.Values{"domains": {"mine.example"}},
		func(k *api.KeyWithSecret) {
			k.Proposed = &api.Proposal{Domains: &[]string{"theirs.example"}, Since: k.CreatedAt}
		},
		[]string{"Domains theirs.example mine.example"},
		`{"domains":["mine.example"]}`,
	},
}

// openPart opens a form and returns it with what was typed. The API refuses what names another version than the key has.
func openPart(t *testing.T, part string, typed url.Values) (*walker, url.Values) {
	t.Helper()
	w := newWalker(t, "owner")
	w.state(func(_ *api.Me, k *api.KeyWithSecret) {
		k.RotationPolicy = &api.RotationPolicy{EveryDays: 90, NotifyDaysBefore: 7, Principal: ptr("arn:aws:iam::123456789012:role/x")}
		k.Limits = slices.Clone(k.Limits)
		k.Limits[0].FreeQps = 10
	})
	w.answerWrites(func(out http.ResponseWriter, r *http.Request) {
		w.api.mu.Lock()
		version := w.api.key.Version
		w.api.mu.Unlock()
		if r.Header.Get("If-Match") != fmt.Sprintf(`"%d"`, version) {
			problem(out, http.StatusPreconditionFailed, "version_stale")
			return
		}
		reply(out, 200, w.api.key)
	})
	return w, w.partOf(w.ask(http.MethodGet, keyPath+part, nil), part, typed)
}

// partOf is the form for a part of the key that a page has, with what was typed.
func (w *walker) partOf(page answered, part string, typed url.Values) url.Values {
	w.t.Helper()
	for _, f := range forms(page.doc) {
		if f.action == keyPath+part {
			form := f.values()
			for name, values := range typed {
				form[name] = values
			}
			return form
		}
	}
	w.t.Fatalf("%s: no form: %s", part, text(page.doc))
	return nil
}

func rowsOf(doc *html.Node) (rows []string) {
	elements(doc, func(n *html.Node) {
		if n.Data == "tr" && n.Parent.Data == "tbody" {
			cells := []string{}
			for cell := n.FirstChild; cell != nil; cell = cell.NextSibling {
				cells = append(cells, strings.Fields(text(cell))...)
			}
			rows = append(rows, strings.Join(cells, " "))
		}
	})
	slices.Sort(rows)
	return rows
}

// TestAFormForAPartOfAKeyOverwritesNobodyUnseen: what somebody else has changed of that part is shown beside what was typed, and
// saving anyway sends what was typed, and theirs where nothing was.
func TestAFormForAPartOfAKeyOverwritesNobodyUnseen(t *testing.T) {
	for part, c := range settling {
		w, form := openPart(t, part, c.mine)
		w.state(func(_ *api.Me, k *api.KeyWithSecret) { c.theirs(k); k.Version++ })
		w.forget()
		shown := w.ask(http.MethodPost, keyPath+part, form)
		slices.Sort(c.rows)
		if got := rowsOf(shown.doc); shown.StatusCode != http.StatusPreconditionFailed || !slices.Equal(got, c.rows) || len(w.writes()) > 0 {
			t.Errorf("%s: %d %q, want %q; it wrote %s", part, shown.StatusCode, got, c.rows, describe(w.writes()))
		}
		if !strings.Contains(text(shown.doc), "Save anyway") {
			t.Errorf("%s: it can't be saved anyway: %s", part, text(shown.doc))
		}
		saved := w.ask(http.MethodPost, keyPath+part, w.partOf(shown, part, nil))
		if got := w.writes(); saved.StatusCode != http.StatusSeeOther || len(got) != 1 || got[0].body != c.sent {
			t.Errorf("%s: saving anyway: %d, %s", part, saved.StatusCode, describe(got))
		}
	}
}

// TestAnotherPartOfTheKeyDoesNotMatter: neither before the form is sent, nor while it is.
func TestAnotherPartOfTheKeyDoesNotMatter(t *testing.T) {
	for part, c := range settling {
		w, form := openPart(t, part, c.mine)
		w.state(func(_ *api.Me, k *api.KeyWithSecret) { k.Name, k.Version = "Other", k.Version+1 })
		late := w.api.write
		once := true
		w.answerWrites(func(out http.ResponseWriter, r *http.Request) {
			if once {
				once = false
				w.state(func(_ *api.Me, k *api.KeyWithSecret) { k.Disabled, k.Version = true, k.Version+1 })
			}
			late(out, r)
		})
		w.forget()
		answer := w.ask(http.MethodPost, keyPath+part, form)
		if got := w.writes(); answer.StatusCode != http.StatusSeeOther || len(got) != 2 {
			t.Errorf("%s: %d after %s", part, answer.StatusCode, describe(got))
		}
	}
}

// TestAFormOfTheReleaseBeforeIsTakenAsItIs: it doesn't say how it began.
func TestAFormOfTheReleaseBeforeIsTakenAsItIs(t *testing.T) {
	for part, c := range settling {
		w, form := openPart(t, part, c.mine)
		form.Del("was")
		w.state(func(_ *api.Me, k *api.KeyWithSecret) { c.theirs(k); k.Version++ })
		if answer := w.ask(http.MethodPost, keyPath+part, form); answer.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %d", part, answer.StatusCode)
		}
	}
}
