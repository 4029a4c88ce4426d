package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/shared/api"
)

// eachForm runs f for every form that changes something, of every page in every state.
func (w *walker) eachForm(f func(pattern, page string, one formOf)) {
	w.t.Helper()
	seen := map[string]bool{}
	look := func(state string) {
		for _, pattern := range w.routes(http.MethodGet) {
			if !strings.Contains(pattern, "{key}") && state != "active" || pattern == callbackPath || pattern == "/sign-in" {
				continue
			}
			page := w.page(pattern)
			for _, one := range forms(w.ask(http.MethodGet, page, nil).doc) {
				to := w.pattern(http.MethodPost, one.action)
				id := to + " " + one.values().Encode()
				if one.values().Get("idempotency") != "" {
					id = to + " " + page
				}
				// It changes nothing: try_test.go, find_test.go, typed_forms_test.go; or several keys: selected_test.go.
				if strings.HasSuffix(to, "/try") || slices.Contains(searches, strings.TrimPrefix(to, "POST ")) || strings.Contains(to, "/keys/selected/") {
					continue
				}
				if to == "POST /preferences" || to == "POST /sign-out" || strings.HasPrefix(to, "POST /sessions/") || seen[id] {
					continue
				}
				seen[id] = true
				f(strings.TrimPrefix(to, "POST "), page, one)
			}
		}
	}
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	w.inEachState(look)
}

// another is a value that a field could have instead.
func another(f field) string {
	switch {
	case f.kind == "checkbox":
		return ""
	case len(f.others) > 0 && f.others[len(f.others)-1] != "":
		return f.others[len(f.others)-1]
	case len(f.others) > 1:
		return f.others[0]
	case f.kind == "number", f.name == "version":
		return "17"
	case f.kind == "date":
		return "2027-01-02"
	case f.kind == "email":
		return "new@example.com"
	case f.name == "domains":
		return "one.example\ntwo.example"
	case f.kind == "hidden":
		return f.value + "x"
	case f.name == "token":
		return "lki_another"
	default:
		return "Another text"
	}
}

// filled is a form as somebody would fill it in, with one field changed if its name is given.
func filled(one formOf, changed string) url.Values {
	out := one.values()
	for _, f := range one.fields {
		if out.Get(f.name) == "" && (f.kind == "text" || f.kind == "textarea" || f.kind == "number") && f.name != "domains" {
			out.Set(f.name, map[string]string{"number": "3"}[f.kind])
			if f.kind != "number" {
				out.Set(f.name, "A text")
			}
		}
		switch f.name {
		case "confirm":
			out.Set(f.name, "Demo")
		case "kind": // of a first key: a page's needs its domain
			out.Set("domains", "demo.example")
		case "token":
			out.Set(f.name, "lki_one")
		case "domain", "with":
			if f.kind == "text" {
				out.Set(f.name, f.name+".demo.example")
			}
		case "keys":
			if strings.Contains(one.action, "/domains/") {
				out.Set(f.name, f.value)
			}
		}
	}
	for _, f := range one.fields {
		switch {
		case f.name != changed:
		case f.kind == "checkbox" && (f.checked || slices.Contains(out[f.name], f.value)):
			out[f.name] = slices.DeleteFunc(out[f.name], func(v string) bool { return v == f.value })
		case f.kind == "checkbox":
			out.Add(f.name, f.value)
		case f.kind == "text" && (f.name == "domain" || f.name == "with"):
			out.Set(f.name, "another.example")
		default:
			out.Set(f.name, another(f))
		}
	}
	if kind := map[string]string{"apps": "app", "networks": "server"}[changed]; kind != "" && out.Has("kind") {
		out.Set("kind", kind) // of a first key, which has a field for each
	}
	return out
}

// held are fields that the API isn't told: what the console itself checks.
var held = map[string]string{"was": "how the form began", "expires_was": "whether the day was changed", "missing_origin_was": "whether it was chosen", "confirm": "the account's name, the person's subject", "back": "which page the form is on", "grace_for": "for which reason the time was offered"}

// twoSteps takes a token first, and accepts it only after the person has seen what it is for:
// TestAnInvitationOutlivesTheSignIn.
const twoSteps = "/invitations"

