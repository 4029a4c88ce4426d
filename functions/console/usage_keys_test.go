package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"latchkey/shared/api"
)

// shares are so many keys, each with fewer calls than the one before.
func shares(n int) (list []api.UsageShare) {
	for i := range n {
		id := fmt.Sprintf("key_01M805HA7KFVZYHMQR8J2P%04d", i)
		calls := int64(1000 * (n - i))
		list = append(list, api.UsageShare{
			Name: id, Requests: calls, Allowed: calls - 30, Refused: 30, QpsBreaches: 20, ByReason: map[string]int64{"qps_exceeded": 20, "domain_not_allowed": 10},
			Key: &api.UsageKey{Id: id, Name: fmt.Sprint("Customer number ", i), Preview: "ak_7Kf2…x9Qd", BillingType: api.Freemium},
		})
	}
	return list
}

// large is the usage of an account with so many keys over 90 days.
func large(keys int, now time.Time) api.Usage {
	u := usageOf(now.Truncate(oneDay).AddDate(0, 0, -90), 91, oneDay)
	list, hosts := shares(keys), shares(20)
	u.Totals = api.UsageCounts{ByReason: map[string]int64{}}
	for i := range u.Series {
		u.Series[i] = api.UsagePoint{Start: u.Series[i].Start, Requests: 1_827_091, Allowed: 1_723_456, Refused: 103_635, QpsBreaches: 83_456}
	}
	for _, s := range list {
		u.Totals.Requests, u.Totals.Allowed, u.Totals.Refused, u.Totals.QpsBreaches = u.Totals.Requests+s.Requests, u.Totals.Allowed+s.Allowed, u.Totals.Refused+s.Refused, u.Totals.QpsBreaches+s.QpsBreaches
	}
	for i, code := range []string{
		"key_deleted", "key_revoked", "key_blocked", "key_disabled", "key_expired", "secret_expired", "key_not_in_header", "path_not_canonical", "product_not_allowed", "path_not_granted", "origin_missing", "domain_not_allowed", "qps_exceeded",
	} {
		u.Totals.ByReason[code] = int64(100 * (i + 1))
	}
	for i := range hosts {
		hosts[i].Name, hosts[i].Key = fmt.Sprintf("www.customer-%d.example", i), nil
	}
	u.ByKey, u.ByOrigin, u.ByProduct = &list, &hosts, ptr(shares(10))
	for i := range *u.ByProduct {
		(*u.ByProduct)[i].Name, (*u.ByProduct)[i].Key = fmt.Sprint("product-", i), nil
	}
	return u
}

// TestAnAccountOf500KeysAnd90DaysIsALightPage: at most three calls to the management API, and 40 kB of HTML, in every language. Half
// a kilobyte stays free, so that a longer word isn't the one that breaks it.
func TestAnAccountOf500KeysAnd90DaysIsALightPage(t *testing.T) {
	r := usageHarness(t)
	now := time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC)
	r.answers(large(500, now), now)
	for _, tag := range []string{"en", "fr", "ar"} {
		r.post("/preferences", url.Values{"language": {tag}})
		r.api.mu.Lock()
		r.api.calls = nil
		r.api.mu.Unlock()
		page := r.get("/accounts/" + account + "/usage?range=90d")
		r.api.mu.Lock()
		calls := len(r.api.calls)
		r.api.mu.Unlock()
		if calls > 3 || len(page.text) > 40_000 || !strings.Contains(page.text, "Customer number 7") || strings.Contains(page.text, "Customer number 8<") {
			t.Errorf("%s: %d calls, %d bytes", tag, calls, len(page.text))
		}
	}
}

