package main

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/origin/entry"
	"latchkey/shared/product"
	"latchkey/shared/text"
)

// filter holds the query parameters of a list of keys.
type filter struct {
	status  apikey.Status
	product product.ID
	label   string
	words   []string
	sort    string
}

// keyPage is one page of keys.
type keyPage struct {
	keys     []apikey.Key
	next     string // the cursor of the next page
	sortable *bool  // the account has few enough keys to be sorted by any column; nil where nobody looked
}

func (h *handler) list(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	f, page, err := parseList(r, c)
	if err != nil {
		return err
	}
	suspended, err := h.service.Suspended(r.Context(), c.Account)
	if err != nil {
		return err
	}
	read, err := h.page(r, c, f, page, suspended)
	if err != nil {
		return err
	}
	used, err := h.service.Used.LastUsed(r.Context(), c.Account, read.keys...)
	if err != nil {
		return err
	}
	now := h.service.Source.Time()
	doc := api.KeyList{Keys: []api.Key{}, NextPageToken: page.Next(read.next), Sortable: read.sortable}
	for _, k := range read.keys {
		doc.Keys = append(doc.Keys, web.KeyDoc(k, web.View{
			Now: now, Used: used[k.ID], Operator: c.Operator, Products: h.service.Products, Suspended: suspended,
		}))
	}
	doc.Unreadable = c.LeftOut(r.Context())
	return gateway.JSON(w, http.StatusOK, doc)
}

// maxFilter bounds the texts of a filter, in characters.
const maxFilter = 64

func parseList(r *http.Request, c gateway.Principal) (filter, gateway.Page, error) {
	if err := gateway.KnownQuery(r, "status", "product", "label", "q", "sort", "page_size", "page_token"); err != nil {
		return filter{}, gateway.Page{}, err
	}
	query := r.URL.Query()
	id, badID := gateway.Text(r, "product", maxFilter)
	label, badLabel := gateway.Text(r, "label", maxFilter)
	typed, badText := gateway.Text(r, "q", maxFilter)
	if err := cmp.Or(badID, badLabel, badText); err != nil {
		return filter{}, gateway.Page{}, err
	}
	f := filter{
		status: apikey.Status(query.Get("status")), product: product.ID(id),
		label: text.Fold(label), words: strings.Fields(text.Fold(gateway.Pasted(typed))), sort: cmp.Or(query.Get("sort"), "-created_at"),
	}
	if f.status != "" && !slices.Contains(apikey.Statuses[:], f.status) {
		return f, gateway.Page{}, gateway.Parameter("status", "It must be deleted, revoked, blocked, suspended, disabled, expired or active.")
	}
	if columns[strings.TrimPrefix(f.sort, "-")] == nil {
		return f, gateway.Page{}, gateway.Parameter("sort", "It must be created_at, name, status, usage, expires_at or rotated_at, or one of these after a minus.")
	}
	page, err := gateway.PageOf(r, "keys", string(c.Account), string(f.status), string(f.product), f.label, strings.Join(f.words, " "), f.sort)
	return f, page, err
}

// page reads the keys of one page. The table keeps keys in the order of their creation, and reads them both ways.
func (h *handler) page(r *http.Request, c gateway.Principal, f filter, page gateway.Page, suspended bool) (read keyPage, err error) {
	want := control.KeyQuery{Deleted: f.status == apikey.StatusDeleted, Match: f.match(suspended, h.service.Source.Time())}
	if !f.byCreation() {
		return h.sorted(r, c, f, page, want, suspended)
	}
	want.Limit, want.After, want.Newest = page.Size, apikey.ID(page.After), f.descending()
	found, err := h.store.Keys(r.Context(), c.Account, want)
	read = keyPage{keys: found.Keys, next: string(found.Next)}
	switch {
	case err != nil || page.After != "":
		return read, err
	case read.next == "": // one page has looked at all there are
		read.sortable = of(true)
		return read, nil
	case len(read.keys) < page.Size: // one page couldn't look at all
		read.sortable = of(false)
		return read, nil
	}
	few, err := h.store.FewKeys(r.Context(), c.Account, control.MostLooked)
	read.sortable = &few
	return read, err
}

// match is nil for a filter that takes all keys.
func (f filter) match(suspended bool, now time.Time) func(apikey.Key) bool {
	if f.status == "" && f.product == "" && f.label == "" && len(f.words) == 0 {
		return nil
	}
	return func(k apikey.Key) bool {
		return (f.status == "" || k.StatusIn(suspended, now) == f.status) &&
			(f.product == "" || slices.Contains(k.Products, f.product)) &&
			f.labelled(k) && f.found(k)
	}
}

func (f filter) labelled(k apikey.Key) bool {
	return f.label == "" || slices.ContainsFunc(k.Labels, func(label string) bool { return text.Fold(label) == f.label })
}

// minCode is the length from which a word is looked for in previews and key IDs too: shorter ones are in them by chance.
const minCode = 4

// found reports whether every word is a part of something that a key is known by.
func (f filter) found(k apikey.Key) bool {
	if len(f.words) == 0 {
		return true
	}
	said := folded(append([]string{k.Name}, k.Labels...))
	domains := folded(k.Domains)
	codes := []string{string(k.ID), k.Current.Preview}
	if k.Outgoing != nil {
		codes = append(codes, k.Outgoing.Preview)
	}
	coded := folded(codes)
	for _, word := range f.words {
		if strings.Contains(said, word) || strings.Contains(domains, word) || utf8.RuneCountInString(word) >= minCode && strings.Contains(coded, word) {
			continue
		}
		if host, err := entry.ASCII(word); err != nil || !strings.Contains(domains, host) {
			return false
		}
	}
	return true
}

// folded joins texts for a search by words, none of which has a blank.
func folded(texts []string) string { return text.Fold(strings.Join(texts, "\n")) }
