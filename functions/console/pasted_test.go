package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/shared/api"
)

// unseenBy writes what copies bring along around and into a value: marks of direction, a blank without a width, the end of an isolate.
func unseenBy(value string) string {
	half := len(value) / 2
	return "\u2066\u200e" + value[:half] + "\u200b\u061c" + value[half:] + "\u2069\u202c\ufeff"
}

// plainFields are the fields that no value is read from: texts, which may need what nobody sees, and what is sent as it is shown.
var plainFields = []string{"comment", "confirm", "confirm_name", "justification", "label", "labels", "name", "reason", "subject", "who"}

// TestEachFieldThatIsTypedIsAValueOrAText walks the fields that people type into, on every page in every state.
func TestEachFieldThatIsTypedIsAValueOrAText(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, k *api.KeyWithSecret) {
		me.Operator, k.Networks, k.Apps = true, []string{"192.0.2.0/24"}, []api.App{{Platform: "ios", BundleId: ptr("com.example.app")}}
	})
	seen := map[string]bool{}
	w.inEachState(func(string) {
		for _, pattern := range w.routes(http.MethodGet) {
			if pattern == callbackPath || pattern == "/sign-in" {
				continue
			}
			elements(w.ask(http.MethodGet, w.page(pattern), nil).doc, func(n *html.Node) {
				name, kind := attr(n, "name"), attr(n, "type")
				if name == "" || n.Data != "textarea" && (n.Data != "input" || slices.Contains([]string{"hidden", "checkbox", "radio"}, kind)) || seen[name] {
					return
				}
				seen[name] = true
				if slices.Contains(valueFields, name) == slices.Contains(plainFields, name) && name != "from" && name != "to" { // days, which the address has
					t.Errorf("%s: the field %q of %s is neither a value nor a text", pattern, name, n.Data)
				}
			})
		}
	})
	if len(seen) < 25 {
		t.Errorf("only %v were seen", seen)
	}
}

// TestAFieldsValueIsReadWithoutWhatNobodySees: each value, and no text.
func TestAFieldsValueIsReadWithoutWhatNobodySees(t *testing.T) {
	typed := unseenBy("a.example")
	for _, name := range slices.Concat(valueFields, plainFields) {
		r, err := http.NewRequest(http.MethodPost, "/", strings.NewReader(url.Values{name: {typed}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		want := "a.example"
		if slices.Contains(plainFields, name) {
			want = typed
		}
		if got := (&visit{r: r}).form(name); strings.TrimPrefix(got, "\ufeff") != want && got != want {
			t.Errorf("%s is read as %+q", name, got)
		}
	}
}

// TestTheAddressOfASearchOrATestIsReadSo: a link may have been pasted as well.
func TestTheAddressOfASearchOrATestIsReadSo(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	for asked, want := range map[string]string{
		"/operator?q=" + url.QueryEscape(unseenBy("kari@example.com")): "email=kari%40example.com",
		keyPath + "/try?" + url.Values{
			"origin": {unseenBy("https://a.example/map")}, "address": {unseenBy("203.0.113.7")}, "app": {unseenBy("ios com.example.app")},
		}.Encode(): `"ios_bundle_identifier":"com.example.app","origin":"https://a.example","source_ip":"203.0.113.7"`,
	} {
		w.forget()
		w.ask(http.MethodGet, asked, nil)
		w.api.mu.Lock()
		sent := ""
		for _, c := range w.api.calls {
			sent += c.uri + " " + c.body + "\n"
		}
		w.api.mu.Unlock()
		if !strings.Contains(sent, want) {
			t.Errorf("%s: the API is asked %s", asked, sent)
		}
	}
	if to := w.ask(http.MethodGet, "/operator?q="+url.QueryEscape(unseenBy(keyID)), nil).Header.Get("Location"); !strings.HasSuffix(to, "/operator/keys/"+keyID) {
		t.Errorf("the ID of a key leads to %q", to)
	}
}

// TestListsAreTakenAsTheyAreQuoted: entries of a file or of a program's list, as people copy them.
func TestListsAreTakenAsTheyAreQuoted(t *testing.T) {
	for name, read := range map[string]func(string) []string{"domains": domainList, "networks": networkList} {
		for _, typed := range []string{`"a.example","b.example"`, "'a.example';\n'b.example';", "“a.example”, „b.example“", "a.example\u00a0b.example", "\u200e\"a.example\"\u200e,\"b.example\"\u200e"} {
			if got := read(typed); !slices.Equal(got, []string{"a.example", "b.example"}) {
				t.Errorf("%s: %+q is read as %+q", name, typed, got)
			}
		}
	}
	const app = "ios com.example.app"
	for _, typed := range []string{`"ios com.example.app",`, "'ios com.example.app';", "\u200eios com.example.app\u200f"} {
		apps := appsOf(appLines(typed))
		if lines := linesOf(apps); len(lines) != 1 || lines[0] != app {
			t.Errorf("%+q is read as %+q", typed, lines)
		}
	}
	for _, list := range typedLists {
		typed := map[string]string{"domains": `"https://www.example.com/"`, "networks": "'192.0.2.0/24'", "apps": `"ios com.example.app"`}[list.name]
		if _, err := list.parse(typed); err != nil {
			t.Errorf("%s: %q: %v", list.name, typed, err)
		}
	}
}
