package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// listOf makes the account one without a key, or with some.
func (w *walker) listOf(keys ...api.Key) {
	w.api.on("GET /v1/accounts/"+account+"/keys", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.KeyList{Keys: append([]api.Key{}, keys...)})
		return true
	})
}

// TestAFirstKeyFitsWhereItIsUsed, and may do no more: a page's works on its domain alone, a server's is taken in a header alone and is for no SDK.
func TestAFirstKeyFitsWhereItIsUsed(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(_ *api.Me, _ *api.KeyWithSecret) {
		w.api.products = append(w.api.products, api.Product{Id: "maps-sdk-web", Name: "Maps SDK", Kind: api.Sdk})
	})
	w.api.on("GET /v1/products", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.ProductList{Products: w.api.products})
		return true
	})
	w.app.catalog.products.until = then
	root := "/accounts/" + account + "/keys"
	all := []any{"map-display", "search", "maps-sdk-web"}
	for kind, want := range map[string]map[string]any{
		"web":    {"usage": "frontend", "domains": []any{"www.example.com", "example.com"}, "products": all},
		"app":    {"usage": "mobile", "domains": []any{}, "products": all, "apps": []any{map[string]any{"platform": "ios", "bundle_id": "com.example.app"}}},
		"server": {"usage": "backend", "domains": []any{}, "products": []any{"map-display", "search"}, "header_only": true, "networks": []any{"203.0.113.7", "2001:db8::/32"}},
	} {
		want["name"] = "My first API key"
		w.accept()
		w.forget()
		page := w.ask(http.MethodPost, root+"/first", url.Values{"kind": {kind}, "domains": {"www.example.com, example.com"}, "apps": {"ios com.example.app"}, "networks": {"203.0.113.7 2001:db8::/32"}, "idempotency": {"once"}})
		made := w.writes()
		if len(made) != 1 || made[0].idempotency != "once" || !strings.Contains(page.text, secret) {
			t.Fatalf("%s: %s%s", kind, describe(made), text(page.doc))
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(made[0].body), &got); err != nil {
			t.Fatal(err)
		}
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(want)
		if string(a) != string(b) {
			t.Errorf("%s makes %s, want %s", kind, a, b)
		}
	}
}

// TestAFirstKeyThatNeedsMoreIsFinishedInTheWholeForm: where the account's rules ask for what the short form has no field for, the whole form
// has it, and all that was typed and chosen.
func TestAFirstKeyThatNeedsMoreIsFinishedInTheWholeForm(t *testing.T) {
	root := "/accounts/" + account + "/keys"
	for kind, typed := range map[string]url.Values{
		"web": {"domains": {"www.example.com, example.com"}}, "app": {"apps": {"ios com.example.app"}}, "server": {"networks": {"203.0.113.7 2001:db8::/32"}},
	} {
		w := newWalker(t, "owner")
		w.refuse(422, "invalid", api.FieldError{Pointer: "/expires_at", Code: "beyond_lifetime"})
		typed.Set("kind", kind)
		typed.Set("idempotency", "once")
		page := w.ask(http.MethodPost, root+"/first", typed)
		asked := w.writes()[0]
		i := slices.IndexFunc(forms(page.doc), func(one formOf) bool { return one.action == root+"/new" })
		if page.StatusCode != 422 || i < 0 || !strings.Contains(text(page.doc), "The account’s rules require one") {
			t.Errorf("%s: %d: %s", kind, page.StatusCode, text(page.doc))
			continue
		}
		whole := forms(page.doc)[i].values()
		whole.Set("expires_at", "2099-01-02")
		w.forget()
		w.accept()
		w.ask(http.MethodPost, root+"/new", whole)
		sent := w.writes()
		if len(sent) != 1 || sent[0].idempotency != "once" {
			t.Fatalf("%s: %s", kind, describe(sent))
		}
		var want, got map[string]any
		if err := errors.Join(json.Unmarshal([]byte(asked.body), &want), json.Unmarshal([]byte(sent[0].body), &got)); err != nil {
			t.Fatal(err)
		}
		for name, value := range want {
			if !reflect.DeepEqual(got[name], value) {
				t.Errorf("%s: %s was %v and is %v", kind, name, value, got[name])
			}
		}
		if got["expires_at"] == nil {
			t.Errorf("%s: %v has no expiry", kind, got)
		}
	}
}

