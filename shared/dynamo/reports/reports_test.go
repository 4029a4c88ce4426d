package reports_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/reports"
	"latchkey/shared/dynamo/stream"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
	"latchkey/shared/usage"
)

const (
	acct account.ID = "acc_01HZY3M7Q8R9S0T1V2W3X4Y5Z6"
	key  apikey.ID  = "key_01HZY3M7Q8R9S0T1V2W3X4Y5Z6"
)

func report(n int) usage.Report {
	tally := usage.NewTally("environment")
	for i := range n {
		tally.Count(&usage.Call{
			At: keytest.Now, Code: authz.Allowed, Host: fmt.Sprintf("h%d.example", i),
			Subject: usage.Subject{Account: acct, Key: key, Product: "search"},
		})
	}
	return tally.Report(keytest.Now)[0]
}

// TestAReportComesThroughTheStreamAsItWas: encoded, written into a stream record's JSON, read and decoded.
func TestAReportComesThroughTheStreamAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := usage.Report{
			Environment: rapid.StringMatching(`[a-f0-9]{32}\.[0-9]{1,3}`).Draw(t, "environment"),
			Sequence:    rapid.Int64Range(1, 1<<40).Draw(t, "sequence"), Part: rapid.IntRange(0, 99).Draw(t, "part"),
			At: time.UnixMilli(rapid.Int64Range(0, 1<<42).Draw(t, "at")).UTC(),
		}
		for range rapid.IntRange(1, 5).Draw(t, "entries") {
			counts := usage.Counts{}
			for range rapid.IntRange(0, 5).Draw(t, "counts") {
				counts[usage.Dimension(rapid.String().Draw(t, "dimension"))] = rapid.Int64().Draw(t, "n")
			}
			want.Entries = append(want.Entries, usage.Entry{
				Subject: usage.Subject{Account: acct, Key: key, Product: product.ID(rapid.String().Draw(t, "product"))},
				Hour:    usage.Hour(rapid.Int64Range(0, 1<<30).Draw(t, "hour")), Counts: counts,
			})
		}
		records, err := stream.Decode(keytest.StreamEvent(keytest.StreamRecord("1", "INSERT", reports.Encode(want))))
		if err != nil || records[0].Err != nil {
			t.Fatal(err, records[0].Err)
		}
		got, err := reports.Decode(records[0].New)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v\nwant %+v", got, err, want)
		}
	})
}

