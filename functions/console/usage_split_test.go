package main

import (
	"regexp"
	"testing"
	"time"

	"latchkey/shared/api"
)

// TestTheOthersOfASplitHaveWhatTheShownOnesLack, in each number that the table shows: its rows add up to the whole.
func TestTheOthersOfASplitHaveWhatTheShownOnesLack(t *testing.T) {
	w := newWalker(t, "")
	v := &visit{app: w.app, lang: w.app.langs.Offered()[0]}
	for _, n := range []int{0, 1, mostShown - 1, mostShown, mostShown + 1, 40} {
		whole := api.UsageCounts{Requests: 17, Allowed: 10, Refused: 7, QpsBreaches: 3} // of what has no row of its own
		var rows []share
		for i := range n {
			one := api.UsageShare{Requests: int64(100 - i), Allowed: int64(60 - i), Refused: 40, QpsBreaches: int64(i % 5)}
			rows = append(rows, v.share(one, "row", 10_000))
			whole.Requests, whole.Allowed = whole.Requests+one.Requests, whole.Allowed+one.Allowed
			whole.Refused, whole.QpsBreaches = whole.Refused+one.Refused, whole.QpsBreaches+one.QpsBreaches
		}
		var sum api.UsageCounts
		for _, row := range v.top(rows, whole, func(int) string { return "others" }) {
			sum.Requests, sum.Allowed = sum.Requests+row.Requests, sum.Allowed+row.Allowed
			sum.Refused, sum.QpsBreaches = sum.Refused+row.Refused, sum.QpsBreaches+row.QpsBreaches
		}
		if sum.Requests != whole.Requests || sum.Allowed != whole.Allowed || sum.Refused != whole.Refused || sum.QpsBreaches != whole.QpsBreaches {
			t.Errorf("%d rows add up to %+v, the whole is %+v", n, sum, whole)
		}
	}
}

// TestAnHourEndsWhereTheNextOneBegins, by the clocks of any zone, also on the days on which they are set forward or back.
func TestAnHourEndsWhereTheNextOneBegins(t *testing.T) {
	w := newWalker(t, "")
	moment := regexp.MustCompile(`[0-9]{2}:[0-9]{2}`)
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		c := clock{w.app.langs.Offered()[0], zone}
		if name == "UTC" {
			c.zone = time.UTC
		}
		ended := ""
		for at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() == 2026; at = at.Add(time.Hour) {
			said := moment.FindAllString(c.hour(at), -1)
			if len(said) < 2 || said[0] != at.In(zone).Format("15:04") || ended != "" && said[0] != ended {
				t.Fatalf("%s: %v is %q, the hour before ended at %s", name, at, c.hour(at), ended)
			}
			if ended = said[1]; ended != at.Add(time.Hour).In(zone).Format("15:04") {
				t.Fatalf("%s: %v is %q", name, at, c.hour(at))
			}
		}
	}
}
