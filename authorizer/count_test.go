package main

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/leases"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
)

// unrecorded counts nothing.
type unrecorded struct{}

func (unrecorded) Count(moment, *outcome) int              { return 0 }
func (unrecorded) Report(moment, time.Time, bool) reported { return reported{} }
func (unrecorded) Flush(context.Context)                   {}

// written keeps what is reported, as folding would.
type written struct {
	writes int
	sums   map[string]map[usage.Item]usage.Counts
	err    error
	hang   bool
	panics bool

	failAfter int // so many writes; 0: none
	entries   int
}

func (w *written) Write(ctx context.Context, r usage.Report) error {
	w.writes++
	if w.panics {
		panic("boom")
	}
	if w.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	if w.err != nil {
		return w.err
	}
	if w.failAfter > 0 && w.writes > w.failAfter {
		return errDown
	}
	w.entries += len(r.Entries)
	if w.sums == nil {
		w.sums = map[string]map[usage.Item]usage.Counts{}
	}
	if w.sums[r.Environment] == nil {
		w.sums[r.Environment] = map[usage.Item]usage.Counts{}
	}
	for _, e := range r.Entries {
		at := usage.Item{Key: e.Subject.Key, Product: e.Subject.Product, Hour: e.Hour}
		w.sums[r.Environment][at] = w.sums[r.Environment][at].Merge(e.Counts)
	}
	return nil
}

// total adds up the reports of all environments and hours.
func (w *written) total() usage.Counts {
	sum := usage.Counts{}
	for _, items := range w.sums {
		for _, c := range items {
			sum.Add(c)
		}
	}
	return sum
}

// calls returns the outcome counts that were written.
func (w *written) calls() map[usage.Dimension]int64 {
	out := map[usage.Dimension]int64{}
	for d, n := range w.total() {
		if d[0] == 'c' {
			out[d] = n
		}
	}
	return out
}

func countingHarness(t testing.TB) (*harness, *written) {
	b, w := newHarness(t), &written{}
	b.gate.recorder = newCounter(w, b.clock)
	return b, w
}

func TestALoneCallIsReportedAtOnceAndABurstEveryFiveSeconds(t *testing.T) {
	b, w := countingHarness(t)
	key := b.add(t, 1, nil)
	b.status(t, key)
	if w.calls()["c:c:allowed"] != 1 || b.gate.metrics.usageReports != 1 {
		t.Fatalf("a lone call is reported as %v", w.calls())
	}
	for range 20 * 60 { // 60 s
		b.clock.advance(50 * time.Millisecond)
		b.status(t, key)
	}
	if w.writes != 13 || w.calls()["c:c:allowed"] != 1201 {
		t.Errorf("%d writes with %v in 60 s", w.writes, w.calls())
	}
	b.clock.advance(time.Hour) // frozen
	b.status(t, key)
	if w.calls()["c:c:allowed"] != 1202 {
		t.Errorf("after a freeze: %v", w.calls())
	}
}

