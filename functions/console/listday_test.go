package main

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/shared/api"
)

// listing answers the list of keys with a document, and keeps what it was asked.
func (w *walker) listing(t *testing.T, answer func(url.Values) api.KeyList) *[]url.Values {
	t.Helper()
	var asked []url.Values
	w.api.on("GET /v1/accounts/"+account+"/keys", func(out http.ResponseWriter, r *http.Request, _ []byte) bool {
		asked = append(asked, r.URL.Query())
		reply(out, 200, answer(r.URL.Query()))
		return true
	})
	return &asked
}

// TestARowHasTheFiguresOfADay: its own, by its ID, wherever in the answer they are; a share of refusals that is worth a look is said.
func TestARowHasTheFiguresOfADay(t *testing.T) {
	w := newWalker(t, "owner")
	other := "key_01JQC8P0R2T4W6Y8A0C2E4G6J8"
	hours := make([]int64, 24)
	hours[0], hours[23] = 1, 100
	for _, c := range []struct {
		requests, refused int64
		want, not         string
	}{
		{1234, 25, "2.0% refused", ""}, {1234, 24, "1,234", "% refused"}, {3, 3, "100.0% refused", ""}, {0, 0, "0", "% refused"},
	} {
		w.listing(t, func(url.Values) api.KeyList {
			keys := []api.Key{{Id: other, Name: "Other", Status: api.Active, Usage: api.Backend}, {Id: keyID, Name: "Own", Status: api.Active, Usage: api.Frontend}}
			return api.KeyList{Keys: keys, Figures: &api.KeyFigures{Keys: []api.KeyFiguresOfOne{
				{Id: keyID, Requests: c.requests, Refused: c.refused, Hours: hours}, {Id: other, Requests: 77, Refused: 0, Hours: make([]int64, 24)},
			}}}
		})
		rows := map[string]string{}
		sparks := map[string]string{}
		elements(w.ask(http.MethodGet, keysPath, nil).doc, func(n *html.Node) {
			if n.Data != "tr" {
				return
			}
			name := ""
			elements(n, func(in *html.Node) {
				if in.Data == "a" && strings.HasPrefix(attr(in, "href"), keysPath+"/key_") && name == "" {
					name = text(in)
				}
				if in.Data == "path" && name != "" && in.Parent.Data == "svg" && attr(in.Parent, "class") == "spark" {
					sparks[name] = attr(in, "d")
				}
			})
			rows[name] = text(n)
		})
		if own := rows["Own"]; !strings.Contains(own, c.want) || c.not != "" && strings.Contains(own, c.not) || strings.Contains(own, "77") {
			t.Errorf("%d of %d: %s", c.refused, c.requests, own)
		}
		if !strings.Contains(rows["Other"], "77") || strings.Contains(rows["Other"], "refused") {
			t.Errorf("the other key: %s", rows["Other"])
		}
		drawn := map[string]string{"Own": "M0 18H72M0 18v-1h3v1h66v-17h3v17", "Other": "M0 18H72M0 18"}
		if c.requests == 0 {
			delete(drawn, "Own") // nothing is drawn of none
		}
		if !maps.Equal(sparks, drawn) {
			t.Errorf("drawn: %q", sparks)
		}
	}
	// Without an answer about a key nothing is made up.
	w.listing(t, func(url.Values) api.KeyList {
		return api.KeyList{Keys: []api.Key{{Id: keyID, Name: "Own", Status: api.Active, Usage: api.Frontend}}}
	})
	if page := w.ask(http.MethodGet, keysPath, nil); !strings.Contains(text(page.doc), "–") || strings.Contains(page.text, `class="spark"`) {
		t.Error("figures that nobody gave")
	}
}

// TestTheListTurnsBothWays: a page before another is read as it is, since what follows it is that other one.
func TestTheListTurnsBothWays(t *testing.T) {
	w := newWalker(t, "owner")
	asked := w.listing(t, func(q url.Values) api.KeyList {
		l := api.KeyList{Keys: []api.Key{{Id: keyID, Name: "Own", Status: api.Active, Usage: api.Frontend}}, NextPageToken: ptr("after " + q.Get("page_token")), Total: ptr(30)}
		if q.Get("page_token") != "" {
			l.PreviousPageToken, l.Total = ptr("before "+q.Get("page_token")), nil
		}
		return l
	})
	first := w.ask(http.MethodGet, keysPath+"?q=shop&sort=name", nil)
	if got := links(first.doc); got["Previous page"] != "" || strings.Contains(text(first.doc), "30 keys") {
		t.Errorf("the first page, of which nobody knows how many there are: %v", got)
	}
	if all := w.ask(http.MethodGet, keysPath+"?sort=name", nil); !strings.Contains(text(all.doc), "30 keys") {
		t.Errorf("the list of all keys: %s", text(all.doc))
	}
	second := links(w.ask(http.MethodGet, keysPath+"?page=tok&q=shop&sort=name", nil).doc)
	back := second["Previous page"]
	if back != keysPath+"?back=1&page=before+tok&q=shop&sort=name" {
		t.Fatalf("back: %s", back)
	}
	*asked = nil
	shown := w.ask(http.MethodGet, back+"&select=all", nil)
	if here := links(shown.doc)["Clear selection"]; here != back {
		t.Errorf("the page as it is: %s, want %s", here, back)
	}
	*asked = nil
	before := links(w.ask(http.MethodGet, back, nil).doc)
	if len(*asked) != 1 || (*asked)[0].Get("page_token") != "before tok" {
		t.Errorf("asks %v", *asked)
	}
	if before["Next page"] != keysPath+"?page=after+before+tok&q=shop&sort=name" || before["Previous page"] != keysPath+"?back=1&page=before+before+tok&q=shop&sort=name" {
		t.Errorf("from there: %v", before)
	}
}

