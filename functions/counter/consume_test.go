package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/dynamo"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
)

func TestARepeatedBatchIsCountedOnce(t *testing.T) {
	r := newHarness(t)
	for range 3 {
		if again := r.invoke(t, record("1", "a", 3, 1, 2), record("2", "b", 4, 1)); again != "" {
			t.Fatalf("again from %q", again)
		}
	}
	if r.count(t, 1) != 7 || r.count(t, 2) != 3 {
		t.Errorf("%d and %d", r.count(t, 1), r.count(t, 2))
	}
	at, err := r.store.FreshAt(t.Context(), acct)
	if err != nil || !at.Equal(keytest.Now) {
		t.Errorf("fresh at %v, %v", at, err)
	}
}

func TestAnOldReportAfterANewOneChangesNothing(t *testing.T) {
	r := newHarness(t)
	r.invoke(t, record("2", "a", 5, 1))
	r.invoke(t, record("1", "a", 3, 1))
	if n := r.count(t, 1); n != 5 {
		t.Errorf("%d calls", n)
	}
}

// TestSampleEventsAreQuarantined: AWS's own sample is of another table, so nothing in it can be counted, and all of it
// but removals is kept.
func TestSampleEventsAreQuarantined(t *testing.T) {
	for name, want := range map[string]int{"dynamodb-event.json": 2, "lambda-guide.json": 2} {
		payload, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		r := newHarness(t)
		for range 2 {
			out, err := r.Invoke(t.Context(), payload)
			if err != nil || string(out) != `{"batchItemFailures":[]}` {
				t.Fatalf("%s: %s, %v", name, out, err)
			}
		}
		if got := r.quarantined(t); len(got) != want {
			t.Errorf("%s: %d records quarantined: %v", name, len(got), got)
		}
	}
}

// mutations turn a good record into one that can't be counted.
var mutations = map[string]func(record map[string]any, image map[string]any){
	"no image":          func(r, _ map[string]any) { delete(r["dynamodb"].(map[string]any), "NewImage") },
	"image is null":     func(r, _ map[string]any) { r["dynamodb"].(map[string]any)["NewImage"] = nil },
	"image is a list":   func(r, _ map[string]any) { r["dynamodb"].(map[string]any)["NewImage"] = []any{} },
	"unknown type":      func(_, i map[string]any) { i["e"] = map[string]any{"Q": "x"} },
	"two types":         func(_, i map[string]any) { i["e"] = map[string]any{"S": "x", "N": "1"} },
	"null entries":      func(_, i map[string]any) { i["e"] = map[string]any{"NULL": true} },
	"entry is a text":   func(_, i map[string]any) { i["e"] = map[string]any{"L": []any{map[string]any{"S": "x"}}} },
	"38 digits":         func(_, i map[string]any) { i["seq"] = map[string]any{"N": strings.Repeat("9", 38)} },
	"38 digits counted": func(_, i map[string]any) { counts(i)["c:c:allowed"] = map[string]any{"N": strings.Repeat("9", 38)} },
	"a fraction":        func(_, i map[string]any) { counts(i)["c:c:allowed"] = map[string]any{"N": "1.5"} },
	"negative":          func(_, i map[string]any) { counts(i)["c:c:allowed"] = map[string]any{"N": "-1"} },
	"odd number":        func(_, i map[string]any) { i["v"] = map[string]any{"N": "one"} },
	"other version":     func(_, i map[string]any) { i["v"] = map[string]any{"N": "2"} },
	"no account":        func(_, i map[string]any) { delete(entry(i), "a") },
	"account of others": func(_, i map[string]any) { entry(i)["a"] = map[string]any{"S": "acc_x#K"} },
	"odd dimension":     func(_, i map[string]any) { counts(i)["q:1"] = map[string]any{"N": "1"} },
	"far future":        func(_, i map[string]any) { entry(i)["h"] = map[string]any{"N": "99999999"} },
	"too old":           func(_, i map[string]any) { entry(i)["h"] = map[string]any{"N": "1"} },
	"no envelope":       func(r, _ map[string]any) { r["dynamodb"] = "x" },
}

func entry(image map[string]any) map[string]any {
	return image["e"].(map[string]any)["L"].([]any)[0].(map[string]any)["M"].(map[string]any)
}

func counts(image map[string]any) map[string]any {
	return entry(image)["c"].(map[string]any)["M"].(map[string]any)
}

