package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/account"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/dynamo/reports"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
)

const otherAcct account.ID = "acc_01HZY3M7Q8R9S0T1V2W3X4Y5Z7"

// reportOf is the record of a report by an environment at a time that has counted one call of each key of an account.
func reportOf(sequence string, id account.ID, at time.Time, keys ...int) json.RawMessage {
	tally := usage.NewTally("e" + sequence)
	for _, key := range keys {
		c := call(key, at)
		c.Subject.Account = id
		tally.Count(&c)
	}
	return keytest.StreamRecord(sequence, "INSERT", reports.Encode(tally.Report(at)[0]))
}

// damage makes a key's counters unreadable.
func damage(t testing.TB, db keytest.DB, table string, id account.ID, key int) {
	t.Helper()
	_, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: dynamo.Item{
		"pk": dynamo.S("K#" + string(id) + "#" + string(keyID(key))), "sk": dynamo.S(fmt.Sprintf("H#%09d#search", usage.HourOf(keytest.Now))), "v": dynamo.S("damaged"),
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func (r *harness) freshAt(t testing.TB, id account.ID) time.Time {
	t.Helper()
	at, err := r.store.FreshAt(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestAnAccountThatLacksAReportIsNotStamped walks the one that can't be counted through a batch that is split to find it.
func TestAnAccountThatLacksAReportIsNotStamped(t *testing.T) {
	const keys = 9
	for bad := range keys {
		for _, many := range []bool{false, true} { // keys in one report, or in one each
			db, tables := keytest.NewMemory()
			r := on(db, tables.Counters)
			damage(t, db, tables.Counters, acct, bad)
			batch, all := []json.RawMessage{}, []int{}
			for key := range keys {
				all = append(all, key)
				if many {
					batch = append(batch, reportOf(fmt.Sprint(key), acct, keytest.Now, key))
				}
			}
			if !many {
				batch = append(batch, reportOf("1", acct, keytest.Now, all...))
			}
			batch = append(batch, reportOf("99", otherAcct, keytest.Now, 1))
			if again := r.invoke(t, batch...); again != "" {
				t.Fatalf("again from %q", again)
			}
			if at := r.freshAt(t, acct); !at.IsZero() {
				t.Errorf("key %d isn't counted, and the account is fresh at %v", bad, at)
			}
			if at := r.freshAt(t, otherAcct); !at.Equal(keytest.Now) {
				t.Errorf("key %d of another account isn't counted, and this one is fresh at %v", bad, at)
			}
		}
	}
}

// TestTheStampNeverLiesAfterAReportThatIsNotCounted draws batches of several accounts over a connection that fails, and
// items that are damaged. Whatever is stamped holds each report up to then.
func TestTheStampNeverLiesAfterAReportThatIsNotCounted(t *testing.T) {
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) { drawStamps(t, seed) })
	}
}

func drawStamps(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 3))
	db, tables := keytest.NewMemory()
	calm := on(db, tables.Counters)
	accounts := []account.ID{acct, otherAcct}
	for range random.IntN(3) {
		damage(t, db, tables.Counters, accounts[random.IntN(2)], random.IntN(30))
	}
	failing := random.IntN(2) == 0 // for so long that a part gives up
	down := 0
	faulty := on(keytest.NewFaults(db, func(name string, _ int) keytest.Fault {
		if down > 0 {
			down--
			return keytest.Before
		}
		switch x := random.Float64(); {
		case failing && x < .05:
			down = 3 * tries
			return keytest.Before
		case x < .2:
			return keytest.After
		case x < .3 && name == "TransactWriteItems":
			return keytest.Conflict
		}
		return keytest.NoFault
	}), tables.Counters)
	reported := map[account.ID]map[int]time.Time{acct: {}, otherAcct: {}}
	var batch []json.RawMessage
	for i := range 1 + random.IntN(40) {
		id, key := accounts[random.IntN(2)], random.IntN(30)
		at := keytest.Now.Add(time.Duration(i) * time.Millisecond)
		if _, ok := reported[id][key]; ok {
			continue // one report of each, so that its row tells whether it is counted
		}
		reported[id][key] = at
		batch = append(batch, reportOf(fmt.Sprint(i), id, at, key))
	}
	faulty.now = func() time.Time { return keytest.Now.Add(time.Second) }
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	if _, err := faulty.Invoke(ctx, keytest.StreamEvent(batch...)); err != nil {
		t.Fatal(err)
	}
	for id, keys := range reported {
		stamp, newest, missing := calm.freshAt(t, id), time.Time{}, 0
		for key, at := range keys {
			if at.After(newest) {
				newest = at
			}
			if counted := calm.countOf(t, id, key); counted == 0 {
				if missing++; !stamp.Before(at) {
					t.Errorf("seed %d: %s is stamped %v, and its report of %v isn't counted", seed, id, stamp, at)
				}
			}
		}
		if missing == 0 && !stamp.Equal(newest) {
			t.Errorf("seed %d: %s is counted, and stamped %v, want %v", seed, id, stamp, newest)
		}
	}
}

// countOf is the calls of a key that are counted, 0 where its counters can't be read.
func (r *harness) countOf(t testing.TB, id account.ID, key int) (sum int64) {
	t.Helper()
	rows, err := r.store.KeyRows(t.Context(), id, keyID(key), counters.Range{From: keytest.Now.Add(-time.Hour), To: keytest.Now.Add(time.Hour)})
	if err != nil {
		return 0
	}
	for _, row := range rows {
		sum += row.Counts["c:c:allowed"]
	}
	return sum
}

// TestTheStampNeverGoesBack: an older report that comes late leaves it.
func TestTheStampNeverGoesBack(t *testing.T) {
	r := newHarness(t)
	r.invoke(t, reportOf("2", acct, keytest.Now, 1))
	r.invoke(t, reportOf("1", acct, keytest.Now.Add(-time.Minute), 2))
	if at := r.freshAt(t, acct); !at.Equal(keytest.Now) {
		t.Errorf("fresh at %v", at)
	}
}
