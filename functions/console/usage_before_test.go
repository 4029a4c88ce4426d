package main

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// withBefore adds a period before with so many times the calls.
func withBefore(u api.Usage, times int64) api.Usage {
	length := u.To.Sub(u.From.Time)
	u.Before = &api.UsageBefore{From: moment.Of(u.From.Add(-length)), To: u.From}
	for _, p := range u.Series {
		p.Requests, p.Allowed, p.Refused, p.QpsBreaches = times*p.Requests, times*p.Allowed, times*p.Refused, times*p.QpsBreaches
		u.Before.Series = append(u.Before.Series, p)
	}
	return u
}

// TestAComparisonLeavesOutWhatIsntOver on both sides: the last day has counted for a minute, the one before it for a day.
func TestAComparisonLeavesOutWhatIsntOver(t *testing.T) {
	start := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	page := "/accounts/" + account + "/usage?range=30d&compare=1"
	for name, c := range map[string]struct {
		u    api.Usage
		now  time.Time
		want []string // of requests, allowed, refused and breaches
		says string
	}{
		"twice as many before": {withBefore(usageOf(start, 20, oneDay), 2), start.Add(19*oneDay + time.Minute), []string{"−50.0% · before: 380", "−50.0% · before: 266", "−50.0% · before: 114", "−50.0% · before: 76"}, "Compared with 13 Oct 2026 to 31 Oct 2026. Today is left out."},
		"days that are over":   {withBefore(usageOf(start, 20, oneDay), 1), start.Add(20 * oneDay), []string{"0.0% · before: 200", "0.0% · before: 140", "0.0% · before: 60", "0.0% · before: 40"}, "Compared with 13 Oct 2026 to 1 Nov 2026."},
		"none before":          {withBefore(usageOf(start, 20, oneDay), 0), start.Add(20 * oneDay), []string{"before: 0", "before: 0", "before: 0", "before: 0"}, "Compared with 13 Oct 2026 to 1 Nov 2026."},
		"not kept":             {usageOf(start, 20, oneDay), start.Add(20 * oneDay), nil, "The previous period is no longer kept, so there’s nothing to compare with."},
		"an hour that runs":    {withBefore(usageOf(start, 25, time.Hour), 3), start.Add(24*time.Hour + time.Minute), []string{"−66.7% · before: 720", "−66.7% · before: 504", "−66.7% · before: 216", "−66.7% · before: 144"}, "Compared with 31 Oct 2026, 23:00 UTC to 1 Nov 2026, 23:00 UTC. The current hour is left out."},
	} {
		r := usageHarness(t)
		r.answers(c.u, c.now)
		doc := r.get(page).doc
		var got []string
		elements(doc, func(n *html.Node) {
			if n.Data == "span" && strings.Contains(attr(n, "class"), "change") {
				got = append(got, strings.Join(strings.Fields(text(n)), " "))
			}
		})
		if strings.Join(got, "; ") != strings.Join(c.want, "; ") || !strings.Contains(text(doc), c.says) {
			t.Errorf("%s: %q, want %q and %s", name, got, c.want, c.says)
		}
		if drawn, kept := first(doc, "before") != nil, c.u.Before != nil; drawn != kept {
			t.Errorf("%s: a line is drawn: %v", name, drawn)
		}
	}
}

// TestAWeekIsComparedWithTheDaysBeforeItsOwn.
func TestAWeekIsComparedWithTheDaysBeforeItsOwn(t *testing.T) {
	r := usageHarness(t)
	start := time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC) // a Thursday
	r.answers(withBefore(usageOf(start, 14, oneDay), 2), start.Add(60*oneDay))
	chart := first(r.get("/accounts/"+account+"/usage?from=2026-11-05&to=2026-11-18&by=week&compare=1").doc, "chart")
	if got := attr(chart, "data-before"); got != "28 3w 1o" { // 80, 140 and 60
		t.Errorf("%q", got)
	}
	if top := text(first(chart, "scale")); !strings.HasPrefix(strings.TrimSpace(top), "150") {
		t.Errorf("the scale is %q", top)
	}
}