func mutate(good json.RawMessage, change func(record map[string]any, image map[string]any)) json.RawMessage {
	var r map[string]any
	if err := json.Unmarshal(good, &r); err != nil {
		panic(err)
	}
	change(r, r["dynamodb"].(map[string]any)["NewImage"].(map[string]any))
	out, _ := json.Marshal(r)
	return out
}

// TestAPoisonRecordIsQuarantinedWholeAndTheRestCounted: nothing of it is counted, not even its good entries.
func TestAPoisonRecordIsQuarantinedWholeAndTheRestCounted(t *testing.T) {
	for name, change := range mutations {
		t.Run(name, func(t *testing.T) {
			r := newHarness(t)
			bad := mutate(record("2", "b", 1, 1, 2), change)
			for range 2 {
				if again := r.invoke(t, record("1", "a", 3, 1), bad, record("3", "c", 4, 2)); again != "" {
					t.Fatalf("again from %q", again)
				}
			}
			if r.count(t, 1) != 3 || r.count(t, 2) != 4 {
				t.Errorf("%d and %d calls", r.count(t, 1), r.count(t, 2))
			}
			quarantined := r.quarantined(t)
			if len(quarantined) != 1 {
				t.Fatalf("quarantined: %v", quarantined)
			}
			for _, kept := range quarantined {
				if kept != string(bad) {
					t.Errorf("kept %s", kept)
				}
			}
		})
	}
}

func TestQuarantinedRecordsAreAMetricForTheAlarm(t *testing.T) {
	r := newHarness(t)
	r.invoke(t, record("1", "a", 3, 1))
	if r.written.Len() > 0 {
		t.Errorf("a good batch wrote %s", r.written)
	}
	r.invoke(t, mutate(record("2", "b", 1, 1), mutations["no image"]), record("3", "c", 4, 2), mutate(record("4", "d", 1, 1), mutations["no image"]))
	if line := r.written.String(); strings.Count(line, "\n") != 1 || !strings.Contains(line, `"UsageSetAside":2`) {
		t.Errorf("wrote %s", line)
	}
}

func TestRemovalsAreNeitherCountedNorQuarantined(t *testing.T) {
	r := newHarness(t)
	expired := mutate(record("1", "a", 3, 1), func(record, _ map[string]any) {
		record["eventName"] = "REMOVE"
		record["userIdentity"] = map[string]any{"type": "Service", "principalId": "dynamodb.amazonaws.com"}
		delete(record["dynamodb"].(map[string]any), "NewImage")
	})
	if again := r.invoke(t, expired); again != "" || len(r.quarantined(t)) != 0 || r.count(t, 1) != 0 {
		t.Errorf("again from %q, quarantined %v, %d counted", again, r.quarantined(t), r.count(t, 1))
	}
}

func TestAnEventThatIsNoneIsAnError(t *testing.T) {
	r := newHarness(t)
	for _, payload := range []string{``, `null x`, `[]`, `{"Records":1}`} {
		if out, err := r.Invoke(t.Context(), []byte(payload)); err == nil {
			t.Errorf("%q: %s", payload, out)
		}
	}
	if out, err := r.Invoke(t.Context(), []byte(`{"Records":[]}`)); err != nil || string(out) != `{"batchItemFailures":[]}` {
		t.Errorf("no records: %s, %v", out, err)
	}
}

func TestAStoreThatFailsGetsTheBatchAgainFromItsFirstRecord(t *testing.T) {
	for _, call := range []string{"BatchGetItem", "TransactWriteItems"} {
		synctest.Test(t, func(t *testing.T) {
			db, tables := keytest.NewMemory()
			down := true
			r := on(keytest.NewFaults(db, func(name string, _ int) keytest.Fault {
				if down && name == call {
					return keytest.Before
				}
				return keytest.NoFault
			}), tables.Counters)
			batch := []json.RawMessage{record("11", "a", 3, 1), record("12", "b", 4, 1)}
			if again := r.invoke(t, batch...); again != "11" {
				t.Fatalf("%s: again from %q", call, again)
			}
			down = false
			if again := r.invoke(t, batch...); again != "" || r.count(t, 1) != 7 {
				t.Errorf("%s: again from %q, %d counted", call, again, r.count(t, 1))
			}
		})
	}
}

