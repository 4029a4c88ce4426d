package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/origin/entry"
	"latchkey/shared/text"
)

const (
	mostKeysChanged = 500 // by one request
	changedAtOnce   = 8
	changeTries     = 5  // of one key, each time that somebody else has changed it meanwhile
	replacePages    = 10 // of [control.MostLooked] keys, that one request looks at
)

func (h *handler) linkDomain(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.LinkDomain](r, gateway.BodyOptions{})
	if err != nil {
		return err
	}
	f := h.fields(h.service.Source.Time())
	pattern := f.newDomain("domain", body.Domain)
	ids := f.keyIDs("keys", body.Keys)
	if err := f.err(); err != nil {
		return err
	}
	return h.changeNamed(w, r, c, pattern, ids, func(k apikey.Key) (apikey.Key, error) { return k.Link(pattern, f.now) })
}

func (h *handler) unlinkDomain(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.LinkDomain](r, gateway.BodyOptions{})
	if err != nil {
		return err
	}
	f := h.fields(h.service.Source.Time())
	pattern := f.storedDomain("domain", body.Domain)
	ids := f.keyIDs("keys", body.Keys)
	if err := f.err(); err != nil {
		return err
	}
	return h.changeNamed(w, r, c, pattern, ids, func(k apikey.Key) (apikey.Key, error) { return k.Unlink(pattern, f.now) })
}

// replaceDomain changes every key that has the entry. The version that the caller names is that of the list of entries: a key of that
// list that somebody has changed since then is refused, by itself. Of keys that the list doesn't look at, nobody has seen a version.
func (h *handler) replaceDomain(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if err := gateway.KnownQuery(r, "page_token"); err != nil {
		return err
	}
	match, err := gateway.IfMatch(r)
	if err != nil {
		return err
	}
	body, _, err := gateway.Body[api.ReplaceDomain](r, gateway.BodyOptions{Query: true})
	if err != nil {
		return err
	}
	f := h.fields(h.service.Source.Time())
	pattern, with := f.storedDomain("domain", body.Domain), f.newDomain("with", body.With)
	if err := f.err(); err != nil {
		return err
	}
	page, err := gateway.PageOf(r, "replace", string(c.Account), pattern, with)
	if err != nil {
		return err
	}
	its, err := h.keysWith(r.Context(), c.Account, pattern, apikey.ID(page.After))
	if err != nil {
		return err
	}
	results, err := h.changeDomains(r, c, its.ids, func(k apikey.Key) (apikey.Key, error) {
		if !slices.Contains(k.Domains, pattern) { // done already
			return k, nil
		}
		if err := match.CheckUntil(k.UpdatedAt.UnixMilli(), its.latest); err != nil && (its.listed(k.ID) || !errors.Is(err, gateway.ErrStale)) {
			return k, err
		}
		return k.Replace(pattern, with, f.now)
	})
	if err != nil {
		return err
	}
	if page.After == "" && its.next == "" && allRefused(results, gateway.ErrStale) {
		return gateway.ErrStale // the caller has seen no key as it is
	}
	next := page.Next(string(its.next))
	return gateway.JSON(w, http.StatusOK, api.DomainReplacement{Domain: pattern, Results: results, More: next != nil, NextPageToken: next})
}

// havingKeys are the first keys of an account that have an entry, in the order of their IDs.
type havingKeys struct {
	ids    []apikey.ID
	next   apikey.ID // the last of them, or the last key that was looked at, where others may follow; "" at the end
	last   apikey.ID // the last key that the list of entries looks at; "" where it looks at all
	latest int64     // its version
}

// listed reports whether the list of entries looks at a key.
func (its havingKeys) listed(id apikey.ID) bool { return its.last == "" || id <= its.last }

// keysWith finds as many keys that have an entry as one request changes, after the one where the request before ended. It stops
// where it finds one too many, or has looked at so many keys.
func (h *handler) keysWith(ctx context.Context, id account.ID, pattern string, after apikey.ID) (its havingKeys, err error) {
	keys, last, err := h.liveKeys(ctx, id)
	if err != nil {
		return its, err
	}
	its = havingKeys{last: last, latest: lastChanged(keys), next: last}
	has := func(k apikey.Key) bool {
		return k.ID > after && k.Editable() == nil && slices.Contains(k.Domains, pattern)
	}
	for pages := 1; ; pages++ {
		for _, k := range keys {
			if has(k) {
				its.ids = append(its.ids, k.ID)
			}
		}
		if len(its.ids) > mostKeysChanged {
			its.ids = its.ids[:mostKeysChanged]
			its.next = its.ids[mostKeysChanged-1]
			return its, nil
		}
		if its.next == "" || pages == replacePages {
			return its, nil
		}
		page, err := h.store.Keys(ctx, id, control.KeyQuery{After: max(its.next, after), Match: has, Limit: mostKeysChanged + 1 - len(its.ids)})
		if err != nil {
			return its, err
		}
		keys, its.next = page.Keys, page.Next
	}
}

// changeNamed changes the keys that a request names.
func (h *handler) changeNamed(w http.ResponseWriter, r *http.Request, c gateway.Principal, pattern string, ids []apikey.ID, apply func(apikey.Key) (apikey.Key, error)) error {
	results, err := h.changeDomains(r, c, ids, apply)
	if err != nil {
		return err
	}
	if allRefused(results, gateway.ErrNotFound) {
		return gateway.ErrNotFound // none is the account's
	}
	return gateway.JSON(w, http.StatusOK, api.DomainChanges{Domain: pattern, Results: results})
}

