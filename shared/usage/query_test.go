package usage_test

import (
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
