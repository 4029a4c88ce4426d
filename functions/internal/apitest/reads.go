package apitest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// long is the number of objects of each kind that a long list has: more than the greatest bound.
var long = map[bool]int{false: 2500, true: 5000}[keytest.Deep()]

// mostRead is the number of records that one call of an operation reads at most: those that one page of a list looks at, one
// more, a page of what belongs to them, and a few of the caller's own.
const mostRead = control.MostLooked + 1 + 2*100 + 10

// matching are filters that no record of a fixture fits, or as few as possible, by the parameter's name. What isn't a filter
// has none.
var matching = map[string][]string{
	"status": {"expired", "rejected", "withdrawn"}, "product": {"routing"}, "label": {"nobody"}, "domain": {"nobody.example"}, "q": {"nobody"}, "email": {"nobody@example.com"},
	"action": {"nothing"}, "actor": {"nobody"}, "key_id": {"key_01ARZ3NDEKTSV4RRFFQ69G5FAV"}, "from": {"2026-01-01T00:00:00Z"}, "to": {"2026-01-01T00:00:00Z"},
	"sort":      {"created_at", "-created_at", "name", "-rotated_at", "-requests"},
	"figures":   {"day"},
	"outcome":   {"key_expired"},
	"with":      {"before"},
	"group_by":  {"reason", "origin"},
	"page_size": {"100"}, "page_token": nil, "format": nil, "interval": nil,
}

// Reads holds that no operation that reads anything, whatever its filter, reads more than its bound of records, though there
// are thousands of each kind. The pages behind the first cost no more.
func Reads(t *testing.T, fixture func(testing.TB) Fixture, serves func(Operation) bool) {
	keytest.OneAtATime(t)
	if os.Getenv("LATCHKEY_STORE") == "engine" {
		t.Skip("it counts reads of the store in memory")
	}
	f := fixture(t)
	f.lengthen(t)
	for _, op := range Operations(t) {
		if !serves(op) || op.Method != http.MethodGet || slices.Contains(op.Roles, "public") {
			continue
		}
		t.Run(op.ID, func(t *testing.T) {
			for _, query := range filters(t, op) {
				f.readWithin(t, op, query)
			}
		})
	}
}

// filters are the queries that an operation is asked with: none, and each value of each parameter.
func filters(t *testing.T, op Operation) []url.Values {
	t.Helper()
	list := []url.Values{{}}
	for _, name := range parameters(t, op) {
		values, known := matching[name]
		if !known {
			t.Errorf("%s takes %s: which of its values fits next to nothing?", op.ID, name)
		}
		for _, v := range values {
			list = append(list, url.Values{name: {v}})
		}
	}
	return list
}

// parameters are the names of those that an operation takes in its query, its path's own included.
func parameters(t testing.TB, op Operation) (names []string) {
	t.Helper()
	for _, p := range append(slices.Clone(Contract(t).Paths.Value(op.Path).Parameters), operation(t, op).Parameters...) {
		if p.Value.In == "query" {
			names = append(names, p.Value.Name)
		}
	}
	return names
}

// readWithin reads the first pages of a list.
func (f Fixture) readWithin(t *testing.T, op Operation, query url.Values) {
	t.Helper()
	for page := range 2 {
		before := f.Calls.Read()
		answer := f.Do(t, Call{As: op.Caller(), Method: op.Method, Path: fill(op.Path, f.params(op)) + "?" + query.Encode()})
		if read := f.Calls.Read() - before; read > mostRead {
			t.Errorf("page %d of %s?%s reads %d records, at most %d are allowed", page+1, op.Path, query.Encode(), read, mostRead)
		}
		if answer.Status != http.StatusOK {
			if answer.Code() != "keys_not_sortable" && answer.Code() != "parameter_invalid" {
				t.Errorf("%s?%s: %s", op.Path, query.Encode(), answer.Problem())
			}
			return
		}
		if !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/json") {
			return
		}
		token, more := answer.JSON(t)["next_page_token"].(string)
		if !more {
			return
		}
		query.Set("page_token", token)
	}
}

// lengthen makes every list long: it copies one record of each kind, in the table and in each partition of the index.
func (f Fixture) lengthen(t testing.TB) {
	t.Helper()
	memory, ok := f.Interrupt.DB.(*keytest.Memory)
	if !ok {
		t.Fatal("the store isn't the one in memory") // whose short pages would take minutes
	}
	memory.PageSize = 0 // as long as they are asked for
	kinds := map[string]bool{}
	for _, item := range f.Items(t, f.Tables.Control) {
		text := func(name string) string { s, _ := dynamo.GetS(item, name); return s }
		index, _, _ := strings.Cut(text("gpk"), "#")
		kind := strings.Join([]string{text("kind"), text("key_id"), text("account"), index}, " ")
		if kinds[kind] || text("kind") == "guard" || text("kind") == "idempotency" {
			continue
		}
		kinds[kind] = true
		for i := range long {
			next := maps.Clone(item)
			place := "sk"
			if !strings.Contains(text("sk"), "#") { // one to a partition
				place = "pk"
			}
			next[place] = dynamo.S(fmt.Sprintf("%s~%04d", text(place), i))
			f.Put(t, f.Tables.Control, next)
		}
	}
}
