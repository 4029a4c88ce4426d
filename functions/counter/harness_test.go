package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/dynamo/reports"
	"latchkey/shared/keytest"
	"latchkey/shared/telemetry"
	"latchkey/shared/usage"
)

const acct account.ID = "acc_01HZY3M7Q8R9S0T1V2W3X4Y5Z6"

func keyID(n int) apikey.ID { return apikey.ID(fmt.Sprintf("key_01HZY3M7Q8R9S0T1V2W3X4Y%03d", n)) }

func call(key int, at time.Time) usage.Call {
	return usage.Call{At: at, Code: authz.Allowed, Subject: usage.Subject{Account: acct, Key: keyID(key), Product: "search"}}
}

// harness is a consumer on a store.
type harness struct {
	consumer
	db    keytest.DB
	store *counters.Store
	table string
	logs  *strings.Builder
	// written collects the metrics that the consumer wrote.
	written *strings.Builder
}

// on makes a consumer on a DynamoDB that may have faults.
func on(db keytest.DB, table string) *harness {
	store := counters.New(db.(counters.Client), table)
	logs, metrics := &strings.Builder{}, &strings.Builder{}
	return &harness{
		consumer: consumer{
			store: store, quotas: noQuotas{}, now: func() time.Time { return keytest.Now }, log: slog.New(slog.NewTextHandler(logs, nil)), metrics: telemetry.Metrics{Namespace: "Latchkey/tests", Out: metrics},
		},
		db: db, store: store, table: table, logs: logs, written: metrics,
	}
}

// noQuotas is for tests of counting alone.
type noQuotas struct{}

func (noQuotas) Tell(context.Context, account.ID, []time.Time) ([]usage.Threshold, error) {
	return nil, nil
}

// newHarness has no faults. Tests with faults stay in memory, as the pauses after a fault are synctest's, which can't
// wait for an engine.
func newHarness(t testing.TB) *harness {
	stores := keytest.Open(t)
	return on(stores.DB, stores.Tables.Counters)
}

// invoke delivers records and returns the sequence number from which they must come again, "" if from nowhere.
func (r *harness) invoke(t testing.TB, records ...json.RawMessage) string {
	t.Helper()
	out, err := r.Invoke(t.Context(), keytest.StreamEvent(records...))
	if err != nil {
		t.Fatalf("an error repeats the whole batch: %v", err)
	}
	return firstFailure(t, out)
}

func firstFailure(t testing.TB, out []byte) string {
	t.Helper()
	var answer struct {
		Failures *[]struct{ ItemIdentifier string } `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(out, &answer); err != nil || answer.Failures == nil || len(*answer.Failures) > 1 {
		t.Fatalf("the answer is %s (%v)", out, err)
	}
	for _, f := range *answer.Failures {
		return f.ItemIdentifier
	}
	return ""
}

// count returns the number of a key's allowed calls to search in the test's hour.
func (r *harness) count(t testing.TB, key int) int64 {
	t.Helper()
	rows, err := r.store.KeyRows(t.Context(), acct, keyID(key), counters.Range{From: keytest.Now.Add(-time.Hour), To: keytest.Now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	sum := int64(0)
	for _, row := range rows {
		sum += row.Counts["c:c:allowed"]
	}
	return sum
}

// quarantined lists the quarantined records by ID.
func (r *harness) quarantined(t testing.TB) map[string]string {
	t.Helper()
	out := map[string]string{}
	var start dynamo.Item
	for {
		page, err := r.db.Scan(context.Background(), &dynamodb.ScanInput{TableName: &r.table, ConsistentRead: aws.Bool(true), ExclusiveStartKey: start})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			if pk, _ := dynamo.GetS(item, "pk"); strings.HasPrefix(pk, "ASIDE#") {
				id, _ := dynamo.GetS(item, "sk")
				out[id], _ = dynamo.GetS(item, "record")
			}
		}
		if start = page.LastEvaluatedKey; len(start) == 0 {
			return out
		}
	}
}

// record is the stream record of a report by an environment that has counted n calls of each key.
func record(sequence, environment string, n int, keys ...int) json.RawMessage {
	tally := usage.NewTally(environment)
	for _, key := range keys {
		for range n {
			tally.Count(new(call(key, keytest.Now)))
		}
	}
	return keytest.StreamRecord(sequence, "INSERT", reports.Encode(tally.Report(keytest.Now)[0]))
}
