package counters_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
)

// harness is a counters table.
type harness struct {
	*counters.Store
	db    keytest.DB
	table string
}

func on(db keytest.DB, table string) harness {
	return harness{counters.New(db.(counters.Client), table), db, table}
}

func (r harness) with(choose func(string, int) keytest.Fault) harness {
	return on(keytest.NewFaults(r.db, choose), r.table)
}

// everywhere runs a test in memory and on the engine.
func everywhere(t *testing.T, test func(*testing.T, harness)) {
	t.Run("memory", func(t *testing.T) {
		db, tables := keytest.NewMemory()
		db.PageSize = 3
		test(t, on(db, tables.Counters))
	})
	t.Run("engine", func(t *testing.T) {
		db, tables := keytest.Engine(t)
		test(t, on(db, tables.Counters))
	})
}

var (
	acct = keytest.AccountID()
	key  = keytest.KeyID()
	hour = usage.HourOf(keytest.Now)
)

func hourOf(k apikey.ID, h usage.Hour) usage.Item {
	return usage.Item{Kind: usage.KeyHour, Account: acct, Key: k, Product: "search", Hour: h}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// put writes a new item with n calls.
func (r harness) put(t testing.TB, p usage.Item, n int64) {
	t.Helper()
	must(t, r.Write(t.Context(), map[usage.Item]usage.Stored{p: {Version: 1, Counts: usage.Counts{"c:c:allowed": n}}}))
}

func TestItemsReadBackAsWritten(t *testing.T) {
	everywhere(t, func(t *testing.T, r harness) {
		items := map[usage.Item]usage.Stored{}
		for i, p := range []usage.Item{
			{Kind: usage.Contributed, Account: acct, Key: key, Product: "search", Hour: hour, Environment: "e.0"},
			{Kind: usage.Contributed, Account: acct, Key: key, Product: "search", Hour: hour, Environment: "e.1"},
			{Kind: usage.Contributed, Account: acct, Key: key, Product: "", Hour: hour, Environment: "e.1"},
			{Kind: usage.Contributed, Account: acct, Key: keytest.KeyID(), Product: "", Hour: hour, Environment: "e.1"},
			{Kind: usage.Contributed, Account: acct, Key: key, Product: "", Hour: hour + 1, Environment: "e.1"},
			hourOf(key, hour), hourOf(key, hour+1), hourOf(keytest.KeyID(), hour),
			{Kind: usage.KeyHour, Account: acct, Key: key, Hour: hour},
			{Kind: usage.KeyDay, Account: acct, Key: key, Product: "search", Hour: hour},
			{Kind: usage.AccountHour, Account: acct, Product: "search", Hour: hour},
			{Kind: usage.AccountDay, Account: acct, Product: "search", Hour: hour},
			{Kind: usage.KeyLastUse, Account: acct, Key: key},
		} {
			items[p] = usage.Stored{Version: 1, Counts: usage.Counts{"o:[::1]:allowed": int64(i + 1), "m:07": 2}}
		}
		items[usage.Item{Kind: usage.CountedUntil, Account: acct}] = usage.Stored{Version: 1, Counts: usage.Counts{}, At: keytest.Now}
		must(t, r.Write(t.Context(), items))
		absent := hourOf(key, hour-1)
		wanted := []usage.Item{absent}
		for p := range items {
			wanted = append(wanted, p, p)
		}
		got, err := r.Read(t.Context(), wanted)
		must(t, err)
		items[absent] = usage.Stored{}
		if !reflect.DeepEqual(got, items) {
			t.Errorf("got %v\nwant %v", got, items)
		}
	})
}

func TestAWriteNeedsEveryVersionThatWasRead(t *testing.T) {
	everywhere(t, func(t *testing.T, r harness) {
		one, two := hourOf(key, hour), hourOf(key, hour+1)
		r.put(t, one, 1)
		for name, items := range map[string]map[usage.Item]usage.Stored{
			"made twice":        {one: {Version: 1}},
			"skips a version":   {one: {Version: 3}},
			"of a missing item": {two: {Version: 2}},
			"one of two":        {one: {Version: 1}, two: {Version: 1}},
		} {
			if err := r.Write(t.Context(), items); !errors.Is(err, dynamo.ErrStale) {
				t.Errorf("%s: %v", name, err)
			}
		}
		got, err := r.Read(t.Context(), []usage.Item{one, two})
		must(t, err)
		if got[one].Version != 1 || got[one].Counts["c:c:allowed"] != 1 || got[two].Version != 0 {
			t.Errorf("a refused write left %v", got)
		}
		must(t, r.Write(t.Context(), map[usage.Item]usage.Stored{one: {Version: 2}}))
		must(t, r.Write(t.Context(), nil))
	})
}

func TestOfRacingWritesOneHolds(t *testing.T) {
	everywhere(t, func(t *testing.T, r harness) {
		results := make([]error, 8)
		var group sync.WaitGroup
		for i := range results {
			group.Go(func() {
				results[i] = r.Write(t.Context(), map[usage.Item]usage.Stored{hourOf(key, hour): {Version: 1}, hourOf(key, hour+usage.Hour(i)+1): {Version: 1}})
			})
		}
		group.Wait()
		held := 0
		for _, err := range results {
			if err == nil {
				held++
			} else if !errors.Is(err, dynamo.ErrStale) && !errors.Is(err, dynamo.ErrConflict) {
				t.Error(err)
			}
		}
		if held != 1 {
			t.Errorf("%d writes held", held)
		}
	})
}

func TestALostAnswerIsFoundOut(t *testing.T) {
	everywhere(t, func(t *testing.T, r harness) {
		p := hourOf(key, hour)
		r.with(keytest.OnCall("TransactWriteItems", 1, keytest.After)).put(t, p, 4)
		always := r.with(func(string, int) keytest.Fault { return keytest.After })
		err := always.Write(t.Context(), map[usage.Item]usage.Stored{p: {Version: 2, Counts: usage.Counts{"c:c:allowed": 5}}})
		if !errors.Is(err, dynamo.ErrUnknown) {
			t.Fatalf("got %v", err)
		}
		got, err := r.Read(t.Context(), []usage.Item{p})
		must(t, err)
		if got[p].Version != 2 || got[p].Counts["c:c:allowed"] != 5 {
			t.Errorf("got %v", got[p])
		}
	})
}

func TestAFullTransactionFits(t *testing.T) {
	everywhere(t, func(t *testing.T, r harness) {
		large := usage.Counts{}
		for i := range 120 {
			large[usage.Dimension(fmt.Sprintf("o:%s%d:allowed", strings.Repeat("x", 240), i))] = 1 << 50
		}
		items := map[usage.Item]usage.Stored{}
		for i := range counters.MaxItems {
			items[hourOf(keytest.KeyID(), hour+usage.Hour(i))] = usage.Stored{Version: 1, Counts: large}
		}
		must(t, r.Write(t.Context(), items)) // about 3.2 MB
		var wanted []usage.Item
		for p := range items {
			wanted = append(wanted, p)
		}
		got, err := r.Read(t.Context(), wanted)
		must(t, err)
		if !reflect.DeepEqual(got, items) {
			t.Errorf("%d items", len(got))
		}
	})
}

// TestAnItemThatTheStoreNeverTakesIsReported: an item larger than any that this package makes.
func TestAnItemThatTheStoreNeverTakesIsReported(t *testing.T) {
	db, tables := keytest.Engine(t)
	huge := usage.Counts{}
	for i := range 2000 {
		huge[usage.Dimension(fmt.Sprintf("o:%s%d:allowed", strings.Repeat("x", 240), i))] = 1
	}
	r := on(db, tables.Counters)
	if err := r.Write(t.Context(), map[usage.Item]usage.Stored{hourOf(key, hour): {Version: 1, Counts: huge}}); !errors.Is(err, counters.ErrRefused) {
		t.Errorf("got %v", err)
	}
	r = on(db, "no-such-table")
	if err := r.Write(t.Context(), map[usage.Item]usage.Stored{hourOf(key, hour): {Version: 1}}); err == nil || errors.Is(err, counters.ErrRefused) {
		t.Errorf("a missing table: %v", err)
	}
}

func TestARangeHasItsFirstHourAndNotItsLast(t *testing.T) {
	everywhere(t, func(t *testing.T, r harness) {
		for h := range usage.Hour(8) {
			r.put(t, hourOf(key, hour+h), int64(h)+1)
			r.put(t, hourOf(keytest.KeyID(), hour+h), 100)
		}
		empty := usage.Item{Kind: usage.KeyHour, Account: acct, Key: key, Hour: hour + 2}
		r.put(t, empty, 50)
		r.put(t, usage.Item{Kind: usage.KeyDay, Account: acct, Key: key, Product: "search", Hour: hour}, 1000)
		r.put(t, usage.Item{Kind: usage.AccountHour, Account: acct, Product: "search", Hour: hour}, 2000)
		for name, c := range map[string]struct {
			from, to time.Duration
			days     bool
			want     string
		}{
			"two hours":             {2 * time.Hour, 4 * time.Hour, false, "2:50 2search:3 3search:4 "},
			"all":                   {0, 24 * time.Hour, false, "0search:1 1search:2 2:50 2search:3 3search:4 4search:5 5search:6 6search:7 7search:8 "},
			"nothing":               {9 * time.Hour, 10 * time.Hour, false, ""},
			"begins within an hour": {90 * time.Minute, 4 * time.Hour, false, "2:50 2search:3 3search:4 "},
			"ends within an hour":   {0, 61 * time.Minute, false, "0search:1 1search:2 "},
			"days":                  {0, time.Hour, true, "0search:1000 "},
		} {
			rows, err := r.KeyRows(t.Context(), acct, key, counters.Range{From: keytest.Now.Add(c.from), To: keytest.Now.Add(c.to), Days: c.days})
			must(t, err)
			got := ""
			for _, row := range rows {
				got += fmt.Sprintf("%d%s:%d ", usage.HourOf(row.Start)-hour, row.Product, row.Counts["c:c:allowed"])
			}
			if got != c.want {
				t.Errorf("%s: %q, want %q", name, got, c.want)
			}
		}
		rows, err := r.AccountRows(t.Context(), acct, counters.Range{From: keytest.Now, To: keytest.Now.Add(time.Hour)})
		must(t, err)
		if len(rows) != 1 || rows[0].Key != "" || rows[0].Counts["c:c:allowed"] != 2000 {
			t.Errorf("the account's: %v", rows)
		}
	})
}

func TestLastUseIsReadForManyKeys(t *testing.T) {
	everywhere(t, func(t *testing.T, r harness) {
		keys := make([]apikey.ID, 230)
		for i := range keys {
			keys[i] = keytest.KeyID()
			if i%2 == 0 {
				p := usage.Item{Kind: usage.KeyLastUse, Account: acct, Key: keys[i]}
				must(t, r.Write(t.Context(), map[usage.Item]usage.Stored{p: {Version: 1, Counts: usage.Counts{"l:0123456789": int64(i + 1)}}}))
			}
		}
		got, err := r.LastUsed(t.Context(), acct, keys)
		must(t, err)
		for i, k := range keys {
			if at, used := got[k]["0123456789"]; used != (i%2 == 0) || used && at.Unix() != int64(i+1)*60 {
				t.Errorf("key %d: %v", i, got[k])
			}
		}
		if at, err := r.FreshAt(t.Context(), acct); err != nil || !at.IsZero() {
			t.Errorf("fresh at %v, %v", at, err)
		}
	})
}

func TestADamagedItemIsUnreadable(t *testing.T) {
	everywhere(t, func(t *testing.T, r harness) {
		for name, item := range map[string]dynamo.Item{
			"no version": {"c": dynamo.S("x")},
			"no counts":  {"v": dynamo.N(1)},
			"odd counts": {"v": dynamo.N(1), "c": dynamo.S("x")},
		} {
			item["pk"], item["sk"] = dynamo.S("K#"+string(acct)+"#"+string(key)), dynamo.S(fmt.Sprintf("H#%09d#search", hour))
			_, err := r.db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &r.table, Item: item})
			must(t, err)
			if _, err := r.Read(t.Context(), []usage.Item{hourOf(key, hour)}); !errors.Is(err, dynamo.ErrUnreadable) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestItemsEndWithTheirRetention(t *testing.T) {
	db, tables := keytest.NewMemory()
	r := on(db, tables.Counters)
	for kind, want := range map[usage.Kind]time.Duration{
		usage.Contributed: usage.KeepContributions, usage.KeyHour: usage.KeepHours, usage.AccountHour: usage.KeepHours,
		usage.KeyDay: usage.KeepDays, usage.AccountDay: usage.KeepDays, usage.KeyLastUse: 0, usage.CountedUntil: 0,
	} {
		r.put(t, usage.Item{Kind: kind, Account: acct, Key: key, Hour: hour}, int64(kind))
		ends := int64(0)
		page, err := db.Scan(t.Context(), &dynamodb.ScanInput{TableName: &r.table, ConsistentRead: aws.Bool(true)})
		must(t, err)
		for _, item := range page.Items {
			if c := item["c"].(*types.AttributeValueMemberM); c.Value["c:c:allowed"] != nil {
				if n, _ := dynamo.GetN(c.Value, "c:c:allowed"); n == int64(kind) {
					ends, _ = dynamo.GetN(item, "ttl")
				}
			}
		}
		if want == 0 && ends != 0 || want != 0 && ends != keytest.Now.Add(want).Unix() {
			t.Errorf("%c ends at %d", kind, ends)
		}
	}
}

func TestARecordQuarantinedTwiceIsThereOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, r harness) {
		for range 2 {
			must(t, r.Quarantine(t.Context(), "7", "why", []byte(`{"a": 1}`), keytest.Now))
		}
		page, err := r.db.Scan(t.Context(), &dynamodb.ScanInput{TableName: &r.table, ConsistentRead: aws.Bool(true)})
		must(t, err)
		if len(page.Items) != 1 {
			t.Fatalf("%d items", len(page.Items))
		}
		if record, _ := dynamo.GetS(page.Items[0], "record"); record != `{"a": 1}` {
			t.Errorf("kept %q", record)
		}
	})
}
