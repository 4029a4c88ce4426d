package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/usage"
)

// reportsAsTheyAre keeps the parts of all reports.
type reportsAsTheyAre struct {
	parts []usage.Report
	err   error
}

func (r *reportsAsTheyAre) Write(_ context.Context, part usage.Report) error {
	r.parts = append(r.parts, part)
	return r.err
}

func reportingHarness(t testing.TB) (*harness, *reportsAsTheyAre) {
	b, w := newHarness(t), &reportsAsTheyAre{}
	b.gate.recorder = newCounter(w, b.clock)
	return b, w
}

// TestACallIsCountedUnderAllThatItBelongsTo: its account, key, product, hour and minute, and the secret that it was made with.
func TestACallIsCountedUnderAllThatItBelongsTo(t *testing.T) {
	b, w := reportingHarness(t)
	for n, tt := range []struct {
		route, path string
		edit        func(*authz.Policy)
		later       time.Duration
		subject     usage.Subject
		which       string
	}{
		{"/map/{proxy+}", tile, nil, 0, usage.Subject{Account: "acc_1", Key: "key_0", Product: "map-display"}, "c"},
		{"/search/{proxy+}", "/search/2/search/x.json", nil, 0, usage.Subject{Account: "acc_1", Key: "key_1", Product: "search"}, "c"},
		{"/map/{proxy+}", tile, func(p *authz.Policy) { p.KeyID, p.Account = "key_other", "acc_2" }, time.Minute, usage.Subject{Account: "acc_2", Key: "key_other", Product: "map-display"}, "c"},
		{"/map/{proxy+}", tile, func(p *authz.Policy) { p.KeyID, p.Outgoing = "key_old", true }, 59 * time.Minute, usage.Subject{Account: "acc_1", Key: "key_old", Product: "map-display"}, "p"},
	} {
		text := b.add(t, uint64(n), tt.edit)
		b.clock.advance(usage.ReportEvery + tt.later)
		at, before := b.clock.at.wall, len(w.parts)
		payload := bytes.Replace(event(tt.path, nil, map[string]string{"key": text}), []byte("/map/{proxy+}"), []byte(tt.route), 1)
		if status, _ := b.call(t, payload); status != 200 || len(w.parts) != before+1 || len(w.parts[before].Entries) != 1 {
			t.Fatalf("call %d: %d, reported as %+v", n, status, w.parts[before:])
		}
		entry := w.parts[before].Entries[0]
		if entry.Subject != tt.subject || entry.Hour != usage.HourOf(at) {
			t.Errorf("call %d is counted under %+v of the hour %v", n, entry.Subject, entry.Hour)
		}
		want := map[string]int64{
			"c:" + tt.which + ":allowed": 1, fmt.Sprintf("m:%02d", at.Minute()): 1, "l:" + usage.HashTag(secret(t, uint64(n)).Hash()): at.Unix() / 60,
		}
		for name, number := range want {
			if entry.Counts[usage.Dimension(name)] != number {
				t.Errorf("call %d at %v: %v, want %s=%d", n, at, entry.Counts, name, number)
			}
		}
	}
}

// TestAnEnvironmentForgetsTheHoursThatAreOver: once all of an hour is reported, in the next one, it counts from zero under a new name.
func TestAnEnvironmentForgetsTheHoursThatAreOver(t *testing.T) {
	b, w := reportingHarness(t)
	key := b.add(t, 1, nil)
	names := map[string]bool{}
	for range 5 {
		b.status(t, key)
		b.clock.advance(time.Hour)
	}
	b.status(t, key)
	for _, part := range w.parts {
		names[part.Environment] = true
	}
	if len(w.parts) != 6 || len(names) < 3 {
		t.Errorf("%d reports in six hours, under %d names", len(w.parts), len(names))
	}
}

