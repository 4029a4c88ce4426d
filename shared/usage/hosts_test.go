package usage_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/authz"
	"latchkey/shared/usage"
)

// junk is the n-th of the origins that somebody makes up.
func junk(n int) string { return fmt.Sprintf("junk%03d.attacker.test", n) }

// from counts a call of one key from a host.
func from(tally *usage.Tally, host string, code authz.Code) {
	tally.Count(&usage.Call{At: noon, Code: code, Subject: usage.Subject{Account: acct, Key: keyID(1)}, Host: host})
}

// TestMadeUpOriginsHideNobody: not in an environment's hour, not in a key's, not in a key's day; whatever comes first.
func TestMadeUpOriginsHideNobody(t *testing.T) {
	for _, allowedFirst := range []bool{true, false} {
		items := map[usage.Item]usage.Stored{}
		for environment := range 3 {
			tally := usage.NewTally(fmt.Sprintf("e%d", environment))
			flood := func() {
				for n := range 80 {
					from(tally, junk(100*environment+n), authz.DomainNotAllowed)
				}
			}
			if !allowedFirst {
				flood()
			}
			for n := range 40 {
				from(tally, fmt.Sprintf("shop%02d.example.com", n), authz.Allowed)
				from(tally, fmt.Sprintf("shop%02d.example.com", n), authz.QPSExceeded)
			}
			if allowedFirst {
				flood()
			}
			parts := tally.Report(noon)
			check(t, "the report", hostsOf(parts[0].Entries[0].Counts), 2, 70)
			deliver(items, parts, 90)
			deliver(items, parts, 90) // again changes nothing
		}
		for item, stored := range items {
			if item.Kind == usage.KeyHour || item.Kind == usage.KeyDay {
				check(t, string(item.Kind), hostsOf(stored.Counts), 6, 230)
			}
		}
	}
}

// check wants 40 shops with so many calls each, ten made-up hosts, and the rest of those under the name of their budget.
func check(t *testing.T, where string, hosts map[string]int64, each, rest int64) {
	t.Helper()
	shops := 0
	for n := range 40 {
		if hosts[fmt.Sprintf("shop%02d.example.com", n)] == each {
			shops++
		}
	}
	if shops != 40 || hosts[usage.OtherRefused] != rest || hosts[usage.OtherHost] != 0 || len(hosts) != 40+usage.MaxRefusedHosts+1 {
		t.Errorf("%s: %d shops, %d refused without a name, %d others, %d hosts", where, shops, hosts[usage.OtherRefused], hosts[usage.OtherHost], len(hosts))
	}
}

const shop = "shop.example.com"

// flooded counts the calls of a shop and of made-up names with one key, and folds what the environments report.
type flooded struct {
	items       map[usage.Item]usage.Stored
	tallies     map[string]*usage.Tally
	total, ours int64
}

func newFlooded() *flooded {
	return &flooded{items: map[usage.Item]usage.Stored{}, tallies: map[string]*usage.Tally{}}
}

func (f *flooded) calls(environment, host string, code authz.Code, n int) {
	tally := f.tallies[environment]
	if tally == nil {
		tally = usage.NewTally(environment)
		f.tallies[environment] = tally
	}
	for range n {
		from(tally, host, code)
	}
	f.total += int64(n)
	if host == shop {
		f.ours += int64(n)
	}
}

func (f *flooded) report(environment string, times int) {
	parts := f.tallies[environment].Report(noon)
	for range times {
		deliver(f.items, parts, 90)
	}
	f.tallies[environment].Acknowledge(noon)
}

// check wants every call counted, and of the shop's all but a ninth of the key's; with more than an eighth it is shown.
func (f *flooded) check() error {
	for item, stored := range f.items {
		if item.Kind != usage.KeyHour && item.Kind != usage.KeyDay {
			continue
		}
		s := usage.Summarise(usage.Query{From: noon, To: noon.Add(time.Hour), Step: time.Hour}, []usage.Row{{Start: noon, Key: keyID(1), Counts: stored.Counts}})
		shown, counted := int64(0), int64(0)
		for _, share := range s.ByHost {
			if share.Name == shop {
				shown = share.Requests
			}
		}
		for _, n := range hostsOf(stored.Counts) {
			counted += n
		}
		if counted != f.total || shown > f.ours || f.ours*8 > f.total && shown < f.ours-f.total/9 {
			return fmt.Errorf("%c: %d of %d calls counted, %d of the shop's %d shown", item.Kind, counted, f.total, shown, f.ours)
		}
	}
	return nil
}

