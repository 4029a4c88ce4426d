package usage_test

import (
	"fmt"
	"testing"
	"time"

	"latchkey/shared/usage"
)

func TestSpikesAreMeasuredAgainstTheSameHoursOfTheWeeksBefore(t *testing.T) {
	past := map[time.Time]int64{}
	for week := 1; week <= 4; week++ {
		past[noon.AddDate(0, 0, -7*week)] = int64(90 + 10*week) // 100 to 130: the median is 115
	}
	for requests, want := range map[int64]bool{345: false, 346: true, 10: false} {
		points := []usage.Point{{Start: noon, Totals: usage.Totals{Requests: requests}}}
		usage.MarkSpikes(points, past, noon.AddDate(-1, 0, 0))
		if points[0].StandsOut != want || points[0].Expected != 115 {
			t.Errorf("%d requests: %+v", requests, points[0])
		}
	}
	fresh := []usage.Point{{Start: noon, Totals: usage.Totals{Requests: 5000}}}
	usage.MarkSpikes(fresh, nil, noon.AddDate(0, 0, -8))
	if fresh[0].StandsOut {
		t.Error("a key without history stands out")
	}
	quiet := []usage.Point{{Start: noon, Totals: usage.Totals{Requests: 99}}}
	usage.MarkSpikes(quiet, nil, noon.AddDate(-1, 0, 0))
	if quiet[0].StandsOut {
		t.Error("99 requests stand out")
	}
}

func hourRow(at time.Time, counts usage.Counts) usage.Row {
	return usage.Row{Start: at, Key: keyID(1), Product: "search", Counts: counts}
}

func TestTheBusiestMinuteIsTheFirstOfThoseWithTheMostCalls(t *testing.T) {
	q := usage.Query{From: noon, To: noon.Add(3 * time.Hour), Step: time.Hour}
	for range 20 { // the order of a map changes
		s := usage.Summarise(q, []usage.Row{
			hourRow(noon.Add(time.Hour), usage.Counts{"m:00": 7, "m:59": 9, "m:58": 3}),
			hourRow(noon, usage.Counts{"m:31": 9, "m:13": 8, "m:45": 9, "m:32": 9}),
			hourRow(noon.Add(2*time.Hour), usage.Counts{"m:00": 9}),
		})
		if s.Busiest == nil || !s.Busiest.Start.Equal(noon.Add(31*time.Minute)) || s.Busiest.Requests != 9 {
			t.Fatalf("%+v", s.Busiest)
		}
	}
	for _, tt := range []struct {
		dimension usage.Dimension
		minute    int
	}{{"m:00", 0}, {"m:09", 9}, {"m:10", 10}, {"m:19", 19}, {"m:50", 50}, {"m:59", 59}} {
		// Rows of one minute come from two products; they add up.
		s := usage.Summarise(q, []usage.Row{hourRow(noon, usage.Counts{tt.dimension: 2}), hourRow(noon, usage.Counts{tt.dimension: 3})})
		if !s.Busiest.Start.Equal(noon.Add(time.Duration(tt.minute)*time.Minute)) || s.Busiest.Requests != 5 {
			t.Errorf("%s: %+v", tt.dimension, s.Busiest)
		}
	}
	q.Outcome = "refused"
	if s := usage.Summarise(q, []usage.Row{hourRow(noon, usage.Counts{"m:00": 1})}); s.Busiest != nil {
		t.Errorf("minutes aren't kept by outcome: %+v", s.Busiest)
	}
}

func TestARangeHasAPointForEachStepAndNoRowBesideIt(t *testing.T) {
	one := usage.Counts{"c:c:allowed": 1}
	q := usage.Query{From: noon.Add(59 * time.Minute), To: noon.Add(2 * time.Hour), Step: time.Hour}
	s := usage.Summarise(q, []usage.Row{
		hourRow(noon.Add(-time.Second), one), hourRow(noon, one), hourRow(noon.Add(time.Hour), one), hourRow(noon.Add(2*time.Hour), one),
	})
	if len(s.Points) != 2 || !s.Points[0].Start.Equal(noon) || s.Points[0].Allowed != 1 || s.Points[1].Allowed != 1 || s.Totals.Allowed != 2 {
		t.Errorf("%+v", s)
	}
	q.To = noon.Add(2*time.Hour + 1)
	if s := usage.Summarise(q, nil); len(s.Points) != 3 {
		t.Errorf("%d points", len(s.Points))
	}
	if s := usage.Summarise(usage.Query{From: noon, To: noon, Step: time.Hour}, []usage.Row{hourRow(noon, one)}); len(s.Points) != 0 || s.Totals.Requests != 0 {
		t.Errorf("an empty range: %+v", s)
	}
}

