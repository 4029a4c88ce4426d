package usage

import (
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/product"
)

// Spending names the calls that count together under a quota of an account.
type Spending struct {
	Billing apikey.BillingType
	Group   product.Group
}

// Spent sums the allowed calls of rows by billing type and group. Calls whose class or billing type wasn't told apart are in none.
func Spent(rows []Row, group func(product.Class) product.Group) map[Spending]int64 {
	return spent(rows, authz.Allowed, group)
}

// ByGroup adds up what all billing types have spent, as a key's cap counts it.
func ByGroup(spent map[Spending]int64) map[product.Group]int64 {
	sums := map[product.Group]int64{}
	for k, n := range spent {
		sums[k.Group] += n
	}
	return sums
}

func spent(rows []Row, code authz.Code, group func(product.Class) product.Group) map[Spending]int64 {
	sums := map[Spending]int64{}
	for _, r := range rows {
		for d, n := range r.Counts {
			if k, ok := d.billed(); ok && k.code == code && k.class != anyOther && k.billing != anyOther {
				sums[Spending{apikey.BillingType(k.billing), group(classOf(r.Product, k.class))}] += n
			}
		}
	}
	return sums
}

// RunsOut computes when as many calls as are left will have been made, at the rate of today's calls in now's UTC day so far. It is the
// zero time if that isn't before ends, or nothing is left.
func RunsOut(left, today int64, now, ends time.Time) time.Time {
	since := now.Sub(now.UTC().Truncate(24 * time.Hour))
	if left <= 0 || today <= 0 || since <= 0 {
		return time.Time{}
	}
	if need := float64(left) / float64(today) * float64(since); need < float64(ends.Sub(now)) {
		return now.Add(time.Duration(need))
	}
	return time.Time{}
}
