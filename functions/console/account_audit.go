package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strings"
	"time"

	"latchkey/shared/api"
	"latchkey/shared/audit"
)

// auditPage is a page of the account's audit trail.
type auditPage struct {
	Rows       []auditLine
	Page, Next string
}

type auditLine struct {
	api.AuditRow
	Who     string
	Changed []change
}

func (a *app) showAudit(v *visit) error {
	d := &auditPage{Page: v.query("page")}
	query := url.Values{"page_size": {"30"}}
	if d.Page != "" {
		query.Set("page_token", d.Page)
	}
	var found api.AuditList
	var products []api.Product
	err := v.parallel(
		reading(&found, v.api, v.accountPath("/audit"), query),
		func(ctx context.Context) (err error) { products, err = a.productList(ctx, v.api); return err },
	)
	if err != nil {
		return err
	}
	facts := facts{v, products}
	for _, row := range found.Rows {
		one := auditLine{AuditRow: row, Who: row.Actor.Subject}
		if row.Actor.Email != nil {
			one.Who = *row.Actor.Email
		}
		if row.Actor.Role == "operator" && row.Actor.Email == nil && one.Who == audit.OperatorName {
			one.Who = v.t("audit.operator")
		}
		for _, c := range row.Changes {
			one.Changed = append(one.Changed, change{c.Field, facts.text(c.Field, c.Before), facts.text(c.Field, c.After)})
		}
		d.Rows = append(d.Rows, one)
	}
	if found.NextPageToken != nil {
		d.Next = *found.NextPageToken
	}
	return v.render(http.StatusOK, "account-audit", v.t("audit.title"), d)
}

// facts renders values of the audit trail.
type facts struct {
	v        *visit
	products []api.Product
}

// text renders a value of the audit trail: times as dates, stable codes by their names, lists with commas, and
// everything else as it was written. What customers typed stays as it is.
func (f facts) text(field string, value any) string {
	switch t := value.(type) {
	case nil:
		return ""
	case bool:
		if t {
			return f.v.t("audit.yes")
		}
		return f.v.t("audit.no")
	case float64:
		return f.v.lang.Number(t)
	case string:
		return f.word(field, t)
	case []any:
		parts := make([]string, len(t))
		for i, item := range t {
			parts[i] = f.text(field, item)
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		return f.parts(t)
	default:
		raw, _ := json.Marshal(t)
		return string(raw)
	}
}

// coded are the facts whose values are stable codes, with the prefix of the codes' names.
var coded = map[string]string{
	"role": "role.", "type": "account.type.", "pending_type": "account.type.", "account_type": "account.type.", "request_status": "qps.status.",
}

func (f facts) word(field, text string) string {
	prefix, ok := coded[field]
	if slices.ContainsFunc(choices, func(c choice) bool { return c.Name == field }) {
		prefix, ok = field+".", true
	}
	if ok && f.v.lang.Has(prefix+text) {
		return f.v.t(prefix + text)
	}
	switch field {
	case "products":
		return productName(f.products, text)
	case "class", "limit_class":
		return className(f.products, text)
	}
	if strings.HasSuffix(field, "_at") || field == "at" {
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return f.v.lang.Moment(at)
		}
	}
	return text
}

// parts writes an object as its members in a fixed order; those without a value are left out.
func (f facts) parts(object map[string]any) string {
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
		if f.v.lang.Has("fact." + name) {
			label = f.v.t("fact." + name)
		}
		parts = append(parts, fmt.Sprintf("%s: %s", label, f.text(name, value)))
	}
	return strings.Join(parts, " · ")
}
