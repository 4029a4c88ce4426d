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
// was granted stays known, so the way back is open, to a loan too while it lasts. A loan never becomes permanent: at its end
// comes back what held without it, or what is wanted now if that is lower.
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
	if lent {
		next.EndsAt, next.Then, next.Lent = own.EndsAt, then(own, next.Granted, wanted, catalogueDefault), max(own.Lent, own.QPS)
	}
	out := without(limits, class)
	if next.EndsAt.IsZero() && wanted == catalogueDefault && next.Granted <= catalogueDefault {
		return out // the catalogue's default again, whatever that will be
	}
	return append(out, next)
}

// then is the limit that comes back when a loan ends, after wanted was set during it; 0 is the catalogue's default.
func then(own apikey.Limit, granted, wanted, catalogueDefault int) int {
	before := max(own.Then, 0)
	if before == 0 {
		before = catalogueDefault
	}
	if before == own.QPS { // lowered during the loan, which was no choice for the time behind it
		before = max(granted, catalogueDefault)
	}
	if before = min(before, wanted); before == catalogueDefault && granted <= catalogueDefault {
		return 0 // with a grant the limit stays, for the grant is kept in it
	}
	return before
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
