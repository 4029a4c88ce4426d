package statements_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/keytest"
	"latchkey/shared/usage/statement"
)

// harness is a statements table.
type harness struct {
	*statements.Store
	db    keytest.DB
	table string
}

func on(db keytest.DB, table string) harness { return harness{statements.New(db, table), db, table} }

func (r harness) with(choose func(string, int) keytest.Fault) harness {
	return on(keytest.NewFaults(r.db, choose), r.table)
}

// TestContractInMemory and the next one hold the table in memory and the one on the engine to the same promises.
func TestContractInMemory(t *testing.T) {
	runContract(t, func(testing.TB) harness {
		db, tables := keytest.NewMemory()
		db.PageSize = 3
		return on(db, tables.Statements)
	})
}

func TestContractOnTheEngine(t *testing.T) {
	runContract(t, func(t testing.TB) harness {
		db, tables := keytest.Engine(t)
		return on(db, tables.Statements)
	})
}

// runContract checks the promises that writers and readers of statements rely on. open gives an empty table each time.
func runContract(t *testing.T, open func(testing.TB) harness) {
	for name, part := range map[string]func(*testing.T, harness){
		"States/AreReadBackAsWritten":              statesReadBack,
		"States/OneOfManyRunsGoesOn":               statesRace,
		"Final/TakesNothingMore":                   finalStays,
		"Tables/AreWrittenWithTheStateOrNotAtAll":  tablesAllOrNothing,
		"Tables/PagesAreTheBytesThatTheHashIsOf":   tablesPages,
		"Tables/AreOfOneAccountAndMonth":           tablesApart,
		"Tables/OfOneLargeAccountAreWhole":         tablesLarge,
		"Adjustments/AreAddedOnceByNumber":         adjustmentsOnce,
		"Notes/AreKeptOnceByMonth":                 notesOnce,
		"LostAnswers/AreFoundByReadingAgain":       lostAnswers,
		"Breakdowns/AreErrorsAndNotFewerRows":      breakdowns,
		"Damage/IsAnErrorAndNotFewerRows":          damage,
		"Cursors/ThatNobodyGaveAreRefused":         cursors,
		"Sweeps/AreReadBackAndBeginAgainIfDamaged": sweeps,
	} {
		t.Run(name, func(t *testing.T) { part(t, open(t)) })
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var (
	month   = statement.MonthOf(keytest.Now) - 1
	columns = statement.Columns()
)

const one, two account.ID = "acc_1", "acc_10" // the one begins as the other

// rowsOf are rows of an account in their order.
func rowsOf(id account.ID, n int) (rows []statement.Row) {
	for i := range n {
		at := statement.Place{Account: id, Key: apikey.ID(fmt.Sprintf("key_%06d", i)), Product: "search", Class: "search", Billing: "free"}
		rows = append(rows, statement.Row{Place: at, Calls: map[authz.Code]int64{authz.Allowed: int64(i + 1), authz.QPSExceeded: 2}})
	}
	return rows
}

func tableOf(t testing.TB, id account.ID, n int) statements.Table {
	t.Helper()
	table, err := statements.NewTable(columns, month, id, rowsOf(id, n))
	must(t, err)
	return table
}

// begin makes a month's statement one that is being written.
func (r harness) begin(t testing.TB) statements.State {
	t.Helper()
	s, err := r.State(t.Context(), month)
	must(t, err)
	next := s
	next.Status, next.Columns = statements.Writing, columns
	s, err = r.Save(t.Context(), s, next)
	must(t, err)
	return s
}

// write adds an account's rows to a statement.
func (r harness) write(t testing.TB, s statements.State, id account.ID, n int) statements.State {
	t.Helper()
	next := s
	next.After, next.Rows = id, s.Rows+int64(n)
	s, err := r.Save(t.Context(), s, next, tableOf(t, id, n))
	must(t, err)
	return s
}

func (r harness) end(t testing.TB, s statements.State) statements.State {
	t.Helper()
	next := s
	next.Status, next.Ended = statements.Final, keytest.Now
	sha, rows, err := r.Digest(t.Context(), s)
	must(t, err)
	if next.SHA256 = sha; rows != s.Rows {
		t.Fatalf("%d rows are stored, want %d", rows, s.Rows)
	}
	s, err = r.Save(t.Context(), s, next)
	must(t, err)
	return s
}

func statesReadBack(t *testing.T, r harness) {
	s, err := r.State(t.Context(), month)
	must(t, err)
	if want := (statements.State{Month: month, Status: statements.Open}); !reflect.DeepEqual(s, want) {
		t.Errorf("a month that nobody watches is %+v", s)
	}
	full := statements.State{
		Month: month, Version: 1, Status: statements.Writing, Columns: columns, After: one, SHA256: "ab", Rows: 7, Ended: keytest.Now, Over: true, Left: []account.ID{one, two},
	}
	saved, err := r.Save(t.Context(), s, full)
	must(t, err)
	read, err := r.State(t.Context(), month)
	must(t, err)
	list, err := r.States(t.Context())
	must(t, err)
	if !reflect.DeepEqual(saved, full) || !reflect.DeepEqual(read, full) || !reflect.DeepEqual(list, []statements.State{full}) {
		t.Errorf("saved %+v, read %+v, listed %+v; want %+v", saved, read, list, full)
	}
	for _, m := range []statement.Month{month - 13, month + 1, month - 2} {
		other, err := r.State(t.Context(), m)
		must(t, err)
		_, err = r.Save(t.Context(), other, other)
		must(t, err)
	}
	list, err = r.States(t.Context())
	must(t, err)
	var months []statement.Month
	for _, s := range list {
		months = append(months, s.Month)
	}
	if want := []statement.Month{month - 13, month - 2, month, month + 1}; !slices.Equal(months, want) {
		t.Errorf("listed %v, want %v", months, want)
	}
}

func statesRace(t *testing.T, r harness) {
	s := r.begin(t)
	var group sync.WaitGroup
	results := make([]error, 8)
	for i := range results {
		next := s
		next.After = account.ID(fmt.Sprint("acc_", i))
		table := tableOf(t, next.After, 3)
		group.Go(func() { _, results[i] = r.Save(context.Background(), s, next, table) })
	}
	group.Wait()
	won := -1
	for i, err := range results {
		switch {
		case err == nil && won < 0:
			won = i
		case err == nil || !errors.Is(err, dynamo.ErrStale) && !errors.Is(err, dynamo.ErrConflict):
			t.Errorf("run %d: %v", i, err)
		}
	}
	after, err := r.State(t.Context(), month)
	must(t, err)
	_, rows, err := r.Digest(t.Context(), after)
	must(t, err)
	if won < 0 || after.Version != s.Version+1 || after.After != account.ID(fmt.Sprint("acc_", won)) || rows != 3 {
		t.Errorf("run %d has won, the state is %+v with %d rows", won, after, rows)
	}
}

func finalStays(t *testing.T, r harness) {
	writing := r.write(t, r.begin(t), one, 5)
	final := r.end(t, writing)
	for name, before := range map[string]statements.State{"as it is": final, "as it was": writing} {
		next := before
		next.Rows = 99
		if _, err := r.Save(t.Context(), before, next, tableOf(t, two, 2)); !errors.Is(err, dynamo.ErrStale) {
			t.Errorf("%s: %v", name, err)
		}
	}
	again, err := r.State(t.Context(), month)
	must(t, err)
	sha, rows, err := r.Digest(t.Context(), again)
	must(t, err)
	if !reflect.DeepEqual(again, final) || sha != final.SHA256 || rows != 5 {
		t.Errorf("%+v with %d rows and the hash %s, want %+v", again, rows, sha, final)
	}
}

func tablesAllOrNothing(t *testing.T, r harness) {
	s := r.write(t, r.begin(t), one, 5)
	next := s
	next.After, next.Rows = two, 12
	if _, err := r.Save(t.Context(), s, next, tableOf(t, two, 2), tableOf(t, one, 6)); !errors.Is(err, dynamo.ErrStale) {
		t.Errorf("a table that is written: %v", err)
	}
	stale := s
	stale.Version--
	if _, err := r.Save(t.Context(), stale, next, tableOf(t, two, 2)); !errors.Is(err, dynamo.ErrStale) {
		t.Errorf("an older state: %v", err)
	}
	after, err := r.State(t.Context(), month)
	must(t, err)
	_, rows, err := r.Digest(t.Context(), after)
	must(t, err)
	if !reflect.DeepEqual(after, s) || rows != 5 {
		t.Errorf("%+v with %d rows, want %+v", after, rows, s)
	}
}

func tablesPages(t *testing.T, r harness) {
	s := r.begin(t)
	for _, id := range []account.ID{one, two, "acc_2"} {
		s = r.write(t, s, id, map[account.ID]int{one: 2345, two: 1, "acc_2": 1000}[id])
	}
	s = r.end(t, s)
	for _, tt := range []struct {
		id   account.ID
		rows int
	}{{"", 3346}, {one, 2345}, {two, 1}, {"acc_2", 1000}, {"acc_3", 0}} {
		for _, limit := range []int{450, 999, 1000, 1001, 10_000} {
			text, rows := slices.Clone(statement.Line(columns)), 0
			var sha string
			for after := ""; ; {
				page, err := r.Read(t.Context(), month, tt.id, after, limit)
				must(t, err)
				if page.Rows > limit || page.Rows != bytes.Count(page.Lines, []byte("\n")) {
					t.Fatalf("%q by %d: a page of %d rows", tt.id, limit, page.Rows)
				}
				text, rows, sha = append(text, page.Lines...), rows+page.Rows, page.SHA256
				if after = page.Next; after == "" {
					break
				}
			}
			sum := sha256.Sum256(text)
			want := hex.EncodeToString(sum[:])
			if tt.id == "" {
				sha = s.SHA256
			}
			if tt.rows == 0 {
				sha = statements.Empty(columns)
			}
			if rows != tt.rows || sha != want {
				t.Errorf("%q by %d: %d rows with the hash %s, said to be %s; want %d rows", tt.id, limit, rows, want, sha, tt.rows)
			}
		}
		if tt.id != "" {
			rows, err := r.Rows(t.Context(), s, tt.id)
			must(t, err)
			if want := rowsOf(tt.id, tt.rows); !reflect.DeepEqual(rows, want) {
				t.Errorf("%s: %d rows are read, want %d as they were written", tt.id, len(rows), len(want))
			}
		}
	}
}

func tablesApart(t *testing.T, r harness) {
	s := r.write(t, r.write(t, r.begin(t), one, 2), two, 3)
	for id, want := range map[account.ID]int{one: 2, two: 3, "acc_": 0, "": 0} {
		if rows, err := r.Rows(t.Context(), s, id); err != nil || len(rows) != want {
			t.Errorf("%q has %d rows, want %d: %v", id, len(rows), want, err)
		}
	}
	other := s
	other.Month++
	if rows, err := r.Rows(t.Context(), other, one); err != nil || len(rows) != 0 {
		t.Errorf("another month has %d rows, %v", len(rows), err)
	}
}

// tablesLarge: a table that no transaction holds is written whole, and served, hashed and read as any other, between its neighbours.
func tablesLarge(t *testing.T, r harness) {
	keytest.OneAtATime(t)
	const n = statements.MostParts*1000 + 1
	s := r.write(t, r.write(t, r.begin(t), one, 2), "acc_2", 3)
	large := tableOf(t, two, n)
	if large.Parts() != 1 {
		t.Errorf("%d items of one account in a transaction", large.Parts())
	}
	before := s
	s.Rows += n
	stopped := 0
	interrupted := r.with(func(call string, _ int) keytest.Fault {
		if stopped++; call == "PutItem" && stopped > 40 {
			return keytest.Before
		}
		return keytest.NoFault
	})
	if _, err := interrupted.Save(t.Context(), before, s, large); err == nil {
		t.Error("a run that ended has written all")
	}
	if rows, err := r.Rows(t.Context(), s, two); err != nil || len(rows) != 0 {
		t.Errorf("%d rows stand in the statement before its state says so, %v", len(rows), err)
	}
	s, err := r.Save(t.Context(), before, s, large)
	must(t, err)
	s = r.end(t, s)
	rows, err := r.Rows(t.Context(), s, two)
	must(t, err)
	if want := rowsOf(two, n); !reflect.DeepEqual(rows, want) {
		t.Errorf("%d rows are read, want %d as they were written", len(rows), n)
	}
	for _, id := range []account.ID{"", two} {
		text, sha, count := slices.Clone(statement.Line(columns)), s.SHA256, 0
		for after := ""; ; {
			page, err := r.Read(t.Context(), month, id, after, 9_999)
			must(t, err)
			text, count = append(text, page.Lines...), count+page.Rows
			if id != "" {
				sha = page.SHA256
			}
			if after = page.Next; after == "" {
				break
			}
		}
		sum := sha256.Sum256(text)
		if want := map[account.ID]int{"": n + 5, two: n}[id]; hex.EncodeToString(sum[:]) != sha || count != want {
			t.Errorf("%q: %d lines, want %d; the hash is %x, said to be %s", id, count, want, sum, sha)
		}
	}
	for _, cursor := range []string{"acc_10#0000@x#0", "acc_10#0000@-5#0", "acc_10#0001@000000#0"} {
		if _, err := r.Read(t.Context(), month, two, cursor, 10); !errors.Is(err, dynamo.ErrCursor) {
			t.Errorf("%q: %v", cursor, err)
		}
	}
	torn(t, r, s, two)
}

// torn: a large table that lacks a part, in the middle or at its end, is an error.
func torn(t *testing.T, r harness, s statements.State, id account.ID) {
	t.Helper()
	raw := keytest.NewStores(r.db, dynamo.Tables{Statements: r.table})
	for _, item := range raw.Items(t, r.table) {
		if sk, _ := dynamo.GetS(item, "sk"); sk != "000045" && sk != "000090" {
			continue
		}
		sound := maps.Clone(item)
		item["z"] = dynamo.S("?")
		raw.Put(t, r.table, item)
		if _, _, err := r.Digest(t.Context(), s); !errors.Is(err, dynamo.ErrUnreadable) {
			t.Errorf("%v", err)
		}
		raw.Put(t, r.table, sound)
	}
	for _, item := range raw.Items(t, r.table) {
		if parts, ok := dynamo.GetN(item, "parts"); ok {
			item["parts"] = dynamo.N(parts + 1)
			raw.Put(t, r.table, item)
		}
	}
	if rows, err := r.Rows(t.Context(), s, id); !errors.Is(err, dynamo.ErrUnreadable) {
		t.Errorf("a part is missing, and %d rows are read, %v", len(rows), err)
	}
}

func adjustmentsOnce(t *testing.T, r harness) {
	adjustment := func(of statement.Month, number, rows int) statements.Adjustment {
		return statements.Adjustment{Account: one, Of: of, Number: number, In: month + 1, Rows: adjusting(of, rows)}
	}
	var group sync.WaitGroup
	var lock sync.Mutex
	added := 0
	for i := range 6 {
		group.Go(func() {
			err := r.Adjust(context.Background(), adjustment(month, 1, i+1))
			lock.Lock()
			defer lock.Unlock()
			if err == nil {
				added++
			} else if !errors.Is(err, dynamo.ErrExists) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	must(t, r.Adjust(t.Context(), adjustment(month, 2, 2)))
	must(t, r.Adjust(t.Context(), adjustment(month-1, 1, 3)))
	foreign := adjustment(month, 1, 9)
	foreign.Account = two
	must(t, r.Adjust(t.Context(), foreign))
	list, err := r.Adjustments(t.Context(), one)
	must(t, err)
	if added != 1 || len(list) != 3 {
		t.Fatalf("%d of six are added, and %d listed", added, len(list))
	}
	for i, want := range []statements.Adjustment{adjustment(month-1, 1, 3), adjustment(month, 1, len(list[1].Rows)), adjustment(month, 2, 2)} {
		if !reflect.DeepEqual(list[i], want) {
			t.Errorf("%+v, want %+v", list[i], want)
		}
	}
}

func adjusting(of statement.Month, n int) []statement.Row {
	rows := rowsOf(one, n)
	for i := range rows {
		rows[i].Adjusts = of
		rows[i].Calls = map[authz.Code]int64{authz.Allowed: int64(-i - 1)}
	}
	return rows
}

func missed(id string) statements.Missed {
	return statements.Missed{ID: id, At: keytest.Now, Report: dynamo.Item{"pk": dynamo.S("env"), "seq": dynamo.N(1)}}
}

func notesOnce(t *testing.T, r harness) {
	for range 2 {
		must(t, r.Settle(t.Context(), "aside 1", keytest.Now))
		must(t, r.Settle(t.Context(), "report 2", keytest.Now))
		must(t, r.Miss(t.Context(), month, missed("report 2")))
		must(t, r.Miss(t.Context(), month+1, missed("report 3")))
	}
	settled, err := r.Settled(t.Context())
	must(t, err)
	var missing []statements.Missed
	must(t, r.EachMissing(t.Context(), month, func(one statements.Missed) error { missing = append(missing, one); return nil }))
	stop := errors.New("stop")
	if err := r.EachMissing(t.Context(), month, func(statements.Missed) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("an error of who looks: %v", err)
	}
	if !reflect.DeepEqual(settled, map[string]bool{"aside 1": true, "report 2": true}) || !reflect.DeepEqual(missing, []statements.Missed{missed("report 2")}) {
		t.Errorf("%v, %v", settled, missing)
	}
}

// lostAnswers: what a run can't know after a lost answer, it finds by the state.
func lostAnswers(t *testing.T, r harness) {
	s := r.begin(t)
	next := s
	next.After, next.Rows = one, 4
	lossy := r.with(func(call string, _ int) keytest.Fault {
		if call == "TransactWriteItems" {
			return keytest.After
		}
		return keytest.NoFault
	})
	// A repetition within one Save finds its own write by the token, or is told that the state isn't as it was.
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // no pauses
	if _, err := lossy.Save(ctx, s, next, tableOf(t, one, 4)); err == nil {
		t.Error("an answer that was lost is one")
	}
	after, err := r.State(t.Context(), month)
	must(t, err)
	_, rows, err := r.Digest(t.Context(), after)
	must(t, err)
	if after.Version > s.Version+1 || rows != after.Rows {
		t.Errorf("%+v with %d rows", after, rows)
	}
}

// breakdowns: each reading of several pages fails as a whole.
func breakdowns(t *testing.T, r harness) {
	s := r.end(t, r.write(t, r.begin(t), one, 5500))
	must(t, r.Adjust(t.Context(), statements.Adjustment{Account: one, Of: month, Number: 1, In: month + 1, Rows: adjusting(month, 1)}))
	must(t, r.Settle(t.Context(), "aside 1", keytest.Now))
	must(t, r.Miss(t.Context(), month, missed("report 2")))
	for name, read := range map[string]func(harness) error{
		"state":       func(r harness) error { _, err := r.State(t.Context(), month); return err },
		"states":      func(r harness) error { _, err := r.States(t.Context()); return err },
		"read":        func(r harness) error { _, err := r.Read(t.Context(), month, one, "", 10_000); return err },
		"rows":        func(r harness) error { _, err := r.Rows(t.Context(), s, one); return err },
		"digest":      func(r harness) error { _, _, err := r.Digest(t.Context(), s); return err },
		"adjustments": func(r harness) error { _, err := r.Adjustments(t.Context(), one); return err },
		"settled":     func(r harness) error { _, err := r.Settled(t.Context()); return err },
		"missing": func(r harness) error {
			return r.EachMissing(t.Context(), month, func(statements.Missed) error { return nil })
		},
		"sweep": func(r harness) error { _, err := r.Sweep(t.Context(), statements.Daily); return err },
	} {
		reads := 0
		must(t, read(r.with(func(string, int) keytest.Fault { reads++; return keytest.NoFault })))
		for n := range reads {
			at := 0
			err := read(r.with(func(string, int) keytest.Fault {
				if at++; at == n+1 {
					return keytest.Before
				}
				return keytest.NoFault
			}))
			if !errors.Is(err, keytest.ErrInjected) {
				t.Errorf("%s: read %d of %d fails: %v", name, n+1, reads, err)
			}
		}
	}
}

func damage(t *testing.T, r harness) {
	s := r.end(t, r.write(t, r.begin(t), one, 1500))
	must(t, r.Adjust(t.Context(), statements.Adjustment{Account: one, Of: month, Number: 1, In: month + 1, Rows: adjusting(month, 1)}))
	text := keytest.NewStores(r.db, dynamo.Tables{Statements: r.table})
	for _, item := range text.Items(t, r.table) {
		sound := maps.Clone(item)
		item["v"] = dynamo.N(3) // a format of a release to come
		text.Put(t, r.table, item)
		sk, _ := dynamo.GetS(item, "sk")
		pk, _ := dynamo.GetS(item, "pk")
		var errs []error
		switch pk {
		case "STATEMENTS":
			_, err := r.State(t.Context(), month)
			_, errList := r.States(t.Context())
			errs = []error{err, errList}
		case "ADJ#" + string(one):
			_, err := r.Adjustments(t.Context(), one)
			errs = []error{err}
		default:
			_, err := r.Rows(t.Context(), s, one)
			_, _, errDigest := r.Digest(t.Context(), s)
			_, errRead := r.Read(t.Context(), month, one, "", 10_000)
			errs = []error{err, errDigest, errRead}
		}
		for i, err := range errs {
			if !errors.Is(err, dynamo.ErrUnreadable) {
				t.Errorf("%s %s: reading %d: %v", pk, sk, i, err)
			}
		}
		text.Put(t, r.table, sound)
	}
}

func cursors(t *testing.T, r harness) {
	r.end(t, r.write(t, r.write(t, r.begin(t), one, 3), two, 3))
	for _, cursor := range []string{"x", "acc_1#0000", "acc_1#0000#-1", "acc_1#0000#x", "acc_10#0000#0", "STATEMENTS#1"} {
		if page, err := r.Read(t.Context(), month, one, cursor, 10); err == nil && page.Rows != 0 || err != nil && !errors.Is(err, dynamo.ErrCursor) {
			t.Errorf("%q: %d rows, %v", cursor, page.Rows, err)
		}
	}
}

func sweeps(t *testing.T, r harness) {
	w, err := r.Sweep(t.Context(), statements.Daily)
	must(t, err)
	if w != (statements.Sweep{}) {
		t.Errorf("%+v", w)
	}
	want := statements.Sweep{Began: keytest.Now, After: "x", Done: true}
	must(t, r.SaveSweep(t.Context(), statements.Daily, want))
	if w, err = r.Sweep(t.Context(), statements.Daily); err != nil || w != want {
		t.Errorf("%+v, %v", w, err)
	}
	if w, err = r.Sweep(t.Context(), statements.SweptFinal(month)); err != nil || w != (statements.Sweep{}) {
		t.Errorf("of the month when it is final: %+v, %v", w, err)
	}
	if w, err = r.Sweep(t.Context(), statements.SweptAsides(month)); err != nil || w != (statements.Sweep{}) {
		t.Errorf("of what was set aside: %+v, %v", w, err)
	}
	must(t, keytest.PutRaw(t.Context(), r.db, r.table, dynamo.Item{"pk": dynamo.S("SWEPT"), "sk": dynamo.S("daily"), "began_at": dynamo.S("?"), "done": dynamo.Bool(true)}))
	if w, err = r.Sweep(t.Context(), statements.Daily); err != nil || w != (statements.Sweep{}) {
		t.Errorf("%+v, %v", w, err)
	}
}