// allRefused reports whether all keys are refused for the same reason.
func allRefused(results []api.DomainChange, why *gateway.Problem) bool {
	return len(results) > 0 && !slices.ContainsFunc(results, func(one api.DomainChange) bool { return one.Code == nil || *one.Code != why.Code })
}

// changeDomains changes keys one by one, each in a transaction of its own with its audit row, and returns what came of each. A
// breakdown ends it; what was done by then stays, and the same request does the rest.
func (h *handler) changeDomains(r *http.Request, c gateway.Principal, ids []apikey.ID, apply func(apikey.Key) (apikey.Key, error)) ([]api.DomainChange, error) {
	results, its := make([]api.DomainChange, len(ids)), itsAccount(sync.OnceValues(h.accountOf(r.Context(), c.Account)))
	g, ctx := errgroup.WithContext(r.Context())
	g.SetLimit(changedAtOnce)
	for i, id := range ids {
		g.Go(func() (err error) {
			results[i], err = h.changeDomainsOf(ctx, c, id, its, apply)
			return err
		})
	}
	return results, g.Wait()
}

// changeDomainsOf changes one key. Where somebody else has changed it meanwhile, it is decided again from what is there now.
func (h *handler) changeDomainsOf(ctx context.Context, c gateway.Principal, id apikey.ID, its itsAccount, apply func(apikey.Key) (apikey.Key, error)) (api.DomainChange, error) {
	for try := 1; ; try++ {
		before, after, err := h.changeOnce(ctx, c, id, its, apply)
		one := api.DomainChange{KeyId: string(id), Name: text.Shown(before.Name), Domains: len(before.Domains), Result: api.DomainChangeResultUnchanged}
		if try < changeTries && errors.Is(err, dynamo.ErrStale) && !errors.Is(err, account.ErrRightLost) {
			continue
		}
		if code, refused := web.Errors().Refusal(err); refused && ofTheKey(err) {
			one.Result, one.Code = api.DomainChangeResultRefused, &code
			return one, nil
		}
		if err == nil && !after.Same(before) {
			one.Result, one.Domains = api.DomainChangeResultChanged, len(after.Domains)
		}
		return one, err
	}
}

// ofTheKey reports whether an error says something of one key, and nothing of the others.
func ofTheKey(err error) bool {
	return slices.ContainsFunc([]error{dynamo.ErrNotFound, dynamo.ErrUnreadable, apikey.ErrRevoked, apikey.ErrDeleted, apikey.ErrDomains, apikey.ErrUnrestricted, gateway.ErrStale}, func(one error) bool {
		return errors.Is(err, one)
	})
}

func (h *handler) changeOnce(ctx context.Context, c gateway.Principal, id apikey.ID, its itsAccount, apply func(apikey.Key) (apikey.Key, error)) (before, after apikey.Key, err error) {
	if before, err = h.service.Store.Key(ctx, c.Account, id); err != nil {
		return before, before, err
	}
	if after, err = apply(before); err != nil || after.Same(before) {
		return before, before, err
	}
	f := h.fields(h.service.Source.Time())
	if f.fits(before, after); f.err() != nil {
		return before, before, apikey.ErrDomains
	}
	_, broken, err := its.broken(&before, after, f.now)
	if err = errors.Join(append(broken, err)...); err != nil {
		return before, before, err
	}
	row := h.service.Row(c, "key.edit", &before, after)
	after, err = h.service.Store.Commit(ctx, control.Change{Before: &before, After: after, Audit: row})
	return before, after, err
}

// newDomain reads an entry that keys are to have, by today's rules.
func (f *fields) newDomain(member, typed string) string {
	if f.texts.InHost(typed) {
		f.refuse(gateway.Field(member, web.SecretInText, web.WhySecret))
		return ""
	}
	canonical, err := entry.Parse(typed)
	if err != nil {
		f.refuse(domainError(gateway.Field(member, "", ""), err))
	}
	return canonical
}

// storedDomain reads an entry that keys may have, perhaps from before today's rules.
func (f *fields) storedDomain(member, typed string) string {
	switch {
	case f.texts.InHost(typed): // it would be in the answer
		f.refuse(gateway.Field(member, web.SecretInText, web.WhySecret))
	case typed == "" || utf8.RuneCountInString(typed) > maxDomainFilter:
		f.refuse(gateway.Field(member, "bad_length", "It must have 1 to 300 characters."))
	}
	return stored(typed)
}

// stored is an entry as keys have it: in canonical form, or as it is written where today's rules can't read it.
func stored(typed string) string {
	if canonical, err := entry.Parse(typed); err == nil {
		return canonical
	}
	return typed
}

// keyIDs reads a set of IDs, in the order in which they came.
func (f *fields) keyIDs(member string, typed []string) (ids []apikey.ID) {
	switch {
	case len(typed) == 0:
		f.refuse(gateway.Field(member, "too_few", "Name at least one key."))
	case len(typed) > mostKeysChanged:
		f.refuse(gateway.Field(member, "too_many", "Name at most 500 keys."))
		return nil
	}
	for i, text := range typed {
		id, err := gateway.ID(text, "key_")
		if err != nil {
			f.refuse(gateway.Item(member, i, "not_a_key", "It must be the ID of a key."))
		} else if !slices.Contains(ids, apikey.ID(id)) {
			ids = append(ids, apikey.ID(id))
		}
	}
	return ids
}
