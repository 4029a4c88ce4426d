package usage_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/product"
	"latchkey/shared/usage"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const acct account.ID = "acc_01HZY3M7Q8R9S0T1V2W3X4Y5Z6"

func keyID(n int) apikey.ID { return apikey.ID(fmt.Sprintf("key_01HZY3M7Q8R9S0T1V2W3X4Y%03d", n)) }

// store is a counter table whose transactions can lose their answers.
type store struct {
	items map[usage.Place]usage.Stored
	rnd   *rand.Rand
	lossy float64
}

// commit folds one batch as the consumer does: read, fold, write on condition of the versions, again after a lost answer.
func (s *store) commit(batch []usage.Contribution, newest map[account.ID]time.Time) {
	for {
		read := map[usage.Place]usage.Stored{}
		for _, c := range batch {
			for _, p := range usage.PlacesOf(c) {
				read[p] = s.items[p]
			}
		}
		for p, item := range usage.Fold(read, batch, newest) {
			if s.items[p].Version != read[p].Version {
				panic("a write without its condition")
			}
			s.items[p] = item
		}
		if s.rnd.Float64() >= s.lossy {
			return
		}
	}
}

// ledger is the test's own count, kept in the simplest way there is.
type ledger struct {
	hours map[usage.Place]map[authz.Code]int64
	last  map[apikey.ID]int64
	n     int64
}

func (l *ledger) count(c usage.Call) {
	hour, day := usage.HourOf(c.At), usage.Hour(usage.DayOf(c.At)*24)
	for _, p := range []usage.Place{
		{Kind: usage.KeyHour, Account: acct, Key: c.Subject.Key, Product: c.Subject.Product, Hour: hour},
		{Kind: usage.KeyDay, Account: acct, Key: c.Subject.Key, Product: c.Subject.Product, Hour: day},
		{Kind: usage.AccountHour, Account: acct, Product: c.Subject.Product, Hour: hour},
		{Kind: usage.AccountDay, Account: acct, Product: c.Subject.Product, Hour: day},
	} {
		if l.hours[p] == nil {
			l.hours[p] = map[authz.Code]int64{}
		}
		l.hours[p][c.Code]++
	}
	l.last[c.Subject.Key] = max(l.last[c.Subject.Key], c.At.Unix()/60)
	l.n++
}

func codesOf(counts usage.Counts) map[authz.Code]int64 {
	s := usage.Summarise(usage.Query{From: noon, To: noon.Add(time.Hour), Step: time.Hour}, []usage.Row{{Start: noon, Counts: counts}})
	out := maps.Clone(s.Totals.ByReason)
	if out == nil {
		out = map[authz.Code]int64{}
	}
	if s.Totals.Allowed > 0 {
		out[authz.Allowed] = s.Totals.Allowed
	}
	return out
}

