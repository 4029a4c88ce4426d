package locale

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/number"
)

func (l *Language) form(m Message, n int64) string {
	form := plural.Cardinal.MatchPlural(l.format, counted(n), 0, 0, 0, 0)
	name := map[plural.Form]string{plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many"}[form]
	if text, ok := m[name]; ok {
		return text
	}
	return m["other"]
}

// counted is a small number that counts as another does: rules look at no more than the last six digits of big ones.
func counted(n int64) int {
	const most = 1_000_000
	if n > most {
		n = most + n%most
	}
	return int(n)
}

func integer(v any) (int64, bool) {
	switch n := v.(type) {
	case int:
		return int64(n), true
	case int64:
		return n, true
	case *int64:
		if n != nil {
			return *n, true
		}
	case *int:
		if n != nil {
			return int64(*n), true
		}
	}
	return 0, false
}

// Number groups digits as the language does.
func (l *Language) Number(v any) string {
	if n, ok := integer(v); ok {
		return l.printer.Sprint(number.Decimal(n))
	}
	return l.printer.Sprint(number.Decimal(v, number.MaxFractionDigits(1)))
}

// Percent renders a share of 0 to 1, to a tenth.
func (l *Language) Percent(share float64) string {
	return l.printer.Sprint(number.Percent(share, number.MinFractionDigits(1), number.MaxFractionDigits(1)))
}

// Date renders a day, in UTC.
func (l *Language) Date(t time.Time) string { return l.when("format.date", t) }

// Moment renders a day and a minute, in UTC, and says so.
func (l *Language) Moment(t time.Time) string { return l.when("format.moment", t) }

func (l *Language) when(key string, t time.Time) string {
	t = t.UTC()
	months := strings.Fields(strings.ReplaceAll(l.Text("format.months"), " ", " "))
	if len(months) != 12 {
		return t.Format(time.DateTime)
	}
	return l.Text(key, "day", fmt.Sprint(t.Day()), "month", months[t.Month()-1], "year", fmt.Sprint(t.Year()), "time", t.Format("15:04"))
}

// Ago renders how long ago something was, or in how long it will be, in the largest unit that fits.
func (l *Language) Ago(d time.Duration) string {
	prefix := "ago."
	ahead := d < 0
	if ahead {
		prefix, d = "in.", -d
	}
	if d < time.Minute {
		return l.Text(prefix + "now")
	}
	unit, n := passed(d)
	if ahead {
		unit, n = left(d)
	}
	return l.Text(prefix+unit, "n", n)
}

// Duration renders a length of time that is left.
func (l *Language) Duration(d time.Duration) string {
	unit, n := left(max(d, time.Minute))
	return l.Text("for."+unit, "n", n)
}

// passed counts whole units: what is a day ago is so for a whole day.
func passed(d time.Duration) (string, int64) {
	switch {
	case d < time.Hour:
		return "minutes", int64(d / time.Minute)
	case d < 48*time.Hour:
		return "hours", int64(d / time.Hour)
	default:
		return "days", int64(d / (24 * time.Hour))
	}
}

// left counts the nearest number of units, since a time ahead is read some seconds after it was set: what was made for 7 days
// has 7 days left a minute later, and not 6. Half a unit counts for nothing, so that nobody waits for a time that isn't there; and
// up to two hours it is minutes, of which a half is soon said: 90 minutes, and 1 hour.
func left(d time.Duration) (string, int64) {
	if m := nearest(d, time.Minute); m < 120 && m != 60 {
		return "minutes", m
	}
	if h := nearest(d, time.Hour); h < 48 {
		return "hours", h
	}
	return "days", nearest(d, 24*time.Hour)
}

// nearest counts the units of d to the nearest whole number, and of two that are as near the smaller one.
func nearest(d, unit time.Duration) int64 { return int64((d + unit/2 - 1) / unit) }
