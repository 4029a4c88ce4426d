package usage_test

import (
	"fmt"
	"strings"
	"testing"

	"latchkey/shared/authz"
	"latchkey/shared/usage"
)

// wide is the n-th host of so many bytes.
func wide(n, length int) string { return fmt.Sprintf("%02d%s", n, strings.Repeat("x", length-2)) }

// counted is the tally's report, of hosts alone. No count of it is zero: a report with one is refused.
func counted(t *testing.T, tally *usage.Tally) (counts usage.Counts, hosts map[string]int64) {
	t.Helper()
	parts := tally.Report(noon)
	for _, part := range parts {
		if err := part.Check(noon); err != nil {
			t.Errorf("the report is refused: %v", err)
		}
	}
	counts = parts[0].Entries[0].Counts
	for d, n := range counts {
		if n <= 0 {
			t.Errorf("%d calls of %s", n, d)
		}
	}
	return counts, hostsOf(counts)
}

// besidesName is the room that an outcome of seven letters takes beside its host's name.
const besidesName = len("o::allowed") + 16

// TestRefusedHostsTakeFourKilobytesOfAnHour: to the byte. A host that has a name has room for its other refusals though all ten
// places are taken.
func TestRefusedHostsTakeFourKilobytesOfAnHour(t *testing.T) {
	for spare := range 2 {
		tally := usage.NewTally("e")
		hosts := make([]string, 10)
		for i := range hosts { // ten times 256 bytes
			length := 256 - besidesName
			if i == 9 {
				length += spare
			}
			hosts[i] = wide(i, length)
			from(tally, hosts[i], "missing")
		}
		for _, host := range hosts[:6] { // and six more
			from(tally, host, "refused")
		}
		counts, byHost := counted(t, tally)
		if byHost[usage.OtherRefused] != int64(spare) || byHost[usage.OtherHost] != 0 || counts[usage.Dimension("o:"+hosts[0]+":refused")] != 1 {
			t.Errorf("%d bytes above: %d refusals without a name, %d other calls", spare, byHost[usage.OtherRefused], byHost[usage.OtherHost])
		}
		from(tally, wide(10, 40), "missing")
		if _, byHost = counted(t, tally); byHost[usage.OtherRefused] != int64(spare)+1 {
			t.Errorf("an eleventh host: %d without a name", byHost[usage.OtherRefused])
		}
	}
}

// TestTheLastByteIsTaken by each kind of outcome that comes last: another one of a host that passes, and the first one of a host
// that was refused before, which brings its refusals along.
func TestTheLastByteIsTaken(t *testing.T) {
	const over = len("qps_exceeded") - len("allowed")
	for spare := range 2 {
		for name, last := range map[string]bool{"another outcome": false, "a host that was refused": true} {
			tally := usage.NewTally("e")
			moves := wide(99, 256-besidesName)
			if last {
				from(tally, moves, "missing")
			}
			// 16,384 bytes without the last 512 or 256+over: 49 times 256, as many times 256+over, and the rest one by one.
			room, again := 16384-512, 12
			if !last {
				room = 16384 - 256 - over
			}
			rest := room + spare - 49*256 - again*(256+over)
			hosts := make([]string, 49)
			for i := range hosts {
				length := 256 - besidesName
				if i >= again && i < 48 {
					more := min(rest, 253-length)
					rest -= more
					length += more
				}
				hosts[i] = wide(i, length)
				from(tally, hosts[i], authz.Allowed)
			}
			if rest != 0 {
				t.Fatalf("%d bytes are left to give", rest)
			}
			for _, host := range hosts[:again] {
				from(tally, host, authz.QPSExceeded)
			}
			want := usage.Dimension("o:" + moves + ":allowed")
			if last {
				from(tally, moves, authz.Allowed)
			} else {
				from(tally, hosts[48], authz.QPSExceeded)
				want = usage.Dimension("o:" + hosts[48] + ":qps_exceeded")
			}
			counts, byHost := counted(t, tally)
			if byHost[usage.OtherHost] != int64(9*spare) || counts[want] != int64(1-spare) || byHost[usage.OtherRefused] != 0 {
				t.Errorf("%s, %d bytes above: %d calls without a name, %d of it", name, spare, byHost[usage.OtherHost], counts[want])
			}
		}
	}
}

// fifty is a tally of fifty hosts with so many calls each.
func fifty(calls int) *usage.Tally {
	tally := usage.NewTally("e")
	for range calls {
		for i := range usage.MaxHosts {
			from(tally, fmt.Sprintf("h%02d", i), authz.Allowed)
		}
	}
	return tally
}

// TestAHostWithANameKeepsItForAllItsOutcomes: though every place is taken, nobody gives way to another outcome of one of them.
func TestAHostWithANameKeepsItForAllItsOutcomes(t *testing.T) {
	tally := fifty(1)
	for _, code := range []authz.Code{authz.QPSExceeded, authz.DomainNotAllowed} {
		from(tally, "h07", code)
	}
	counts, hosts := counted(t, tally)
	if len(hosts) != usage.MaxHosts || counts["o:h07:qps_exceeded"] != 1 || counts["o:h07:domain_not_allowed"] != 1 || counts["o:h07:allowed"] != 1 {
		t.Errorf("%d hosts, of h07: %d", len(hosts), hosts["h07"])
	}
}