func TestEveryDecisionOfAKnownKeyIsCountedAndNoOther(t *testing.T) {
	b, w := countingHarness(t)
	b.gate.limiter = &scripted{answer: admission{Admitted: true}}
	since := b.clock.at.wall.Add(-time.Hour)
	good := b.add(t, 1, func(p *authz.Policy) {
		p.Domains, p.MissingOrigin = []string{"example.com", "[2001:db8::1]"}, apikey.MissingOriginDeny
		p.Proposed = &apikey.Proposal{Since: since, Domains: &[]string{"example.com"}}
	})
	revoked := b.add(t, 1001, func(p *authz.Policy) { p.KeyID, p.Outgoing, p.RevokedAt = "key_1", true, b.clock.at.wall })
	from := func(origin string) {
		b.call(t, event(tile, map[string]string{"Origin": origin}, map[string]string{"key": good}))
	}
	for range 3 {
		from("https://example.com")
	}
	from("http://[2001:db8::1]:8080")
	from("https://evil.example")
	b.status(t, good) // without an origin
	b.status(t, revoked)
	b.gate.limiter = &scripted{answer: admission{RetryAfter: 1}}
	from("https://example.com")
	b.status(t, secret(t, 77).Reveal())
	b.status(t, "ak_malformed")
	b.gate.Close()
	got := w.total()
	for d := range got {
		if d[0] == 'l' || d[0] == 'm' {
			delete(got, d)
		}
	}
	x := usage.Dimension("x:" + itoa(since.UnixMilli()) + ":")
	want := usage.Counts{
		"c:c:allowed": 4, "c:c:domain_not_allowed": 1, "c:c:origin_missing": 1, "c:c:qps_exceeded": 1, "c:p:key_revoked": 1,
		"o:example.com:allowed": 3, "o:[2001:db8::1]:allowed": 1, "o:evil.example:domain_not_allowed": 1, "o:-:origin_missing": 1,
		"o:-:key_revoked": 1, "o:example.com:qps_exceeded": 1,
		x + "allowed": 3, x + "domain_not_allowed": 1, // of the calls that were let through
	}
	if !maps.Equal(got, want) {
		t.Errorf("counted\n%v, want\n%v", got, want)
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func TestAFailedReportIsTriedAgainFiveSecondsLaterWithNothingLost(t *testing.T) {
	b, w := countingHarness(t)
	key := b.add(t, 1, nil)
	w.err = errors.New("down")
	for range 200 { // 20 s
		b.status(t, key)
		b.clock.advance(100 * time.Millisecond)
	}
	if w.writes != 4 || b.gate.metrics.usageReportErrors != 4 {
		t.Errorf("%d writes in 20 s, %d told", w.writes, b.gate.metrics.usageReportErrors)
	}
	w.err = nil
	b.clock.advance(5 * time.Second)
	b.status(t, key)
	if w.calls()["c:c:allowed"] != 201 {
		t.Errorf("%v", w.calls())
	}
}

// TestWhatAFailedReportHeldIsInTheNextOneThatIsDue: no further call of that key is needed, and none before that tries.
func TestWhatAFailedReportHeldIsInTheNextOneThatIsDue(t *testing.T) {
	for name, fail := range map[string]func(*written){
		"an error": func(w *written) { w.err = errors.New("down") }, "a panic": func(w *written) { w.panics = true },
	} {
		t.Run(name, func(t *testing.T) {
			b, w := countingHarness(t)
			key, other := b.add(t, 1, nil), b.add(t, 2, nil)
			fail(w)
			b.status(t, key)
			if w.writes != 1 {
				t.Fatalf("%d writes for the first call", w.writes)
			}
			w.err, w.panics = nil, false
			// Between the call that reports before its answer and the one that reports after it, there is no third way.
			for _, step := range []time.Duration{0, 1, time.Second, 2 * time.Second, 1500*time.Millisecond - 2} {
				b.clock.advance(step)
				b.status(t, other)
				b.status(t, "ak_malformed")
				b.status(t, secret(t, 3).Reveal())
			}
			if w.writes != 1 {
				t.Errorf("%d more attempts within 4.5 s of a failure", w.writes-1)
			}
			b.clock.advance(500*time.Millisecond + 1)
			b.status(t, "ak_malformed")
			if w.writes < 2 || w.key("key_1") != 1 || w.key("key_2") != 5 {
				t.Errorf("5 s later, after %d writes: %v", w.writes, w.sums)
			}
		})
	}
}

// key is the number of calls of a key that were reported.
func (w *written) key(id apikey.ID) (n int64) {
	for _, places := range w.sums {
		for p, c := range places {
			if p.Key == id {
				n += c["c:c:allowed"]
			}
		}
	}
	return n
}

// TestAReportThatFailsInTheMiddleKeepsTheRest: of the parts that were written none is written again, and of the others
// none is lost.
func TestAReportThatFailsInTheMiddleKeepsTheRest(t *testing.T) {
	b, w := countingHarness(t)
	const keys = 2000
	for n := range keys {
		b.gate.recorder.Count(b.clock.at, &outcome{Key: apikey.ID("key_" + itoa(int64(n))), Decision: authz.Decision{Code: authz.Allowed}})
	}
	w.failAfter = 2
	if r := b.gate.recorder.Report(b.clock.at, time.Time{}, false); !r.Begun || !r.Failed {
		t.Fatalf("%+v", r)
	}
	first := w.calls()["c:c:allowed"]
	if first == 0 || first >= keys || w.writes != 3 {
		t.Fatalf("%d calls in %d writes", first, w.writes)
	}
	w.failAfter = 0
	for _, early := range []time.Duration{time.Second, 4*time.Second - 1} {
		b.clock.advance(early)
		if r := b.gate.recorder.Report(b.clock.at, time.Time{}, false); r.Begun {
			t.Fatalf("tried again before 5 s have passed: %+v", r)
		}
	}
	b.clock.advance(1)
	if r := b.gate.recorder.Report(b.clock.at, time.Time{}, false); !r.Begun || r.Failed {
		t.Fatalf("%+v", r)
	}
	if got := w.calls()["c:c:allowed"]; got != keys || w.entries != keys {
		t.Errorf("%d of %d calls, in %d entries", got, keys, w.entries)
	}
	if r := b.gate.recorder.Report(b.clock.at, time.Time{}, false); r.Begun {
		t.Error("there is nothing left to report")
	}
}

func TestClosingReportsWhatIsLeft(t *testing.T) {
	b, w := countingHarness(t)
	key := b.add(t, 1, nil)
	for range 50 {
		b.status(t, key)
	}
	b.gate.Close()
	if w.calls()["c:c:allowed"] != 50 {
		t.Errorf("%v", w.calls())
	}
}

// locked is a recorder that looks whether others could come in while it writes.
type locked struct {
	scripted
	gate *Gate
	free []string
}

func (l *locked) look(what string) {
	if l.gate.mu.TryLock() {
		l.gate.mu.Unlock()
		l.free = append(l.free, what)
	}
}

func (l *locked) Count(moment, *outcome) int { l.look("counting"); return 0 }
func (l *locked) Flush(context.Context)      { l.look("closing") }
func (l *locked) Report(moment, time.Time, bool) reported {
	l.look("reporting")
	return reported{}
}

// Lambda may end an environment while a call runs: counting, reporting and the last report wait for each other.
func TestNothingIsCountedOrReportedBesideAnother(t *testing.T) {
	b := newHarness(t)
	key := b.add(t, 1, nil)
	l := &locked{gate: b.gate}
	b.gate.recorder = l
	b.status(t, key)
	b.gate.AfterReply()
	b.gate.Close()
	if len(l.free) > 0 {
		t.Errorf("others may come in while the gate is %v", l.free)
	}
}

func TestACallOfAnUnknownKeyReportsWhatIsDue(t *testing.T) {
	b, w := countingHarness(t)
	key := b.add(t, 1, nil)
	b.status(t, key)
	b.status(t, key)
	b.clock.advance(5 * time.Second)
	b.status(t, "ak_malformed")
	if w.calls()["c:c:allowed"] != 2 {
		t.Errorf("%v", w.calls())
	}
}

func TestATableThatHangsWhereTheStoreAnswersCostsNoCallerAnything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newHarness(t)
		key := b.add(t, 1, nil)
		b.gate.clock = newSystemClock()
		b.gate.records.clock, b.store.clock = b.gate.clock, nil
		b.gate.recorder = newCounter(&written{hang: true}, b.gate.clock)
		for _, budget := range []time.Duration{reportBudget, 0, 0} { // the next calls don't try again at once
			began := time.Now()
			if _, err := b.gate.Invoke(time.Time{}, tileEvent(key)); err != nil || time.Since(began) != 0 {
				t.Fatalf("answered %v after %v", err, time.Since(began))
			}
			b.gate.AfterReply()
			if took := time.Since(began); took != budget {
				t.Errorf("settled after %v, want %v", took, budget)
			}
		}
		if b.gate.metrics.usageReports != 1 || b.gate.metrics.usageReportErrors != 1 {
			t.Errorf("%d reports, %d failed", b.gate.metrics.usageReports, b.gate.metrics.usageReportErrors)
		}
	})
}