// TestMuchThatChangedIsReportedAtOnce: after a report that was written; after one that wasn't, five seconds later.
func TestMuchThatChangedIsReportedAtOnce(t *testing.T) {
	for _, fails := range []error{nil, errDown} {
		b, w := reportingHarness(t)
		w.err = fails
		var keys []string
		for n := range uint64(1500) {
			keys = append(keys, b.add(t, n, nil))
		}
		for _, key := range keys {
			b.status(t, key)
		}
		if n := len(w.parts); fails == nil && n < 2 || fails != nil && n != 1 {
			t.Errorf("%d keys are called at the same moment, the first report's error is %v: %d parts of reports", len(keys), fails, n)
		}
	}
}

// TestALineSaysAllThatIsKnownOfItsCall: as literals.
func TestALineSaysAllThatIsKnownOfItsCall(t *testing.T) {
	b := newHarness(t)
	good := b.add(t, 1, func(p *authz.Policy) {
		p.Proposed = &apikey.Proposal{Since: b.clock.at.wall.Add(-time.Hour), Domains: &[]string{"example.com"}}
	})
	odd := func(payload []byte) []byte {
		return bytes.Replace(payload, []byte(`"req-1"`), []byte(`"a\"b\\c\u001fd\u007fé~ "`), 1)
	}
	b.call(t, event(tile, map[string]string{"Origin": "https://evil.example"}, map[string]string{"key": good}))
	b.call(t, odd(event("/map/../x", nil, map[string]string{"key": good})))
	b.call(t, event(tile, map[string]string{"Origin": "https://example.com"}, map[string]string{"key": secret(t, 2).Reveal()}))
	want := `{"timestamp":"2026-11-21T12:00:00.000Z","level":"INFO","message":"allowed","code":"allowed","status":200,"request_id":"req-1","path":"/map/1/tile/basic/main/0/0/0.png","key_id":"key_1","account_id":"acc_1","product":"map-display","class":"map-display.tiles","origin":"evil.example","shadow":"domain_not_allowed","sample":100}
{"timestamp":"2026-11-21T12:00:00.000Z","level":"WARN","message":"refused","code":"path_not_canonical","status":403,"request_id":"a?b?c?d???~ ","path":"/map/../x","key_id":"key_1","account_id":"acc_1","product":"","class":"","origin":"(missing)","shadow":"path_not_canonical"}
{"timestamp":"2026-11-21T12:00:00.000Z","level":"WARN","message":"refused","code":"key_unknown","status":401,"request_id":"req-1","path":"/map/1/tile/basic/main/0/0/0.png","key_id":"","account_id":"","product":"map-display","class":"map-display.tiles","origin":"example.com","sample":100}
`
	if got := b.out.String(); got != want {
		t.Errorf("the lines are\n%s\nwant\n%s", got, want)
	}
}

// TestEveryLineIsWrittenOnce whatever comes between a call's answer and what is due after it.
func TestEveryLineIsWrittenOnce(t *testing.T) {
	for name, next := range map[string]func(*harness, string){
		"what is due":         func(b *harness, _ string) { b.gate.AfterReply(); b.gate.AfterReply() },
		"another call":        func(b *harness, key string) { _, _ = b.gate.Invoke(time.Time{}, tileEvent(key)); b.gate.AfterReply() },
		"no event":            func(b *harness, _ string) { _, _ = b.gate.Invoke(time.Time{}, []byte("{")); b.gate.AfterReply() },
		"the runtime's error": func(b *harness, _ string) { b.gate.logRuntime("lost"); b.gate.AfterReply() },
		"its end":             func(b *harness, _ string) { b.gate.Close() }, // and the process is ended
	} {
		b := newHarness(t)
		key := b.add(t, 1, func(p *authz.Policy) { p.Disabled = true })
		if _, err := b.gate.Invoke(time.Time{}, tileEvent(key)); err == nil {
			t.Fatal("a disabled key is let through")
		}
		next(b, key)
		want := 1
		if name == "another call" {
			want = 2
		}
		if n := strings.Count(b.out.String(), `"code":"key_disabled"`); n != want {
			t.Errorf("then %s: %d lines of %d refusals:\n%s", name, n, want, b.out)
		}
		if name == "the runtime's error" && strings.Count(b.out.String(), `"what":"lost"`) != 1 {
			t.Errorf("the runtime's error is in no line:\n%s", b.out)
		}
	}
}

