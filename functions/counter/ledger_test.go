package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/counters"
	table "latchkey/shared/dynamo/reports"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
	"latchkey/shared/usage"
)

// ledger is the test's own count, kept in the simplest way there is.
type ledger struct {
	numbers map[string]int64 // by counter item and what it counts
	last    map[apikey.ID]int64
}

func (l *ledger) count(c usage.Call) {
	which := "c"
	if c.Previous {
		which = "p"
	}
	code, product := string(c.Code), string(c.Subject.Product)
	hour, day := c.At.Format("2006-01-02T15"), c.At.Format("2006-01-02")
	for _, who := range []string{string(c.Subject.Key), "account"} {
		l.numbers[strings.Join([]string{who, hour, product, "c", which, code}, " ")]++
		l.numbers[strings.Join([]string{who, day, product, "c", which, code}, " ")]++
		l.numbers[strings.Join([]string{who, hour, product, "m", c.At.Format("04")}, " ")]++
		if c.Billing != "" {
			class := strings.TrimPrefix(strings.TrimPrefix(string(c.Class), product), ".")
			l.numbers[strings.Join([]string{who, hour, product, "b", class, string(c.Billing), code}, " ")]++
			l.numbers[strings.Join([]string{who, day, product, "b", class, string(c.Billing), code}, " ")]++
		}
	}
	l.numbers[strings.Join([]string{string(c.Subject.Key), hour, product, "o", code}, " ")]++ // all hosts together
	l.numbers[strings.Join([]string{string(c.Subject.Key), day, product, "o", code}, " ")]++
	if !c.Proposed.IsZero() && c.Code == authz.Allowed { // what is refused already, a proposal doesn't change
		l.numbers[strings.Join([]string{string(c.Subject.Key), day, product, "x", fmt.Sprint(c.Proposed.UnixMilli()), string(c.Shadow)}, " ")]++
	}
	l.last[c.Subject.Key] = max(l.last[c.Subject.Key], c.At.Unix()/60)
}

// read puts rows of the counters into the ledger's words.
func read(into map[string]int64, who, layout string, rows []usage.Row) {
	for _, row := range rows {
		for d, n := range row.Counts {
			what := strings.Split(string(d), ":")
			switch {
			case what[0] == "o":
				what = []string{"o", what[len(what)-1]}
			case what[0] == "x" && layout != time.DateOnly:
				continue
			}
			into[strings.Join(append([]string{who, row.Start.Format(layout), string(row.Product)}, what...), " ")] += n
		}
	}
}

// compare reads all counters back and compares them with the ledger, to the unit.
func (l *ledger) compare(t *testing.T, s *counters.Store, keys int) {
	t.Helper()
	got := map[string]int64{}
	for _, days := range []bool{false, true} {
		span := counters.Range{From: began.Truncate(24 * time.Hour), To: began.AddDate(0, 0, 3).Truncate(24 * time.Hour), Days: days}
		layout := "2006-01-02T15"
		if days {
			layout = time.DateOnly
		}
		rows, err := s.AccountRows(t.Context(), acct, span)
		if err != nil {
			t.Fatal(err)
		}
		read(got, "account", layout, rows)
		for i := range keys {
			if rows, err = s.KeyRows(t.Context(), acct, keyID(i), span); err != nil {
				t.Fatal(err)
			}
			read(got, string(keyID(i)), layout, rows)
		}
	}
	wrong := 0
	for what, want := range l.numbers {
		if got[what] != want {
			if wrong++; wrong < 10 {
				t.Errorf("%s: got %d, want %d", what, got[what], want)
			}
		}
		delete(got, what)
	}
	for what, n := range got {
		t.Errorf("%s: %d counted from nothing", what, n)
	}
	if wrong > 0 {
		t.Errorf("%d of %d numbers are wrong", wrong, len(l.numbers))
	}
	ids := slices.Collect(maps.Keys(l.last))
	used, err := s.LastUsed(t.Context(), acct, ids)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range l.last {
		last := int64(0)
		for _, at := range used[key] {
			last = max(last, at.Unix()/60)
		}
		if last != want {
			t.Errorf("%s was last used in minute %d, got %d", key, want, last)
		}
	}
}

// began is shortly before a month's end, so that even the short form sees an hour, a day and a month end.
var began = time.Date(2026, 2, 28, 23, 59, 0, 0, time.UTC)

