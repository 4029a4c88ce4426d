package main

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// TestEveryDateThatIsTypedSaysWhenItsDayBegins, in each language.
func TestEveryDateThatIsTypedSaysWhenItsDayBegins(t *testing.T) {
	hints := regexp.MustCompile(`"hint" \(t "([a-z_.]+)"\) "type" "date"`).FindAllStringSubmatch(sources(t), -1)
	if len(hints) == 0 {
		t.Fatal("no field takes a date")
	}
	for _, tag := range []string{"en", "fr", "ar"} {
		texts, err := catalogueOf(tag)
		if err != nil {
			t.Fatal(err)
		}
		for _, hint := range hints {
			if text := fmt.Sprint(texts[hint[1]]); !strings.Contains(text, "UTC") {
				t.Errorf("%s, %s: %q", tag, hint[1], text)
			}
		}
	}
}

// TestALongListIsCalledByWhatItHas.
func TestALongListIsCalledByWhatItHas(t *testing.T) {
	w := newWalker(t, "owner")
	list := func(form string) (all []string) {
		for i := range 9 {
			all = append(all, fmt.Sprintf(form, i))
		}
		return all
	}
	domains, networks := list("d%d.example"), list("192.0.2.%d/32")
	var apps []api.App
	for _, id := range list("com.example.a%d") {
		apps = append(apps, api.App{Platform: "ios", BundleId: &id})
	}
	w.state(func(_ *api.Me, k *api.KeyWithSecret) {
		k.Domains, k.Networks, k.Apps = domains, networks, apps
		k.Proposed = &api.Proposal{Since: moment.Of(then), Domains: &domains, Networks: &networks, Apps: &apps}
		k.PendingPaths = []api.PendingPaths{{Product: "map-display", Paths: list("/map/%d/")}}
	})
	var got []string
	elements(w.ask(http.MethodGet, keyPath, nil).doc, func(n *html.Node) {
		if said := text(n); n.Data == "summary" && strings.HasPrefix(said, "Show all 9") {
			got = append(got, strings.TrimPrefix(said, "Show all 9 "))
		}
	})
	if want := []string{"paths", "domains", "networks", "apps", "domains", "networks", "apps"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestWhatSupportCanHelpWithLeadsThere: a suspended account, and each refusal whose text names support.
func TestWhatSupportCanHelpWithLeadsThere(t *testing.T) {
	w := newWalker(t, "owner")
	w.rebrand(otherBrand)
	w.state(func(me *api.Me, _ *api.KeyWithSecret) {
		me.Accounts[0].Suspended = &api.Suspension{Reason: "Unpaid", At: moment.Of(then)}
	})
	if links := contacts(w.ask(http.MethodGet, "/accounts/"+account+"/usage", nil)); !slices.Equal(links, []string{"https://tmaps.example/help?form=keys&ref=" + account}) {
		t.Errorf("a suspended account: %v", links)
	}
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Accounts[0].Suspended = nil })
	english, err := catalogueOf("en")
	if err != nil {
		t.Fatal(err)
	}
	naming := map[string]bool{}
	for key, said := range english {
		if code, ok := strings.CutPrefix(key, "problem."); ok && strings.Contains(strings.ToLower(fmt.Sprint(said)), "support") {
			naming[code] = true
		}
	}
	if !maps.Equal(naming, supported) {
		t.Errorf("the texts of %v name support, the page leads there for %v", naming, supported)
	}
	for code := range supported {
		w.refuse(http.StatusConflict, code)
		for target, ref := range map[string]string{"/accounts/" + account + "/keys/new": account, "/accounts": "api-request-1"} {
			page := w.ask(http.MethodPost, target, url.Values{"name": {"Other"}, "was": {account}})
			if links := contacts(page); len(links) != 1 || !strings.HasSuffix(links[0], "&ref="+ref) {
				t.Errorf("%s at %s: %d, %v", code, target, page.StatusCode, links)
			}
		}
	}
}

// actionsOfOperators are those whose rows belong to no account.
var actionsOfOperators = []string{
	"operator.add", "operator.change", "operator.remove", "operator.list", "person.erase", "person.end_sessions", "statement.close", "catalogue.change",
}

