package main

import (
	"context"
	"net/url"
	"slices"
	"time"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// A form that is sent twice, as by a double click, finds the second time that all is done. The browser shows that answer alone, so it has the
// Undo of the first one where the audit trail says that this very person has just done the act, and that nobody has changed the key since.

// sentTwice is the time between two requests of one form, that which the first one takes included.
const sentTwice = 10 * time.Second

// recent reports whether a key's last change may be by the same form.
func (a *app) recent(k api.Key) bool { return a.now().Sub(k.UpdatedAt.Time) <= sentTwice }

// own are those of the keys whose last change is this act by this person, moments ago. Without the audit trail it is none.
func (v *visit) own(ctx context.Context, what act, value string, ids []string) (own []string) {
	if len(ids) == 0 {
		return nil
	}
	me, err := v.person()
	if err != nil {
		return nil
	}
	query := url.Values{"from": {moment.Format(v.app.now().Add(-sentTwice))}, "page_size": {"100"}}
	trail, err := management.Get[api.AuditList](ctx, v.api, v.accountPath("/audit"), query)
	if err != nil {
		return nil
	}
	seen := map[string]bool{}
	for _, row := range trail.Rows { // the newest first
		id := orNone(row.KeyId)
		if id == "" || seen[id] {
			continue
		}
		seen[id] = true
		if row.Actor.Subject == me.Subject && row.Actor.Role != "operator" && slices.Contains(ids, id) && what.did(row, value) {
			own = append(own, id)
		}
	}
	return own
}

// ownOf reports whether the change after which a key needs no other is this person's own, by the same form.
func (v *visit) ownOf(what act, value string, k api.Key) bool {
	return v.app.recent(k) && len(v.own(v.ctx(), what, value, []string{k.Id})) > 0
}

// did reports whether a row of the audit trail is of this act, and of nothing else.
func (w act) did(row api.AuditRow, value string) bool {
	if w.field == "" {
		return row.Action == "key."+w.name
	}
	if row.Action != "key.edit" || len(row.Changes) != 1 || row.Changes[0].Field != w.field {
		return false
	}
	more, less := listOf(row.Changes[0].After), listOf(row.Changes[0].Before)
	if w.gone {
		more, less = less, more
	}
	added := without(more, less)
	return len(added) == 1 && len(without(less, more)) == 0 && sameLabel(added[0], value)
}

// listOf reads a fact that is a list of texts.
func listOf(fact any) (list []string) {
	all, _ := fact.([]any)
	for _, one := range all {
		text, _ := one.(string)
		list = append(list, text)
	}
	return list
}

// settleTwice has each result of an act say of a key that the same form has changed just before that it did it. A form that has changed another key
// now is no such form: what its person did before it isn't undone with it.
func (v *visit) settleTwice(ctx context.Context, o *outcome, ids []string, results []swept) {
	var some []string
	for i, r := range results {
		if !r.same && !r.left && r.why == "" && r.err == nil {
			return
		}
		if r.recent {
			some = append(some, ids[i])
		}
	}
	own := v.own(ctx, acts[o.Act], o.Value, some)
	for i, id := range ids {
		if results[i].recent && slices.Contains(own, id) {
			results[i].same = false
		}
	}
}
