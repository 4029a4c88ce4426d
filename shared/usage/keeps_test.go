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
	"latchkey/shared/usage"
)

// TestAKeyKeepsTheSecretsUsedLast: 24 of them over all environments, of which each reports a few, and the last refusal besides.
func TestAKeyKeepsTheSecretsUsedLast(t *testing.T) {
	const refusedAt, first = 1, 1000 // minutes; the refusal is older than every use
	for secrets, kept := range map[int]int{23: 23, 24: 24, 25: 24, 60: 24} {
		items := map[usage.Item]usage.Stored{}
		for i := range secrets {
			report := usage.Report{Environment: fmt.Sprint("e", i), Sequence: 1, At: noon, Entries: []usage.Entry{{
				Subject: usage.Subject{Account: acct, Key: keyID(1)}, Hour: usage.HourOf(noon),
				Counts: usage.Counts{usage.Dimension("l:" + usage.HashTag(apikey.Hash{byte(i + 1)})): first + int64(i), "l:" + usage.RefusedTag: refusedAt},
			}}}
			deliver(items, []usage.Report{report}, 90)
		}
		used := items[usage.Item{Kind: usage.KeyLastUse, Account: acct, Key: keyID(1)}].Counts
		want := usage.Counts{"l:" + usage.RefusedTag: refusedAt}
		for i := secrets - kept; i < secrets; i++ {
			want[usage.Dimension("l:"+usage.HashTag(apikey.Hash{byte(i + 1)}))] = first + int64(i)
		}
		if !maps.Equal(used, want) {
			t.Errorf("of %d secrets %d stay: %v", secrets, len(used)-1, used)
		}
	}
}

// TestAKeyKeepsItsNewestEightProposals, each with all of its outcomes; the next one takes the oldest one's place, and no other count
// goes.
func TestAKeyKeepsItsNewestEightProposals(t *testing.T) {
	var sum usage.Counts
	want := usage.Counts{"c:c:allowed": 0}
	outcomes := []string{"allowed", "domain_not_allowed", "key_missing"}
	dimension := func(i int, code string) usage.Dimension { return usage.Dimension(fmt.Sprintf("x:%d:%s", i, code)) }
	for i := 1; i <= 12; i++ {
		growth := usage.Counts{"c:c:allowed": 1}
		want["c:c:allowed"]++
		for n, code := range outcomes {
			growth[dimension(i, code)] = int64(n + 1)
			want[dimension(i, code)] = int64(n + 1)
			delete(want, dimension(i-8, code))
		}
		if sum = sum.AddKey(growth); !maps.Equal(sum, want) {
			t.Fatalf("after %d proposals: %v, want %v", i, sum, want)
		}
	}
}

// TestTheHostsOfAllKeysTakeFourMegabytesOfNames: to the byte; what comes later has no name of its own, but is counted.
func TestTheHostsOfAllKeysTakeFourMegabytesOfNames(t *testing.T) {
	const each, hosts = 128, 32 // bytes of a name, and names of a key
	var names []string
	for i := range hosts {
		names = append(names, fmt.Sprintf("%02d", i)+strings.Repeat("x", each-2))
	}
	for spare, named := range map[int]int{0: 0, 1: 1} {
		tally := usage.NewTally("e")
		count := func(acct account.ID, key int, host string) {
			tally.Count(&usage.Call{At: noon, Code: authz.Allowed, Subject: usage.Subject{Account: acct, Key: keyID(key)}, Host: host})
		}
		for key := range 4 << 20 / each / hosts {
			for i, name := range names {
				if key == 0 && i == 0 {
					name = name[spare:]
				}
				count(acct, key, name)
			}
		}
		count("other", 0, "y")
		for _, part := range tally.Report(noon) {
			for _, entry := range part.Entries {
				found := hostsOf(entry.Counts)
				if entry.Subject.Account == "other" && (found["y"] != int64(named) || found["*"] != int64(1-named)) {
					t.Errorf("the last host with %d bytes to spare: %v", spare, found)
				}
				if entry.Subject.Account == acct && len(found) != hosts {
					t.Errorf("%d bytes to spare: %s has %d names", spare, entry.Subject.Key, len(found))
				}
			}
		}
	}
}

// TestAnEnvironmentBeginsAgainWhenItsHostsTakeMuch: two megabytes of names, and not with a byte less.
func TestAnEnvironmentBeginsAgainWhenItsHostsTakeMuch(t *testing.T) {
	for spare, again := range map[int]bool{0: true, 1: false} {
		tally := usage.NewTally("e")
		for i := range 2 << 20 / 128 {
			c := call(i/16, noon) // less than half of the places for hosts
			c.Host = fmt.Sprintf("%0128d", i)
			if i == 0 {
				c.Host = c.Host[spare:]
			}
			tally.Count(&c)
		}
		first := tally.Report(noon)[0]
		tally.Acknowledge(noon)
		tally.Count(new(call(1, noon)))
		if next := tally.Report(noon)[0]; (next.Environment != first.Environment) != again {
			t.Errorf("with %d bytes to spare it goes on as %s", spare, next.Environment)
		}
	}
}

