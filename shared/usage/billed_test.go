package usage_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/product"
	"latchkey/shared/usage"
)

// billed is a call of a key of a billing type.
func billed(class product.Class, billing apikey.BillingType, code authz.Code) usage.Call {
	return usage.Call{
		At: noon, Code: code, Class: class, Billing: billing, Subject: usage.Subject{Account: acct, Key: keyID(1), Product: "map-display"},
	}
}

// billedOf are the counts by billing type, and what they add up to by outcome.
func billedOf(c usage.Counts) (billed usage.Counts, byCode map[string]int64) {
	billed, byCode = usage.Counts{}, map[string]int64{}
	for d, n := range c {
		if d.Billed() {
			billed[d] = n
			byCode[string(d[strings.LastIndexByte(string(d), ':')+1:])] += n
		}
	}
	return billed, byCode
}

// TestACallCountsUnderTheTypeThatItsKeyHadThen: a key changes its type in the middle of an hour, both types have their own numbers, and
// calls by a record that named none have none.
func TestACallCountsUnderTheTypeThatItsKeyHadThen(t *testing.T) {
	tally := usage.NewTally("e")
	for range 3 {
		tally.Count(new(billed("map-display.tiles", "freemium", authz.Allowed)))
	}
	tally.Count(new(billed("map-display", "freemium", authz.DomainNotAllowed)))
	tally.Count(new(billed("map-display.tiles", "", authz.Allowed)))
	for range 5 {
		tally.Count(new(billed("map-display.tiles", "pay_as_you_grow", authz.Allowed)))
	}
	lost := billed("", "freemium", authz.ProductNotAllowed)
	lost.Subject.Product = ""
	tally.Count(&lost)
	items := map[usage.Item]usage.Stored{}
	deliver(items, tally.Report(noon), 90)
	want := usage.Counts{"b:tiles:freemium:allowed": 3, "b::freemium:domain_not_allowed": 1, "b:tiles:pay_as_you_grow:allowed": 5}
	for item, stored := range items {
		if item.Kind == usage.KeyLastUse || item.Kind == usage.CountedUntil {
			continue
		}
		want := want
		if item.Product == "" {
			want = usage.Counts{"b::freemium:product_not_allowed": 1}
		}
		if got, _ := billedOf(stored.Counts); !maps.Equal(got, want) {
			t.Errorf("%c of %q: %v, want %v", item.Kind, item.Product, got, want)
		}
	}
}

// TestOfEachOutcomeTheBillingTypesAddUp: in each item and whatever is delivered how often in which order, the counts of an outcome by class
// and billing type add up to the calls whose records named a type. Where the items have room, each has its own count.
func TestOfEachOutcomeTheBillingTypesAddUp(t *testing.T) {
	for name, classes := range map[string]int{"a few classes": 3, "more than fit": 400} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) { addUp(t, classes) })
		})
	}
}

func addUp(t *rapid.T, classes int) {
	codes := []authz.Code{authz.Allowed, authz.QPSExceeded, authz.DomainNotAllowed}
	types := []apikey.BillingType{"", "paying", "free", "evaluation"}
	byCode, byKind, reports := map[string]int64{}, map[string]int64{}, []usage.Report{}
	for env := range rapid.IntRange(1, 4).Draw(t, "environments") {
		tally := usage.NewTally(fmt.Sprintf("e%d", env))
		class, billing := rapid.IntRange(0, classes-1).Draw(t, "class"), rapid.IntRange(0, 3).Draw(t, "type")
		for i := range rapid.IntRange(1, 25*classes/3).Draw(t, "calls") {
			c := billed(product.Class(fmt.Sprintf("map-display.%d", (class+i)%classes)), types[(billing+i/classes)%4], codes[i%len(codes)])
			tally.Count(&c)
			if c.Billing != "" {
				byCode[string(c.Code)]++
				byKind[fmt.Sprintf("b:%d:%s:%s", (class+i)%classes, c.Billing, c.Code)]++
			}
			if i%7 == 0 {
				reports = append(reports, flush(tally, noon, i%3)...)
			}
		}
		reports = append(reports, flush(tally, noon, 2)...)
	}
	items := map[usage.Item]usage.Stored{}
	for range 2 {
		for rest := rapid.Permutation(reports).Draw(t, "order"); len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			deliver(items, rest[:n], 90)
			rest = rest[n:]
		}
	}
	for item, stored := range items {
		got, sums := billedOf(stored.Counts)
		if item.Kind == usage.Contributed || item.Kind == usage.KeyLastUse || item.Kind == usage.CountedUntil {
			continue
		}
		if !maps.Equal(sums, byCode) {
			t.Fatalf("%c: %v, want %v", item.Kind, sums, byCode)
		}
		size := 0
		for d, n := range got {
			size += len(d) + 16
			if classes <= 3 && byKind[string(d)] != n {
				t.Fatalf("%c: %d of %s, want %d", item.Kind, n, d, byKind[string(d)])
			}
		}
		if size > 7<<10 {
			t.Fatalf("%c: %d bytes", item.Kind, size)
		}
	}
}