// TestEveryFieldOfEveryFormGetsToTheAPI changes one field of each form at a time: the call of the API is another one then.
func TestEveryFieldOfEveryFormGetsToTheAPI(t *testing.T) {
	w := newWalker(t, "owner")
	w.accept()
	reached, changed := map[string]bool{}, 0
	w.eachForm(func(pattern, page string, one formOf) {
		send := func(name string) string {
			w.forget()
			w.ask(http.MethodPost, one.action, filled(one, name))
			return describe(w.writes())
		}
		if pattern == twoSteps {
			return
		}
		plain := send("")
		if strings.Count(plain, "\n") != 1 {
			t.Errorf("%s of %s makes the calls %q", pattern, page, plain)
		}
		reached[pattern] = true
		for _, f := range one.fields {
			if held[f.name] != "" || f.kind == "hidden" && f.value == "" {
				continue
			}
			changed++
			if got := send(f.name); got == plain {
				t.Errorf("%s of %s: the field %s (%s) changes nothing: %s", pattern, page, f.name, f.kind, got)
			}
		}
	})
	for _, pattern := range w.routes(http.MethodPost) {
		switch {
		case strings.Contains(pattern, "/keys/selected/"), slices.Contains(searches, pattern):
			continue
		}
		switch pattern {
		case twoSteps, "/sign-out", "/preferences", "/domains/check", "/sessions/end", "/sessions/end-all", "/accounts/{account}/keys/{key}/try": // of the console itself
		default:
			if !reached[pattern] {
				t.Errorf("no page has a form for %s", pattern)
			}
		}
	}
	if changed < 70 {
		t.Errorf("only %d fields", changed)
	}
}

// shownElsewhere are fields of which a refused form shows the present value instead: the message says what was chosen.
var shownElsewhere = map[string]bool{
	"/accounts/{account}/keys/first kind":   true, // a button for each
	"/accounts/{account}/account/role role": true, "/operator/qps-requests/{account}/{request} decision": true,
	"/invitations token": true, // a token is a secret
}

// TestARefusedFormShowsWhatWasTyped lets the API refuse each field: the answer has the form with what was typed, and what
// is wrong with it.
func TestARefusedFormShowsWhatWasTyped(t *testing.T) {
	w := newWalker(t, "owner")
	checked := 0
	w.eachForm(func(pattern, page string, one formOf) {
		for _, f := range one.fields {
			if f.kind == "hidden" || shownElsewhere[pattern+" "+f.name] {
				continue
			}
			checked++
			w.refuse(422, "invalid", api.FieldError{Pointer: "/" + f.name, Code: "no_such_code", Detail: "The API's own words."})
			form := filled(one, f.name)
			if f.name == "confirm" {
				form.Set(f.name, "Another name")
			}
			answer := w.ask(http.MethodPost, one.action, form)
			if answer.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("%s of %s answered %d to a refusal of %s", pattern, page, answer.StatusCode, f.name)
				continue
			}
			if whole := text(answer.doc); !strings.Contains(whole, "Check this value.") && !(strings.HasPrefix(f.name, "confirm") && strings.Contains(whole, "to confirm.")) &&
				!(f.name == "keys" && strings.Contains(whole, "Select at least one key first.")) {
				t.Errorf("%s of %s doesn't say what is wrong with %s", pattern, page, f.name)
			}
			again := forms(answer.doc)
			i := slices.IndexFunc(again, func(a formOf) bool { return a.action == one.action })
			if i < 0 {
				t.Errorf("%s of %s: the form isn't shown again", pattern, page)
				continue
			}
			for name, values := range form {
				got, want := again[i].values()[name], slices.Clone(values)
				slices.Sort(got)
				slices.Sort(want)
				if !shownElsewhere[pattern+" "+name] && strings.ReplaceAll(strings.Join(got, ","), "\r\n", "\n") != strings.Join(want, ",") {
					t.Errorf("%s of %s: after a refusal %s is %q, want %q", pattern, page, name, got, want)
				}
			}
		}
	})
	if checked < 40 {
		t.Errorf("only %d fields", checked)
	}
}