// TestWhatGivesWayGivesItsRefusalsFirst and is counted call for call under the outcomes that it had.
func TestWhatGivesWayGivesItsRefusalsFirst(t *testing.T) {
	for calls, want := range map[int]usage.Counts{
		1: {"o:h00:domain_not_allowed": 1, "o:h00:qps_exceeded": 1, "o:h00:allowed": 1, "o:*:domain_not_allowed": 1, "o:*:allowed": 8},
		2: {"o:h00:qps_exceeded": 1, "o:h00:allowed": 1, "o:*:domain_not_allowed": 2, "o:*:allowed": 16},
	} {
		tally := usage.NewTally("e")
		from(tally, "h00", authz.Allowed) // the lightest
		from(tally, "h00", authz.QPSExceeded)
		from(tally, "h00", authz.DomainNotAllowed)
		from(tally, "h00", authz.DomainNotAllowed)
		for range 9 {
			for i := 1; i < usage.MaxHosts; i++ {
				from(tally, fmt.Sprintf("h%02d", i), authz.Allowed)
			}
		}
		for range calls {
			from(tally, "new", authz.Allowed)
		}
		counts, hosts := counted(t, tally)
		for _, d := range []usage.Dimension{"o:h00:domain_not_allowed", "o:h00:qps_exceeded", "o:h00:allowed", "o:*:domain_not_allowed", "o:*:allowed"} {
			if counts[d] != want[d] {
				t.Errorf("%d calls of a new host: %d of %s, want %d", calls, counts[d], d, want[d])
			}
		}
		total := int64(0)
		for _, n := range hosts {
			total += n
		}
		if total != int64(4+9*49+calls) || hosts["new"] != 0 {
			t.Errorf("%d calls in all, %d of the new host", total, hosts["new"])
		}
	}
}

// TestRoomThatWasGivenIsThere: when the lightest hosts have gone, just as many find a place again, and not one more; and so do
// as many bytes as theirs, where bytes are short.
func TestRoomThatWasGivenIsThere(t *testing.T) {
	for name, tt := range map[string]struct{ hosts, length, again int }{"places": {usage.MaxHosts, 10, 0}, "bytes": {49, 253, 9}} {
		tally := usage.NewTally("e")
		for i := range tt.hosts { // 49 times 279 bytes, and 9 times 284: another one has no room
			from(tally, wide(i, tt.length), authz.Allowed)
			if i >= tt.hosts-tt.again {
				from(tally, wide(i, tt.length), authz.QPSExceeded)
			}
		}
		const rounds = 3
		for round := range rounds {
			from(tally, wide(50+10*round, tt.length), authz.Allowed) // it and the eight lightest have no name then
			for i := 1; i <= 8; i++ {                                // as many come
				from(tally, wide(50+10*round+i, tt.length), authz.Allowed)
			}
		}
		if _, hosts := counted(t, tally); hosts[usage.OtherHost] != rounds*9 || len(hosts) != tt.hosts+1 {
			t.Errorf("%s: %d calls without a name, want %d; %d hosts", name, hosts[usage.OtherHost], rounds*9, len(hosts))
		}
	}
}

// TestAnOutcomeThatWasGivenUpLeavesItsBytes: the next call of the host that had no room finds it there, and nobody gives way again.
func TestAnOutcomeThatWasGivenUpLeavesItsBytes(t *testing.T) {
	tally := usage.NewTally("e")
	light := wide(0, 253)
	from(tally, light, authz.Allowed)
	from(tally, light, authz.DomainNotAllowed) // 290 bytes
	for range 9 {
		for i := 1; i < 49; i++ { // 49 times 279 bytes, and 8 times 284: 151 are left
			from(tally, wide(i, 253), authz.Allowed)
			if i > 40 {
				from(tally, wide(i, 253), authz.QPSExceeded)
			}
		}
	}
	for range 2 {
		from(tally, wide(50, 253), authz.Allowed)
	}
	_, hosts := counted(t, tally)
	if hosts[wide(50, 253)] != 1 || hosts[light] != 1 || hosts[wide(1, 253)] != 8 || hosts[usage.OtherHost] != 9 {
		t.Errorf("%d calls of the new host, %d of the lightest, %d of the next one, %d without a name", hosts[wide(50, 253)], hosts[light], hosts[wide(1, 253)], hosts[usage.OtherHost])
	}
}

// TestWhoFindsNoPlaceIsAmongTheOthersThatPass: when all that have names are in a report and can't give way any more.
func TestWhoFindsNoPlaceIsAmongTheOthersThatPass(t *testing.T) {
	tally := fifty(1)
	counted(t, tally) // a report
	for _, code := range []authz.Code{authz.Allowed, authz.QPSExceeded} {
		from(tally, "new", code)
	}
	from(tally, "h00", authz.Allowed)
	counts, hosts := counted(t, tally)
	if counts["o:*:allowed"] != 1 || counts["o:*:qps_exceeded"] != 1 || hosts[usage.OtherRefused] != 0 || hosts["new"] != 0 || hosts["h00"] != 2 {
		t.Errorf("%d and %d among those that pass, %d among the refused", counts["o:*:allowed"], counts["o:*:qps_exceeded"], hosts[usage.OtherRefused])
	}
}

// TestAHostThatGaveWayComesBackAsANewOne though it was the one counted last before that: its refusals take the room of refused hosts,
// and give way to nobody.
func TestAHostThatGaveWayComesBackAsANewOne(t *testing.T) {
	tally := usage.NewTally("e")
	for i := range 49 {
		for range 9 {
			from(tally, wide(i, 20), "allowed")
		}
	}
	for range 2 {
		from(tally, "light.example", "allowed")
	}
	for _, heavier := range []string{"new.example", "newer.example"} {
		for range 3 { // two calls or one in place of the lightest's, and what is left under its own name
			from(tally, heavier, "allowed")
		}
		from(tally, "light.example", "refused")
	}
	counts, hosts := counted(t, tally)
	if counts["o:light.example:refused"] != 2 || hosts["light.example"] != 2 {
		t.Errorf("%d refusals of the host that gave way, of %v", counts["o:light.example:refused"], hosts)
	}
}