// fleet is some environments that decide calls and report, and the stream of what they wrote.
type fleet struct {
	ledger
	rnd     *rand.Rand
	stream  []json.RawMessage
	poison  int // records of the stream to quarantine
	now     time.Time
	tallies []*usage.Tally
}

const fleetKeys = 12

func newFleet(environments int) *fleet {
	f := &fleet{ledger: ledger{map[string]int64{}, map[apikey.ID]int64{}}, rnd: rand.New(rand.NewPCG(1, 2)), now: began}
	for i := range environments {
		f.tallies = append(f.tallies, usage.NewTally(fmt.Sprintf("env%d", i)))
	}
	return f
}

// run decides calls, about 40 a second. Each fifth write of a report fails: half of those were written all the same. In the middle all
// keys get another billing type; a third of them had none. The first environment reports nothing for 71 hours.
func (f *fleet) run(calls int) {
	codes := []authz.Code{authz.Allowed, authz.Allowed, authz.Allowed, authz.QPSExceeded, authz.DomainNotAllowed}
	products := []product.ID{"search", "map-display", ""}
	late := f.tallies[0]
	for i := range calls {
		f.now = f.now.Add(time.Duration(f.rnd.IntN(int(50 * time.Millisecond))))
		c := usage.Call{
			At: f.now, Code: codes[f.rnd.IntN(len(codes))], Secret: apikey.Hash{byte(f.rnd.IntN(3))}, Previous: f.rnd.IntN(4) == 0,
			Subject: usage.Subject{Account: acct, Key: keyID(f.rnd.IntN(fleetKeys)), Product: products[f.rnd.IntN(len(products))]},
			Host:    fmt.Sprintf("h%d.example", min(f.rnd.IntN(4000), 80)/40),
		}
		if f.rnd.IntN(3) == 0 {
			c.Proposed, c.Shadow = began, codes[f.rnd.IntN(len(codes))]
		}
		if c.Subject.Product != "" {
			c.Class = product.Class(string(c.Subject.Product) + []string{"", ".tiles"}[f.rnd.IntN(2)])
		}
		c.Billing = billingAt(c.Subject.Key, i >= calls/2)
		tally := f.tallies[f.rnd.IntN(len(f.tallies))]
		tally.Count(&c)
		f.count(c)
		if tally != late && tally.Due(f.now, 0) {
			f.report(tally, 0.2)
		}
	}
	for _, tally := range f.tallies[1:] {
		f.report(tally, 0)
	}
	f.now = began.Truncate(time.Hour).Add(71 * time.Hour)
	f.report(late, 0)
}

// billingAt is the billing type that a key's record names, before and after it was changed.
func billingAt(key apikey.ID, changed bool) apikey.BillingType {
	before := map[byte]apikey.BillingType{0: "freemium", 1: "", 2: "evaluation"}[key[len(key)-1]%3]
	if changed {
		return map[apikey.BillingType]apikey.BillingType{"freemium": "pay_as_you_grow", "": "freemium", "evaluation": "paying"}[before]
	}
	return before
}

func (f *fleet) report(tally *usage.Tally, lossy float64) {
	for _, part := range tally.Report(f.now) {
		luck := f.rnd.Float64()
		if luck >= lossy/2 {
			f.write(part)
		}
		if luck < lossy {
			return // as far as the environment knows, this part wasn't written
		}
		tally.AcknowledgePart(part)
	}
	tally.Acknowledge(f.now)
}

// write puts a report on the stream, and now and then a poison record beside it.
func (f *fleet) write(part usage.Report) {
	good := keytest.StreamRecord(fmt.Sprint(len(f.stream)), "INSERT", table.Encode(part))
	if f.rnd.Float64() < 0.05 {
		names := slices.Sorted(maps.Keys(mutations))
		bad := keytest.StreamRecord(fmt.Sprint(len(f.stream)), "INSERT", table.Encode(part))
		f.stream = append(f.stream, mutate(bad, mutations[names[f.rnd.IntN(len(names))]]))
		f.poison++
		good = keytest.StreamRecord(fmt.Sprint(len(f.stream)), "INSERT", table.Encode(part))
	}
	f.stream = append(f.stream, good)
}

