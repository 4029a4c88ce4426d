package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// wholeStates are states of a key in which members are set that a form may not show, or not to everybody.
var wholeStates = []struct {
	name   string
	change func(*api.KeyWithSecret)
}{
	{"plain", func(*api.KeyWithSecret) {}},
	{"everything set", func(k *api.KeyWithSecret) {
		k.RotationPolicy = &api.RotationPolicy{EveryDays: 30, NotifyDaysBefore: 3, Principal: ptr("arn:aws:iam::123456789012:role/x")}
		k.Proposed = &api.Proposal{Since: moment.Of(then), Domains: &[]string{"next.example", "*.next.example"}, Products: &[]string{"map-display"}}
		k.ExpiresAt, k.HeaderOnly, k.Recoverable, k.Labels = ptr(moment.Of(then.AddDate(9, 0, 0))), true, true, []string{"Müller", "web shop"}
		k.Domains = []string{"*.demo.example", "demo.example", "http://localhost:3000"}
	}},
	{"a policy without a principal", func(k *api.KeyWithSecret) {
		k.RotationPolicy = &api.RotationPolicy{EveryDays: 90, NotifyDaysBefore: 0}
	}},
	{"domains proposed alone", func(k *api.KeyWithSecret) {
		k.Proposed = &api.Proposal{Since: moment.Of(then), Domains: &[]string{"next.example"}}
	}},
	{"products proposed alone", func(k *api.KeyWithSecret) {
		k.Proposed = &api.Proposal{Since: moment.Of(then), Products: &[]string{"map-display"}}
	}},
	{"a proposal of no domains", func(k *api.KeyWithSecret) { k.Proposed = &api.Proposal{Since: moment.Of(then), Domains: &[]string{}} }},
	{"a product that has left the catalogue", func(k *api.KeyWithSecret) { k.Products = []string{"map-display", "retired"} }},
	{"a label of the days before commas", func(k *api.KeyWithSecret) { k.Labels = []string{"a,b", "web"} }},
	{"a backend key that asks for no origin", func(k *api.KeyWithSecret) { k.Usage, k.MissingOrigin = api.Backend, api.Allow }},
	{"a billing type of the other account type", func(k *api.KeyWithSecret) { k.BillingType = api.Freemium }},
	{"another billing type", func(k *api.KeyWithSecret) { k.BillingType = api.Evaluation }},
}

// stored returns what a call that replaces or changes something is about, as it is stored; nil for calls that are acts. whole is true if
// the call replaces all of it.
func (w *walker) stored(route string) (doc map[string]any, whole bool) {
	w.api.mu.Lock()
	k := w.api.key.Key
	w.api.mu.Unlock()
	of := func(v any) map[string]any {
		raw, err := json.Marshal(v)
		if err != nil {
			w.t.Fatal(err)
		}
		m := map[string]any{}
		if err := json.Unmarshal(raw, &m); err != nil {
			w.t.Fatal(err)
		}
		maps.DeleteFunc(m, func(_ string, value any) bool { return value == nil })
		return m
	}
	key := "/v1/accounts/" + account + "/keys/" + keyID
	switch method, path, _ := strings.Cut(route, " "); {
	case route == "PATCH "+key:
		return of(k), false
	case route == "PUT "+key+"/rotation-policy" && k.RotationPolicy != nil:
		doc = of(k.RotationPolicy)
		delete(doc, "next_due_at")
		return doc, true
	case route == "PUT "+key+"/proposal" && k.Proposed != nil:
		doc = of(k.Proposed)
		delete(doc, "since")
		return doc, true
	case method == "PUT" && strings.HasPrefix(path, "/v1/operator/accounts/"+account+"/limits/"):
		return map[string]any{"qps": nil}, true // none of an operator's
	case method == "PUT" && strings.HasPrefix(path, "/v1/operator/accounts/"+account+"/quotas/"):
		return map[string]any{"billing_type": "paying", "day": nil, "month": nil}, true // none of an operator's
	case strings.HasPrefix(route, "PUT "+key+"/quotas/"):
		return map[string]any{"day": 300.0}, true
	case method == "PUT" && strings.Contains(path, "/limits/"):
		return of(map[string]any{"qps": k.Limits[0].Qps}), true
	case method == "PUT" && strings.HasSuffix(path, "/billing-type"):
		return of(map[string]any{"billing_type": k.BillingType}), true
	case route == "PATCH /v1/accounts/"+account:
		return map[string]any{"name": "Demo", "key_limit": float64(100)}, false
	case strings.HasPrefix(route, "PUT /v1/accounts/"+account+"/members/"):
		return map[string]any{"role": map[bool]string{true: "owner", false: "viewer"}[strings.HasSuffix(route, "owner")]}, false
	case strings.HasPrefix(route, "PUT /v1/operators/"):
		return map[string]any{"rank": map[bool]string{true: "admin", false: "support"}[strings.HasSuffix(route, "owner")]}, false
	case route == "PUT /v1/accounts/"+account+"/policy":
		return map[string]any{"leaks": map[string]any{"frontend": "notify", "backend": "refuse", "mobile": "notify"}, "frontend_restricted": false, "max_lifetime_days": nil}, false
	case strings.HasSuffix(route, "/suspend"):
		return map[string]any{"reason": "Demo", "until": then.AddDate(1, 0, 0).UTC().Format("2006-01-02T15:04:05.000Z")}, true
	}
	return nil, false
}

