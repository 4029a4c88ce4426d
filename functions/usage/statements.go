package main

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/used"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/usage/statement"
)

// accounts lists all accounts.
type accounts interface {
	Accounts(ctx context.Context, name, after string, limit int) (control.AccountPage, error)
}

// keyNames reads the names of keys as they are now.
type keyNames interface {
	KeyNamesOf(ctx context.Context, owners map[apikey.ID]account.ID) (map[apikey.ID]string, error)
}

// statementTables reads what is written of statements.
type statementTables interface {
	State(context.Context, statement.Month) (statements.State, error)
	Read(ctx context.Context, m statement.Month, id account.ID, after string, limit int) (statements.Page, error)
	Standing(context.Context, statement.Month, account.ID) ([]statement.Row, statements.Carried, error)
}

// statementHandlers answers with statements: final ones as they were written, open months as the counters have them now.
type statementHandlers struct {
	accounts accounts
	names    keyNames
	tables   statementTables
	reader   used.Reader
	now      func() time.Time
}

func statementRoutes(m *gateway.Mux, h statementHandlers) {
	m.Account("GET /v1/accounts/{account}/statements/{month}", func(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
		return h.show(w, r, c.Account)
	}, account.ReadStatements)
	m.OperatorList("GET /v1/operator/statements/{month}", func(*http.Request) string { return "statements" },
		func(w http.ResponseWriter, r *http.Request, _ gateway.Principal) error { return h.show(w, r, "") }, account.LookUp)
}

// Bounds of an account's open month: keys that are read at the same time, and in all. A busy key takes half a millisecond of a processor, of which the
// function has a third, so 5,000 of them are some 9 s. Of an account of more keys the rows are of no key.
const (
	monthAtOnce = 64
	mostOfMonth = 5_000
)

// openMonth reads months that have no statement.
func openMonth(keys used.Keys, rows used.Rows) used.Reader {
	return used.Reader{Keys: keys, Rows: rows, AtOnce: monthAtOnce, Most: mostOfMonth}
}

// csvLines is the most lines of one page of a table to download.
const csvLines = 10_000

// asked is a checked question for a page of a statement.
type asked struct {
	month statement.Month
	id    account.ID // "" for all
	csv   bool
	page  gateway.Page
}

// askStatement parses a question for a statement; of which months there are any is shown by what is stored.
func askStatement(r *http.Request, id account.ID) (a asked, err error) {
	if err := gateway.KnownQuery(r, "format", "page_size", "page_token"); err != nil {
		return a, err
	}
	a.id = id
	if a.month, err = statement.ParseMonth(r.PathValue("month")); err != nil {
		return a, gateway.Parameter("month", "It must be a month such as 2026-11.")
	}
	switch format := r.URL.Query().Get("format"); format {
	case "":
		a.csv = gateway.Negotiate(r, "application/json", "text/csv") == "text/csv"
	case "json", "csv":
		a.csv = format == "csv"
	default:
		return a, gateway.Parameter("format", "It must be json or csv.")
	}
	if a.page, err = gateway.PageOf(r, "statement", string(id), a.month.String(), strconv.FormatBool(a.csv)); err == nil && a.page.Back {
		err = gateway.ErrPageToken
	}
	return a, err
}

func (a asked) lines() int {
	if a.csv {
		return csvLines
	}
	return a.page.Size
}

// found is a page of a statement.
type found struct {
	state   statements.State
	final   bool
	columns []string
	lines   []byte
	rows    int
	sha     string
	next    string
	merged  []string // accounts whose rows are of no key
}

func (h statementHandlers) show(w http.ResponseWriter, r *http.Request, id account.ID) error {
	a, err := askStatement(r, id)
	if err != nil {
		return err
	}
	state, err := h.tables.State(r.Context(), a.month)
	if err != nil {
		return err
	}
	// A token is of the form that the statement had: pages that were begun while the month was open end with a message, not with other rows.
	status, cursor, _ := strings.Cut(a.page.After, " ")
	final := state.Status == statements.Final
	if id != "" {
		final = final || state.Has(id) // an account doesn't wait for the others; and a month that was closed without it is closed for it, too
	}
	if !final && !a.month.Stated(h.now()) {
		return gateway.Parameter("month", "It must be the present month, or one of the last 12.")
	}
	if a.page.After != "" && (status == string(statements.Final)) != final {
		return gateway.ErrPageToken
	}
	f := found{state: state, final: final, columns: state.Columns}
	if final {
		err = h.final(r.Context(), a, cursor, &f)
	} else {
		err = h.open(r.Context(), a, cursor, &f)
	}
	if err != nil {
		return err
	}
	if a.csv {
		w.Header().Set("Vary", "Accept")
		return a.table(w, gateway.LeftOut(r.Context()), f)
	}
	unreadable := gateway.LeftOut(r.Context()) // before the names, whose keys aren't left out
	rows, err := statement.Decode(f.columns, f.lines)
	if err != nil {
		return err
	}
	names, err := h.namesOf(r.Context(), rows)
	if err != nil {
		return err
	}
	w.Header().Set("Vary", "Accept")
	return a.document(w, unreadable, f, rows, names, h.waits(f, a.month))
}