// TestARecordThatCannotBeQuarantinedComesAgain: else it would be lost.
func TestARecordThatCannotBeQuarantinedComesAgain(t *testing.T) {
	db, tables := keytest.NewMemory()
	r := on(keytest.NewFaults(db, keytest.OnCall("PutItem", 1, keytest.Before)), tables.Counters)
	bad := mutate(record("12", "b", 1, 1), mutations["no image"])
	batch := []json.RawMessage{record("11", "a", 3, 1), bad, record("13", "c", 4, 1)}
	if again := r.invoke(t, batch...); again != "12" || r.count(t, 1) != 7 {
		t.Fatalf("again from %q, %d counted", again, r.count(t, 1))
	}
	if again := r.invoke(t, batch[1:]...); again != "" || len(r.quarantined(t)) != 1 || r.count(t, 1) != 7 {
		t.Errorf("again from %q, quarantined %v, %d counted", again, r.quarantined(t), r.count(t, 1))
	}
	huge := mutate(record("14", "d", 1, 1), func(_, i map[string]any) { i["v"] = map[string]any{"S": strings.Repeat("x", maxQuarantined)} })
	if again := r.invoke(t, record("13", "c", 4, 1), huge); again != "14" {
		t.Errorf("one too large for an item: again from %q", again)
	}
}

// TestACounterThatCannotBeReadSpoilsNoOther: somebody has damaged one stored item.
func TestACounterThatCannotBeReadSpoilsNoOther(t *testing.T) {
	r := newHarness(t)
	all := []json.RawMessage{}
	for i := range 40 {
		all = append(all, record(fmt.Sprint(100+i), fmt.Sprint("e", i), 2, i))
	}
	r.invoke(t, all...)
	hour := fmt.Sprintf("H#%09d#search", usage.HourOf(keytest.Now))
	_, err := r.db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &r.table, Item: dynamo.Item{
		"pk": dynamo.S("K#" + string(acct) + "#" + string(keyID(7))), "sk": dynamo.S(hour), "v": dynamo.S("damaged"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		all[i] = record(fmt.Sprint(200+i), fmt.Sprint("e", i), 3, i)
	}
	if again := r.invoke(t, all...); again != "" {
		t.Fatalf("again from %q", again)
	}
	for i := range all {
		if i != 7 && r.count(t, i) != 3 {
			t.Errorf("key %d has %d calls", i, r.count(t, i))
		}
	}
	if quarantined := r.quarantined(t); len(quarantined) != 1 || quarantined["207#event-207"] == "" {
		t.Errorf("quarantined: %v", quarantined)
	}
	if !strings.Contains(r.logs.String(), "207") {
		t.Error("nothing is logged")
	}
}

// TestEachRecordThatIsNotCountedIsSetAside: those of one environment about one key are merged before they are counted, and
// none of them is lost with the others. Sent again when the counter works again, they are counted.
func TestEachRecordThatIsNotCountedIsSetAside(t *testing.T) {
	r := newHarness(t)
	damage(t, r.db, r.table, acct, 1)
	all := map[string]json.RawMessage{ // by what is made of them
		"1#event-1": record("1", "a", 1, 1), "2#event-2": record("2", "a", 2, 1), "3#event-3": record("3", "a", 3, 1, 2),
		"4#event-4": record("4", "b", 5, 1), "5#event-5": record("5", "b", 5, 1),
	}
	good := record("6", "c", 7, 2)
	var batch []json.RawMessage
	for _, id := range slices.Sorted(maps.Keys(all)) {
		batch = append(batch, all[id])
	}
	if again := r.invoke(t, append(batch, good)...); again != "" {
		t.Fatalf("again from %q", again)
	}
	aside := r.quarantined(t)
	if got, want := slices.Sorted(maps.Keys(aside)), slices.Sorted(maps.Keys(all)); !slices.Equal(got, want) {
		t.Fatalf("set aside are %v, want %v", got, want)
	}
	if got := r.count(t, 2); got != 3+7 {
		t.Errorf("%d calls of the good key", got)
	}
	_, err := r.db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &r.table, Key: dynamo.Item{
		"pk": dynamo.S("K#" + string(acct) + "#" + string(keyID(1))), "sk": dynamo.S(fmt.Sprintf("H#%09d#search", usage.HourOf(keytest.Now))),
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range slices.Sorted(maps.Keys(aside)) {
		if again := r.invoke(t, json.RawMessage(aside[id])); again != "" {
			t.Fatalf("%s: again from %q", id, again)
		}
	}
	if one, two := r.count(t, 1), r.count(t, 2); one != 3+5 || two != 3+7 {
		t.Errorf("sent again: %d and %d calls", one, two)
	}
}

// TestALateAccountIsNotFresh: one of its transactions failed, so it lacks something.
func TestALateAccountIsNotFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, tables := keytest.NewMemory()
		transactions := 0
		r := on(keytest.NewFaults(db, func(name string, _ int) keytest.Fault {
			if name == "TransactWriteItems" {
				if transactions++; transactions <= tries*3 { // the first batch's, with all their attempts
					return keytest.Before
				}
			}
			return keytest.NoFault
		}), tables.Counters)
		keys := make([]int, 60)
		for i := range keys {
			keys[i] = i
		}
		batch := record("1", "a", 1, keys...)
		if again := r.invoke(t, batch); again != "1" {
			t.Fatalf("again from %q", again)
		}
		if at, err := r.store.FreshAt(t.Context(), acct); err != nil || !at.IsZero() {
			t.Errorf("fresh at %v, %v", at, err)
		}
		if n := r.count(t, 59); n != 1 {
			t.Errorf("the last key has %d calls", n)
		}
		if again := r.invoke(t, batch); again != "" {
			t.Fatalf("again from %q", again)
		}
		if at, err := r.store.FreshAt(t.Context(), acct); err != nil || !at.Equal(keytest.Now) {
			t.Errorf("then fresh at %v, %v", at, err)
		}
	})
}

