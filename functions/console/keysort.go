package main

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// keyReads bounds the calls behind one page of keys: one call looks at 1,000 keys, and may find none of those asked for. With who is signed
// in, that makes three.
const keyReads = 2

// keysFrom reads keys until it has the wanted number, there are no more, or it has asked so many times.
func (v *visit) keysFrom(ctx context.Context, path string, query url.Values, wanted, reads int) (all api.KeyList, err error) {
	for n := range reads {
		query.Set("page_size", strconv.Itoa(min(wanted-len(all.Keys), 100)))
		page, err := management.Get[api.KeyList](ctx, v.api, path, query)
		if err != nil {
			return all, err
		}
		if n == 0 {
			all = page
		} else {
			all.Keys, all.NextPageToken = append(all.Keys, page.Keys...), page.NextPageToken
			if all.Figures != nil && page.Figures != nil {
				all.Figures.Keys = append(all.Figures.Keys, page.Figures.Keys...)
			}
		}
		if page.NextPageToken == nil || len(all.Keys) >= wanted {
			return all, nil
		}
		query.Set("page_token", *page.NextPageToken)
	}
	return all, nil
}

// readKeys reads the page of the list that the URL asks for. An account may have got too many keys for an order since somebody
// kept its address, or its names may not be indexed yet: then the list is the newest first, from its beginning, and says why.
func (v *visit) readKeys(ctx context.Context, d *keyList) (api.KeyList, error) {
	reads := keyReads
	if d.Back {
		reads = 1 // what follows a page before another one is that other one
	}
	found, err := v.keysFrom(ctx, v.accountPath("/keys"), d.query(), d.perPage(), reads)
	var problem *management.Problem
	if errors.As(err, &problem) && problem.Code == "keys_not_sortable" {
		d.Unnamed = strings.TrimPrefix(d.Sort, "-") == "name"
		d.Sort, d.Page, d.Back, d.Many = newestFirst, "", false, true
		found, err = v.keysFrom(ctx, v.accountPath("/keys"), d.query(), d.perPage(), keyReads)
	}
	d.Many = d.Many || found.Sortable != nil && !*found.Sortable
	return found, err
}

func (d *keyList) query() url.Values {
	q := queryOf(map[string]string{"sort": d.Sort, "q": d.Q, "status": d.Status, "product": d.Product, "label": d.Label, "page_token": d.Page})
	if d.figures {
		if !d.Lean {
			q.Set("figures", "day")
		}
		if d.Page != "" && !d.Many {
			q.Set("with", "counts")
		}
	}
	return q
}

const newestFirst = "-created_at"

// mostSorted is the number of keys up to which the management API sorts them by any column.
const mostSorted = 1000

// MostSorted is shown where the list can't be sorted so.
func (*keyList) MostSorted() int { return mostSorted }

// orders are those that the list is offered in, as the API names them.
var orders = []string{
	newestFirst, "created_at", "name", "-name", "status", "-status", "usage", "-usage", "products", "-products", "domains", "-domains", "expires_at", "-expires_at", "-rotated_at", "rotated_at",
	"-requests", "requests", "-last_used_at", "last_used_at",
}

// Orders are the orders that this account's list can have.
func (d *keyList) Orders() []string {
	switch {
	case d.Unnamed:
		return orders[:2]
	case d.Many:
		return orders[:4]
	}
	return orders
}

// Sorts reports whether the list can be sorted by a column.
func (d *keyList) Sorts(column string) bool { return slices.Contains(d.Orders(), column) }

// mostFirst are the columns whose first order is the one that people look for: the most or the latest, and not the least.
var mostFirst = []string{"requests", "last_used_at"}

// SortURL is the list in the other order of a column.
func (d *keyList) SortURL(column string) string {
	first, other := column, "-"+column
	if slices.Contains(mostFirst, column) {
		first, other = other, first
	}
	if d.Sort == first {
		first = other
	}
	return d.link(first, "")
}

// SortState is the column's order as aria-sort names it, "" if the list isn't sorted by it.
func (d *keyList) SortState(column string) string {
	switch d.Sort {
	case column:
		return "ascending"
	case "-" + column:
		return "descending"
	}
	return ""
}
