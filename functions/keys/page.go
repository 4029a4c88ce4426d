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

// page reads the keys of one page. The table keeps keys in the order of their creation, and an index in that of their names, and both are
// read both ways; what else is asked for takes all of them. Whether the index has to be asked, the first page finds out.
func (h *handler) page(r *http.Request, c gateway.Principal, f filter, page gateway.Page, at sorting) (keyPage, error) {
	after, indexed := strings.CutSuffix(page.After, inIndex)
	page.After = after
	if f.byCreation() && !f.narrows() && (after == "" || f.counts) {
		return h.counted(r, c, f, page, at)
	}
	if after == "" || !f.byCreation() && !indexed {
		return h.among(r, c, f, page, at)
	}
	var sortable *bool
	if f.counts {
		read, err := h.among(r, c, f, page, at)
		if err != nil || read.overview != nil || indexed {
			return read, err
		}
		sortable = read.sortable // there are too many to count: that is known
	}
	read, err := h.inOrder(r, c, f, page, at, 0)
	read.sortable = cmp.Or(read.sortable, sortable)
	return read, err
}

// counted reads a page of all keys in the order of their creation, and of the others no more than has to be counted: it is the list that
// everybody sees first.
func (h *handler) counted(r *http.Request, c gateway.Principal, f filter, page gateway.Page, at sorting) (keyPage, error) {
	all, err := h.store.KeysInBrief(r.Context(), c.Account, f.descending())
	if err != nil {
		return keyPage{}, err
	}
	few := all.Next == ""
	if page.After != "" && !few {
		read, err := h.inOrder(r, c, f, page, at, 0)
		read.sortable = &few
		return read, err
	}
	ids := make([]string, len(all.Keys))
	for i, k := range all.Keys {
		ids[i] = string(k.ID)
	}
	read, start, end := f.window(ids, page)
	if read.sortable = &few; few {
		read.matching = len(all.Keys)
		read.overview = overviewOf(all.Keys)
	} else if read.next == "" {
		read.next = string(all.Next)
	}
	wanted := make([]apikey.ID, 0, end-start)
	for _, k := range all.Keys[start:end] {
		wanted = append(wanted, k.ID)
	}
	read.keys, err = h.store.KeysByID(r.Context(), c.Account, wanted...)
	return read, err
}

// inIndex ends the cursors of pages that the index of names has been read for: no key's own place ends so.
const inIndex = "\x00"

// inOrder reads a page in an order that the table or its index keeps, beginning at its cursor if it has one. look bounds the keys that a
// list by name looks at; 0 is the store's own bound.
func (h *handler) inOrder(r *http.Request, c gateway.Principal, f filter, page gateway.Page, at sorting, look int) (keyPage, error) {
	if f.column() == byName {
		if ready, err := h.store.NamesIndexed(r.Context()); err != nil || !ready {
			return keyPage{}, cmp.Or[error](err, errUnsortable)
		}
	}
	if page.Back {
		return h.before(r, c, f, page, at)
	}
	read, err := h.stored(r, c, f, page, f.descending(), at, look)
	if len(read.keys) > 0 && page.After != "" {
		read.previous = f.marked(f.cursor(read.keys[0], at))
	}
	return read, err
}

// before reads the page that ends before a cursor: the other way, and turned round. Where that reaches the beginning, it is the
// first page, which is never shorter than it could be.
func (h *handler) before(r *http.Request, c gateway.Principal, f filter, page gateway.Page, at sorting) (keyPage, error) {
	read, err := h.stored(r, c, f, page, !f.descending(), at, 0)
	if err == nil && read.next == "" && len(read.keys) < page.Size {
		page.After, page.Back = "", false
		return h.page(r, c, f, page, at)
	}
	slices.Reverse(read.keys)
	read.previous = read.next
	if n := len(read.keys); n > 0 {
		read.next = f.marked(f.cursor(read.keys[n-1], at))
	}
	return read, err
}