// TestCountersEqualTheLedgerToTheUnit: many environments, lost answers, batches delivered one to five times, split at
// random, out of order, and one full replay of everything.
func TestCountersEqualTheLedgerToTheUnit(t *testing.T) {
	calls := 30_000
	if os.Getenv("LATCHKEY_DEEP") != "" {
		calls = 1_000_000
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	s := &store{items: map[usage.Place]usage.Stored{}, rnd: rnd, lossy: 0.2}
	l := &ledger{hours: map[usage.Place]map[authz.Code]int64{}, last: map[apikey.ID]int64{}}
	var tallies []*usage.Tally
	for i := range 16 {
		tallies = append(tallies, usage.NewTally(fmt.Sprintf("env%d", i)))
	}
	var log []usage.Report
	now := noon
	flush := func(i int) {
		parts := tallies[i].Report(now)
		log = append(log, parts...)
		if rnd.Float64() >= 0.2 { // else the write's answer was lost: the environment doesn't know that it is there
			tallies[i].Acknowledge(now)
		}
	}
	codes := []authz.Code{authz.Allowed, authz.Allowed, authz.Allowed, authz.QPSExceeded, authz.DomainNotAllowed}
	products := []product.ID{"search", "map-display", ""}
	for range calls {
		now = now.Add(time.Duration(rnd.IntN(int(7 * time.Hour / time.Duration(calls) * 2))))
		i := rnd.IntN(len(tallies))
		c := usage.Call{
			At: now, Code: codes[rnd.IntN(len(codes))], Secret: apikey.Hash{byte(rnd.IntN(3))},
			Subject: usage.Subject{Account: acct, Key: keyID(rnd.IntN(12)), Product: products[rnd.IntN(len(products))]},
			Host:    fmt.Sprintf("h%d.example", rnd.IntN(80)), Previous: rnd.IntN(4) == 0,
		}
		tallies[i].Count(c)
		l.count(c)
		if tallies[i].Due(now, 0) {
			flush(i)
		}
	}
	for i := range tallies {
		flush(i)
		flush(i) // what wasn't acknowledged is reported again
	}
	deliver := func(reports []usage.Report) {
		contributions, newest := usage.Coalesce(reports)
		for _, batch := range usage.Batches(contributions, 90) {
			s.commit(batch, newest)
		}
	}
	for at := 0; at < len(log); {
		n := min(1+rnd.IntN(200), len(log)-at)
		batch := append([]usage.Report(nil), log[at:at+n]...)
		rnd.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
		for range 1 + rnd.IntN(5) {
			deliver(batch[:1+rnd.IntN(len(batch))])
			deliver(batch)
		}
		at += n
	}
	for at := 0; at < len(log); at += 500 {
		deliver(log[at:min(at+500, len(log))])
	}
	var dropped, sum int64
	for _, tally := range tallies {
		dropped += tally.Dropped
	}
	if dropped != 0 {
		t.Errorf("%d calls dropped", dropped)
	}
	for p, want := range l.hours {
		if got := codesOf(s.items[p].Counts); !maps.Equal(got, want) {
			t.Errorf("%c %s %q: got %v, want %v", p.Kind, p.Key, p.Product, got, want)
		}
		if p.Kind == usage.KeyHour {
			for _, n := range want {
				sum += n
			}
		}
	}
	if sum != l.n {
		t.Errorf("the ledger has %d calls in its hours, %d in all", sum, l.n)
	}
	for p := range s.items {
		if p.Kind != usage.Parts && p.Kind != usage.KeyLast && p.Kind != usage.Fresh && l.hours[p] == nil {
			t.Errorf("%+v was counted from nothing", p)
		}
	}
	for key, want := range l.last {
		var got int64
		for _, at := range s.items[usage.Place{Kind: usage.KeyLast, Account: acct, Key: key}].Counts.LastUsed() {
			got = max(got, at.Unix()/60)
		}
		if got != want {
			t.Errorf("%s was last used in minute %d, got %d", key, want, got)
		}
	}
	t.Logf("%d calls in %d reports", calls, len(log))
}

func TestHostsOfAKeyAreBoundedAndLoseNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var sum usage.Counts
		want := int64(0)
		for range rapid.IntRange(1, 8).Draw(t, "environments") {
			tally := usage.NewTally("e")
			for range rapid.IntRange(1, 60).Draw(t, "calls") {
				tally.Count(usage.Call{
					At: noon, Code: authz.Allowed, Subject: usage.Subject{Account: acct, Key: keyID(1)},
					Host: fmt.Sprintf("h%d.example", rapid.IntRange(0, 200).Draw(t, "host")),
				})
				want++
			}
			sum = sum.AddKey(tally.Report(noon)[0].Entries[0].Counts)
		}
		s := usage.Summarise(usage.Query{From: noon, To: noon.Add(time.Hour), Step: time.Hour}, []usage.Row{{Start: noon, Key: keyID(1), Counts: sum}})
		hosts, got := 0, int64(0)
		for d, n := range sum {
			if d[0] == 'o' {
				got += n
				hosts++
			}
		}
		if got != want || hosts > usage.MaxHosts+1 || s.Totals.Allowed != want {
			t.Fatalf("%d calls from %d hosts, want %d calls from at most %d", got, hosts, want, usage.MaxHosts+1)
		}
	})
}

func TestBatchesFitATransactionAndLeaveNothingOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var in []usage.Contribution
		for i := range rapid.IntRange(1, 300).Draw(t, "n") {
			in = append(in, usage.Contribution{
				Environment: fmt.Sprintf("e%d", i), Hour: usage.HourOf(noon) + usage.Hour(rapid.IntRange(0, 2).Draw(t, "hour")),
				Subject: usage.Subject{Account: acct, Key: keyID(rapid.IntRange(0, 40).Draw(t, "key"))},
			})
		}
		n := 0
		for _, batch := range usage.Batches(in, 90) {
			places := map[usage.Place]bool{}
			for _, c := range batch {
				n++
				for _, p := range usage.PlacesOf(c) {
					places[p] = true
				}
			}
			if len(places) > 90 {
				t.Fatalf("%d items in one transaction", len(places))
			}
		}
		if n != len(in) {
			t.Fatalf("%d of %d contributions", n, len(in))
		}
	})
}

func TestALoneCallIsReportedAtOnce(t *testing.T) {
	tally := usage.NewTally("e")
	if tally.Due(noon, 0) {
		t.Error("nothing to report")
	}
	tally.Count(usage.Call{At: noon, Code: authz.Allowed, Subject: usage.Subject{Account: acct, Key: keyID(1)}})
	if !tally.Due(noon, 0) {
		t.Error("a lone call waits")
	}
}

