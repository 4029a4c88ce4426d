package statement

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/product"
)

// The columns that every table has. Those between refused and otherRefusals are codes.
const (
	columnMonth   = "month"
	columnAdjusts = "adjusts"
	columnAccount = "account_id"
	columnKey     = "key_id"
	columnProduct = "product"
	columnClass   = "class"
	columnBilling = "billing_type"
	requests      = "requests"
	refused       = "refused"
	otherRefusals = "other_refusals"
)

// upstream are the columns of what upstreams answered. Nothing counts that yet: they are reserved, and empty.
var upstream = []string{"upstream_2xx", "upstream_3xx", "upstream_4xx", "upstream_5xx"}

// Columns are those of a statement that is written by this release. A statement keeps the columns with which it was begun.
func Columns() []string {
	list := []string{
		columnMonth, columnAdjusts, columnAccount, columnKey, columnProduct, columnClass, columnBilling, requests, string(authz.Allowed), refused,
	}
	for _, c := range authz.Codes {
		if c.OfKey() {
			list = append(list, string(c.Code))
		}
	}
	return slices.Concat(list, []string{otherRefusals}, upstream)
}

// Line writes cells as a line of a table.
func Line(cells []string) []byte {
	var text bytes.Buffer
	out := csv.NewWriter(&text)
	_ = out.Write(cells) // a buffer takes everything
	out.Flush()
	return text.Bytes()
}

// ReadLine reads what Line wrote.
func ReadLine(text string) ([]string, error) {
	cells, err := csv.NewReader(strings.NewReader(text)).Read()
	if err != nil {
		return nil, ErrTable
	}
	return cells, nil
}

// Encode writes rows of a month as the lines of a table with these columns.
func Encode(columns []string, m Month, rows []Row) []byte {
	var text bytes.Buffer
	for _, r := range rows {
		text.Write(Line(r.cells(columns, m)))
	}
	return text.Bytes()
}

func (r Row) cells(columns []string, m Month) []string {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	other := r.Refused()
	out := make([]string, len(columns))
	for i, name := range columns {
		switch name {
		case columnMonth:
			out[i] = m.String()
		case columnAdjusts:
			out[i] = r.Adjusts.String()
		case columnAccount:
			out[i] = string(r.Account)
		case columnKey:
			out[i] = string(r.Key)
		case columnProduct:
			out[i] = string(r.Product)
		case columnClass:
			out[i] = string(r.Class)
		case columnBilling:
			out[i] = string(r.Billing)
		case requests:
			out[i] = number(r.Allowed() + r.Refused())
		case refused:
			out[i] = number(r.Refused())
		case otherRefusals:
			out[i] = number(other)
		default:
			if slices.Contains(upstream, name) {
				continue
			}
			n := r.Calls[authz.Code(name)]
			out[i] = number(n)
			if name != string(authz.Allowed) {
				other -= n
			}
		}
	}
	return out
}

// Fold puts the refusals of codes that have no column under the code of all others, as a table has them.
func Fold(columns []string, rows []Row) []Row {
	named := func(r Row) bool {
		for code := range r.Calls {
			if !slices.Contains(columns, string(code)) {
				return false
			}
		}
		return true
	}
	first := slices.IndexFunc(rows, func(r Row) bool { return !named(r) })
	if first < 0 {
		return rows
	}
	out := slices.Clone(rows)
	for i, r := range rows[first:] {
		calls := map[authz.Code]int64{}
		for code, n := range r.Calls {
			if !slices.Contains(columns, string(code)) {
				code = otherRefusals
			}
			calls[code] += n
		}
		out[first+i].Calls = calls
	}
	return out
}

// ErrTable means that a text is no table of a statement.
var ErrTable = errors.New("statement: unreadable table")

// Decode reads what Encode wrote. Calls that were refused for a code without a column come back under the code other_refusals.
func Decode(columns []string, text []byte) ([]Row, error) {
	in := csv.NewReader(bytes.NewReader(text))
	in.FieldsPerRecord = len(columns)
	in.ReuseRecord = true
	rows := make([]Row, 0, bytes.Count(text, []byte("\n")))
	before := map[string]string{}
	for {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, ErrTable
		}
		// A cell is a part of its line: without a copy of its own it would keep the line. Most names stand in many rows.
		for i, cell := range cells {
			if before[columns[i]] != cell {
				before[columns[i]] = strings.Clone(cell)
			}
			cells[i] = before[columns[i]]
		}
		r, err := row(columns, cells)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
}

func row(columns, cells []string) (r Row, err error) {
	r.Calls = map[authz.Code]int64{}
	for i, name := range columns {
		switch cell := cells[i]; name {
		case columnAdjusts:
			if cell == "" {
				continue
			}
			if r.Adjusts, err = ParseMonth(cell); err != nil {
				return r, ErrTable
			}
		case columnAccount:
			r.Account = account.ID(cell)
		case columnKey:
			r.Key = apikey.ID(cell)
		case columnProduct:
			r.Product = product.ID(cell)
		case columnClass:
			r.Class = product.Class(cell)
		case columnBilling:
			r.Billing = apikey.BillingType(cell)
		case columnMonth, requests, refused: // of the statement, and sums
		default:
			if slices.Contains(upstream, name) {
				continue
			}
			n, err := strconv.ParseInt(cell, 10, 64)
			if err != nil {
				return r, ErrTable
			}
			if n != 0 {
				r.Calls[authz.Code(name)] = n
			}
		}
	}
	return r, nil
}
