package usage_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/product"
	"latchkey/shared/usage"
)

// reportWith is a good report with one more count.
func reportWith(d usage.Dimension, n int64) usage.Report {
	return usage.Report{Environment: "e", Sequence: 1, At: noon, Entries: []usage.Entry{{
		Subject: usage.Subject{Account: acct, Key: keyID(1), Product: "search"}, Hour: usage.HourOf(noon),
		Counts: usage.Counts{"c:c:allowed": 1, d: n},
	}}}
}

// TestBoundsOfADimension: what an environment can have counted, and what it can't, on both sides of each bound.
func TestBoundsOfADimension(t *testing.T) {
	code := func(n int) string { return strings.Repeat("a", n) }
	for d, ok := range map[string]bool{
		"": false, "c": false, "c:": false, ":": false, "cc:c:allowed": false, "z:c:allowed": false,
		"c:c:allowed": true, "c:p:allowed": true, "c:q:allowed": false, "c:cc:allowed": false, "c::allowed": false, "c:allowed": false, "c:c": false,
		"c:c:": false, "c:p:": false, "c:c:" + code(40): true, "c:c:" + code(41): false,
		"c:c:a": true, "c:c:z": true, "c:c:_": true, "c:c:`": false, "c:c:{": false, "c:c:A": false, "c:c:1": false, "c:c:a-b": false, "c:c:a:b": false,
		"m:00": true, "m:01": true, "m:59": true, "m:60": false, "m:99": false, "m:5": false, "m:005": false, "m:-1": false, "m:+1": false, "m:": false, "m:ab": false,
		"o:-:allowed": true, "o:*:allowed": true, "o:a:allowed": true, "o::allowed": false, "o:allowed": false, "o:a:": false, "o:a:A": false,
		"o:[::1]:allowed": true, "o:" + code(253) + ":allowed": true, "o:" + code(254) + ":allowed": false, "o:a:" + code(40): true, "o:a:" + code(41): false,
		"x:1:allowed": true, "x:0:allowed": false, "x:-1:allowed": false, "x:a:allowed": false, "x::allowed": false, "x:1:": false, "x:1": false, "x:1:A": false,
		"b::free:allowed": true, "b:tiles:free:allowed": true, "b:*:free:allowed": true, "b:*:*:allowed": true, "b:a:b:free:allowed": true, "b:free:allowed": false, "b:::allowed": false,
		"b::free:": false, "b::Free:allowed": false, "b::free:A": false, "b:a b:free:allowed": false, "b:" + code(64) + ":free:allowed": true, "b:" + code(65) + ":free:allowed": false,
		"b::" + code(40) + ":" + code(40): true, "b::" + code(41) + ":allowed": false, "b::free:" + code(41): false, "b:": false, "b::": false, "b:x": false,
		"l:0123456789": true, "l:012345678": false, "l:01234567890": false, "l:": false,
	} {
		if err := reportWith(usage.Dimension(d), 1).Check(noon); (err == nil) != ok {
			t.Errorf("%q: %v", d, err)
		}
	}
	for n, ok := range map[int64]bool{-1: false, 0: false, 1: true, 1 << 50: true, 1<<50 + 1: false} {
		if err := reportWith("m:07", n).Check(noon); (err == nil) != ok {
			t.Errorf("%d calls: %v", n, err)
		}
	}
	minutes := noon.Unix() / 60
	for n, ok := range map[int64]bool{minutes: true, minutes + 60: true, minutes + 61: false} {
		if err := reportWith("l:0123456789", n).Check(noon); (err == nil) != ok {
			t.Errorf("used %d minutes from now: %v", n-minutes, err)
		}
	}
}