func TestCountingAKnownCallDoesNotAllocate(t *testing.T) {
	tally := usage.NewTally("e")
	c := usage.Call{At: noon, Code: authz.Allowed, Subject: usage.Subject{Account: acct, Key: keyID(1)}, Host: "a.example", Proposed: noon, Shadow: authz.Allowed}
	tally.Count(c)
	if n := testing.AllocsPerRun(1000, func() { tally.Count(c) }); n > 0 {
		t.Errorf("%v allocations a call", n)
	}
}

func TestMemoryIsBoundedAndSaysWhatItDropped(t *testing.T) {
	tally := usage.NewTally("e")
	for i := range 100_000 {
		tally.Count(usage.Call{At: noon, Code: authz.Allowed, Subject: usage.Subject{Account: acct, Key: apikey.ID(fmt.Sprint(i))}})
	}
	if tally.Dropped != 100_000-4096 {
		t.Errorf("dropped %d", tally.Dropped)
	}
}

func TestReportPartsStaySmall(t *testing.T) {
	tally := usage.NewTally("e")
	for i := range 1000 {
		for h := range 20 {
			tally.Count(usage.Call{At: noon, Code: authz.Allowed, Subject: usage.Subject{Account: acct, Key: keyID(i)}, Host: fmt.Sprintf("a-rather-long-host-name-%d.example.com", h)})
		}
	}
	entries := 0
	for _, part := range tally.Report(noon) {
		size := 0
		for _, e := range part.Entries {
			entries++
			for d := range e.Counts {
				size += len(d) + 16
			}
		}
		if size > 100<<10 {
			t.Errorf("a part of about %d bytes", size)
		}
	}
	if entries != 1000 {
		t.Errorf("%d entries", entries)
	}
}

func TestReportsThatNoEnvironmentWritesAreSetAside(t *testing.T) {
	good := func() usage.Report {
		tally := usage.NewTally("e")
		tally.Count(usage.Call{At: noon, Code: authz.Allowed, Subject: usage.Subject{Account: acct, Key: keyID(1), Product: "search"}, Host: "[::1]"})
		return tally.Report(noon)[0]
	}
	if err := good().Check(noon); err != nil {
		t.Fatalf("a good one: %v", err)
	}
	for name, spoil := range map[string]func(*usage.Report){
		"no environment":  func(r *usage.Report) { r.Environment = "" },
		"no sequence":     func(r *usage.Report) { r.Sequence = 0 },
		"no entries":      func(r *usage.Report) { r.Entries = nil },
		"bad account":     func(r *usage.Report) { r.Entries[0].Subject.Account = "x" },
		"bad key":         func(r *usage.Report) { r.Entries[0].Subject.Key = "" },
		"no counts":       func(r *usage.Report) { r.Entries[0].Counts = nil },
		"negative":        func(r *usage.Report) { r.Entries[0].Counts["c:c:allowed"] = -1 },
		"huge":            func(r *usage.Report) { r.Entries[0].Counts["c:c:allowed"] = 1 << 60 },
		"odd dimension":   func(r *usage.Report) { r.Entries[0].Counts["z:1"] = 1 },
		"minute 60":       func(r *usage.Report) { r.Entries[0].Counts["m:60"] = 1 },
		"too old":         func(r *usage.Report) { r.Entries[0].Hour -= 80 },
		"from the future": func(r *usage.Report) { r.Entries[0].Hour += 3 },
	} {
		r := good()
		spoil(&r)
		if err := r.Check(noon); err == nil {
			t.Errorf("%s: counted", name)
		}
	}
}

func TestSpikesAreMeasuredAgainstTheSameHoursOfTheWeeksBefore(t *testing.T) {
	past := map[time.Time]int64{}
	for week := 1; week <= 4; week++ {
		past[noon.AddDate(0, 0, -7*week)] = int64(90 + 10*week) // 100 to 130: the median is 115
	}
	for requests, want := range map[int64]bool{345: false, 346: true, 10: false} {
		points := []usage.Point{{Start: noon, Totals: usage.Totals{Requests: requests}}}
		usage.MarkSpikes(points, past, noon.AddDate(-1, 0, 0))
		if points[0].StandsOut != want || points[0].Expected != 115 {
			t.Errorf("%d requests: %+v", requests, points[0])
		}
	}
	fresh := []usage.Point{{Start: noon, Totals: usage.Totals{Requests: 5000}}}
	usage.MarkSpikes(fresh, nil, noon.AddDate(0, 0, -8))
	if fresh[0].StandsOut {
		t.Error("a key without history stands out")
	}
	quiet := []usage.Point{{Start: noon, Totals: usage.Totals{Requests: 99}}}
	usage.MarkSpikes(quiet, nil, noon.AddDate(-1, 0, 0))
	if quiet[0].StandsOut {
		t.Error("99 requests stand out")
	}
}
