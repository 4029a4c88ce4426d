package main

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
	"latchkey/shared/usage"
)

// mostPages is the number of pages after which a list that still goes on has no end.
const mostPages = 100

// walk reads a list page by page, and gives the names on it in their order.
func (r *harness) walk(t *testing.T, query string, size string) string {
	t.Helper()
	var got []string
	token := ""
	for range mostPages {
		doc := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.keys() + "?page_size=" + size + query + token}).JSON(t)
		for _, k := range doc["keys"].([]any) {
			got = append(got, k.(map[string]any)["name"].(string))
		}
		if doc["next_page_token"] == nil {
			return strings.Join(got, " ")
		}
		token = "&page_token=" + doc["next_page_token"].(string)
	}
	t.Fatalf("%s: the list has no end", query)
	return ""
}

// TestTheListIsSortedByEachOfItsColumns, both ways, in pages of any size; keys that are equal by it stand in the order of their IDs.
func TestTheListIsSortedByEachOfItsColumns(t *testing.T) {
	r := newHarness(t)
	at := keytest.Now
	for _, k := range []func(*apikey.Key){
		func(k *apikey.Key) { k.Name, k.Usage = "a", apikey.Mobile },
		func(k *apikey.Key) {
			k.Name, k.Usage, k.ExpiresAt, k.RotatedAt = "C", apikey.Backend, at.AddDate(2, 0, 0), at
			k.Domains = []string{"b.example"}
		},
		func(k *apikey.Key) {
			k.Name, k.Usage, k.Disabled, k.ExpiresAt = "b", apikey.Frontend, true, at.AddDate(1, 0, 0)
		},
		func(k *apikey.Key) {
			k.Name, k.Usage, k.ExpiresAt, k.Products = "d", apikey.Backend, at.Add(-time.Hour), []product.ID{"map-display"}
		},
		func(k *apikey.Key) {
			k.Name, k.Usage, k.RotatedAt, k.Domains = "e", apikey.Backend, at.Add(-time.Hour), []string{"a.example"}
		},
		func(k *apikey.Key) {
			k.Name, k.Usage, k.Blocked = "f", apikey.Frontend, &apikey.Block{Reason: "x", At: at}
		},
	} {
		r.NewKey(t, r.account, k)
	}
	for sort, want := range map[string]string{
		"created_at": "a C b d e f", "name": "a b C d e f", "status": "f b d a C e", "usage": "C d e b f a", "expires_at": "d b C a e f", "rotated_at": "a b d f e C",
		"products": "d a C b e f", "domains": "a b d f e C",
	} {
		for _, size := range []string{"1", "4", "100"} {
			if got := r.walk(t, "&sort="+sort, size); got != want {
				t.Errorf("by %s in pages of %s: %s, want %s", sort, size, got, want)
			}
			if got := r.walk(t, "&sort=-"+sort, size); got != reversed(want) {
				t.Errorf("by -%s in pages of %s: %s, want %s", sort, size, got, reversed(want))
			}
		}
	}
}

// reads counts how many keys' counters were read.
type reads struct {
	rows
	n atomic.Int64
}

func (c *reads) KeyRows(ctx context.Context, id account.ID, k apikey.ID, in counters.Range) ([]usage.Row, error) {
	c.n.Add(1)
	return c.rows.KeyRows(ctx, id, k, in)
}

// TestTheListIsSortedByItsLastUse, with whichever secret it was, one that has ended included; keys that nobody used come first.
func TestTheListIsSortedByItsLastUse(t *testing.T) {
	r := newHarness(t)
	r.handler.service.Used = web.UsesIn(counters.New(r.DB.(counters.Client), r.Tables.Counters), nil)
	now := r.handler.service.Source.Time()
	for name, ago := range map[string]time.Duration{"never": 0, "late": time.Minute, "early": 48 * time.Hour, "rotated": time.Hour, "ended": 3 * time.Hour} {
		k := r.NewKey(t, r.account, func(k *apikey.Key) {
			if k.Name = name; name == "rotated" {
				k.Outgoing = &apikey.Outgoing{StoredSecret: keytest.StoredSecret("old"), EndsAt: now.AddDate(0, 0, 1)}
			}
		})
		if name == "rotated" {
			k.Current = k.Outgoing.StoredSecret // which the call has
		}
		if name == "ended" {
			k.Current = keytest.StoredSecret("ended") // which the key has no more
		}
		if ago > 0 {
			r.count(t, 1, k, authz.Allowed, now.Add(-ago))
		}
		if name == "ended" {
			r.count(t, 1, k, authz.DomainNotAllowed, now) // a refused call is no use
		}
	}
	for _, size := range []string{"1", "3", "100"} {
		const want = "never early ended rotated late"
		if got := r.walk(t, "&sort=last_used_at", size); got != want {
			t.Errorf("in pages of %s: %s, want %s", size, got, want)
		}
		if got := r.walk(t, "&sort=-last_used_at", size); got != reversed(want) {
			t.Errorf("the other way, in pages of %s: %s, want %s", size, got, reversed(want))
		}
	}
}