// TestItStopsInTimeToAnswer: Lambda would repeat everything after a time-out.
func TestItStopsInTimeToAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, tables := keytest.NewMemory()
		r := on(keytest.NewFaults(db, func(name string, _ int) keytest.Fault {
			if name == "TransactWriteItems" {
				return keytest.Conflict
			}
			return keytest.NoFault
		}), tables.Counters)
		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
		defer cancel()
		var all []json.RawMessage
		for i := range 2000 {
			all = append(all, record(fmt.Sprint(i), fmt.Sprint("e", i), 1, i%900))
		}
		out, err := r.Invoke(ctx, keytest.StreamEvent(all...))
		if err != nil || string(out) != `{"batchItemFailures":[{"itemIdentifier":"0"}]}` || ctx.Err() != nil {
			t.Errorf("%s, %v, %v", out, err, ctx.Err())
		}
	})
}

func TestARecordWithoutASequenceNumberIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, tables := keytest.NewMemory()
		r := on(keytest.NewFaults(db, func(string, int) keytest.Fault { return keytest.Before }), tables.Counters)
		_, err := r.Invoke(t.Context(), keytest.StreamEvent(record("", "a", 1, 1)))
		if !errors.Is(err, keytest.ErrInjected) {
			t.Errorf("got %v", err)
		}
	})
}

// stores returns harnesses on the store in memory with faults, and on the real engine.
func stores(t *testing.T, n int) map[string][]*harness {
	memory, tables := keytest.NewMemory()
	engine, real := keytest.Engine(t)
	out := map[string][]*harness{}
	for i := range n {
		faulty := keytest.NewFaults(memory, keytest.AtRandom(uint64(i), 0.02, 0.2, 0.05)) //nolint:gosec // small
		out["memory"] = append(out["memory"], on(faulty, tables.Counters))
		out["engine"] = append(out["engine"], on(keytest.NewFaults(engine, keytest.AtRandom(uint64(i), 0, 0.2, 0.05)), real.Counters)) //nolint:gosec // small
	}
	return out
}

// TestConcurrentConsumersOfOneKeyAreExact: shards are read side by side, and all of them count the same key.
func TestConcurrentConsumersOfOneKeyAreExact(t *testing.T) {
	for name, rigs := range stores(t, 2) {
		t.Run(name, func(t *testing.T) {
			want := int64(0)
			var shards [2][]json.RawMessage
			for i := range 24 {
				want += int64(i%5 + 1)
				shards[i%2] = append(shards[i%2], record(fmt.Sprint(i), fmt.Sprint("e", i), i%5+1, 1, 2))
			}
			var group sync.WaitGroup
			for i, r := range rigs {
				group.Go(func() {
					for rest := shards[i]; len(rest) > 0; {
						n := min(3, len(rest))
						for attempt := 0; r.invoke(t, rest[:n]...) != ""; attempt++ {
							if attempt == 50 {
								t.Error("no end")
								return
							}
						}
						rest = rest[n:]
					}
				})
			}
			group.Wait()
			for key := 1; key <= 2; key++ {
				clean := on(rigs[0].db.(*keytest.Faults).DB, rigs[0].table)
				if n := clean.count(t, key); n != want {
					t.Errorf("key %d has %d calls, want %d", key, n, want)
				}
			}
		})
	}
}
