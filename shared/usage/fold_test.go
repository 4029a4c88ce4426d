package usage_test

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
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

// TestAnyDeliveryOfReportsAddsUpTheSame: whatever is lost on the way to the environment, repeated, torn apart or
// shuffled on the way to the counters, each call is counted once. functions/counter has the large form.
func TestAnyDeliveryOfReportsAddsUpTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, reports := reported(t)
		items := map[usage.Item]usage.Stored{}
		for range rapid.IntRange(1, 4).Draw(t, "deliveries") {
			for rest := rapid.Permutation(reports).Draw(t, "order"); len(rest) > 0; {
				n := rapid.IntRange(1, len(rest)).Draw(t, "n")
				deliver(items, rest[:n], rapid.IntRange(10, 90).Draw(t, "limit"))
				rest = rest[n:]
			}
		}
		got := map[usage.Item]usage.Counts{}
		for p, s := range items {
			if p.Kind == usage.KeyHour || p.Kind == usage.KeyLastUse {
				got[p] = s.Counts
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v\nwant %v", got, want)
		}
	})
}

// reported lets environments count calls and report now and then, and returns what the counters must come to.
func reported(t *rapid.T) (want map[usage.Item]usage.Counts, reports []usage.Report) {
	want = map[usage.Item]usage.Counts{}
	add := func(p usage.Item, d usage.Dimension, n int64) { want[p] = want[p].Add(usage.Counts{d: n}) }
	for env := range rapid.IntRange(1, 4).Draw(t, "environments") {
		tally, now := usage.NewTally(fmt.Sprintf("e%d", env)), noon
		for range rapid.IntRange(1, 25).Draw(t, "calls") {
			// Clocks jump, backwards too.
			now = now.Add(time.Duration(rapid.IntRange(-40, 60).Draw(t, "step")) * time.Minute)
			c := usage.Call{At: now, Code: authz.Allowed, Subject: usage.Subject{Account: acct, Key: keyID(rapid.IntRange(0, 2).Draw(t, "key"))}}
			tally.Count(&c)
			hour := usage.Item{Kind: usage.KeyHour, Account: acct, Key: c.Subject.Key, Hour: usage.HourOf(now)}
			add(hour, "c:c:allowed", 1)
			add(hour, "o:-:allowed", 1)
			add(hour, usage.Dimension(fmt.Sprintf("m:%02d", now.Minute())), 1)
			add(usage.Item{Kind: usage.KeyLastUse, Account: acct, Key: c.Subject.Key}, usage.Dimension("l:"+usage.HashTag(c.Secret)), now.Unix()/60)
			if rapid.Bool().Draw(t, "report") {
				reports = append(reports, flush(tally, now, rapid.IntRange(0, 2).Draw(t, "acknowledged"))...)
			}
		}
		reports = append(reports, flush(tally, now, 2)...)
	}
	return want, reports
}

// flush reports; acknowledged is 0 for nothing, 1 for the first part, 2 for all. What isn't acknowledged may still
// have been written.
func flush(tally *usage.Tally, now time.Time, acknowledged int) []usage.Report {
	parts := tally.Report(now)
	switch {
	case acknowledged == 2:
		tally.Acknowledge(now)
	case acknowledged == 1 && len(parts) > 0:
		tally.AcknowledgePart(parts[0])
	}
	return parts
}

// deliver counts reports as the consumer does.
func deliver(items map[usage.Item]usage.Stored, reports []usage.Report, limit int) {
	contributions, newest := usage.Coalesce(reports, noon.AddDate(1, 0, 0))
	for _, batch := range usage.Batches(contributions, newest, limit) {
		stored := map[usage.Item]usage.Stored{}
		for _, p := range batch.Items() {
			stored[p] = items[p]
		}
		for p, s := range usage.Fold(stored, batch) {
			if s.Version != items[p].Version+1 {
				panic("a write without its condition")
			}
			items[p] = s
		}
	}
}

