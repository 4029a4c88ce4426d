package main

import (
	"bytes"
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/moment"
	"latchkey/shared/product"
	"latchkey/shared/text"
	"latchkey/shared/usage"
)

// line is one line of a table to download: an hour or day, a key, a product and the billing type that the key had.
type line struct {
	start   time.Time
	key     apikey.ID // empty where the account isn't split over its keys
	product product.ID
	billing apikey.BillingType // empty where it isn't known
	totals  usage.Totals
}

// lines are the rows that have calls of the outcome that was asked for.
func (q query) lines(rows []usage.Row) (out []line) {
	for _, r := range rows {
		one := usage.Query{From: r.Start, To: r.Start.Add(q.step), Step: q.step, Outcome: q.outcome}
		for _, typed := range usage.Summarise(one, []usage.Row{r}).ByBilling {
			out = append(out, line{r.Start, r.Key, r.Product, apikey.BillingType(typed.Name), typed.Totals})
		}
	}
	return out
}

// unsplit are the account's lines less those of its keys: the calls of keys that are purged. The account's rows are read
// first, and are written together with those of the keys, so that what the keys have more came meanwhile.
func (a answer) unsplit(keys []line) (left []line) {
	type cell struct {
		start   time.Time
		product product.ID
		billing apikey.BillingType
	}
	known := map[cell][]usage.Totals{}
	for _, one := range keys {
		at := cell{one.start, one.product, one.billing}
		known[at] = append(known[at], one.totals)
	}
	for _, rest := range a.query.lines(a.rows) {
		rest.totals = rest.totals.Less(known[cell{rest.start, rest.product, rest.billing}]...)
		if rest.totals.Requests > 0 {
			left = append(left, rest)
		}
	}
	return left
}

// columns are the table's columns before the numbers.
var columns = []string{"start", "account_id", "key_id", "key_name", "billing_type", "product"}

// renderCSV writes a line for each hour or day, key, product and billing type that had calls.
func renderCSV(w http.ResponseWriter, r *http.Request, a answer) error {
	lines := a.lines
	if lines == nil {
		lines = a.query.lines(a.rows)
	}
	slices.SortFunc(lines, func(x, y line) int {
		return cmp.Or(x.start.Compare(y.start), cmp.Compare(x.key, y.key), cmp.Compare(x.product, y.product), cmp.Compare(x.billing, y.billing))
	})
	var file bytes.Buffer
	out := text.NewTable(&file)
	out.Line(slices.Concat(columns, []string{"requests", "allowed", "refused", "qps_breaches"}, reasons)...)
	for _, one := range lines {
		out.Line(a.cells(one)...)
	}
	if err := out.End(); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+a.fileName(gateway.LeftOut(r.Context()) != nil)+`"`)
	w.Header().Set("Cache-Control", "private, no-cache")
	if !a.freshAt.IsZero() {
		w.Header().Set("X-Fresh-At", moment.Format(a.freshAt))
	}
	if a.merged {
		w.Header().Set("X-Not-Split", "key")
	}
	if n := gateway.LeftOut(r.Context()); n != nil {
		w.Header().Set("X-Unreadable", strconv.Itoa(*n))
	}
	_, _ = w.Write(file.Bytes())
	return nil
}

// fileName says whose usage a table holds, from which day to which, that its lines are of no single key, and that it lacks something.
func (a answer) fileName(partial bool) string {
	parts := []string{"usage", string(a.account)}
	if a.key != nil {
		parts = append(parts, string(a.key.ID))
	}
	last := a.query.to.Add(-a.query.step)
	parts = append(parts, a.query.from.Format(time.DateOnly), last.Format(time.DateOnly))
	if a.merged {
		parts = append(parts, "by_account")
	}
	return strings.Join(parts, "_") + partially(partial) + ".csv"
}

func (a answer) cells(one line) []string {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	k := a.keys[one.key]
	t := one.totals
	out := []string{
		moment.Format(one.start), string(a.account), string(one.key), text.Shown(k.Name), string(one.billing), string(one.product),
		number(t.Requests), number(t.Allowed), number(t.Refused), number(t.Breaches),
	}
	for _, code := range reasons {
		out = append(out, number(t.ByReason[authz.Code(code)]))
	}
	return out
}
