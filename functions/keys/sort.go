package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/moment"
)

const (
	byCreation = "created_at"
	byName     = "name"
	byRequests = "requests" // of the last 24 hours, which only the counters know
	byLastUse  = "last_used_at"
)

// sorting holds what the place of a key in an order depends on besides the key.
type sorting struct {
	suspended bool
	now       time.Time
	figures   map[apikey.ID]api.KeyFiguresOfOne // of the keys that are sorted by them, else nil
	used      map[apikey.ID]web.Used            // likewise
}

// columns are the orders of the list: the text that each sorts a key by. No text has a zero byte. Where the order is of the key's own, its
// place in it has the text.
var columns = map[string]func(k apikey.Key, s sorting) string{
	byCreation: func(apikey.Key, sorting) string { return "" }, // by their IDs
	byName:     func(apikey.Key, sorting) string { return "" }, // by their PlaceByName
	"status": func(k apikey.Key, s sorting) string {
		return string(rune('a' + slices.Index(apikey.Statuses[:], k.StatusIn(s.suspended, s.now))))
	},
	"usage":      func(k apikey.Key, _ sorting) string { return string(k.Usage) },
	"expires_at": func(k apikey.Key, _ sorting) string { return momentOr(k.ExpiresAt, "~") }, // later than any time
	"rotated_at": func(k apikey.Key, _ sorting) string { return momentOr(k.RotatedAt, "") },
	"products":   func(k apikey.Key, _ sorting) string { return joined(k.Products) },
	"domains":    func(k apikey.Key, _ sorting) string { return joined(k.Domains) },
	byLastUse:    func(k apikey.Key, s sorting) string { return momentOr(s.used[k.ID].Allowed, "") },
	byRequests:   func(k apikey.Key, s sorting) string { return fmt.Sprintf("%019d", s.figures[k.ID].Requests) },
}

// longestSorted is the number of bytes of a text that a key is sorted by: a page token holds it, and may not be longer than the API takes.
const longestSorted = 1000

// joined is a list as it is stored, so that what has the same first entries stands together.
func joined[T ~string](list []T) string {
	words := make([]string, len(list))
	for i, one := range list {
		words[i] = string(one)
	}
	text := strings.Join(words, " ")
	return text[:min(len(text), longestSorted)]
}

func momentOr(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return moment.Format(t)
}

func (f filter) descending() bool { return strings.HasPrefix(f.sort, "-") }

func (f filter) column() string { return strings.TrimPrefix(f.sort, "-") }

// cursor is a key's place in the list. By creation it is the key's ID, by which the table keeps them; by name it is their place in the index.
func (f filter) cursor(k apikey.Key, at sorting) string {
	switch f.column() {
	case byCreation:
		return string(k.ID)
	case byName:
		return k.PlaceByName()
	}
	return columns[f.column()](k, at) + "\x00" + string(k.ID)
}

func (f filter) byCreation() bool { return f.column() == byCreation }

// errUnsortable refuses an order that takes reading the whole account, where that has too many keys. Names that aren't all indexed yet are
// such an order, too.
var errUnsortable = &gateway.Problem{
	Status: http.StatusUnprocessableEntity, Code: "keys_not_sortable", Text: "The account has too many keys to be sorted so.",
	Detail: "With more than 1,000 keys, deleted ones included, the list is sorted by created_at, -created_at, name or -name; by name once the daily comparison has indexed all names.",
	Fields: gateway.Parameter("sort", "It must be created_at, -created_at, name or -name.").Fields,
}