// TestTheListIsSortedByTheRequestsOfADay: by the figures that are shown, refused calls and those of a secret that is replaced included;
// the counters are read once, of those keys of the filtered list that were called in these hours.
func TestTheListIsSortedByTheRequestsOfADay(t *testing.T) {
	r := newHarness(t)
	counted := &reads{rows: r.handler.counters}
	r.handler.counters = counted
	now := r.handler.service.Source.Time()
	hour := now.UTC().Truncate(time.Hour)
	made := map[string]apikey.Key{}
	for _, name := range []string{"idle", "busy", "refused", "before", "rotated", "late", "never"} {
		made[name] = r.NewKey(t, r.account, func(k *apikey.Key) { k.Name = name })
	}
	r.count(t, 2, made["busy"], authz.Allowed, now)
	r.count(t, 10, made["busy"], authz.Allowed, hour.Add(-23*time.Hour))
	r.count(t, 4, made["refused"], authz.DomainNotAllowed, now)
	r.count(t, 90, made["before"], authz.Allowed, hour.Add(-23*time.Hour-time.Minute))
	r.count(t, 1, made["late"], authz.Allowed, hour.Add(-23*time.Hour))
	old := made["rotated"]
	old.Current.Hash[0]++ // a secret that the key doesn't have any more
	r.count(t, 3, old, authz.Allowed, now)
	for _, size := range []string{"1", "3", "100"} {
		const want = "idle before never late rotated refused busy"
		if got := r.walk(t, "&sort=requests", size); got != want {
			t.Errorf("in pages of %s: %s, want %s", size, got, want)
		}
		if got := r.walk(t, "&sort=-requests", size); got != reversed(want) {
			t.Errorf("the other way, in pages of %s: %s, want %s", size, got, reversed(want))
		}
	}
	counted.n.Store(0)
	doc := r.list(t, "sort=-requests&figures=day&page_size=2", "").doc["figures"].(map[string]any)["keys"].([]any)
	if first, second := doc[0].(map[string]any), doc[1].(map[string]any); first["requests"] != 12.0 || second["requests"] != 4.0 || len(doc) != 2 || counted.n.Load() != 4 {
		t.Errorf("%v and %v, with %d reads", first, second, counted.n.Load())
	}
	counted.n.Store(0)
	if got := r.walk(t, "&sort=requests&q=refused", "100"); got != "refused" || counted.n.Load() != 1 {
		t.Errorf("one that is searched for: %s, with %d reads", got, counted.n.Load())
	}
}

func reversed(words string) string {
	list := strings.Fields(words)
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return strings.Join(list, " ")
}

// TestAnAccountOfManyKeysIsSortedByCreationAndName, by name once all names are indexed: another order would take reading all of it. The
// first page says what can be had.
func TestAnAccountOfManyKeysIsSortedByCreationAndName(t *testing.T) {
	keytest.OneAtATime(t)
	r := newHarnessOn(t, keytest.LongStores(t))
	k := r.NewKey(t, r.account)
	r.NewKeys(t, k, control.MostLooked-1)
	for _, step := range []string{"few", "many", "many, with names"} {
		many, named := step != "few", step == "many, with names"
		switch {
		case named:
			r.IndexNames(t)
		case many:
			deleted, err := r.Edit(t.Context(), r.NewKey(t, r.account), "key.delete", func(k *apikey.Key) { k.DeletedAt = keytest.Now })
			if err != nil || deleted.DeletedAt.IsZero() {
				t.Fatal(err)
			}
		}
		for column := range columns {
			for _, sort := range []string{column, "-" + column} {
				got := r.Do(t, apitest.Call{As: "viewer", Method: "GET", Path: r.keys() + "?page_size=1&sort=" + sort})
				if refused := many && column != byCreation && (column != byName || !named); refused && got.Problem() != "422 keys_not_sortable [sort]" || !refused && (got.Status != 200 || got.JSON(t)["sortable"] == many) {
					t.Errorf("%s, by %s: %d %s", step, sort, got.Status, got.Body)
				}
			}
		}
		for query, want := range map[string]any{"": !many, "&q=nothing": !many, "&product=search": !many} {
			if doc := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.keys() + "?page_size=5" + query}).JSON(t); doc["sortable"] != want {
				t.Errorf("%s, %q: sortable %v", step, query, doc["sortable"])
			}
		}
	}
}
