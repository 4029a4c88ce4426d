package schedule

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestCronFiresAsEventBridgeDocumentsIt(t *testing.T) {
	for _, tc := range []struct{ expression, after, want string }{
		{"cron(0 10 * * ? *)", "2026-11-01 09:59", "2026-11-01 10:00"},
		{"cron(0 10 * * ? *)", "2026-11-01 10:00", "2026-11-02 10:00"},
		{"cron(15 12 * * ? *)", "2026-12-31 12:15", "2027-01-01 12:15"},
		{"cron(0 18 ? * MON-FRI *)", "2026-11-06 18:00", "2026-11-09 18:00"}, // Friday to Monday
		{"cron(0 8 1 * ? *)", "2026-11-01 08:00", "2026-12-01 08:00"},
		{"cron(0/15 * * * ? *)", "2026-11-01 10:31", "2026-11-01 10:45"},
		{"cron(*/20 8-10 ? * 2-6 *)", "2026-11-06 10:40", "2026-11-09 08:00"},
		{"cron(0/5 8-17 ? * MON-FRI *)", "2026-11-06 17:55", "2026-11-09 08:00"},
		{"cron(0 9 ? * 2#1 *)", "2026-11-02 09:00", "2026-12-07 09:00"}, // first Monday
		{"cron(0 9 ? * FRI#5 *)", "2026-11-01 00:00", "2027-01-29 09:00"},
		{"cron(0 0 L * ? *)", "2026-11-01 00:00", "2026-11-30 00:00"},
		{"cron(0 0 L FEB ? *)", "2026-11-01 00:00", "2027-02-28 00:00"},
		{"cron(0 9 ? * 6L *)", "2026-11-01 00:00", "2026-11-27 09:00"},  // last Friday
		{"cron(0 9 15W * ? *)", "2026-11-01 00:00", "2026-11-16 09:00"}, // the 15th is a Sunday
		{"cron(0 9 1W * ? *)", "2026-07-31 10:00", "2026-08-03 09:00"},  // the 1st is a Saturday: not July
		{"cron(0 9 31W * ? *)", "2027-01-01 00:00", "2027-01-29 09:00"}, // the 31st is a Sunday: not February
		{"cron(0 0 29 2 ? *)", "2026-11-01 00:00", "2028-02-29 00:00"},
		{"cron(30 6 1,15 JAN,jul ? *)", "2026-01-15 06:30", "2026-07-01 06:30"},
		{"cron(0 0 1 1 ? 2030-2031)", "2026-01-01 00:00", "2030-01-01 00:00"},
		{"cron(0 0 1 1 ? 2020)", "2026-01-01 00:00", ""},
		{"cron(0 0 31 2 ? *)", "2026-01-01 00:00", ""},
		{"at(2026-11-01T12:00:00)", "2026-11-01 11:59", "2026-11-01 12:00"},
		{"at(2026-11-01T12:00:00)", "2026-11-01 12:00", ""},
	} {
		e, err := Parse(tc.expression, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		var want time.Time
		if tc.want != "" {
			want = at(t, tc.want)
		}
		if got := e.Next(at(t, tc.after), time.Time{}); !got.Equal(want) {
			t.Errorf("%s after %s: %v, want %s", tc.expression, tc.after, got, tc.want)
		}
	}
}

func TestCronInAZoneSkipsTheMissingHourAndFiresOnceInTheRepeatedOne(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	e, err := Parse("cron(30 2 * * ? *)", zone)
	if err != nil {
		t.Fatal(err)
	}
	// Clocks go forward on 29 March 2026 (02:30 doesn't exist) and back on 25 October (02:30 comes twice).
	if got := e.Next(time.Date(2026, 3, 28, 12, 0, 0, 0, zone), time.Time{}); !got.Equal(time.Date(2026, 3, 30, 2, 30, 0, 0, zone)) {
		t.Errorf("spring: %v", got)
	}
	first := e.Next(time.Date(2026, 10, 24, 12, 0, 0, 0, zone), time.Time{})
	if second := e.Next(first, time.Time{}); second.Sub(first) < 24*time.Hour {
		t.Errorf("autumn: %v, then %v", first, second)
	}
}

func TestRateCountsFromTheStart(t *testing.T) {
	start := at(t, "2026-11-01 10:02")
	e, err := Parse("rate(5 minutes)", nil)
	if err != nil {
		t.Fatal(err)
	}
	for after, want := range map[string]string{"2026-11-01 10:02": "2026-11-01 10:07", "2026-11-01 10:07": "2026-11-01 10:12", "2026-11-01 10:11": "2026-11-01 10:12"} {
		if got := e.Next(at(t, after), start); !got.Equal(at(t, want)) {
			t.Errorf("after %s: %v, want %s", after, got, want)
		}
	}
}

func TestParseRefusesWhatEventBridgeRefuses(t *testing.T) {
	for _, bad := range []string{
		"", "rate", "rate()", "rate(5)", "rate(0 minutes)", "rate(-1 minutes)", "rate(1 minutes)", "rate(5 minute)", "rate(5 seconds)", "rate(1.5 hours)", "rate(5 minutess)",
		"5 minutes", "cron(* * * * *)", "cron(* * * * * *)", "cron(* * ? * ? *)", "cron(60 * * * ? *)", "cron(* 24 * * ? *)", "cron(0 0 0 * ? *)", "cron(0 0 * 13 ? *)",
		"cron(0 0 ? * 8 *)", "cron(0 0 ? * FOO *)", "cron(0 0 ? * MON#6 *)", "cron(5-1 * * * ? *)", "cron(*/0 * * * ? *)", "cron(0 0 * * ? 1969)", "cron(0 0 32W * ? *)",
		"at(2026-11-01)", "every(5 minutes)", "cron(0 0 * * ? *", "cron(, * * * ? *)",
	} {
		if _, err := Parse(bad, nil); err == nil {
			t.Errorf("%q: accepted", bad)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("cron(0/15 8-17 ? * MON-FRI *)")
	f.Add("rate(5 minutes)")
	f.Fuzz(func(t *testing.T, text string) {
		after := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
		if e, err := Parse(text, nil); err == nil {
			if next := e.Next(after, after); !next.IsZero() && !next.After(after) {
				t.Errorf("%q fires at %v, which is not after %v", text, next, after)
			}
		}
	})
}

// fake logs when it was called and with what.
type fake struct {
	mu    sync.Mutex
	times []time.Duration
	start time.Time
	sent  []string
	fail  int
	slow  time.Duration
}

func (f *fake) Invoke(_ context.Context, function string, payload []byte) ([]byte, error) {
	f.mu.Lock()
	f.times = append(f.times, time.Since(f.start))
	f.sent = append(f.sent, function+" "+string(payload))
	f.fail--
	failed := f.fail >= 0
	f.mu.Unlock()
	time.Sleep(f.slow)
	if failed {
		return nil, errors.New("function error")
	}
	return nil, nil
}

func run(t *testing.T, d time.Duration, f *fake, schedules ...Schedule) {
	t.Helper()
	f.start = time.Now()
	s, err := New(Config{Invoker: f, Schedules: schedules})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { s.Run(ctx); close(ended) }()
	time.Sleep(d)
	cancel()
	<-ended
}

func rate(t *testing.T, text string) Schedule {
	t.Helper()
	e, err := Parse(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	return Schedule{Name: "tick", Function: "F", Expression: e, Retries: 2}
}

func TestRateFiresOnTimeEvenWhileACallIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{slow: 12 * time.Minute}
		run(t, 21*time.Minute, f, rate(t, "rate(5 minutes)"))
		if want := []time.Duration{5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 20 * time.Minute}; !slices.Equal(f.times, want) {
			t.Errorf("fired at %v", f.times)
		}
	})
}

func TestFailedCallIsRetriedTwiceWithTheSameEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{fail: 9}
		run(t, 90*time.Minute, f, rate(t, "rate(1 hour)"))
		if want := []time.Duration{60 * time.Minute, 61 * time.Minute, 63 * time.Minute}; !slices.Equal(f.times, want) {
			t.Errorf("called at %v", f.times)
		}
		if f.sent[0] != f.sent[1] || f.sent[0] != f.sent[2] {
			t.Errorf("events differ: %q", f.sent)
		}
	})
}

