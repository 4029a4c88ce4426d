package apitest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// Question holds the ways in which a list can be asked for.
type Question struct {
	As, Path string
	// Queries are different questions, the first of them with two results or more.
	Queries []string
	// Beside are parameters that don't change which results there are, and in which order.
	Beside []string
	// Elsewhere are paths of other lists, which refuse each token of this one.
	Elsewhere []string
}

// TokensKeepTheirQuestion checks that a page token of a list is taken with the question that it was given for, and refused with each of
// the others: a filter is part of what a token is good for. Each list that a function serves has to be there with all filters
// that the contract gives it, by operation.
func TokensKeepTheirQuestion(t *testing.T, r *API, serves func(Operation) bool, lists map[string]Question) {
	t.Helper()
	for _, op := range Operations(t) {
		filters := op.filters(t)
		if !serves(op) || len(filters) == 0 {
			continue
		}
		list, ok := lists[op.ID]
		if !ok {
			t.Errorf("%s has pages and the filters %s, and isn't tried", op.ID, strings.Join(filters, ", "))
		}
		for _, name := range filters {
			tried := slices.ContainsFunc(list.Queries, func(q string) bool {
				values, err := url.ParseQuery(q)
				return err == nil && values.Get(name) != ""
			})
			if ok && tried == slices.Contains(list.Beside, name) {
				t.Errorf("%s: whether %s is part of a token's question isn't tried", op.ID, name)
			}
		}
		list.try(t, r)
	}
}

// filters are the query parameters of a list that has pages, but for those of the pages; nil if it has none.
func (o Operation) filters(t testing.TB) (names []string) {
	item, paged := Contract(t).Paths.Value(o.Path), false
	for _, p := range append(slices.Clone(item.Parameters), item.GetOperation(o.Method).Parameters...) {
		switch {
		case p.Value.In != "query" || p.Value.Name == "page_size":
		case p.Value.Name == "page_token":
			paged = true
		default:
			names = append(names, p.Value.Name)
		}
	}
	if !paged {
		return nil
	}
	return names
}

func (q Question) try(t testing.TB, r *API) {
	t.Helper()
	for i, asked := range q.Queries {
		first := r.Want(t, http.StatusOK, Call{As: q.As, Method: http.MethodGet, Path: q.Path + "?" + asked + "&page_size=1"})
		token := first.pageToken(t)
		if token == "" {
			if i == 0 {
				t.Errorf("%s?%s has one page", q.Path, asked)
			}
			continue
		}
		for _, path := range q.Elsewhere {
			if got := r.Do(t, Call{As: q.As, Method: http.MethodGet, Path: path + "?" + asked + "&page_size=1&page_token=" + url.QueryEscape(token)}); got.Code() != "page_token_invalid" {
				t.Errorf("a token of %s?%s at %s: %d %s", q.Path, asked, path, got.Status, got.Body)
			}
		}
		for _, other := range q.Queries {
			got := r.Do(t, Call{As: q.As, Method: http.MethodGet, Path: q.Path + "?" + other + "&page_size=1&page_token=" + url.QueryEscape(token)})
			if asked == other && got.Status != http.StatusOK || asked != other && got.Code() != "page_token_invalid" {
				t.Errorf("%s: a token of %q with %q: %d %s", q.Path, asked, other, got.Status, got.Body)
			}
		}
	}
}

func (a Answer) pageToken(t testing.TB) string {
	t.Helper()
	if strings.HasPrefix(a.Header.Get("Content-Type"), "text/csv") {
		return a.Header.Get("X-Next-Page-Token")
	}
	token, _ := a.JSON(t)["next_page_token"].(string)
	return token
}