// TestADomainIsTakenAsItIsCopied from the address bar, which ends it with a slash, wherever one is typed. A path is still refused, and a network
// isn't a domain.
func TestADomainIsTakenAsItIsCopied(t *testing.T) {
	for typed, want := range map[string]string{
		"https://www.example.com/": "https://www.example.com", "www.example.com/": "www.example.com", "http://localhost:3000/": "http://localhost:3000", "*.example.com/": "*.example.com",
		"https://www.example.com//": "https://www.example.com//", "www.example.com/map/": "www.example.com/map/", "https:///": "https:///", "/": "/", "www.example.com?q/": "www.example.com?q/",
		"www.example.com": "www.example.com",
	} {
		if got := domainList(typed); !slices.Equal(got, []string{want}) {
			t.Errorf("%s is taken as %q, want %s", typed, got, want)
		}
	}
	const sent, want = "https://copied.example/", `"https://copied.example"`
	w := newWalker(t, "owner")
	w.accept()
	root := "/accounts/" + account
	for path, form := range map[string]url.Values{
		"/keys/first": {"kind": {"web"}, "domains": {sent}}, "/keys/new": {"name": {"x"}, "domains": {sent}}, "/keys/" + keyID + "/edit": {"name": {"x"}, "domains": {sent}},
		"/keys/" + keyID + "/propose": {"domains": {sent}}, "/keys/selected/domain": {"key": {keyID}, "domains": {sent}},
		"/domains/link": {"domain": {sent}, "keys": {keyID}, "back": {"new"}}, "/domains/replace": {"domain": {"demo.example"}, "with": {sent}},
	} {
		w.forget()
		page := w.ask(http.MethodPost, root+path, form)
		if made := w.writes(); len(made) != 1 || !strings.Contains(made[0].body, want) {
			t.Errorf("%s: %d %s%s", path, page.StatusCode, describe(made), text(page.doc))
		}
	}
	var list []checked
	_ = json.Unmarshal([]byte(w.ask(http.MethodPost, "/domains/check", url.Values{"domains": {sent + " example.com/map"}, "networks": {"192.0.2.0/"}}).text), &list)
	if len(list) != 3 || list[0].Text != sent || list[0].Canonical != "https://copied.example" || list[0].Problem != "" || list[1].Problem == "" || list[2].Problem == "" {
		t.Errorf("checked as %+v", list)
	}
}

// TestAPrivateNetworkIsWarnedOf while it is typed and with the secret of a key that is restricted to it: no call of it would be allowed.
func TestAPrivateNetworkIsWarnedOf(t *testing.T) {
	w := newWalker(t, "owner")
	check := func(networks string) (list []checked) {
		_ = json.Unmarshal([]byte(w.ask(http.MethodPost, "/domains/check", url.Values{"networks": {networks}}).text), &list)
		return list
	}
	const warns = "Private or reserved: no request over the internet comes from it"
	for text, want := range map[string]checked{
		"192.168.1.10": {Canonical: "192.168.1.10/32", Warning: warns}, "10.0.0.0/8": {Canonical: "10.0.0.0/8", Warning: warns}, "127.0.0.1": {Canonical: "127.0.0.1/32", Warning: warns},
		"fe80::1": {Canonical: "fe80::1/128", Warning: warns}, "81.2.69.0/24": {Canonical: "81.2.69.0/24"}, "bogus": {Problem: "This isn’t an IP address."},
		"81.02.69.7": {Problem: "Write its numbers without leading zeros.", Suggestions: []string{"81.2.69.7/32"}},
	} {
		want.Text = text
		if got := check(text); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Errorf("%s is checked as %+v, want %+v", text, got, want)
		}
	}
	for _, warnings := range [][]string{nil, {"networks_private", "of_tomorrow"}} {
		w.answerWrites(func(out http.ResponseWriter, _ *http.Request) {
			reply(out, 200, map[string]any{"id": keyID, "secret": secret, "warnings": warnings, "products": []string{"map-display"}})
		})
		page := w.ask(http.MethodPost, "/accounts/"+account+"/keys/first", url.Values{"kind": {"server"}, "networks": {"192.168.1.10"}})
		if got := strings.Contains(text(page.doc), "One of the networks is private or reserved"); got != (warnings != nil) || !strings.Contains(page.text, secret) {
			t.Errorf("%q: warned of: %v: %s", warnings, got, text(page.doc))
		}
	}
	for suggestion, want := range map[string]string{"": "This isn’t an IP address.", "81.2.69.7/32": "Write its numbers without leading zeros."} {
		refused := api.FieldError{Pointer: "/networks/0", Code: "network_address"}
		if suggestion != "" {
			refused.Suggestion = &suggestion
		}
		w.refuse(422, "invalid", refused)
		page := w.ask(http.MethodPost, "/accounts/"+account+"/keys/first", url.Values{"kind": {"server"}, "networks": {"x"}})
		if got := text(page.doc); !strings.Contains(got, want) || suggestion == "" && strings.Contains(got, "leading zeros") {
			t.Errorf("%s: %s", suggestion, got)
		}
	}
}

