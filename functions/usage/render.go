package main

import (
	"bytes"
	"encoding/csv"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/api"
	"latchkey/shared/authz"
	"latchkey/shared/product"
	"latchkey/shared/usage"
)

// answer is the result of a usage query.
type answer struct {
	query   query
	summary usage.Summary
	rows    []usage.Row
	freshAt time.Time
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
	if a.query.csv {
		return renderCSV(w, r, a)
	}
	s := a.summary
	doc := api.Usage{
		From: a.query.from, To: a.query.to, Interval: "hour", Totals: counts(s.Totals), FreshAt: web.TimePtr(a.freshAt),
		Series: make([]api.UsagePoint, len(s.Points)), ByProduct: shares(s.ByProduct), ByKey: shares(s.ByKey),
		ByOrigin: shares(s.ByHost), BySecret: shares(s.BySecret), Unreadable: gateway.LeftOut(r.Context()),
	}
	if a.query.step == day {
		doc.Interval = "day"
	}
	for i, p := range s.Points {
		doc.Series[i] = point(p)
	}
	if s.Busiest != nil {
		doc.BusiestMinute = &api.BusiestMinute{Start: s.Busiest.Start, Requests: s.Busiest.Requests}
	}
	if s.Evaluated > 0 {
		doc.Proposed = &api.ProposedCounts{Evaluated: s.Evaluated, WouldRefuse: s.Refusing}
	}
	return gateway.JSON(w, http.StatusOK, doc)
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
		Start: p.Start, Requests: p.Requests, Allowed: p.Allowed, Refused: p.Refused, QpsBreaches: p.Breaches,
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

// renderCSV writes a row for each hour or day and product that had calls. Nothing in it comes from a customer, so no
// cell can be a formula.
func renderCSV(w http.ResponseWriter, r *http.Request, a answer) error {
	rows := slices.Clone(a.rows)
	slices.SortFunc(rows, func(x, y usage.Row) int {
		if c := x.Start.Compare(y.Start); c != 0 {
			return c
		}
		return bytes.Compare([]byte(x.Product), []byte(y.Product))
	})
	var text bytes.Buffer
	out := csv.NewWriter(&text)
	_ = out.Write(append([]string{"start", "product", "requests", "allowed", "refused", "qps_breaches"}, reasons...))
	for _, r := range rows {
		one := usage.Summarise(usage.Query{From: r.Start, To: r.Start.Add(a.query.step), Step: a.query.step, Outcome: a.query.outcome},
			[]usage.Row{r}).Totals
		if one.Requests > 0 {
			_ = out.Write(cells(r.Start, r.Product, one))
		}
	}
	out.Flush()
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="usage.csv"`)
	w.Header().Set("Cache-Control", "private, no-cache")
	if !a.freshAt.IsZero() {
		w.Header().Set("X-Fresh-At", a.freshAt.Format(time.RFC3339))
	}
	if n := gateway.LeftOut(r.Context()); n != nil {
		w.Header().Set("X-Unreadable", strconv.Itoa(*n))
	}
	_, _ = w.Write(text.Bytes())
	return nil
}

func cells(start time.Time, p product.ID, t usage.Totals) []string {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	out := []string{
		start.Format(time.RFC3339), string(p), number(t.Requests), number(t.Allowed), number(t.Refused), number(t.Breaches),
	}
	for _, code := range reasons {
		out = append(out, number(t.ByReason[authz.Code(code)]))
	}
	return out
}
