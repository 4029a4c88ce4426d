package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/dynamo/reports"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/dynamo/stream"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
	"latchkey/shared/usage"
	"latchkey/shared/usage/statement"
)

func billingOn(stores keytest.Stores) billing {
	log := newLog(&keytest.Buffer{})
	return newBilling(statements.New(stores.DB, stores.Tables.Statements), counters.New(stores.DB.(counters.Client), stores.Tables.Counters),
		reports.NewReader(stores.DB, stores.Tables.Slices), log)
}

// began is shortly before a month's end.
var (
	began    = time.Date(2026, 2, 28, 23, 58, 30, 0, time.UTC)
	february = statement.MonthOf(began)
	march    = february + 1
)

// line names a number of the test's own ledger: a statement's place and an outcome, in a month.
type line struct {
	month statement.Month
	statement.Place
	code authz.Code
}

// fleet is environments that decide calls and report, and a counter that counts their reports. Its ledger is the simplest that there is.
type fleet struct {
	*harness
	counters *counters.Store
	slices   *reports.Writer
	rnd      *rand.Rand
	keys     []apikey.Key
	tallies  []*usage.Tally
	ledger   map[line]int64
	now      time.Time
	spoilt   int // records that are set aside
	garbage  int // of those, the ones that nobody can read
	records  [][]byte
}

func newFleet(t testing.TB, r *harness, accounts, keys, environments int) *fleet {
	f := &fleet{
		harness: r, counters: counters.New(r.DB.(counters.Client), r.Tables.Counters), slices: reports.New(r.DB, r.Tables.Slices),
		rnd: rand.New(rand.NewPCG(7, 11)), ledger: map[line]int64{}, now: began,
	}
	for range accounts {
		a := r.NewAccount(t)
		for range keys {
			f.keys = append(f.keys, r.NewKey(t, a))
		}
	}
	for i := range environments {
		f.tallies = append(f.tallies, usage.NewTally(fmt.Sprintf("env%d", i)))
	}
	return f
}

// decide makes one call, and counts it in the ledger, in the line that it returns.
func (f *fleet) decide(tally *usage.Tally, k apikey.Key, p product.ID, within string, billing apikey.BillingType, code authz.Code) line {
	class := product.Class(string(p) + within)
	if p == "" {
		class = ""
	}
	tally.Count(&usage.Call{
		At: f.now, Code: code, Class: class, Billing: billing, Subject: usage.Subject{Account: k.Account, Key: k.ID, Product: p},
		Host: fmt.Sprintf("h%d.example", f.rnd.IntN(3)), Previous: f.rnd.IntN(4) == 0,
	})
	at := statement.Place{Account: k.Account, Key: k.ID, Product: p, Class: class, Billing: billing}
	if billing == "" {
		at.Class = ""
	}
	of := line{statement.MonthOf(f.now), at, code}
	f.ledger[of]++
	return of
}

// controlQuery asks for all keys of an account.
var controlQuery = control.KeyQuery{Deleted: true}

// recordsOf are the stream's records of an environment's report, which isn't in the table of reports.
func (f *fleet) recordsOf(tally *usage.Tally) (records [][]byte) {
	for _, part := range tally.Report(f.now) {
		records = append(records, keytest.StreamRecord(fmt.Sprint("of-", part.Environment), "INSERT", reports.Encode(part)))
	}
	return records
}

// setAside keeps an environment's report aside, as the counter does where the store refuses what would count it.
func (f *fleet) setAside(t testing.TB, tally *usage.Tally) {
	t.Helper()
	for _, part := range tally.Report(f.now) {
		id := fmt.Sprint(len(f.records), "-", part.Environment)
		raw := keytest.StreamRecord(id, "INSERT", reports.Encode(part))
		records, err := stream.Decode(keytest.StreamEvent(raw))
		if err != nil {
			t.Fatal(err)
		}
		again(t, func() error {
			return f.counters.Quarantine(t.Context(), records[0].Sequence+"#"+records[0].ID, "refused", raw, f.now)
		})
	}
}