// differing lists the members in which a call would change what is stored.
func differing(t *testing.T, body string, doc map[string]any, whole bool) (names []string) {
	t.Helper()
	sent := map[string]any{}
	if err := json.Unmarshal([]byte(body), &sent); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	plain := func(v any) any {
		if list, ok := v.([]any); ok {
			slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
		return v
	}
	for name, value := range sent {
		if !reflect.DeepEqual(plain(value), plain(doc[name])) {
			names = append(names, name)
		}
	}
	for name := range doc {
		if _, ok := sent[name]; whole && !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// TestSavingAFormChangesWhatWasChangedInIt: untouched, it changes nothing, whatever is stored, for people of each role; with one field changed,
// that alone.
func TestSavingAFormChangesWhatWasChangedInIt(t *testing.T) {
	w := newWalker(t, "owner")
	w.accept()
	saved := map[string]bool{}
	var plain api.KeyWithSecret
	w.state(func(_ *api.Me, k *api.KeyWithSecret) {
		k.Limits = slices.Clone(k.Limits)
		k.Limits[0].FreeQps = 50
		plain = *k
	})
	for _, p := range people {
		w.become(p.me)
		for _, s := range wholeStates {
			w.state(func(_ *api.Me, k *api.KeyWithSecret) { *k = plain; s.change(k) })
			for _, pattern := range w.routes(http.MethodGet) {
				if pattern == callbackPath || pattern == "/sign-in" || s.name != "plain" && !strings.Contains(pattern, "{key}") {
					continue
				}
				page := w.ask(http.MethodGet, w.page(pattern), nil)
				if page.StatusCode != http.StatusOK {
					continue
				}
				for _, one := range forms(page.doc) {
					if strings.HasPrefix(one.action, "/sessions/") || one.action == "/sign-out" || strings.HasSuffix(one.action, "/repair") {
						continue
					}
					w.savedForm(p.name+", "+s.name, one, p.name == "owner", saved)
				}
			}
		}
	}
	for _, want := range []string{"/edit", "/policy", "/propose", "/limits/map-display", "/quotas/tiles", "/billing-type", "/name", "/role", "/key-limit", "/suspend", "/operators/rank", "/leaks", "/rules"} {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(saved)), func(action string) bool { return strings.HasSuffix(action, want) }) {
			t.Errorf("no form for %s was saved", want)
		}
	}
}

// TestAProposalIsSavedAsItStands: a member that is proposed is sent, alike with what the key has or not, and no other.
func TestAProposalIsSavedAsItStands(t *testing.T) {
	w := newWalker(t, "owner")
	w.accept()
	app := func(id string) []api.App { return []api.App{{Platform: "ios", BundleId: ptr(id)}} }
	whole := func(own bool) map[string]api.Proposal {
		domains, networks, apps, products := []string{"own.example"}, []string{"192.0.2.0/24"}, app("com.example.own"), []string{"map-display", "search"}
		if !own {
			domains, networks, apps, products = []string{"next.example"}, []string{"198.51.100.0/24"}, app("com.example.next"), []string{"search"}
		}
		return map[string]api.Proposal{"domains": {Domains: &domains}, "networks": {Networks: &networks}, "apps": {Apps: &apps}, "products": {Products: &products}}
	}
	key := whole(true)
	for _, own := range []bool{true, false} {
		for member, proposal := range whole(own) {
			w.state(func(_ *api.Me, k *api.KeyWithSecret) {
				k.Domains, k.Networks, k.Apps, k.Products = *key["domains"].Domains, *key["networks"].Networks, *key["apps"].Apps, *key["products"].Products
				proposal.Since = moment.Of(then)
				k.Proposed = &proposal
			})
			sent := 0
			for _, one := range forms(w.ask(http.MethodGet, keyPath+"/propose", nil).doc) {
				if !strings.HasSuffix(one.action, "/propose") {
					continue
				}
				w.forget()
				w.ask(http.MethodPost, one.action, one.values())
				for _, got := range w.writes() {
					sent++
					doc, all := w.stored(got.route)
					if names := differing(t, got.body, doc, all); len(names) > 0 {
						t.Errorf("%s proposed, as the key has them: %v; saved untouched, it changes %q: %s", member, own, names, got.body)
					}
				}
			}
			if sent != 1 {
				t.Errorf("%s: %d proposals are sent", member, sent)
			}
		}
	}
}

// savedForm sends a form untouched, and with each field changed.
func (w *walker) savedForm(who string, one formOf, owner bool, saved map[string]bool) {
	send := func(values url.Values) (call, bool) {
		w.forget()
		w.ask(http.MethodPost, one.action, values)
		got := w.writes()
		if len(got) != 1 {
			return call{}, false
		}
		return got[0], true
	}
	got, ok := send(one.values())
	if !ok {
		return
	}
	doc, whole := w.stored(got.route)
	if doc == nil || strings.HasSuffix(one.action, "/type") {
		return
	}
	saved[one.action] = true
	if names := differing(w.t, got.body, doc, whole); len(names) > 0 {
		w.t.Errorf("%s: %s untouched changes %q: %s", who, one.action, names, got.body)
	}
	for _, f := range one.fields {
		if f.kind == "hidden" || f.kind == "button" {
			continue
		}
		got, ok := send(filled(formOf{one.action, slices.Clone(one.fields)}.only(f.name), f.name))
		if !ok {
			continue
		}
		doc, whole := w.stored(got.route)
		if names := differing(w.t, got.body, doc, whole); len(names) > 1 || len(names) == 1 && names[0] != f.name && !(names[0] == "leaks" && slices.Contains(usageKinds, f.name)) {
			w.t.Errorf("%s: %s with another %s changes %q: %s", who, one.action, f.name, names, got.body)
		}
	}
}

// only is the form in which filled fills no other empty field than one.
func (f formOf) only(name string) formOf {
	for i, one := range f.fields {
		if one.name != name && one.value == "" {
			f.fields[i].kind = "left"
		}
	}
	return f
}
