package qps

import (
	"cmp"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/product"
)

// Effective returns the calls per second that a key may make in a limit class at a time: its own limit, or the
// catalogue's default where it has none.
func Effective(limits []apikey.Limit, class product.Class, catalogueDefault int, now time.Time) int {
	return cmp.Or(apikey.OwnLimit(limits, class).At(now), catalogueDefault)
}

// WithLimit returns the limits of a key with one class set to qps, until endsAt if that is set. What holds at now, if
// it has no end of its own, is what comes back then. The given slice is left as it is.
func WithLimit(limits []apikey.Limit, class product.Class, qps int, endsAt, now time.Time) []apikey.Limit {
	out := make([]apikey.Limit, 0, len(limits)+1)
	next := apikey.Limit{Class: class, QPS: qps, EndsAt: endsAt}
	for _, l := range limits {
		if l.Class != class {
			out = append(out, l)
			continue
		}
		if endsAt.IsZero() {
			continue
		}
		next.Then = l.Then // what an ended or ending limit goes back to
		if l.EndsAt.IsZero() {
			next.Then = l.QPS
		}
	}
	return append(out, next)
}
