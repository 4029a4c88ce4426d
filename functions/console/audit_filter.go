package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
	"latchkey/shared/moment"
	shown "latchkey/shared/text"
)

// auditFilter selects rows of an audit trail, as the query has it.
type auditFilter struct{ Action, Who, Key, From, To string }

// The groups of actions to choose from: all that the rows of a trail are about.
var (
	accountGroups  = []string{"key", "qps", "account", "member", "invitation", "operator", "person", "gate"}
	operatorGroups = []string{"operator", "person"}
)

func (v *visit) auditFilter() auditFilter {
	f := auditFilter{
		Action: strings.TrimSpace(v.query("action")), Who: strings.TrimSpace(v.query("who")), Key: strings.TrimSpace(v.query("key")), From: v.query("from"), To: v.query("to"),
	}
	for _, day := range []*string{&f.From, &f.To} {
		if _, err := time.Parse(time.DateOnly, *day); err != nil {
			*day = "" // no browser sends such a one
		}
	}
	return f
}

// Filtered reports whether it selects anything.
func (f auditFilter) Filtered() bool { return f != auditFilter{} }

// impossible reports a filter that no row fits, and that the API would refuse.
func (f auditFilter) impossible() bool {
	return f.Key != "" && !(strings.HasPrefix(f.Key, "key_") && plainID(f.Key) && len(f.Key) == len("key_")+26) || len(f.Action) > 64 || len(f.Who) > 255 || f.endsTooEarly()
}

// query is the filter as the API takes it. The last day is included.
func (f auditFilter) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"action": f.Action, "actor": f.Who, "key_id": f.Key} {
		if value != "" {
			q.Set(name, value)
		}
	}
	// A day beyond the times that the API takes bounds nothing: no row is from before, and none from after.
	if day, err := time.Parse(time.DateOnly, f.From); err == nil && moment.In(day) {
		q.Set("from", moment.Format(day))
	}
	if end, ok := f.end(); ok && moment.In(end) {
		q.Set("to", moment.Format(end))
	}
	return q
}

// end is the moment before which the rows are.
func (f auditFilter) end() (time.Time, bool) {
	day, err := time.Parse(time.DateOnly, f.To)
	return day.AddDate(0, 0, 1), err == nil
}

// endsTooEarly reports a last day before all times: no row fits it.
func (f auditFilter) endsTooEarly() bool {
	end, ok := f.end()
	return ok && end.Before(moment.First)
}

// PageURL is the same list from a page token on; "" is the first page.
func (d *auditPage) PageURL(token string) string { return d.link("", token) }

// CSVURL is the same list as a file.
func (d *auditPage) CSVURL() string { return d.link(".csv", "") }

func (d *auditPage) link(kind, token string) string {
	q := url.Values{}
	for name, value := range map[string]string{"action": d.Action, "who": d.Who, "key": d.Key, "from": d.From, "to": d.To, "page": token} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if len(q) == 0 {
		return d.Root + kind
	}
	return d.Root + kind + "?" + q.Encode()
}

const (
	auditReads = 2  // of one page: the API looks at 1,000 rows and may find none that a filter takes
	csvReads   = 20 // of one file
)

// auditRows reads rows until it has the wanted number, there are no more, or it has asked so many times.
func (v *visit) auditRows(ctx context.Context, path string, f auditFilter, token string, reads, wanted int) (all api.AuditList, err error) {
	if f.impossible() {
		return all, nil
	}
	query := f.query()
	query.Set("page_size", "25")
	if wanted > 30 {
		query.Set("page_size", "100")
	}
	for range reads {
		if token != "" {
			query.Set("page_token", token)
		}
		page, err := management.Get[api.AuditList](ctx, v.api, path, query)
		if err != nil {
			return all, err
		}
		all.Rows, all.NextPageToken = append(all.Rows, page.Rows...), page.NextPageToken
		if page.NextPageToken == nil || len(all.Rows) >= wanted {
			return all, nil
		}
		token = *page.NextPageToken
	}
	return all, nil
}

// mostCSV bounds the rows of a file, with csvReads: the filter's days make smaller ones.
const mostCSV = csvReads * 100

func (a *app) downloadAudit(v *visit) error { return a.auditFile(v, v.accountPath("/audit")) }

func (a *app) downloadOperatorsAudit(v *visit) error { return a.auditFile(v, "/v1/operators/audit") }

// auditFile sends the rows that the filter takes as a file, the newest first. Its values are the API's own, so that programs can read it.
func (a *app) auditFile(v *visit, path string) error {
	found, err := v.auditRows(v.ctx(), path, v.auditFilter(), "", csvReads, mostCSV)
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="audit-`+a.now().UTC().Format(dayFormat)+`.csv"`)
	v.w.WriteHeader(http.StatusOK)
	out := shown.NewTable(v.w)
	out.Line("at", "action", "key_id", "actor", "role", "request_id", "source_ip", "changes", "key_name")
	for _, row := range found.Rows {
		who := row.Actor.Subject
		if row.Actor.Email != nil {
			who = *row.Actor.Email
		}
		changes, err := json.Marshal(row.Changes)
		if err != nil {
			return err
		}
		out.Line(moment.Format(row.At.Time), row.Action, orNone(row.KeyId), who, row.Actor.Role, row.RequestId, orNone(row.SourceIp), string(changes), orNone(row.KeyName))
	}
	if found.NextPageToken != nil {
		out.Line("", "", "", "", "", "", "", "More rows follow: ask for fewer days.", "")
	}
	_ = out.End() // who reads it has gone
	return nil
}

func orNone(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
