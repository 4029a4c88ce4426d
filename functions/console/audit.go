package main

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"latchkey/shared/api"
	"latchkey/shared/audit"
)

// auditPage is a page of an audit trail.
type auditPage struct {
	auditFilter
	problems            // of the filter
	Groups     []string // of actions, to choose from
	OfAccount  bool     // rows are about keys
	Rows       []auditLine
	Root       string // the page's own path
	Trail      string // where each of its rows has a page of its own
	Keys       string // where the keys of its rows are
	Page, Next string
}

// auditLine is a row of an audit trail in words.
type auditLine struct {
	api.AuditRow
	Who     string
	Changed []change
	Fields  int    // that were changed
	Whole   string // the page that has all of it; "" where this is all
}

func (d *auditPage) status() int {
	if d.Bad() {
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// MostCSV is the number of rows that a file may have.
func (d *auditPage) MostCSV() int { return mostCSV }

func (a *app) showAudit(v *visit) error {
	d := &auditPage{Groups: accountGroups, OfAccount: true, Root: v.accountURL("/account/audit"), Trail: v.accountURL("/account/audit"), Keys: v.accountURL("/keys/")}
	d.auditFilter, d.Problems = v.auditFilter()
	if err := a.readAudit(v, d, v.accountPath("/audit")); err != nil {
		return err
	}
	return v.render(d.status(), "account-audit", v.t("audit.title"), d)
}

// showOperatorsAudit shows the changes of operators, which belong to no account.
func (a *app) showOperatorsAudit(v *visit) error {
	d := &auditPage{Groups: operatorGroups, Root: "/operator/operators/audit", Trail: "/operator/operators/audit", Keys: "/operator/keys/"}
	d.auditFilter, d.Problems = v.auditFilter()
	if err := a.readAudit(v, d, "/v1/operators/audit", v.waiting()); err != nil {
		return err
	}
	return v.render(d.status(), "operators-audit", v.t("operators.audit.title"), d)
}

// readAudit reads the page of an audit trail that the query names.
func (a *app) readAudit(v *visit, d *auditPage, path string, more ...func(context.Context) error) error {
	d.Page = v.query("page")
	var found api.AuditList
	var products []api.Product
	err := v.parallel(append(more,
		func(ctx context.Context) (err error) {
			if d.Bad() {
				return nil
			}
			found, err = v.auditRows(ctx, path, d.auditFilter, d.Page, auditReads-len(more), 1)
			return err
		},
		a.readingProducts(v, &products),
	)...)
	if err != nil {
		return err
	}
	d.Rows = v.auditLines(found.Rows, facts{v, products, v.namesOfGroups(v.ctx(), found.Rows)}, d)
	d.Next = orNone(found.NextPageToken)
	return nil
}

// auditLines writes rows in words. Every page that shows rows has them from here.
func (v *visit) auditLines(rows []api.AuditRow, facts facts, d *auditPage) (lines []auditLine) {
	for _, row := range rows {
		one := auditLine{AuditRow: row, Who: row.Actor.Subject}
		if row.Actor.Email != nil {
			one.Who = *row.Actor.Email
		}
		if row.Actor.Role == "operator" && row.Actor.Email == nil && one.Who == audit.OperatorName {
			one.Who = v.t("audit.operator")
		}
		all := true
		for _, c := range row.Changes {
			said, whole := facts.change(c, d.At != "")
			if said.empty() {
				continue
			}
			if one.Fields++; d.At == "" && one.Fields > mostFields {
				all = false
				continue
			}
			one.Changed, all = append(one.Changed, said), all && whole
		}
		if !all {
			one.Whole = d.rowURL(row)
		}
		lines = append(lines, one)
	}
	return lines
}

// facts renders values of the audit trail.
type facts struct {
	v        *visit
	products []api.Product
	groups   map[string]string // names of groups of classes, by ID
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
		return f.v.lang.List(parts)
	case map[string]any:
		if app, ok := appOf(t); ok {
			return linesOf([]api.App{app})[0]
		}
		if class, ok := t["class"].(string); ok && t["qps"] != nil {
			return f.limit(class, t)
		}
		return f.parts(t)
	default:
		raw, _ := json.Marshal(t)
		return string(raw)
	}
}

// coded are the facts whose values are stable codes, with the prefix of the codes' names.
var coded = map[string]string{
	"role": "role.", "rank": "rank.", "type": "account.type.", "pending_type": "account.type.", "account_type": "account.type.", "request_status": "qps.status.",
	"rotation_reason": "reason.", "list": "list.", "source": "exposed.source.", "period": "quotas.period.",
	"delivery_error": "delivery_error.", "status": "status.",
	"frontend": "leaks.short.", "backend": "leaks.short.", "mobile": "leaks.short.", // of the fact leaks
}

// field names what a row's change is about: of the catalogue's changes the product.
func (f facts) field(name string) string {
	if id, ok := strings.CutPrefix(name, "product:"); ok {
		return productName(f.products, id)
	}
	return name
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
	case "products", "product":
		return productName(f.products, text)
	case "class", "limit_class":
		return f.v.className(f.products, text)
	case "group":
		return f.group(text)
	case "reason":
		return reasonIn(f.v.lang, text)
	}
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil && !slices.Contains(inOwnWords, field) {
		return f.v.lang.Moment(at)
	}
	return text
}

// inOwnWords are the facts that people have written. They are shown as they are, even if they look like a time.
var inOwnWords = []string{"name", "labels", "comment", "lift_reason", "place", "email", "subject"}

// limit writes the limit of a class by that name, and what else holds of it.
func (f facts) limit(class string, object map[string]any) string {
	rest := maps.Clone(object)
	delete(rest, "class")
	delete(rest, "qps")
	text := f.v.lang.Isolate(f.word("class", class)) + f.v.t("format.colon") + f.text("qps", object["qps"]) + "\u00a0" + f.v.t("fact.qps")
	if more := f.parts(rest); more != "" {
		text += " · " + more
	}
	return text
}

// parts writes an object as its members in a fixed order; those without a value are left out.
func (f facts) parts(object map[string]any) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(object)) {
		value := object[name]
		if value == nil || value == "" || value == 0.0 {
			continue
		}
		parts = append(parts, f.v.lang.Or("fact."+name, name)+f.v.t("format.colon")+f.v.lang.Isolate(f.text(name, value)))
	}
	return strings.Join(parts, " · ")
}