// deliver plays the event source: batches split at random, each delivered one to five times in any order, what a
// partial answer asks for delivered again, and at last everything once more.
func (f *fleet) deliver(t *testing.T, r *harness) {
	r.now = func() time.Time { return f.now }
	until := func(records []json.RawMessage) { handled(t, r, records) }
	for at := 0; at < len(f.stream); {
		n := min(1+f.rnd.IntN(200), len(f.stream)-at)
		batch := slices.Clone(f.stream[at : at+n])
		f.rnd.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
		for range f.rnd.IntN(5) {
			until(batch[f.rnd.IntN(len(batch)):])
		}
		until(batch)
		at += n
	}
	for batch := range slices.Chunk(f.stream, 500) {
		until(batch)
	}
}

// handled invokes the counter until it has nothing left of a batch.
func handled(t *testing.T, r *harness, records []json.RawMessage) {
	t.Helper()
	for tries := 0; len(records) > 0; tries++ {
		if tries == 200 {
			t.Fatal("no end")
		}
		out, err := r.Invoke(t.Context(), keytest.StreamEvent(records...))
		if err != nil {
			continue // all of it again
		}
		again := firstFailure(t, out)
		if again == "" {
			return
		}
		at := slices.IndexFunc(records, func(raw json.RawMessage) bool { return strings.Contains(string(raw), `"SequenceNumber":"`+again+`"`) })
		if at < 0 {
			t.Fatalf("again from %q, which isn't in the batch", again)
		}
		records = records[at:]
	}
}

// replay sends all records once more on the sixth day, those that were set aside too: what environments have contributed may be deleted by
// then, and nothing may be counted from them.
func (f *fleet) replay(t *testing.T, r *harness) {
	t.Helper()
	r.now = func() time.Time { return began.AddDate(0, 0, 6) }
	for batch := range slices.Chunk(f.stream, 500) {
		handled(t, r, batch)
	}
	f.compare(t, r.store, fleetKeys)
}

// lossy loses one answer in five of transactions, and some of all else: the client's own retries aren't here.
func lossy(seed uint64) func(string, int) keytest.Fault {
	most, some := keytest.AtRandom(seed, 0.01, 0.2, 0.03), keytest.AtRandom(seed, 0.01, 0.01, 0)
	return func(call string, n int) keytest.Fault {
		if call == "TransactWriteItems" {
			return most(call, n)
		}
		return some(call, n)
	}
}

func (f *fleet) check(t *testing.T, r *harness, clean *counters.Store) {
	t.Helper()
	for _, tally := range f.tallies {
		if tally.Dropped != 0 {
			t.Errorf("%d calls dropped", tally.Dropped)
		}
	}
	f.compare(t, clean, fleetKeys)
	if got := len(r.quarantined(t)); got != f.poison {
		t.Errorf("%d records quarantined, want %d", got, f.poison)
	}
}

// TestCountersEqualTheLedgerToTheUnit: 16 environments, one report in five with a lost answer, 5 % poison, a store of
// which 20 % of the answers are lost, batches split and shuffled and delivered one to five times, a full replay and another one on the
// sixth day. A month ends, billing types change in the middle, and one environment's report is 71 hours late.
func TestCountersEqualTheLedgerToTheUnit(t *testing.T) {
	keytest.OneAtATime(t)
	calls := 12_000
	if keytest.Deep() {
		calls = 1_000_000
	}
	f := newFleet(16)
	f.run(calls)
	synctest.Test(t, func(t *testing.T) { // pauses cost nothing
		db, tables := keytest.NewMemory()
		r := on(keytest.NewFaults(db, lossy(3)), tables.Counters)
		f.deliver(t, r)
		clean := on(db, tables.Counters)
		f.check(t, clean, clean.store)
		f.replay(t, clean)
	})
	bytes := 0
	for _, raw := range f.stream {
		bytes += len(raw)
	}
	t.Logf("%d calls in %d records of %d kB, %d of them poison", calls, len(f.stream), bytes>>10, f.poison)
}

// TestCountersEqualTheLedgerOnTheEngine is the short form on a real engine, over HTTP.
func TestCountersEqualTheLedgerOnTheEngine(t *testing.T) {
	db, tables := keytest.Engine(t)
	f := newFleet(4)
	f.run(1500)
	r := on(keytest.NewFaults(db, lossy(4)), tables.Counters)
	f.deliver(t, r)
	clean := on(db, tables.Counters)
	f.check(t, clean, clean.store)
}
