package chart

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// said writes ticks as they would be read, with their places in hundredths.
func said(ticks []Tick) string {
	var parts []string
	for _, one := range ticks {
		text := one.Time.Format("15:04")
		switch one.Unit {
		case Hour:
		case Day:
			text = one.Time.Format("2 Jan")
		case Month:
			text = one.Time.Format("Jan")
		}
		parts = append(parts, fmt.Sprintf("%s@%.0f", text, 100*one.At))
	}
	return strings.Join(parts, " ")
}

func TestTicksStandWhereTheirMomentsAre(t *testing.T) {
	at := time.Date(2026, 11, 21, 5, 0, 0, 0, time.UTC) // a Saturday
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		start, end time.Time
		each       time.Duration
		want       string
	}{
		"a day by the hour, in UTC":         {at, at.Add(25 * time.Hour), time.Hour, "06:00@4 12:00@28 18:00@52 22 Nov@76"},
		"the same day in Berlin":            {at.In(zone(t, "Europe/Berlin")), at.Add(25 * time.Hour), time.Hour, "06:00@0 12:00@24 18:00@48 22 Nov@72 06:00@96"},
		"the same day in Kolkata":           {at.In(zone(t, "Asia/Kolkata")), at.Add(25 * time.Hour), time.Hour, "12:00@6 18:00@30 22 Nov@54 06:00@78"},
		"a few hours":                       {at, at.Add(3 * time.Hour), time.Hour, "05:00@0 06:00@33 07:00@67"},
		"a week has its midnights":          {at, at.Add(169 * time.Hour), time.Hour, "22 Nov@11 23 Nov@25 24 Nov@40 25 Nov@54 26 Nov@68 27 Nov@82 28 Nov@96"},
		"a month by the hour":               {at, at.Add(30 * day), time.Hour, "25 Nov@13 29 Nov@26 3 Dec@39 7 Dec@53 11 Dec@66 15 Dec@79 19 Dec@93"},
		"days stand under their bars":       {at.Truncate(day), at.Truncate(day).Add(4 * day), day, "21 Nov@12 22 Nov@38 23 Nov@62 24 Nov@88"},
		"many days have their Mondays":      {at.Truncate(day), at.Truncate(day).Add(30 * day), day, "23 Nov@8 30 Nov@32 7 Dec@55 14 Dec@78"},
		"three months have every second":    {at.Truncate(day), at.Truncate(day).Add(90 * day), day, "23 Nov@3 7 Dec@18 21 Dec@34 4 Jan@49 18 Jan@65 1 Feb@81 15 Feb@96"},
		"weeks have the months' beginnings": {at.Truncate(7 * day), at.Truncate(7 * day).Add(15 * 7 * day), 7 * day, "Dec@14 Jan@44 Feb@73"},
		"none":                              {at, at, time.Hour, ""},
		"clocks that are set back":          {time.Date(2026, 10, 24, 18, 0, 0, 0, zone(t, "Europe/Berlin")), time.Date(2026, 10, 25, 18, 0, 0, 0, zone(t, "Europe/Berlin")), time.Hour, "18:00@0 25 Oct@24 06:00@52 12:00@76"},
		"a midnight that there isn't":       {time.Date(2026, 4, 23, 12, 0, 0, 0, zone(t, "Africa/Cairo")), time.Date(2026, 4, 24, 12, 0, 0, 0, zone(t, "Africa/Cairo")), time.Hour, "12:00@0 18:00@26 24 Apr@52 06:00@74"},
	} {
		if got := said(Ticks(c.start, c.end, c.each)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestTicksAreFewAndInOrder, whatever the range and the place.
func TestTicksAreFewAndInOrder(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe", "Africa/Cairo"}
	rapid.Check(t, func(r *rapid.T) {
		each := rapid.SampledFrom([]time.Duration{time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}).Draw(r, "each")
		start := time.Unix(rapid.Int64Range(1.7e9, 1.9e9).Draw(r, "start"), 0).UTC().Truncate(each)
		end := start.Add(time.Duration(rapid.IntRange(1, int(400*24*time.Hour/each)).Draw(r, "bars")) * each)
		if each == time.Hour {
			start = start.In(zone(t, rapid.SampledFrom(zones).Draw(r, "zone")))
		}
		ticks := Ticks(start, end, each)
		if len(ticks) > 14 {
			r.Fatalf("%d ticks", len(ticks))
		}
		for i, one := range ticks {
			if one.At < 0 || one.At >= 1 || i > 0 && !one.Time.After(ticks[i-1].Time) {
				r.Fatalf("%s", said(ticks))
			}
		}
	})
}

func TestNamesUnderAChartStandAtTheirPlaces(t *testing.T) {
	labels := []Label{{0, "a"}, {.5, "<b>"}, {.99, "c"}}
	want := `<text x="0.00%" y="13" class="left">a</text><text x="50.00%" y="13">&lt;b&gt;</text><text x="99.00%" y="13" class="right">c</text>`
	if got := string(Axis(labels)); !strings.Contains(got, want) {
		t.Errorf("%s", got)
	}
	if got := string(Axis([]Label{{At: .05}, {At: .2}, {At: .35}, {At: .5}, {At: .65}, {At: .8}})); strings.Count(got, "more") != 3 {
		t.Errorf("a narrow page can't leave out every second of six: %s", got)
	}
}

// TestNoNameRunsIntoTheNextOnANarrowPage: of 320 pixels a chart has some 224, and a letter of its names takes 6.4.
func TestNoNameRunsIntoTheNextOnANarrowPage(t *testing.T) {
	const plot, letter = 224, 6.4
	for _, c := range []struct{ span, each time.Duration }{{24 * time.Hour, time.Hour}, {48 * time.Hour, time.Hour}, {7 * day, time.Hour}, {5 * day, day}, {30 * day, day}, {31 * day, day}, {60 * day, day}, {90 * day, day}} {
		for begin := range 24 * 7 {
			start := time.Date(2026, 11, 1, begin, 0, 0, 0, time.UTC)
			if c.each == day {
				start = time.Date(2026, 11, 1+begin, 0, 0, 0, 0, time.UTC)
			}
			var labels []Label
			for _, one := range Ticks(start, start.Add(c.span), c.each) {
				labels = append(labels, Label{one.At, one.Time.Format(map[Unit]string{Hour: "15:04", Day: "2 Jan"}[one.Unit])})
			}
			out, end, shown := narrow(labels), 0.0, 0
			for i, l := range labels {
				if out[i] {
					continue
				}
				width := letter * float64(len(l.Text))
				from := plot*l.At - width/2
				switch {
				case l.At < edge:
					from = plot * l.At
				case l.At > 1-edge:
					from = plot*l.At - width
				}
				if shown > 0 && from < end {
					t.Errorf("%s by %s from %s: %q begins at %.0f, and the name before it ends at %.0f", c.span, c.each, start, l.Text, from, end)
				}
				end = from + width
				shown++
			}
			if shown < min(2, len(labels)) {
				t.Errorf("%s by %s from %s: %d names", c.span, c.each, start, shown)
			}
		}
	}
}