// namesOf reads the names of the keys of a page.
func (h statementHandlers) namesOf(ctx context.Context, rows []statement.Row) (map[apikey.ID]string, error) {
	owners := map[apikey.ID]account.ID{}
	for _, row := range rows {
		if row.Key != "" {
			owners[row.Key] = row.Account
		}
	}
	return h.names.KeyNamesOf(ctx, owners)
}

// final reads a page of what is written.
func (h statementHandlers) final(ctx context.Context, a asked, cursor string, f *found) error {
	p, err := h.tables.Read(ctx, a.month, a.id, cursor, a.lines())
	if err != nil {
		return err
	}
	f.lines, f.sha = p.Lines, f.state.SHA256
	if p.Next != "" {
		f.next = string(statements.Final) + " " + p.Next
	}
	if a.id != "" {
		if f.sha = p.SHA256; f.sha == "" { // no rows
			f.sha = statements.Empty(f.columns)
		}
	}
	return nil
}

// place begins a page of an open month: with the rest of an account, if there is one, and behind its place in the list of accounts. It is no
// place on a page of the list: accounts are opened and renamed between pages.
type place struct {
	after string
	id    account.ID
	skip  int // rows of the account
}

func (p place) String() string {
	return string(statements.Open) + " " + strings.Join([]string{strconv.Itoa(p.skip), string(p.id), p.after}, " ")
}

// placeOf reads what String wrote, without the status: tokens are the stack's own.
func placeOf(cursor string) (p place) {
	skip, rest, _ := strings.Cut(cursor, " ")
	id, after, _ := strings.Cut(rest, " ")
	p.skip, _ = strconv.Atoi(skip)
	p.id, p.after = account.ID(id), after
	return p
}

// open makes a page from the counters, of accounts in the order of their names. It ends short where many of them made no calls.
func (h statementHandlers) open(ctx context.Context, a asked, cursor string, f *found) error {
	f.columns = statement.Columns()
	at := placeOf(cursor)
	if a.id != "" {
		at = place{"", a.id, at.skip}
	}
	begun := at.id
	if begun != "" {
		if full, err := h.add(ctx, a, at, f); err != nil || full || a.id != "" {
			return err
		}
	}
	for range a.batches() {
		page, err := h.accounts.Accounts(ctx, "", at.after, a.page.Size)
		if err != nil {
			return err
		}
		for _, one := range page.Accounts {
			if one.ID == begun { // renamed meanwhile
				continue
			}
			if full, err := h.add(ctx, a, place{control.PlaceByName(one), one.ID, 0}, f); err != nil || full {
				return err
			}
		}
		if at = (place{after: page.Next}); page.Next == "" {
			f.next = ""
			return nil
		}
		if f.next = at.String(); near(ctx) {
			return nil
		}
	}
	return nil
}

// add adds the rows of an account from a place on, and says whether the page is full.
func (h statementHandlers) add(ctx context.Context, a asked, at place, f *found) (full bool, err error) {
	left := a.lines() - f.rows
	if left == 0 || f.rows > 0 && near(ctx) {
		f.next = at.String()
		return true, nil
	}
	rows, split, err := h.rows(ctx, a.month, at.id)
	if err != nil {
		return false, err
	}
	if !split {
		f.merged = append(f.merged, string(at.id))
	}
	rows = rows[min(at.skip, len(rows)):]
	n := min(left, len(rows))
	f.lines = append(f.lines, statement.Encode(f.columns, a.month, rows[:n])...)
	f.rows += n
	if n == len(rows) {
		return false, nil
	}
	at.skip += n
	f.next = at.String()
	return true, nil
}

// csvBatches bounds the accounts of a page of a table, in pages of the list.
const csvBatches = 10

func (a asked) batches() int {
	if a.csv {
		return csvBatches
	}
	return 1
}

// kept is the part of the function's time that is left for the answer, and for one more account of as many keys as are read.
const kept = 15 * time.Second

// near reports whether a call has hardly any time left: a page over many accounts that made no calls ends short then.
func near(ctx context.Context) bool {
	end, ok := ctx.Deadline()
	return ok && time.Until(end) < kept
}

func (h statementHandlers) rows(ctx context.Context, m statement.Month, id account.ID) (_ []statement.Row, split bool, _ error) {
	rows, _, split, err := h.reader.Split(ctx, m, id)
	if err != nil {
		return nil, false, err
	}
	adjusting, _, err := h.tables.Standing(ctx, m, id)
	return append(rows, adjusting...), split, err
}
