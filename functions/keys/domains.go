package main

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/moment"
	"latchkey/shared/origin"
	"latchkey/shared/text"
	"latchkey/shared/usage"
)

const (
	maxDomainFilter = 300 // characters
	domainDays      = 7   // of the figures, the running one included
	keysOfDomain    = 20  // that a list names of each entry
)

// domain is an entry with the keys that have it, in the order of their names.
type domain struct {
	entry string
	keys  []apikey.Key
}

// listDomains answers which entries the account's keys have, and which keys have each.
func (h *handler) listDomains(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if err := gateway.KnownQuery(r, "domain", "page_size", "page_token"); err != nil {
		return err
	}
	wanted, err := gateway.Text(r, "domain", maxDomainFilter)
	if err != nil {
		return err
	}
	page, err := gateway.PageOf(r, "domains", string(c.Account), wanted)
	if err != nil {
		return err
	}
	its, err := h.service.Account(r.Context(), c.Account)
	if err != nil {
		return err
	}
	keys, last, err := h.liveKeys(r.Context(), c.Account)
	if err != nil {
		return err
	}
	if wanted != "" {
		wanted = stored(wanted)
	}
	list, next := cutDomains(domainsOf(keys, wanted), page)
	now := h.service.Source.Time()
	doc := api.DomainList{
		Domains: []api.AccountDomain{}, From: moment.Of(daysUntil(now, domainDays).From), Version: lastChanged(keys), More: last != "", NextPageToken: page.Next(next),
		KeyIds: keyIDsOf(keys), KeyCount: len(keys), OpenKeyCount: having(keys, 0),
	}
	counts, err := h.hosts(r.Context(), c.Account, list, now)
	if err != nil {
		return err
	}
	suspended := its.Suspended.Holds(now)
	for _, d := range list {
		one := api.AccountDomain{Domain: d.entry, KeyCount: len(d.keys), OnlyEntryCount: having(d.keys, 1), Keys: []api.DomainKey{}}
		one.Allowed, one.Refused = d.calls(counts)
		shown := d.keys
		if wanted == "" {
			shown = shown[:min(len(shown), keysOfDomain)]
		}
		for _, k := range shown {
			one.Keys = append(one.Keys, api.DomainKey{Id: string(k.ID), Name: text.Shown(k.Name), Preview: k.Current.Preview, Status: api.Status(k.StatusIn(suspended, now))})
		}
		doc.Domains = append(doc.Domains, one)
	}
	doc.Unreadable = c.LeftOut(r.Context())
	gateway.SetETag(w, doc.Version)
	return gateway.JSON(w, http.StatusOK, doc)
}

// having counts the keys that have so many entries.
func having(keys []apikey.Key, entries int) (n int) {
	for _, k := range keys {
		if len(k.Domains) == entries {
			n++
		}
	}
	return n
}

func keyIDsOf(keys []apikey.Key) []string {
	ids := make([]string, len(keys))
	for i, k := range keys {
		ids[i] = string(k.ID)
	}
	return ids
}

// liveKeys reads the keys that can be edited, of as many as a list looks at; last is the last key that it looked at where there are others, or "".
func (h *handler) liveKeys(ctx context.Context, id account.ID) (keys []apikey.Key, last apikey.ID, err error) {
	page, err := h.store.Keys(ctx, id, control.KeyQuery{})
	return slices.DeleteFunc(page.Keys, func(k apikey.Key) bool { return k.Editable() != nil }), page.Next, err
}

// lastChanged returns the time of the latest change of any of the keys, in milliseconds.
func lastChanged(keys []apikey.Key) (at int64) {
	for _, k := range keys {
		at = max(at, k.UpdatedAt.UnixMilli())
	}
	return at
}

// domainsOf lists the entries of keys in order: all, or the one that is wanted.
func domainsOf(keys []apikey.Key, wanted string) (list []domain) {
	keys = slices.Clone(keys)
	slices.SortFunc(keys, func(a, b apikey.Key) int {
		return strings.Compare(a.Name+"\x00"+string(a.ID), b.Name+"\x00"+string(b.ID))
	})
	places := map[string]int{}
	for _, k := range keys {
		for _, entry := range k.Domains {
			if wanted != "" && entry != wanted {
				continue
			}
			at, known := places[entry]
			if !known {
				at = len(list)
				places[entry] = at
				list = append(list, domain{entry: entry})
			}
			list[at].keys = append(list[at].keys, k)
		}
	}
	slices.SortFunc(list, func(a, b domain) int { return strings.Compare(a.entry, b.entry) })
	return list
}

func cutDomains(list []domain, page gateway.Page) (_ []domain, next string) {
	if page.After != "" {
		list = slices.DeleteFunc(list, func(d domain) bool { return d.entry <= page.After })
	}
	if len(list) > page.Size {
		list = list[:page.Size]
		next = list[page.Size-1].entry
	}
	return list, next
}

// daysUntil is a span of so many whole days in UTC, of which the last one runs.
func daysUntil(now time.Time, days int) counters.Range {
	to := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
	return counters.Range{From: to.AddDate(0, 0, -days), To: to, Days: true}
}

// hosts are the calls of each key by the host that they named, of the keys of some entries. The counters are read of those that
// were called in these days.
func (h *handler) hosts(ctx context.Context, id account.ID, list []domain, now time.Time) (map[apikey.ID]map[string]usage.Totals, error) {
	var keys []apikey.Key
	taken := map[apikey.ID]bool{}
	for _, d := range list {
		for _, k := range d.keys {
			if !taken[k.ID] {
				taken[k.ID] = true
				keys = append(keys, k)
			}
		}
	}
	in := daysUntil(now, domainDays)
	called, err := h.counters.CalledSince(ctx, id, in.From, keys...)
	if err != nil {
		return nil, err
	}
	each := make([]map[string]usage.Totals, len(called))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(figuresRead)
	for i, k := range called {
		g.Go(func() error {
			rows, err := h.counters.KeyRows(ctx, id, k.ID, in)
			each[i] = usage.ByHost(rows)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	byKey := make(map[apikey.ID]map[string]usage.Totals, len(called))
	for i, k := range called {
		byKey[k.ID] = each[i]
	}
	return byKey, nil
}

// calls adds up what named a host that the entry covers. An entry that today's rules can't read covers none.
func (d domain) calls(counts map[apikey.ID]map[string]usage.Totals) (allowed, refused int64) {
	pattern, err := origin.ParsePattern(d.entry)
	if err != nil {
		return 0, 0
	}
	for _, k := range d.keys {
		for host, t := range counts[k.ID] {
			if pattern.MatchName(host) {
				allowed, refused = allowed+t.Allowed, refused+t.Refused
			}
		}
	}
	return allowed, refused
}
