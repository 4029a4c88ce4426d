package statement_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/product"
	"latchkey/shared/usage"
	"latchkey/shared/usage/statement"
)

const acct account.ID = "acc_01HZY3M7Q8R9S0T1V2W3X4Y5Z6"

var november = statement.MonthOf(time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC))

func TestAMonthIsWrittenInOneWay(t *testing.T) {
	for text, ok := range map[string]bool{
		"2026-11": true, "2000-01": true, "9999-12": true, "2026-13": false, "2026-00": false, "2026-1": false, "1999-12": false, "": false, "2026-11-01": false, " 2026-11": false, "+026-11": false,
	} {
		m, err := statement.ParseMonth(text)
		if (err == nil) != ok || ok && m.String() != text || !ok && m != 0 {
			t.Errorf("%q: %q, %v", text, m, err)
		}
	}
	if !november.End().Equal(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)) || !november.Settled().Equal(time.Date(2026, 12, 5, 0, 0, 0, 0, time.UTC)) || (november+2).String() != "2027-01" {
		t.Errorf("%v %v %v", november.End(), november.Settled(), november+2)
	}
}

// TestAMonthsDaysAreCountedWhileItsStatementCanBeMade, to the last instant of the present month, and of one month more they aren't.
func TestAMonthsDaysAreCountedWhileItsStatementCanBeMade(t *testing.T) {
	for present := november; present < november+96; present++ {
		last := present.End().Add(-time.Nanosecond)
		if first := present - statement.MostMonths; !first.Whole(last) || (first - 1).Whole(last) {
			t.Errorf("in %s: the days of %s are all counted: %t; those of the month before: %t", present, first, first.Whole(last), (first - 1).Whole(last))
		}
	}
}

// TestStatementsAreOfThirteenMonths at each instant of a month: the present one and the last twelve.
func TestStatementsAreOfThirteenMonths(t *testing.T) {
	for _, at := range []time.Time{november.Begin(), november.Begin().Add(50 * time.Hour), november.End().Add(-time.Nanosecond)} {
		for month, want := range map[statement.Month]bool{november + 1: false, november: true, november - 12: true, november - 13: false} {
			if got := month.Stated(at); got != want {
				t.Errorf("at %v: %s: %t", at, month, got)
			}
		}
	}
}

// TestCallsTouchAMonthToItsLastInstant: what may be about the instant before its end is about it, and what begins with the next isn't.
func TestCallsTouchAMonthToItsLastInstant(t *testing.T) {
	for _, c := range []struct {
		from, to time.Time
		want     bool
	}{
		{november.End().Add(-time.Hour), november.End().Add(-time.Hour), true},
		{november.End(), november.End().Add(time.Hour), false},
		{november.Begin(), november.Begin(), true},
		{november.Begin().Add(-2 * time.Hour), november.Begin().Add(-time.Hour), false},
		{november.Begin().Add(-time.Hour), november.End().Add(time.Hour), true},
	} {
		if got := november.Touches(c.from, c.to); got != c.want {
			t.Errorf("%v to %v: %v", c.from, c.to, got)
		}
	}
}

// counted are counters of a day of some calls, as environments report them and the counter adds them up.
func counted(calls []usage.Call) (total []usage.Row, byKey map[apikey.ID][]usage.Row) {
	byKey = map[apikey.ID][]usage.Row{}
	of := func(key apikey.ID, of []usage.Call) (rows []usage.Row) {
		for _, p := range []product.ID{"", "search", "map-display"} {
			counts := usage.Counts{}
			for _, c := range of {
				if c.Subject.Product != p {
					continue
				}
				counts[usage.Dimension("c:c:"+c.Code)]++
				if c.Billing != "" {
					class := strings.TrimPrefix(strings.TrimPrefix(string(c.Class), string(p)), ".")
					counts[usage.Dimension(fmt.Sprintf("b:%s:%s:%s", class, c.Billing, c.Code))]++
				}
			}
			if len(counts) > 0 {
				rows = append(rows, usage.Row{Start: november.Begin(), Key: key, Product: p, Counts: counts})
			}
		}
		return rows
	}
	split := map[apikey.ID][]usage.Call{}
	for _, c := range calls {
		split[c.Subject.Key] = append(split[c.Subject.Key], c)
	}
	for key, list := range split {
		byKey[key] = of(key, list)
	}
	return of("", calls), byKey
}

func someCalls(rt *rapid.T) []usage.Call {
	return rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) usage.Call {
		p := rapid.SampledFrom([]product.ID{"", "search", "map-display"}).Draw(rt, "product")
		c := usage.Call{
			Subject: usage.Subject{Account: acct, Product: p, Key: rapid.SampledFrom([]apikey.ID{"key_a", "key_b", "key_c"}).Draw(rt, "key")},
			Code:    rapid.SampledFrom([]authz.Code{authz.Allowed, authz.QPSExceeded, authz.QuotaExceeded, "of_a_later_release"}).Draw(rt, "code"),
			Billing: rapid.SampledFrom([]apikey.BillingType{"", "free", "paying"}).Draw(rt, "billing"),
		}
		if p != "" {
			c.Class = product.Class(string(p) + rapid.SampledFrom([]string{"", ".tiles"}).Draw(rt, "class"))
		}
		return c
	}), 0, 60).Draw(rt, "calls")
}