// TestANewOutcomeOfTheNewestProposalForgetsNoneOfItsOwn: where there is no room, older proposals go.
func TestANewOutcomeOfTheNewestProposalForgetsNoneOfItsOwn(t *testing.T) {
	tally := usage.NewTally("e")
	count := func(second int, shadow authz.Code) {
		c := call(1, noon)
		c.Proposed, c.Shadow = noon.Add(time.Duration(second)*time.Second), shadow
		tally.Count(&c)
	}
	for second := range 64 {
		count(second, authz.Allowed)
	}
	count(63, authz.DomainNotAllowed)
	counts := tally.Report(noon)[0].Entries[0].Counts
	maps.DeleteFunc(counts, func(d usage.Dimension, _ int64) bool { return d[0] != 'x' })
	newest := fmt.Sprintf("x:%d:", noon.Add(63*time.Second).UnixMilli())
	want := usage.Counts{usage.Dimension(newest + string(authz.Allowed)): 1, usage.Dimension(newest + string(authz.DomainNotAllowed)): 1}
	if !maps.Equal(counts, want) {
		t.Errorf("%v, want %v", counts, want)
	}
}

// TestAPartOfAReportIsFilledToTheByte: 48 KiB, of which an entry takes 120 bytes and 16 besides the name of each number.
func TestAPartOfAReportIsFilledToTheByte(t *testing.T) {
	// c:c:allowed, m:00, l: and ten characters, and o: and :allowed with 35 bytes between them: 256 bytes with the 120.
	for host, want := range map[int][]int{35: {192, 192, 1}, 36: {191, 191, 3}} {
		tally := usage.NewTally("e")
		for i := range 385 {
			c := call(i, noon)
			c.Host = strings.Repeat("h", host)
			tally.Count(&c)
		}
		var got []int
		for _, part := range tally.Report(noon) {
			got = append(got, len(part.Entries))
		}
		if !slices.Equal(got, want) {
			t.Errorf("hosts of %d bytes: parts of %v entries, want %v", host, got, want)
		}
	}
}

// TestWhatIsKnownOfAKeyCountsWhenItChangesAgain: a report is due early by all that it would hold.
func TestWhatIsKnownOfAKeyCountsWhenItChangesAgain(t *testing.T) {
	tally := usage.NewTally("e")
	count := func(key int) {
		c := call(key, noon)
		c.Host, c.Proposed, c.Shadow = "a.example", noon, authz.Allowed
		tally.Count(&c)
	}
	for key := range 1000 {
		count(key)
		c := call(key, noon)
		c.Code, c.Host = authz.DomainNotAllowed, "b.example"
		tally.Count(&c)
	}
	tally.Report(noon)
	tally.Acknowledge(noon)
	changed := 0
	for ; changed < 1000 && !tally.Due(noon, 0); changed++ {
		count(changed)
	}
	// Two outcomes, a proposal's, a secret and four more take 32 bytes each, and each host what it takes in an item.
	each := 120 + 32*(2+1+1+4) + len("o:a.example:allowed") + 16 + len("o:b.example:"+string(authz.DomainNotAllowed)) + 16
	if want := (256<<10 + each - 1) / each; changed != want {
		t.Errorf("due after %d changed keys, want %d", changed, want)
	}
}

// TestAnEnvironmentBeginsAgainWhenAKeysPlacesFill: with more than 25 hosts, or more than 4 KiB of them, which can't give way any more.
func TestAnEnvironmentBeginsAgainWhenAKeysPlacesFill(t *testing.T) {
	for _, tt := range []struct {
		hosts, bytes, last int // of a name, and of the last one
		again              bool
	}{
		{25, 9, 9, false},
		{26, 9, 9, true},
		{16, 256 - len("o::allowed") - 16, 256 - len("o::allowed") - 16, false}, // 16 times 256 bytes
		{16, 256 - len("o::allowed") - 16, 257 - len("o::allowed") - 16, true},
	} {
		tally := usage.NewTally("e")
		for i := range tt.hosts {
			c := call(1, noon)
			c.Host = fmt.Sprintf("%0*d", tt.bytes, i)
			if i == tt.hosts-1 {
				c.Host = fmt.Sprintf("%0*d", tt.last, i)
			}
			tally.Count(&c)
		}
		first := tally.Report(noon)[0]
		tally.Acknowledge(noon)
		tally.Count(new(call(1, noon)))
		if next := tally.Report(noon)[0]; (next.Environment != first.Environment) != tt.again {
			t.Errorf("%+v: it goes on as %s", tt, next.Environment)
		}
	}
}