func TestOutcomesAddUpUnderTheirNames(t *testing.T) {
	counts := usage.Counts{
		"c:c:allowed": 10, "c:p:allowed": 5, "c:c:qps_exceeded": 3, "c:p:key_revoked": 2, "o:a.example:allowed": 15, "o:[::1]:qps_exceeded": 3, "o:-:key_revoked": 2,
		"x:1000:allowed": 4, "x:1000:domain_not_allowed": 6, "l:0123456789": 5,
		// Of proposals before and after it, in numbers and in texts.
		"x:2000:allowed": 100, "x:999:allowed": 200, "x:500:domain_not_allowed": 400, "x:10000:domain_not_allowed": 800, "x:1:allowed": 1600,
	}
	rows := []usage.Row{hourRow(noon, counts), {Start: noon, Product: "routing", Counts: usage.Counts{"c:c:allowed": 1}}}
	for _, tt := range []struct {
		outcome                             usage.Outcome
		requests, allowed, refused, breach  int64
		current, previous, hosts, byProduct int64
	}{
		{"", 21, 16, 5, 3, 13, 7, 3, 2},
		{"allowed", 16, 16, 0, 0, 10, 5, 1, 2},
		{"refused", 5, 0, 5, 3, 3, 2, 2, 1},
		{"qps_exceeded", 3, 0, 3, 3, 3, 0, 1, 1},
		{"key_unknown", 0, 0, 0, 0, 0, 0, 0, 0},
	} {
		s := usage.Summarise(usage.Query{From: noon, To: noon.Add(time.Hour), Step: time.Hour, Outcome: tt.outcome, Proposed: time.UnixMilli(1000)}, rows)
		secret := map[string]int64{}
		for _, share := range s.BySecret {
			secret[share.Name] = share.Requests
		}
		if s.Totals.Requests != tt.requests || s.Totals.Allowed != tt.allowed || s.Totals.Refused != tt.refused || s.Totals.Breaches != tt.breach ||
			secret["current"] != tt.current || secret["previous"] != tt.previous || int64(len(s.ByHost)) != tt.hosts || int64(len(s.ByProduct)) != tt.byProduct {
			t.Errorf("%q: %+v", tt.outcome, s)
		}
		if s.Points[0].Requests != tt.requests || s.Totals.ByReason["qps_exceeded"] != tt.breach || s.Totals.ByReason["allowed"] != 0 {
			t.Errorf("%q: %+v", tt.outcome, s)
		}
		if s.Evaluated != 10 || s.Refusing != 6 {
			t.Errorf("%q: the proposal: %d of %d", tt.outcome, s.Refusing, s.Evaluated)
		}
	}
	if s := usage.Summarise(usage.Query{From: noon, To: noon.Add(time.Hour), Step: time.Hour}, rows); s.Evaluated != 0 {
		t.Errorf("without a proposal: %d", s.Evaluated)
	}
}

func TestTheTwentyBusiestHostsAreListedInOrder(t *testing.T) {
	counts := usage.Counts{}
	for i := range 30 {
		counts[usage.Dimension(fmt.Sprintf("o:h%02d:allowed", i))] = int64(30 - i/2) // pairs tie
	}
	s := usage.Summarise(usage.Query{From: noon, To: noon.Add(time.Hour), Step: time.Hour}, []usage.Row{hourRow(noon, counts)})
	if len(s.ByHost) != 20 {
		t.Fatalf("%d hosts", len(s.ByHost))
	}
	for i, share := range s.ByHost {
		if share.Name != fmt.Sprintf("h%02d", i) || share.Requests != int64(30-i/2) {
			t.Errorf("%d: %+v", i, share)
		}
	}
}

// TestTheBoundsOfASpike: a hundred requests, three times the median, two weeks of history.
func TestTheBoundsOfASpike(t *testing.T) {
	week := func(n int) time.Time { return noon.AddDate(0, 0, -7*n) }
	for _, tt := range []struct {
		name      string
		requests  int64
		past      map[time.Time]int64
		since     time.Time
		expected  float64
		standsOut bool
	}{
		{"99", 99, nil, week(9), 0, false},
		{"100", 100, nil, week(9), 0, true},
		{"three times the median", 300, map[time.Time]int64{week(1): 100, week(2): 100, week(3): 100, week(4): 100}, week(9), 100, false},
		{"one more", 301, map[time.Time]int64{week(1): 100, week(2): 100, week(3): 100, week(4): 100}, week(9), 100, true},
		{"the week before those", 301, map[time.Time]int64{week(5): 1000}, week(9), 0, true},
		{"an odd number of weeks", 301, map[time.Time]int64{week(1): 1, week(2): 100, week(3): 900}, week(3), 100, true},
		{"an even one", 301, map[time.Time]int64{week(1): 90, week(2): 111}, week(2), 100.5, false},
		{"two weeks, the second to the nanosecond", 301, nil, week(2), 0, true},
	} {
		points := []usage.Point{{Start: noon, Totals: usage.Totals{Requests: tt.requests}}}
		usage.MarkSpikes(points, tt.past, tt.since)
		if points[0].Expected != tt.expected || points[0].StandsOut != tt.standsOut {
			t.Errorf("%s: %+v", tt.name, points[0])
		}
	}
	points := []usage.Point{{Start: noon, Totals: usage.Totals{Requests: 301}}}
	usage.MarkSpikes(points, nil, week(2).Add(1))
	if points[0].StandsOut {
		t.Error("one week of history is enough")
	}
}
