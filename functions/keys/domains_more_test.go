package main

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// replaceAll puts new.example.com in the place of old.example.com as a client does that goes by `more`, and counts the results of each request.
func (r *harness) replaceAll(t testing.TB, tag string) (each []map[string]int) {
	t.Helper()
	query := ""
	for range 4 {
		answer := r.Want(t, 200, apitest.Call{
			As: "developer", Method: "POST", Path: r.domains() + "/replace" + query, Headers: map[string]string{"If-Match": tag},
			Body: map[string]any{"domain": "old.example.com", "with": "new.example.com"},
		})
		doc, counts := answer.JSON(t), map[string]int{}
		for _, one := range doc["results"].([]any) {
			counts[one.(map[string]any)["result"].(string)]++
		}
		each = append(each, counts)
		token, more := doc["next_page_token"].(string)
		if more != doc["more"] {
			t.Fatalf("more is %v, and the token %v", doc["more"], doc["next_page_token"])
		}
		if !more {
			return each
		}
		query = "?page_token=" + url.QueryEscape(token)
	}
	t.Fatalf("there is always more: %v", each)
	return nil
}

func wantCounts(t testing.TB, got []map[string]int, want ...map[string]int) {
	t.Helper()
	if !slices.EqualFunc(got, want, maps.Equal) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestAReplacementReachesEveryKey of an account that has more than the list of entries looks at, or than one request does, and ends. Those that
// the list doesn't look at are newer than its version, and nobody has seen another one of them.
func TestAReplacementReachesEveryKey(t *testing.T) {
	keytest.OneAtATime(t)
	for others, want := range map[int][]map[string]int{
		control.MostLooked:                {{"changed": 2}},
		replacePages * control.MostLooked: {{"changed": 1}, {"changed": 1}},
	} {
		r := newHarness(t)
		oldest := r.withDomains(t, "oldest", "old.example.com")
		r.NewKeys(t, r.withDomains(t, "other", "other.example.com"), others)
		_, tag := r.listed(t, "")
		r.Clock.Advance(time.Second)
		newest := r.NewKey(t, r.account, func(k *apikey.Key) {
			k.Name, k.Domains, k.UpdatedAt = "newest", []string{"old.example.com"}, r.Clock.Now()
		})
		wantCounts(t, r.replaceAll(t, tag), want...)
		for _, k := range []apikey.Key{oldest, newest} {
			if got := r.domainsOf(t, k); got != "new.example.com" {
				t.Errorf("of %d keys, the %s has %q", others+3, k.Name, got)
			}
		}
		wantCounts(t, r.replaceAll(t, tag)[:1], map[string]int{}) // done already
	}
}

// TestAReplacementGoesOnAfterFiveHundredKeys, whatever became of those, and no sooner says that there is more.
func TestAReplacementGoesOnAfterFiveHundredKeys(t *testing.T) {
	for stale, want := range map[int][]map[string]int{
		498: {{"refused": 498, "changed": 2}},
		499: {{"refused": 499, "changed": 1}, {"changed": 1}},
		500: {{"refused": 500}, {"changed": 2}},
	} {
		r := newHarness(t)
		seen := r.Clock.Now()
		key := func(name string, updated time.Time) apikey.Key {
			return r.NewKey(t, r.account, func(k *apikey.Key) { k.Name, k.Domains, k.UpdatedAt = name, []string{"old.example.com"}, updated })
		}
		r.NewKeys(t, key("stale", seen.Add(time.Second)), stale-1)
		key("first", seen)
		key("second", seen)
		r.NewKey(t, r.account, func(k *apikey.Key) { k.Domains, k.RevokedAt = []string{"old.example.com"}, keytest.Now })
		wantCounts(t, r.replaceAll(t, fmt.Sprintf(`"%d"`, seen.UnixMilli())), want...)
	}
}

// TestATokenOfAReplacementIsGoodForItAlone: another one begins at the first key.
func TestATokenOfAReplacementIsGoodForItAlone(t *testing.T) {
	r := newHarness(t)
	r.NewKeys(t, r.withDomains(t, "many", "old.example.com"), mostKeysChanged)
	seen := map[string]string{"If-Match": `"1"`}
	send := func(domain, with, query string) apitest.Answer {
		return r.Do(t, apitest.Call{As: "developer", Method: "POST", Path: r.domains() + "/replace" + query, Headers: seen, Body: map[string]any{"domain": domain, "with": with}})
	}
	token, _ := send("old.example.com", "new.example.com", "").JSON(t)["next_page_token"].(string)
	query := "?page_token=" + url.QueryEscape(token)
	for _, one := range []string{"old.example.com other.example.com", "other.example.com new.example.com"} {
		domain, with, _ := strings.Cut(one, " ")
		if got := send(domain, with, query); got.Code() != "page_token_invalid" {
			t.Errorf("%s: %d %s", one, got.Status, got.Body)
		}
	}
	if got := send("old.example.com", "new.example.com", query); got.Status != 200 {
		t.Errorf("its own: %d %s", got.Status, got.Body)
	}
	if got := send("old.example.com", "new.example.com", "?page_size=1"); got.Status != 400 {
		t.Errorf("a parameter that it hasn't: %d %s", got.Status, got.Body)
	}
}

// TestAListNamesTheKeysThatItCounts, whichever entries it lists: those that it can't edit aren't among them.
func TestAListNamesTheKeysThatItCounts(t *testing.T) {
	r := newHarness(t)
	keys := []apikey.Key{r.withDomains(t, "b", "a.example.com"), r.withDomains(t, "a")}
	r.NewKey(t, r.account, func(k *apikey.Key) { k.Domains, k.RevokedAt = []string{"a.example.com"}, keytest.Now })
	last := r.NewKeys(t, keys[1], control.MostLooked-3)
	r.withDomains(t, "one too many", "b.example.com")
	for _, query := range []string{"", "?domain=a.example.com", "?domain=c.example.com"} {
		doc := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.domains() + query}).JSON(t)
		ids := doc["key_ids"].([]any)
		if len(ids) != control.MostLooked-1 || doc["key_count"] != float64(len(ids)) || ids[0] != string(keys[0].ID) || ids[1] != string(keys[1].ID) || ids[len(ids)-1] != string(last) || doc["more"] != true {
			t.Errorf("%q: %d IDs, %v counted, more %v", query, len(ids), doc["key_count"], doc["more"])
		}
	}
}
