package main

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/shared/api"
	"latchkey/shared/keytest"
)

// formsFile has what each form of the golden pages sends, and what becomes of it.
const formsFile = "forms.txt"

// sender sends the forms of pages, each once.
type sender struct {
	*stage
	seen map[string]bool
	out  strings.Builder
}

// sent is a form as a browser sends it.
type sent struct {
	method, action string
	values         url.Values
}

// sentBy are the forms of a page as they are sent: untouched, by each of their buttons, and with every field changed.
func sentBy(doc *html.Node) (list []sent) {
	elements(doc, func(n *html.Node) {
		if n.Data != "form" {
			return
		}
		all := fields(n)
		untouched := formOf{attr(n, "action"), withoutButtons(all)}.values()
		method := strings.ToUpper(cmp.Or(attr(n, "method"), "get"))
		buttons, chosen := 0, touched(attr(n, "action"), all)
		elements(n, func(b *html.Node) {
			if b.Data != "button" || attr(b, "type") == "button" || attr(b, "type") == "reset" || has(b, "disabled") {
				return
			}
			buttons++
			one := sent{cmp.Or(strings.ToUpper(attr(b, "formmethod")), method), cmp.Or(attr(b, "formaction"), attr(n, "action")), clone(untouched)}
			other := sent{one.method, one.action, clone(chosen)}
			if name := attr(b, "name"); name != "" {
				one.values.Set(name, attr(b, "value"))
				other.values.Set(name, attr(b, "value"))
			}
			list = append(list, one)
			if buttons == 1 || one.method == http.MethodPost {
				list = append(list, other)
			}
		})
		if buttons == 0 {
			list = append(list, sent{method, attr(n, "action"), untouched}, sent{method, attr(n, "action"), chosen})
		}
	})
	return list
}

func withoutButtons(all []field) []field {
	return slices.DeleteFunc(slices.Clone(all), func(f field) bool { return f.kind == "button" })
}

// touched are the values of a form in which everything that can be changed was changed.
func touched(action string, all []field) url.Values {
	out := url.Values{}
	for _, f := range withoutButtons(all) {
		switch {
		case f.kind == "hidden":
			out.Add(f.name, f.value)
		case f.kind == "checkbox":
			if !f.checked {
				out.Add(f.name, f.value)
			}
		case f.name == "confirm" && strings.HasPrefix(action, "/operator/keys/"):
			out.Add(f.name, fullKey().Name)
		case f.name == "confirm_name", f.name == "confirm":
			out.Add(f.name, "Demo & Co")
		default:
			out.Add(f.name, another(f))
		}
	}
	return out
}

func clone(values url.Values) url.Values {
	out := url.Values{}
	for name, list := range values {
		out[name] = slices.Clone(list)
	}
	return out
}

// send sends what of a page wasn't sent before.
func (s *sender) send(one shot, doc *html.Node) {
	for _, form := range sentBy(doc) {
		id := known.Replace(stable(form.method + " " + form.action + "\n" + form.values.Encode()))
		if form.action == "/preferences" && s.seen[form.action+form.values.Get("theme")+form.values.Get("language")] {
			continue // where it comes back to is the first lines of the page's golden file
		}
		s.seen[form.action+form.values.Get("theme")+form.values.Get("language")] = true
		if s.seen[id] {
			continue
		}
		s.seen[id] = true
		fmt.Fprintf(&s.out, "%s %s, by the %s on %s\n", form.method, form.action, cmp.Or(one.as, "nobody"), one.name)
		for _, name := range slices.Sorted(maps.Keys(form.values)) {
			for _, value := range form.values[name] {
				fmt.Fprintf(&s.out, "\t%s=%s\n", name, strings.ReplaceAll(stable(value), "\n", "⏎"))
			}
		}
		if form.method != http.MethodPost {
			continue // the address that it makes has a golden page
		}
		again := one
		again.target, again.form, again.note = form.action, form.values, nil
		got := s.take(again)
		s.out.WriteString("\t" + s.outcome(got))
		reads, writes := s.api.asked()
		if got.StatusCode < 400 {
			for _, read := range reads {
				fmt.Fprintf(&s.out, "\t%s\n", read)
			}
		}
		s.out.WriteString(written(writes))
		if pattern := s.pattern(http.MethodPost, form.action); strings.HasSuffix(pattern, "/sessions/end-all") || strings.HasSuffix(pattern, "/sign-out") {
			s.open()
		}
	}
}

