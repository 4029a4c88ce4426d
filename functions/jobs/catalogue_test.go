package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/audit"
	"latchkey/shared/consent"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

// deployed is a catalogue of products with these paths.
func deployed(t *testing.T, names map[product.ID]string, prefixes map[product.ID][]string) product.Catalogue {
	t.Helper()
	var list []product.Product
	for id, name := range names {
		list = append(list, product.Product{ID: id, Name: name, Kind: product.API, SamplePath: prefixes[id][0] + "1", Classes: []product.LimitClass{
			{ID: product.Class(id), Name: name, Prefixes: prefixes[id], QPS: map[account.Type]int{account.Enterprise: 1, account.SelfServe: 1}, MaxQPS: 1},
		}})
	}
	c, err := product.New(list)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// tell runs the job and returns the rows that it wrote.
func (r *harness) tell(t *testing.T) (rows []audit.Row) {
	t.Helper()
	before := len(r.AllAudit(t, control.Operators))
	answer, err := r.handle(t.Context(), json.RawMessage(`{"job":"catalogue"}`))
	if err != nil {
		t.Fatal(err)
	}
	rows = r.AllAudit(t, control.Operators)
	rows = rows[before:]
	changes := 0
	for _, row := range rows {
		changes += len(row.Changes)
	}
	if done := answer.(announced); done.Products != changes || done.Version != r.products.Version() {
		t.Errorf("%+v, and %d changes are written", done, changes)
	}
	return rows
}

// TestANarrowedOrRenamedProductIsTold once, to operators and by the row to the bus, with what it was and what it is.
func TestANarrowedOrRenamedProductIsTold(t *testing.T) {
	r := newHarness(t)
	r.products = deployed(t, map[product.ID]string{"search": "Search", "old": "Old"}, map[product.ID][]string{"search": {"/search/", "/find/"}, "old": {"/old/"}})
	if rows := r.tell(t); len(rows) != 1 || len(rows[0].Changes) != 2 || rows[0].Changes[0].Before != "" {
		t.Errorf("the first: %+v", rows)
	}
	if rows := r.tell(t); len(rows) != 0 {
		t.Errorf("told twice: %+v", rows)
	}
	r.products = deployed(t, map[product.ID]string{"search": "Search API"}, map[product.ID][]string{"search": {"/search/"}})
	rows := r.tell(t)
	if len(rows) != 1 || len(rows[0].Changes) != 2 || rows[0].Action != "catalogue.change" || rows[0].Actor.Role != account.RoleSystem || rows[0].Account != control.Operators {
		t.Fatalf("%+v", rows)
	}
	want := []audit.Change{
		{Field: "product:old", Before: `{"name":"Old","prefixes":["/old/"]}`},
		{Field: "product:search", Before: `{"name":"Search","prefixes":["/find/","/search/"]}`, After: `{"name":"Search API","prefixes":["/search/"]}`},
	}
	for i, c := range rows[0].Changes {
		if c != want[i] {
			t.Errorf("got %+v, want %+v", c, want[i])
		}
	}
	if rows := r.tell(t); len(rows) != 0 {
		t.Errorf("told twice: %+v", rows)
	}
}

// TestAnotherCatalogueOfTheSameNumberIsMeasured, as after a lock from which blocks were removed, in each run; a rollback to one that was deployed before
// is none unless both have been deployed by then, nor is a new number. Log and answer name the other one. A catalogue in which customers notice nothing is remembered too, and not told.
func TestAnotherCatalogueOfTheSameNumberIsMeasured(t *testing.T) {
	r := newHarness(t)
	wider := apitest.Covers("search", "/search/", "/find/")
	first := apitest.Catalogue(t, "../..", func([]product.Product) {})
	two, other := apitest.Catalogue(t, "../..", wider), apitest.Catalogue(t, "../..", apitest.Covers("search", "/search/", "/cut/"))
	encoded := apitest.Catalogue(t, "../..", wider, func(products []product.Product) {
		products[0].Classes[0].EncodedSlash, products[0].Classes[1].EncodedSlash = true, true
	})
	for i, run := range []struct {
		deployed product.Catalogue
		rows     int
		conflict float64
	}{{first, 1, 0}, {two, 1, 0}, {first, 1, 0}, {two, 1, 0}, {encoded, 0, 0}, {other, 1, 1}, {other, 0, 1}, {encoded, 1, 0}, {two, 0, 1}, {first, 1, 0}} {
		r.products = run.deployed
		r.forget()
		before := len(r.AllAudit(t, control.Operators))
		answer, err := r.do(t, "catalogue")
		if err != nil {
			t.Fatal(err)
		}
		want := consent.Version("")
		if run.conflict > 0 {
			want = two.Version()
		}
		if run.conflict > 0 && run.deployed.Version() == want { // of two that had the number, either rings
			want = other.Version()
		}
		named := strings.Contains(r.out.String(), `"level":"ERROR","msg":"catalogue conflict","version":"`+string(run.deployed.Version())+`","other_version":"`+string(want)+`"`)
		if done := answer.(announced); done.Other != want || named != (run.conflict > 0) {
			t.Errorf("run %d: %+v, want %q, and the log has %s", i, done, want, r.out)
		}
		rows := len(r.AllAudit(t, control.Operators)) - before
		if got := r.measured(t, "CatalogueConflicts"); rows != run.rows || !slices.Equal(got, []float64{run.conflict}) {
			t.Errorf("run %d: %d rows, measured %v, want %d and %v", i, rows, got, run.rows, run.conflict)
		}
	}
	seen, err := r.store.Announced(t.Context())
	if want := []consent.Version{first.Version(), two.Version(), encoded.Version(), other.Version()}; err != nil || !slices.Equal(seen.Deployed, want) {
		t.Errorf("remembered %v, %v, want %v", seen.Deployed, err, want)
	}
}

// The alarm is evaluated in infra/contract, on what is kept here.
func TestTheJobMeasuresTheConflictThatItsAlarmIsFor(t *testing.T) {
	r := newHarness(t)
	for _, prefix := range []string{"/find/", "/cut/"} {
		r.forget()
		r.products = apitest.Catalogue(t, "../..", apitest.Covers("search", "/search/", prefix))
		if _, err := r.do(t, "catalogue"); err != nil {
			t.Fatal(err)
		}
	}
	keytest.KeepMetrics(t, "CatalogueConflict", r.out.String())
}

// overtaken is a store in which another run tells of the catalogue first.
type overtaken struct {
	store
	t *testing.T
}

func (o overtaken) Announce(ctx context.Context, before, after control.Announced, row audit.Row) error {
	first := row
	first.ID += "x"
	if err := o.store.Announce(ctx, before, after, first); err != nil {
		o.t.Error(err)
	}
	return o.store.Announce(ctx, before, after, row)
}

func TestOfTwoRunsOneTellsOfTheCatalogue(t *testing.T) {
	r := newHarness(t)
	r.store = overtaken{r.store, t}
	for range 2 {
		if _, err := r.handle(t.Context(), json.RawMessage(`{"job":"catalogue"}`)); err != nil {
			t.Fatal(err)
		}
	}
	if rows := r.AllAudit(t, control.Operators); len(rows) != 1 {
		t.Errorf("%d rows", len(rows))
	}
}

// accepting is a store in which an owner accepts paths between a run's read and its write, as often as said.
type accepting struct {
	store
	t     *testing.T
	times int
}

func (a *accepting) Announce(ctx context.Context, before, after control.Announced, row audit.Row) error {
	if a.times--; a.times >= 0 {
		recorded := before
		recorded.Deployed = append(slices.Clone(before.Deployed), consent.Version(fmt.Sprintf("%d-0123456789", 90+a.times)))
		if err := a.store.Deployed(ctx, before, recorded); err != nil {
			a.t.Error(err)
		}
	}
	return a.store.Announce(ctx, before, after, row)
}

// TestACatalogueIsToldOfThoughItsRecordIsWritten in the same moment; where that goes on, the run says that it failed.
func TestACatalogueIsToldOfThoughItsRecordIsWritten(t *testing.T) {
	for times, want := range map[int]error{1: nil, 4: nil, 5: dynamo.ErrStale} {
		r := newHarness(t)
		r.store = &accepting{r.store, t, times}
		if _, err := r.handle(t.Context(), json.RawMessage(`{"job":"catalogue"}`)); !errors.Is(err, want) {
			t.Errorf("written %d times between: %v, want %v", times, err, want)
		}
		if rows := r.AllAudit(t, control.Operators); (len(rows) == 1) != (want == nil) {
			t.Errorf("written %d times between: %d rows", times, len(rows))
		}
	}
}

// failing is a store that can't be reached for one of the two calls.
type failing struct {
	store
	read bool
}

var errStore = errors.New("no store")

func (f failing) Announced(ctx context.Context) (control.Announced, error) {
	if f.read {
		return control.Announced{}, errStore
	}
	return f.store.Announced(ctx)
}

func (f failing) Announce(context.Context, control.Announced, control.Announced, audit.Row) error {
	return errStore
}

// TestAFailureOfTheCatalogueJobIsItsError: the alarm hears of it, and the next run tells.
func TestAFailureOfTheCatalogueJobIsItsError(t *testing.T) {
	r := newHarness(t)
	whole := r.store
	for _, read := range []bool{true, false} {
		r.store = failing{whole, read}
		if _, err := r.handle(t.Context(), json.RawMessage(`{"job":"catalogue"}`)); !errors.Is(err, errStore) {
			t.Errorf("read %v: %v", read, err)
		}
	}
	r.store = whole
	if rows := r.tell(t); len(rows) != 1 {
		t.Errorf("%d rows", len(rows))
	}
}

// TestADamagedRecordOfTheCatalogueIsAnError, and not a catalogue of which all is new.
func TestADamagedRecordOfTheCatalogueIsAnError(t *testing.T) {
	r := newHarness(t)
	r.tell(t)
	item := dynamo.Item{"pk": dynamo.S("J#catalogue"), "sk": dynamo.S("CATALOGUE"), "kind": dynamo.S("catalogue"), "v": dynamo.N(99)}
	if err := keytest.PutRaw(t.Context(), r.DB, r.Tables.Control, item); err != nil {
		t.Fatal(err)
	}
	if _, err := r.handle(t.Context(), json.RawMessage(`{"job":"catalogue"}`)); !errors.Is(err, dynamo.ErrUnreadable) {
		t.Errorf("%v", err)
	}
}