// TestAFormThatIsCarriedOutLeadsToAPageThatSaysSo, once: by 303, so that a reload repeats nothing, neither the change nor its
// notice. Only keys' secrets, which no second request may show, stand in the answer itself.
func TestAFormThatIsCarriedOutLeadsToAPageThatSaysSo(t *testing.T) {
	w := newWalker(t, "owner")
	w.accept()
	inTheAnswer := []string{"/accounts/{account}/keys/new", "/accounts/{account}/keys/first", "/accounts/{account}/keys/{key}/rotate", "/accounts/{account}/keys/{key}/reveal"}
	said := 0
	w.eachForm(func(pattern, page string, one formOf) {
		if pattern == twoSteps {
			return
		}
		answer := w.ask(http.MethodPost, one.action, filled(one, ""))
		if slices.Contains(inTheAnswer, pattern) {
			if answer.StatusCode != http.StatusOK || !strings.Contains(answer.text, secret) {
				t.Errorf("%s of %s answered %d without the secret", pattern, page, answer.StatusCode)
			}
			return
		}
		to := answer.Header.Get("Location")
		if answer.StatusCode != http.StatusSeeOther || w.pattern(http.MethodGet, to) == "" {
			t.Errorf("%s of %s answered %d and leads to %q", pattern, page, answer.StatusCode, to)
			return
		}
		left := w.noteOf(answer)
		if left.Notice == "" && left.Link == "" && left.Keys == nil {
			t.Errorf("%s of %s leads to %s, which says nothing", pattern, page, to)
		}
		if strings.HasPrefix(to, "/accounts/"+keyID) || strings.HasSuffix(to, "/qps-requests/"+keyID) {
			return // what the fake has made has the key's ID, and can't be read
		}
		says := invitation
		if left.Notice != "" {
			says = w.app.langs.Offered()[0].Text(inForce(w.app.langs.Offered()[0], "notice."+left.Notice, strings.HasPrefix(to, "/operator/accounts/"))) // a suspended one
		}
		if left.Keys != nil { // in the words of one key, or of the list
			says = map[string]string{"disable": "The key is disabled.", "enable": "The key is enabled.", "delete": "Deleted 1 key.", "domain": "is now allowed for this key."}[left.Keys.Act]
		}
		shown := w.ask(http.MethodGet, to, nil, "Cookie", w.with(left.cookie))
		gone := slices.ContainsFunc(shown.Cookies(), func(c *http.Cookie) bool { return c.Name == noteCookie && c.MaxAge < 0 })
		if !strings.Contains(text(shown.doc), says) || !gone {
			t.Errorf("%s of %s: %s doesn't show its notice, or keeps it (%v)", pattern, page, to, gone)
		}
		if said++; strings.Contains(text(w.ask(http.MethodGet, to, nil).doc), says) {
			t.Errorf("%s of %s: %s says it without the note too", pattern, page, to)
		}
	})
	if said < 25 {
		t.Errorf("only %d notices", said)
	}
}

// leftNote is the note in an answer, and its cookie.
type leftNote struct {
	note
	cookie string
}

// with are the browser's cookies and a note's.
func (w *walker) with(note string) string {
	all := noteCookie + "=" + note
	for _, c := range w.cookies {
		all += "; " + c.Name + "=" + c.Value
	}
	return all
}

func (w *walker) noteOf(answer answered) (n leftNote) {
	for _, c := range answer.Cookies() {
		if c.Name != noteCookie || c.MaxAge < 0 {
			continue
		}
		for _, own := range w.cookies {
			if raw, err := w.app.keeper.OpenNote(own.Value, c.Value); own.Name == sessionCookie && err == nil {
				_ = json.Unmarshal(raw, &n.note)
			}
		}
		n.cookie = c.Value
		if !c.HttpOnly || !c.Secure || c.MaxAge > 300 || strings.Contains(c.Value, n.Notice) && n.Notice != "" {
			w.t.Errorf("the note's cookie is %s", c)
		}
	}
	return n
}

