package main

import (
	"slices"
	"testing"

	"golang.org/x/net/html"

	"latchkey/shared/keytest"
)

// notKept are forms whose page has another that sets what is typed into them.
var notKept = []string{keyPath + "/propose"} // what the requests of the last days make a proposal of takes its place

// TestWhatIsTypedBesideAFormThatIsSentIsKept: a form that is sent takes its page away. On a page with several, each with fields keeps what was
// typed into it (data-waits), unless it is one that nothing of may be kept of.
func TestWhatIsTypedBesideAFormThatIsSentIsKept(t *testing.T) {
	keytest.OneAtATime(t)
	s := newStage(t)
	all := shots()
	all = append(all, s.refusals(all)...)
	pages, seen := 0, map[string]bool{}
	for _, one := range all {
		var sent []*html.Node
		elements(s.take(one).doc, func(main *html.Node) {
			if main.Data != "main" {
				return
			}
			elements(main, func(n *html.Node) {
				if n.Data == "form" && attr(n, "method") == "post" && attr(n, "role") != "search" {
					sent = append(sent, n)
				}
			})
		})
		if len(sent) < 2 {
			continue
		}
		pages++
		for _, form := range sent {
			about := one.name + ": " + attr(form, "action")
			if typedIn(form) && !has(form, "data-waits") && !has(form, "data-nodraft") && !slices.Contains(notKept, attr(form, "action")) && !seen[attr(form, "action")] {
				seen[attr(form, "action")] = true
				t.Errorf("%s: what is typed is lost when another form of %d is sent", about, len(sent))
			}
		}
	}
	if pages < 10 {
		t.Errorf("only %d pages with several forms", pages)
	}
}

// typedIn reports whether a form has a field that people fill in.
func typedIn(form *html.Node) bool {
	return slices.ContainsFunc(fields(form), func(f field) bool {
		return !slices.Contains([]string{"hidden", "button", "submit", "password", "file"}, f.kind)
	})
}
