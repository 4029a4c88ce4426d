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

// TestAProposalIsCountedFromWhenItWasMade: "since" is shown beside the numbers, so they must be from then on.
func TestAProposalIsCountedFromWhenItWasMade(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	const path = "/accounts/" + account + "/keys/" + keyID
	for name, c := range map[string]struct {
		age   time.Duration // 0: nothing is proposed
		reads int           // of usage
		from  time.Duration // before now, of the read that is shown
		fails bool          // that read
		want  string
	}{
		"none":                             {0, 1, shownDays * oneDay, false, "Try stricter domains"},
		"of yesterday":                     {oneDay, 1, shownDays * oneDay, false, "3 of 900 allowed requests would be refused"},
		"of a month ago":                   {30 * oneDay, 2, 30 * oneDay, false, "3 of 900 allowed requests would be refused"},
		"older than the days":              {900 * oneDay, 2, keepDays, false, "3 of 900 allowed requests would be refused"},
		"that can't be read":               {30 * oneDay, 2, 30 * oneDay, true, "The figures can’t be loaded right now."},
		"of yesterday, that can't be read": {oneDay, 1, shownDays * oneDay, true, "The figures can’t be loaded right now."},
	} {
		t.Run(name, func(t *testing.T) {
			r := newHarness(t, time.Hour)
			r.app.now = func() time.Time { return now }
			if c.age > 0 {
				r.api.key.Proposed = &api.Proposal{Domains: &[]string{"example.com"}, Since: moment.Of(now.Add(-c.age))}
			}
			var asked []string
			r.api.on("GET /v1"+path+"/usage", func(w http.ResponseWriter, q *http.Request, _ []byte) bool {
				query := q.URL.Query()
				counts := api.ProposedCounts{Evaluated: 7, WouldRefuse: 7}
				r.api.mu.Lock()
				asked = append(asked, query.Get("from")+" "+query.Get("to")+" "+query.Get("interval"))
				r.api.mu.Unlock()
				if query.Get("from") == now.Add(-c.from).Format(time.RFC3339) {
					if c.fails {
						problem(w, 503, "unavailable")
						return true
					}
					counts = api.ProposedCounts{Evaluated: 900, WouldRefuse: 3}
				}
				reply(w, 200, api.Usage{Totals: api.UsageCounts{Requests: 12}, Proposed: &counts})
				return true
			})
			r.signIn("owner")
			page := r.get(path)
			if shown := text(page.doc); page.StatusCode != 200 || !strings.Contains(shown, c.want) || strings.Contains(shown, "No allowed requests") {
				t.Errorf("%d, want %q in %s", page.StatusCode, c.want, shown)
			}
			slices.Sort(asked) // a read that fails is tried again
			if asked = slices.Compact(asked); len(asked) != c.reads {
				t.Errorf("read %q", asked)
			}
			for _, q := range asked {
				if !strings.HasSuffix(q, now.Format(time.RFC3339)+" day") {
					t.Errorf("asked %s", q)
				}
			}
		})
	}
}
