// Package statement makes the statement of a month: what accounts used, by key, product, limit class and billing type, from the
// counters of days. It is pure: functions/jobs decides when a statement is written, and shared/dynamo/statements keeps it.
package statement

import (
	"cmp"
	"maps"
	"slices"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/product"
	"latchkey/shared/usage"
)

// Place names a row: two rows of a statement never have the same one.
type Place struct {
	Adjusts Month // the month of the calls in an adjustment; none in a row of the statement's own month
	Account account.ID
	Key     apikey.ID // empty for keys that are purged, all together
	Product product.ID
	Class   product.Class      // empty where the billing type isn't known
	Billing apikey.BillingType // empty where it isn't known
}

// Row is a line of a statement. In an adjustment numbers may be negative: calls that were counted without a billing type may get one
// later.
type Row struct {
	Place
	Calls map[authz.Code]int64 // by outcome
}

// Allowed is the number of calls that were let through.
func (r Row) Allowed() int64 { return r.Calls[authz.Allowed] }

// Refused is the number of all others.
func (r Row) Refused() (n int64) {
	for code, calls := range r.Calls {
		if code != authz.Allowed {
			n += calls
		}
	}
	return n
}

// Compare orders rows: by account, the adjustments last, by key, purged ones last, product, class and billing type.
func Compare(a, b Row) int {
	return cmp.Or(
		cmp.Compare(a.Account, b.Account), cmp.Compare(a.Adjusts, b.Adjusts), cmp.Compare(unnamed(a.Key), unnamed(b.Key)), cmp.Compare(a.Key, b.Key),
		cmp.Compare(a.Product, b.Product), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Billing, b.Billing),
	)
}

func unnamed(k apikey.ID) int {
	if k == "" {
		return 1
	}
	return 0
}

// table adds up calls by place.
type table map[Place]map[authz.Code]int64

func (t table) add(at Place, code authz.Code, n int64) {
	if n == 0 {
		return
	}
	if t[at] == nil {
		t[at] = map[authz.Code]int64{}
	}
	if t[at][code] += n; t[at][code] == 0 {
		delete(t[at], code)
	}
}

func (t table) addRows(id account.ID, rows []usage.Row) {
	for _, r := range rows {
		for cell, n := range r.Cells() {
			t.add(Place{Account: id, Key: r.Key, Product: r.Product, Class: cell.Class, Billing: cell.Billing}, cell.Code, n)
		}
	}
}

func (t table) rows() []Row {
	out := make([]Row, 0, len(t))
	for at, calls := range t {
		if len(calls) > 0 {
			out = append(out, Row{at, calls})
		}
	}
	slices.SortFunc(out, Compare)
	return out
}

// Sum adds up an account's rows of a month, key by key, so that the counters of all days of all keys needn't be held at once.
type Sum struct {
	id account.ID
	t  table
}

// SumOf begins without rows.
func SumOf(id account.ID) Sum { return Sum{id, table{}} }

// Add adds counters of keys.
func (s Sum) Add(keys []usage.Row) { s.t.addRows(s.id, keys) }

// Rows ends a sum with the account's own counters, and makes the rows of the month, sorted. What the account has more are the calls of keys
// that are purged. The account's counters are to be read first: so a call that is counted while the keys are read can't be taken for a
// purged key's.
func (s Sum) Rows(total []usage.Row) []Row {
	s.t.addRest(s.id, total)
	return s.t.rows()
}

// Outcome names calls on which the counters of an account and those of its keys agree. By class and billing type they may not: each tells
// apart as many as it has room for.
type Outcome struct {
	Product product.ID
	Code    authz.Code
}

func (t table) addRest(id account.ID, total []usage.Row) {
	all := table{}
	all.addRows(id, total)
	left := all.outcomes()
	for o, n := range t.outcomes() {
		left[o] -= n
	}
	known := table{}
	for at, calls := range t {
		at.Key = ""
		for code, n := range calls {
			known.add(at, code, n)
		}
	}
	for _, r := range all.rows() {
		for _, code := range slices.Sorted(maps.Keys(r.Calls)) {
			o := Outcome{r.Product, code}
			n := min(r.Calls[code]-known[r.Place][code], left[o])
			if n > 0 {
				t.add(r.Place, code, n)
				left[o] -= n
			}
		}
	}
	for o, n := range left {
		if n > 0 {
			t.add(Place{Account: id, Product: o.Product}, o.Code, n)
		}
	}
}

// outcomes adds up rows by product and outcome alone.
func (t table) outcomes() map[Outcome]int64 {
	out := map[Outcome]int64{}
	for at, calls := range t {
		for code, n := range calls {
			out[Outcome{at.Product, code}] += n
		}
	}
	return out
}

// Join adds up rows of the same place, and sorts them.
func Join(lists ...[]Row) []Row {
	t := table{}
	for _, rows := range lists {
		for _, r := range rows {
			for code, n := range r.Calls {
				t.add(r.Place, code, n)
			}
		}
	}
	return t.rows()
}

// Own leaves out the adjustments of a statement, which are about other months.
func Own(rows []Row) (own []Row) {
	if !slices.ContainsFunc(rows, func(r Row) bool { return r.Adjusts != 0 }) {
		return rows
	}
	for _, r := range rows {
		if r.Adjusts == 0 {
			own = append(own, r)
		}
	}
	return own
}