// TestWhatCantBeKnownOfAnAccountIsNoCallOfItsKeys: the answer says nothing of the key, whose usage and whose log lines don't have it.
func TestWhatCantBeKnownOfAnAccountIsNoCallOfItsKeys(t *testing.T) {
	for _, known := range []bool{false, true} { // from before
		b, w := reportingHarness(t)
		key := b.add(t, 1, nil)
		if known {
			b.status(t, key)
			b.clock.advance(time.Minute)
		}
		b.out.Reset()
		before := len(w.parts)
		b.store.failAccount = func() error { return errUnreadable }
		if status := b.status(t, key); status != 503 {
			t.Fatalf("status %d", status)
		}
		b.gate.Close()
		if len(w.parts) != before || strings.Contains(b.out.String(), `"key_id":"key_1"`) || strings.Contains(b.out.String(), `"account_id":"acc_1"`) {
			t.Errorf("known from before: %v; reported as %+v, logged as %s", known, w.parts[before:], b.out)
		}
	}
}

// TestAReportComesBeforeTheAnswerIfAnyPartOfTheCallFailed: an environment isn't busy without a caller while a table is down, whichever
// it is, and whatever the call is answered.
func TestAReportComesBeforeTheAnswerIfAnyPartOfTheCallFailed(t *testing.T) {
	for _, down := range []string{"nothing", "the account's record", "the leases"} {
		for _, path := range []string{"granted with the key", "accepted since", "not accepted"} {
			for _, stale := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					b, s := timedHarness(t)
					edit := unshown
					if path == "granted with the key" {
						edit = nil
					}
					key := b.add(t, 1, edit)
					b.accepts(path == "accepted since")
					b.within(0, key)
					if stale {
						time.Sleep(freshFor)
						b.keepKey(t, 1)
					}
					told := &telling{}
					b.gate.recorder = told
					fails := !stale // what isn't asked hasn't answered
					switch down {
					case "the account's record":
						s.accounts = func() (time.Duration, error) { return 0, errDown }
						fails = true
					case "the leases":
						b.gate.limiter = &scripted{answer: admission{Admitted: true, Degraded: true}}
						fails = fails || path != "not accepted"
					}
					_, _ = b.gate.Invoke(time.Time{}, tileEvent(key))
					b.gate.AfterReply()
					if before := told.down == 1; before != fails || told.up+told.down != 1 {
						t.Errorf("%s down, the path %s, the account's record stale: %v: reported %d times before the answer, %d times behind it", down, path, stale, told.down, told.up)
					}
				})
			}
		}
	}
}

// TestAClientThatWaitsTwoSecondsIsAdmitted: where an environment opens a later window of a low limit, it counts it from a moment that
// lies a little ahead, and a burst that uses it up at once is told to wait beyond the next second.
func TestAClientThatWaitsTwoSecondsIsAdmitted(t *testing.T) {
	for _, limit := range []int{2, 5} {
		b, _ := limitedHarness(t)
		payload := tileEvent(b.add(t, 1, own(limit)))
		b.call(t, payload)
		for range 3 {
			b.clock.advance(3 * time.Second)
			var status int
			var context map[string]any
			for status = 200; status == 200; {
				status, context = b.call(t, payload)
			}
			if status != 429 || context["retryAfter"] != "2" {
				t.Errorf("limit %d: %d %v", limit, status, context)
			}
			b.clock.advance(2 * time.Second)
			if status, _ := b.call(t, payload); status != 200 {
				t.Errorf("limit %d: refused with %d after the wait", limit, status)
			}
		}
	}
}
