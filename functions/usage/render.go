package main

import (
	"math"
	"net/http"
	"time"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/moment"
	"latchkey/shared/text"
	"latchkey/shared/usage"
)

// answer is the result of a usage query.
type answer struct {
	query   query
	account account.ID
	key     *apikey.Key              // the one that was asked about; nil for a whole account
	keys    map[apikey.ID]apikey.Key // whose rows were read one by one
	summary usage.Summary
	rows    []usage.Row
	lines   []line // of a table, by key; nil: as the rows are
	merged  bool   // the lines of a table aren't split by key, which would be too much
	freshAt time.Time
	before  *usage.Summary     // of the period before; nil: not asked for, or not kept
	caps    *[]api.KeyQuotaUse // nil: not asked for
	shared  *[]api.Quota       // the account's, nil as caps
}

// reasons are the codes for which a call of a known key can be refused, in the order of the checks: the columns of
// an export.
var reasons = func() (list []string) {
	for _, c := range authz.Codes {
		if c.OfKey() {
			list = append(list, string(c.Code))
		}
	}
	return list
}()

func render(w http.ResponseWriter, r *http.Request, a answer) error {
	w.Header().Set("Vary", "Accept")
	if a.query.csv {
		return renderCSV(w, r, a)
	}
	s := a.summary
	doc := api.Usage{
		From: moment.Of(a.query.from), To: moment.Of(a.query.to), Interval: "hour", Totals: counts(s.Totals), FreshAt: web.TimePtr(a.freshAt),
		Series: points(s.Points), ByProduct: shares(s.ByProduct), ByKey: shares(s.ByKey),
		ByOrigin: shares(s.ByHost), BySecret: shares(s.BySecret), ByBillingType: shares(s.ByBilling), Unreadable: gateway.LeftOut(r.Context()),
	}
	doc.Groups = groups(a)
	if a.key != nil {
		doc.Key = keyOf(*a.key)
	}
	for i, one := range list(doc.ByKey) {
		if k, ok := a.keys[apikey.ID(one.Name)]; ok {
			(*doc.ByKey)[i].Key = keyOf(k)
		}
	}
	if a.query.step == day {
		doc.Interval = "day"
	}
	if s.Busiest != nil {
		doc.BusiestMinute = &api.BusiestMinute{Start: moment.Of(s.Busiest.Start), Requests: s.Busiest.Requests}
	}
	if s.Evaluated > 0 {
		doc.Proposed = &api.ProposedCounts{Evaluated: s.Evaluated, WouldRefuse: s.Refusing}
	}
	doc.Quotas, doc.AccountQuotas = a.caps, a.shared
	if a.before != nil {
		doc.Before = &api.UsageBefore{Totals: counts(a.before.Totals), Series: points(a.before.Points)}
		from := a.query.earlier
		doc.Before.From, doc.Before.To = moment.Of(from), moment.Of(from.Add(a.query.to.Sub(a.query.from)))
	}
	return gateway.JSON(w, http.StatusOK, doc)
}

// groups is nil where none were asked for, or can be told.
func groups(a answer) *[]api.UsageGroup {
	if a.summary.Groups == nil {
		return nil
	}
	out := make([]api.UsageGroup, len(a.summary.Groups))
	for i, g := range a.summary.Groups {
		out[i] = api.UsageGroup{Name: g.Name, Others: g.Rest, Requests: g.Calls, Series: g.Series}
		if k, ok := a.keys[apikey.ID(g.Name)]; ok && a.query.group == usage.GroupKey {
			out[i].Key = keyOf(k)
		}
	}
	return &out
}

func points(list []usage.Point) []api.UsagePoint {
	out := make([]api.UsagePoint, len(list))
	for i, p := range list {
		out[i] = point(p)
	}
	return out
}

func counts(t usage.Totals) api.UsageCounts {
	return api.UsageCounts{
		Requests: t.Requests, Allowed: t.Allowed, Refused: t.Refused, QpsBreaches: t.Breaches, ByReason: byReason(t),
	}
}

func byReason(t usage.Totals) map[string]int64 {
	out := make(map[string]int64, len(t.ByReason))
	for code, n := range t.ByReason {
		out[string(code)] = n
	}
	return out
}

func point(p usage.Point) api.UsagePoint {
	doc := api.UsagePoint{
		Start: moment.Of(p.Start), Requests: p.Requests, Allowed: p.Allowed, Refused: p.Refused, QpsBreaches: p.Breaches,
		ByReason: byReason(p.Totals),
	}
	if !math.IsNaN(p.Expected) {
		expected := float32(p.Expected)
		doc.Expected, doc.StandsOut = &expected, &p.StandsOut
	}
	return doc
}

// shares is nil where there are none to tell.
func shares(list []usage.Share) *[]api.UsageShare {
	if list == nil {
		return nil
	}
	out := make([]api.UsageShare, len(list))
	for i, s := range list {
		out[i] = api.UsageShare{
			Name: s.Name, Requests: s.Requests, Allowed: s.Allowed, Refused: s.Refused, QpsBreaches: s.Breaches,
			ByReason: byReason(s.Totals),
		}
	}
	return &out
}

func list[T any](of *[]T) []T {
	if of == nil {
		return nil
	}
	return *of
}

func keyOf(k apikey.Key) *api.UsageKey {
	return &api.UsageKey{Id: string(k.ID), Name: text.Shown(k.Name), Preview: k.Current.Preview, BillingType: api.BillingType(k.BillingType)}
}