func TestAnAccountIsFreshOnlyWhenItsLastBatchIsCounted(t *testing.T) {
	var in []usage.Contribution
	for i := range 100 {
		in = append(in, usage.Contribution{
			Environment: "e", Hour: usage.HourOf(noon), Counts: usage.Counts{"c:c:allowed": 1},
			Subject: usage.Subject{Account: acct, Key: keyID(i)},
		})
	}
	batches := usage.Batches(in, map[account.ID]time.Time{acct: noon}, 90)
	for i, b := range batches {
		if fresh := b.Fresh[acct].Equal(noon); fresh != (i == len(batches)-1) {
			t.Errorf("batch %d of %d: fresh %v", i+1, len(batches), fresh)
		}
	}
}

func TestAClockThatIsAheadMakesNothingFresherThanNow(t *testing.T) {
	_, newest := usage.Coalesce([]usage.Report{{At: noon.Add(time.Hour), Entries: []usage.Entry{{Subject: usage.Subject{Account: acct}}}}}, noon)
	if !newest[acct].Equal(noon) {
		t.Errorf("fresh at %v", newest[acct])
	}
}

func TestARepetitionChangesNoItem(t *testing.T) {
	tally, items := usage.NewTally("e"), map[usage.Item]usage.Stored{}
	tally.Count(&usage.Call{At: noon, Code: authz.Allowed, Subject: usage.Subject{Account: acct, Key: keyID(1)}, Proposed: noon, Shadow: authz.Allowed})
	reports := tally.Report(noon)
	deliver(items, reports, 90)
	before := maps.Clone(items)
	deliver(items, reports, 90)
	if len(before) != 7 || !reflect.DeepEqual(items, before) {
		t.Errorf("%d items, now %v", len(before), items)
	}
}

// TestLastUseIsWrittenOnceAMinute: reports come every few seconds, and last use is only kept to the minute.
func TestLastUseIsWrittenOnceAMinute(t *testing.T) {
	tally, items := usage.NewTally("e"), map[usage.Item]usage.Stored{}
	for i := range 12 {
		tally.Count(&usage.Call{At: noon.Add(time.Duration(i) * 5 * time.Second), Code: authz.Allowed, Subject: usage.Subject{Account: acct, Key: keyID(1)}})
		deliver(items, flush(tally, noon, 2), 90)
	}
	if v := items[usage.Item{Kind: usage.KeyLastUse, Account: acct, Key: keyID(1)}].Version; v != 1 {
		t.Errorf("written %d times", v)
	}
}

// TestItemsStaySmallWhateverIsCounted: one key, every outcome, the longest hosts, a new proposal and a new secret all
// the time, for two days, from many environments.
func TestItemsStaySmallWhateverIsCounted(t *testing.T) {
	items := map[usage.Item]usage.Stored{}
	codes := []authz.Code{authz.Allowed, authz.KeyDisabled, authz.PathNotCanonical, authz.ProductNotAllowed, authz.DomainNotAllowed, authz.QPSExceeded}
	pad := strings.Repeat("x", 240)
	calls := int64(0)
	for env := range 6 {
		tally := usage.NewTally(fmt.Sprintf("e%d", env))
		for i := range 3000 {
			at := noon.Add(time.Duration(i) * 40 * time.Second)
			calls++
			tally.Count(&usage.Call{
				At: at, Code: codes[i%len(codes)], Subject: usage.Subject{Account: acct, Key: keyID(1)}, Previous: i%2 == 0,
				Class: product.Class(fmt.Sprintf(".class-%d", i%97)), Billing: apikey.BillingType([]string{"paying", "free", "pay_as_you_grow"}[(i/10)%3]),
				Host: fmt.Sprintf("%s%d", pad, (i+env*37)%400), Proposed: at, Shadow: codes[i%5], Secret: apikey.Hash{byte(i), byte(i >> 8)},
			})
			if i%20 == 0 {
				parts := flush(tally, at, 2)
				for _, p := range parts {
					if err := p.Check(at); err != nil {
						t.Fatal(err)
					}
				}
				deliver(items, parts, 90)
			}
		}
		deliver(items, flush(tally, noon, 2), 90)
	}
	hosts := int64(0)
	for p, s := range items {
		size := 0
		for d, n := range s.Counts {
			size += len(d) + 16
			if p.Kind == usage.KeyHour && d[0] == 'o' {
				hosts += n
			}
		}
		if size > 30<<10 {
			t.Errorf("%c has about %d bytes", p.Kind, size)
		}
	}
	if hosts != calls {
		t.Errorf("%d of %d calls are under a host", hosts, calls)
	}
}

