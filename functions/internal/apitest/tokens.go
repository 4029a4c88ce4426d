package apitest

import (
	"net/http"
	"net/url"
	"testing"
)

// TokensKeepTheirQuestion checks that a page token of a list is taken with the question that it was given for, and refused
// with each of the others: a filter is part of what a token is good for. path ends with "?"; each of the queries has two
// results or more.
func TokensKeepTheirQuestion(t testing.TB, r *API, as, path string, queries ...string) {
	t.Helper()
	for _, asked := range queries {
		first := r.Want(t, http.StatusOK, Call{As: as, Method: http.MethodGet, Path: path + asked + "&page_size=1"})
		token, more := first.JSON(t)["next_page_token"].(string)
		if !more {
			t.Errorf("%s%s has one page", path, asked)
			continue
		}
		for _, other := range queries {
			got := r.Do(t, Call{As: as, Method: http.MethodGet, Path: path + other + "&page_size=1&page_token=" + url.QueryEscape(token)})
			if asked == other && got.Status != http.StatusOK || asked != other && got.Code() != "page_token_invalid" {
				t.Errorf("a token of %q with %q: %d %s", asked, other, got.Status, got.Body)
			}
		}
	}
}