// TestCallsThatAreBilledKeepTheirTypeWhateverIsRefused: a key is called with every refusal of a hundred classes first. What is let through,
// or is over a limit, is still told apart by class; and where there are too many classes for that, by billing type.
func TestCallsThatAreBilledKeepTheirTypeWhateverIsRefused(t *testing.T) {
	tally := usage.NewTally("e")
	refusals := []authz.Code{authz.DomainNotAllowed, authz.OriginMissing, authz.PathNotGranted, authz.ProductNotAllowed, authz.PathNotCanonical}
	for i := range 100 {
		for _, code := range refusals {
			tally.Count(new(billed(product.Class(fmt.Sprint("map-display.class", i)), "freemium", code)))
		}
	}
	tally.Count(new(billed("map-display.tiles", "freemium", authz.Allowed)))
	tally.Count(new(billed("map-display.tiles", "freemium", authz.QPSExceeded)))
	for i := range 100 {
		tally.Count(new(billed(product.Class(fmt.Sprint("map-display.late", i)), "pay_as_you_grow", authz.Allowed)))
	}
	items := map[usage.Item]usage.Stored{}
	deliver(items, tally.Report(noon), 90)
	for item, stored := range items {
		c, grown := stored.Counts, int64(0)
		if item.Kind == usage.KeyLastUse || item.Kind == usage.CountedUntil {
			continue
		}
		for d, n := range c {
			if strings.HasSuffix(string(d), ":pay_as_you_grow:allowed") {
				grown += n
			}
		}
		if c["b:tiles:freemium:allowed"] != 1 || c["b:tiles:freemium:qps_exceeded"] != 1 || grown != 100 || c["b:*:pay_as_you_grow:allowed"] == 0 {
			t.Errorf("%c: %d, %d and %d calls by their types", item.Kind, c["b:tiles:freemium:allowed"], c["b:tiles:freemium:qps_exceeded"], grown)
		}
	}
}

// TestASpoiltBillingTypeIsNone: the call counts all the same, and its report is one that the counter takes. A word of another release is
// one as good as ours.
func TestASpoiltBillingTypeIsNone(t *testing.T) {
	for word, ok := range map[apikey.BillingType]bool{
		"trial": true, "": false, "*": false, "a:b": false, "Paying": false, "free ": false, "\x00": false, "größer": false,
		apikey.BillingType(strings.Repeat("a", 40)): true, apikey.BillingType(strings.Repeat("a", 41)): false,
	} {
		tally := usage.NewTally("e")
		tally.Count(new(billed("map-display", word, authz.Allowed)))
		report := tally.Report(noon)[0]
		if err := report.Check(noon); err != nil {
			t.Errorf("%q: %v", word, err)
		}
		counts := report.Entries[0].Counts
		got, sum := billedOf(counts)
		if counts["c:c:allowed"] != 1 || len(got) > 1 || (sum["allowed"] == 1) != ok || ok && got[usage.Dimension("b::"+string(word)+":allowed")] != 1 {
			t.Errorf("%q counts as %v", word, counts)
		}
	}
	for class, want := range map[product.Class]string{
		product.Class("map-display." + strings.Repeat("c", 64)): strings.Repeat("c", 64), product.Class("map-display." + strings.Repeat("c", 65)): "*",
		"map-display.a b": "*", "map-display.a:b": "a:b", "map-display.": "", "map-display": "", "": "",
	} {
		tally := usage.NewTally("e")
		tally.Count(new(billed(class, "free", authz.Allowed)))
		if got := tally.Report(noon)[0].Entries[0].Counts[usage.Dimension("b:"+want+":free:allowed")]; got != 1 {
			t.Errorf("%q isn't counted as %q", class, want)
		}
	}
}

func TestCountingAKnownBilledCallDoesNotAllocate(t *testing.T) {
	tally := usage.NewTally("e")
	c := billed("map-display.tiles", "freemium", authz.Allowed)
	tally.Count(&c)
	if n := testing.AllocsPerRun(1000, func() { c.At = c.At.Add(time.Millisecond); tally.Count(&c) }); n > 0 {
		t.Errorf("%v allocations a call", n)
	}
}
