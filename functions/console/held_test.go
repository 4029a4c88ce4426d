package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// holds are the facts by which a key lets no call through, each with what is said of it.
var holds = map[string]struct {
	set  func(*api.Key)
	says string
}{
	"blocked": {func(k *api.Key) { k.Blocked = &api.Block{Reason: "Abuse", At: moment.Of(then)} }, "The key still won’t work: an operator has blocked it."},
	"expired": {func(k *api.Key) { k.ExpiresAt = ptr(moment.Of(time.Unix(0, 0))) }, "The key still won’t work: it has expired."},
	"exposed": {func(k *api.Key) {
		k.ExposedAt = ptr(moment.Of(then))
		k.Exposures = []api.Exposure{{Secret: "current", Refused: true, RefusedAt: k.ExposedAt, ExposedAt: *k.ExposedAt, Source: "github"}}
	}, "The key still won’t work: its secret is exposed and refused."},
	"disabled": {func(k *api.Key) { k.Disabled = true }, "The key still won’t work: your team has disabled it."},
}

// holding is a walker whose key some facts hold, in an account that may be suspended.
func holding(t *testing.T, suspended bool, by ...string) *walker {
	t.Helper()
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, k *api.KeyWithSecret) {
		if me.Accounts = slices.Clone(me.Accounts); suspended {
			me.Accounts[0].Suspended = &api.Suspension{Reason: "Unpaid"}
		}
		for _, one := range by {
			holds[one].set(&k.Key)
		}
	})
	return w
}

// TestNoDialogPromisesThatAHeldKeyWorks: one that takes away what holds a key names what else does, and says so too where the account is suspended.
func TestNoDialogPromisesThatAHeldKeyWorks(t *testing.T) {
	for act, lifts := range map[string]string{"/enable": "disabled", "/lift-exposure": "exposed"} {
		for other, c := range holds {
			if other == lifts {
				continue
			}
			for _, suspended := range []bool{true, false} {
				got := text(holding(t, suspended, lifts, other).ask(http.MethodGet, keyPath+act, nil).doc)
				if !strings.Contains(got, c.says) || strings.Contains(got, "within 10 seconds") || strings.Contains(got, "when the suspension ends") {
					t.Errorf("%s of a key that is %s too, suspended: %t: %s", act, other, suspended, got)
				}
			}
		}
		for suspended, want := range map[bool]string{true: "works again when the suspension ends", false: "works again within 10 seconds"} {
			if got := text(holding(t, suspended, lifts).ask(http.MethodGet, keyPath+act, nil).doc); !strings.Contains(got, want) {
				t.Errorf("%s of a key that nothing else holds, suspended: %t: %s", act, suspended, got)
			}
		}
	}
}

// TestNothingSaysThatAHeldKeyStopsWorking: it doesn't work already, or the secret that is allowed again does not yet.
func TestNothingSaysThatAHeldKeyStopsWorking(t *testing.T) {
	notices := map[string]string{"disable": "The key is disabled.", "revoke": "The key is revoked.", "lifted": "The secret is allowed."}
	for by := range holds {
		w := holding(t, false, by)
		for _, act := range []string{"/disable", "/revoke", "/delete"} {
			if got := text(w.ask(http.MethodGet, keyPath+act, nil).doc); by != "disabled" && strings.Contains(got, "within 10 seconds") {
				t.Errorf("%s of a key that is %s: %s", act, by, got)
			}
		}
	}
	for notice, want := range notices {
		for _, by := range []string{"blocked", "expired", ""} {
			s := newStage(t)
			set := ofKey(func(k *api.Key) {
				if k.Disabled = notice == "disable"; by != "" {
					holds[by].set(k)
				}
			})
			got := text(s.take(shot{name: notice, as: "owner", target: "/accounts/" + account + "/keys/" + keyID, note: &note{Notice: notice}, set: set}).doc)
			if promises := strings.Contains(got, "within 10 seconds"); promises != (by == "") || !promises && !strings.Contains(got, want) {
				t.Errorf("%s of a key held by %q: %s", notice, by, got)
			}
		}
	}
}

// TestAnExpiredKeySaysHowItWorksAgain, whatever else holds it: with a link to the field of the form, for those who may send that.
func TestAnExpiredKeySaysHowItWorksAgain(t *testing.T) {
	for status, by := range map[api.Status]string{api.Expired: "", api.Disabled: "disabled", api.Blocked: "blocked"} {
		for role, may := range map[api.Role]bool{api.Owner: true, api.Developer: true, api.Viewer: false} {
			w := holding(t, false, slices.DeleteFunc([]string{"expired", by}, func(s string) bool { return s == "" })...)
			w.state(func(me *api.Me, k *api.KeyWithSecret) { me.Accounts[0].Role, k.Status = role, status })
			page := w.ask(http.MethodGet, keyPath, nil)
			if !strings.Contains(text(page.doc), "can set a later expiry date") || (links(page.doc)["Change the expiry date"] == keyPath+"/edit#f-expires_at") != may {
				t.Errorf("%s, to a %s: %v", status, role, links(page.doc))
			}
		}
	}
}

// TestTheMenuOfAKeyLeadsElsewhere: not to the page that it is on, nor where a button beside it does.
func TestTheMenuOfAKeyLeadsElsewhere(t *testing.T) {
	w := newWalker(t, "owner")
	w.inEachState(func(state string) {
		page := w.ask(http.MethodGet, keyPath, nil).doc
		beside, menu := map[string]bool{keyPath: true}, 0
		elements(first(page, "head"), func(n *html.Node) {
			if n.Data == "a" && strings.HasPrefix(attr(n, "class"), "button") {
				beside[attr(n, "href")] = true
			}
		})
		elements(first(page, "head"), func(n *html.Node) {
			if n.Data == "a" && n.Parent.Data == "li" {
				if menu++; beside[attr(n, "href")] {
					t.Errorf("%s: the menu leads to %s", state, attr(n, "href"))
				}
			}
		})
		if menu < 2 {
			t.Errorf("%s: the menu has %d links", state, menu)
		}
	})
}
