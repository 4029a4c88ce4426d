package usage_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"latchkey/shared/authz"
	"latchkey/shared/usage"
)

// junk is the n-th of the origins that somebody makes up.
func junk(n int) string { return fmt.Sprintf("junk%03d.attacker.test", n) }

// from counts a call of one key from a host.
func from(tally *usage.Tally, host string, code authz.Code) {
	tally.Count(usage.Call{At: noon, Code: code, Subject: usage.Subject{Account: acct, Key: keyID(1)}, Host: host})
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
