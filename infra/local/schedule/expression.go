package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Expression is a parsed schedule expression: rate(5 minutes), cron(0 8 ? * MON-FRI *), at(2026-11-01T12:00:00).
type Expression struct {
	text  string
	every time.Duration
	cron  *cron
	once  time.Time
	zone  *time.Location
}

// Parse reads an expression as EventBridge writes it. zone is the schedule's time zone; nil means UTC.
func Parse(text string, zone *time.Location) (Expression, error) {
	if zone == nil {
		zone = time.UTC
	}
	e := Expression{text: text, zone: zone}
	kind, rest, ok := strings.Cut(text, "(")
	inner, closed := strings.CutSuffix(rest, ")")
	if !ok || !closed {
		return e, fmt.Errorf("schedule: %q is neither rate(…), cron(…) nor at(…)", text)
	}
	var err error
	switch kind {
	case "rate":
		e.every, err = parseRate(inner)
	case "cron":
		e.cron, err = parseCron(inner)
	case "at":
		e.once, err = time.ParseInLocation("2006-01-02T15:04:05", inner, zone)
	default:
		err = fmt.Errorf("%q is unknown", kind)
	}
	if err != nil {
		return e, fmt.Errorf("schedule: %q: %w", text, err)
	}
	return e, nil
}

// String returns the expression as it was written.
func (e Expression) String() string { return e.text }

// Next returns the first time after a time at which the schedule fires. A rate counts from start. The zero time means
// never again.
func (e Expression) Next(after, start time.Time) time.Time {
	switch {
	case e.every > 0:
		if after.Before(start) {
			return start.Add(e.every)
		}
		since := after.Sub(start)
		return after.Add(e.every - since%e.every)
	case e.cron != nil:
		return e.cron.next(after.In(e.zone))
	case e.once.After(after):
		return e.once
	}
	return time.Time{}
}

// parseRate reads "5 minutes". AWS insists on the singular after 1 and the plural after everything else.
func parseRate(s string) (time.Duration, error) {
	value, unit, _ := strings.Cut(s, " ")
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > 1_000_000 {
		return 0, fmt.Errorf("a rate is a whole number above 0 and a unit")
	}
	singular := strings.TrimSuffix(unit, "s")
	each, ok := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[singular]
	if !ok || (n == 1) != (unit == singular) {
		return 0, fmt.Errorf("%d %s: a unit is minute, hour or day, in the plural unless the number is 1", n, unit)
	}
	return time.Duration(n) * each, nil
}

// cron is AWS's six fields: minutes hours day-of-month month day-of-week year.
type cron struct {
	minutes, hours, months, years []int
	day                           func(t time.Time) bool
}

var (
	monthNames = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	dayNames   = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
)

func parseCron(s string) (*cron, error) {
	f := strings.Fields(s)
	if len(f) != 6 {
		return nil, fmt.Errorf("a cron expression has six fields, this one has %d", len(f))
	}
	if (f[2] == "?") == (f[4] == "?") {
		return nil, fmt.Errorf("exactly one of day-of-month and day-of-week is ?")
	}
	c := &cron{}
	for _, field := range []struct {
		into   *[]int
		text   string
		lo, hi int
		names  []string
		name   string
	}{
		{&c.minutes, f[0], 0, 59, nil, "minutes"},
		{&c.hours, f[1], 0, 23, nil, "hours"},
		{&c.months, f[3], 1, 12, monthNames, "month"},
		{&c.years, f[5], 1970, 2199, nil, "year"},
	} {
		set, err := parseSet(field.text, field.lo, field.hi, field.names)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", field.name, err)
		}
		*field.into = set
	}
	var err error
	if f[4] == "?" {
		c.day, err = parseMonthDay(f[2])
	} else {
		c.day, err = parseWeekday(f[4])
	}
	return c, err
}