// TestEveryActionOfATrailCanBeSelected by what it is about.
func TestEveryActionOfATrailCanBeSelected(t *testing.T) {
	english, err := catalogueOf("en")
	if err != nil {
		t.Fatal(err)
	}
	for key := range english {
		action, ok := strings.CutPrefix(key, "action.")
		if !ok {
			continue
		}
		group, _, _ := strings.Cut(action, ".")
		groups := accountGroups
		if slices.Contains(actionsOfOperators, action) {
			groups = operatorGroups
		}
		if !slices.Contains(groups, group) {
			t.Errorf("%s can't be selected among %q", action, groups)
		}
	}
	for _, group := range append(slices.Clone(operatorGroups), accountGroups...) {
		if _, ok := english["audit.about."+group]; !ok {
			t.Errorf("%s has no name", group)
		}
	}
}

// TestUndoOfADomainsChangeComesBackToTheDomain, with the same keys.
func TestUndoOfADomainsChangeComesBackToTheDomain(t *testing.T) {
	s := newStage(t)
	domains := "/accounts/" + account + "/domains/"
	done := api.DomainChanges{Domain: "one.example", Results: []api.DomainChange{{KeyId: keyID, Name: "Shop", Result: api.DomainChangeResultChanged}}}
	for what, back := range map[string]string{"link": "unlink", "unlink": "link"} {
		changed := outcomeIn(done.Results, map[string]string{"link": "domain", "unlink": "undomain"}[what], done.Domain, nil)
		page := s.take(shot{name: what, as: "owner", target: domains + "one?domain=one.example", note: &note{Path: domains + "one", Keys: changed}})
		i := slices.IndexFunc(forms(page.doc), func(f formOf) bool {
			return strings.Contains(f.action, "/domains/") || strings.Contains(f.action, "/selected/")
		})
		undo := forms(page.doc)[i]
		if want := (url.Values{"domain": {"one.example"}, "keys": {keyID}}).Encode(); undo.action != domains+back || undo.values().Encode() != want {
			t.Errorf("%s is undone at %s by %v", what, undo.action, undo.values())
		}
	}
}

// TestARepairComesBackToThePageThatOfferedIt: Usage with its range, or else the key's page.
func TestARepairComesBackToThePageThatOfferedIt(t *testing.T) {
	usage := "/accounts/" + account + "/usage?key=" + keyID + "&range=7d"
	for from, want := range map[string]string{
		"https://console.example" + usage: usage, "https://console.example" + keyPath: keyPath, "": keyPath, "https://evil.example" + usage: keyPath,
		"https://console.example/accounts/acc_02/usage?range=7d": keyPath,
	} {
		w := newWalker(t, "owner")
		w.accept()
		got := w.ask(http.MethodPost, keyPath+"/repair", url.Values{"domain": {"new.example"}}, "Referer", from)
		if at := got.Header.Get("Location"); got.StatusCode != http.StatusSeeOther || at != want {
			t.Errorf("from %s: %d, %s", from, got.StatusCode, at)
		}
	}
}

// TestANewSecretSaysWhetherTheOldOneStillWorks: nobody waits for the end of one that is over.
func TestANewSecretSaysWhetherTheOldOneStillWorks(t *testing.T) {
	for _, recoverable := range []bool{true, false} {
		for name, c := range map[string]struct {
			ends *time.Duration
			over bool
		}{"in an hour": {ptr(time.Hour), false}, "at once": {ptr(time.Duration(0)), true}, "there was none": {nil, true}} {
			w := newWalker(t, "owner")
			w.answerWrites(func(out http.ResponseWriter, _ *http.Request) {
				k := api.KeyWithSecret{Key: fullKey(), Secret: ptr(secret)}
				if k.Recoverable, k.PreviousPreview, k.PreviousSecretExpiresAt = recoverable, nil, nil; c.ends != nil {
					k.PreviousPreview, k.PreviousSecretExpiresAt = ptr("ak_pRev…1111"), ptr(moment.Of(w.app.now().Add(*c.ends)))
				}
				reply(out, 200, k)
			})
			for target, form := range map[string]url.Values{
				keyPath + "/rotate": {"reason": {"leaked"}, "grace_seconds": {"0"}, "idempotency": {"once"}},
				"/accounts/" + account + "/keys/selected/rotate": {"reason": {"leaked"}, "grace_seconds": {"0"}, "idempotency": {"once"}, "key": {keyID}},
			} {
				said := text(w.ask(http.MethodPost, target, form).doc)
				if over, waits := strings.Contains(said, "no longer work"), strings.Contains(said, "before the old secret"); over != c.over || waits == c.over {
					t.Errorf("%s, %s, kept: %t: %s", target, name, recoverable, said)
				}
			}
		}
	}
}