// TestLabelsAreChosenFromThoseThatThereAre, with how many keys have each; one that is gone can still be taken off.
func TestLabelsAreChosenFromThoseThatThereAre(t *testing.T) {
	w := newWalker(t, "owner")
	w.listing(t, func(url.Values) api.KeyList {
		return api.KeyList{
			Keys:   []api.Key{{Id: keyID, Name: "Own", Status: api.Active, Usage: api.Frontend}},
			Labels: &[]api.LabelCount{{Name: "beta", Keys: 2}, {Name: "Web", Keys: 1}},
		}
	})
	for query, want := range map[string]string{
		"":             "Any label*|beta (2)|Web (1)",
		"?label=WEB":   "Any label|beta (2)|Web (1)*",
		"?label=gone":  "Any label|gone*|beta (2)|Web (1)",
		"?label=b&q=x": "Any label|b*|beta (2)|Web (1)",
	} {
		page := w.ask(http.MethodGet, keysPath+query, nil)
		var options []string
		elements(page.doc, func(n *html.Node) {
			if n.Data != "option" || attr(n.Parent, "name") != "label" {
				return
			}
			one := text(n)
			for _, a := range n.Attr {
				if a.Key == "selected" {
					one += "*"
				}
			}
			options = append(options, one)
		})
		if query == "" && len(options) > 0 { // the first is chosen where none says so
			options[0] += "*"
		}
		if got := strings.Join(options, "|"); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
}

// TestTheListSaysWhereItIs on each of its pages, filtered or not: how many keys there are, which of them these are, and which labels there are to
// choose from. Of more keys than the API counts it asks for none, and says so.
func TestTheListSaysWhereItIs(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	keys := make([]api.Key, keysPerPage)
	for i := range keys {
		keys[i] = api.Key{Id: scattered(i), Name: "Own", Status: api.Active, Usage: api.Frontend}
	}
	var answer api.KeyList
	asked := w.listing(t, func(url.Values) api.KeyList { return answer })
	for name, c := range map[string]struct {
		query              string
		matching, position *int
		shown              int
		says, page         string
		counts             bool // are asked for
	}{
		"all on a page":    {"", ptr(3), ptr(1), 3, "3 keys", "", false},
		"the first page":   {"", ptr(500), ptr(1), keysPerPage, "1–12 of 500 keys", "Page 1 of 42", false},
		"a later page":     {"?page=p", ptr(500), ptr(13), keysPerPage, "13–24 of 500 keys", "Page 2 of 42", true},
		"the last page":    {"?page=p", ptr(500), ptr(493), 8, "493–500 of 500 keys", "Page 42 of 42", true},
		"out of step":      {"?page=p&back=1", ptr(500), ptr(12), keysPerPage, "12–23 of 500 keys", "Page 2 of 42", true},
		"a filter":         {"?q=shop&page=p", ptr(15), ptr(13), 3, "13–15 of 15 keys", "Page 2 of 2", true},
		"more than counts": {"?page=p&many=1", nil, nil, keysPerPage, "", "", false},
	} {
		*asked = nil
		answer = api.KeyList{Keys: keys[:c.shown], Matching: c.matching, Position: c.position, NextPageToken: ptr("n"), Labels: &[]api.LabelCount{{Name: "beta", Keys: 2}}}
		if c.matching != nil {
			answer.Total = ptr(500)
		} else {
			answer.Labels = nil
		}
		if c.shown < keysPerPage {
			answer.NextPageToken = nil
		}
		page := w.ask(http.MethodGet, keysPath+c.query, nil)
		got := text(page.doc)
		if !strings.Contains(got, c.says) || !strings.Contains(got, c.page) || c.page == "" && strings.Contains(got, "Page ") || strings.Contains(page.text, `<select id="label"`) != (c.matching != nil) {
			t.Errorf("%s: %s", name, got)
		}
		if counts := (*asked)[0].Get("with") == "counts"; counts != c.counts {
			t.Errorf("%s asks %v", name, (*asked)[0])
		}
	}
}

// TestAnOperatorPagesThroughAnAccountsKeysBothWays, and through those of a status.
func TestAnOperatorPagesThroughAnAccountsKeysBothWays(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	asked := w.listing(t, func(q url.Values) api.KeyList {
		return api.KeyList{Keys: []api.Key{{Id: keyID, Name: "Own", Status: api.Active}}, PreviousPageToken: ptr("before"), NextPageToken: ptr("after"), Matching: ptr(120), Position: ptr(51)}
	})
	there := "/operator/accounts/" + account
	page := w.ask(http.MethodGet, there+"?status=active&q=shop&page=p", nil)
	to := links(page.doc)
	for name, want := range map[string]string{"First page": "?q=shop&status=active#keys", "Previous page": "?page=before&q=shop&status=active#keys", "Next page": "?page=after&q=shop&status=active#keys"} {
		if to[name] != there+want {
			t.Errorf("%s leads to %q", name, to[name])
		}
	}
	if got := text(page.doc); !strings.Contains(got, "120 keys") || !strings.Contains(got, "Page 2 of 3") {
		t.Error(got)
	}
	if q := (*asked)[0]; q.Get("status") != "active" || q.Get("q") != "shop" || q.Get("page_token") != "p" || q.Get("with") != "counts" {
		t.Errorf("asks %v", q)
	}
	if to := w.ask(http.MethodPost, there, url.Values{"q": {"shop"}, "status": {"blocked"}}).Header.Get("Location"); to != there+"?q=shop&status=blocked" {
		t.Errorf("a search leads to %q", to)
	}
}
