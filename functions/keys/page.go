package main

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/text"
)

// keyPage is one page of keys.
type keyPage struct {
	keys     []apikey.Key
	previous string                            // the cursor of the page before; "" where there is none
	next     string                            // the cursor of the next page; "" where there is none
	sortable *bool                             // the account has few enough keys to be sorted by any column; nil where nobody looked
	overview *overview                         // nil where not all keys were looked at
	matching int                               // the keys that the filter takes, where there is an overview
	position int                               // of the first key of the page among them, from 1
	figures  map[apikey.ID]api.KeyFiguresOfOne // by which they are sorted; nil where they aren't
}

// overview counts the keys and labels that a list can be narrowed to.
type overview struct {
	keys   int // that aren't deleted
	labels []api.LabelCount
}

// mostLabels bounds the labels of an overview: those that the most keys have.
const mostLabels = 50

// page reads the keys of one page. The table keeps keys in the order of their creation and reads them both ways; what else is
// asked for takes all of them.
func (h *handler) page(r *http.Request, c gateway.Principal, f filter, page gateway.Page, at sorting) (keyPage, error) {
	if page.After == "" || !f.byCreation() {
		return h.among(r, c, f, page, at)
	}
	var sortable *bool
	if f.counts {
		read, err := h.among(r, c, f, page, at)
		if err != nil || read.overview != nil {
			return read, err
		}
		sortable = read.sortable // there are too many to count: that is known
	}
	if page.Back {
		read, err := h.before(r, c, f, page, at)
		read.sortable = cmp.Or(read.sortable, sortable)
		return read, err
	}
	found, err := h.store.Keys(r.Context(), c.Account, f.query(page, f.descending(), at))
	read := keyPage{keys: found.Keys, next: string(found.Next), sortable: sortable}
	if len(read.keys) > 0 {
		read.previous = string(read.keys[0].ID)
	}
	return read, err
}

func (f filter) query(page gateway.Page, newest bool, at sorting) control.KeyQuery {
	want := control.KeyQuery{Limit: page.Size, After: apikey.ID(page.After), Newest: newest, Deleted: f.status == apikey.StatusDeleted}
	if f.narrows() { // a search reads more at once
		want.Match = func(k apikey.Key) bool { return f.takes(k, at) }
	}
	return want
}

// before reads the page that ends before a cursor: the other way, and turned round. Where that reaches the beginning, it is the
// first page, which is never shorter than it could be.
func (h *handler) before(r *http.Request, c gateway.Principal, f filter, page gateway.Page, at sorting) (keyPage, error) {
	found, err := h.store.Keys(r.Context(), c.Account, f.query(page, !f.descending(), at))
	if err == nil && found.Next == "" && len(found.Keys) < page.Size {
		page.After, page.Back = "", false
		return h.among(r, c, f, page, at)
	}
	slices.Reverse(found.Keys)
	read := keyPage{keys: found.Keys, previous: string(found.Next), next: string(found.Next)}
	if n := len(found.Keys); n > 0 {
		read.next = string(found.Keys[n-1].ID)
	}
	return read, err
}

// among cuts a page out of all keys, or of as many as one call looks at.
func (h *handler) among(r *http.Request, c gateway.Principal, f filter, page gateway.Page, at sorting) (keyPage, error) {
	found, err := h.store.Keys(r.Context(), c.Account, control.KeyQuery{Deleted: true, Newest: f.byCreation() && f.descending()})
	if err != nil {
		return keyPage{}, err
	}
	few := found.Next == ""
	if !few && !f.byCreation() {
		return keyPage{}, errUnsortable
	}
	var known *overview
	if few {
		known = overviewOf(found.Keys)
	}
	taken := slices.DeleteFunc(found.Keys, func(k apikey.Key) bool { return !f.takes(k, at) })
	switch f.column() {
	case byRequests:
		at.figures, err = h.figuresOf(r.Context(), c.Account, taken, at.now)
	case byLastUse:
		at.used, err = h.service.Used.LastUsed(r.Context(), c.Account, taken...)
	}
	if err != nil {
		return keyPage{}, err
	}
	read := f.cut(taken, page, at)
	read.figures, read.matching = at.figures, len(taken)
	if read.next == "" {
		read.next = string(found.Next)
	}
	read.sortable, read.overview = &few, known
	return read, nil
}

// cut sorts keys by their cursors, which their IDs make unique, and takes those of the page.
func (f filter) cut(keys []apikey.Key, page gateway.Page, at sorting) (read keyPage) {
	compare := strings.Compare
	if f.descending() {
		compare = func(a, b string) int { return strings.Compare(b, a) }
	}
	cursors := make(map[apikey.ID]string, len(keys))
	for _, k := range keys {
		cursors[k.ID] = f.cursor(k, at)
	}
	slices.SortFunc(keys, func(a, b apikey.Key) int { return compare(cursors[a.ID], cursors[b.ID]) })
	start, here := 0, false
	if page.After != "" {
		start, here = slices.BinarySearchFunc(keys, page.After, func(k apikey.Key, after string) int { return compare(cursors[k.ID], after) })
	}
	switch {
	case page.Back:
		start = max(start-page.Size, 0)
	case here: // the cursor's own key was on the page before
		start++
	}
	end := min(start+page.Size, len(keys))
	if read.keys = keys[start:end]; len(read.keys) == 0 {
		return read
	}
	read.position = start + 1
	if start > 0 {
		read.previous = cursors[keys[start].ID]
	}
	if end < len(keys) {
		read.next = cursors[keys[end-1].ID]
	}
	return read
}

// overviewOf counts all keys of an account, and their labels; alike but for case is the same label.
func overviewOf(keys []apikey.Key) *overview {
	o := &overview{labels: []api.LabelCount{}}
	places := map[string]int{}
	for _, k := range keys {
		if !k.DeletedAt.IsZero() {
			continue
		}
		o.keys++
		for _, label := range k.Labels {
			at, ok := places[text.Fold(label)]
			if !ok {
				at = len(o.labels)
				places[text.Fold(label)] = at
				o.labels = append(o.labels, api.LabelCount{Name: label})
			}
			o.labels[at].Keys++
		}
	}
	slices.SortStableFunc(o.labels, func(a, b api.LabelCount) int { return cmp.Compare(b.Keys, a.Keys) })
	o.labels = o.labels[:min(len(o.labels), mostLabels)]
	slices.SortFunc(o.labels, func(a, b api.LabelCount) int { return strings.Compare(text.Fold(a.Name), text.Fold(b.Name)) })
	return o
}