// TestAListThatIsCutSaysSo.
func TestAListThatIsCutSaysSo(t *testing.T) {
	for _, cut := range []bool{true, false} {
		w := newWalker(t, "owner")
		w.api.on("GET /v1/accounts/"+account+"/members", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			list := api.MemberList{Members: []api.Member{{Subject: "owner", Role: api.Owner}}}
			if cut {
				list.NextPageToken = ptr("more")
			}
			reply(out, 200, list)
			return true
		})
		page := w.ask(http.MethodGet, "/accounts/"+account+"/account", nil)
		if says := strings.Contains(text(page.doc), "has more than 500 entries"); says != cut || page.StatusCode != http.StatusOK {
			t.Errorf("cut: %t, says: %t, %d", cut, says, page.StatusCode)
		}
	}
}

// TestAMenuOfAccountsThatIsCutSaysSo itself: the page's lists are whole.
func TestAMenuOfAccountsThatIsCutSaysSo(t *testing.T) {
	for _, cut := range []bool{true, false} {
		w := newWalker(t, "owner")
		w.api.on("GET /v1/me", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			me := api.Me{Accounts: []api.MyAccount{{Id: account, Name: "Own", Role: api.Owner}}}
			if cut {
				me.NextPageToken = ptr("more")
			}
			reply(out, 200, me)
			return true
		})
		page := w.ask(http.MethodGet, "/accounts/"+account+"/account", nil)
		menu := ""
		elements(page.doc, func(n *html.Node) {
			if attr(n, "id") == "accounts" {
				menu = text(n)
			}
		})
		if says := strings.Contains(menu, "Only the first 500 accounts are listed."); says != cut || strings.Contains(text(page.doc), "A list on this page") {
			t.Errorf("cut: %t, says: %t, %s", cut, says, text(page.doc))
		}
	}
}

// TestAFullChoiceOfLabelsSaysWhereOthersAre: the API tells of no more, and not whether there are more.
func TestAFullChoiceOfLabelsSaysWhereOthersAre(t *testing.T) {
	for n, full := range map[int]bool{mostLabels - 1: false, mostLabels: true} {
		w := newWalker(t, "owner")
		w.api.on("GET /v1/accounts/"+account+"/keys", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			var labels []api.LabelCount
			for i := range n {
				labels = append(labels, api.LabelCount{Name: fmt.Sprintf("l%02d", i), Keys: 1})
			}
			reply(out, 200, api.KeyList{Keys: []api.Key{fullKey()}, Labels: &labels})
			return true
		})
		page := w.ask(http.MethodGet, "/accounts/"+account+"/keys", nil)
		if says := strings.Contains(text(page.doc), "Up to 50 labels are listed. Search finds any other."); says != full {
			t.Errorf("%d labels: said: %t", n, says)
		}
	}
}

// TestARangeThatEndsBeforeItStartsIsAnErrorOfTheAuditTrail, as the page of usage says it: that nothing matches sounds as if nothing had happened.
func TestARangeThatEndsBeforeItStartsIsAnErrorOfTheAuditTrail(t *testing.T) {
	w := newWalker(t, "owner")
	const page = "/accounts/" + account + "/account/audit"
	for query, want := range map[string]bool{"?from=2026-08-05&to=2026-08-04": true, "?from=2026-08-04&to=2026-08-04": false, "?from=2026-08-04": false, "?from=nonsense&to=2026-08-04": false} {
		shown := w.get(page + query).text
		if got := strings.Contains(shown, "The range ends before it starts."); got != want {
			t.Errorf("%s: said: %v", query, got)
		}
		if want && strings.Contains(shown, "No activity matches") {
			t.Errorf("%s: it says that nothing matches", query)
		}
	}
}

// TestFiguresAreNoOlderThanTheirKey: calls of the account that were counted before the key was made say nothing of the key.
func TestFiguresAreNoOlderThanTheirKey(t *testing.T) {
	w := newWalker(t, "owner")
	made := w.api.key.CreatedAt.Time
	for after, want := range map[time.Duration]bool{-time.Minute: false, 0: true, time.Minute: true} {
		w.api.on("GET /v1"+keyPath+"/usage", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			reply(out, 200, api.Usage{FreshAt: ptr(moment.Of(made.Add(after)))})
			return true
		})
		if got := strings.Contains(w.get(keyPath).text, "data-age="); got != want {
			t.Errorf("counted up to %v after the key was made: said: %v", after, got)
		}
	}
}