// TestASplitShowsEightAndTheOthersTogether, so that its rows add up to the whole.
func TestASplitShowsEightAndTheOthersTogether(t *testing.T) {
	r := usageHarness(t)
	now := time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC)
	for keys, want := range map[int]string{1: "", 8: "", 9: "1 other key", 500: "492 other keys"} {
		u := large(keys, now)
		r.answers(u, now)
		var tables [][]int
		rest := ""
		elements(r.get("/accounts/"+account+"/usage?range=90d").doc, func(n *html.Node) {
			if n.Data == "table" && strings.Contains(attr(n, "class"), "split") {
				tables = append(tables, nil)
			}
			if n.Data == "tr" && attr(n, "class") == "rest" && strings.Contains(text(n), "key") {
				rest = text(n)
			}
			if last := len(tables) - 1; n.Data == "td" && last >= 0 && n.PrevSibling.Data == "th" {
				var count int
				_, _ = fmt.Sscan(strings.ReplaceAll(text(n), ",", ""), &count)
				tables[last] = append(tables[last], count) // the first column of numbers
			}
		})
		if (want == "") != (rest == "") || !strings.Contains(rest, want) {
			t.Errorf("%d keys: the last row is %q", keys, rest)
		}
		if len(tables) != 4 || keys == 500 && len(tables[0]) != 9 {
			t.Fatalf("%d keys: %v", keys, tables)
		}
		sum := 0
		for _, n := range tables[0] {
			sum += n
		}
		if int64(sum) != u.Totals.Requests {
			t.Errorf("%d keys: the rows add up to %d of %d", keys, sum, u.Totals.Requests)
		}
	}
}

func TestASplitThatIsLeftOutIsExplained(t *testing.T) {
	r := usageHarness(t)
	now := time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC)
	u := large(20, now)
	says := "Group by key or by origin to see it."
	for _, split := range []bool{true, false} {
		if !split {
			u.ByKey, u.ByOrigin = nil, nil
		}
		r.answers(u, now)
		if got := strings.Contains(text(r.get("/accounts/"+account+"/usage?range=90d").doc), says); got == split {
			t.Errorf("split %v: it is explained: %v", split, got)
		}
	}
}

// TestAKeyIsChosenByItsNameOrID, without a script: what is typed is found, kept, changed, or refused with what to do.
func TestAKeyIsChosenByItsNameOrID(t *testing.T) {
	w := newWalker(t, "owner")
	root := "/accounts/" + account + "/usage"
	w.keysByName(api.Key{Id: keyID, Name: "Web shop"}, api.Key{Id: "key_2", Name: "Web app"}, api.Key{Id: "key_3", Name: "Fleet"})
	for form, want := range map[string]string{
		"range=7d&find=fleet&key=&was=&product=&by=":         root + "?key=key_3&range=7d",
		"range=7d&find=+shop+&key=key_3&was=Fleet":           root + "?key=" + keyID + "&range=7d",
		"range=7d&find=" + keyID + "&by=day":                 root + "?by=day&key=" + keyID + "&range=7d",
		"find=Fleet&key=key_3&was=Fleet&from=2026-01-01&to=": root + "?from=2026-01-01&key=key_3",
		"range=30d&find=&key=key_3&was=Fleet&product=search": root + "?product=search&range=30d",
		"range=24h&find=&key=&was=&product=&by=&from=&to=":   root + "?range=24h",
		"range=7d&find=nothing&was=nothing&key=":             root + "?find=nothing&range=7d",
	} {
		if got := w.sentOn(root, form); got != want {
			t.Errorf("%s leads to %q, want %q", form, got, want)
		}
	}
	several := w.ask(http.MethodGet, root+"?range=7d&find=web", nil)
	var links []string
	elements(first(several.doc, "matches"), func(n *html.Node) {
		if n.Data == "a" {
			links = append(links, attr(n, "href"))
		}
	})
	if want := []string{root + "?key=key_2&range=7d", root + "?key=" + keyID + "&range=7d"}; !slices.Equal(links, want) || !strings.Contains(text(several.doc), "2 keys match “web”") {
		t.Errorf("several match: %v, %s", links, text(several.doc))
	}
	if none := w.ask(http.MethodGet, root+"?find=nothing", nil); none.StatusCode != http.StatusBadRequest || !strings.Contains(text(none.doc), "No key matches “nothing”.") || !strings.Contains(none.text, `value="nothing"`) {
		t.Errorf("none matches: %d %s", none.StatusCode, text(none.doc))
	}
}