var allKeys = []apikey.ID{"key_a", "key_b", "key_c"}

func sum(rows []statement.Row) (n int64) {
	for _, r := range rows {
		n += r.Allowed() + r.Refused()
	}
	return n
}

// TestEachCallIsInOneRow, those of keys that are gone too; and a table that is read again says the same.
func TestEachCallIsInOneRow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		calls := someCalls(rt)
		total, byKey := counted(calls)
		gone := rapid.SampledFrom([]apikey.ID{"", "key_a"}).Draw(rt, "gone")
		var keys []usage.Row
		for key, rows := range byKey {
			if key != gone {
				keys = append(keys, rows...)
			}
		}
		rows := madeOf(total, keys)
		want := map[statement.Place]int64{}
		for _, c := range calls {
			at := statement.Place{Account: acct, Key: c.Subject.Key, Product: c.Subject.Product, Class: c.Class, Billing: c.Billing}
			if c.Billing == "" {
				at.Class = ""
			}
			if at.Key == gone {
				at.Key = ""
			}
			want[at]++
		}
		for _, r := range rows {
			if n := r.Allowed() + r.Refused(); want[r.Place] != n {
				rt.Errorf("%+v: %d, want %d", r, n, want[r.Place])
			}
			delete(want, r.Place)
		}
		if len(want) > 0 || !slices.IsSortedFunc(rows, statement.Compare) {
			rt.Errorf("%v are in no row of %v", want, rows)
		}
		columns := statement.Columns()
		again, err := statement.Decode(columns, statement.Encode(columns, november, rows))
		if err != nil || len(statement.Differences(november, allKeys, statement.Fold(columns, rows), again)) != 0 || sum(again) != int64(len(calls)) {
			rt.Errorf("read again: %v, %v", again, err)
		}
	})
}

// TestAdjustmentsMakeEqualWhatWasCountedSince, whatever was: also a billing type that wasn't known before.
func TestAdjustmentsMakeEqualWhatWasCountedSince(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rowsOf := func(calls []usage.Call) []statement.Row {
			total, byKey := counted(calls)
			var keys []usage.Row
			for _, rows := range byKey {
				keys = append(keys, rows...)
			}
			return madeOf(total, keys)
		}
		before, after := rowsOf(someCalls(rt)), rowsOf(someCalls(rt))
		adjustments := statement.Differences(november, allKeys, after, before)
		if left := statement.Differences(november, allKeys, after, before, adjustments); len(left) != 0 {
			rt.Errorf("%v are left", left)
		}
		if sum(before)+sum(adjustments) != sum(after) {
			rt.Errorf("%v and %v aren't %v", before, adjustments, after)
		}
		for _, r := range adjustments {
			if r.Adjusts != november {
				rt.Errorf("%+v", r)
			}
		}
		if len(statement.Own(slices.Concat(before, adjustments))) != len(before) {
			rt.Error("adjustments are taken for the month's own")
		}
	})
}

// TestPurgedKeysAreNoDifference: what was said of them stays said. One call more of theirs, or another type, is one, and adjusted it is none.
func TestPurgedKeysAreNoDifference(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		calls := someCalls(rt)
		known := rapid.SliceOfDistinct(rapid.SampledFrom(allKeys), rapid.ID).Draw(rt, "known")
		rows := func(calls []usage.Call, known []apikey.ID) []statement.Row {
			total, byKey := counted(calls)
			var keys []usage.Row
			for _, id := range known {
				keys = append(keys, byKey[id]...)
			}
			return madeOf(total, keys)
		}
		said := rows(calls, allKeys)
		if more := statement.Differences(november, known, rows(calls, known), said); len(more) != 0 {
			rt.Errorf("%v, and only %v are known", more, known)
		}
		if len(calls) == 0 {
			return
		}
		// Of a product and outcome all calls have a type, so that none may have come from those without one.
		i := rapid.IntRange(0, len(calls)-1).Draw(rt, "changed")
		for j := range calls {
			calls[j].Billing = cmp.Or(calls[j].Billing, "free")
		}
		said = rows(calls, allKeys)
		changed := slices.Clone(calls)
		if rapid.Bool().Draw(rt, "one more") {
			changed = append(changed, calls[i])
		} else {
			changed[i].Billing = "evaluation"
		}
		now := rows(changed, known)
		more := statement.Differences(november, known, now, said)
		if len(more) == 0 || sum(more) != int64(len(changed)-len(calls)) {
			rt.Errorf("%v for %v, changed to %v", more, said, now)
		}
		if left := statement.Differences(november, known, now, said, more); len(left) != 0 {
			rt.Errorf("adjusted by %v, %v are left", more, left)
		}
	})
}

