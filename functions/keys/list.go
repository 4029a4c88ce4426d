package main

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
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

func (h *handler) list(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	f, page, err := parseList(r, c)
	if err != nil {
		return err
	}
	suspended, err := h.service.Suspended(r.Context(), c.Account)
	if err != nil {
		return err
	}
	keys, next, err := h.page(r, c, f, page, suspended)
	if err != nil {
		return err
	}
	used, err := h.service.Used.LastUsed(r.Context(), c.Account, keys...)
	if err != nil {
		return err
	}
	now := h.service.Source.Time()
	doc := api.KeyList{Keys: []api.Key{}, NextPageToken: page.Next(next)}
	for _, k := range keys {
		doc.Keys = append(doc.Keys, web.KeyDoc(k, web.View{
			Now: now, Used: used[k.ID], Operator: c.Operator, Products: h.service.Products, Suspended: suspended,
		}))
	}
	doc.Unreadable = c.LeftOut(r.Context())
	return gateway.JSON(w, http.StatusOK, doc)
}

// maxFilter bounds the texts of a filter, in characters.
const maxFilter = 64

const oldestFirst = "created_at"

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
	if !slices.Contains([]string{oldestFirst, "-created_at", "name", "-name"}, f.sort) {
		return f, gateway.Page{}, gateway.Parameter("sort", "It must be created_at, -created_at, name or -name.")
	}
	page, err := gateway.PageOf(r, "keys", string(c.Account), string(f.status), string(f.product), f.label, strings.Join(f.words, " "), f.sort)
	return f, page, err
}

// page reads the keys of one page. The table keeps keys in the order of their creation; any other order reads the
// whole account, which holds some hundred keys.
func (h *handler) page(r *http.Request, c gateway.Principal, f filter, page gateway.Page, suspended bool) ([]apikey.Key, string, error) {
	now := h.service.Source.Time()
	want := control.KeyQuery{
		Deleted: f.status == apikey.StatusDeleted,
		Match: func(k apikey.Key) bool {
			return (f.status == "" || k.StatusIn(suspended, now) == f.status) &&
				(f.product == "" || slices.Contains(k.Products, f.product)) &&
				f.labelled(k) && f.found(k)
		},
	}
	if f.sort == oldestFirst {
		want.Limit, want.After = page.Size, apikey.ID(page.After)
		found, err := h.store.Keys(r.Context(), c.Account, want)
		return found.Keys, string(found.Next), err
	}
	found, err := h.store.Keys(r.Context(), c.Account, want)
	if err != nil {
		return nil, "", err
	}
	keys, next := f.cut(found.Keys, page)
	return keys, next, nil
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

// cut sorts keys and takes those after the page's cursor.
func (f filter) cut(keys []apikey.Key, page gateway.Page) ([]apikey.Key, string) {
	compare := strings.Compare
	if strings.HasPrefix(f.sort, "-") {
		compare = func(a, b string) int { return strings.Compare(b, a) }
	}
	slices.SortFunc(keys, func(a, b apikey.Key) int { return compare(f.cursor(a), f.cursor(b)) })
	if page.After != "" {
		start, _ := slices.BinarySearchFunc(keys, page.After, func(k apikey.Key, after string) int {
			return cmp.Or(compare(f.cursor(k), after), -1) // the cursor's own key was on the page before
		})
		keys = keys[start:]
	}
	if len(keys) <= page.Size {
		return keys, ""
	}
	return keys[:page.Size], f.cursor(keys[page.Size-1])
}

// cursor returns a key's place in the order of the list; the ID makes it unique.
func (f filter) cursor(k apikey.Key) string {
	if strings.TrimPrefix(f.sort, "-") == "name" {
		return strings.ToLower(k.Name) + "\x00" + string(k.ID)
	}
	return string(k.ID)
}