// TestBoundsOfAReport: of its name, its numbers and its age.
func TestBoundsOfAReport(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*usage.Report)
		ok     bool
	}{
		"a name of one byte":  {func(r *usage.Report) { r.Environment = "x" }, true},
		"a name of 64 bytes":  {func(r *usage.Report) { r.Environment = strings.Repeat("x", 64) }, true},
		"a name of 65 bytes":  {func(r *usage.Report) { r.Environment = strings.Repeat("x", 65) }, false},
		"sequence 1":          {func(r *usage.Report) { r.Sequence = 1 }, true},
		"sequence 0":          {func(r *usage.Report) { r.Sequence = 0 }, false},
		"a product of 64":     {func(r *usage.Report) { r.Entries[0].Subject.Product = product.ID(strings.Repeat("p", 64)) }, true},
		"a product of 65":     {func(r *usage.Report) { r.Entries[0].Subject.Product = product.ID(strings.Repeat("p", 65)) }, false},
		"no product":          {func(r *usage.Report) { r.Entries[0].Subject.Product = "" }, true},
		"72 hours old":        {func(r *usage.Report) { r.Entries[0].Hour -= 72 }, true},
		"73 hours old":        {func(r *usage.Report) { r.Entries[0].Hour -= 73 }, false},
		"an hour ahead":       {func(r *usage.Report) { r.Entries[0].Hour++ }, true},
		"two hours ahead":     {func(r *usage.Report) { r.Entries[0].Hour += 2 }, false},
		"an entry of 36 KiB":  {func(r *usage.Report) { r.Entries[0].Counts = sized(36 << 10) }, true},
		"one byte above":      {func(r *usage.Report) { r.Entries[0].Counts = sized(36<<10 + 1) }, false},
		"a second bad entry":  {func(r *usage.Report) { r.Entries = append(r.Entries, usage.Entry{}) }, false},
		"a second good entry": {func(r *usage.Report) { r.Entries = append(r.Entries, r.Entries[0]) }, true},
	} {
		r := reportWith("m:00", 1)
		tt.change(&r)
		if err := r.Check(noon); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := reportWith("m:00", 1)
	if err := r.Check(noon.Add(72 * time.Hour)); err != nil {
		t.Errorf("72 h after the hour began: %v", err)
	}
	if err := r.Check(noon.Add(72*time.Hour + 1)); err == nil {
		t.Error("a nanosecond later it is counted")
	}
}

// sized makes counts of exactly so many bytes, as Check counts them: the name and 16 for each.
func sized(bytes int) usage.Counts {
	c := usage.Counts{}
	const each = len("o:xxxx:allowed") + 16
	for i := 0; bytes > 0; i++ {
		pad := ""
		if bytes < 2*each {
			pad = strings.Repeat("p", bytes-each)
			bytes = each
		}
		c[usage.Dimension(fmt.Sprintf("o:%04d%s:allowed", i, pad))] = 1
		bytes -= each
	}
	return c
}

func hostsOf(c usage.Counts) map[string]int64 {
	out := map[string]int64{}
	for d, n := range c {
		if d[0] == 'o' {
			out[string(d[2:strings.LastIndexByte(string(d), ':')])] += n
		}
	}
	return out
}

// TestFiftyHostsHaveNames: in an environment's hour, with each of the bounds reached exactly. Those that find no place
// and the eight lightest give up call for call.
func TestFiftyHostsHaveNames(t *testing.T) {
	tally := usage.NewTally("e")
	report := func() map[string]int64 { return hostsOf(tally.Report(noon)[0].Entries[0].Counts) }
	for range 2 {
		from(tally, "", authz.Allowed)
		for i := range usage.MaxHosts {
			from(tally, fmt.Sprintf("h%02d", i), authz.Allowed)
		}
	}
	from(tally, "h50", authz.Allowed)          // nine calls without a name
	from(tally, "h00", authz.DomainNotAllowed) // a new outcome of a host that has its name
	from(tally, "h51", authz.DomainNotAllowed)
	before := report()
	if len(before) != 53 || before["-"] != 2 || before["*"] != 9 || before["h49"] != 2 || before["h50"] != 0 || before["h00"] != 2 || before["h07"] != 1 || before["h08"] != 2 || before["h51"] != 1 {
		t.Errorf("%d hosts: %v", len(before), before)
	}
	for range 2 {
		from(tally, "h50", authz.Allowed)
	}
	after := report()
	for host, n := range before { // what is in a report only grows
		if after[host] < n {
			t.Errorf("%s fell from %d to %d", host, n, after[host])
		}
	}

	tally = usage.NewTally("e")
	for _, n := range []int{253, 254} {
		from(tally, strings.Repeat("x", n), authz.Allowed)
	}
	hosts := report()
	if hosts[strings.Repeat("x", 253)] != 1 || hosts["*"] != 1 || len(hosts) != 2 {
		t.Errorf("the longest host: %v", hosts)
	}
}

