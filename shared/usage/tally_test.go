package usage_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/usage"
)

func TestALoneCallIsReportedAtOnce(t *testing.T) {
	tally := usage.NewTally("e")
	if tally.Due(noon, 0) {
		t.Error("nothing to report")
	}
	tally.Count(&usage.Call{At: noon, Code: authz.Allowed, Subject: usage.Subject{Account: acct, Key: keyID(1)}})
	if !tally.Due(noon, 0) {
		t.Error("a lone call waits")
	}
}

func TestCountingAKnownCallDoesNotAllocate(t *testing.T) {
	tally := usage.NewTally("e")
	c := usage.Call{At: noon, Code: authz.Allowed, Subject: usage.Subject{Account: acct, Key: keyID(1)}, Host: "a.example", Proposed: noon, Shadow: authz.Allowed}
	tally.Count(&c)
	if n := testing.AllocsPerRun(1000, func() { tally.Count(&c) }); n > 0 {
		t.Errorf("%v allocations a call", n)
	}
}

// TestAProposalIsOnlyCountedWhereACallWasAllowed: enforcing it changes nothing for the others.
func TestAProposalIsOnlyCountedWhereACallWasAllowed(t *testing.T) {
	const would = "x:1:domain_not_allowed"
	for code, want := range map[authz.Code]int64{
		authz.Allowed: 1, authz.DomainNotAllowed: 0, authz.OriginMissing: 0, authz.ProductNotAllowed: 0, authz.PathNotCanonical: 0,
		authz.QPSExceeded: 0, authz.Unavailable: 0,
	} {
		t.Run(string(code), func(t *testing.T) {
			tally := usage.NewTally("e")
			tally.Count(&usage.Call{
				At: noon, Code: code, Subject: usage.Subject{Account: acct, Key: keyID(1)}, Proposed: time.UnixMilli(1), Shadow: authz.DomainNotAllowed,
			})
			counts := tally.Report(noon)[0].Entries[0].Counts
			if counts[would] != want || counts[usage.Dimension("c:c:"+string(code))] != 1 {
				t.Errorf("%v, want %s %d times", counts, would, want)
			}
		})
	}
}

// TestAnOutageOfThreeHoursLosesNoCallOf1024Keys: it touches four hours at most, and no report is written meanwhile. One key more, and calls
// are dropped: so the documents say.
func TestAnOutageOfThreeHoursLosesNoCallOf1024Keys(t *testing.T) {
	for _, keys := range []int{1024, 1025} {
		tally, begins := usage.NewTally("e"), noon.Add(31*time.Minute)
		for at := begins; !at.After(begins.Add(3 * time.Hour)); at = at.Add(15 * time.Minute) {
			for key := range keys {
				tally.Count(new(call(key, at)))
			}
		}
		tally.Report(begins)
		if (tally.Dropped > 0) != (keys > 1024) {
			t.Errorf("%d calls of %d keys are dropped", tally.Dropped, keys)
		}
	}
}

func TestMemoryIsBoundedAndSaysWhatItDropped(t *testing.T) {
	tally := usage.NewTally("e")
	for i := range 100_000 {
		tally.Count(&usage.Call{At: noon, Code: authz.Allowed, Subject: usage.Subject{Account: acct, Key: apikey.ID(fmt.Sprint(i))}})
	}
	if tally.Dropped != 100_000-4096 {
		t.Errorf("dropped %d", tally.Dropped)
	}
}