// asides are the records that are set aside, of an environment.
func (f *fleet) asides(t testing.TB, environment string) (list []counters.Aside) {
	t.Helper()
	for day := february.Begin(); day.Before(march.End()); day = day.AddDate(0, 0, 1) {
		err := f.counters.EachAside(t.Context(), day, func(a counters.Aside) error {
			if report, _, _ := about(a); strings.HasPrefix(report.Environment, environment) {
				list = append(list, a)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// run decides calls while the month ends. In the middle all keys get another billing type; some had none. The first environment reports after
// 71 hours, and each fifth write of a report fails: half of those were written all the same.
func (f *fleet) run(t testing.TB, calls int, over time.Duration) {
	codes := []authz.Code{authz.Allowed, authz.Allowed, authz.Allowed, authz.QPSExceeded, authz.QuotaExceeded, authz.DomainNotAllowed}
	products := []product.ID{"search", "map-display", ""}
	types := []apikey.BillingType{"freemium", "", "evaluation"}
	step := int(2 * over / time.Duration(calls))
	for i := range calls {
		f.now = f.now.Add(time.Duration(f.rnd.IntN(step)))
		n := f.rnd.IntN(len(f.keys))
		billing := types[n%3]
		if i >= calls/2 {
			billing = map[apikey.BillingType]apikey.BillingType{"freemium": "pay_as_you_grow", "": "freemium", "evaluation": "paying"}[billing]
		}
		within := []string{"", ".tiles"}[f.rnd.IntN(2)]
		tally := f.tallies[f.rnd.IntN(len(f.tallies))]
		f.decide(tally, f.keys[n], products[f.rnd.IntN(3)], within, billing, codes[f.rnd.IntN(len(codes))])
		if tally != f.tallies[0] && tally.Due(f.now, 0) {
			f.report(t, tally, 0.2)
		}
	}
	for _, tally := range f.tallies[1:] {
		f.report(t, tally, 0)
	}
	f.now = began.Truncate(time.Hour).Add(71 * time.Hour)
	f.report(t, f.tallies[0], 0)
}

// put writes a report twice: it isn't read consistently, and the table in memory shows an item as it was before its last write then.
func (f *fleet) put(t testing.TB, part usage.Report) {
	t.Helper()
	for range 2 {
		if err := f.slices.Write(t.Context(), part); err != nil {
			t.Fatal(err)
		}
	}
}

func (f *fleet) report(t testing.TB, tally *usage.Tally, lossy float64) {
	for _, part := range tally.Report(f.now) {
		luck := f.rnd.Float64()
		if luck >= lossy/2 {
			f.put(t, part)
			f.records = append(f.records, keytest.StreamRecord(fmt.Sprint(len(f.records)), "INSERT", reports.Encode(part)))
			if f.rnd.Float64() < 0.05 {
				f.spoil(part)
			}
		}
		if luck < lossy {
			return // as far as the environment knows, this part wasn't written
		}
		tally.AcknowledgePart(part)
	}
	tally.Acknowledge(f.now)
}

// spoil puts what can't be counted on the stream: a report with a count that environments don't know, of which all else is counted by the good
// one; or a report that can't be read.
func (f *fleet) spoil(part usage.Report) {
	bad := part
	bad.Entries = slices.Clone(part.Entries)
	bad.Entries[0].Counts = maps.Clone(bad.Entries[0].Counts)
	bad.Entries[0].Counts["q:nothing"] = 1
	item := reports.Encode(bad)
	if f.spoilt++; f.spoilt%2 == 0 {
		item["v"] = dynamo.N(2)
		f.garbage++
	}
	f.records = append(f.records, keytest.StreamRecord(fmt.Sprint(len(f.records)), "INSERT", item))
}

// deliver counts records as the counter does, in batches that come one to three times in any order.
func (f *fleet) deliver(t testing.TB, now time.Time, records [][]byte) {
	t.Helper()
	for batch := range slices.Chunk(records, 150) {
		for range 1 + f.rnd.IntN(3) {
			batch = slices.Clone(batch)
			f.rnd.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
			f.consume(t, now, batch, true)
		}
	}
}

// consume counts one batch. check is what the counter does: a report about an hour too long ago is set aside.
func (f *fleet) consume(t testing.TB, now time.Time, batch [][]byte, check bool) {
	t.Helper()
	var list []usage.Report
	for _, raw := range batch {
		records, err := stream.Decode(keytest.StreamEvent(raw))
		if err != nil {
			t.Fatal(err)
		}
		report, err := reports.Decode(records[0].New)
		if err == nil && check {
			err = report.Check(now)
		}
		if err != nil {
			id := records[0].Sequence + "#" + records[0].ID
			again(t, func() error { return f.counters.Quarantine(t.Context(), id, err.Error(), raw, now) })
			continue
		}
		list = append(list, report)
	}
	contributions, newest := usage.Coalesce(list, now)
	for _, part := range usage.Batches(contributions, newest, counters.MaxItems) {
		again(t, func() error {
			stored, err := f.counters.Read(t.Context(), part.Items())
			if err == nil {
				err = f.counters.Write(t.Context(), usage.Fold(stored, part))
			}
			return err
		})
	}
}

func again(t testing.TB, do func() error) {
	t.Helper()
	for tries := 0; ; tries++ {
		err := do()
		if err == nil {
			return
		}
		if tries == 100 {
			t.Fatal(err)
		}
	}
}

// job runs a job at a time, again where the store fails, and returns what the last run said.
func (f *fleet) job(t testing.TB, name string, at time.Time) any {
	t.Helper()
	f.at = at
	var answer any
	again(t, func() (err error) {
		answer, err = f.handle(t.Context(), json.RawMessage(`{"job":"`+name+`"}`))
		return err
	})
	return answer
}

// daily makes it so that the reports were compared the day before, as they are where the job runs each hour.
func (r *harness) daily(t testing.TB) {
	t.Helper()
	began := r.at.AddDate(0, 0, -1)
	if err := r.billing.notes.SaveSweep(t.Context(), statements.Daily, statements.Sweep{Began: began, Done: true}); err != nil {
		t.Fatal(err)
	}
}

// stated reads what the statement of a month says with its adjustments, and what the counters have, in the ledger's words. The table's bytes
// are hashed as they are served.
func (f *fleet) stated(t testing.TB, m statement.Month) (stated, counted map[line]int64) {
	t.Helper()
	stated, counted = map[line]int64{}, map[line]int64{}
	put := func(into map[line]int64, rows []statement.Row) {
		for _, r := range rows {
			at := r.Place
			at.Adjusts = 0
			for code, n := range r.Calls {
				if into[line{m, at, code}] += n; into[line{m, at, code}] == 0 {
					delete(into, line{m, at, code})
				}
			}
		}
	}
	kept := statements.New(f.DB, f.Tables.Statements)
	state, err := kept.State(t.Context(), m)
	if err != nil || state.Status != statements.Final {
		t.Fatalf("%+v, %v", state, err)
	}
	ids, err := f.Control.AccountIDs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		rows, err := kept.Rows(t.Context(), state, id)
		adjustments, errAdjustments := kept.Adjustments(t.Context(), id)
		now, errNow := f.reader().Account(t.Context(), m, id)
		if err := errors.Join(err, errAdjustments, errNow); err != nil {
			t.Fatal(err)
		}
		put(stated, statement.Own(rows))
		for _, a := range adjustments {
			if a.Of == m {
				put(stated, a.Rows)
			}
		}
		put(counted, now)
	}
	return stated, counted
}

// month is the ledger of one month.
func (f *fleet) month(m statement.Month) map[line]int64 {
	out := map[line]int64{}
	for at, n := range f.ledger {
		if at.month == m {
			out[at] = n
		}
	}
	return out
}

func differ(t testing.TB, what string, got, want map[line]int64) {
	t.Helper()
	wrong := 0
	for at, n := range want {
		if got[at] != n {
			if wrong++; wrong < 5 {
				t.Errorf("%s: %+v: got %d, want %d", what, at, got[at], n)
			}
		}
	}
	for at, n := range got {
		if want[at] == 0 {
			if wrong++; wrong < 5 {
				t.Errorf("%s: %+v: %d from nothing", what, at, n)
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%s: %d of %d numbers are wrong", what, wrong, len(want))
	}
}

// final reads the state of a month.
func (f *fleet) state(t testing.TB, m statement.Month) statements.State {
	t.Helper()
	s, err := statements.New(f.DB, f.Tables.Statements).State(context.WithoutCancel(t.Context()), m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// close has an admin close a month over what is left.
func (f *fleet) close(t testing.TB, m statement.Month) {
	t.Helper()
	err := f.Control.CloseStatement(t.Context(), m.String(), "Looked at: garbage.", keytest.Row("", "statement.close", ""))
	if err != nil && !errors.Is(err, dynamo.ErrExists) {
		t.Fatal(err)
	}
}

// spoil makes counters of an account unreadable, and returns the item as it was.
func spoil(t testing.TB, stores keytest.Stores, id account.ID) (sound dynamo.Item) {
	t.Helper()
	for _, item := range stores.Items(t, stores.Tables.Counters) {
		pk, _ := dynamo.GetS(item, "pk")
		if sk, _ := dynamo.GetS(item, "sk"); pk == "A#"+string(id) && strings.HasPrefix(sk, "D#") {
			sound = maps.Clone(item)
			item["v"] = dynamo.S("damaged")
			stores.Put(t, stores.Tables.Counters, item)
			return sound
		}
	}
	t.Fatal("no counters")
	return nil
}

// atTestTime writes metrics as if they were of the tests' time, which the other metrics are of.
func atTestTime(lines string) string {
	return strings.ReplaceAll(lines, fmt.Sprint(february.Settled().UnixMilli()), fmt.Sprint(keytest.Now.UnixMilli()))
}

func packed(text []byte) types.AttributeValue {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(text)
	_ = w.Close()
	return &types.AttributeValueMemberB{Value: out.Bytes()}
}
