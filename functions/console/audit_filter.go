package main

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
	"latchkey/shared/moment"
	shown "latchkey/shared/text"
)

// auditFilter selects rows of an audit trail, as the query has it.
type auditFilter struct {
	Action, Who, Key, From, To string
	At                         string // the moment of the one row that is asked for
}

// The groups of actions to choose from: all that the rows of a trail are about.
var (
	accountGroups  = []string{"key", "qps", "account", "member", "invitation", "operator", "person", "gate"}
	operatorGroups = []string{"operator", "person", "statement", "catalogue"}
)

// auditFilter reads the query, and says what in it can't be read.
func (v *visit) auditFilter() (auditFilter, *form) {
	f := auditFilter{
		Action: strings.TrimSpace(v.query("action")), Who: strings.TrimSpace(v.query("who")), Key: strings.TrimSpace(v.query("key")), From: v.query("from"), To: v.query("to"), At: v.query("at"),
	}
	if at, err := moment.Parse(f.At); err != nil || !moment.In(at) {
		f.At = ""
	}
	problems := newForm()
	for name, day := range map[string]*string{"from": &f.From, "to": &f.To} {
		if *day == "" {
			continue
		}
		if _, err := time.Parse(time.DateOnly, *day); err != nil {
			problems.add(name, v.t("usage.bad_day"))
			*day = ""
		}
	}
	if f.backwards() {
		problems.add("from", v.t("usage.bad_order"))
	}
	if f.Key != "" && !wholeKeyID(f.Key) {
		if secretIn(f.Key) != "" {
			f.Key = "" // no page repeats it
		}
		problems.add("key", v.t("audit.key.whole"))
	}
	return f, problems
}

// wholeKeyID reports whether a text can be a key's ID: others the API refuses.
func wholeKeyID(text string) bool {
	return strings.HasPrefix(text, "key_") && plainID(text) && len(text) == len("key_")+26
}

// Filtered reports whether it selects anything.
func (f auditFilter) Filtered() bool { return f != auditFilter{} }

// impossible reports a filter that no row fits, and that the API would refuse.
func (f auditFilter) impossible() bool {
	return f.Key != "" && !wholeKeyID(f.Key) || len(f.Action) > 64 || len(f.Who) > 255 || f.endsTooEarly() || f.backwards()
}

// query is the filter as the API takes it. The last day is included.
func (f auditFilter) query() url.Values {
	q := queryOf(map[string]string{"action": f.Action, "actor": f.Who, "key_id": f.Key})
	// A day beyond the times that the API takes bounds nothing: no row is from before, and none from after.
	if day, err := time.Parse(time.DateOnly, f.From); err == nil && moment.In(day) {
		q.Set("from", moment.Format(day))
	}
	if end, ok := f.end(); ok && moment.In(end) {
		q.Set("to", moment.Format(end))
	}
	if at, err := moment.Parse(f.At); err == nil {
		q.Set("from", moment.Format(at))
		q.Set("to", moment.Format(at.Add(time.Millisecond)))
	}
	return q
}

// end is the moment before which the rows are.
func (f auditFilter) end() (time.Time, bool) {
	day, err := time.Parse(time.DateOnly, f.To)
	return day.AddDate(0, 0, 1), err == nil
}

// backwards reports a last day before the first.
func (f auditFilter) backwards() bool {
	first, err := time.Parse(time.DateOnly, f.From)
	end, ok := f.end()
	return err == nil && ok && !first.Before(end)
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
	return withQuery(d.Root+kind, queryOf(map[string]string{"action": d.Action, "who": d.Who, "key": d.Key, "from": d.From, "to": d.To, "at": d.At, "page": token}))
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
	query.Set("page_size", strconv.Itoa(rowsOfTrail))
	if wanted > rowsOfTrail {
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

func (a *app) downloadAudit(v *visit) error {
	return a.auditFile(v, v.accountPath("/audit"), v.accountURL("/account/audit"))
}

func (a *app) downloadOperatorsAudit(v *visit) error {
	return a.auditFile(v, "/v1/operators/audit", "/operator/operators/audit")
}

// auditFile sends the rows that the filter takes as a file, the newest first. Its values are the API's own, so that programs can read it: it has
// nothing but rows. Where there are more than it may have, its name says so, as the page says before.
func (a *app) auditFile(v *visit, path, page string) error {
	f, problems := v.auditFilter()
	if problems.Bad() {
		asked := v.r.URL.RawQuery
		if query := v.r.URL.Query(); secretIn(query.Get("key")) != "" {
			query.Del("key")
			asked = query.Encode()
		}
		return v.redirect(page + "?" + asked)
	}
	found, err := v.auditRows(v.ctx(), path, f, "", csvReads, mostCSV)
	if err != nil {
		return err
	}
	name := "audit-" + a.now().UTC().Format(dayFormat)
	if found.NextPageToken != nil {
		name += "-newest-" + strconv.Itoa(len(found.Rows))
	}
	v.file(aTable, called(name+".csv"))
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
	_ = out.End() // who reads it has gone
	return nil
}

func orNone(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