// TestHostsTakeSixteenKilobytesOfAnHour: their outcomes with them, to the byte; their refusals no more than half of it.
func TestHostsTakeSixteenKilobytesOfAnHour(t *testing.T) {
	named := func(i, length int) string { return fmt.Sprintf("%02d%s", i, strings.Repeat("x", length-2)) }
	const besides = len("o::allowed") + 16
	for spare := range 2 {
		full, half := map[usage.Dimension]int64{}, map[usage.Dimension]int64{}
		// 50 times 250 bytes, 59 more, and 15 times 255.
		for i := range 50 {
			length := 250 - besides
			switch {
			case 15 <= i && i < 29:
				length += 4
			case i == 29:
				length += 3
			case i == 30:
				length += spare
			}
			full[usage.Dimension("o:"+named(i, length)+":allowed")] = 1
			if i < 15 {
				full[usage.Dimension("o:"+named(i, length)+":qps_exceeded")] = 1
			}
		}
		// 31 times 256 bytes, and one refusal more.
		for i := range 31 {
			length := 256 - besides
			if i == 30 {
				length += spare
			}
			half[usage.Dimension("o:"+named(i, length)+":allowed")] = 1
		}
		half[usage.Dimension("o:"+named(0, 256-besides)+":missing")] = 1
		half[usage.Dimension("o:"+named(1, 256-besides)+":missing")] = 1
		for name, tt := range map[string]struct {
			growth usage.Counts
			rest   int64
		}{"all": {full, int64(9 * spare)}, "half": {half, int64(1 + spare)}} {
			tally := usage.NewTally("e")
			for _, d := range slices.Sorted(maps.Keys(tt.growth)) {
				if !strings.HasSuffix(string(d), ":missing") {
					host, code, _ := strings.Cut(string(d[2:]), ":")
					from(tally, host, authz.Code(code))
				}
			}
			for d := range tt.growth {
				if host, is := strings.CutSuffix(string(d[2:]), ":missing"); is {
					from(tally, host, "missing")
				}
			}
			for where, c := range map[string]usage.Counts{"an environment's hour": tally.Report(noon)[0].Entries[0].Counts, "a key's hour": usage.Counts(nil).AddKey(tt.growth)} {
				hosts, total := hostsOf(c), int64(0)
				for _, n := range hosts {
					total += n
				}
				if hosts["*"] != tt.rest || total != int64(len(tt.growth)) {
					t.Errorf("%s, %s, %d bytes above: %d of %d calls without a name, want %d of %d", name, where, spare, hosts["*"], total, tt.rest, len(tt.growth))
				}
			}
		}
	}
}

// TestAKeysFiftyHostsHaveNames: over environments, too.
func TestAKeysFiftyHostsHaveNames(t *testing.T) {
	of := func(from, to int, code string, n int64) usage.Counts {
		c := usage.Counts{}
		for i := from; i < to; i++ {
			c[usage.Dimension(fmt.Sprintf("o:h%02d:%s", i, code))] = n
		}
		return c
	}
	var sum usage.Counts
	sum = sum.AddKey(of(0, 49, "allowed", 9))
	sum = sum.AddKey(usage.Counts{"o:-:allowed": 5, "o:*:allowed": 7})
	sum = sum.AddKey(of(48, 51, "allowed", 1)) // 48 is there, 49 has room, 50 gives up its call with 0 to 6 and 49
	sum = sum.AddKey(of(0, 52, "refused", 1))
	hosts := hostsOf(sum)
	if len(hosts) != 54 || hosts["h48"] != 11 || hosts["h49"] != 1 || hosts["-"] != 5 || hosts["*"] != 7+9 || hosts["h50"] != 1 || hosts["h06"] != 9 || hosts["h07"] != 10 {
		t.Errorf("%d hosts: %v", len(hosts), hosts)
	}
}