// sentOn sends a form as a browser does, and returns the last address that it leads to.
func (w *walker) sentOn(action, form string) string {
	w.t.Helper()
	values, err := url.ParseQuery(form)
	if err != nil {
		w.t.Fatal(err)
	}
	to := w.ask(http.MethodPost, action, values).Header.Get("Location")
	for range 2 {
		if next := w.ask(http.MethodGet, to, nil).Header.Get("Location"); next != "" {
			to = next
		}
	}
	return to
}

func TestKeysAreSuggestedForWhatIsTyped(t *testing.T) {
	r := usageHarness(t)
	var found []suggestion
	page := r.post("/accounts/"+account+"/usage/keys", url.Values{"q": {strings.Repeat("é", 100)}})
	if err := json.Unmarshal([]byte(page.text), &found); err != nil || page.Header.Get(moreHeader) != "" || len(found) != 1 || found[0].ID != keyID || found[0].Name != "Demo" {
		t.Errorf("%v: %s", err, page.text)
	}
	asked := r.api.seen("GET /v1/accounts/" + account + "/keys")
	if last := asked[len(asked)-1].uri; !strings.Contains(last, "page_size=20") || !strings.Contains(last, "&q="+url.QueryEscape(strings.Repeat("é", 64))) || strings.Contains(last, url.QueryEscape(strings.Repeat("é", 65))) {
		t.Errorf("asks %s", last)
	}
}

// TestAListOfSuggestionsSaysThatItIsNotWhole: of 21 keys it has 20. It is a list all the same, as pages of the release before read it.
func TestAListOfSuggestionsSaysThatItIsNotWhole(t *testing.T) {
	w := newWalker(t, "owner")
	for n, more := range map[int]bool{mostSuggested: false, mostSuggested + 1: true} {
		w.listing(t, func(url.Values) api.KeyList {
			list := api.KeyList{Keys: slices.Repeat([]api.Key{{Id: keyID, Name: "Shop", Status: api.Active}}, mostSuggested)}
			if n > mostSuggested {
				list.NextPageToken = ptr("next")
			}
			return list
		})
		var found []suggestion
		page := w.ask(http.MethodPost, "/accounts/"+account+"/usage/keys", url.Values{"q": {"shop"}})
		if err := json.Unmarshal([]byte(page.text), &found); err != nil || (page.Header.Get(moreHeader) != "") != more || len(found) != mostSuggested {
			t.Errorf("of %d: %v: %s", n, err, page.text)
		}
	}
}

// TestBillingTypesAreASplitWhereThereAreSeveral, by their names, what is not known last; a type that this release doesn't know by its word.
// A single one for all is no split.
func TestBillingTypesAreASplitWhereThereAreSeveral(t *testing.T) {
	r := usageHarness(t)
	now := time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC)
	u := large(1, now)
	u.Totals.Requests, u.Totals.Allowed, u.Totals.Refused = 100, 100, 0
	of := func(name string, n int64) api.UsageShare { return api.UsageShare{Name: name, Requests: n, Allowed: n} }
	for want, shares := range map[string][]api.UsageShare{
		"":            {of("freemium", 100)},
		"Unknown 100": nil, // never shown: nothing is split
		"Freemium 30, Pay as you grow 25, trial 5, Unknown 40": {of("", 40), of("freemium", 30), of("pay_as_you_grow", 25), of("trial", 5)},
	} {
		u.ByBillingType = &shares
		r.answers(u, now)
		var got []string
		elements(r.get("/accounts/"+account+"/usage?range=90d").doc, func(n *html.Node) {
			if n.Data == "section" && strings.Contains(text(n), "By billing type") {
				elements(n, func(row *html.Node) {
					if row.Data == "th" && attr(row, "scope") == "row" {
						got = append(got, strings.TrimSpace(text(row))+" "+strings.TrimSpace(text(row.NextSibling)))
					}
				})
			}
		})
		if shares == nil {
			want = ""
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
