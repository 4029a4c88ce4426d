package main

import (
	"context"
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

func (unrecorded) Record(context.Context, moment, *outcome) recorded { return recorded{} }
func (unrecorded) Flush(context.Context)                             {}

// written keeps what is reported, as folding would.
type written struct {
	writes int
	sums   map[string]map[usage.Place]usage.Counts
	err    error
	hang   bool
}

func (w *written) Write(ctx context.Context, r usage.Report) error {
	w.writes++
	if w.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	if w.err != nil {
		return w.err
	}
	if w.sums == nil {
		w.sums = map[string]map[usage.Place]usage.Counts{}
	}
	if w.sums[r.Environment] == nil {
		w.sums[r.Environment] = map[usage.Place]usage.Counts{}
	}
	for _, e := range r.Entries {
		at := usage.Place{Key: e.Subject.Key, Product: e.Subject.Product, Hour: e.Hour}
		w.sums[r.Environment][at] = w.sums[r.Environment][at].Merge(e.Counts)
	}
	return nil
}

// total adds up the reports of all environments and hours.
func (w *written) total() usage.Counts {
	sum := usage.Counts{}
	for _, places := range w.sums {
		for _, c := range places {
			sum.Add(c)
		}
	}
	return sum
}

// calls is what stands under outcomes.
func (w *written) calls() map[usage.Dimension]int64 {
	out := map[usage.Dimension]int64{}
	for d, n := range w.total() {
		if d[0] == 'c' {
			out[d] = n
		}
	}
	return out
}

func countingBench(t testing.TB) (*bench, *written) {
	b, w := newBench(t), &written{}
	b.gate.recorder = newCounter(w, b.clock)
	return b, w
}

func TestALoneCallIsReportedAtOnceAndABurstEveryFiveSeconds(t *testing.T) {
	b, w := countingBench(t)
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
	b, w := countingBench(t)
	b.gate.limiter = &scripted{answer: admission{Admitted: true}}
	since := b.clock.at.wall.Add(-time.Hour)
	good := b.add(t, 1, func(p *authz.Policy) {
		p.Domains, p.MissingOrigin = []string{"example.com", "[2001:db8::1]"}, apikey.DenyMissing
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
		x + "allowed": 4, x + "domain_not_allowed": 2, x + "origin_missing": 1,
	}
	if !maps.Equal(got, want) {
		t.Errorf("counted\n%v, want\n%v", got, want)
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func TestAFailedReportIsTriedAgainFiveSecondsLaterWithNothingLost(t *testing.T) {
	b, w := countingBench(t)
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

func TestClosingReportsWhatIsLeft(t *testing.T) {
	b, w := countingBench(t)
	key := b.add(t, 1, nil)
	for range 50 {
		b.status(t, key)
	}
	b.gate.Close()
	if w.calls()["c:c:allowed"] != 50 {
		t.Errorf("%v", w.calls())
	}
}

func TestACallOfAnUnknownKeyReportsWhatIsDue(t *testing.T) {
	b, w := countingBench(t)
	key := b.add(t, 1, nil)
	b.status(t, key)
	b.status(t, key)
	b.clock.advance(5 * time.Second)
	b.status(t, "ak_malformed")
	if w.calls()["c:c:allowed"] != 2 {
		t.Errorf("%v", w.calls())
	}
}

func TestAHangingTableCostsACallAtMostTheReportsBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter(&written{hang: true}, newSystemClock())
		o := outcome{Key: "key_1", Account: "acc_1", Decision: authz.Decision{Code: authz.Allowed}}
		began := time.Now()
		if r := c.Record(t.Context(), c.clock.now(), &o); r.Failed != 1 || time.Since(began) != reportBudget {
			t.Errorf("%+v after %v", r, time.Since(began))
		}
		if r := c.Record(t.Context(), c.clock.now(), &o); r.Reports != 0 {
			t.Errorf("the next call tries again at once: %+v", r)
		}
	})
}

func TestWhatNoLongerFitsIsToldAsDropped(t *testing.T) {
	b, w := countingBench(t)
	w.err = errors.New("down")
	b.gate.recorder.Record(t.Context(), b.clock.at, &outcome{Key: "key_0"})
	dropped := 0
	for i := range 5000 {
		dropped += b.gate.recorder.Record(t.Context(), b.clock.at, &outcome{Key: apikey.ID("key_" + itoa(int64(i)))}).Dropped
	}
	if dropped != 5000-4096 {
		t.Errorf("%d", dropped)
	}
}

func TestNoTwoEnvironmentsHaveOneName(t *testing.T) {
	_, a := newCounterOf(t)
	_, b := newCounterOf(t)
	for name := range a.sums {
		if b.sums[name] != nil || len(name) > usage.MaxEnvironmentName || len(name) < 32 {
			t.Errorf("name %q", name)
		}
	}
}

func newCounterOf(t *testing.T) (*bench, *written) {
	b, w := countingBench(t)
	b.status(t, b.add(t, 1, nil))
	return b, w
}

func TestACallWithLimitAndCountHardlyAllocates(t *testing.T) {
	b := newBench(t)
	memory, names := keytest.NewMemory()
	key := b.add(t, 1, func(p *authz.Policy) { p.Domains = []string{"*.example.com"}; own(1_000_000)(p) })
	b.gate.limiter = newLeased(leases.New(memory, names.Leases), b.clock)
	b.gate.recorder = newCounter(&written{}, b.clock)
	payload := event(tile, map[string]string{"Origin": "https://a.example.com"}, map[string]string{"key": key})
	ctx := t.Context()
	for range 1000 { // until leases are large
		if _, err := b.gate.Invoke(ctx, payload); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(2000, func() { _, _ = b.gate.Invoke(ctx, payload) }); n > 5 {
		t.Errorf("%v allocations", n)
	}
}

// The same with a table that answers at once: what a call costs that holds a lease, and one that must take one.
func BenchmarkInvokeWithLimitAndCount(b *testing.B) {
	for name, limit := range map[string]int{"holding": 1_000_000, "asking": 1} {
		b.Run(name, func(b *testing.B) {
			g := newBench(b)
			memory, names := keytest.NewMemory()
			g.gate.limiter = newLeased(leases.New(memory, names.Leases), g.clock)
			g.gate.recorder = newCounter(&written{}, g.clock)
			payload := tileEvent(g.add(b, 1, own(limit)))
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				if limit == 1 {
					g.clock.advance(3 * time.Second)
				}
				if _, err := g.gate.Invoke(ctx, payload); err != nil {
					b.Fatal(err)
				}
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
			tally.Count(usage.Call{At: time.Unix(0, 0), Code: code, Host: event[1<<20:]})
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 10<<20 { //nolint:gosec // far from the bound
		t.Errorf("%d bytes are kept for %d hosts", grown, usage.MaxHosts)
	}
	runtime.KeepAlive(tally)
}