// TestCallsOfAnotherKeyAreADifference, where both keys are known, although the account has as many.
func TestCallsOfAnotherKeyAreADifference(t *testing.T) {
	row := func(k apikey.ID, n int64) statement.Row {
		at := statement.Place{Account: acct, Key: k, Product: "search", Class: "search", Billing: "free"}
		return statement.Row{Place: at, Calls: map[authz.Code]int64{authz.Allowed: n}}
	}
	said, now := []statement.Row{row("key_a", 2), row("key_b", 1)}, []statement.Row{row("key_a", 1), row("key_b", 2)}
	if more := statement.Differences(november, allKeys, now, said); len(more) != 2 || more[0].Allowed() != -1 || more[1].Allowed() != 1 {
		t.Errorf("%+v", more)
	}
}

// TestWhatIsNotKnownAnyMoreIsNoDifference: the account has room for fewer types than its keys had together.
func TestWhatIsNotKnownAnyMoreIsNoDifference(t *testing.T) {
	row := func(k apikey.ID, b apikey.BillingType, n int64) statement.Row {
		return statement.Row{Place: statement.Place{Account: acct, Key: k, Product: "search", Billing: b}, Calls: map[authz.Code]int64{authz.Allowed: n}}
	}
	for name, tt := range map[string]struct {
		now, said []statement.Row
		want      int
	}{
		"of a purged key":                     {[]statement.Row{row("", "", 5)}, []statement.Row{row("key_x", "free", 5)}, 0},
		"known since":                         {[]statement.Row{row("", "free", 5)}, []statement.Row{row("key_x", "", 5)}, 0},
		"of a key that is there, not its own": {[]statement.Row{row("key_a", "", 5), row("", "paying", 3)}, []statement.Row{row("key_a", "", 5), row("key_x", "free", 3)}, 0},
		"another type":                        {[]statement.Row{row("", "paying", 5)}, []statement.Row{row("key_x", "free", 5)}, 2},
	} {
		if more := statement.Differences(november, allKeys, tt.now, tt.said); len(more) != tt.want {
			t.Errorf("%s: %+v", name, more)
		}
	}
}

// TestWhatTheAccountAndItsKeysTellApartDifferentlyIsCountedOnce: the account's room for kinds is the smaller one.
func madeOf(total, keys []usage.Row) []statement.Row {
	s := statement.SumOf(acct)
	s.Add(keys)
	return s.Rows(total)
}

func TestWhatTheAccountAndItsKeysTellApartDifferentlyIsCountedOnce(t *testing.T) {
	total := []usage.Row{{Product: "search", Counts: usage.Counts{"c:c:allowed": 10, "b:*:free:allowed": 6, "b:a:free:allowed": 4}}}
	keys := []usage.Row{{Key: "key_a", Product: "search", Counts: usage.Counts{"c:c:allowed": 7, "b:a:free:allowed": 7}}}
	rows := madeOf(total, keys)
	if sum(rows) != 10 || len(rows) != 2 || rows[1].Key != "" || rows[1].Allowed() != 3 || rows[1].Class != "*" {
		t.Errorf("%+v", rows)
	}
}

// TestColumnsOfUpstreamsAreReservedAndEmpty.
func TestColumnsOfUpstreamsAreReservedAndEmpty(t *testing.T) {
	columns := statement.Columns()
	line := string(statement.Encode(columns, november, []statement.Row{{Place: statement.Place{Account: acct, Product: "search"}, Calls: map[authz.Code]int64{authz.Allowed: 2, "later": 1}}}))
	if !strings.HasSuffix(strings.Join(columns, ","), ",other_refusals,upstream_2xx,upstream_3xx,upstream_4xx,upstream_5xx") || !strings.HasSuffix(line, ",1,,,,\n") ||
		!strings.HasPrefix(line, "2026-11,,"+string(acct)+",,search,,,3,2,1,") {
		t.Errorf("%s%s", columns, line)
	}
}

func FuzzDecode(f *testing.F) {
	columns := statement.Columns()
	f.Add(string(statement.Encode(columns, november, []statement.Row{{Place: statement.Place{Account: acct, Adjusts: november}, Calls: map[authz.Code]int64{authz.Allowed: -2}}})))
	f.Add(strings.Repeat(",", len(columns)-1) + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := statement.Decode(columns, []byte(text))
		if err != nil {
			return
		}
		again, err := statement.Decode(columns, statement.Encode(columns, november, rows))
		if err != nil || fmt.Sprint(again) != fmt.Sprint(rows) {
			t.Errorf("%v, %v", again, err)
		}
	})
}
