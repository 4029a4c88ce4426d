package statement

import (
	"errors"
	"fmt"
	"time"

	"latchkey/shared/usage"
)

// Month is a month in UTC, counted from the year 0. The zero value is none.
type Month int

// ErrMonth refuses a text that names no month.
var ErrMonth = errors.New("statement: a month is written as 2026-11")

const layout = "2006-01"

// ParseMonth reads a month as String writes it, from the year 2000 on.
func ParseMonth(text string) (Month, error) {
	at, err := time.Parse(layout, text)
	if err != nil || at.Year() < 2000 || at.Format(layout) != text {
		return 0, ErrMonth
	}
	return MonthOf(at), nil
}

// MonthOf finds the month of an instant.
func MonthOf(t time.Time) Month {
	t = t.UTC()
	return Month(t.Year()*12 + int(t.Month()) - 1)
}

// Begin is the month's first instant.
func (m Month) Begin() time.Time {
	return time.Date(int(m)/12, time.Month(int(m)%12+1), 1, 0, 0, 0, 0, time.UTC)
}

// End is the first instant of the next month.
func (m Month) End() time.Time { return (m + 1).Begin() }

// String writes a month as 2026-11, and none as "".
func (m Month) String() string {
	if m == 0 {
		return ""
	}
	return fmt.Sprintf("%04d-%02d", int(m)/12, int(m)%12+1)
}

// Settles is the time after a month's end in which calls of it may still be counted: reports are counted for 72 hours, and the stream
// holds them for another 24.
const Settles = 96 * time.Hour

// MostMonths is the number of months before the present one that a statement can still be made of: the counters have all of their days until the present
// one ends.
const MostMonths = 12

// Whole reports whether the counters have all days of the month. Of one that has lost some no statement can be made, and none can be compared.
func (m Month) Whole(now time.Time) bool { return !m.Begin().Before(now.Add(-usage.KeepDays)) }

// Stated reports whether statements are of the month, so that it can be asked for, and closed once it is over: the present one and those of which a statement
// can still be made. One that has its statement can be asked for as long as that is kept.
func (m Month) Stated(now time.Time) bool {
	present := MonthOf(now)
	return m <= present && m >= present-MostMonths
}

// Settled is the earliest time at which the month's statement is written.
func (m Month) Settled() time.Time { return m.End().Add(Settles) }

// Touches reports whether calls between two instants, both included, may be the month's.
func (m Month) Touches(from, to time.Time) bool { return from.Before(m.End()) && !to.Before(m.Begin()) }