// stored reads on from a page's cursor in the order of creation or of names, or in the reverse of it.
func (h *handler) stored(r *http.Request, c gateway.Principal, f filter, page gateway.Page, reverse bool, at sorting, look int) (keyPage, error) {
	var match func(apikey.Key) bool
	if f.narrows() { // a search reads more at once
		match = func(k apikey.Key) bool { return f.takes(k, at) }
	}
	deleted := f.status == apikey.StatusDeleted
	if f.byCreation() {
		want := control.KeyQuery{Limit: page.Size, After: apikey.ID(page.After), Newest: reverse, Deleted: deleted, Match: match}
		found, err := h.store.Keys(r.Context(), c.Account, want)
		return keyPage{keys: found.Keys, next: string(found.Next)}, err
	}
	want := control.NameQuery{Limit: page.Size, After: page.After, Last: reverse, Deleted: deleted, Match: match, Look: look}
	found, err := h.store.KeysByName(r.Context(), c.Account, want)
	return keyPage{keys: found.Keys, next: f.marked(found.Next)}, err
}

// firstLook is the number of keys that the first page by name looks at in the index, at most: it has looked at 1,000 keys before, to learn
// that the account has more.
const firstLook = 100

// marked is a cursor in a list that the table or its index keeps, as the page's token has it.
func (f filter) marked(cursor string) string {
	if cursor == "" || f.byCreation() {
		return cursor
	}
	return cursor + inIndex
}

// among cuts a page out of all keys, or of as many as one call looks at.
func (h *handler) among(r *http.Request, c gateway.Principal, f filter, page gateway.Page, at sorting) (keyPage, error) {
	found, err := h.store.Keys(r.Context(), c.Account, control.KeyQuery{Deleted: true, Newest: f.byCreation() && f.descending()})
	if err != nil {
		return keyPage{}, err
	}
	few := found.Next == ""
	switch {
	case few || f.byCreation():
	case f.column() == byName:
		read, err := h.inOrder(r, c, f, page, at, firstLook)
		read.sortable = cmp.Or(read.sortable, &few)
		return read, err
	default:
		return keyPage{}, errUnsortable
	}
	var known *overview
	if few {
		known = overviewOf(inBrief(found.Keys))
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
func (f filter) cut(keys []apikey.Key, page gateway.Page, at sorting) keyPage {
	cursors := make(map[apikey.ID]string, len(keys))
	for _, k := range keys {
		cursors[k.ID] = f.cursor(k, at)
	}
	slices.SortFunc(keys, func(a, b apikey.Key) int { return f.compare(cursors[a.ID], cursors[b.ID]) })
	sorted := make([]string, len(keys))
	for i, k := range keys {
		sorted[i] = cursors[k.ID]
	}
	read, start, end := f.window(sorted, page)
	read.keys = keys[start:end]
	return read
}

// compare is the order of cursors.
func (f filter) compare(a, b string) int {
	if f.descending() {
		return strings.Compare(b, a)
	}
	return strings.Compare(a, b)
}

// window finds a page among the cursors of a list, which are in its order: from start up to end.
func (f filter) window(cursors []string, page gateway.Page) (read keyPage, start, end int) {
	here := false
	if page.After != "" {
		start, here = slices.BinarySearchFunc(cursors, page.After, f.compare)
	}
	switch {
	case page.Back:
		start = max(start-page.Size, 0)
	case here: // the cursor's own key was on the page before
		start++
	}
	if end = min(start+page.Size, len(cursors)); start == end {
		return read, start, end
	}
	read.position = start + 1
	if start > 0 {
		read.previous = cursors[start]
	}
	if end < len(cursors) {
		read.next = cursors[end-1]
	}
	return read, start, end
}

// inBrief has of keys what is counted.
func inBrief(keys []apikey.Key) (all []control.KeyBrief) {
	for _, k := range keys {
		if k.DeletedAt.IsZero() {
			all = append(all, control.KeyBrief{ID: k.ID, Labels: k.Labels})
		}
	}
	return all
}

// overviewOf counts the keys of an account, and their labels; alike but for case is the same label.
func overviewOf(keys []control.KeyBrief) *overview {
	o := &overview{keys: len(keys), labels: []api.LabelCount{}}
	places := map[string]int{}
	for _, k := range keys {
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