// TestAFirstFormIsCheckedWhileItIsFilledIn, each of its fields, as the whole form is: with a suggestion to press.
func TestAFirstFormIsCheckedWhileItIsFilledIn(t *testing.T) {
	w := newWalker(t, "owner")
	w.listOf()
	for _, page := range []string{"/keys", "/keys/first", "/keys/new"} {
		answer := w.ask(http.MethodGet, "/accounts/"+account+page, nil)
		live := map[string]bool{}
		elements(answer.doc, func(n *html.Node) {
			if attr(n, "data-domains") != "/domains/check" || attr(n, "data-use") == "" {
				return
			}
			list := false
			elements(n, func(in *html.Node) { list = list || attr(in, "class") == "checks" })
			for _, one := range fields(n) {
				live[one.name] = list && has(n, "data-lines") == (one.name == "apps")
			}
		})
		for _, name := range []string{"domains", "networks", "apps"} {
			if !live[name] || strings.Count(answer.text, "/assets/domains.") != 1 {
				t.Errorf("%s: %s isn't checked while it is typed", page, name)
			}
		}
	}
}

// TestAFirstKeyOfAPageNeedsItsDomain: what is typed stays, and nothing is made.
func TestAFirstKeyOfAPageNeedsItsDomain(t *testing.T) {
	w := newWalker(t, "owner")
	w.accept()
	first := "/accounts/" + account + "/keys/first"
	for name, c := range map[string]struct {
		form url.Values
		want string
	}{
		"no domain": {url.Values{"kind": {"web"}, "domains": {" , "}}, "Enter your website’s domain."},
		"no answer": {url.Values{"domains": {"a.example"}}, "Choose where you’ll use the key."},
		"another":   {url.Values{"kind": {"toaster"}}, "Choose where you’ll use the key."},
	} {
		w.forget()
		page := w.ask(http.MethodPost, first, c.form)
		if len(w.writes()) > 0 || page.StatusCode != 422 || !strings.Contains(text(page.doc), c.want) {
			t.Errorf("%s: %d %s%s", name, page.StatusCode, describe(w.writes()), text(page.doc))
		}
	}
	for field, code := range map[string]string{"apps": "app_no_such", "networks": "not_an_address"} {
		w.refuse(422, "invalid", api.FieldError{Pointer: "/" + field + "/0", Code: code})
		kind := map[string]string{"apps": "app", "networks": "server"}[field]
		page := w.ask(http.MethodPost, first, url.Values{"kind": {kind}, field: {"one.example"}, "idempotency": {"once"}})
		if !strings.Contains(page.text, `value="one.example"`) || !strings.Contains(page.text, `id="e-`+field) || page.StatusCode != 422 {
			t.Errorf("%s: %d: %s", field, page.StatusCode, text(page.doc))
		}
	}
	w.refuse(422, "invalid", api.FieldError{Pointer: "/domains/0", Code: "pattern_path"})
	page := w.ask(http.MethodPost, first, url.Values{"kind": {"web"}, "domains": {"example.com/map"}, "idempotency": {"once"}})
	if !strings.Contains(page.text, `value="example.com/map"`) || !strings.Contains(page.text, `value="once"`) || page.StatusCode != 422 {
		t.Errorf("%d: %s", page.StatusCode, text(page.doc))
	}
}

