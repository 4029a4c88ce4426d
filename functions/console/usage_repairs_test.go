package main

import (
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

// TestTheUsagePageOffersWhatHelpsToo: of one key, what its own page offers; of all, the keys that are refused most, and the domains.
func TestTheUsagePageOffersWhatHelpsToo(t *testing.T) {
	usage := "/accounts/" + account + "/usage"
	for name, c := range map[string]struct {
		path   string
		viewer bool
		want   []string
		says   string
	}{
		"one key":           {usage + "?key=" + keyID, false, []string{keyPath + "/repair domain=many.example", keyPath + "/repair domain=few.example", keyPath + "/repair product=search", keyPath + "/edit#f-missing_origin"}, "many.example 40 refused"},
		"one key, a viewer": {usage + "?key=" + keyID, true, nil, "many.example 40 refused"},
		"all keys":          {usage, false, []string{keyPath, keyPath}, "many.example 40 refused"},
		"a viewer":          {usage, true, []string{keyPath, keyPath}, "many.example 40 refused"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newHarness(t, time.Hour)
			r.api.key.Domains = []string{"shop.example"}
			if c.viewer {
				r.api.me.Accounts[0].Role = api.Viewer
			}
			refusedUsage(r)
			r.api.on("GET /v1"+usage, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
				by := map[string]int64{"domain_not_allowed": 60, "qps_exceeded": 9}
				reply(w, 200, api.Usage{
					Totals:   api.UsageCounts{Requests: 900, Allowed: 831, Refused: 69, ByReason: by},
					ByOrigin: &[]api.UsageShare{{Name: "many.example", Requests: 40, Refused: 40, ByReason: map[string]int64{"domain_not_allowed": 40}}, {Name: "*refused", Refused: 20, ByReason: map[string]int64{"domain_not_allowed": 20}}},
					ByKey:    &[]api.UsageShare{{Name: keyID, Requests: 900, Refused: 69, ByReason: by, Key: &api.UsageKey{Id: keyID, Name: "Site"}}, {Name: "key_purged", Refused: 1, ByReason: map[string]int64{"qps_exceeded": 1}}},
				})
				return true
			})
			r.signIn("owner")
			page := r.get(c.path)
			if got := offeredRepairs(page.doc); !slices.Equal(got, c.want) || !strings.Contains(strings.Join(strings.Fields(text(page.doc)), " "), c.says) {
				t.Errorf("offered %q, want %q: %s", got, c.want, text(page.doc))
			}
		})
	}
}

// TestNoRepairIsLeftOutWithoutAWord: what a reason's few have no room for is counted, and found in Usage.
func TestNoRepairIsLeftOutWithoutAWord(t *testing.T) {
	for hosts, more := range map[int]int{mostRepairs: 0, mostRepairs + 7: 7} {
		r := newHarness(t, time.Hour)
		r.api.key.Domains = []string{"shop.example"}
		var origins []api.UsageShare
		for i := range hosts {
			origins = append(origins, api.UsageShare{Name: fmt.Sprintf("copy-%02d.example", i), Requests: 1, Refused: 1, ByReason: map[string]int64{"domain_not_allowed": 1}})
		}
		r.api.on("GET /v1"+keyPath+"/usage", func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
			reply(w, 200, api.Usage{Totals: api.UsageCounts{Requests: 12, Refused: 12, ByReason: map[string]int64{"domain_not_allowed": 12}}, ByOrigin: &origins})
			return true
		})
		r.signIn("owner")
		page := r.get(keyPath)
		shown := offeredRepairs(page.doc)
		rest := "/accounts/" + account + "/usage?" + url.Values{"key": {keyID}, "range": {"7d"}}.Encode()
		if says := strings.Contains(text(page.doc), fmt.Sprintf("%d more in Usage", more)); says != (more > 0) || slices.Contains(shown, rest) != (more > 0) || len(shown) != mostRepairs+min(more, 1) {
			t.Errorf("%d hosts: %q: %s", hosts, shown, text(page.doc))
		}
	}
}

// TestALabelNarrowsTheListAsItIs: what was searched for, filtered and sorted stays.
func TestALabelNarrowsTheListAsItIs(t *testing.T) {
	w := newWalker(t, "owner")
	list := "/accounts/" + account + "/keys"
	for query, want := range map[string]string{
		"": "label=M%C3%BCller", "?q=shop&status=active&product=search&sort=name": "label=M%C3%BCller&product=search&q=shop&sort=name&status=active",
		"?sort=name&page=p2&back=1": "label=M%C3%BCller&sort=name",
	} {
		links := 0
		elements(w.ask(http.MethodGet, list+query, nil).doc, func(n *html.Node) {
			if n.Data == "a" && strings.Contains(attr(n, "href"), "label=M") {
				if links++; attr(n, "href") != list+"?"+want {
					t.Errorf("%s: the label leads to %s", query, attr(n, "href"))
				}
			}
		})
		if links != 1 {
			t.Errorf("%s: %d links", query, links)
		}
	}
}
