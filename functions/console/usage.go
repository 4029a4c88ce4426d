package main

import (
	"cmp"
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
	a.account("POST /accounts/{account}/usage", func(v *visit) error {
		return v.chooseKey(v.accountURL("/usage"), anyKey, "product", "range", "from", "to", "by", "group", "compare")
	})
	a.account("POST /accounts/{account}/usage/keys", func(v *visit) error { return a.suggestKeys(v, anyKey) })
}

const (
	oneDay    = 24 * time.Hour
	oneWeek   = 7 * oneDay
	dayFormat = "2006-01-02"
	keepHours = 35 * oneDay  // what the API keeps by the hour
	keepDays  = 395 * oneDay // and by the day: 13 months
)

// The lengths of the bars. The API counts hours and days; weeks are added up here.
const (
	hourly = "hour"
	daily  = "day"
	weekly = "week"
)

// spans are the ready-made ranges, and how each is told apart.
var spans = []span{
	{"24h", oneDay, hourly}, {"7d", oneWeek, hourly}, {"30d", 30 * oneDay, daily}, {"90d", 90 * oneDay, daily}, {"13mo", keepDays, weekly},
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
	By                    string // hour, day or week, "" for what fits the range
	Compare               bool   // with the period before
	Group                 string // what the calls are split by, of groupings; "": by nothing
	Coarse                bool   // hours were asked for, and are no longer kept for such a range

	interval    string
	start, stop time.Time
}

func (v *visit) usageAsk(now time.Time) (usageAsk, *form) {
	q := usageAsk{
		Account: v.accountID, Key: v.query("key"), Product: v.query("product"), Range: v.query("range"), From: v.query("from"), To: v.query("to"), By: v.query("by"),
		Compare: v.query("compare") != "", Group: v.query("group"),
	}
	if !slices.Contains([]string{hourly, daily, weekly}, q.By) {
		q.By = ""
	}
	if !slices.Contains(q.Groupings(), q.Group) {
		q.Group = ""
	}
	problems := newForm()
	now = now.UTC().Truncate(time.Second)
	q.stop = now
	if q.From == "" && q.To == "" {
		q.preset()
	} else {
		q.Range = ""
		q.days(v, problems)
	}
	if q.By != "" {
		q.interval = q.By
	}
	if q.Coarse = q.interval == hourly && q.start.Before(now.Add(-keepHours)); q.Coarse {
		q.interval = daily
	}
	return q, problems
}

func (q *usageAsk) preset() {
	i := max(0, slices.IndexFunc(spans, func(s span) bool { return s.Name == q.Range }))
	q.Range, q.interval, q.start = spans[i].Name, spans[i].by, q.stop.Add(-spans[i].length)
}

