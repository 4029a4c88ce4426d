package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// TestAProposalIsCountedFromTheMomentThatIsShown: "since" stands beside the numbers, so they must be from then on. The key's page
// has those of its days; where the proposal is enforced, they are from when it was made.
func TestAProposalIsCountedFromTheMomentThatIsShown(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	const path = "/accounts/" + account + "/keys/" + keyID
	const counted, lacking = "3 of 900 allowed requests would be refused", "The figures can’t be loaded right now."
	week := shownDays * oneDay
	for name, c := range map[string]struct {
		page  string
		age   time.Duration // 0: nothing is proposed
		from  time.Duration // before now, of the one read
		since time.Duration // before now, that the page says; 0: it doesn't
		fails bool          // that read
		want  string
	}{
		"none":                             {"", 0, week, 0, false, "Try stricter domains"},
		"of yesterday":                     {"", oneDay, week, oneDay, false, counted},
		"of a month ago":                   {"", 30 * oneDay, week, week, false, counted},
		"that can't be read":               {"", 30 * oneDay, week, 0, true, lacking},
		"of yesterday, to be enforced":     {"/promote", oneDay, oneDay, oneDay, false, counted},
		"of a month ago, to be enforced":   {"/promote", 30 * oneDay, 30 * oneDay, 30 * oneDay, false, counted},
		"older than what is kept":          {"/promote", 900 * oneDay, keepDays, 900 * oneDay, false, counted},
		"to be enforced, that can't be ..": {"/promote", oneDay, oneDay, 0, true, lacking},
	} {
		t.Run(name, func(t *testing.T) {
			r := newHarness(t, time.Hour)
			r.app.now = func() time.Time { return now }
			if c.age > 0 {
				r.api.key.Proposed = &api.Proposal{Domains: &[]string{"example.com"}, Since: moment.Of(now.Add(-c.age))}
			}
			var asked []string
			r.api.on("GET /v1"+path+"/usage", func(w http.ResponseWriter, q *http.Request, _ []byte) bool {
				r.api.mu.Lock()
				asked = append(asked, q.URL.Query().Get("from")+" "+q.URL.Query().Get("to"))
				r.api.mu.Unlock()
				if c.fails {
					problem(w, 503, "unavailable")
					return true
				}
				reply(w, 200, api.Usage{Totals: api.UsageCounts{Requests: 12}, Proposed: &api.ProposedCounts{Evaluated: 900, WouldRefuse: 3}})
				return true
			})
			r.signIn("owner")
			page := r.get(path + c.page)
			shown := text(page.doc)
			if page.StatusCode != 200 || !strings.Contains(shown, c.want) || strings.Contains(shown, "No allowed requests") {
				t.Errorf("%d, want %q in %s", page.StatusCode, c.want, shown)
			}
			if since := "since " + r.app.langs.Offered()[0].Moment(now.Add(-c.since)); strings.Contains(shown, since) != (c.since > 0) {
				t.Errorf("%q shown: want %v", since, c.since > 0)
			}
			slices.Sort(asked) // a read that fails is tried again
			want := now.Add(-c.from).Format(time.RFC3339) + " " + now.Format(time.RFC3339)
			if asked = slices.Compact(asked); len(asked) != 1 || asked[0] != want {
				t.Errorf("read %q, want %q", asked, want)
			}
		})
	}
}
