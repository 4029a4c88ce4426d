package main

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/moment"
	"latchkey/shared/text"
)

// auditStore lists the methods of the control table that the lists of audit rows call.
type auditStore interface {
	AuditOfAccount(ctx context.Context, id account.ID, after string, limit int) (control.AuditPage, error)
	AuditOfKey(ctx context.Context, id account.ID, key apikey.ID, after string, limit int) (control.AuditPage, error)
	Key(ctx context.Context, id account.ID, key apikey.ID) (apikey.Key, error)
	keyNames
}

type auditRows struct {
	store  auditStore
	source env.Source
}

func (h *auditRows) listAudit(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	filter, scope, err := filterOf(r)
	if err != nil {
		return err
	}
	page, err := gateway.PageOf(r, append([]string{"audit", string(c.Account)}, scope...)...)
	if err != nil {
		return err
	}
	rows, err := h.read(r.Context(), c, filter, page)
	if err != nil {
		return err
	}
	return h.show(w, r, c, page, rows)
}

func (h *auditRows) listKeyAudit(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if err := gateway.KnownQuery(r, "page_size", "page_token"); err != nil {
		return err
	}
	text, err := gateway.ID(r.PathValue("key"), "key_")
	if err != nil {
		return err
	}
	id := apikey.ID(text)
	page, err := gateway.PageOf(r, "audit", string(c.Account), string(id))
	if err != nil {
		return err
	}
	rows, err := h.store.AuditOfKey(r.Context(), c.Account, id, page.After, page.Size)
	if err != nil {
		return err
	}
	if len(rows.Rows) == 0 { // a purged key has audit rows, one that never was has none
		if _, err := h.store.Key(r.Context(), c.Account, id); err != nil {
			return err
		}
	}
	return h.show(w, r, c, page, rows)
}

// listOperatorsAudit lists the changes of operators, which belong to no account.
func (h *auditRows) listOperatorsAudit(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	c.Account = control.Operators
	return h.listAudit(w, r, c)
}

func (h *auditRows) show(w http.ResponseWriter, r *http.Request, c gateway.Principal, page gateway.Page, found control.AuditPage) error {
	rows, err := auditDocs(r.Context(), h.store, c, found.Rows, h.source.Time())
	if err != nil {
		return err
	}
	doc := api.AuditList{Rows: rows, NextPageToken: page.Next(found.Next)}
	doc.Unreadable = c.LeftOut(r.Context())
	return gateway.JSON(w, http.StatusOK, doc)
}

// keyNames reads the names of some of an account's keys.
type keyNames interface {
	KeyNames(ctx context.Context, id account.ID, keys ...apikey.ID) (map[apikey.ID]string, error)
}

// auditDocs are rows as the caller may see them, with the names of their keys.
func auditDocs(ctx context.Context, store keyNames, c gateway.Principal, rows []audit.Row, now time.Time) ([]api.AuditRow, error) {
	list := []api.AuditRow{}
	names, err := namesIn(ctx, store, c.Account, rows)
	if err != nil {
		return list, err
	}
	for _, row := range rows {
		one := auditDoc(seenBy(c, row, now))
		one.KeyName = web.ShownPtr(names[apikey.ID(row.KeyID)])
		list = append(list, one)
	}
	return list, nil
}

// namesIn are the names of the keys that rows are about: as they are now, or, of a key that is purged, as the newest of the rows has it.
func namesIn(ctx context.Context, store keyNames, id account.ID, rows []audit.Row) (map[apikey.ID]string, error) {
	var keys []apikey.ID
	for _, row := range rows {
		if row.KeyID != "" {
			keys = append(keys, apikey.ID(row.KeyID))
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	names, err := store.KeyNames(ctx, id, keys...)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		for _, c := range row.Changes {
			if key := apikey.ID(row.KeyID); c.Field == "name" && key != "" && names[key] == "" {
				name, _ := value(cmp.Or(c.After, c.Before)).(string)
				names[key] = name
			}
		}
	}
	return names, nil
}

// seenBy is a row as the caller may see it.
func seenBy(c gateway.Principal, row audit.Row, now time.Time) audit.Row {
	if c.Operator {
		return row.ForOperator()
	}
	return row.ForCustomer(c.Role == account.Owner, now)
}

func auditDoc(row audit.Row) api.AuditRow {
	doc := api.AuditRow{
		Id: row.ID, At: moment.Of(row.At), Action: row.Action, KeyId: web.StringPtr(row.KeyID), RequestId: row.RequestID,
		SourceIp: web.StringPtr(row.Source),
		Actor:    api.Actor{Subject: text.Shown(row.Actor.Subject.ID), Email: web.ShownPtr(row.Actor.Email), Role: row.Actor.Role},
		Changes:  []api.Change{},
	}
	for _, c := range row.Changes {
		doc.Changes = append(doc.Changes, api.Change{Field: c.Field, Before: value(c.Before), After: value(c.After)})
	}
	return doc
}

// value is a stored fact as it is shown; nil where there is none. Facts are JSON; what isn't is a text.
func value(stored string) any {
	if stored == "" {
		return nil
	}
	var fact any
	d := json.NewDecoder(strings.NewReader(stored))
	d.UseNumber()
	if !json.Valid([]byte(stored)) || d.Decode(&fact) != nil {
		return text.Shown(stored)
	}
	return shownIn(fact)
}

// shownIn is a fact with each of its texts as it is shown: people typed them.
func shownIn(fact any) any {
	switch f := fact.(type) {
	case string:
		return text.Shown(f)
	case []any:
		for i := range f {
			f[i] = shownIn(f[i])
		}
	case map[string]any:
		for name := range f {
			f[name] = shownIn(f[name])
		}
	}
	return fact
}
