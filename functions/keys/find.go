package main

import (
	"context"
	"errors"
	"net/http"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
)

// mostMatches bounds the keys with one preview. A preview leaves out most of a secret, so two keys may have the same.
const mostMatches = 20

// matchPages bounds the pages in which they are looked for.
const matchPages = 10

// match is a key, and which of its secrets was looked for.
type match struct {
	key  apikey.Key
	role apikey.SecretRole
}

// find answers which keys of the account have a secret. What another account has is answered, and costs, as what nobody has.
func (h *handler) find(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	wanted, err := web.ParseWanted(r)
	if err != nil {
		return err
	}
	found, more, err := h.matches(r.Context(), c.Account, wanted)
	if err != nil {
		return err
	}
	doc := api.KeyMatches{Matches: []api.KeyMatch{}, More: more, Unreadable: c.LeftOut(r.Context())}
	for _, m := range found {
		view, err := h.service.View(r.Context(), c, m.key)
		if err != nil {
			return err
		}
		doc.Matches = append(doc.Matches, api.KeyMatch{Matched: api.Matched(m.role), Key: web.KeyDoc(m.key, view)})
	}
	return gateway.JSON(w, http.StatusOK, doc)
}

// matches finds the keys. more is true where others may have the same preview.
func (h *handler) matches(ctx context.Context, id account.ID, wanted web.Wanted) (found []match, more bool, err error) {
	if wanted.Preview == "" {
		k, role, err := h.store.KeyBySecret(ctx, id, wanted.Hash)
		switch {
		case errors.Is(err, dynamo.ErrNotFound):
			return nil, false, nil
		case err != nil:
			return nil, false, err
		}
		return []match{{k, role}}, false, nil
	}
	want := control.KeyQuery{Limit: mostMatches, Deleted: true, Match: func(k apikey.Key) bool { return previewed(k, wanted.Preview) != "" }}
	for range matchPages {
		page, err := h.store.Keys(ctx, id, want)
		if err != nil {
			return nil, false, err
		}
		for _, k := range page.Keys {
			found = append(found, match{k, previewed(k, wanted.Preview)})
		}
		more, want.After, want.Limit = page.Next != "", page.Next, mostMatches-len(found)
		if !more || want.Limit == 0 {
			break
		}
	}
	return found, more, nil
}

// previewed tells which of the key's secrets has a preview; "" for none.
func previewed(k apikey.Key, preview string) apikey.SecretRole {
	switch {
	case preview == "":
		return ""
	case k.Current.Preview == preview:
		return apikey.CurrentSecret
	case k.Outgoing != nil && k.Outgoing.Preview == preview:
		return apikey.OutgoingSecret
	}
	return ""
}