// An environment that reports after its answer is busy though nobody waits. While the store is down the next call would
// go to a new environment, which knows no key.
func TestACallThatTheStoreDidNotAnswerReportsBeforeItsAnswer(t *testing.T) {
	for _, tt := range []struct {
		name   string
		wait   time.Duration // since the record was read
		broken func(*harness)
		after  bool
	}{
		{"the record is fresh", time.Second, func(*harness) {}, false},
		{"the record was read", usage.ReportEvery, func(*harness) {}, true},
		{"the record can't be read", usage.ReportEvery, func(b *harness) { b.down() }, false},
		{"the leases fail", usage.ReportEvery, func(b *harness) { b.gate.limiter = &scripted{answer: admission{Admitted: true, Degraded: true}} }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, w := countingHarness(t)
			payload := tileEvent(b.add(t, 1, nil))
			b.call(t, payload)
			b.clock.advance(tt.wait)
			tt.broken(b)
			b.gate.recorder = newCounter(w, b.clock) // a report is due
			before := w.writes
			if _, err := b.gate.Invoke(time.Time{}, payload); err != nil {
				t.Fatal(err)
			}
			if reported := w.writes > before; reported == tt.after {
				t.Errorf("reported before the answer: %v", reported)
			}
			b.gate.AfterReply()
			if w.writes != before+1 {
				t.Errorf("%d reports", w.writes-before)
			}
		})
	}
}

