package main

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
)

// leanPerPage is the number of keys of a page that has the least of each: as many as one act takes, and one call of the API reads.
const leanPerPage = mostSelected

// leanSize is the value of the parameter size that asks for such a page.
var leanSize = strconv.Itoa(leanPerPage)

func (d *keyList) perPage() int {
	if d.Lean {
		return leanPerPage
	}
	return keysPerPage
}

// SizeURL is the same list from its beginning, in pages of the other size.
func (d *keyList) SizeURL() string {
	other := *d
	other.Lean = !d.Lean
	return other.link(d.Sort, "")
}

// Turns reports whether the list has more than a page.
func (d *keyList) Turns() bool { return d.Next != "" || d.Previous != "" || d.Page != "" }

// Other is the number of keys of a page of the other size.
func (d *keyList) Other() int {
	if d.Lean {
		return keysPerPage
	}
	return leanPerPage
}

// Every is the number of keys that can be selected at once beyond this page: all of the list, or the first of them; 0: no more than the page has.
func (d *keyList) Every() int {
	if d.Lean || d.Matching <= len(d.Keys) {
		return 0
	}
	return min(d.Matching, mostSelected)
}

// EveryURL is the page that has those, selected.
func (d *keyList) EveryURL() string {
	lean := *d
	lean.Lean, lean.Page = true, ""
	return lean.AllURL()
}

// MostSelected is shown where the list has more keys than one act takes.
func (*keyList) MostSelected() int { return mostSelected }

// Kept are the fields by which a form comes back to the list as it is.
func (d *keyList) Kept() (list []resent) {
	q := d.values(d.Sort, d.Page)
	for _, name := range slices.Sorted(maps.Keys(q)) {
		list = append(list, resent{name, q.Get(name)})
	}
	return list
}

// PageURL is the same list from a page token on; "" is the first page. The page that is shown keeps the way that it is read.
func (d *keyList) PageURL(token string) string {
	there := *d
	there.Back = d.Back && token == d.Page
	return there.link(d.Sort, token)
}

// PreviousURL is the page before.
func (d *keyList) PreviousURL() string {
	there := *d
	there.Back = true
	return there.link(d.Sort, d.Previous)
}

// AllURL is the same list with all of its page selected.
func (d *keyList) AllURL() string {
	q := d.values(d.Sort, d.Page)
	q.Set("select", "all")
	return d.path + "?" + q.Encode()
}

// LabelURL is the same list, narrowed to a label; "" is to none.
func (d *keyList) LabelURL(name string) string {
	one := *d
	one.Label, one.Back = name, false
	return one.link(d.Sort, "")
}

func (d *keyList) link(sort, page string) string {
	return withQuery(d.path, d.values(sort, page))
}

func (d *keyList) values(sort, page string) url.Values {
	if sort == newestFirst {
		sort = "" // as without it
	}
	q := queryOf(map[string]string{"q": d.Q, "status": d.Status, "product": d.Product, "label": d.Label, "sort": sort, "page": page})
	if d.Lean {
		q.Set("size", leanSize)
	}
	if page != "" && d.Back {
		q.Set("back", "1")
	}
	if page != "" && d.Many { // which only the first page asks
		q.Set("many", "1")
	}
	return q
}
