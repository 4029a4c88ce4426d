package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// crowded is an account with more keys than one call looks at: those of some names first, and one in the middle of all names 1,000 times.
func crowded(t *testing.T) (r *harness, few []apikey.Key) {
	t.Helper()
	r = newHarnessOn(t, keytest.LongStores(t))
	for i, name := range []string{"Zebra", "alpha", "Ärger", "beta", "BETA", "zoo", "日本"} {
		k := r.NewKey(t, r.account, func(k *apikey.Key) { k.Name, k.Labels = name, []string{"rare"} })
		if i == 3 {
			var err error
			if k, err = r.Edit(t.Context(), k, "key.delete", func(k *apikey.Key) { k.DeletedAt = keytest.Now }); err != nil {
				t.Fatal(err)
			}
		}
		few = append(few, k)
	}
	k := r.NewKey(t, r.account, func(k *apikey.Key) { k.Name = "Middle" })
	r.NewKeys(t, k, control.MostLooked+50)
	r.IndexNames(t)
	return r, few
}

// byPlace are the IDs of keys in the order of a list by name.
func byPlace(keys []apikey.Key, last bool) (ids []string) {
	keys = slices.SortedFunc(slices.Values(keys), func(a, b apikey.Key) int { return strings.Compare(a.PlaceByName(), b.PlaceByName()) })
	for _, k := range keys {
		ids = append(ids, string(k.ID))
	}
	if last {
		slices.Reverse(ids)
	}
	return ids
}

// TestManyKeysAreSortedByName, both ways, whatever the filter: all pages have each key once, in the order that a few keys have, and the pages
// before the last one are the same as on the way there.
func TestManyKeysAreSortedByName(t *testing.T) {
	keytest.OneAtATime(t)
	r, few := crowded(t)
	all, err := r.Control.Keys(t.Context(), r.account.ID, control.KeyQuery{})
	if err != nil {
		t.Fatal(err)
	}
	rest, err := r.Control.Keys(t.Context(), r.account.ID, control.KeyQuery{After: all.Next})
	if err != nil {
		t.Fatal(err)
	}
	live := slices.DeleteFunc(slices.Clone(few), func(k apikey.Key) bool { return !k.DeletedAt.IsZero() })
	for filter, want := range map[string][]apikey.Key{"": append(all.Keys, rest.Keys...), "&label=rare": live, "&status=deleted": few[3:4], "&q=zebra": few[:1], "&q=nobody": nil} {
		for _, order := range []string{"name", "-name"} {
			query := "page_size=100&sort=" + order + filter
			forth := r.forth(t, query)
			if got := idsOf(forth); !slices.Equal(got, byPlace(want, order == "-name")) {
				t.Errorf("%s: %d keys, want %d: %q", query, len(got), len(want), got[:min(len(got), 10)])
			}
			if forth[0].previous != "" || forth[0].doc["sortable"] != false || forth[0].doc["total"] != nil {
				t.Errorf("%s: before the first page %q, sortable %v", query, forth[0].previous, forth[0].doc["sortable"])
			}
			end := len(forth) - 1
			for end > 0 && len(forth[end].ids) == 0 {
				end--
			}
			if back := append(r.back(t, query, forth[end]), forth[end]); !slices.Equal(idsOf(back), idsOf(forth)) {
				t.Errorf("%s: %d keys on the way back, %d on the way there", query, len(idsOf(back)), len(idsOf(forth)))
			}
			for i := 2; i <= end && filter == ""; i++ {
				if before := r.list(t, query, forth[i].previous); !slices.Equal(before.ids, forth[i-1].ids) {
					t.Errorf("%s: page %d isn't before page %d", query, i-1, i)
				}
			}
		}
	}
}

// TestALaterPageByNameReadsNoMoreThanItShows: that the account has many keys is known. The first page looks at few places, as it has looked at 1,000 keys.
func TestALaterPageByNameReadsNoMoreThanItShows(t *testing.T) {
	r, _ := crowded(t)
	reads := func(query, token string) (list, int) {
		before := r.Calls.Read()
		l := r.list(t, query, token)
		return l, r.Calls.Read() - before
	}
	first, n := reads("page_size=20&sort=name", "")
	if n > control.MostLooked+1+4*21+10 {
		t.Errorf("the first page reads %d records", n)
	}
	second, n := reads("page_size=20&sort=name", first.next)
	if n > 2*21+10 {
		t.Errorf("the second page reads %d records", n)
	}
	if _, n := reads("page_size=20&sort=name", second.previous); n > control.MostLooked+1+4*21+10 { // the first page is never shorter than it could be
		t.Errorf("the page before reads %d records", n)
	}
	if _, n = reads("page_size=20&sort=name&q=nobody", ""); n > control.MostLooked+1+2*(firstLook+1)+10 {
		t.Errorf("a first page that finds nothing reads %d records", n)
	}
}

// TestAListByNameGoesOnWhereTheAccountGrowsOrShrinks over the number up to which one call sorts it: a page's token leads on in both.
func TestAListByNameGoesOnWhereTheAccountGrowsOrShrinks(t *testing.T) {
	r := newHarnessOn(t, keytest.LongStores(t))
	k := r.NewKey(t, r.account)
	last := r.NewKeys(t, k, control.MostLooked-1)
	r.IndexNames(t)
	query := "page_size=100&sort=name"
	second := r.list(t, query, r.list(t, query, "").next)
	r.NewKeys(t, k, 1)
	grown := r.list(t, query, second.next)
	if want := r.list(t, query, r.list(t, query, grown.previous).next); !slices.Equal(grown.ids, want.ids) || grown.ids[0] <= second.ids[99] {
		t.Errorf("grown: %q behind %q", grown.ids[0], second.ids[99])
	}
	if counted := r.list(t, query+"&with=counts", r.list(t, query+"&with=counts", second.next).next); counted.doc["sortable"] != false || counted.doc["total"] != nil {
		t.Errorf("grown: sortable %v, total %v", counted.doc["sortable"], counted.doc["total"])
	}
	gone := dynamo.Item{"pk": dynamo.S("A#" + string(r.account.ID)), "sk": dynamo.S("KEY#" + string(last))}
	if _, err := r.DB.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &r.Tables.Control, Key: gone}); err != nil {
		t.Fatal(err)
	}
	for _, counts := range []string{"", "&with=counts"} {
		shrunk := r.list(t, query+counts, grown.next)
		if len(shrunk.ids) != 100 || shrunk.ids[0] <= grown.ids[99] || (shrunk.doc["total"] != nil) != (counts != "") || counts != "" && shrunk.doc["position"] != 301.0 {
			t.Errorf("shrunk, %q: %d keys, total %v, position %v", counts, len(shrunk.ids), shrunk.doc["total"], shrunk.doc["position"])
		}
	}
}

// TestANameThatIsNoLongerIndexedEndsAListByName: after a release that doesn't know names has compared the tables, some may be missing.
func TestANameThatIsNoLongerIndexedEndsAListByName(t *testing.T) {
	r, _ := crowded(t)
	first := r.list(t, "sort=name", "")
	p, err := r.Control.Pass(t.Context(), control.DriftJob)
	p.Named = false
	if _, failed := r.Control.SavePass(t.Context(), p); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	for _, token := range []string{"", "&page_token=" + first.next} {
		if got := r.Do(t, apitest.Call{As: "viewer", Method: "GET", Path: fmt.Sprint(r.keys(), "?sort=name", token)}); got.Problem() != "422 keys_not_sortable [sort]" {
			t.Errorf("%q: %s", token, got.Problem())
		}
	}
}
