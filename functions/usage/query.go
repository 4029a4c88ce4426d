package main

import (
	"net/http"
	"slices"
	"time"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/moment"
	"latchkey/shared/product"
	"latchkey/shared/usage"
)

// query is a checked question.
type query struct {
	from, to time.Time // whole hours or days, the last not included
	step     time.Duration
	product  product.ID // "": all
	outcome  usage.Outcome
	csv      bool
	before   bool // the period before, too
	quotas   bool // the key's daily caps and the account's quotas, too
	group    usage.Grouping
	earlier  time.Time // where the period before begins; zero: it isn't asked for, or not kept any more
}

const day = 24 * time.Hour

// Outcomes that can be asked for besides the codes.
const (
	outcomeAllowed = "allowed"
	outcomeRefused = "refused"
)

// parseQuery reads the parameters. The range is widened to whole hours or days, since nothing finer is kept.
func parseQuery(r *http.Request, now time.Time) (query, error) {
	if err := gateway.KnownQuery(r, "from", "to", "interval", "product", "outcome", "format", "with", "group_by"); err != nil {
		return query{}, err
	}
	values := r.URL.Query()
	q := query{step: time.Hour, outcome: usage.Outcome(values.Get("outcome"))}
	switch values.Get("interval") {
	case "", "hour":
	case "day":
		q.step = day
	default:
		return q, gateway.Parameter("interval", "It must be hour or day.")
	}
	switch values.Get("format") {
	case "":
		q.csv = gateway.Negotiate(r, "application/json", "text/csv") == "text/csv"
	case "json":
	case "csv":
		q.csv = true
	default:
		return q, gateway.Parameter("format", "It must be json or csv.")
	}
	if err := q.beside(values.Get("with")); err != nil {
		return q, err
	}
	if err := q.grouped(values.Get("group_by")); err != nil {
		return q, err
	}
	if q.outcome != "" && q.outcome != outcomeAllowed && q.outcome != outcomeRefused && !slices.Contains(reasons, string(q.outcome)) {
		return q, gateway.Parameter("outcome", "It must be allowed, refused, or the code of a decision.")
	}
	// A product may have left the catalogue; its calls are still kept.
	id, err := gateway.Text(r, "product", maxProduct)
	if err != nil {
		return q, err
	}
	q.product = product.ID(id)
	if q.to, err = gateway.Time(r, "to", now.UTC()); err != nil {
		return q, err
	}
	if q.from, err = gateway.Time(r, "from", q.to.Add(-day)); err != nil {
		return q, err
	}
	return q.during(now)
}

// beside reads what an answer should have beside the usage.
func (q *query) beside(list string) error {
	switch list {
	case "":
		return nil
	case "before", "quotas", "before,quotas":
		q.before, q.quotas = list != "quotas", list != "before"
	default:
		return gateway.Parameter("with", "It must be before, quotas or before,quotas.")
	}
	if q.csv {
		return gateway.Parameter("with", "A table has nothing beside the usage.")
	}
	return nil
}

// groupings by the words of the contract.
var groupings = map[string]usage.Grouping{"": 0, "key": usage.GroupKey, "product": usage.GroupProduct, "reason": usage.GroupReason, "origin": usage.GroupHost}

// grouped reads what the series should be split by.
func (q *query) grouped(by string) error {
	group, ok := groupings[by]
	switch {
	case !ok:
		return gateway.Parameter("group_by", "It must be key, product, reason or origin.")
	case q.csv && by != "":
		return gateway.Parameter("group_by", "A table has all of it in its lines.")
	}
	q.group = group
	return nil
}

// during checks the range and widens it.
func (q query) during(now time.Time) (query, error) {
	if !q.from.Before(q.to) {
		return q, gateway.Parameter("from", "It must be before the end of the range.")
	}
	longest := usage.KeepHours
	if q.step == day {
		longest = usage.KeepDays
	}
	if q.to.After(moment.Last.Add(-q.step)) { // the range is widened to whole steps, which must still be times
		return q, gateway.Parameter("to", "It is too far in the future.")
	}
	q.from = q.from.UTC().Truncate(q.step)
	if end := q.to.UTC().Truncate(q.step); end.Equal(q.to) {
		q.to = end
	} else {
		q.to = end.Add(q.step)
	}
	// What was forgotten must not look like silence.
	if q.to.Sub(q.from) > longest+q.step || q.from.Before(now.Add(-longest-q.step)) {
		return q, gateway.Parameter("from", "Hours are kept for 35 days and days for 13 months: ask for a later or shorter range.")
	}
	if earlier := q.from.Add(-q.back(now)); q.before && !earlier.Before(now.Add(-longest)) {
		q.earlier = earlier
	}
	return q, nil
}

// back returns how long before a range the period before it begins: its length, without the hour or day that isn't over, so that both begin
// at the same time of day.
func (q query) back(now time.Time) time.Duration {
	length := q.to.Sub(q.from)
	if q.to.After(now) && length > q.step {
		length -= q.step
	}
	return length
}

// summary is the query without its product, which only picks the rows. proposed is since when the key's present
// proposal is there.
func (q query) summary(proposed time.Time) usage.Query {
	return usage.Query{From: q.from, To: q.to, Step: q.step, Outcome: q.outcome, Proposed: proposed, Group: q.group}
}

func (q query) span() counters.Range {
	return counters.Range{From: q.from, To: q.to, Days: q.step == day}
}

// only keeps the rows of the product that was asked for.
func (q query) only(rows []usage.Row) []usage.Row {
	if q.product == "" {
		return rows
	}
	return slices.DeleteFunc(rows, func(r usage.Row) bool { return r.Product != q.product })
}

// comparable reports whether hours can be compared with those of the weeks before: all outcomes, and a range that
// one can still see the hours of.
func (q query) comparable() bool {
	return q.step == time.Hour && q.outcome == "" && q.to.Sub(q.from) <= 7*day+time.Hour
}

// byKeys reports whether an account is split by what only the counters of its keys know.
func (q query) byKeys() bool { return q.group == usage.GroupKey || q.group == usage.GroupHost }