// TestATransactionHoldsItsLimitExactly: a batch that would be one item too large is split, and one that just fits isn't.
func TestATransactionHoldsItsLimitExactly(t *testing.T) {
	// A contribution of another key and hour takes its part, two of the key's hours, the key's last use, and shares the
	// account's two hours and its stamp: 7 items, then 4 more.
	contributions := func(n int) (all []usage.Contribution) {
		for i := range n {
			all = append(all, usage.Contribution{
				Environment: "e", Hour: usage.HourOf(noon), Counts: usage.Counts{"c:c:allowed": 1}, Subject: usage.Subject{Account: acct, Key: keyID(i)},
			})
		}
		return all
	}
	for _, tt := range []struct{ n, limit, batches int }{{1, 7, 1}, {2, 11, 1}, {2, 10, 2}, {3, 15, 1}, {3, 14, 2}, {24, 99, 1}, {24, 98, 2}, {1, 1, 1}} {
		batches := usage.Batches(contributions(tt.n), map[account.ID]time.Time{acct: noon}, tt.limit)
		if len(batches) != tt.batches {
			t.Errorf("%d contributions of which %d items fit: %d batches", tt.n, tt.limit, len(batches))
		}
		for _, b := range batches {
			if items := len(b.Items()); items > max(tt.limit, 7) {
				t.Errorf("%d items in a transaction of %d", items, tt.limit)
			}
		}
		first, second := batches[0].Halves()
		if got := len(first.Contributions) + len(second.Contributions); got != len(batches[0].Contributions) || first.Fresh != nil || len(second.Fresh) != len(batches[0].Fresh) {
			t.Errorf("halves of %d: %+v, %+v", got, first, second)
		}
	}
}

// TestHoursAndDaysBegin: at their first instant and not at the one before, before 1970 too.
func TestHoursAndDaysBegin(t *testing.T) {
	for _, tt := range []struct {
		at        time.Time
		hour, day int64
	}{
		{time.Unix(0, 0), 0, 0},
		{time.Unix(3599, 999_999_999), 0, 0},
		{time.Unix(3600, 0), 1, 0},
		{time.Unix(86399, 0), 23, 0},
		{time.Unix(86400, 0), 24, 1},
		{time.Unix(-1, 0), -1, -1},
		{time.Unix(-3600, 0), -1, -1},
		{time.Unix(-3601, 0), -2, -1},
		{time.Unix(-86400, 0), -24, -1},
		{time.Unix(-86401, 0), -25, -2},
	} {
		h := usage.HourOf(tt.at)
		if int64(h) != tt.hour || int64(h.Day()) != tt.day || h.Start().After(tt.at) || !h.Start().Add(time.Hour).After(tt.at) {
			t.Errorf("%v: hour %d, day %d", tt.at.UTC(), h, h.Day())
		}
	}
}

// TestWhenItemsEnd: to the second, as literals.
func TestWhenItemsEnd(t *testing.T) {
	hour := usage.HourOf(noon)
	for kind, days := range map[usage.Kind]int{
		usage.Contributed: 6, usage.KeyHour: 35, usage.AccountHour: 35, usage.KeyDay: 400, usage.AccountDay: 400, usage.KeyLastUse: -1, usage.CountedUntil: -1,
	} {
		want := time.Time{}
		if days > 0 {
			want = noon.Add(time.Duration(days) * 24 * time.Hour)
		}
		if got := (usage.Item{Kind: kind, Hour: hour}).Expires(); !got.Equal(want) {
			t.Errorf("%c ends at %v, want %v", kind, got, want)
		}
	}
}

