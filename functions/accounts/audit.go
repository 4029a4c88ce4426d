package main

import (
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
	doc := api.AuditList{Rows: []api.AuditRow{}, NextPageToken: page.Next(found.Next), Unreadable: c.LeftOut(r.Context())}
	for _, row := range found.Rows {
		doc.Rows = append(doc.Rows, auditDoc(seenBy(c, row, h.source.Time())))
	}
	return gateway.JSON(w, http.StatusOK, doc)
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
