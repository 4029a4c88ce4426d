// Package moment reads times that come from outside, and writes all times in one form. Each that is read lies in a range
// that the store's text, JSON and a clock in any zone can hold, so that what was taken can always be written and read back.
package moment

import (
	"errors"
	"strings"
	"time"
)

// First and Last bound the range, both included. Within it a year has four digits in UTC.
var (
	First = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	Last  = time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)
)

// What Parse refuses.
var (
	ErrForm  = errors.New("moment: not a time of RFC 3339")
	ErrRange = errors.New("moment: not in the years 2000 to 9999 of UTC")
)

const maxLength = 64

// Parse reads RFC 3339, with T and Z in either case, and gives the time in UTC and whole milliseconds: ErrForm, or ErrRange
// for a time that isn't between First and Last once it is in UTC.
func Parse(text string) (time.Time, error) {
	if len(text) > maxLength || !looksRight(text) {
		return time.Time{}, ErrForm
	}
	t, err := time.Parse(time.RFC3339Nano, strings.ToUpper(text))
	if err != nil {
		return time.Time{}, ErrForm
	}
	t = t.UTC().Truncate(time.Millisecond)
	if !In(t) {
		return time.Time{}, ErrRange
	}
	return t, nil
}

// In reports whether a time lies in the range.
func In(t time.Time) bool { return !t.Before(First) && !t.After(Last) }

// looksRight refuses what time.Parse takes beyond RFC 3339: hours of one digit, a comma before the fraction, offsets of 24
// hours and more.
func looksRight(text string) bool {
	const form = "0000-00-00T00:00:00"
	if len(text) <= len(form) {
		return false
	}
	for i := range len(form) {
		digit := text[i] >= '0' && text[i] <= '9'
		switch form[i] {
		case '0':
			if !digit {
				return false
			}
		case 'T':
			if text[i] != 'T' && text[i] != 't' {
				return false
			}
		default:
			if text[i] != form[i] {
				return false
			}
		}
	}
	rest := text[len(form):]
	if offset := len(rest) - len("+00:00"); offset >= 0 && (rest[offset] == '+' || rest[offset] == '-') {
		if hour, minute := rest[offset+1:offset+3], rest[offset+4:]; hour > "23" || minute > "59" {
			return false
		}
	}
	return !strings.Contains(rest, ",")
}

// Layout is RFC 3339 in UTC with exactly three decimals, so that texts have one width and sort as times do.
const Layout = "2006-01-02T15:04:05.000Z"

// Format writes a time as records, events and answers have it; the zero time is "".
func Format(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(Layout)
}

// Time is a time that JSON has in the form of [Format]. It reads any RFC 3339.
type Time struct{ time.Time }

// Of is a time for JSON.
func Of(t time.Time) Time { return Time{t} }

// MarshalJSON implements json.Marshaler. A year of more than four digits is an error, as it is of time.Time.
func (t Time) MarshalJSON() ([]byte, error) {
	if year := t.UTC().Year(); year < 0 || year > 9999 {
		return nil, ErrRange
	}
	return t.UTC().AppendFormat(nil, `"`+Layout+`"`), nil
}

// WholeSeconds rounds a wait up to whole seconds, and to at least 1, for Retry-After (RFC 9110, 10.2.3): who waits so long isn't
// too early.
func WholeSeconds(wait time.Duration) int {
	return max(1, int((wait+time.Second-1)/time.Second))
}
