package qps

import (
	"cmp"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/product"
)

// Lowered returns the limits of a key after its owner has set one class to wanted, which Lower has let pass. A limit
// that ends keeps its end if what comes back then is lower still: lowering must never make a loan permanent. Where
// more would come back, wanted stays.
func Lowered(limits []apikey.Limit, class product.Class, wanted, catalogueDefault int, now time.Time) []apikey.Limit {
	after := WithLimit(limits, class, wanted, time.Time{}, now)
	for _, l := range limits {
		if l.Class != class || l.EndsAt.IsZero() || l.Ended(now) {
			continue
		}
		if back := cmp.Or(l.At(l.EndsAt), catalogueDefault); back < wanted {
			last := &after[len(after)-1] // WithLimit puts the new one there
			last.EndsAt, last.Then = l.EndsAt, l.Then
		}
	}
	return after
}
