package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

func (a *app) usageRoutes() {
	a.account("GET /accounts/{account}/usage", a.showUsage)
	a.account("GET /accounts/{account}/usage.csv", a.exportUsage)
}

const (
	oneDay    = 24 * time.Hour
	dayFormat = "2006-01-02"
	keepHours = 35 * oneDay  // what the API keeps by the hour
	keepDays  = 395 * oneDay // and by the day: 13 months
)

// spans are the ready-made ranges, and how each is told apart: by hour or by day.
var spans = []span{
	{"24h", oneDay, "hour"}, {"7d", 7 * oneDay, "hour"}, {"30d", 30 * oneDay, "day"}, {"13mo", keepDays, "day"},
}

type span struct {
	Name   string
	length time.Duration
	by     string
}

// usageAsk is the usage query in the URL; it is kept nowhere else.
type usageAsk struct {
	Account, Key, Product string
	Range                 string // one of spans; "" if days are given
	From, To              string // days, the last one included
	By                    string // hour or day, "" for what fits the range
	Coarse                bool   // hours were asked for, and are no longer kept for such a range

	interval    string
	start, stop time.Time
}

func (v *visit) usageAsk(now time.Time) (usageAsk, *form) {
	q := usageAsk{
		Account: v.accountID, Key: v.query("key"), Product: v.query("product"), Range: v.query("range"), From: v.query("from"), To: v.query("to"), By: v.query("by"),
	}
	if q.By != "hour" && q.By != "day" {
		q.By = ""
	}
	problems := newForm()
	q.stop = now.UTC().Truncate(time.Second)
	if q.From == "" && q.To == "" {
		q.preset()
	} else {
		q.Range = ""
		q.days(v, problems)
	}
	if q.By != "" {
		q.interval = q.By
	}
	if q.Coarse = q.interval == "hour" && q.stop.Sub(q.start) > keepHours; q.Coarse {
		q.interval = "day"
	}
	return q, problems
}

func (q *usageAsk) preset() {
	i := max(0, slices.IndexFunc(spans, func(s span) bool { return s.Name == q.Range }))
	q.Range, q.interval, q.start = spans[i].Name, spans[i].by, q.stop.Add(-spans[i].length)
}

// days reads whole days in UTC. What can't be read falls back to the last 24 hours, and says so.
func (q *usageAsk) days(v *visit, problems *form) {
	first, last := q.stop.Add(-oneDay).Truncate(oneDay), q.stop
	var err error
	if q.From != "" {
		if first, err = time.Parse(dayFormat, q.From); err != nil {
			problems.add("from", v.t("usage.bad_day"))
		}
	}
	if q.To != "" {
		if last, err = time.Parse(dayFormat, q.To); err != nil {
			problems.add("to", v.t("usage.bad_day"))
		}
		last = last.Add(oneDay)
		if q.From == "" {
			first = last.Add(-oneDay)
		}
	}
	if !problems.Bad() && !first.Before(last) {
		problems.add("from", v.t("usage.bad_order"))
	}
	if problems.Bad() {
		first, last = q.stop.Add(-oneDay), q.stop
	}
	q.start, q.stop, q.interval = first, last, "day"
	if last.Sub(first) <= 7*oneDay {
		q.interval = "hour"
	}
}

// path returns the API's path for the query.
func (q usageAsk) path(v *visit) string {
	if q.Key != "" {
		return v.accountPath("/keys/", url.PathEscape(q.Key), "/usage")
	}
	return v.accountPath("/usage")
}

func (q usageAsk) values() url.Values {
	out := url.Values{
		"from": {q.start.Format(time.RFC3339)}, "to": {q.stop.Format(time.RFC3339)}, "interval": {q.interval},
	}
	if q.Product != "" {
		out.Set("product", q.Product)
	}
	return out
}

// SpanURL is the same question over a ready-made range.
func (q usageAsk) SpanURL(name string) string {
	q.Range, q.From, q.To, q.By = name, "", "", ""
	return q.link("/usage")
}

// CSVURL is the same question as a table to download.
func (q usageAsk) CSVURL() string { return q.link("/usage.csv") }

// KeyURL is the same question about one key.
func (q usageAsk) KeyURL(id string) string {
	q.Key = id
	return q.link("/usage")
}

func (q usageAsk) link(page string) string {
	values := url.Values{}
	for name, value := range map[string]string{
		"key": q.Key, "product": q.Product, "range": q.Range, "from": q.From, "to": q.To, "by": q.By,
	} {
		if value != "" {
			values.Set(name, value)
		}
	}
	return "/accounts/" + q.Account + page + "?" + values.Encode()
}

func (a *app) showUsage(v *visit) error {
	q, problems := v.usageAsk(a.now())
	if !plainID(q.Key) {
		return errNotFound
	}
	var keys []api.Key
	var products []api.Product
	var found api.Usage
	err := v.parallel(
		func(ctx context.Context) (err error) { keys, err = v.allKeys(ctx); return err },
		func(ctx context.Context) (err error) { products, err = a.productList(ctx, v.api); return err },
		func(ctx context.Context) (err error) {
			found, err = management.Get[api.Usage](ctx, v.api, q.path(v), q.values())
			return problems.refuseQuery(v, err)
		},
	)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if problems.Bad() {
		status = http.StatusBadRequest
	}
	return v.render(status, "usage", v.t("usage.title"), v.usagePage(q, problems, found, keys, products))
}

// refuseQuery keeps what the API says about a parameter for the page; every other error is the caller's.
func (f *form) refuseQuery(v *visit, err error) error {
	var p *management.Problem
	if errors.As(err, &p) && p.Status == http.StatusBadRequest {
		f.Problem, f.Request = v.problemText(p), p.RequestId
		return nil
	}
	return err
}

// exportUsage hands the API's table on. Its cells hold nothing that a customer wrote.
func (a *app) exportUsage(v *visit) error {
	q, problems := v.usageAsk(a.now())
	if !plainID(q.Key) {
		return errNotFound
	}
	if problems.Bad() {
		return v.redirect(q.link("/usage"))
	}
	answer, err := v.api.Do(v.ctx(), management.Call{Method: http.MethodGet, Path: q.path(v), Query: q.values(), Accept: "text/csv"}, nil)
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="usage-`+q.start.Format(dayFormat)+`.csv"`)
	v.w.WriteHeader(http.StatusOK)
	_, _ = v.w.Write(answer.Raw)
	return nil
}

// mostKeys bounds how many keys a list to choose from holds.
const mostKeys = 500

// allKeys reads the account's keys, the newest first.
func (v *visit) allKeys(ctx context.Context) (all []api.Key, err error) {
	query := url.Values{"page_size": {"100"}}
	for len(all) < mostKeys {
		page, err := management.Get[api.KeyList](ctx, v.api, v.accountPath("/keys"), query)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Keys...)
		if page.NextPageToken == nil {
			break
		}
		query.Set("page_token", *page.NextPageToken)
	}
	return all, nil
}
