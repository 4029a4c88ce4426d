package main

import (
	"errors"
	"net/http"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/finding"
	"latchkey/shared/text"
)

// listFindings answers what of the account's keys its people should look at. It is computed from what is stored of the keys, and kept
// nowhere, so that it is never older than they are.
func (h *handler) listFindings(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if err := gateway.KnownQuery(r, "key_id", "page_size", "page_token"); err != nil {
		return err
	}
	wanted := r.URL.Query().Get("key_id")
	if wanted != "" {
		id, err := gateway.ID(wanted, "key_")
		if err != nil {
			return gateway.Parameter("key_id", "It must be the ID of a key.")
		}
		wanted = id
	}
	page, err := gateway.PageOf(r, "findings", string(c.Account), wanted)
	if err != nil {
		return err
	}
	its, err := h.service.Account(r.Context(), c.Account)
	if err != nil {
		return err
	}
	found, err := h.lookedAt(r, c, wanted, page)
	if err != nil {
		return err
	}
	used, err := h.counters.LastUsed(r.Context(), c.Account, found.Keys...)
	if err != nil {
		return err
	}
	now := h.service.Source.Time()
	doc := api.FindingList{Findings: []api.Finding{}, NextPageToken: page.Next(string(found.Next))}
	for _, k := range found.Keys {
		of := api.DomainKey{Id: string(k.ID), Name: text.Shown(k.Name), Preview: k.Current.Preview, Status: api.Status(k.StatusIn(its.Suspended.Holds(now), now))}
		for _, one := range finding.Of(k, finding.Facts{
			Now: now, Rules: its.Rules, Accepted: its.Accepted, Products: h.service.Products, LastAllowed: used[k.ID].Allowed, UseKnown: used[k.ID].Known,
		}) {
			doc.Findings = append(doc.Findings, api.Finding{Key: of, Code: string(one.Code), Since: web.TimePtr(one.Since), Act: string(one.Act)})
		}
	}
	doc.Unreadable = c.LeftOut(r.Context())
	return gateway.JSON(w, http.StatusOK, doc)
}

// lookedAt reads the keys of one page, the oldest first, or the one that is wanted.
func (h *handler) lookedAt(r *http.Request, c gateway.Principal, wanted string, page gateway.Page) (found control.KeyPage, err error) {
	if wanted == "" {
		return h.store.Keys(r.Context(), c.Account, control.KeyQuery{Limit: page.Size, After: apikey.ID(page.After)})
	}
	k, err := h.service.Store.Key(r.Context(), c.Account, apikey.ID(wanted))
	switch {
	case errors.Is(err, dynamo.ErrNotFound), errors.Is(err, dynamo.ErrUnreadable): // the latter has been reported, as of a list
		return found, nil
	case err == nil:
		found.Keys = []apikey.Key{k}
	}
	return found, err
}
