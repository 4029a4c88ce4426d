package main

import (
	"encoding/json"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"golang.org/x/net/html"

	"latchkey/shared/api"
)

// typed has, for each member of a key that a person sets, what is typed into the form and what the API gets; the key of
// the tests has another value.
var typed = map[string]struct {
	form []string
	sent any
}{
	"name": {[]string{"Another"}, "Another"}, "usage": {[]string{"mobile"}, "mobile"},
	"labels":         {[]string{"web, production;  Team 1\n"}, []any{"web", "production", "Team 1"}},
	"missing_origin": {[]string{"allow"}, "allow"},
	"products":       {[]string{"search"}, []any{"search"}}, "domains": {[]string{"a.example\nb.example"}, []any{"a.example", "b.example"}},
	"networks":    {[]string{"192.0.2.0/24, 2001:db8::/32"}, []any{"192.0.2.0/24", "2001:db8::/32"}},
	"apps":        {[]string{"ios com.example.app\r\n"}, []any{map[string]any{"platform": "ios", "bundle_id": "com.example.app"}}},
	"header_only": {[]string{"on"}, true}, "recoverable": {[]string{"on"}, true},
	"expires_at": {[]string{"2030-01-01"}, "2030-01-01T00:00:00Z"},
}

func membersOf[T any](t *testing.T) (names []string) {
	t.Helper()
	typ := reflect.TypeFor[T]()
	for i := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		if _, ok := typed[name]; !ok {
			t.Errorf("%s has a member %q: add what a person types for it to this test", typ.Name(), name)
			continue
		}
		names = append(names, name)
	}
	return names
}

func TestTheFormOffersAndSendsEveryMember(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	keys := "/accounts/" + account + "/keys"
	for path, c := range map[string]struct {
		route   string
		members []string
	}{
		keys + "/new":                {"POST /v1" + keys, membersOf[api.CreateKey](t)},
		keys + "/" + keyID + "/edit": {"PATCH /v1" + keys + "/" + keyID, membersOf[api.EditKey](t)},
	} {
		form, offered := url.Values{"idempotency": {"once"}, "version": {"3"}}, map[string]bool{}
		elements(r.get(path).doc, func(n *html.Node) { offered[attr(n, "name")] = true })
		for name, value := range typed {
			form[name] = value.form
		}
		r.post(path, form)
		calls := r.api.seen(c.route)
		if len(calls) != 1 {
			t.Fatalf("%s: %d calls of %s", path, len(calls), c.route)
		}
		var body map[string]any
		if err := json.Unmarshal([]byte(calls[0].body), &body); err != nil {
			t.Fatal(err)
		}
		for _, name := range c.members {
			if !offered[name] {
				t.Errorf("%s has no field for %s", path, name)
			}
			if !reflect.DeepEqual(body[name], typed[name].sent) {
				t.Errorf("%s sends %v as %s, want %v", path, body[name], name, typed[name].sent)
			}
		}
		if len(body) != len(c.members) {
			t.Errorf("%s sends %s", path, calls[0].body)
		}
	}
}

func TestEveryMemberShowsOnTheKeysPageAndInItsForm(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	show := func(change map[string]any) {
		t.Helper()
		var k api.KeyWithSecret
		for _, part := range []any{newFakeAPI().key, change} {
			raw, err := json.Marshal(part)
			if err == nil {
				err = json.Unmarshal(raw, &k)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		r.api.mu.Lock()
		defer r.api.mu.Unlock()
		r.api.key = k
	}
	for _, path := range []string{"/accounts/" + account + "/keys/" + keyID, "/accounts/" + account + "/keys/" + keyID + "/edit"} {
		show(nil)
		before := r.get(path).text
		for _, name := range membersOf[api.EditKey](t) {
			show(map[string]any{name: typed[name].sent})
			if r.get(path).text == before {
				t.Errorf("%s doesn't show a change of %s", path, name)
			}
		}
		show(nil)
		if r.get(path).text != before {
			t.Errorf("%s differs without a change, so this test shows nothing", path)
		}
	}
}

// enums are the members of a key that a person sets to one of some values, with these, as the contract lists them.
func enums(t *testing.T) map[string][]string {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.Contract)
	if err != nil {
		t.Fatal(err)
	}
	list := map[string][]string{}
	for name, member := range doc.Components.Schemas["EditKey"].Value.Properties {
		for _, value := range member.Value.Enum {
			list[name] = append(list[name], value.(string))
		}
	}
	return list
}

// A value that the contract has and the form lacks couldn't be chosen, and editing a key that has it would change it.
func TestChoicesAreTheContracts(t *testing.T) {
	offered := map[string][]string{}
	for _, c := range choices {
		if c.Fixed { // shown, and set by others
			continue
		}
		offered[c.Name] = slices.Sorted(slices.Values(c.Values))
	}
	wanted := enums(t)
	for _, values := range wanted {
		slices.Sort(values)
	}
	if len(wanted) == 0 || !reflect.DeepEqual(offered, wanted) {
		t.Errorf("the form offers %v, the contract has %v", offered, wanted)
	}
}

func TestChoicesHaveTheirTexts(t *testing.T) {
	r := newHarness(t, time.Hour)
	for _, c := range choices {
		keys := []string{"fact." + c.Name}
		if c.Default {
			keys = append(keys, c.Name+".default")
		}
		for _, value := range c.Values {
			keys = append(keys, c.Name+"."+value)
			if !c.Fixed {
				keys = append(keys, c.Name+"."+value+".hint")
			}
		}
		for _, lang := range r.app.langs.Offered() {
			for _, key := range keys {
				if !lang.Has(key) {
					t.Errorf("%s has no text for %s", lang.Tag, key)
				}
			}
		}
	}
}

// TestEntriesArePartedByTheCommasOfEachLanguage, in every list that is typed.
func TestEntriesArePartedByTheCommasOfEachLanguage(t *testing.T) {
	want := []string{"a", "b", "c", "d", "e"}
	for name, list := range map[string]func(string) []string{"domains and networks": domainList, "labels": labelList, "apps": appLines} {
		for _, typed := range []string{"a,b;c\nd\r\ne", "a، b؛ c , d ;\n e", "،a،،b؛c؛;d\r\n\r\ne,"} {
			if got := list(typed); !slices.Equal(got, want) {
				t.Errorf("%s: %q are %q", name, typed, got)
			}
		}
		if got := list(" ،; \n"); got == nil || len(got) != 0 {
			t.Errorf("%s: nothing typed is %#v", name, got)
		}
	}
	if got := appLines("ios a b"); !slices.Equal(got, []string{"ios a b"}) {
		t.Errorf("a blank parts a line of an app: %q", got)
	}
	if got := domainList("a b\tc"); len(got) != 3 {
		t.Errorf("blanks don't part domains: %q", got)
	}
}
