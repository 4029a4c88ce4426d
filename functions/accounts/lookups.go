package main

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/pasted"
	"latchkey/shared/product"
	"latchkey/shared/text"
)

// lookupStore lists the methods of the control table that operators' operations on the accounts and keys of all customers call.
type lookupStore interface {
	Account(ctx context.Context, id account.ID) (account.Account, error)
	Accounts(ctx context.Context, name, after string, limit int) (control.AccountPage, error)
	AccountsByEmail(ctx context.Context, email, after string, limit int) (control.AccountPage, error)
	FindKey(ctx context.Context, key apikey.ID) (apikey.Key, error)
	FindKeyBySecret(ctx context.Context, hash apikey.Hash) (apikey.Key, apikey.SecretRole, error)
	waitingStore
	Member(ctx context.Context, id account.ID, who account.Subject) (account.Member, error)
	Commit(ctx context.Context, c control.Change) (apikey.Key, error)
}

// waitingStore lists what waits for operators.
type waitingStore interface {
	Overview(ctx context.Context, now time.Time, few int) (control.Overview, error)
	BlockedKeys(ctx context.Context, after string, limit int) (control.WaitingPage, error)
	ExposedKeys(ctx context.Context, now time.Time, after string, limit int) (control.WaitingPage, error)
	SuspendedAccounts(ctx context.Context, now time.Time, after string, limit int) (control.AccountPage, error)
}

type lookups struct {
	store    lookupStore
	source   env.Source
	texts    text.Secrets
	products product.Catalogue
	used     web.KeyUse
	looks    gateway.Looks
}

// named is the list of an operation that lists nothing else.
func named(list string) func(*http.Request) string { return func(*http.Request) string { return list } }

// searched names the list of accounts that a request asks for. What was searched for is kept nowhere.
func searched(r *http.Request) string {
	if r.URL.Query().Has("email") {
		return "accounts_by_email"
	}
	return "accounts"
}

func (h *lookups) findAccounts(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if err := gateway.KnownQuery(r, "q", "email", "page_size", "page_token"); err != nil {
		return err
	}
	name, badName := gateway.Text(r, "q", 100)
	email, badEmail := gateway.Text(r, "email", account.MaxEmail)
	if err := cmp.Or(badName, badEmail); err != nil {
		return err
	}
	name, email = strings.TrimSpace(name), pasted.Value(email)
	page, err := gateway.PageOf(r, "accounts", name, email)
	if err != nil {
		return err
	}
	found := control.AccountPage{}
	id, notID := gateway.ID(name, "acc_")
	switch {
	case email != "":
		found, err = h.store.AccountsByEmail(r.Context(), email, page.After, page.Size)
		words := strings.Fields(text.Fold(name))
		found.Accounts = slices.DeleteFunc(found.Accounts, func(a account.Account) bool {
			return string(a.ID) != id && !text.HasWords(a.Name, words)
		})
	case notID == nil:
		var a account.Account
		if a, err = h.store.Account(r.Context(), account.ID(id)); err == nil {
			found.Accounts = []account.Account{a}
			c.Account = a.ID
			err = h.looks.Looked(r.Context(), c) // one account by its ID is a look at it, as by its own path
		} else if errors.Is(err, dynamo.ErrNotFound) || errors.Is(err, dynamo.ErrUnreadable) { // the answer counts one that can't be read
			err = nil
		}
	default:
		found, err = h.store.Accounts(r.Context(), name, page.After, page.Size)
	}
	if err != nil {
		return err
	}
	doc := api.AccountList{Accounts: []api.Account{}, NextPageToken: page.Next(found.Next), Unreadable: c.LeftOut(r.Context())}
	for _, a := range found.Accounts {
		doc.Accounts = append(doc.Accounts, web.AccountDoc(a, "", h.source.Time(), h.products))
	}
	return gateway.JSON(w, http.StatusOK, doc)
}

func (h *lookups) findKey(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if err := gateway.KnownQuery(r); err != nil {
		return err
	}
	k, err := h.anyKey(r)
	if err != nil {
		return err
	}
	c.Account = k.Account
	if err := h.looks.Looked(r.Context(), c); err != nil {
		return err
	}
	return h.showKey(w, r, k)
}

func (h *lookups) anyKey(r *http.Request) (apikey.Key, error) {
	id, err := gateway.ID(r.PathValue("key"), "key_")
	if err != nil {
		return apikey.Key{}, err
	}
	return h.store.FindKey(r.Context(), apikey.ID(id))
}

