package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// pressed is a form of the console's that somebody sends twice, as by a double click or a reload. Fields that aren't on the page as they
// are sent stand in fill. Without a page the form is fill alone.
type pressed struct {
	person, page, action string
	fill                 url.Values
}

// TestAFormSentTwiceEndsAsTheFirst: a person who sends the same form of the console twice comes to the same page with the same notice, and is
// never told that somebody else was faster: that was they themselves. Secrets alone aren't shown a second time.
func TestAFormSentTwiceEndsAsTheFirst(t *testing.T) {
	w := newTwice(t)
	reached := map[string]bool{}
	for _, make := range w.forms() {
		one := make()
		pattern := w.pattern(one.action)
		reached[pattern] = true
		t.Run(strings.Trim(pattern, "/"), func(t *testing.T) {
			form := w.filled(t, one)
			first := w.send(t, one, form)
			for range 20 { // as the page asks for where the other tests have left more than one answer has time for
				if !strings.Contains(first.says, "Not finished yet") {
					break
				}
				first = w.send(t, one, form)
			}
			second := w.send(t, one, form)
			if first.status >= 400 {
				t.Fatalf("the first was refused: %+v", first)
			}
			if first.secret && !strings.HasSuffix(pattern, "/reveal") {
				if second.status != http.StatusOK || second.secret || second.says == first.says {
					t.Errorf("the second is answered with\n%+v", second)
				}
				return
			}
			if says := instead(pattern); says != "" && strings.Contains(second.says, says) {
				second.says = first.says
			}
			if second != first {
				t.Errorf("the second is answered with\n%+v, the first with\n%+v", second, first)
			}
		})
	}
	for _, pattern := range w.routes() {
		if !reached[pattern] && changeless[pattern] == "" {
			t.Errorf("%s isn't sent twice", pattern)
		}
	}
}

// instead returns a part of the second answer where the first one can't be given again: nothing is left to do, or there is a further link.
func instead(pattern string) string {
	switch {
	case strings.Contains(pattern, "/keys/selected/"):
		return "No change needed for 2 keys."
	case strings.HasSuffix(pattern, "/domains/replace"):
		return "No key has the old domain any more."
	case strings.Contains(pattern, "/domains/"):
		return "No change needed for 1 key."
	case pattern == "/operator/leaks":
		return "Nothing changed: the secret was reported before"
	case strings.HasSuffix(pattern, "/account/invitations"):
		return "This invitation was already created"
	case strings.HasSuffix(pattern, "/keys/{key}/disable"):
		return "The key is disabled. It stops working within 10 seconds." // without Undo, as those that follow
	case strings.HasSuffix(pattern, "/keys/{key}/enable"):
		return "The key is enabled."
	case strings.HasSuffix(pattern, "/keys/{key}/delete"):
		return "The key is deleted. For 30 days, you’ll find it under the status “Deleted”."
	case strings.HasSuffix(pattern, "/repair"):
		return "Added. This takes effect within 10 seconds."
	case strings.HasSuffix(pattern, "/invitations/withdraw"):
		return "This invitation is no longer open."
	}
	return ""
}

// changeless are the forms that change nothing, and those that end the session: nobody is there to send them again.
var changeless = map[string]string{
	"/accounts/{account}/keys": "a search", "/operator": "a search", "/operator/accounts/{account}": "a search", "/accounts/{account}/account/audit": "a search", "/operator/operators/audit": "a search",
	"/accounts/{account}/usage": "a search", "/accounts/{account}/usage/keys": "a search", "/accounts/{account}/qps-requests/keys": "a search", "/accounts/{account}/qps-requests/new/key": "a search",
	"/accounts/{account}/keys/{key}/test": "a check", "/domains/check": "a check", "/accounts/{account}/keys/{key}/try": "a check",
	"/preferences": "cookies alone", "/sign-out": "ends the session", "/sessions/end-all": "ends the session",
}

// twice is a console with its people and an enterprise's account.
type twice struct {
	t       *testing.T
	cookies map[string]string // by person
	account string            // its path in the console and, after /v1, in the API
	n       int
	secrets map[string]string // of the keys, by ID
}

func newTwice(t *testing.T) *twice {
	w := &twice{t: t, cookies: map[string]string{}}
	m := &maker{records: &records{}, t: t, s: shared}
	for _, person := range []string{"owner", "operator", "enterprise_owner"} {
		w.cookies[person] = m.signIn(person)
	}
	w.account = w.newAccount("enterprise")
	return w
}

func (w *twice) newAccount(kind string) string {
	path := strings.TrimPrefix(shared.newAccount(w.t, "owner"), "/v1")
	if kind == "enterprise" {
		w.do("operator", "PATCH", path, `{"type":"enterprise"}`)
	}
	return path
}

// do calls the API for what a form needs.
func (w *twice) do(person, method, path, body string, header ...string) answer {
	w.t.Helper()
	a := shared.manage(w.t, person, method, "/v1"+path, body, header...)
	if a.status >= 300 {
		w.t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
	}
	return a
}

