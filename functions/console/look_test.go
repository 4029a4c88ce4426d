package main

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/shared/api"
)

// TestEveryTableHasACaption, so that a screen reader's list of tables says which is which.
func TestEveryTableHasACaption(t *testing.T) {
	w := newWalker(t, "owner")
	tables := 0
	w.inEachState(func(state string) {
		for _, pattern := range w.routes(http.MethodGet) {
			elements(w.ask(http.MethodGet, w.page(pattern), nil).doc, func(n *html.Node) {
				if n.Data != "table" {
					return
				}
				tables++
				named := attr(n, "aria-label") != "" || attr(n, "aria-labelledby") != ""
				elements(n, func(in *html.Node) { named = named || in.Data == "caption" && strings.TrimSpace(text(in)) != "" })
				if !named {
					t.Errorf("%s, %s: a table without a caption: %.80s", pattern, state, strings.Join(strings.Fields(text(n)), " "))
				}
			})
		}
	})
	if tables < 50 {
		t.Errorf("only %d tables", tables)
	}
}

// TestTheLinesOfACellAreOnePart: on a narrow page, where the cells of a row are below each other, the parts of one are side by side.
func TestTheLinesOfACellAreOnePart(t *testing.T) {
	files, err := templateFiles.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	several := 0
	for _, file := range files {
		raw, err := templateFiles.ReadFile("templates/" + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, cell := range labelledCell.FindAllStringSubmatch(string(raw), -1) {
			if !strings.Contains(cell[1], "<br>") {
				continue
			}
			several++
			if !strings.HasPrefix(cell[1], "<span>") && !strings.HasPrefix(cell[1], "<div") {
				t.Errorf("%s: %s", file.Name(), cell[0])
			}
		}
	}
	if several < 8 {
		t.Errorf("only %d cells have several lines", several)
	}
}

var labelledCell = regexp.MustCompile(`(?s)<td[^>]*data-label=[^>]*>(.*?)</td>`)

// TestAnErrorLeadsToItsField: the title says that something is wrong, and each link of the summary leads to the field of the form that was sent, with
// its error beside it.
func TestAnErrorLeadsToItsField(t *testing.T) {
	w := newWalker(t, "owner")
	checked := 0
	w.eachForm(func(pattern, page string, one formOf) {
		for _, f := range one.fields {
			if f.kind == "hidden" || f.name == "decision" || f.name == "common" { // the latter are buttons, and a part of the reason
				continue
			}
			w.refuse(422, "invalid", api.FieldError{Pointer: "/" + f.name, Code: "no_such_code"})
			answer := w.ask(http.MethodPost, one.action, filled(one, f.name))
			if answer.StatusCode != http.StatusUnprocessableEntity {
				continue
			}
			title, leads, places := "", []string{}, map[string]*html.Node{}
			elements(answer.doc, func(n *html.Node) {
				places["#"+attr(n, "id")] = n
				if n.Data == "title" {
					title = text(n)
				}
				if n.Data == "a" && strings.HasPrefix(attr(n, "href"), "#f-") {
					leads = append(leads, attr(n, "href"))
				}
			})
			checked += len(leads)
			if !strings.HasPrefix(title, "Error: ") {
				t.Errorf("%s of %s: a refused form has the title %q", pattern, page, title)
			}
			for _, to := range leads {
				at := places[to]
				field := at != nil && slices.Contains([]string{"input", "select", "textarea"}, at.Data)
				switch said := places["#e-"+strings.TrimPrefix(to, "#f-")]; {
				case at == nil || !field && attr(at, "tabindex") == "":
					t.Errorf("%s of %s: the summary leads to %s, which can't take the focus", pattern, page, to)
				case !field && f.kind != "checkbox" && f.kind != "radio" && f.kind != "button":
					t.Errorf("%s of %s: the summary leads to %s, beside the field", pattern, page, to)
				case field && (attr(at, "name") != f.name || formAround(at) != one.action):
					t.Errorf("%s of %s: the summary leads to %s, a field of the form for %s", pattern, page, to, formAround(at))
				case field && f.kind != "checkbox" && (attr(at, "aria-invalid") != "true" || said == nil || !slices.Contains(strings.Fields(attr(at, "aria-describedby")), attr(said, "id"))):
					t.Errorf("%s of %s: %s doesn't say what is wrong with it", pattern, page, to)
				}
			}
		}
	})
	if checked < 40 {
		t.Errorf("only %d links", checked)
	}
	if title := text(w.ask(http.MethodGet, "/accounts/"+account+"/keys/new", nil).doc); strings.HasPrefix(title, "Error") {
		t.Error("a form that nobody has sent yet says that it is wrong")
	}
}

// formAround returns the address that the form of a field is sent to.
func formAround(n *html.Node) string {
	for ; n != nil; n = n.Parent {
		if n.Data == "form" {
			return attr(n, "action")
		}
	}
	return ""
}

// TestAnUnknownAddressKeepsTheFrame of who is signed in, and asks nobody to sign in.
func TestAnUnknownAddressKeepsTheFrame(t *testing.T) {
	w := newWalker(t, "owner")
	page := w.ask(http.MethodGet, "/no/such/page", nil)
	if page.StatusCode != http.StatusNotFound || !strings.Contains(page.text, `action="/sign-out"`) || !strings.Contains(text(page.doc), "Page not found") {
		t.Errorf("%d: %s", page.StatusCode, text(page.doc))
	}
	w.forget()
	page = w.without().ask(http.MethodGet, "/no/such/page", nil)
	if page.StatusCode != http.StatusNotFound || strings.Contains(page.text, `action="/sign-out"`) || len(w.called()) > 0 {
		t.Errorf("signed out: %d: %s", page.StatusCode, text(page.doc))
	}
}

// TestPeopleOfOneNameAreToldApart by the script that keeps what was typed for its author: by their subject, which no page has in plain.
func TestPeopleOfOneNameAreToldApart(t *testing.T) {
	w := newWalker(t, "owner")
	who := func(subject string) (mark string) {
		w.become(member(api.Owner))
		w.state(func(me *api.Me, _ *api.KeyWithSecret) {
			me.Subject, me.Name, me.Email = subject, ptr("Alex"), ptr("alex@example.com")
		})
		elements(w.ask(http.MethodGet, keysPath, nil).doc, func(n *html.Node) { mark += attr(n, "data-who") })
		return mark
	}
	one, two := who("subject-one"), who("subject-two")
	if one == "" || one == two || one != who("subject-one") || strings.Contains(one, "subject") {
		t.Errorf("they are %q and %q", one, two)
	}
}
