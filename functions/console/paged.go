package main

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// How many rows of lists that are read whole a page shows: of rows with a form each, and of plain ones.
const (
	formsPerPage = 12
	rowsPerPage  = 50
)

// paged is one page of a list that was read whole.
type paged[T any] struct {
	Rows        []T
	Page, Pages int // from 1
}

// pageOf cuts a page out of a list: the one of that number, or the one with the row that has to be seen. A number that there isn't is the nearest.
func pageOf[T any](list []T, number string, size int, seen func(T) bool) paged[T] {
	p := paged[T]{Pages: max(1, (len(list)+size-1)/size)}
	p.Page, _ = strconv.Atoi(number)
	if i := slices.IndexFunc(list, seen); i >= 0 {
		p.Page = i/size + 1
	}
	p.Page = min(max(p.Page, 1), p.Pages)
	p.Rows = list[min((p.Page-1)*size, len(list)):min(p.Page*size, len(list))]
	return p
}

// Previous is the number of the page before; 0 if there is none.
func (p paged[T]) Previous() int { return p.Page - 1 }

// Next is the number of the page after; 0 if there is none.
func (p paged[T]) Next() int {
	if p.Page == p.Pages {
		return 0
	}
	return p.Page + 1
}

// fields are those by which a form of the page comes back to it.
func (p paged[T]) fields(name string) []resent {
	if p.Page == 1 {
		return nil
	}
	return []resent{{name, strconv.Itoa(p.Page)}}
}

// tokens are of a page of a list that the API gives page by page: its own and that of the next, "" for the first page and for none.
type tokens struct{ Root, Page, Next string } // Root is the list's path

// PageURL is the same list from a page token on; "" is the first page.
func (p tokens) PageURL(token string) string {
	return withQuery(p.Root, queryOf(map[string]string{"page": token}))
}

// asked is the number of a page: of the address, or of a form that was on it.
func (v *visit) asked(name string) string {
	if v.r.Method == http.MethodPost {
		return v.r.PostFormValue(name)
	}
	return v.query(name)
}

// placed are the numbers of the pages that an address or a form has, but for first ones: the fields by which another form comes back to them.
func (v *visit) placed(names ...string) (list []resent) {
	for _, name := range names {
		if n, err := strconv.Atoi(v.asked(name)); err == nil && n > 1 {
			list = append(list, resent{name, strconv.Itoa(n)})
		}
	}
	return list
}

// place is the query of the pages that a form was on; "" for first ones.
func (v *visit) place(names ...string) string {
	query := url.Values{}
	for _, one := range v.placed(names...) {
		query.Set(one.Name, one.Value)
	}
	return withQuery("", query)
}

// queryOf makes a query of the parameters that have a value.
func queryOf(parameters map[string]string) url.Values {
	query := url.Values{}
	for name, value := range parameters {
		if value != "" {
			query.Set(name, value)
		}
	}
	return query
}

// withQuery is a path with its query, if there is one.
func withQuery(path string, query url.Values) string {
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// pageOfKeys is the sentence that tells the page that begins at a position, and how many there are. It may begin anywhere, once there are more
// keys before it: then it is the page in which it would begin, or the last.
func (v *visit) pageOfKeys(position, matching, size int) string {
	pages := (matching + size - 1) / size
	return v.t("keys.page", "page", min((position-2+size)/size+1, pages), "pages", pages)
}
