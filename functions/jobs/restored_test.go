package main

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
)

// back puts a table back to what it was.
func back(t testing.TB, stores keytest.Stores, table string, then []dynamo.Item) {
	t.Helper()
	for _, item := range stores.Items(t, table) {
		key := dynamo.Item{"pk": item["pk"], "sk": item["sk"]}
		if _, err := stores.DB.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: key}); err != nil {
			t.Fatal(err)
		}
	}
	for _, item := range then {
		stores.Put(t, table, item)
	}
}

// TestCountersOfAnOlderInstantAreNoticed: what the last days' reports say and the table lacks is noted, the month waits, and it is counted from the notes. Of a month that is
// final nobody is credited.
func TestCountersOfAnOlderInstantAreNoticed(t *testing.T) {
	f := newFleet(t, newHarnessOn(t, keytest.LongStores(t)), 1, 1, 2)
	then := f.Items(t, f.Tables.Counters)
	f.now = february.End().Add(-30 * time.Hour)
	f.decide(f.tallies[0], f.keys[0], "search", "", "paying", authz.Allowed)
	f.report(t, f.tallies[0], 0)
	f.consume(t, f.now, f.records, false)
	if w := f.job(t, "statements", february.End()).(written); w.Left != 0 {
		t.Fatalf("%+v", w)
	}
	counted := f.Items(t, f.Tables.Counters)
	back(t, f.Stores, f.Tables.Counters, then)
	f.job(t, "statements", february.End().Add(24*time.Hour))
	var noted []statements.Missed
	err := f.billing.notes.EachMissing(t.Context(), february, func(one statements.Missed) error { noted = append(noted, one); return nil })
	if err != nil || len(noted) != 1 || f.setAsides(t) != 1 {
		t.Fatalf("%+v, %v: %v told", noted, err, f.setAsides(t))
	}
	f.at = february.Settled()
	f.daily(t)
	if w := f.job(t, "statements", f.at).(written); len(w.Waiting) != 1 {
		t.Errorf("%+v", w)
	}
	f.consume(t, february.End().Add(25*time.Hour), [][]byte{keytest.StreamRecord("again", "INSERT", noted[0].Report)}, true)
	f.job(t, "statements", february.Settled().Add(time.Hour))
	stated, sums := f.stated(t, february)
	differ(t, "statement and ledger", stated, f.month(february))
	differ(t, "counters and ledger", sums, f.month(february))

	back(t, f.Stores, f.Tables.Counters, then)
	answer, err := f.do(t, "compare")
	if c, _ := answer.(compared); err == nil || c.Failed != 1 || c.Adjusted != 0 || len(c.Equal) != 0 {
		t.Errorf("of a final month: %+v, %v", answer, err)
	}
	back(t, f.Stores, f.Tables.Counters, counted)
	if answer, err := f.do(t, "compare"); err != nil || answer.(compared).Adjusted != 0 {
		t.Errorf("when they are back: %+v, %v", answer, err)
	}
}

// TestStatementsOfAnOlderInstantAreWrittenAgain from the counters as they are then: what was adjusted since is a row of its own month, and its hash says that it is another file.
func TestStatementsOfAnOlderInstantAreWrittenAgain(t *testing.T) {
	r := final(t, keytest.LongStores(t), 2, 1)
	f := &fleet{harness: r}
	before := f.state(t, february)
	if answer, err := r.do(t, "compare"); err != nil || answer.(compared).Adjusted != 1 {
		t.Fatalf("%+v, %v", answer, err)
	}
	back(t, r.Stores, r.Tables.Statements, nil)
	r.at = r.at.Add(usage.MaxReportAge)
	if answer, err := r.do(t, "statements"); err != nil || len(answer.(written).Final) != 1 {
		t.Fatalf("%+v, %v", answer, err)
	}
	after := f.state(t, february)
	if after.SHA256 == before.SHA256 || after.Status != statements.Final {
		t.Errorf("%+v, and before %+v", after, before)
	}
	answer, err := r.do(t, "compare")
	if c, _ := answer.(compared); err != nil || c.Adjusted != 0 || len(c.Equal) != 1 {
		t.Errorf("%+v, %v", answer, err)
	}
	stated, counted := f.stated(t, february)
	differ(t, "statement and counters", stated, counted)
}

// TestAnAccountThatIsBackIsAdjusted: control didn't know it when the statement was written, so it has none; what it used is an adjustment when it is there again.
func TestAnAccountThatIsBackIsAdjusted(t *testing.T) {
	r, _ := stocked(t, keytest.LongStores(t), 2, 1)
	f, id, sound := &fleet{harness: r}, r.ids(t)[1], r.store
	r.store, r.at = without{sound, id}, february.Settled()
	if answer, err := r.do(t, "statements"); err != nil || answer.(written).Accounts != 1 {
		t.Fatalf("%+v, %v", answer, err)
	}
	if answer, err := r.do(t, "compare"); err != nil || len(answer.(compared).Equal) != 1 {
		t.Errorf("while nobody knows it: %+v, %v", answer, err)
	}
	r.store = sound
	if answer, err := r.do(t, "compare"); err != nil || answer.(compared).Adjusted != 1 {
		t.Errorf("when it is back: %+v, %v", answer, err)
	}
	stated, counted := f.stated(t, february)
	differ(t, "statement, adjustments and counters", stated, counted)
}
