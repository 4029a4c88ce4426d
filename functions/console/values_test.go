package main

import (
	"encoding/json"
	"fmt"
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

func TestTheCatalogueIsKeptForFiveMinutes(t *testing.T) {
	w := newWalker(t, "owner")
	ahead := w.clock()
	for _, c := range []struct {
		at    time.Duration
		reads int
	}{{0, 1}, {time.Minute, 1}, {5*time.Minute - time.Second, 1}, {5*time.Minute + time.Second, 2}, {6 * time.Minute, 2}} {
		if *ahead = c.at; c.at == 0 {
			w.app.catalog.products.until = time.Time{}
			w.forget()
		}
		w.ask(http.MethodGet, "/accounts/"+account+"/keys", nil)
		if got := len(w.api.seen("GET /v1/products")); got != c.reads {
			t.Errorf("after %s: %d reads, want %d", c.at, got, c.reads)
		}
	}
}

func TestAKeyIsHintedAtForWhatItLacks(t *testing.T) {
	now := time.Date(2026, 8, 3, 14, 0, 0, 0, time.UTC)
	day := func(n int) *api.MaybeTime { return ptr(moment.Of(now.AddDate(0, 0, -n))) }
	for name, c := range map[string]struct {
		change func(*api.Key)
		want   string
	}{
		"nothing": {func(*api.Key) {}, ""}, "no restriction": {func(k *api.Key) { k.Domains = nil }, "unrestricted"},
		"a backend without domains": {func(k *api.Key) { k.Domains, k.Usage = nil, api.Backend }, ""},
		"not used for 89 days":      {func(k *api.Key) { k.LastUsedAt = day(89) }, ""},
		"not used for 90 days":      {func(k *api.Key) { k.LastUsedAt = day(90) }, "unused"},
		"never used, new":           {func(k *api.Key) { k.LastUsedAt, k.CreatedAt = nil, *day(89) }, ""},
		"never used, old":           {func(k *api.Key) { k.LastUsedAt, k.CreatedAt = nil, *day(90) }, "unused"},
		"a rotation due just now":   {func(k *api.Key) { k.RotationPolicy = &api.RotationPolicy{NextDueAt: day(0)} }, "rotation_due"},
		"a rotation that was due":   {func(k *api.Key) { k.RotationPolicy = &api.RotationPolicy{NextDueAt: day(1)} }, "rotation_due"},
		"paths to accept":           {func(k *api.Key) { k.PendingPaths = []api.PendingPaths{{}} }, "pending_paths"},
		"a rotation to come":        {func(k *api.Key) { k.RotationPolicy = &api.RotationPolicy{NextDueAt: day(-1)} }, ""},
		"a disabled one is left be": {func(k *api.Key) { k.Status, k.Domains = api.Disabled, nil }, ""},
		"everything at the same time": {func(k *api.Key) {
			k.Domains, k.LastUsedAt, k.RotationPolicy = nil, day(100), &api.RotationPolicy{NextDueAt: day(1)}
		}, "unrestricted unused rotation_due"},
	} {
		k := api.Key{Status: api.Active, Usage: api.Frontend, Domains: []string{"a.example"}, LastUsedAt: day(1), CreatedAt: *day(200)}
		c.change(&k)
		if got := strings.Join(hints(k, now), " "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestTheListSaysWhatHappensToAKey(t *testing.T) {
	w := newWalker(t, "")
	v := &visit{app: w.app, lang: w.app.langs.Offered()[0]}
	now := time.Date(2026, 8, 3, 14, 0, 0, 0, time.UTC)
	in := func(d time.Duration) *api.MaybeTime { return ptr(moment.Of(now.Add(d))) }
	for name, c := range map[string]struct {
		key  api.Key
		want string
	}{
		"nothing": {api.Key{}, ""}, "a rotation": {api.Key{PreviousPreview: ptr("ak_…")}, "Rotating"}, "one that was cancelled": {api.Key{PreviousPreview: ptr("ak_…"), RotationCancelled: true}, ""},
		"an expiry in 5 days": {api.Key{ExpiresAt: in(5 * 24 * time.Hour)}, "Expires in 5 days"}, "in 7 days": {api.Key{ExpiresAt: in(7 * 24 * time.Hour)}, "Expires in 7 days"},
		"later": {api.Key{ExpiresAt: in(7*24*time.Hour + time.Second)}, ""}, "both": {api.Key{PreviousPreview: ptr("ak_…"), ExpiresAt: in(2 * time.Hour)}, "Rotating, Expires in 2 hours"},
	} {
		c.key.Status = api.Active
		if got := strings.Join(v.chips(c.key, now), ", "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		c.key.Status = api.Disabled
		if got := v.chips(c.key, now); len(got) > 0 {
			t.Errorf("%s: a key that doesn't work says %q", name, got)
		}
	}
}

func TestRefusalsStandByHowOftenTheyWere(t *testing.T) {
	w := newWalker(t, "")
	v := &visit{app: w.app, lang: w.app.langs.Offered()[0]}
	var got []string
	for _, one := range v.refusals(map[string]int64{"allowed": 100, "key_expired": 5, "origin_missing": 9, "domain_not_allowed": 5, "key_revoked": 0, "not_known": 1}) {
		raw, _ := json.Marshal([]any{one.Code, one.N, one.Text != one.Code})
		got = append(got, string(raw))
	}
	if want := []string{`["origin_missing",9,true]`, `["domain_not_allowed",5,true]`, `["key_expired",5,true]`, `["not_known",1,false]`}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTheEvidenceIsWhatWasMeasured(t *testing.T) {
	w := newWalker(t, "owner")
	v := &visit{app: w.app, lang: w.app.langs.Offered()[0]}
	for peak, want := range map[float32]string{0: "0", 0.05: "<\u00a00.1", 0.1: "0.1", 0.84: "0.8", 12.36: "12.4", 1234: "1,234"} {
		if got := v.proof(&api.Evidence{PeakQps: &peak}).Peak; got != want {
			t.Errorf("%v is shown as %q, want %q", peak, got, want)
		}
	}
	if got := v.proof(&api.Evidence{}).Peak; got != "–" {
		t.Errorf("no peak is shown as %q", got)
	}
	// 48 calls in the busiest minute are 0.8 a second.
	page := w.ask(http.MethodGet, "/accounts/"+account+"/qps-requests/new?key="+keyID, nil)
	if whole := text(page.doc); !strings.Contains(whole, "0.8") || strings.Contains(whole, "48") {
		t.Errorf("the page says %s", whole)
	}
	for state, offered := range map[api.Status]bool{api.Active: true, api.Disabled: true, api.Blocked: true, api.Expired: true, api.Revoked: false, api.Deleted: false} {
		w.state(func(_ *api.Me, k *api.KeyWithSecret) { k.Status = state })
		if got := strings.Contains(w.ask(http.MethodGet, "/accounts/"+account+"/qps-requests/new", nil).text, `value="`+keyID+`"`); got != offered {
			t.Errorf("a key that is %s is offered: %v", state, got)
		}
	}
}

func TestADeletedKeyCanBeRestoredForThirtyDays(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(_ *api.Me, k *api.KeyWithSecret) { k.Status, k.DeletedAt = api.Deleted, ptr(moment.Of(then)) })
	if whole := text(w.ask(http.MethodGet, "/accounts/"+account+"/keys/"+keyID, nil).doc); !strings.Contains(whole, "2 Sept 2026") && !strings.Contains(whole, "2 Sep 2026") {
		t.Errorf("the page says %s", whole)
	}
}

func TestTheOnlyOwnerIsToldSo(t *testing.T) {
	w := newWalker(t, "owner")
	says := w.app.langs.Offered()[0].Text("member.alone")
	for owners, want := range map[int]bool{0: false, 1: true, 2: false} {
		list := []api.Member{{Subject: "a", Role: api.Viewer}, {Subject: "b", Role: api.Developer}}
		for i := range owners {
			list = append(list, api.Member{Subject: fmt.Sprint("o", i), Role: api.Owner})
		}
		w.api.on("GET /v1/accounts/"+account+"/members", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			reply(out, 200, api.MemberList{Members: list})
			return true
		})
		if got := strings.Contains(text(w.ask(http.MethodGet, "/accounts/"+account+"/account", nil).doc), says); got != want {
			t.Errorf("%d owners: told so: %v", owners, got)
		}
	}
}

// TestWhoLeavesIsLedOut, and who removes somebody else stays.
func TestWhoLeavesIsLedOut(t *testing.T) {
	w := newWalker(t, "owner")
	w.accept()
	for name, c := range map[string]struct {
		subject  string
		operator bool
		to       string
	}{
		"leaving": {"owner", false, "/"}, "removing": {"a|b/c", false, "/accounts/" + account + "/account"},
		"an operator leaving": {"owner", true, "/accounts/" + account + "/account"},
	} {
		w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = c.operator })
		page := w.ask(http.MethodPost, "/accounts/"+account+"/account/remove", url.Values{"subject": {c.subject}})
		if got := page.Header.Get("Location"); got != c.to {
			t.Errorf("%s leads to %s, want %s", name, got, c.to)
		}
	}
}

// TestAnErrorStandsAtItsEntry of a list.
func TestAnErrorStandsAtItsEntry(t *testing.T) {
	w := newWalker(t, "owner")
	list := []string{"zero.example", "one.example", "two.example"}
	for pointer, want := range map[string]string{
		"/domains/0": "zero.example: Check this value.", "/domains/1": "one.example: Check this value.", "/domains/2": "two.example: Check this value.", "/domains/3": "Check this value.", "/domains": "Check this value.", "/domains/x": "Check this value.", "/domains/-1": "Check this value.",
	} {
		w.refuse(422, "invalid", api.FieldError{Pointer: pointer, Code: "no_such_code", Detail: "In words."})
		page := w.ask(http.MethodPost, "/accounts/"+account+"/keys/new", url.Values{"name": {"x"}, "domains": {strings.Join(list, " ")}})
		got := ""
		elements(page.doc, func(n *html.Node) {
			if n.Data == "a" && attr(n, "href") == "#f-domains" {
				got = text(n)
			}
		})
		if got != want {
			t.Errorf("%s: %q, want %q", pointer, got, want)
		}
	}
}

// TestAFormWithoutASessionLeadsToTheStart: a POST can't be come back to.
func TestAFormWithoutASessionLeadsToTheStart(t *testing.T) {
	w := newWalker(t, "")
	page := w.ask(http.MethodPost, "/accounts/"+account+"/keys/new", url.Values{"name": {"x"}})
	if page.StatusCode != http.StatusUnauthorized || !strings.Contains(page.text, `href="/sign-in"`) {
		t.Errorf("%d: %s", page.StatusCode, page.text)
	}
}

// TestTheTesterNamesTheDomainThatAllowed, and no other.
func TestTheTesterNamesTheDomainThatAllowed(t *testing.T) {
	w := newWalker(t, "owner")
	for name, c := range map[string]struct {
		result api.TestResult
		named  bool
	}{
		"allowed by a domain": {api.TestResult{Allowed: true, Code: "allowed", Rule: ptr("demo.example")}, true},
		"refused":             {api.TestResult{Code: "domain_not_allowed", Rule: ptr("demo.example")}, false},
		"another rule":        {api.TestResult{Allowed: true, Code: "allowed", Rule: ptr("missing_origin")}, false},
		"no rule":             {api.TestResult{Allowed: true, Code: "allowed"}, false},
	} {
		w.api.on("POST /v1/accounts/"+account+"/keys/"+keyID+"/test", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			reply(out, 200, c.result)
			return true
		})
		page := w.ask(http.MethodGet, "/accounts/"+account+"/keys/"+keyID+"/try?origin=https://demo.example", nil)
		if got := strings.Contains(page.text, `Matches <bdi class="mono" dir="ltr">demo.example</bdi>`); got != c.named {
			t.Errorf("%s: named: %v", name, got)
		}
	}
}
