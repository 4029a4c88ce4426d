package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

// list is a page of keys: their IDs, and the tokens of the pages beside it.
type list struct {
	ids            []string
	previous, next string
	doc            map[string]any
}

func (r *harness) list(t testing.TB, query, token string) list {
	t.Helper()
	if token != "" {
		query += "&page_token=" + url.QueryEscape(token)
	}
	doc := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.keys() + "?" + query}).JSON(t)
	l := list{doc: doc}
	for _, k := range doc["keys"].([]any) {
		l.ids = append(l.ids, k.(map[string]any)["id"].(string))
	}
	l.previous, _ = doc["previous_page_token"].(string)
	l.next, _ = doc["next_page_token"].(string)
	return l
}

// forth reads all pages, and back those before a page; "" begins at the beginning. Both give the pages in the order of the list.
func (r *harness) forth(t testing.TB, query string) (pages []list) {
	t.Helper()
	token := ""
	for range mostPages {
		p := r.list(t, query, token)
		pages = append(pages, p)
		if token = p.next; token == "" {
			return pages
		}
	}
	t.Fatalf("%s: the list has no end", query)
	return nil
}

func (r *harness) back(t testing.TB, query string, from list) (pages []list) {
	t.Helper()
	for p := from; p.previous != "" && len(pages) < mostPages; {
		p = r.list(t, query, p.previous)
		pages = append([]list{p}, pages...)
	}
	return pages
}

func idsOf(pages []list) (all []string) {
	for _, p := range pages {
		all = append(all, p.ids...)
	}
	return all
}

// TestPagesAreTurnedBothWays: in every order, the pages before the last one are the same as on the way there, and from each of
// them one comes back to the one behind it.
func TestPagesAreTurnedBothWays(t *testing.T) {
	keytest.OneAtATime(t)
	r := newHarness(t)
	for i := range 11 {
		k := r.NewKey(t, r.account, func(k *apikey.Key) { k.Name = fmt.Sprint("<", i%4) })
		if i%5 == 1 {
			if _, err := r.Edit(t.Context(), k, "key.delete", func(k *apikey.Key) { k.DeletedAt = keytest.Now }); err != nil {
				t.Fatal(err)
			}
		}
	}
	for column := range columns {
		for _, order := range []string{column, "-" + column} {
			for size := 1; size <= 9; size++ {
				query := fmt.Sprintf("sort=%s&page_size=%d", order, size)
				forth := r.forth(t, query)
				last := forth[len(forth)-1]
				if forth[0].previous != "" || len(idsOf(forth)) != 9 {
					t.Fatalf("%s: %d keys, before the first page %q", query, len(idsOf(forth)), forth[0].previous)
				}
				if back := r.back(t, query, last); !slices.Equal(idsOf(append(back, last)), idsOf(forth)) {
					t.Errorf("%s: %q on the way there, %q back", query, idsOf(forth), idsOf(append(back, last)))
				}
				for i, p := range forth[1:] {
					before := r.list(t, query, p.previous)
					if again := r.list(t, query, before.next); !slices.Equal(before.ids, forth[i].ids) || !slices.Equal(again.ids, p.ids) {
						t.Errorf("%s: page %d: %q before it, and %q behind that", query, i+1, before.ids, again.ids)
					}
				}
			}
		}
	}
}

// TestATokenOfTheLongestKeysIsTaken: in every order, whatever the keys hold.
func TestATokenOfTheLongestKeysIsTaken(t *testing.T) {
	r := newHarness(t)
	domains := []string{}
	for i := range apikey.MaxDomains {
		domains = append(domains, fmt.Sprintf("%s%03d.example.com", strings.Repeat("d", 60), i))
	}
	for range 3 {
		r.NewKey(t, r.account, func(k *apikey.Key) {
			k.Name, k.Domains = strings.Repeat("界", 64), domains
			for i := range 60 {
				k.Products = append(k.Products, product.ID(fmt.Sprintf("%s-%02d", strings.Repeat("p", 40), i)))
			}
		})
	}
	for column := range columns {
		for _, order := range []string{column, "-" + column} {
			query := "page_size=1&sort=" + order
			forth := r.forth(t, query)
			if back := r.back(t, query, forth[len(forth)-1]); len(idsOf(forth)) != 3 || len(idsOf(back)) != 2 {
				t.Errorf("%s: %d keys, %d before the last one", order, len(idsOf(forth)), len(idsOf(back)))
			}
		}
	}
}

