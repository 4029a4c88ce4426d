package gateclient_test

import (
	"net/http"
	"testing"
	"time"

	"latchkey/shared/dynamo/gateclient"
)

const stamp = "20060102T150405Z"

func signedAt(t *testing.T, r *http.Request) time.Time {
	t.Helper()
	at, err := time.Parse(stamp, r.Header.Get("X-Amz-Date"))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestAWrongClockIsCorrected: the refusal of the first call says what time it is, and the next one is signed by that, as the SDK's client does.
func TestAWrongClockIsCorrected(t *testing.T) {
	for _, ahead := range []time.Duration{-time.Hour, -5 * time.Minute, 5 * time.Minute, 48 * time.Hour} {
		w := &wire{status: 400, answer: []byte(`{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"Signature expired"}`)}
		gate, sdk := both(access, w)
		for _, c := range []client{gate, sdk} {
			w.header = http.Header{"Date": {time.Now().Add(ahead).UTC().Format(http.TimeFormat)}}
			for range 2 {
				if _, err := operations["GetItem"](t.Context(), c); err == nil {
					t.Fatal("no error")
				}
			}
			if off := signedAt(t, w.request).Sub(time.Now().Add(ahead)); off.Abs() > 10*time.Second {
				t.Errorf("%T, whose store is ahead by %v, signs %v beside it", c, ahead, off)
			}
		}
	}
}

// TestOnlyARefusalThatSaysSoCorrectsTheClock, and one that says otherwise sets it right again.
func TestOnlyARefusalThatSaysSoCorrectsTheClock(t *testing.T) {
	start := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	date := func(at time.Time) http.Header { return http.Header{"Date": {at.Format(http.TimeFormat)}} }
	for what, tt := range map[string]struct {
		status int
		header http.Header
		took   time.Duration
		want   time.Duration // by which the next call's time is corrected
	}{
		"an hour ahead":                 {400, date(start.Add(time.Hour)), 0, time.Hour},
		"of a status of the server's":   {500, date(start.Add(time.Hour)), 0, time.Hour},
		"an hour behind":                {403, date(start.Add(-time.Hour)), 0, -time.Hour},
		"five minutes":                  {400, date(start.Add(5 * time.Minute)), 0, 5 * time.Minute},
		"four minutes":                  {400, date(start.Add(4 * time.Minute)), 0, 0},
		"four minutes behind":           {400, date(start.Add(-4 * time.Minute)), 0, 0},
		"an item":                       {200, date(start.Add(time.Hour)), 0, 0},
		"no Date":                       {400, http.Header{}, 0, 0},
		"a Date that is none":           {400, http.Header{"Date": {"yesterday"}}, 0, 0},
		"of a cache":                    {400, http.Header{"Date": date(start.Add(time.Hour))["Date"], "Age": {"1"}}, 0, 0},
		"frozen for an hour, then read": {400, date(start), time.Hour, 0},
		"both":                          {400, date(start.Add(3 * time.Hour)), time.Hour, 2 * time.Hour},
	} {
		now := start
		w := &wire{status: tt.status, header: tt.header}
		gate := gateclient.New(access, transport(func(r *http.Request) (*http.Response, error) {
			now = now.Add(tt.took)
			return w.RoundTrip(r)
		}), func() time.Time { return now })
		next := func() time.Duration {
			from := now
			_, _ = operations["GetItem"](t.Context(), gate)
			return signedAt(t, w.request).Sub(from)
		}
		if first := next(); first != 0 {
			t.Errorf("%s: the first call is corrected by %v", what, first)
		}
		if got := next(); got != tt.want {
			t.Errorf("%s: corrected by %v, want %v", what, got, tt.want)
		}
		w.status, w.header = 400, date(now.Add(tt.took))
		if next(); next().Abs() > 4*time.Minute {
			t.Errorf("%s: not set right again", what)
		}
	}
}