func TestDisabledScheduleAndOneThatIsOverDoNotFire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		off := rate(t, "rate(1 minute)")
		off.Disabled = true
		over := rate(t, "at(1999-01-01T00:00:00)")
		over.Name = "over"
		run(t, time.Hour, f, off, over)
		if len(f.times) != 0 {
			t.Errorf("fired at %v", f.times)
		}
	})
}

func TestEventsAreThoseOfSchedulerAndOfRules(t *testing.T) {
	when := at(t, "2026-11-01 12:00")
	s := rate(t, "rate(5 minutes)")
	var e map[string]any
	if err := json.Unmarshal(s.Event(when, "eu-west-1", "123456789012"), &e); err != nil {
		t.Fatal(err)
	}
	if e["source"] != "aws.scheduler" || e["detail-type"] != "Scheduled Event" || e["detail"] != "{}" || e["time"] != "2026-11-01T12:00:00Z" ||
		e["resources"].([]any)[0] != "arn:aws:scheduler:eu-west-1:123456789012:schedule/default/tick" {
		t.Errorf("%v", e)
	}
	s.Rule = true
	if err := json.Unmarshal(s.Event(when, "eu-west-1", "123456789012"), &e); err != nil {
		t.Fatal(err)
	}
	if _, object := e["detail"].(map[string]any); e["source"] != "aws.events" || !object || e["resources"].([]any)[0] != "arn:aws:events:eu-west-1:123456789012:rule/tick" {
		t.Errorf("%v", e)
	}
	s.Rule, s.Input = false, `{"at":"<aws.scheduler.scheduled-time>","n":"<aws.scheduler.attempt-number>"}`
	if got := string(s.Event(when, "r", "a")); got != `{"at":"2026-11-01T12:00:00Z","n":"1"}` {
		t.Error(got)
	}
}

