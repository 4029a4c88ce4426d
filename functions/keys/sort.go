package main

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/moment"
)

const byCreation = "created_at"

// sorting holds what the place of a key in an order depends on besides the key.
type sorting struct {
	suspended bool
	now       time.Time
}

// columns are the orders of the list: the text that each sorts a key by. No text has a zero byte.
var columns = map[string]func(k apikey.Key, s sorting) string{
	byCreation: func(apikey.Key, sorting) string { return "" }, // by their IDs
	"name":     func(k apikey.Key, _ sorting) string { return strings.ToLower(k.Name) },
	"status": func(k apikey.Key, s sorting) string {
		return string(rune('a' + slices.Index(apikey.Statuses[:], k.StatusIn(s.suspended, s.now))))
	},
	"usage":      func(k apikey.Key, _ sorting) string { return string(k.Usage) },
	"expires_at": func(k apikey.Key, _ sorting) string { return momentOr(k.ExpiresAt, "~") }, // later than any time
	"rotated_at": func(k apikey.Key, _ sorting) string { return momentOr(k.RotatedAt, "") },
}

func momentOr(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return moment.Format(t)
}

func (f filter) descending() bool { return strings.HasPrefix(f.sort, "-") }

func (f filter) column() string { return strings.TrimPrefix(f.sort, "-") }

func (f filter) byCreation() bool { return f.column() == byCreation }

// errUnsortable refuses an order that takes reading the whole account, where that has too many keys.
var errUnsortable = &gateway.Problem{
	Status: http.StatusUnprocessableEntity, Code: "keys_not_sortable", Text: "The account has too many keys to be sorted so.",
	Detail: "With more than 1,000 keys, deleted ones included, the list is sorted by created_at or -created_at.",
	Fields: gateway.Parameter("sort", "It must be created_at or -created_at.").Fields,
}

func of(b bool) *bool { return &b }

// sorted reads a page in an order that the table doesn't keep: it takes all keys, which are looked at in one go or not at all.
func (h *handler) sorted(r *http.Request, c gateway.Principal, f filter, page gateway.Page, want control.KeyQuery, suspended bool) (keyPage, error) {
	found, err := h.store.Keys(r.Context(), c.Account, want)
	if err != nil {
		return keyPage{}, err
	}
	if found.Next != "" {
		return keyPage{}, errUnsortable
	}
	place := sorting{suspended, h.service.Source.Time()}
	keys, next := f.cut(found.Keys, page, func(k apikey.Key) string { return columns[f.column()](k, place) + "\x00" + string(k.ID) })
	return keyPage{keys, next, of(true)}, nil
}

// cut sorts keys by their cursors, which their IDs make unique, and takes those after the page's.
func (f filter) cut(keys []apikey.Key, page gateway.Page, cursor func(apikey.Key) string) ([]apikey.Key, string) {
	compare := strings.Compare
	if f.descending() {
		compare = func(a, b string) int { return strings.Compare(b, a) }
	}
	slices.SortFunc(keys, func(a, b apikey.Key) int { return compare(cursor(a), cursor(b)) })
	if page.After != "" {
		start, _ := slices.BinarySearchFunc(keys, page.After, func(k apikey.Key, after string) int {
			return cmp.Or(compare(cursor(k), after), -1) // the cursor's own key was on the page before
		})
		keys = keys[start:]
	}
	if len(keys) <= page.Size {
		return keys, ""
	}
	return keys[:page.Size], cursor(keys[page.Size-1])
}
