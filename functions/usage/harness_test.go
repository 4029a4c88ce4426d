package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/functions/internal/gateway"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/dynamo/quotas"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
	"latchkey/shared/usage"
)

// harness is the function on a store of its own, with one account that is half a year old, and two keys.
type harness struct {
	*apitest.API
	store    *counters.Store
	tables   *statements.Store
	account  account.Account
	key, two apikey.Key
	reports  int
	reading  func()                          // called before each read of the counters
	rows     int                             // of all keys together, if it isn't 0: the first key's row comes as often as it takes
	more     bool                            // the account has more keys than one answer reads
	crowd    int                             // keys that it has besides, and that nobody calls
	fault    func(call string) keytest.Fault // of faulty
}

// listed has more keys than it answers with, where the harness says so.
type listed struct {
	*control.Store
	r *harness
}

func (l listed) Keys(ctx context.Context, a account.ID, q control.KeyQuery) (control.KeyPage, error) {
	page, err := l.Store.Keys(ctx, a, q)
	if page.Next == "" && a == l.r.account.ID {
		page.Keys = append(page.Keys, make([]apikey.Key, l.r.crowd)...)
	}
	if l.r.more {
		page.Next = page.Keys[len(page.Keys)-1].ID
	}
	return page, err
}

// watched tells the harness of each read.
type watched struct {
	*counters.Store
	r *harness
}

func (w watched) KeyRows(ctx context.Context, a account.ID, k apikey.ID, in counters.Range) ([]usage.Row, error) {
	if k == "" {
		return nil, nil // of the crowd
	}
	w.r.reading()
	found, err := w.Store.KeyRows(ctx, a, k, in)
	if w.r.rows > 0 && k == w.r.key.ID {
		two, errTwo := w.Store.KeyRows(ctx, a, w.r.two.ID, in)
		found, err = append(found, slices.Repeat(found[:1], w.r.rows-len(found)-len(two))...), cmp.Or(err, errTwo)
	}
	return found, err
}

func (w watched) AccountRows(ctx context.Context, a account.ID, in counters.Range) ([]usage.Row, error) {
	w.r.reading()
	return w.Store.AccountRows(ctx, a, in)
}

func (w watched) FreshAt(ctx context.Context, a account.ID) (time.Time, error) {
	w.r.reading()
	return w.Store.FreshAt(ctx, a)
}

func newHarness(t testing.TB) *harness {
	t.Helper()
	return newHarnessWith(t, product.Default())
}

func newHarnessWith(t testing.TB, products product.Catalogue) *harness {
	t.Helper()
	return newHarnessOn(t, products, keytest.Open(t))
}

// faulty has a store of which the calls fail that fault says.
func faulty(t testing.TB) *harness {
	t.Helper()
	var r *harness
	r = newHarnessOn(t, product.Default(), keytest.Open(t).With(func(call string, _ int) keytest.Fault {
		if r == nil || r.fault == nil {
			return keytest.NoFault
		}
		return r.fault(call)
	}))
	return r
}

func newHarnessOn(t testing.TB, products product.Catalogue, stores keytest.Stores) *harness {
	t.Helper()
	r := &harness{API: apitest.New(t, stores), reading: func() {}}
	r.store = counters.New(r.DB.(counters.Client), r.Tables.Counters).
		Reporting(func(ctx context.Context, _ account.ID, _ string, _ error) { gateway.LeaveOut(ctx) })
	long := keytest.Now.AddDate(0, -6, 0)
	r.account = r.NewAccount(t, func(a *account.Account) { a.CreatedAt = long })
	proposal := &apikey.Proposal{Domains: &[]string{"example.com"}, Since: keytest.Now.Add(-time.Hour)}
	r.key = r.NewKey(t, r.account, func(k *apikey.Key) { k.CreatedAt, k.Proposed = long, proposal })
	r.two = r.NewKey(t, r.account, func(k *apikey.Key) { k.CreatedAt = long })
	routes(r.Mux, handlers{
		keys: listed{r.Control, r}, counters: watched{r.store, r}, now: r.Clock.Now,
		quotas: quotas.NewReader(r.DB.(quotas.BatchClient), r.Tables.Quotas), products: products,
	})
	r.tables = statements.New(r.DB, r.Tables.Statements)
	statementRoutes(r.Mux, statementHandlers{
		accounts: r.Control, names: r.Control, tables: r.tables, now: r.Clock.Now, reader: openMonth(listed{r.Control, r}, watched{r.store, r}),
	})
	return r
}

func (r *harness) path(k apikey.Key) string {
	if k.ID == "" {
		return "/v1/accounts/" + string(r.account.ID) + "/usage"
	}
	return "/v1/accounts/" + string(r.account.ID) + "/keys/" + string(k.ID) + "/usage"
}

// call is n calls of a key.
func call(k apikey.Key, p product.ID, code authz.Code, at time.Time) usage.Call {
	return usage.Call{At: at, Code: code, Secret: k.Current.Hash, Class: product.Class(p), Billing: k.BillingType, Subject: usage.Subject{Account: k.Account, Key: k.ID, Product: p}}
}

// count puts calls into the counters as the consumer does, n of each.
func (r *harness) count(t testing.TB, n int, calls ...usage.Call) {
	t.Helper()
	r.reports++
	tally, at := usage.NewTally(fmt.Sprint("e", r.reports)), time.Time{}
	for _, c := range calls {
		at = c.At
		for range n {
			tally.Count(&c)
		}
	}
	contributions, newest := usage.Coalesce(tally.Report(at), at)
	for _, batch := range usage.Batches(contributions, newest, counters.MaxItems) {
		stored, err := r.store.Read(t.Context(), batch.Items())
		if err == nil {
			err = r.store.Write(t.Context(), usage.Fold(stored, batch))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// get asks as the owner.
func (r *harness) get(t testing.TB, k apikey.Key, query string) map[string]any {
	t.Helper()
	return r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path(k) + query}).JSON(t)
}

// numbers are "requests allowed refused breaches" of an object.
func numbers(doc any) string {
	m := doc.(map[string]any)
	return fmt.Sprint(m["requests"], m["allowed"], m["refused"], m["qps_breaches"])
}

// named are the shares by name.
func named(doc any) map[string]string {
	out := map[string]string{}
	for _, s := range doc.([]any) {
		out[s.(map[string]any)["name"].(string)] = numbers(s)
	}
	return out
}