// TestABusyHostIsShownWhateverNamesAreMadeUp: with more than an eighth of the calls of a key it is among the hosts that are
// shown, in the hour and in the day, however many names that pass come before it, with it or between its calls, in however
// many environments and reports. A report that comes twice changes nothing, and no call is lost.
func TestABusyHostIsShownWhateverNamesAreMadeUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, next := newFlooded(), 0
		for range rapid.IntRange(1, 40).Draw(t, "bursts") {
			e := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "environment")
			made := rapid.IntRange(0, 120).Draw(t, "made up")
			each := rapid.IntRange(1, 4).Draw(t, "calls each")
			pad := rapid.SampledFrom([]string{"", strings.Repeat("x", 220)}).Draw(t, "pad")
			codes := rapid.SliceOfN(rapid.SampledFrom([]authz.Code{authz.Allowed, authz.QPSExceeded, authz.DomainNotAllowed, authz.ProductNotAllowed}), 1, 4).Draw(t, "codes")
			if rapid.Bool().Draw(t, "new names") {
				next += made
			}
			of := rapid.SampledFrom([]int{0, 0, made * each / 8, made * each / 4, made * each}).Draw(t, "of the shop")
			first := rapid.IntRange(0, made).Draw(t, "before the shop")
			for n := range made {
				if n == first {
					f.calls(e, shop, authz.Allowed, of)
				}
				for i := range each {
					f.calls(e, pad+junk(next+n), codes[i%len(codes)], 1)
				}
			}
			if f.tallies[e] != nil && rapid.Bool().Draw(t, "report") {
				f.report(e, rapid.IntRange(1, 2).Draw(t, "times"))
			}
		}
		for e := range f.tallies {
			f.report(e, 1)
		}
		if err := f.check(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestABusyHostFindsAPlace among names that do their best to hold all of them.
func TestABusyHostFindsAPlace(t *testing.T) {
	for name, play := range map[string]func(*flooded){
		"names that are reported before the shop calls": func(f *flooded) {
			for round := range 10 {
				for n := range 50 {
					f.calls("a", junk(100*round+n), authz.Allowed, 1)
				}
				f.report("a", 1)
				f.calls("a", shop, authz.Allowed, 20)
				f.report("a", 1)
			}
		},
		"all places but one, and then a name after each call of the shop": func(f *flooded) {
			for round := range 10 {
				for n := range 49 {
					f.calls("a", junk(n), authz.Allowed, 1)
				}
				f.report("a", 1)
				for n := range 30 {
					f.calls("a", shop, authz.Allowed, 1)
					f.calls("a", junk(100+100*round+n), authz.Allowed, 1)
				}
				f.report("a", 1)
			}
		},
		"names that call much, once": func(f *flooded) {
			for n := range 50 {
				f.calls("a", junk(n), authz.Allowed, 40)
			}
			f.report("a", 1)
			for i := range 15 {
				e := fmt.Sprint("e", i)
				f.calls(e, shop, authz.Allowed, 20)
				f.report(e, 1)
			}
		},
		"a new name after each call of the shop": func(f *flooded) {
			for n := range 50 {
				f.calls("a", junk(n), authz.Allowed, 20)
			}
			f.report("a", 1)
			for i := range 200 {
				e := fmt.Sprint("e", i)
				f.calls(e, shop, authz.Allowed, 1)
				f.report(e, 1)
				f.calls(e, junk(100+i), authz.Allowed, 1)
				f.report(e, 1)
			}
		},
		"names that call between the shop's, within a report": func(f *flooded) {
			for n := range 400 {
				f.calls("a", junk(n), authz.Allowed, 1)
				f.calls("a", shop, authz.Allowed, n%2)
				f.calls("a", junk(n), authz.QPSExceeded, 1)
			}
			f.report("a", 1)
		},
		"a shop that is refused first": func(f *flooded) {
			for n := range 50 {
				f.calls("a", junk(n), authz.Allowed, 10)
			}
			f.calls("a", shop, authz.DomainNotAllowed, 1)
			f.calls("a", shop, authz.Allowed, 100)
			f.report("a", 1)
		},
	} {
		f := newFlooded()
		play(f)
		if err := f.check(); err != nil || f.ours*8 <= f.total {
			t.Errorf("%s: %v; the shop has %d of %d calls", name, err, f.ours, f.total)
		}
	}
}

// TestNamesThatGaveWayTakeNoRoom: neither of their key's places nor of the memory that all names share.
func TestNamesThatGaveWayTakeNoRoom(t *testing.T) {
	tally, pad := usage.NewTally("a"), strings.Repeat("x", 230)
	for n := range 30_000 { // 7 MB of names
		from(tally, pad+fmt.Sprint(n), authz.Allowed)
	}
	tally.Count(&usage.Call{At: noon, Code: authz.Allowed, Subject: usage.Subject{Account: acct, Key: keyID(2)}, Host: pad + shop})
	named := int64(0)
	for _, part := range tally.Report(noon) {
		for _, entry := range part.Entries {
			named += hostsOf(entry.Counts)[pad+shop]
		}
	}
	if named != 1 {
		t.Error("another key's host has no name")
	}
}

// TestAHostThatPassesLaterLeavesTheRefused: and makes room there.
func TestAHostThatPassesLaterLeavesTheRefused(t *testing.T) {
	tally := usage.NewTally("e")
	for n := range 10 {
		from(tally, junk(n), authz.DomainNotAllowed)
	}
	from(tally, junk(3), authz.Allowed)
	from(tally, junk(10), authz.DomainNotAllowed) // where the fourth was
	from(tally, junk(11), authz.DomainNotAllowed)
	from(tally, junk(3), authz.DomainNotAllowed)
	from(tally, junk(3), authz.OriginMissing)
	counts := tally.Report(noon)[0].Entries[0].Counts
	var sum usage.Counts
	for d, n := range counts { // one after the other
		sum = sum.AddKey(usage.Counts{d: n})
	}
	for where, c := range map[string]usage.Counts{"the report": counts, "the key": usage.Counts(nil).AddKey(counts)} {
		hosts := hostsOf(c)
		if hosts[junk(3)] != 4 || hosts[junk(10)] != 1 || hosts[junk(11)] != 0 || hosts[usage.OtherRefused] != 1 {
			t.Errorf("%s: %v", where, hosts)
		}
	}
	total := int64(0)
	for _, n := range hostsOf(sum) {
		total += n
	}
	if total != 15 {
		t.Errorf("%d of 15 calls", total)
	}
}

// TestCountersOfBeforeKeepTheirHosts: those of a release in which refused hosts took the room of all, and "*" was both.
func TestCountersOfBeforeKeepTheirHosts(t *testing.T) {
	stored := usage.Counts{"o:*:domain_not_allowed": 30, "o:*:allowed": 30}
	for n := range 50 {
		stored[usage.Dimension("o:"+junk(n)+":domain_not_allowed")] = 1
	}
	sum := maps.Clone(stored).AddKey(usage.Counts{
		"o:shop.example.com:allowed": 7, usage.Dimension("o:" + junk(0) + ":domain_not_allowed"): 2, "o:junk.new:domain_not_allowed": 3,
		"o:*refused:origin_missing": 4,
	})
	hosts := hostsOf(sum)
	if hosts["shop.example.com"] != 7 || hosts[junk(0)] != 3 || hosts["junk.new"] != 0 || hosts["*refused"] != 7 || hosts["*"] != 60 {
		t.Errorf("%v", hosts)
	}
	for d, n := range stored {
		if sum[d] < n {
			t.Errorf("%s fell from %d to %d", d, n, sum[d])
		}
	}
	s := usage.Summarise(usage.Query{From: noon, To: noon.Add(time.Hour), Step: time.Hour}, []usage.Row{{Start: noon, Key: keyID(1), Counts: sum}})
	shown := false
	for _, share := range s.ByHost {
		shown = shown || share.Name == "shop.example.com"
	}
	if !shown {
		t.Errorf("not among those with the most requests: %+v", s.ByHost)
	}
}

// TestRefusedHostsLeaveRoomForTheOthersOnPages: however often they call.
func TestRefusedHostsLeaveRoomForTheOthersOnPages(t *testing.T) {
	for _, tt := range []struct{ passing, refused, shownPassing, shownRefused int }{
		{40, 40, 15, 5}, {17, 40, 15, 5}, {12, 40, 12, 8}, {0, 40, 0, 20}, {40, 0, 20, 0}, {40, 2, 18, 2}, {3, 4, 3, 4}, {0, 0, 0, 0},
	} {
		counts := usage.Counts{"c:c:allowed": 1}
		for n := range tt.passing {
			counts[usage.Dimension(fmt.Sprintf("o:shop%02d:%s", n, []authz.Code{authz.Allowed, authz.QPSExceeded}[n%2]))] = 1
		}
		for n := range tt.refused {
			counts[usage.Dimension("o:"+junk(n)+":domain_not_allowed")] = 1000
		}
		s := usage.Summarise(usage.Query{From: noon, To: noon.Add(time.Hour), Step: time.Hour}, []usage.Row{{Start: noon, Key: keyID(1), Counts: counts}})
		passing, refused := 0, 0
		for i, share := range s.ByHost {
			if share.Allowed+share.Breaches > 0 {
				passing++
			} else {
				refused++
			}
			if i > 0 && share.Requests > s.ByHost[i-1].Requests {
				t.Errorf("%+v comes after %+v", share, s.ByHost[i-1])
			}
		}
		if passing != tt.shownPassing || refused != tt.shownRefused {
			t.Errorf("of %d that pass and %d others, %d and %d are shown", tt.passing, tt.refused, passing, refused)
		}
	}
}

// TestTheReleaseBeforeReadsTheNewName: "*refused" is a host like others for a counter that doesn't know it.
func TestTheReleaseBeforeReadsTheNewName(t *testing.T) {
	if err := reportWith("o:*refused:domain_not_allowed", 1).Check(noon); err != nil {
		t.Error(err)
	}
}
