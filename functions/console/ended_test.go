package main

import (
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

// formsOfKey are the pages of a key that are a form to change it.
func (w *walker) formsOfKey() (list []string) {
	for _, pattern := range w.routes(http.MethodGet) {
		_, form := needs[pattern]
		if form && strings.HasPrefix(pattern, "/accounts/{account}/keys/{key}/") && !strings.HasSuffix(pattern, "/try") {
			list = append(list, pattern)
		}
	}
	return list
}

// offered are the forms and buttons of a page that would change the key.
func (w *walker) offered(doc *html.Node) (list []string) {
	at := w.fill("/accounts/{account}/keys/{key}/")
	elements(doc, func(n *html.Node) {
		for _, name := range []string{"action", "href"} {
			if below, ok := strings.CutPrefix(attr(n, name), at); ok {
				list = append(list, below)
			}
		}
	})
	return list
}

// TestAnEndedKeyHasNoForm that the API would refuse: each says what became of the key, whether it is opened or was open meanwhile, and offers
// an owner to restore one that is deleted.
func TestAnEndedKeyHasNoForm(t *testing.T) {
	w := newWalker(t, "owner")
	ends := map[api.Status]func(*api.KeyWithSecret){
		api.Revoked: func(k *api.KeyWithSecret) { k.Status, k.RevokedAt = api.Revoked, ptr(moment.Of(then)) },
		api.Deleted: func(k *api.KeyWithSecret) { k.Status, k.DeletedAt = api.Deleted, ptr(moment.Of(then)) },
	}
	possible := map[api.Status]string{api.Revoked: "delete", api.Deleted: "restore"}
	says := map[api.Status]string{api.Revoked: "Revoked 3 Aug 2026", api.Deleted: "Deleted 3 Aug 2026"}
	pages := w.formsOfKey()
	if len(pages) < 17 {
		t.Fatalf("only %d forms", len(pages))
	}
	var plain api.KeyWithSecret
	w.state(func(_ *api.Me, k *api.KeyWithSecret) {
		k.RotationPolicy, k.Recoverable = &api.RotationPolicy{EveryDays: 30, NotifyDaysBefore: 3}, true
		plain = *k
	})
	for status, end := range ends {
		offers := []string(nil)
		if status == api.Deleted {
			offers = []string{"restore"}
		}
		for _, pattern := range pages {
			w.state(func(_ *api.Me, k *api.KeyWithSecret) { *k = plain })
			typed := url.Values{}
			for _, one := range forms(w.ask(http.MethodGet, w.page(pattern), nil).doc) {
				if w.pattern(http.MethodPost, one.action) == "POST "+pattern {
					typed = one.values()
				}
			}
			w.state(func(_ *api.Me, k *api.KeyWithSecret) { end(k) })
			opened := w.ask(http.MethodGet, w.page(pattern), nil)
			if strings.HasSuffix(pattern, "/"+possible[status]) {
				if got := w.offered(opened.doc); !slices.Equal(got, []string{possible[status]}) {
					t.Errorf("%s of a key that is %s offers %q", pattern, status, got)
				}
				continue
			}
			if got := w.offered(opened.doc); opened.StatusCode != http.StatusOK || !strings.Contains(text(opened.doc), says[status]) || !slices.Equal(got, offers) || strings.Contains(text(opened.doc), "changed nothing") {
				t.Errorf("%s of a key that is %s: %d, offers %q: %s", pattern, status, opened.StatusCode, got, text(opened.doc))
			}
			for code, answer := range map[string]int{"key_" + string(status): http.StatusConflict, "version_stale": http.StatusPreconditionFailed} {
				w.refuse(answer, code)
				sent := w.ask(http.MethodPost, w.page(pattern), typed)
				if sent.Header.Get("Location") == w.fill("/accounts/{account}/keys/{key}") {
					continue // what it asks for is so already
				}
				if got := w.offered(sent.doc); sent.StatusCode != http.StatusConflict || !strings.Contains(text(sent.doc), says[status]) || !strings.Contains(text(sent.doc), "changed nothing") || !slices.Equal(got, offers) {
					t.Errorf("%s, refused as %s, of a key that is %s: %d, offers %q: %s", pattern, code, status, sent.StatusCode, got, text(sent.doc))
				}
			}
		}
	}
}

// TestADeveloperRestoresNothing: only owners do.
func TestADeveloperRestoresNothing(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, k *api.KeyWithSecret) {
		me.Accounts[0].Role, k.Status, k.DeletedAt = api.Developer, api.Deleted, ptr(moment.Of(then))
	})
	page := w.ask(http.MethodGet, w.page("/accounts/{account}/keys/{key}/edit"), nil)
	if got := w.offered(page.doc); len(got) > 0 || !strings.Contains(text(page.doc), "An owner can restore it until") {
		t.Errorf("offers %q: %s", got, text(page.doc))
	}
}

// TestANewEndOfAnExpiredKeyIsNoConflictWithItself: the form was carried out, its answer was lost, and it is sent again.
func TestANewEndOfAnExpiredKeyIsNoConflictWithItself(t *testing.T) {
	r, _ := editing(t)
	r.api.key.Status, r.api.key.ExpiresAt = api.Expired, ptr(moment.Of(then))
	form, later := formAt(t, r.get(keyPath+"/edit").doc), then.AddDate(1, 0, 0)
	form.Set("expires_at", later.Format(time.DateOnly))
	theirChange(r, func(k *api.KeyWithSecret) {
		k.Status, k.ExpiresAt = api.Active, ptr(moment.Of(time.Date(later.Year(), later.Month(), later.Day(), 0, 0, 0, 0, time.UTC)))
	})
	if page := r.post(keyPath+"/edit", form); page.StatusCode != http.StatusOK || page.Request.URL.Path != keyPath {
		t.Errorf("%d at %s: %s", page.StatusCode, page.Request.URL, text(page.doc))
	}
}

// TestAConflictSaysThatTheKeyWasBlocked, with the operator's reason, and that it was disabled: what is saved is of no use until that ends.
func TestAConflictSaysThatTheKeyWasBlocked(t *testing.T) {
	for status, c := range map[api.Status]struct {
		change    func(*api.KeyWithSecret)
		row, says string
	}{
		api.Blocked: {func(k *api.KeyWithSecret) {
			k.Status, k.Blocked = api.Blocked, &api.Block{Reason: "Scraping", At: moment.Of(then)}
		}, "Status Blocked Not edited: their version is kept", "Reason: Scraping"},
		api.Disabled: {func(k *api.KeyWithSecret) { k.Status, k.Disabled = api.Disabled, true }, "Status Disabled Not edited: their version is kept", ""},
	} {
		r, form := editing(t)
		form.Set("name", "Mine")
		theirChange(r, c.change)
		page := r.post(keyPath+"/edit", form)
		if got := conflictRows(page.doc); page.StatusCode != http.StatusPreconditionFailed || !slices.Equal(got, []string{c.row}) || !strings.Contains(text(page.doc), c.says) {
			t.Errorf("%s: %d, %q: %s", status, page.StatusCode, got, text(page.doc))
		}
		if saved := r.post(keyPath+"/edit", formAt(t, page.doc)); saved.StatusCode != http.StatusOK || saved.Request.URL.Path != keyPath {
			t.Errorf("%s: saving anyway: %d: %s", status, saved.StatusCode, text(saved.doc))
		}
	}
}