func TestAReportWrittenTwiceIsThereOnce(t *testing.T) {
	memory, names := keytest.NewMemory()
	engine, real := keytest.Engine(t)
	gate, its := keytest.GateEngine(t)
	for table, db := range map[string]keytest.DB{names.Slices: memory, real.Slices: engine, its.Slices: gate} {
		want := report(40)
		lossy := keytest.NewFaults(db, keytest.OnCall("PutItem", 1, keytest.After))
		w := reports.New(lossy, table)
		if err := w.Write(t.Context(), want); err == nil {
			t.Fatal("a lost answer is no error")
		}
		if err := w.Write(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		page, err := db.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
		if err != nil || len(page.Items) != 1 {
			t.Fatalf("%d items, %v", len(page.Items), err)
		}
		got, err := reports.Decode(page.Items[0])
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v", got, err)
		}
		if ttl, _ := dynamo.GetN(page.Items[0], "ttl"); ttl != keytest.Now.AddDate(0, 0, 4).Unix() {
			t.Errorf("ends at %d", ttl)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(keytest.StreamEvent(keytest.StreamRecord("1", "INSERT", reports.Encode(report(3)))))
	f.Fuzz(func(t *testing.T, payload []byte) {
		records, _ := stream.Decode(payload)
		for _, r := range records {
			got, err := reports.Decode(r.New)
			if err != nil || got.Check(keytest.Now) != nil {
				continue
			}
			if again, err := reports.Decode(reports.Encode(got)); err != nil || again.Check(keytest.Now) != nil {
				t.Errorf("a good report isn't read back: %+v, %v", got, err)
			}
		}
	})
}

// TestADamagedReportIsUnreadable: nothing of it may be missing or of another type, on any level. Read all the same, calls would be counted
// under no hour, no key or no account.
func TestADamagedReportIsUnreadable(t *testing.T) {
	entry := func(item dynamo.Item) dynamo.Item {
		return item["e"].(*types.AttributeValueMemberL).Value[0].(*types.AttributeValueMemberM).Value
	}
	counts := func(item dynamo.Item) dynamo.Item { return entry(item)["c"].(*types.AttributeValueMemberM).Value }
	whole := func(item dynamo.Item) dynamo.Item { return item }
	null := &types.AttributeValueMemberNULL{Value: true}
	check := func(name string, item dynamo.Item) {
		t.Helper()
		if got, err := reports.Decode(item); !errors.Is(err, usage.ErrReport) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for name, in := range map[string]struct {
		part  func(dynamo.Item) dynamo.Item
		names []string
	}{
		"report": {whole, []string{"pk", "v", "seq", "part", "at", "e"}}, "entry": {entry, []string{"a", "k", "p", "h", "c"}},
	} {
		for _, member := range in.names {
			item := reports.Encode(report(2))
			delete(in.part(item), member)
			check(name+" without "+member, item)
			item = reports.Encode(report(2))
			in.part(item)[member] = null
			check(name+" with another type of "+member, item)
		}
	}
	item := reports.Encode(report(2))
	for member := range counts(item) {
		item := reports.Encode(report(2))
		counts(item)[member] = dynamo.S("1")
		check("a count as a text", item)
	}
	item["e"].(*types.AttributeValueMemberL).Value[0] = null
	check("an entry that is no map", item)
	for _, n := range []int64{0, 2} {
		item = reports.Encode(report(2))
		item["v"] = dynamo.N(n)
		check("another version", item)
	}
}

// TestTheReleaseBeforeSeesNoBillingTypes: it sets a report aside for one count of a kind that it doesn't know, and all of the report's calls
// with it. An attribute of an entry that it doesn't know it passes over.
func TestTheReleaseBeforeSeesNoBillingTypes(t *testing.T) {
	tally := usage.NewTally("environment")
	tally.Count(&usage.Call{
		At: keytest.Now, Code: authz.Allowed, Class: "map-display.tiles", Billing: "freemium", Host: "a.example", Proposed: keytest.Now, Shadow: authz.Allowed,
		Subject: usage.Subject{Account: acct, Key: key, Product: "map-display"},
	})
	item := reports.Encode(tally.Report(keytest.Now)[0])
	entry := item["e"].(*types.AttributeValueMemberL).Value[0].(*types.AttributeValueMemberM).Value
	kinds := map[string]int{}
	for name := range entry["c"].(*types.AttributeValueMemberM).Value {
		kinds[name[:2]]++
	}
	if want := map[string]int{"c:": 1, "m:": 1, "o:": 1, "x:": 1, "l:": 1}; !reflect.DeepEqual(kinds, want) {
		t.Errorf("it finds %v, and knows %v", kinds, want)
	}
	if v, _ := dynamo.GetN(item, "v"); v != 1 {
		t.Errorf("format %d", v)
	}
	got, err := reports.Decode(item)
	if err != nil || got.Entries[0].Counts["b:tiles:freemium:allowed"] != 1 {
		t.Errorf("read back: %v, %v", got, err)
	}
}

// TestASpoiltBillingTypeSetsNoReportAside: its other counts are read, and those billing types that are good.
func TestASpoiltBillingTypeSetsNoReportAside(t *testing.T) {
	n := func(v int64) types.AttributeValue { return dynamo.N(v) }
	for name, billed := range map[string]types.AttributeValue{
		"no map": dynamo.S("x"), "no number": &types.AttributeValueMemberM{Value: dynamo.Item{"b::free:allowed": dynamo.S("1")}},
		"another kind": &types.AttributeValueMemberM{Value: dynamo.Item{"c:c:allowed": n(7)}}, "no type": &types.AttributeValueMemberM{Value: dynamo.Item{"b:::allowed": n(1)}},
		"nothing of it": &types.AttributeValueMemberM{Value: dynamo.Item{"b::free:allowed": n(0)}}, "too much of it": &types.AttributeValueMemberM{Value: dynamo.Item{"b::free:allowed": n(1 << 51)}},
		"a word of no shape": &types.AttributeValueMemberM{Value: dynamo.Item{"b::Free!:allowed": n(1)}}, "empty": &types.AttributeValueMemberM{Value: dynamo.Item{}},
	} {
		item := reports.Encode(report(2))
		entry := item["e"].(*types.AttributeValueMemberL).Value[0].(*types.AttributeValueMemberM).Value
		if m, ok := billed.(*types.AttributeValueMemberM); ok {
			m.Value["b::paying:allowed"] = n(2)
		}
		entry["b"] = billed
		got, err := reports.Decode(item)
		if err == nil {
			err = got.Check(keytest.Now)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := report(2).Entries[0].Counts
		if name != "no map" {
			want["b::paying:allowed"] = 2
		}
		if !reflect.DeepEqual(got.Entries[0].Counts, want) {
			t.Errorf("%s: %v, want %v", name, got.Entries[0].Counts, want)
		}
	}
}
