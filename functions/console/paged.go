package main

import (
	"net/http"
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

// asked is the number of a page: of the address, or of a form that was on it.
func (v *visit) asked(name string) string {
	if v.r.Method == http.MethodPost {
		return v.r.PostFormValue(name)
	}
	return v.query(name)
}

// place is the query of the page that a form was on; "" for the first.
func (v *visit) place(name string) string {
	if n, err := strconv.Atoi(v.r.PostFormValue(name)); err == nil && n > 1 {
		return "?" + name + "=" + strconv.Itoa(n)
	}
	return ""
}
