package main

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// answerKeys answers the list of keys by a page token, and keeps what it was asked.
func answerKeys(w *walker, answer func(sort, token string) (int, any)) (asked *[]string) {
	asked = &[]string{}
	w.api.on("GET /v1/accounts/"+account+"/keys", func(out http.ResponseWriter, r *http.Request, _ []byte) bool {
		q := r.URL.Query()
		*asked = append(*asked, q.Get("sort")+" "+q.Get("page_token"))
		status, doc := answer(q.Get("sort"), q.Get("page_token"))
		reply(out, status, doc)
		return true
	})
	return asked
}

func sorters(page *html.Node) (names []string) {
	elements(page, func(n *html.Node) {
		if n.Data == "a" && attr(n, "class") == "sorter" {
			names = append(names, strings.TrimSpace(text(n)))
		}
	})
	return names
}

// TestAPageOfKeysThatComesShortIsReadOn by a few calls; then the page says that others may match, and leads on.
func TestAPageOfKeysThatComesShortIsReadOn(t *testing.T) {
	w := newWalker(t, "owner")
	for found, want := range map[int]string{1: "Demo", 9: "No keys match so far. There may be matches on the next page."} {
		asked := answerKeys(w, func(_, token string) (int, any) {
			n, _ := strconv.Atoi(token)
			list := api.KeyList{Keys: []api.Key{}, NextPageToken: ptr(strconv.Itoa(n + 1))}
			if n == found {
				list = api.KeyList{Keys: []api.Key{{Id: keyID, Name: "Demo", Status: api.Active, Usage: api.Backend}}}
			}
			return 200, list
		})
		page := w.ask(http.MethodGet, "/accounts/"+account+"/keys?q=demo", nil)
		if !strings.Contains(text(page.doc), want) || strings.Contains(text(page.doc), "No keys match your search") || len(*asked) != keyReads {
			t.Errorf("found by call %d: %q, %s", found, *asked, text(page.doc))
		}
		if more := strings.Contains(page.text, "page="+strconv.Itoa(keyReads)); more != (found > keyReads) {
			t.Errorf("found by call %d: the page leads on: %v", found, more)
		}
	}
}

// TestTheListOffersTheOrdersThatItCanHave, and says why it has no others: by name where names aren't indexed yet, too.
func TestTheListOffersTheOrdersThatItCanHave(t *testing.T) {
	w := newWalker(t, "owner")
	const note = "With more than 1,000 keys, you can only sort by name or creation date, and there is no list of labels."
	const unready = "Sorting by name isn’t ready yet. Try again tomorrow."
	root := "/accounts/" + account + "/keys"
	for _, mode := range []string{"few", "many", "unnamed"} {
		few := mode == "few"
		kept := func(sort string) bool {
			return strings.HasSuffix(sort, "created_at") || strings.HasSuffix(sort, "name") && mode != "unnamed"
		}
		asked := answerKeys(w, func(sort, token string) (int, any) {
			if !few && !kept(sort) {
				return 422, api.Problem{Status: 422, Code: "keys_not_sortable", Error: "Too many."}
			}
			list := api.KeyList{Keys: slices.Repeat([]api.Key{{Id: keyID, Name: "Demo", Status: api.Active, Usage: api.Backend, LastUsedAt: ptr(moment.Of(then))}}, keysPerPage), NextPageToken: ptr("next")}
			if token == "" {
				list.Sortable = &few
			}
			return 200, list
		})
		for path, want := range map[string]string{
			root: "-created_at ", root + "?sort=created_at": "created_at ", root + "?sort=-status": "-status ", root + "?page=x&sort=expires_at": "expires_at x",
			root + "?page=x&many=1": "-created_at x", root + "?sort=-name": "-name ", root + "?page=x&many=1&sort=name": "name x",
		} {
			*asked = nil
			page := w.ask(http.MethodGet, path, nil)
			many := !few || strings.Contains(path, "many")
			wantSorters, wantCalls := []string{"Name", "Status", "Products", "Domains", "Created", "Last 24 hours", "Last used"}, []string{want}
			if many {
				wantSorters = []string{"Name", "Created"}
			}
			order, _, _ := strings.Cut(want, " ")
			unnamed := mode == "unnamed" && strings.HasSuffix(order, "name")
			if unnamed {
				wantSorters = []string{"Created"}
			}
			if !few && !kept(order) {
				wantCalls = append(wantCalls, "-created_at ")
			}
			if page.StatusCode != 200 || !slices.Equal(sorters(page.doc), wantSorters) || strings.Contains(text(page.doc), note) != many || strings.Contains(text(page.doc), unready) != unnamed || !slices.Equal(*asked, wantCalls) {
				t.Errorf("%s, %s: %d, sorters %q, asked %q: %s", mode, path, page.StatusCode, sorters(page.doc), *asked, text(page.doc))
			}
			if strings.Contains(page.text, "many=1") != many {
				t.Errorf("%s, %s: its next page knows: %v", mode, path, !many)
			}
		}
	}
}

// TestAColumnIsSortedByItsUsualOrderFirst, and by the other one if the list has that order already: of the requests people look for
// the most.
func TestAColumnIsSortedByItsUsualOrderFirst(t *testing.T) {
	for now, want := range map[string]string{
		"": "name -requests", "name": "-name -requests", "-name": "name -requests", "-requests": "name requests", "requests": "name -requests",
	} {
		d := &keyList{Sort: now, path: "/keys"}
		if got := strings.ReplaceAll(d.SortURL("name")+" "+d.SortURL("requests"), "/keys?sort=", ""); got != want {
			t.Errorf("sorted by %q it leads to %q, want %q", now, got, want)
		}
	}
}