func TestParseEventReadsATemplatesProperties(t *testing.T) {
	s, err := ParseEvent("ScheduleV2", map[string]any{
		"ScheduleExpression": "cron(0 8 * * ? *)", "ScheduleExpressionTimezone": "Europe/Paris", "Input": `{"job":"purge"}`, "OmitName": true,
		"State": "DISABLED", "RetryPolicy": map[string]any{"MaximumRetryAttempts": 1}, "FlexibleTimeWindow": map[string]any{"Mode": "OFF"},
	})
	if err != nil || !s.Disabled || s.Retries != 1 || s.Rule || s.Input != `{"job":"purge"}` || s.Expression.zone.String() != "Europe/Paris" {
		t.Errorf("%+v %v", s, err)
	}
	s, err = ParseEvent("Schedule", map[string]any{"Schedule": "rate(1 day)", "Enabled": true})
	if err != nil || !s.Rule || s.Disabled || s.Retries != 2 || s.Expression.every != 24*time.Hour {
		t.Errorf("%+v %v", s, err)
	}
	for name, props := range map[string]map[string]any{
		"no expression": {}, "unknown": {"ScheduleExpression": "rate(1 day)", "GroupName": "g"}, "input": {"ScheduleExpression": "rate(1 day)", "Input": "{"},
		"zone": {"ScheduleExpression": "rate(1 day)", "ScheduleExpressionTimezone": "Mars/Olympus"}, "the other's property": {"Schedule": "rate(1 day)"},
	} {
		if _, err := ParseEvent("ScheduleV2", props); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestNamesAreUnique(t *testing.T) {
	if _, err := New(Config{Invoker: &fake{}, Schedules: []Schedule{rate(t, "rate(1 day)"), rate(t, "rate(1 day)")}}); err == nil {
		t.Error("one name twice: accepted")
	}
}