// outcome is an answer to a form in a line, with the note that it leaves.
func (s *stage) outcome(got answered) string {
	line := fmt.Sprint(got.StatusCode)
	if to := got.Header.Get("Location"); to != "" {
		line += " to " + to
	}
	return line + "\n" + s.cookiesOf(got)
}

// cookiesOf are the cookies of an answer, with what a note says.
func (s *stage) cookiesOf(got answered) (lines string) {
	for _, c := range got.Cookies() {
		value := c.Value
		if c.Name == noteCookie && value != "" {
			for _, cookie := range s.cookies {
				if raw, err := s.app.keeper.OpenNote(cookie.Value, value); cookie.Name == sessionCookie && err == nil {
					value = string(raw)
				}
			}
		}
		lines += fmt.Sprintf("\tcookie %s=%s for %ds\n", strings.TrimPrefix(c.Name, "__Host-"), value, c.MaxAge)
	}
	return lines
}

// allForms lets every form of the golden pages be sent.
func (s *stage) allForms(list []shot) string {
	all := &sender{stage: s, seen: map[string]bool{}}
	for _, one := range list {
		all.send(one, s.take(one).doc)
	}
	return known.Replace(all.out.String())
}

// TestFormsSendWhatTheirGoldenFileSays: each form of each golden page, untouched and changed, with the request of the API that it
// causes, where it leads and what is noted for the next page.
func TestFormsSendWhatTheirGoldenFileSays(t *testing.T) {
	keytest.OneAtATime(t)
	s := newStage(t)
	compareFolder(t, "testdata/forms", map[string]string{formsFile: s.allForms(shots())})
}

// refusals are the pages that show a refused form: one for each form of the golden pages, with something wrong in every field, and
// one with something wrong as a whole.
func (s *stage) refusals(list []shot) (pages []shot) {
	seen := map[string]bool{}
	for _, one := range list {
		if strings.HasPrefix(one.name, "failure.") || one.form != nil || one.as == "" {
			continue
		}
		for _, f := range forms(s.take(one).doc) {
			pattern := strings.TrimPrefix(s.pattern(http.MethodPost, f.action), "POST ")
			if seen[pattern] || needs[pattern] == "" || needs[pattern] == anybody && pattern != "/accounts" {
				continue
			}
			seen[pattern] = true
			name := "refused." + strings.Trim(strings.NewReplacer("/accounts/{account}", "", "/{key}", "", "/{class}", "", "/{group}", "", "/{request}", "", "/", "_").Replace(pattern), "_")
			for _, kind := range []string{"", ".whole"} {
				page := one
				page.name, page.target, page.form, page.note = name+kind, f.action, filled(f, ""), nil
				if page.form.Has("confirm") && strings.HasPrefix(f.action, "/operator/keys/") {
					page.form.Set("confirm", fullKey().Name)
				}
				was := one.set
				page.set = func(s *stage) {
					if was != nil {
						was(s)
					}
					if kind == "" {
						refused(422, "invalid", wrong(f)...)(s)
					} else {
						refused(409, "account_closed")(s)
					}
				}
				pages = append(pages, page)
			}
		}
	}
	return pages
}

// wrong finds something wrong with every field of a form.
func wrong(f formOf) (list []api.FieldError) {
	list = append(list, api.FieldError{Pointer: "/billing_types", Code: "invalid"})
	for _, one := range f.fields {
		switch one.name {
		case "was", "version", "idempotency", "expires_was", "missing_origin_was":
			continue
		case "domains":
			list = append(list, api.FieldError{Pointer: "/domains/0", Code: "public_suffix", Suggestion: ptr("www.x.example")}, api.FieldError{Pointer: "/domains", Code: "too_many", Suggestions: &[]string{"a.example", "b.example"}})
			continue
		}
		list = append(list, api.FieldError{Pointer: "/" + one.name, Code: "invalid"})
	}
	return list
}