func TestAReportThatBeginsLateInItsCallKeepsToTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter(&written{hang: true}, newSystemClock())
		began, deadline := c.clock.now(), time.Now().Add(time.Second)
		c.Count(began, &outcome{Key: "key_1", Account: "acc_1", Decision: authz.Decision{Product: "map-display", Code: authz.Allowed}})
		time.Sleep(700 * time.Millisecond) // the store was slow
		if r := c.Report(began, deadline, false); !r.Begun || !r.Failed || time.Until(deadline) != answerMargin {
			t.Errorf("%+v, %v before the deadline", r, time.Until(deadline))
		}
	})
}

func TestAReportKeepsToTheDeadlineOfTheCallThatFoundItDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct{ left, delivery, takes time.Duration }{
			{time.Second, 0, reportBudget},
			{200 * time.Millisecond, 0, 200*time.Millisecond - answerMargin},
			{200 * time.Millisecond, 160 * time.Millisecond, 0},
		} {
			b := newHarness(t)
			key := b.add(t, 1, nil)
			b.gate.clock = newSystemClock()
			b.gate.records.clock, b.store.clock = b.gate.clock, nil
			b.gate.recorder = newCounter(&written{hang: true}, b.gate.clock)
			if _, err := b.gate.Invoke(time.Now().Add(tt.left), tileEvent(key)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(tt.delivery)
			began := time.Now()
			b.gate.AfterReply()
			failed := 1
			if tt.takes == 0 {
				failed = 0 // no time: it isn't begun, and the next call finds it due
			}
			if took := time.Since(began); took != tt.takes || b.gate.metrics.usageReportErrors != failed {
				t.Errorf("with %v left the report took %v, want %v", tt.left, took, tt.takes)
			}
		}
	})
}

func TestACallIsReportedAfterItsAnswer(t *testing.T) {
	b, w := countingHarness(t)
	payload := tileEvent(b.add(t, 1, nil))
	for n := range 3 {
		if _, err := b.gate.Invoke(time.Time{}, payload); err != nil {
			t.Fatal(err)
		}
		if w.writes != n {
			t.Fatalf("call %d was reported before its answer", n+1)
		}
		b.gate.AfterReply()
		b.gate.AfterReply() // nothing is left to do
		if w.writes != n+1 {
			t.Fatalf("%d reports after %d calls", w.writes, n+1)
		}
		b.clock.advance(usage.ReportEvery)
	}
}

// A deadline may pass while an answer is delivered, and may have passed before its call came.
func TestACallWhoseDeadlinePassesIsCountedOnceAndReportedWithTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, before := range []bool{true, false} {
			b := newHarness(t)
			w := &written{}
			b.gate.clock = newSystemClock()
			b.gate.records.clock, b.store.clock = b.gate.clock, nil
			b.gate.recorder = newCounter(w, b.gate.clock)
			payload := tileEvent(b.add(t, 1, nil))
			left := -time.Second
			if !before {
				left = answerMargin + 10*time.Millisecond
			}
			_, _ = b.gate.Invoke(time.Now().Add(left), payload)
			time.Sleep(max(0, left) + time.Millisecond) // delivering takes longer than there is
			b.gate.AfterReply()
			if b.gate.metrics.usageReportErrors != 0 {
				t.Errorf("deadline passed before: %v: a report failed that had no time", before)
			}
			if _, err := b.gate.Invoke(time.Now().Add(time.Hour), payload); err != nil {
				t.Fatal(err)
			}
			b.gate.AfterReply()
			want := int64(2)
			if before {
				want = 1 // the first was refused: no time to read its record
			}
			if got := w.calls()["c:c:allowed"]; got != want || w.writes == 0 {
				t.Errorf("deadline passed before: %v: %d calls are reported in %d writes, want %d", before, got, w.writes, want)
			}
		}
	})
}

func TestInSteadyTrafficTheCallThatReadsItsRecordReportsAfterItsAnswer(t *testing.T) {
	b, w := countingHarness(t)
	b.store.delay = 4 * time.Millisecond
	payload := tileEvent(b.add(t, 1, nil))
	before := 0
	for range 6000 { // 60 s
		n := w.writes
		if _, err := b.gate.Invoke(time.Time{}, payload); err != nil {
			t.Fatal(err)
		}
		before += w.writes - n
		b.clock.advance(time.Millisecond) // delivering
		b.gate.AfterReply()
		b.clock.advance(9 * time.Millisecond)
	}
	if w.writes < 12 || w.writes > 13 || before > 0 {
		t.Errorf("%d of %d reports kept a caller waiting", before, w.writes)
	}
}