// parseSet reads lists, ranges and steps: "1,5-9,*/15,20/10".
func parseSet(text string, lo, hi int, names []string) ([]int, error) {
	var set []int
	for part := range strings.SplitSeq(text, ",") {
		span, stepText, hasStep := strings.Cut(part, "/")
		step := 1
		if hasStep {
			n, err := strconv.Atoi(stepText)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("%q has no step above 0", part)
			}
			step = n
		}
		from, to, isRange := strings.Cut(span, "-")
		first, last := lo, hi
		if span != "*" {
			var err error
			if first, err = parseNumber(from, lo, hi, names); err != nil {
				return nil, err
			}
			switch {
			case isRange:
				if last, err = parseNumber(to, lo, hi, names); err != nil {
					return nil, err
				}
			case !hasStep:
				last = first
			}
		}
		if last < first {
			return nil, fmt.Errorf("%q runs backwards", part)
		}
		for n := first; n <= last; n += step {
			set = append(set, n)
		}
	}
	slices.Sort(set)
	return slices.Compact(set), nil
}

func parseNumber(s string, lo, hi int, names []string) (int, error) {
	if i := slices.Index(names, strings.ToUpper(s)); i >= 0 {
		return lo + i, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < lo || n > hi {
		return 0, fmt.Errorf("%q is not between %d and %d", s, lo, hi)
	}
	return n, nil
}

// parseMonthDay reads a set of days, L (the last day) or 15W (the weekday nearest to the 15th).
func parseMonthDay(s string) (func(time.Time) bool, error) {
	if s == "L" {
		return func(t time.Time) bool { return t.AddDate(0, 0, 1).Day() == 1 }, nil
	}
	if day, ok := strings.CutSuffix(s, "W"); ok {
		n, err := parseNumber(day, 1, 31, nil)
		return func(t time.Time) bool { return t.Day() == nearestWeekday(t, n) }, err
	}
	set, err := parseSet(s, 1, 31, nil)
	return func(t time.Time) bool { return slices.Contains(set, t.Day()) }, err
}

// nearestWeekday never leaves the month.
func nearestWeekday(t time.Time, n int) int {
	last := time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	if n > last {
		return 0
	}
	switch time.Date(t.Year(), t.Month(), n, 0, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		if n == 1 {
			return 3
		}
		return n - 1
	case time.Sunday:
		if n == last {
			return n - 2
		}
		return n + 1
	}
	return n
}

// parseWeekday reads a set of days (1 is Sunday), 6L (the last Friday) or 3#2 (the second Tuesday).
func parseWeekday(s string) (func(time.Time) bool, error) {
	if s == "L" {
		s = "7"
	}
	if day, ok := strings.CutSuffix(s, "L"); ok {
		n, err := parseNumber(day, 1, 7, dayNames)
		return func(t time.Time) bool { return int(t.Weekday())+1 == n && t.AddDate(0, 0, 7).Month() != t.Month() }, err
	}
	if day, which, ok := strings.Cut(s, "#"); ok {
		n, err := parseNumber(day, 1, 7, dayNames)
		if err != nil {
			return nil, err
		}
		k, err := parseNumber(which, 1, 5, nil)
		return func(t time.Time) bool { return int(t.Weekday())+1 == n && (t.Day()-1)/7+1 == k }, err
	}
	set, err := parseSet(s, 1, 7, dayNames)
	return func(t time.Time) bool { return slices.Contains(set, int(t.Weekday())+1) }, err
}

// next walks over days and looks for a minute in each. A time that the clocks skip doesn't fire, one that they repeat
// fires once.
func (c *cron) next(after time.Time) time.Time {
	year, month, dom := after.Date()
	for day := time.Date(year, month, dom, 0, 0, 0, 0, time.UTC); day.Year() <= c.years[len(c.years)-1]; day = day.AddDate(0, 0, 1) {
		if !slices.Contains(c.years, day.Year()) {
			day = time.Date(day.Year(), 12, 31, 0, 0, 0, 0, time.UTC)
			continue
		}
		if !slices.Contains(c.months, int(day.Month())) || !c.day(day) {
			continue
		}
		for _, h := range c.hours {
			for _, m := range c.minutes {
				t := time.Date(day.Year(), day.Month(), day.Day(), h, m, 0, 0, after.Location())
				if t.After(after) && t.Hour() == h && t.Minute() == m {
					return t
				}
			}
		}
	}
	return time.Time{}
}
