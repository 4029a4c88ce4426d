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

// Grant returns the limits of a key with one class set to qps by an operator, until endsAt if that is set. What holds
// at now, if it has no end of its own, is what comes back then. The given slice is left as it is.
func Grant(limits []apikey.Limit, class product.Class, qps int, endsAt, now time.Time) []apikey.Limit {
	own := apikey.OwnLimit(limits, class)
	next := apikey.Limit{Class: class, QPS: qps, Granted: qps}
	if !endsAt.IsZero() {
		next.EndsAt, next.Lent, next.Granted = endsAt, qps, own.Granted
		next.Then = own.Then // what an ended or ending limit goes back to
		if own.EndsAt.IsZero() {
			next.Then = own.QPS
		}
	}
	return append(without(limits, class), next)
}