// TestAReportIsDue: on both sides of 5 s by each of the clocks, and early if much has changed.
func TestAReportIsDue(t *testing.T) {
	for _, tt := range []struct {
		wall, mono time.Duration
		due        bool
	}{
		{0, 0, false},
		{5*time.Second - 1, 5*time.Second - 1, false},
		{5 * time.Second, 0, true},
		{0, 5 * time.Second, true},
		{-1, 0, true},
	} {
		tally := usage.NewTally("e")
		tally.Report(noon)
		tally.Count(new(call(1, noon)))
		if due := tally.Due(noon.Add(tt.wall), tt.mono); due != tt.due {
			t.Errorf("%v and %v after the last report: %v", tt.wall, tt.mono, due)
		}
	}
	tally, cells := usage.NewTally("e"), 0
	tally.Report(noon)
	for ; !tally.Due(noon, 0); cells++ {
		tally.Count(new(call(cells, noon)))
		if cells > 10_000 {
			t.Fatal("never due")
		}
	}
	// A cell that is new counts as 120 bytes and four numbers of 32.
	if want := (256<<10 + 247) / 248; cells != want {
		t.Errorf("due after %d changed keys, want %d", cells, want)
	}
	tally.Acknowledge(noon)
	tally.Count(new(call(1, noon)))
	if tally.Due(noon, 0) {
		t.Error("what was reported still counts")
	}
}

// TestAnEnvironmentBeginsAgainWhenItKnowsMuch: at half of what it may know, and not below.
func TestAnEnvironmentBeginsAgainWhenItKnowsMuch(t *testing.T) {
	for keys, again := range map[int]bool{2047: false, 2048: true} {
		tally := usage.NewTally("e")
		for i := range keys {
			tally.Count(new(call(i, noon)))
		}
		first := tally.Report(noon)[0]
		tally.Acknowledge(noon)
		tally.Count(new(call(1, noon)))
		if next := tally.Report(noon)[0]; (next.Environment != first.Environment) != again || (next.Sequence == 1) != again {
			t.Errorf("after %d keys it goes on as %s", keys, next.Environment)
		}
	}
}

// TestAnHourForgetsTheSecretsUsedLongestAgo: it keeps 24, and of those that tie any.
func TestAnHourForgetsTheSecretsUsedLongestAgo(t *testing.T) {
	tally, items := usage.NewTally("e"), map[usage.Item]usage.Stored{}
	start := noon
	for i := range 26 {
		c := call(1, start.Add(time.Duration(i)*time.Minute))
		c.Secret = apikey.Hash{byte(i + 1)}
		tally.Count(&c)
	}
	late := call(1, start) // an older use of a known secret changes nothing
	late.Secret = apikey.Hash{26}
	tally.Count(&late)
	parts := tally.Report(noon)
	deliver(items, parts, 90)
	for where, c := range map[string]usage.Counts{
		"the report": parts[0].Entries[0].Counts, "the key": items[usage.Item{Kind: usage.KeyLastUse, Account: acct, Key: keyID(1)}].Counts,
	} {
		used := c.LastUsed()
		if len(used) != 24 || !used[usage.HashTag(apikey.Hash{26})].Equal(start.Add(25*time.Minute)) {
			t.Errorf("%s: %d secrets, the last one at %v", where, len(used), used[usage.HashTag(apikey.Hash{26})])
		}
		for i := range 2 {
			if _, kept := used[usage.HashTag(apikey.Hash{byte(i + 1)})]; kept {
				t.Errorf("%s keeps secret %d", where, i)
			}
		}
	}
}

// TestProposalsOfAnHourAreBoundedByForgettingTheOldOnes.
func TestProposalsOfAnHourAreBoundedByForgettingTheOldOnes(t *testing.T) {
	tally := usage.NewTally("e")
	propose := func(i int) {
		c := call(1, noon)
		c.Proposed, c.Shadow = noon.Add(time.Duration(i)*time.Second), authz.Allowed
		tally.Count(&c)
	}
	kinds := func() (n int) {
		for d := range tally.Report(noon)[0].Entries[0].Counts {
			if d[0] == 'x' {
				n++
			}
		}
		return n
	}
	for i := range 64 {
		propose(i)
	}
	if n := kinds(); n != 64 {
		t.Errorf("%d proposals", n)
	}
	propose(10) // a known one needs no room
	if n := kinds(); n != 64 {
		t.Errorf("%d proposals after one more call of one of them", n)
	}
	propose(-1) // an older one than all has none
	if n := kinds(); n != 64 {
		t.Errorf("%d proposals after an old one", n)
	}
	propose(64) // a newer one than all takes it
	if n := kinds(); n != 1 {
		t.Errorf("%d proposals after a new one", n)
	}
}

