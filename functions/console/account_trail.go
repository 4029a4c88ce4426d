package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// trailPage is a page of the account's audit trail.
type trailPage struct {
	Rows       []trailRow
	Page, Next string
}

type trailRow struct {
	api.AuditRow
	Who     string
	Changed []change
}

func (a *app) showTrail(v *visit) error {
	d := &trailPage{Page: v.query("page")}
	query := url.Values{"page_size": {"30"}}
	if d.Page != "" {
		query.Set("page_token", d.Page)
	}
	found, err := management.Get[api.AuditList](v.ctx(), v.api, v.accountPath("/audit"), query)
	if err != nil {
		return err
	}
	for _, row := range found.Rows {
		one := trailRow{AuditRow: row, Who: row.Actor.Subject}
		if row.Actor.Email != nil {
			one.Who = *row.Actor.Email
		}
		for _, c := range row.Changes {
			one.Changed = append(one.Changed, change{c.Field, v.fact(c.Field, c.Before), v.fact(c.Field, c.After)})
		}
		d.Rows = append(d.Rows, one)
	}
	if found.NextPageToken != nil {
		d.Next = *found.NextPageToken
	}
	return v.render(http.StatusOK, "trail", v.t("trail.title"), d)
}

// fact is a value of the audit trail in words: moments as dates, stable codes by their names, lists with commas, and
// everything else as it was written. What customers typed stays as it is.
func (v *visit) fact(field string, value any) string {
	switch t := value.(type) {
	case nil:
		return ""
	case bool:
		if t {
			return v.t("trail.yes")
		}
		return v.t("trail.no")
	case float64:
		return v.lang.Number(t)
	case string:
		return v.factText(field, t)
	case []any:
		parts := make([]string, len(t))
		for i, item := range t {
			parts[i] = v.fact("", item)
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		return v.factParts(t)
	default:
		raw, _ := json.Marshal(t)
		return string(raw)
	}
}

// coded are the facts whose values are stable codes, with the prefix of the codes' names.
var coded = map[string]string{
	"role": "role.", "type": "account.type.", "pending_type": "account.type.", "account_type": "account.type.", "request_status": "qps.status.",
}

func (v *visit) factText(field, text string) string {
	if prefix, ok := coded[field]; ok && v.lang.Has(prefix+text) {
		return v.t(prefix + text)
	}
	if strings.HasSuffix(field, "_at") || field == "at" {
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return v.lang.Moment(at)
		}
	}
	return text
}

// factParts writes an object as its members in a fixed order; those without a value are left out.
func (v *visit) factParts(object map[string]any) string {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	sort.Strings(names)
	var parts []string
	for _, name := range names {
		value := object[name]
		if value == nil || value == "" || value == 0.0 {
			continue
		}
		label := name
		if v.lang.Has("fact." + name) {
			label = v.t("fact." + name)
		}
		parts = append(parts, fmt.Sprintf("%s: %s", label, v.fact(name, value)))
	}
	return strings.Join(parts, " · ")
}
