package reports_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
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
		tally.Count(usage.Call{
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
	for table, db := range map[string]keytest.DB{names.Slices: memory, real.Slices: engine} {
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
