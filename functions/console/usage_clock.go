package main

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // Lambda's runtime has no zones of its own

	"latchkey/functions/console/internal/locale"
)

// zoneCookie holds the name of the browser's time zone. The console's script sets it, since no request says it.
const zoneCookie = "latchkey-zone"

// clock writes moments in the person's time zone, with UTC beside it.
type clock struct {
	lang *locale.Language
	zone *time.Location
}

// clock is that of the browser; without its zone it is UTC.
func (v *visit) clock() clock {
	c := clock{v.lang, time.UTC}
	if name := v.cookie(zoneCookie); strings.Contains(name, "/") && len(name) < 64 {
		if zone, err := time.LoadLocation(name); err == nil {
			c.zone = zone
		}
	}
	return c
}

// ID is the zone as browsers know it.
func (c clock) ID() string { return c.zone.String() }

// Local reports whether the zone isn't UTC.
func (c clock) Local() bool { return c.zone != time.UTC }

// wall is the moment whose UTC reads as the clocks of the zone do: languages write moments in UTC.
func (c clock) wall(at time.Time) time.Time {
	_, offset := at.In(c.zone).Zone()
	return at.UTC().Add(time.Duration(offset) * time.Second)
}

// day names a day without its year.
func (c clock) day(at time.Time) string {
	return c.lang.Text("format.day", "day", at.Format("2"), "month", c.month(at))
}

// month is a month's short name.
func (c clock) month(at time.Time) string {
	if months := strings.Fields(c.lang.Text("format.months")); len(months) == 12 {
		return months[at.Month()-1]
	}
	return at.Format("01")
}

// Moment names a minute.
func (c clock) Moment(at time.Time) string {
	if !c.Local() {
		return c.lang.Moment(at)
	}
	wall := c.wall(at)
	return c.lang.Text("usage.moment", "date", c.lang.Date(wall), "time", wall.Format("15:04"), "utc", at.UTC().Format("15:04"))
}

// hour names the hour that begins then.
func (c clock) hour(at time.Time) string {
	wall := c.wall(at)
	pairs := []any{"date", c.lang.Date(wall), "from", wall.Format("15:04"), "to", c.wall(at.Add(time.Hour)).Format("15:04")}
	if !c.Local() {
		return c.lang.Text("usage.hour.utc", pairs...)
	}
	return c.lang.Text("usage.hour.local", append(pairs, "utc", at.UTC().Format("15:04"))...)
}

// week names the days from one to the last before another.
func (c clock) week(from, to time.Time) string {
	return c.lang.Text("usage.week", "from", c.day(from), "to", c.lang.Date(to.Add(-oneDay)))
}

// Name is the zone as people know it, with its distance from UTC now.
func (c clock) Name(now time.Time) string {
	if !c.Local() {
		return "UTC"
	}
	_, offset := now.In(c.zone).Zone()
	sign, minutes := "+", offset/60
	if minutes < 0 {
		sign, minutes = "−", -minutes
	}
	distance := fmt.Sprint(sign, minutes/60)
	if minutes%60 > 0 {
		distance += fmt.Sprintf(":%02d", minutes%60)
	}
	return fmt.Sprintf("%s (UTC%s)", strings.ReplaceAll(c.zone.String(), "_", " "), distance)
}
