package main

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/apikey/search"
	"latchkey/shared/product"
	"latchkey/shared/text"
)

// filter holds the query parameters of a list of keys.
type filter struct {
	status  apikey.Status
	product product.ID
	label   string
	words   search.Words
	sort    string
	figures bool // of the last day, beside the keys
	counts  bool // on each page
}

// narrows reports whether the list leaves out keys that aren't deleted.
func (f filter) narrows() bool {
	return f.status != "" || f.product != "" || f.label != "" || len(f.words) > 0
}

func (h *handler) list(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	f, page, err := parseList(r, c)
	if err != nil {
		return err
	}
	its, err := h.service.Account(r.Context(), c.Account)
	if err != nil {
		return err
	}
	now := h.service.Source.Time()
	at := sorting{suspended: its.Suspended.Holds(now), now: now}
	read, err := h.page(r, c, f, page, at)
	if err != nil {
		return err
	}
	used, err := h.service.Used.LastUsed(r.Context(), c.Account, read.keys...)
	if err != nil {
		return err
	}
	doc := api.KeyList{
		Keys: []api.Key{}, NextPageToken: page.Next(read.next), PreviousPageToken: page.Previous(read.previous), Sortable: read.sortable,
	}
	if o := read.overview; o != nil {
		doc.Total, doc.Labels, doc.Matching = &o.keys, &o.labels, &read.matching
		if read.position > 0 {
			doc.Position = &read.position
		}
	}
	for _, k := range read.keys {
		doc.Keys = append(doc.Keys, web.KeyDoc(k, web.View{
			Now: at.now, Used: used[k.ID], Operator: c.Operator, Products: h.service.Products,
		}.In(its)))
	}
	if f.figures {
		if doc.Figures, err = h.figures(r.Context(), c.Account, read, now); err != nil {
			return err
		}
	}
	doc.Unreadable = c.LeftOut(r.Context())
	return gateway.JSON(w, http.StatusOK, doc)
}

// maxFilter bounds the texts of a filter, in characters.
const maxFilter = search.Most

// nothing is no label: a label of no character that shows finds no key, rather than every key.
const nothing = "\x00"

func parseList(r *http.Request, c gateway.Principal) (filter, gateway.Page, error) {
	if err := gateway.KnownQuery(r, "status", "product", "label", "q", "sort", "figures", "with", "page_size", "page_token"); err != nil {
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
		label: text.Fold(label), words: web.Words(typed), sort: cmp.Or(query.Get("sort"), "-created_at"),
	}
	if f.label == "" && strings.TrimSpace(label) != "" {
		f.label = nothing
	}
	switch query.Get("figures") {
	case "":
	case "day":
		f.figures = true
	default:
		return f, gateway.Page{}, gateway.Parameter("figures", "It must be day.")
	}
	switch query.Get("with") {
	case "":
	case "counts":
		f.counts = true
	default:
		return f, gateway.Page{}, gateway.Parameter("with", "It must be counts.")
	}
	if f.status != "" && !slices.Contains(apikey.Statuses[:], f.status) {
		return f, gateway.Page{}, gateway.Parameter("status", "It must be deleted, revoked, blocked, suspended, disabled, expired or active.")
	}
	if columns[strings.TrimPrefix(f.sort, "-")] == nil {
		return f, gateway.Page{}, gateway.Parameter("sort", "It must be created_at, name, status, usage, products, domains, expires_at, rotated_at, last_used_at or requests, or one of these after a minus.")
	}
	page, err := gateway.PageOf(r, "keys", string(c.Account), string(f.status), string(f.product), f.label, strings.Join(f.words, " "), f.sort)
	return f, page, err
}

// takes reports whether a key is in the list.
func (f filter) takes(k apikey.Key, at sorting) bool {
	return (f.status == apikey.StatusDeleted || k.DeletedAt.IsZero()) &&
		(f.status == "" || k.StatusIn(at.suspended, at.now) == f.status) &&
		(f.product == "" || slices.Contains(k.Products, f.product)) &&
		f.labelled(k) && f.words.Find(k)
}

func (f filter) labelled(k apikey.Key) bool {
	return f.label == "" || slices.ContainsFunc(k.Labels, func(label string) bool { return text.Fold(label) == f.label })
}
