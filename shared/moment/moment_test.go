package moment_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/dynamo"
	. "latchkey/shared/moment"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"2026-01-31T00:00:00Z":            "2026-01-31T00:00:00Z",
		"2026-01-31t00:00:00z":            "2026-01-31T00:00:00Z",
		"2026-01-31T00:00:00.123456789Z":  "2026-01-31T00:00:00.123Z",
		"2026-01-31T02:00:00+02:00":       "2026-01-31T00:00:00Z",
		"2000-01-01T00:00:00Z":            "2000-01-01T00:00:00Z",
		"1999-12-31T23:00:00-01:00":       "2000-01-01T00:00:00Z",
		"9999-12-31T23:59:59.999Z":        "9999-12-31T23:59:59.999Z",
		"9999-12-31T23:59:59.9999Z":       "9999-12-31T23:59:59.999Z",
		"2026-01-31T00:00:00-00:00":       "2026-01-31T00:00:00Z",
		"2026-01-31T23:59:59.5+23:59":     "2026-01-31T00:00:59.5Z",
		"9999-12-31T23:59:59.999+00:00":   "9999-12-31T23:59:59.999Z",
		"2024-02-29T00:00:00.000000001z":  "2024-02-29T00:00:00Z",
		"2026-01-31T00:00:00.0000000001Z": "2026-01-31T00:00:00Z",
	} {
		got, err := Parse(text)
		if err != nil || got.Format(time.RFC3339Nano) != want || got.Location() != time.UTC {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for text, want := range map[string]error{
		"9999-12-31T23:59:59-23:59": ErrRange, "9999-12-31T23:59:59-00:01": ErrRange, "1999-12-31T23:59:59.999Z": ErrRange,
		"2000-01-01T00:00:00+00:01": ErrRange, "0000-01-01T00:00:00Z": ErrRange, "0001-01-01T00:00:00Z": ErrRange,
		"0000-01-01T00:00:00+23:59": ErrRange, "1970-01-01T00:00:00Z": ErrRange,
		"": ErrForm, "10000-01-01T00:00:00Z": ErrForm, "2026-02-30T00:00:00Z": ErrForm, "2026-01-31": ErrForm,
		"2026-01-31T00:00:00": ErrForm, "2026-01-31 00:00:00Z": ErrForm, "2026-01-31T0:00:00Z": ErrForm,
		"2026-01-31T00:00:00,5Z": ErrForm, "2026-01-31T00:00:00+24:00": ErrForm, "2026-01-31T00:00:00+00:60": ErrForm,
		"2026-01-31T00:00:00+0000": ErrForm, "2026-01-31T24:00:00Z": ErrForm, "2026-01-31T00:00:60Z": ErrForm,
		"+2026-01-31T00:00:00Z": ErrForm, "2026-01-31T00:00:00Zz": ErrForm, "２026-01-31T00:00:00Z": ErrForm, "now": ErrForm,
	} {
		if got, err := Parse(text); !errors.Is(err, want) {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
}

// What is taken can be stored, read back, and written as JSON.
func TestWhatIsTakenSurvives(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		zone := time.FixedZone("", 60*rapid.IntRange(-1439, 1439).Draw(rt, "minutes"))
		at := time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(rt, "s"), rapid.Int64Range(0, 999999999).Draw(rt, "ns"))
		text := at.In(zone).Format(time.RFC3339Nano)
		if rapid.Bool().Draw(rt, "edge") {
			text = "9999-12-31T23:59:59.9" + at.In(zone).Format("Z07:00")
		}
		got, err := Parse(text)
		if err != nil {
			return
		}
		stored, err := dynamo.ParseTime(Format(got))
		if err != nil || !stored.Equal(got) {
			rt.Fatalf("%s comes back as %s, %v", text, stored, err)
		}
		raw, err := json.Marshal(got)
		var again time.Time
		if err != nil || json.Unmarshal(raw, &again) != nil || !again.Equal(got) {
			rt.Fatalf("%s in JSON: %s, %v", text, raw, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"9999-12-31T23:59:59-23:59", "2026-01-31t00:00:00z", "2026-01-31T00:00:00.5+01:00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if at, err := Parse(text); err == nil && (!In(at) || at.UTC().Year() > 9999) {
			t.Fatalf("%q: %s", text, at)
		}
	})
}

// Every time of the range has one width, so that texts sort as times do.
func TestTimesAreWrittenInOneWidth(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		zone := time.FixedZone("", 60*rapid.IntRange(-1439, 1439).Draw(rt, "minutes"))
		some := func(name string) time.Time {
			at := time.Unix(rapid.Int64Range(First.Unix(), Last.Unix()).Draw(rt, name), 1e6*rapid.Int64Range(0, 999).Draw(rt, name+" ms"))
			return at.In(zone)
		}
		one, other := some("one"), some("other")
		a, err := json.Marshal(map[string]any{"at": Of(one), "or": &Time{other}})
		if want := `{"at":"` + Format(one) + `","or":"` + Format(other) + `"}`; err != nil || string(a) != want {
			rt.Fatalf("%s, %v, want %s", a, err, want)
		}
		if len(Format(one)) != len(Layout) || (Format(one) < Format(other)) != one.Before(other) {
			rt.Fatalf("%s and %s", Format(one), Format(other))
		}
		var back struct{ At, Or Time }
		if err := json.Unmarshal(a, &back); err != nil || !back.At.Equal(one) || !back.Or.Equal(other) {
			rt.Fatalf("%s comes back as %v, %v", a, back, err)
		}
	})
	if raw, err := json.Marshal(Of(Last.Add(time.Hour))); err == nil {
		t.Errorf("a year of five digits is %s", raw)
	}
}

// Who waits so many whole seconds has waited long enough, and not a whole second too long.
func TestAWaitIsRoundedUpToWholeSeconds(t *testing.T) {
	for wait, want := range map[time.Duration]int{
		-time.Hour: 1, 0: 1, 1: 1, time.Second: 1, time.Second + 1: 2, 1500 * time.Millisecond: 2,
		2*time.Second - 1: 2, 24 * time.Hour: 86400, 24*time.Hour - time.Millisecond: 86400,
	} {
		if got := WholeSeconds(wait); got != want {
			t.Errorf("%v: %d, want %d", wait, got, want)
		}
	}
}