// key makes a key of the account and returns its path in the console. Each step then is a method, a path below the key's and a body.
func (w *twice) key(more string, steps ...string) string {
	w.n++
	k := shared.newKey(w.t, "/v1"+w.account, fmt.Sprintf(`{"name":%q,"usage":"backend","products":["map-display"]%s}`, w.name(), more))
	if w.secrets == nil {
		w.secrets = map[string]string{}
	}
	w.secrets[lastOf(k.path)] = k.secret
	for _, step := range steps {
		part := append(strings.SplitN(step, " ", 3), "", "")
		w.do("owner", part[0], strings.TrimPrefix(k.path, "/v1")+part[1], part[2], "If-Match", "*")
	}
	return strings.TrimPrefix(k.path, "/v1")
}

// name is that of the newest key.
func (w *twice) name() string { return fmt.Sprintf("twice %d", w.n) }

func lastOf(path string) string { return path[strings.LastIndex(path, "/")+1:] }

// filled is the form of a page as a browser would send it.
func (w *twice) filled(t *testing.T, one pressed) url.Values {
	if one.page == "" {
		return one.fill
	}
	page := browse(t, "GET", shared.ConsoleURL+one.page, "", w.cookies[one.person])
	doc, err := html.Parse(strings.NewReader(string(page.body)))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Data != "form" || !strings.EqualFold(attrOf(n, "method"), "post") || attrOf(n, "action") != one.action {
			continue
		}
		form := url.Values{}
		for f := range n.Descendants() {
			name, kind := attrOf(f, "name"), attrOf(f, "type")
			switch {
			case f.Data == "input" && name != "" && (kind != "checkbox" && kind != "radio" || hasAttr(f, "checked")):
				form.Add(name, attrOf(f, "value"))
			case f.Data == "textarea":
				form.Add(name, textOf(f))
			case f.Data == "option" && hasAttr(f, "selected"):
				for p := f.Parent; p != nil; p = p.Parent {
					if p.Data == "select" {
						form.Set(attrOf(p, "name"), attrOf(f, "value"))
					}
				}
			}
		}
		for field, values := range one.fill {
			form[field] = values
		}
		return form
	}
	t.Fatalf("%s has no form %s: %d %s", one.page, one.action, page.status, textOf(doc))
	return nil
}

// ending describes the answer to a form: its status, where it leads, and the notices of that page.
type ending struct {
	status   int
	to, says string
	secret   bool // it shows one
}

var aSecret = regexp.MustCompile(`id="secret|lki_`)

func (w *twice) send(t *testing.T, one pressed, form url.Values) ending {
	a := browse(t, "POST", shared.ConsoleURL+one.action, form.Encode(), w.cookies[one.person])
	e := ending{status: a.status, to: a.header.Get("Location"), secret: aSecret.Match(a.body)}
	cookie := w.cookies[one.person]
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name == "__Host-latchkey-note" {
			cookie += "; " + c.Name + "=" + c.Value
		}
	}
	if e.to != "" {
		a = browse(t, "GET", shared.ConsoleURL+e.to, "", cookie)
	}
	doc, err := html.Parse(strings.NewReader(string(a.body)))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Data == "h1" || strings.Contains(attrOf(n, "class"), "notice") || attrOf(n, "role") == "alert" {
			e.says += strings.Join(strings.Fields(textOf(n)), " ") + "\n"
		}
	}
	return e
}

// pattern is the route of a form's action.
func (w *twice) pattern(action string) string {
	parts := strings.Split(action, "/")
	for i := 1; i < len(parts); i++ {
		switch before := parts[i-1]; {
		case strings.HasPrefix(parts[i], "qps_"):
			parts[i] = "{request}"
		case strings.HasPrefix(parts[i], "acc_"):
			parts[i] = "{account}"
		case strings.HasPrefix(parts[i], "key_"):
			parts[i] = "{key}"
		case before == "limits":
			parts[i] = "{class}"
		case before == "quotas":
			parts[i] = "{group}"
		}
	}
	return strings.Join(parts, "/")
}

// routes are those of all forms, as the console's source names them: those of steps and of what is done to several keys have a part
// that stands in a list.
func (w *twice) routes() (list []string) {
	files, err := filepath.Glob(filepath.Join(root, "functions/console/*.go"))
	if err != nil || len(files) < 20 {
		w.t.Fatal(len(files), err)
	}
	route, page := regexp.MustCompile(`"POST (/[^"]*)"`), regexp.MustCompile(`Page = "(/operator/[^"]*)"`)
	step, act := regexp.MustCompile(`\{name: "([a-z-]+)", method`), regexp.MustCompile(`(?m)^\t"([a-z]+)": +\{name: "`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			w.t.Fatal(err)
		}
		for prefix, names := range map[string]*regexp.Regexp{"": route, " ": page, "/accounts/{account}/keys/{key}/": step, "/accounts/{account}/keys/selected/": act} {
			for _, found := range names.FindAllStringSubmatch(string(text), -1) {
				list = append(list, strings.TrimSpace(prefix)+found[1])
			}
		}
	}
	slices.Sort(list)
	return slices.DeleteFunc(slices.Compact(list), func(one string) bool { return strings.HasSuffix(one, "/") || strings.Contains(one, "/selected/un") })
}

func attrOf(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func hasAttr(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data + " ")
		}
	}
	return b.String()
}