// TestAForgottenProposalDoesNotComeBack: both the parts and the sums forget old proposals; a replay of an old report
// must not count them again, nor touch the new ones.
func TestAForgottenProposalDoesNotComeBack(t *testing.T) {
	tally, items := usage.NewTally("e"), map[usage.Item]usage.Stored{}
	var all []usage.Report
	for i := range 40 {
		tally.Count(&usage.Call{
			At: noon, Code: authz.Allowed, Subject: usage.Subject{Account: acct, Key: keyID(1)},
			Proposed: noon.Add(time.Duration(i) * time.Second), Shadow: authz.Allowed,
		})
		all = append(all, flush(tally, noon, 2)...)
	}
	deliver(items, all, 90)
	for _, r := range all {
		deliver(items, []usage.Report{r}, 90)
	}
	for _, kind := range []usage.Kind{usage.Contributed, usage.KeyHour, usage.KeyDay} {
		p := usage.Item{Kind: kind, Account: acct, Key: keyID(1), Hour: usage.HourOf(noon)}
		if kind == usage.Contributed {
			p.Environment = all[0].Environment
		}
		if kind == usage.KeyDay {
			p.Hour = usage.Hour(usage.HourOf(noon).Day() * 24)
		}
		n := 0
		for d, count := range items[p].Counts {
			if d[0] == 'x' {
				n++
				if count != 1 {
					t.Errorf("%s is %d", d, count)
				}
			}
		}
		if n != 8 || items[p].Counts[usage.Dimension(fmt.Sprintf("x:%d:allowed", noon.Add(39*time.Second).UnixMilli()))] != 1 {
			t.Errorf("%c: %d proposals: %v", kind, n, items[p].Counts)
		}
	}
}

func TestHostsOfAKeyAreBoundedAndLoseNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var sum usage.Counts
		want := int64(0)
		for range rapid.IntRange(1, 8).Draw(t, "environments") {
			tally := usage.NewTally("e")
			for range rapid.IntRange(1, 60).Draw(t, "calls") {
				tally.Count(&usage.Call{
					At: noon, Code: rapid.SampledFrom([]authz.Code{authz.Allowed, authz.DomainNotAllowed, authz.QPSExceeded}).Draw(t, "code"),
					Subject: usage.Subject{Account: acct, Key: keyID(1)}, Host: fmt.Sprintf("h%d.example", rapid.IntRange(0, 200).Draw(t, "host")),
				})
				want++
			}
			sum = sum.AddKey(tally.Report(noon)[0].Entries[0].Counts)
		}
		s := usage.Summarise(usage.Query{From: noon, To: noon.Add(time.Hour), Step: time.Hour}, []usage.Row{{Start: noon, Key: keyID(1), Counts: sum}})
		hosts, got := hostsOf(sum), int64(0)
		for _, n := range hosts {
			got += n
		}
		if most := usage.MaxHosts + usage.MaxRefusedHosts + 2; got != want || len(hosts) > most || s.Totals.Requests != want {
			t.Fatalf("%d calls from %d hosts, want %d calls from at most %d", got, len(hosts), want, most)
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
		for _, batch := range usage.Batches(in, map[account.ID]time.Time{acct: noon}, 90) {
			n += len(batch.Contributions)
			if n := len(batch.Items()); n > 90 {
				t.Fatalf("%d items in one transaction", n)
			}
		}
		if n != len(in) {
			t.Fatalf("%d of %d contributions", n, len(in))
		}
	})
}