// TestTheChecklistGoesWithTheFirstAllowedCall, and is for an account that begins.
func TestTheChecklistGoesWithTheFirstAllowedCall(t *testing.T) {
	w := newWalker(t, "owner")
	root := "/accounts/" + account + "/keys"
	var plain api.Key
	w.state(func(_ *api.Me, k *api.KeyWithSecret) { plain = k.Key })
	key := func(change func(*api.Key)) api.Key {
		k := plain
		k.Domains = []string{"demo.example"}
		change(&k)
		return k
	}
	used := moment.Of(then)
	same := func(*api.Key) {}
	for name, c := range map[string]struct {
		keys []api.Key
		path string
		list bool // the checklist is there
		done int
	}{
		"a restricted key":      {[]api.Key{key(same)}, root, true, 2},
		"a key without domains": {[]api.Key{key(func(k *api.Key) { k.Domains = []string{} })}, root, true, 1},
		"a server's from all":   {[]api.Key{key(func(k *api.Key) { k.Usage, k.Domains = api.Backend, []string{} })}, root, true, 1},
		"an app's for all":      {[]api.Key{key(func(k *api.Key) { k.Usage, k.Domains = api.Mobile, []string{} })}, root, true, 1},
		"a server's":            {[]api.Key{key(func(k *api.Key) { k.Usage, k.Domains, k.Networks = api.Backend, []string{}, []string{"203.0.113.0/24"} })}, root, true, 2},
		"an app's": {[]api.Key{key(func(k *api.Key) {
			k.Usage, k.Domains, k.Apps = api.Mobile, []string{}, []api.App{{Platform: "ios", BundleId: ptr("com.example.app")}}
		})}, root, true, 2},
		"one of two was used": {[]api.Key{key(same), key(func(k *api.Key) { k.LastUsedAt = &used })}, root, false, 0},
		"a refused call":      {[]api.Key{key(func(k *api.Key) { k.LastRefusedAt = &used })}, root, true, 2},
		"none that works":     {[]api.Key{key(func(k *api.Key) { k.Status = api.Revoked })}, root, false, 0},
		"no key":              {nil, root, false, 0},
		"a filter":            {[]api.Key{key(same)}, root + "?status=active", false, 0},
	} {
		w.listOf(c.keys...)
		page := w.ask(http.MethodGet, c.path, nil)
		if lists := within(page.doc, "begin"); (len(lists) == 1) != c.list {
			t.Errorf("%s: %q", name, lists)
		}
		if done := within(page.doc, "done"); len(done) != c.done {
			t.Errorf("%s: done is %q", name, done)
		}
		if to := links(page.doc)["Make your first request"]; c.list && to != root+"/"+keyID {
			t.Errorf("%s: leads to %q", name, to)
		}
		if asks := slices.ContainsFunc(forms(page.doc), func(f formOf) bool { return f.action == root+"/first" }); asks != (c.keys == nil) {
			t.Errorf("%s: the question is asked: %v", name, asks)
		}
	}
}

// TestWhatIsTriedFirstFitsTheKey: a page for a web page, a command for a server.
func TestWhatIsTriedFirstFitsTheKey(t *testing.T) {
	list := []example{{ID: "curl"}, {ID: "browser"}, {ID: "leaflet"}, {ID: "maplibre"}}
	for usage, want := range map[api.UsageKind]string{api.Frontend: "leaflet", api.Backend: "curl", api.Mobile: "curl"} {
		got := fitting(usage, slices.Clone(list))
		if got[0].ID != want || len(got) != len(list) {
			t.Errorf("%s: %v", usage, got)
		}
	}
	if got := fitting(api.Frontend, list[:2]); got[0].ID != "curl" {
		t.Errorf("without tiles: %v", got)
	}
}