func (h *lookups) showKey(w http.ResponseWriter, r *http.Request, k apikey.Key) error {
	doc, err := h.keyDoc(r.Context(), k, r.Method != http.MethodGet)
	if err != nil {
		return err
	}
	gateway.SetETag(w, k.Version)
	return gateway.JSON(w, http.StatusOK, doc)
}

// keyDoc is the document of a key. A change of it is reported whatever can't be read beside it.
func (h *lookups) keyDoc(ctx context.Context, k apikey.Key, changed bool) (api.OperatorKey, error) {
	a, err := h.store.Account(ctx, k.Account)
	unread := errors.Is(err, dynamo.ErrUnreadable) || err != nil && changed // which must not hide what was done to a key
	if err != nil && !unread {
		return api.OperatorKey{}, err
	}
	used, err := h.used.LastUsed(ctx, k.Account, k)
	if err != nil && !changed {
		return api.OperatorKey{}, err
	}
	now := h.source.Time()
	view := web.View{Now: now, Used: used[k.ID], Operator: true, Products: h.products}.In(a)
	doc := api.OperatorKey{Key: web.KeyDoc(k, view)}
	if !unread {
		its := web.AccountDoc(a, "", now, h.products)
		doc.Account = &its
	}
	return doc, nil
}

func (h *lookups) blockKey(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.BlockKey](r, gateway.BodyOptions{Nullable: []string{"until"}})
	if err != nil {
		return err
	}
	reason, err := web.Block(h.texts, "reason", body.Reason, 1, account.MaxReason)
	if err != nil {
		return err
	}
	var until time.Time
	if body.Until != nil {
		until = body.Until.UTC().Truncate(time.Millisecond)
	}
	by := cmp.Or(c.Person.Email, c.Person.Subject.ID)
	return h.changeKey(w, r, c, "key.block", nil, func(k apikey.Key) (apikey.Key, error) {
		return k.Block(reason.String(), by, until, h.source.Time())
	})
}

func (h *lookups) unblockKey(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.UnblockKey](r, gateway.BodyOptions{Optional: true})
	if err != nil {
		return err
	}
	var extra []audit.Change
	if body.Reason != nil {
		reason, err := web.Block(h.texts, "reason", *body.Reason, 0, account.MaxReason)
		if err != nil {
			return err
		}
		if reason != (text.Block{}) {
			extra = []audit.Change{audit.Set("reason", nil, reason.String())}
		}
	}
	return h.changeKey(w, r, c, "key.unblock", extra, func(k apikey.Key) (apikey.Key, error) { return k.Unblock(h.source.Time()) })
}

// revokeKey ends a key for good, from any state: its owner may be the one who abuses it.
func (h *lookups) revokeKey(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.OperatorRevoke](r, gateway.BodyOptions{})
	if err != nil {
		return err
	}
	reason, err := web.Block(h.texts, "reason", body.Reason, 1, account.MaxReason)
	if err != nil {
		return err
	}
	extra := []audit.Change{audit.Set("reason", nil, reason.String())}
	return h.changeKey(w, r, c, "key.revoke", extra, func(k apikey.Key) (apikey.Key, error) {
		after, _ := k.RevokeUnconfirmed(h.source.Time())
		return after, nil
	})
}

func (h *lookups) changeKey(w http.ResponseWriter, r *http.Request, c gateway.Principal, action string, extra []audit.Change,
	apply func(apikey.Key) (apikey.Key, error),
) error {
	before, err := h.anyKey(r)
	if err != nil {
		return err
	}
	c.Account = before.Account
	switch _, err := h.store.Member(r.Context(), c.Account, c.Person.Subject); {
	case err == nil:
		return gateway.ErrOwnAccount
	case !errors.Is(err, dynamo.ErrNotFound):
		return err
	}
	if err := h.looks.Looked(r.Context(), c); err != nil { // the answer shows the key and its account, changed or not
		return err
	}
	after, err := apply(before)
	if err != nil {
		return err
	}
	if after.Same(before) {
		return h.showKey(w, r, before)
	}
	row := web.AuditRow(h.source, c, action, before.ID, append(audit.KeyChanges(&before, after), extra...)...)
	written, err := h.store.Commit(r.Context(), control.Change{Before: &before, After: after, Audit: row})
	if err != nil {
		return err
	}
	return h.showKey(w, r, written)
}
