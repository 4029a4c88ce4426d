package main

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/moment"
	"latchkey/shared/usage/statement"
)

// shown is the status that people see: a statement that is being written is open until all that they see of it is written.
func (f found) shown() api.StatementStatus {
	if f.final {
		return api.Final
	}
	return api.Open
}

// waits returns what a month that is settled and has no statement waits for, or nil. A month has a state from soon after its end on, unless it is from before there
// were statements: then none is written until an admin closes it.
func (h statementHandlers) waits(f found, m statement.Month) *string {
	is := func(what string) *string { return &what }
	switch {
	case f.final || h.now().Before(m.Settled()):
		return nil
	case f.state.Status == statements.Writing:
		return is("writing")
	case f.state.Version == 0:
		return is("closing")
	default:
		return is("records")
	}
}

// without names the accounts whose rows the statement lacks: of an account's own, itself if the month was closed without it.
func (a asked) without(f found) (ids []string) {
	for _, id := range f.state.Left {
		if a.id == "" || a.id == id && f.final {
			ids = append(ids, string(id))
		}
	}
	return ids
}

func (a asked) document(w http.ResponseWriter, unreadable *int, f found, rows []statement.Row, names map[apikey.ID]string, waits *string) error {
	var closed time.Time
	if f.final {
		closed = f.state.Ended
	}
	doc := api.Statement{
		Month: a.month.String(), Status: f.shown(), SettledAt: moment.Of(a.month.Settled()), ClosedAt: web.TimePtr(closed),
		Rows: make([]api.StatementRow, len(rows)), NextPageToken: a.page.Next(f.next), Unreadable: unreadable, WaitsFor: waits,
	}
	if f.sha != "" {
		doc.Sha256 = &f.sha
	}
	if left := a.without(f); len(left) > 0 {
		doc.LeftOut = &left
	}
	if len(f.merged) > 0 {
		doc.NotSplit = &f.merged
	}
	for i, row := range rows {
		doc.Rows[i] = rowDoc(row)
		doc.Rows[i].KeyName = web.ShownPtr(names[row.Key])
	}
	return gateway.JSON(w, http.StatusOK, doc)
}

func rowDoc(r statement.Row) api.StatementRow {
	doc := api.StatementRow{
		AccountId: string(r.Account), Adjusts: web.StringPtr(r.Adjusts.String()), KeyId: web.StringPtr(string(r.Key)), Product: string(r.Product),
		Class: web.StringPtr(string(r.Class)), BillingType: web.StringPtr(string(r.Billing)),
		Requests: r.Allowed() + r.Refused(), Allowed: r.Allowed(), Refused: r.Refused(), ByReason: map[string]int64{},
	}
	for code, n := range r.Calls {
		if code != authz.Allowed {
			doc.ByReason[string(code)] = n
		}
	}
	return doc
}

// fileName says whose month a file holds, that it is open, and that it lacks something.
func (a asked) fileName(f found, partial bool) string {
	name := "statement_" + a.month.String()
	if a.id != "" {
		name += "_" + string(a.id)
	}
	if !f.final {
		name += "_open"
	}
	return name + partially(partial) + ".csv"
}

// partially is the part of a file's name that says that it lacks something.
func partially(lacks bool) string {
	if lacks {
		return "_partial"
	}
	return ""
}

// table answers with lines of the table: the first page begins with that of the columns, so that all pages one behind the other are the bytes
// that the hash is of.
func (a asked) table(w http.ResponseWriter, unreadable *int, f found) error {
	var text bytes.Buffer
	if a.page.After == "" {
		text.Write(statement.Line(f.columns))
	}
	text.Write(f.lines)
	left, header := a.without(f), w.Header()
	header.Set("Content-Type", "text/csv; charset=utf-8")
	header.Set("Content-Disposition", `attachment; filename="`+a.fileName(f, unreadable != nil || f.final && len(left) > 0)+`"`)
	header.Set("Cache-Control", "private, no-cache")
	header.Set("X-Statement-Status", string(f.shown()))
	if f.sha != "" {
		header.Set("X-Statement-Sha256", f.sha)
	}
	if len(left) > 0 {
		header.Set("X-Statement-Left-Out", strings.Join(left, ", "))
	}
	if len(f.merged) > 0 {
		header.Set("X-Not-Split", "key")
	}
	if next := a.page.Next(f.next); next != nil {
		header.Set("X-Next-Page-Token", *next)
	}
	if unreadable != nil {
		header.Set("X-Unreadable", strconv.Itoa(*unreadable))
	}
	_, _ = w.Write(text.Bytes())
	return nil
}
