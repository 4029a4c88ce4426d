package qps

import (
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/product"
)

// Free returns the calls a second up to which a customer may set the limit of a class without asking.
func Free(limits []apikey.Limit, class product.Class, catalogueDefault int, now time.Time) int {
	return apikey.OwnLimit(limits, class).Free(catalogueDefault, now)
}

// Set returns the limits of a key after its customer has set one class to wanted, which CheckFree has let pass. What
// was granted stays known, so the way back is open. A limit that ends keeps its end if what comes back then is lower
// than wanted: a loan never becomes permanent. Where as much or more would come back, wanted stays.
func Set(limits []apikey.Limit, class product.Class, wanted, catalogueDefault int, now time.Time) []apikey.Limit {
	own := apikey.OwnLimit(limits, class)
	lent := !own.EndsAt.IsZero() && !own.Ended(now)
	back := own.Then // for good: what holds without the loan
	if own.EndsAt.IsZero() {
		back = own.QPS
	}
	next := apikey.Limit{Class: class, QPS: wanted, Granted: own.Granted}
	if back > catalogueDefault { // granted before grants were noted
		next.Granted = max(own.Granted, back)
	}
	if lent && max(back, 0) < wanted && (back > 0 || catalogueDefault < wanted) {
		next.EndsAt, next.Then, next.Lent = own.EndsAt, own.Then, max(own.Lent, own.QPS)
	}
	out := without(limits, class)
	if next.EndsAt.IsZero() && wanted == catalogueDefault && next.Granted <= catalogueDefault {
		return out // the catalogue's default again, whatever that will be
	}
	return append(out, next)
}

// CheckFree checks a limit that a customer sets without asking: 1 or more, and no more than is free.
func CheckFree(current, free, wanted int) error {
	switch {
	case wanted < 1:
		return ErrBelowOne
	case wanted == current:
		return ErrSameAsCurrent
	case wanted > free:
		return ErrNotFree
	default:
		return nil
	}
}

func without(limits []apikey.Limit, class product.Class) []apikey.Limit {
	out := make([]apikey.Limit, 0, len(limits)+1)
	for _, l := range limits {
		if l.Class != class {
			out = append(out, l)
		}
	}
	return out
}