// TestTheFirstPageIsNoShorterFromBehind: keys that came or went meanwhile shift what is before a page.
func TestTheFirstPageIsNoShorterFromBehind(t *testing.T) {
	for _, order := range []string{"created_at", "-created_at", "name"} {
		r := newHarness(t)
		keys := []apikey.Key{}
		for range 7 {
			keys = append(keys, r.NewKey(t, r.account))
		}
		query := "page_size=3&sort=" + order
		second := r.list(t, query, r.list(t, query, "").next)
		first := r.list(t, query, "").ids
		for _, k := range keys {
			if slices.Contains(first[:2], string(k.ID)) {
				if _, err := r.Edit(t.Context(), k, "key.delete", func(k *apikey.Key) { k.DeletedAt = keytest.Now }); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got := r.list(t, query, second.previous); len(got.ids) != 3 || got.ids[0] != first[2] || got.previous != "" {
			t.Errorf("%s: %q before %q", order, got.ids, second.ids)
		}
	}
}

// TestASearchThatFindsLittleLosesNothingEitherWay: one call looks at 1,000 keys and no more, so that pages may be short or empty.
func TestASearchThatFindsLittleLosesNothingEitherWay(t *testing.T) {
	r := newHarnessOn(t, keytest.LongStores(t))
	rare := []string{}
	for part := range 3 {
		k := r.NewKey(t, r.account, func(k *apikey.Key) { k.Labels = []string{"rare"} })
		rare = append(rare, string(k.ID))
		common := r.NewKey(t, r.account, func(k *apikey.Key) { k.Name = fmt.Sprint("common ", part) })
		r.NewKeys(t, common, control.MostLooked)
	}
	slices.Reverse(rare) // the newest first
	query := "page_size=2&label=rare"
	forth := r.forth(t, query)
	if !slices.Equal(idsOf(forth), rare) {
		t.Fatalf("%q on the way there", idsOf(forth))
	}
	end := len(forth) - 1
	for end > 0 && len(forth[end].ids) == 0 {
		end--
	}
	back := append(r.back(t, query, forth[end]), forth[end])
	if !slices.Equal(idsOf(back), rare) {
		t.Errorf("%q on the way back", idsOf(back))
	}
	for _, p := range back[:len(back)-1] {
		found := []string{}
		for from := p; from.next != ""; {
			from = r.list(t, query, from.next)
			found = append(found, from.ids...)
		}
		if at := slices.Index(rare, forth[end].ids[0]); len(p.ids) > 0 && at >= 0 && !slices.Contains(found, rare[len(rare)-1]) {
			t.Errorf("from %q on: %q", p.ids, found)
		}
	}
}

// TestTheFirstPageCountsKeysAndLabels: those that aren't deleted, whatever the filter; labels alike but for case are one.
func TestTheFirstPageCountsKeysAndLabels(t *testing.T) {
	r := newHarness(t)
	for _, labels := range [][]string{{"web", "beta"}, {"Web"}, {"gone"}, nil} {
		k := r.NewKey(t, r.account, func(k *apikey.Key) { k.Labels = labels })
		if slices.Contains(labels, "gone") {
			if _, err := r.Edit(t.Context(), k, "key.delete", func(k *apikey.Key) { k.DeletedAt = keytest.Now }); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, query := range []string{"page_size=1", "label=nobody", "status=deleted", "sort=name", "q=x", "sort=created_at"} {
		doc := r.list(t, query, "").doc
		names := []string{}
		for _, l := range doc["labels"].([]any) {
			m := l.(map[string]any)
			names = append(names, fmt.Sprint(m["name"], m["keys"]))
		}
		if doc["total"] != 3.0 || len(names) != 2 || names[0] != "beta1" || !strings.EqualFold(names[1], "web2") {
			t.Errorf("%s: %v keys, %q", query, doc["total"], names)
		}
	}
	later := r.list(t, "page_size=1", r.list(t, "page_size=1", "").next).doc
	if later["total"] != nil || later["labels"] != nil {
		t.Errorf("a later page counts too: %v, %v", later["total"], later["labels"])
	}
	for i := range mostLabels + 1 {
		r.NewKey(t, r.account, func(k *apikey.Key) { k.Labels = []string{fmt.Sprintf("x%03d", i)} })
	}
	for range 2 {
		r.NewKey(t, r.account, func(k *apikey.Key) { k.Labels = []string{"zebra"} })
	}
	names := []string{}
	for _, l := range r.list(t, "page_size=1", "").doc["labels"].([]any) {
		names = append(names, strings.ToLower(l.(map[string]any)["name"].(string)))
	}
	if len(names) != mostLabels || !slices.IsSorted(names) || !slices.Contains(names, "web") || !slices.Contains(names, "zebra") {
		t.Errorf("%d labels, by name, with those of two keys: %q", len(names), names)
	}
}

// TestTheListHasTheFiguresOfADay: 24 hours, the running one included, of each key in the order of the list.
func TestTheListHasTheFiguresOfADay(t *testing.T) {
	r := newHarness(t)
	busy, idle := r.NewKey(t, r.account), r.NewKey(t, r.account)
	now := r.handler.service.Source.Time()
	hour := now.UTC().Truncate(time.Hour)
	r.count(t, 3, busy, authz.Allowed, now)
	r.count(t, 2, busy, authz.DomainNotAllowed, hour.Add(-23*time.Hour))
	r.count(t, 5, busy, authz.Allowed, hour.Add(-24*time.Hour+59*time.Minute)) // of the hour before, which is over
	doc := r.list(t, "figures=day&sort=created_at", "").doc["figures"].(map[string]any)
	if from, err := time.Parse(time.RFC3339, doc["from"].(string)); err != nil || !from.Equal(hour.Add(-23*time.Hour)) {
		t.Errorf("from %v", doc["from"])
	}
	keys := doc["keys"].([]any)
	for i, want := range []string{fmt.Sprint(busy.ID, " 5 2 2 3"), fmt.Sprint(idle.ID, " 0 0 0 0")} {
		m := keys[i].(map[string]any)
		hours := m["hours"].([]any)
		if got := fmt.Sprint(m["id"], " ", m["requests"], " ", m["refused"], " ", hours[0], " ", hours[23]); got != want || len(hours) != 24 {
			t.Errorf("%s in %d hours, want %s", got, len(hours), want)
		}
	}
	if doc := r.list(t, "sort=created_at", "").doc; doc["figures"] != nil {
		t.Error("figures that nobody asked for")
	}
	if got := r.Do(t, apitest.Call{As: "viewer", Method: "GET", Path: r.keys() + "?figures=week"}); got.Problem() != "400 parameter_invalid [figures]" {
		t.Errorf("another span: %s", got.Problem())
	}
}

// count puts n calls of a key that named no host into the counters.
func (r *harness) count(t testing.TB, n int, k apikey.Key, code authz.Code, at time.Time) {
	t.Helper()
	r.countFrom(t, n, k, code, "", at)
}

// TestAFilterOfWhatDoesntShowFindsNothing, instead of every key.
func TestAFilterOfWhatDoesntShowFindsNothing(t *testing.T) {
	r := newHarness(t)
	r.NewKey(t, r.account)
	for _, typed := range []string{"\u200d", "\u3164", " \u200c ", "\ufe0f"} {
		for _, name := range []string{"q", "label"} {
			if got := r.list(t, url.Values{name: {typed}}.Encode(), ""); len(got.ids) != 0 {
				t.Errorf("%s %q: %q", name, typed, got.ids)
			}
		}
	}
	for _, none := range []string{"", " "} {
		if got := r.list(t, url.Values{"q": {none}, "label": {none}}.Encode(), ""); len(got.ids) != 1 {
			t.Errorf("%q: %d keys", none, len(got.ids))
		}
	}
}

// TestEachPageIsCountedWhereThatIsAskedFor: the keys that fit, and where the page is among them, in each order, both ways. An account of more keys
// than one call looks at is counted nowhere, and its pages are the same.
func TestEachPageIsCountedWhereThatIsAskedFor(t *testing.T) {
	r := newHarness(t)
	for i := range 7 {
		r.NewKey(t, r.account, func(k *apikey.Key) {
			if k.Labels = []string{"web"}; i%2 == 0 {
				k.Labels = []string{"beta"}
			}
		})
	}
	for query, matching := range map[string]int{"sort=created_at": 7, "sort=-created_at": 7, "sort=name": 7, "label=beta": 4, "label=beta&sort=name": 4, "status=deleted": 0} {
		query = "with=counts&page_size=2&" + query
		place := 1
		for _, p := range r.forth(t, query) {
			if p.doc["matching"] != float64(matching) || p.doc["total"] != 7.0 || len(p.doc["labels"].([]any)) != 2 || len(p.ids) > 0 && p.doc["position"] != float64(place) {
				t.Errorf("%s: %q of %d is %v, %v, %v", query, p.ids, matching, p.doc["matching"], p.doc["position"], p.doc["total"])
			}
			place += len(p.ids)
			if p.previous == "" {
				continue
			}
			if before := r.list(t, query, p.previous); before.doc["position"] != float64(place-len(p.ids)-2) || before.doc["matching"] != float64(matching) {
				t.Errorf("%s: before %q is %v of %v", query, p.ids, before.doc["position"], before.doc["matching"])
			}
		}
	}
	r.Want(t, 400, apitest.Call{As: "viewer", Method: "GET", Path: r.keys() + "?with=all"})
}

// TestPagesOfManyKeysAreTheSameWithoutCounts, which nobody can give: each says that there are too many.
func TestPagesOfManyKeysAreTheSameWithoutCounts(t *testing.T) {
	keytest.OneAtATime(t)
	r := newHarnessOn(t, keytest.LongStores(t))
	first := r.NewKey(t, r.account)
	r.NewKeys(t, first, control.MostLooked)
	for _, order := range []string{"created_at", "-created_at"} {
		query := "page_size=100&sort=" + order
		want, got := r.list(t, query, ""), r.list(t, "with=counts&"+query, "")
		for n := 1; want.next != ""; n++ { // to the end: the last pages are of keys that no count has looked at
			want, got = r.list(t, query, want.next), r.list(t, "with=counts&"+query, got.next)
			if !slices.Equal(got.ids, want.ids) || (got.next == "") != (want.next == "") {
				t.Fatalf("%s: page %d is %q, want %q", order, n, got.ids, want.ids)
			}
			if got.doc["matching"] != nil || got.doc["total"] != nil || got.doc["sortable"] != false {
				t.Errorf("%s: page %d says %v, %v", order, n, got.doc["matching"], got.doc["sortable"])
			}
		}
		if before := r.list(t, "with=counts&"+query, got.previous); before.doc["sortable"] != false {
			t.Errorf("%s: the page before says %v", order, before.doc["sortable"])
		}
	}
}