func TestAPanicInAReportTakesNoEnvironmentDown(t *testing.T) {
	b, w := countingHarness(t)
	w.panics = true
	key := b.add(t, 1, nil)
	if status := b.status(t, key); status != 200 || !strings.Contains(b.out.String(), `"what":"panic at latchkey/authorizer.(*written).Write:`) {
		t.Errorf("%d\n%s", status, b.out)
	}
	w.panics = false
	b.clock.advance(usage.ReportEvery)
	b.status(t, key)
	if w.calls()["c:c:allowed"] != 2 {
		t.Errorf("afterwards: %v", w.calls())
	}
}

func TestWhatNoLongerFitsIsReportedAsDropped(t *testing.T) {
	b, w := countingHarness(t)
	w.err = errors.New("down")
	b.gate.recorder.Count(b.clock.at, &outcome{Key: "key_0"})
	b.gate.recorder.Report(b.clock.at, time.Time{}, false)
	dropped := 0
	for i := range 5000 {
		dropped += b.gate.recorder.Count(b.clock.at, &outcome{Key: apikey.ID("key_" + itoa(int64(i)))})
	}
	if dropped != 5000-4096 {
		t.Errorf("%d", dropped)
	}
}

func TestNoTwoEnvironmentsHaveOneName(t *testing.T) {
	_, a := newCounterOf(t)
	_, b := newCounterOf(t)
	for name := range a.sums {
		if b.sums[name] != nil || len(name) > usage.MaxEnvironmentName || len(name) < len(rand.Text()) {
			t.Errorf("name %q", name)
		}
	}
}

func newCounterOf(t *testing.T) (*harness, *written) {
	b, w := countingHarness(t)
	b.status(t, b.add(t, 1, nil))
	return b, w
}

func TestACallWithALeaseInHandAllocatesNothing(t *testing.T) {
	b := newHarness(t)
	memory, names := keytest.NewMemory()
	key := b.add(t, 1, func(p *authz.Policy) {
		p.Domains, p.BillingType = []string{"*.example.com"}, "freemium"
		own(1_000_000)(p)
	})
	b.gate.limiter = newLeased(leases.New(memory, names.Leases), b.clock)
	b.gate.recorder = newCounter(&written{}, b.clock)
	payload := event(tile, map[string]string{"Origin": "https://a.example.com"}, map[string]string{"key": key})
	call := func() {
		if _, err := b.gate.Invoke(time.Time{}, payload); err != nil {
			t.Fatal(err)
		}
		b.gate.AfterReply()
	}
	for range 1000 { // until leases are large
		call()
	}
	if n := testing.AllocsPerRun(2000, call); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The same with a table that answers at once: what a call costs that holds a lease, and one that must take one.
func BenchmarkInvokeWithLimitAndCount(b *testing.B) {
	for name, limit := range map[string]int{"holding": 1_000_000, "asking": 1} {
		b.Run(name, func(b *testing.B) {
			g := newHarness(b)
			memory, names := keytest.NewMemory()
			g.gate.limiter = newLeased(leases.New(memory, names.Leases), g.clock)
			g.gate.recorder = newCounter(&written{}, g.clock)
			payload := tileEvent(g.add(b, 1, own(limit)))
			b.ReportAllocs()
			for b.Loop() {
				if limit == 1 {
					g.clock.advance(3 * time.Second)
				}
				if _, err := g.gate.Invoke(time.Time{}, payload); err != nil {
					b.Fatal(err)
				}
				g.gate.AfterReply()
			}
		})
	}
}

func TestACountedHostDoesNotKeepItsEventInMemory(t *testing.T) {
	tally := usage.NewTally("x")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range usage.MaxHosts {
		event := strings.Repeat("x", 1<<20) + itoa(int64(i)) + ".example"
		for _, code := range []authz.Code{authz.Allowed, authz.DomainNotAllowed} {
			tally.Count(&usage.Call{At: time.Unix(0, 0), Code: code, Host: event[1<<20:]})
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 10<<20 { //nolint:gosec // far from the bound
		t.Errorf("%d bytes are kept for %d hosts", grown, usage.MaxHosts)
	}
	runtime.KeepAlive(tally)
}
