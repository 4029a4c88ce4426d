package main

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/pasted"
	"latchkey/shared/text"
)

// auditFilter selects rows of an audit trail. The zero filter takes all.
type auditFilter struct {
	key           apikey.ID
	action, actor string
	from, to      time.Time // to is excluded; zero: no bound
}

// filterOf reads the filter of a request, and the scope of its page tokens.
func filterOf(r *http.Request) (f auditFilter, scope []string, err error) {
	if err := gateway.KnownQuery(r, "action", "actor", "key_id", "from", "to", "page_size", "page_token"); err != nil {
		return f, nil, err
	}
	action, badAction := gateway.Text(r, "action", 64)
	actor, badActor := gateway.Text(r, "actor", account.MaxSubject)
	if strings.TrimSpace(actor) == "" {
		actor = ""
	}
	from, badFrom := gateway.Time(r, "from", time.Time{})
	to, badTo := gateway.Time(r, "to", time.Time{})
	if err := cmp.Or(badAction, badActor, badFrom, badTo); err != nil {
		return f, nil, err
	}
	f = auditFilter{action: strings.TrimSpace(action), actor: actor, from: from, to: to}
	if text := r.URL.Query().Get("key_id"); text != "" {
		id, err := gateway.ID(text, "key_")
		if err != nil {
			return f, nil, gateway.Parameter("key_id", "It must be the ID of a key.")
		}
		f.key = apikey.ID(id)
	}
	if f != (auditFilter{}) {
		scope = []string{string(f.key), f.action, f.actor, f.from.String(), f.to.String()}
	}
	return f, scope, nil
}

// takes looks at a row as the caller sees it: a filter must not tell a customer the name of an operator.
func (f auditFilter) takes(seen audit.Row) bool {
	switch {
	case f.action != "" && seen.Action != f.action && !strings.HasPrefix(seen.Action, f.action+"."):
		return false
	case f.actor != "" && !isActor(seen.Actor, f.actor):
		return false
	}
	return f.to.IsZero() || seen.At.Before(f.to)
}

// isActor reports whether somebody is asked for by a subject, byte by byte or as rows show it, or by an e-mail address. Blanks
// around what was typed may be the subject's own, or come from copying.
func isActor(a audit.Actor, typed string) bool {
	bare := pasted.Value(typed)
	switch a.Subject.ID {
	case typed, strings.TrimSpace(typed):
		return true
	}
	return account.SameAddress(a.Email, bare) || text.Shown(a.Subject.ID) == strings.TrimSpace(typed)
}

// Bounds of one request: it looks at so many rows, a read has so many. A page may have fewer rows than asked for, or none, and still a next one.
const (
	mostLooked  = 1000
	rowsPerRead = 100
)

// read reads the rows of a page, and the cursor of the next one.
func (h *auditRows) read(ctx context.Context, c gateway.Principal, f auditFilter, page gateway.Page) (found control.AuditPage, err error) {
	size, after := page.Size, page.After
	if f != (auditFilter{}) {
		size = rowsPerRead
	}
	if after == "" && !f.to.IsZero() {
		after = rowsBefore(f.to)
	}
	for looked := 0; ; looked += size {
		rows, err := h.rows(ctx, c.Account, f.key, after, size)
		if err != nil {
			return found, err
		}
		for i, row := range rows.Rows {
			if row.At.Before(f.from) {
				return found, nil
			}
			if f.takes(seenBy(c, row, h.source.Time())) {
				found.Rows = append(found.Rows, row)
			}
			if after = row.ID; len(found.Rows) == page.Size {
				if i+1 < len(rows.Rows) || rows.Next != "" {
					found.Next = after
				}
				return found, nil
			}
		}
		if rows.Next == "" {
			return found, nil
		}
		if after = rows.Next; looked+size >= mostLooked {
			found.Next = after
			return found, nil
		}
	}
}

func (h *auditRows) rows(ctx context.Context, id account.ID, key apikey.ID, after string, limit int) (control.AuditPage, error) {
	if key != "" {
		return h.store.AuditOfKey(ctx, id, key, after, limit)
	}
	return h.store.AuditOfAccount(ctx, id, after, limit)
}

// rowsBefore is the cursor behind which the rows before a moment are: their IDs begin with their times.
func rowsBefore(at time.Time) string {
	var first ulid.ULID
	_ = first.SetTime(ulid.Timestamp(at)) // only a time of the year 10889 doesn't fit
	return "aud_" + first.String()
}