// TestNoAddressShowsANotice, and no note that somebody else has made, or that is for another page.
func TestNoAddressShowsANotice(t *testing.T) {
	w := newWalker(t, "owner")
	w.accept()
	keys := "/accounts/" + account + "/keys"
	closed := w.app.langs.Offered()[0].Text("notice.closed")
	for _, query := range []string{"?done=closed", "?notice=closed", "?n=closed"} {
		if strings.Contains(text(w.ask(http.MethodGet, keys+query, nil).doc), closed) {
			t.Errorf("%s shows a notice", query)
		}
	}
	other := newWalker(t, "developer")
	other.accept()
	theirs := other.noteOf(other.ask(http.MethodPost, keys+"/"+keyID+"/delete", nil))
	mine := w.noteOf(w.ask(http.MethodPost, keys+"/"+keyID+"/delete", nil))
	deleted := "Deleted 1 key."
	for name, c := range map[string]struct {
		page, cookie string
		shown        bool
	}{
		"mine": {keys, mine.cookie, true}, "on another page": {"/accounts/" + account + "/account", mine.cookie, false},
		"somebody else's": {keys, theirs.cookie, false}, "made up": {keys, "eyJuIjoiZGVsZXRlIn0", false}, "plain": {keys, "delete", false},
	} {
		answer := w.ask(http.MethodGet, c.page, nil, "Cookie", w.with(c.cookie))
		if got := strings.Contains(text(answer.doc), deleted); got != c.shown || c.cookie == "" {
			t.Errorf("%s: shown: %v", name, got)
		}
		gone := slices.ContainsFunc(answer.Cookies(), func(c *http.Cookie) bool { return c.Name == noteCookie && c.MaxAge < 0 })
		if kept := name == "on another page"; gone == kept { // a link or a secret that is shown once may wait in it
			t.Errorf("%s: the note is forgotten: %v", name, gone)
		}
	}
}

// TestAFormShowsWhatTheAPIRefusesAsAWhole: a refusal that is about no field stands over the form, with the API's status.
func TestAFormShowsWhatTheAPIRefusesAsAWhole(t *testing.T) {
	w := newWalker(t, "owner")
	w.eachForm(func(pattern, page string, one formOf) {
		if pattern == twoSteps {
			return
		}
		for _, c := range []struct {
			status int
			page   bool // instead of the form
		}{{409, false}, {403, false}, {404, true}, {401, true}, {500, true}, {503, true}} {
			w.refuse(c.status, "no_such_code")
			answer := w.ask(http.MethodPost, one.action, filled(one, ""))
			again := slices.ContainsFunc(forms(answer.doc), func(a formOf) bool { return a.action == one.action })
			plainStep := pattern == "/accounts/{account}/account/invitations/withdraw" || strings.HasSuffix(pattern, "{request}/withdraw") || strings.HasSuffix(pattern, "/repair")
			if again == c.page && !plainStep || answer.StatusCode < 400 {
				t.Errorf("%s of %s answered %d to %d, form %v", pattern, page, answer.StatusCode, c.status, again)
			}
			if c.status == 409 && !strings.Contains(text(answer.doc), "The request was refused.") {
				t.Errorf("%s of %s doesn't say why", pattern, page)
			}
		}
	})
}

// TestEveryFieldHasAName that a screen reader says, and its hints and errors belong to it.
func TestEveryFieldHasAName(t *testing.T) {
	w := newWalker(t, "owner")
	w.inEachState(func(state string) {
		for _, pattern := range w.routes(http.MethodGet) {
			page := w.ask(http.MethodGet, w.page(pattern), nil)
			ids, labels := map[string]bool{}, map[string]bool{}
			elements(page.doc, func(n *html.Node) {
				ids[attr(n, "id")] = true
				if n.Data == "label" {
					labels[attr(n, "for")] = true
				}
			})
			elements(page.doc, func(n *html.Node) {
				if !slices.Contains([]string{"input", "select", "textarea"}, n.Data) || attr(n, "type") == "hidden" || attr(n, "type") == "radio" || attr(n, "type") == "checkbox" {
					return
				}
				if !labels[attr(n, "id")] && attr(n, "aria-label") == "" {
					t.Errorf("%s, %s: <%s name=%s> has no label", pattern, state, n.Data, attr(n, "name"))
				}
				for _, id := range strings.Fields(attr(n, "aria-describedby")) {
					if !ids[id] {
						t.Errorf("%s, %s: %s is described by %s, which isn't there", pattern, state, attr(n, "name"), id)
					}
				}
			})
		}
	})
}