// days reads whole days in UTC, up to now. What can't be read, or isn't kept any more, is a problem of its field.
func (q *usageAsk) days(v *visit, problems *form) {
	now := q.stop
	first, last := now.Add(-oneDay).Truncate(oneDay), now
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
	oldest := now.Add(-keepDays).Truncate(oneDay)
	switch {
	case problems.Bad():
	case !first.Before(last):
		problems.add("from", v.t("usage.bad_order"))
	case first.Before(oldest):
		problems.add("from", v.t("usage.too_old", "day", v.lang.Date(oldest)))
	case !first.Before(now):
		problems.add("from", v.t("usage.too_new"))
	}
	q.start, q.stop, q.interval = first, last, weekly
	if q.stop.After(now) {
		q.stop = now
	}
	switch length := last.Sub(first); {
	case length <= oneWeek:
		q.interval = hourly
	case length <= 92*oneDay: // three months
		q.interval = daily
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
	interval := q.interval
	if interval == weekly {
		interval = daily
	}
	out := url.Values{
		"from": {q.start.Format(time.RFC3339)}, "to": {q.stop.Format(time.RFC3339)}, "interval": {interval},
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
func (q usageAsk) CSVURL() string {
	q.Compare, q.Group = false, ""
	return q.link("/usage.csv")
}

// CompareURL is the same question with the period before, or without it.
func (q usageAsk) CompareURL() string {
	q.Compare = !q.Compare
	return q.link("/usage")
}

// KeyURL is the same question about one key, or about all of them.
func (q usageAsk) KeyURL(id string) string {
	q.Key = id
	return q.link("/usage")
}

// GroupURL is the same question, split by something else.
func (q usageAsk) GroupURL(by string) string {
	q.Group = by
	return q.link("/usage")
}

// ProductURL is the same question about one product.
func (q usageAsk) ProductURL(id string) string {
	q.Product = id
	return q.link("/usage")
}

// DaysURL is the same question about some days, the last one included.
func (q usageAsk) DaysURL(from, to, by string) string {
	q.Range, q.From, q.To, q.By = "", from, to, by
	return q.link("/usage")
}

func (q usageAsk) link(page string) string {
	values := queryOf(map[string]string{
		"key": q.Key, "product": q.Product, "range": q.Range, "from": q.From, "to": q.To, "by": q.By, "group": q.Group,
	})
	if q.Compare {
		values.Set("compare", "1")
	}
	return "/accounts/" + q.Account + page + "?" + values.Encode()
}

func (a *app) showUsage(v *visit) error {
	q, problems := v.usageAsk(a.now())
	if !plainID(q.Key) {
		return errNotFound
	}
	var matches []api.Key
	var more bool
	if v.r.URL.Query().Has("find") {
		var err error
		if q.Key, matches, more, err = v.findKey(problems, anyKey); err != nil {
			return err
		}
		if len(matches) == 0 && !problems.Bad() {
			return v.redirect(q.link("/usage"))
		}
	}
	var products []api.Product
	var found api.Usage
	var key *api.Key
	asks := !problems.Bad() && len(matches) == 0
	err := v.parallel(
		func(ctx context.Context) error {
			if q.Key == "" || !asks {
				return nil
			}
			if k, err := management.Get[api.Key](ctx, v.api, v.accountPath("/keys/", url.PathEscape(q.Key)), nil); err == nil {
				key = &k // without it, the page says what is refused and repairs nothing
			}
			return nil
		},
		a.readingProducts(v, &products),
		func(ctx context.Context) (err error) {
			if !asks {
				return nil
			}
			query := q.values()
			if q.Compare {
				query.Set("with", "before")
			}
			if q.Group != "" {
				query.Set("group_by", q.Group)
			}
			found, err = management.Get[api.Usage](ctx, v.api, q.path(v), query)
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
	p := v.usagePage(q, problems, found, products)
	fixes, err := v.remedies(key, found, products, allRepairs)
	if err != nil {
		return err
	}
	p.Matches, p.MoreMatch, p.Reasons = matches, more, withRepairs(p.Reasons, fixes)
	return v.render(status, "usage", v.t("usage.title"), p)
}

// refuseQuery takes a refused parameter for a problem of the range, which alone a page can get wrong; every other error is
// the caller's.
func (f *form) refuseQuery(v *visit, err error) error {
	var p *management.Problem
	if errors.As(err, &p) && p.Status == http.StatusBadRequest {
		f.Problem = v.t("usage.bad_range")
		return nil
	}
	return err
}

// exportUsage hands the API's table on.
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
	return v.handOn(answer.Header, answer.Raw)
}

// toldOfFiles are the headers in which the API says of a file what it lacks, what it is and what its hash is.
var toldOfFiles = []string{"Content-Disposition", "X-Fresh-At", "X-Not-Split", "X-Unreadable", "X-Statement-Status", "X-Statement-Left-Out", "X-Statement-Sha256"}

// handOn answers with a file of the API, and with all that the API says of it.
func (v *visit) handOn(said http.Header, file []byte) error {
	for _, name := range toldOfFiles {
		if value := said.Get(name); value != "" {
			v.w.Header().Set(name, value)
		}
	}
	v.file(aTable, cmp.Or(said.Get("Content-Disposition"), "attachment"))
	_, _ = v.w.Write(file)
	return nil
}