func TestReportPartsStaySmall(t *testing.T) {
	tally := usage.NewTally("e")
	for i := range 1000 {
		for h := range 20 {
			tally.Count(&usage.Call{At: noon, Code: authz.Allowed, Subject: usage.Subject{Account: acct, Key: keyID(i)}, Host: fmt.Sprintf("a-rather-long-host-name-%d.example.com", h)})
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

func TestReportsThatNoEnvironmentWritesAreRefused(t *testing.T) {
	good := func() usage.Report {
		tally := usage.NewTally("e")
		tally.Count(&usage.Call{At: noon, Code: authz.Allowed, Subject: usage.Subject{Account: acct, Key: keyID(1), Product: "search"}, Host: "[::1]"})
		return tally.Report(noon)[0]
	}
	if err := good().Check(noon); err != nil {
		t.Fatalf("a good one: %v", err)
	}
	for name, spoil := range map[string]func(*usage.Report){
		"no environment": func(r *usage.Report) { r.Environment = "" },
		"no sequence":    func(r *usage.Report) { r.Sequence = 0 },
		"no entries":     func(r *usage.Report) { r.Entries = nil },
		"bad account":    func(r *usage.Report) { r.Entries[0].Subject.Account = "x" },
		"bad key":        func(r *usage.Report) { r.Entries[0].Subject.Key = "" },
		"no counts":      func(r *usage.Report) { r.Entries[0].Counts = nil },
		"negative":       func(r *usage.Report) { r.Entries[0].Counts["c:c:allowed"] = -1 },
		"huge":           func(r *usage.Report) { r.Entries[0].Counts["c:c:allowed"] = 1 << 60 },
		"odd dimension":  func(r *usage.Report) { r.Entries[0].Counts["z:1"] = 1 },
		"used tomorrow": func(r *usage.Report) {
			r.Entries[0].Counts["l:0123456789"] = noon.AddDate(0, 0, 1).Unix() / 60
		},
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

func call(key int, at time.Time) usage.Call {
	return usage.Call{At: at, Code: authz.Allowed, Subject: usage.Subject{Account: acct, Key: keyID(key)}}
}

// TestAFrozenEnvironmentReportsTheOldHourAsTheOldHour: it is thawed an hour later, or a week, by one more call.
func TestAFrozenEnvironmentReportsTheOldHourAsTheOldHour(t *testing.T) {
	for name, pause := range map[string]time.Duration{"an hour": time.Hour, "a week": 7 * 24 * time.Hour} {
		tally := usage.NewTally("e")
		tally.Count(new(call(1, noon)))
		tally.Report(noon)
		tally.Acknowledge(noon)
		tally.Count(new(call(1, noon.Add(time.Second))))
		if tally.Due(noon.Add(time.Second), time.Second) {
			t.Fatal("due after a second")
		}
		thawed := noon.Add(pause)
		tally.Count(new(call(1, thawed)))
		if !tally.Due(thawed, time.Second) { // the monotonic clock may have stood still
			t.Fatalf("%s: not due", name)
		}
		parts := tally.Report(thawed)
		if len(parts) != 2 || parts[0].Entries[0].Counts["c:c:allowed"] != 2 || parts[0].Entries[0].Hour != usage.HourOf(noon) {
			t.Fatalf("%s: %+v", name, parts)
		}
		if err := parts[1].Check(thawed); err != nil {
			t.Errorf("%s: the new hour isn't counted: %v", name, err)
		}
		if err := parts[0].Check(thawed); (err != nil) != (pause > usage.MaxReportAge) {
			t.Errorf("%s: the old hour: %v", name, err)
		}
		tally.Acknowledge(thawed)
		tally.Count(new(call(1, thawed)))
		if next := tally.Report(thawed)[0]; next.Environment == parts[0].Environment || next.Entries[0].Counts["c:c:allowed"] != 1 {
			t.Errorf("%s: the old generation goes on: %+v", name, next)
		}
	}
}

func TestAClockThatGoesBackIsDueOnceAndLosesNothing(t *testing.T) {
	tally := usage.NewTally("e")
	tally.Count(new(call(1, noon)))
	tally.Report(noon)
	tally.Acknowledge(noon)
	back := noon.Add(-2 * time.Hour)
	tally.Count(new(call(1, back)))
	if !tally.Due(back, 0) {
		t.Fatal("not due")
	}
	if parts := tally.Report(back); len(parts) != 1 || parts[0].Entries[0].Hour != usage.HourOf(back) || parts[0].Sequence != 2 {
		t.Fatalf("%+v", parts)
	}
	tally.Acknowledge(back)
	tally.Count(new(call(1, back)))
	if tally.Due(back, 0) {
		t.Error("due for ever")
	}
}

func TestABrokenOffReportGoesOnWhereItStopped(t *testing.T) {
	tally := usage.NewTally("e")
	for i := range 1000 {
		tally.Count(new(call(i, noon)))
	}
	first := tally.Report(noon)
	for _, part := range first[:2] {
		tally.AcknowledgePart(part)
	}
	next := tally.Report(noon)
	if len(next) != len(first)-2 || next[0].Entries[0].Subject != first[2].Entries[0].Subject || next[0].Sequence != first[0].Sequence+1 {
		t.Fatalf("%d parts, then %d", len(first), len(next))
	}
	for _, part := range next {
		tally.AcknowledgePart(part)
	}
	if tally.Report(noon) != nil || tally.Due(noon.Add(time.Hour), time.Hour) {
		t.Error("something is left")
	}
	tally.Count(new(call(1, noon)))
	if again := tally.Report(noon); len(again) != 1 || again[0].Entries[0].Counts["c:c:allowed"] != 2 {
		t.Errorf("%+v", again)
	}
}

// TestHostsOfManyKeysAreBoundedTogether: somebody sends made-up origins for every key they know.
func TestHostsOfManyKeysAreBoundedTogether(t *testing.T) {
	tally, pad := usage.NewTally("e"), strings.Repeat("x", 240)
	for i := range 2000 {
		for h := range 60 {
			c := call(i, noon)
			c.Host = fmt.Sprintf("%s%d", pad, h)
			tally.Count(&c)
		}
	}
	names, calls := 0, int64(0)
	for _, part := range tally.Report(noon) {
		for _, e := range part.Entries {
			for d, n := range e.Counts {
				if d[0] == 'o' {
					names += len(d)
					calls += n
				}
			}
		}
	}
	if names > 5<<20 || calls != 2000*60 || tally.Dropped != 0 {
		t.Errorf("%d bytes of names for %d calls", names, calls)
	}
	tally.Acknowledge(noon)
	if r := tally; len(r.Report(noon)) != 0 {
		t.Error("something is left")
	}
	c := call(1, noon)
	c.Host = pad + "next" // as long as those that took all the room
	tally.Count(&c)
	if got := tally.Report(noon)[0].Entries[0].Counts; got[usage.Dimension("o:"+c.Host+":allowed")] != 1 {
		t.Error("no room for hosts in the next generation")
	}
}