// TestAnUnchangedCountIsNoGrowth, and a larger one is what it is larger by; of last uses the later one stands.
func TestAnUnchangedCountIsNoGrowth(t *testing.T) {
	c := usage.Counts{"c:c:allowed": 5, "l:0123456789": 100}
	if g := c.Growth(usage.Counts{"c:c:allowed": 5, "l:0123456789": 100}); g != nil {
		t.Errorf("growth %v", g)
	}
	if g := c.Growth(usage.Counts{"c:c:allowed": 4, "l:0123456789": 99}); g != nil {
		t.Errorf("growth %v", g)
	}
	g := c.Growth(usage.Counts{"c:c:allowed": 6, "l:0123456789": 101, "m:00": 1})
	if !maps.Equal(g, usage.Counts{"c:c:allowed": 1, "l:0123456789": 101, "m:00": 1}) {
		t.Errorf("growth %v", g)
	}
	if sum := maps.Clone(c).Add(g); !maps.Equal(sum, usage.Counts{"c:c:allowed": 6, "l:0123456789": 101, "m:00": 1}) {
		t.Errorf("sum %v", sum)
	}
	if sum := maps.Clone(c).Add(usage.Counts{"l:0123456789": 99}); sum["l:0123456789"] != 100 {
		t.Errorf("an older use: %v", sum)
	}
	if m := maps.Clone(c).Merge(usage.Counts{"c:c:allowed": 4, "m:00": 2}); m["c:c:allowed"] != 5 || m["m:00"] != 2 {
		t.Errorf("merged %v", m)
	}
	if day := (usage.Counts{"c:c:allowed": 1, "m:00": 1, "o:a:allowed": 1, "x:1:allowed": 1, "l:0123456789": 1}).ForDay(); len(day) != 3 || day["m:00"] != 0 || day["l:0123456789"] != 0 {
		t.Errorf("a day has %v", day)
	}
	if all := (usage.Counts{"c:c:allowed": 1, "m:00": 1, "o:a:allowed": 1, "x:1:allowed": 1}).ForAccount(); !slices.Equal(slices.Sorted(maps.Keys(all)), []usage.Dimension{"c:c:allowed", "m:00"}) {
		t.Errorf("an account has %v", all)
	}
}

// TestWhatWasWrittenInPartsIsNoReasonToReportEarly.
func TestWhatWasWrittenInPartsIsNoReasonToReportEarly(t *testing.T) {
	tally := usage.NewTally("e")
	for i := range 2000 {
		tally.Count(new(call(i, noon)))
	}
	for _, part := range tally.Report(noon) {
		tally.AcknowledgePart(part)
	}
	tally.Count(new(call(1, noon)))
	if tally.Due(noon, 0) {
		t.Error("one new call is reported at once")
	}
}

// TestEachItemHoldsItsKindsOfNumbersAlone: an hour has minutes, a day hasn't, hosts and proposals are a key's own matter.
func TestEachItemHoldsItsKindsOfNumbersAlone(t *testing.T) {
	tally, items := usage.NewTally("e"), map[usage.Item]usage.Stored{}
	c := call(1, noon)
	c.Host, c.Proposed, c.Shadow, c.Billing = "a.example", noon, authz.Allowed, "free"
	tally.Count(&c)
	deliver(items, tally.Report(noon), 90)
	want := map[usage.Kind]string{
		usage.Contributed: "bcmox", usage.KeyHour: "bcmox", usage.KeyDay: "bcox", usage.AccountHour: "bcm", usage.AccountDay: "bc", usage.KeyLastUse: "l", usage.CountedUntil: "",
	}
	for item, stored := range items {
		kinds := ""
		for _, d := range slices.Sorted(maps.Keys(stored.Counts)) {
			kinds += string(d[:1])
		}
		if kinds != want[item.Kind] {
			t.Errorf("%c holds %q, want %q", item.Kind, kinds, want[item.Kind])
		}
		delete(want, item.Kind)
	}
	if len(want) != 0 {
		t.Errorf("nothing was written of %v", want)
	}
}
