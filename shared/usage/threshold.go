package usage

import (
	"cmp"
	"slices"
	"time"

	"latchkey/shared/authz"
	"latchkey/shared/product"
)

// Threshold says that the counted calls of a period have reached a part of their quota.
type Threshold struct {
	Spending
	Period  string // a UTC month such as "2026-11", or a UTC day such as "2026-11-29"
	Begin   time.Time
	OfMonth bool
	Percent int   // 50 and 80 of the quota's calls are allowed ones; Exhausted: a call was refused, perhaps for it
	Used    int64 // the allowed calls of the period
	Quota   int64
}

// Exhausted is the percentage of a quota of which nothing is left for a call.
const Exhausted = 100

// nearly is the percentage below which no refusal is taken for the quota's.
const nearly = 80

var percentages = []int{50, nearly, Exhausted}

// Reached lists the thresholds that are reached in a month and in some of its days, from the account's rows of the month's days. Further calls
// leave those of 50 and 80 % reached, so of several that count, each may ask after it has written, and again.
//
// A refused call doesn't say for which period it was refused, whether for its key's own cap, or by a number that has been changed since. So a quota
// may be exhausted where one was refused and 80 % are used; whether it is, the quotas table says.
//
// quotaOf tells the numbers that were set before a time: of a period that had ended by then nothing is told.
func Reached(rows []Row, month time.Time, days []time.Time, group func(product.Class) product.Group, quotaOf func(k Spending, before time.Time) product.Quota) []Threshold {
	byDay := map[int64]map[Spending]use{}
	for _, r := range rows {
		at := r.Start.Unix()
		if byDay[at] == nil {
			byDay[at] = map[Spending]use{}
		}
		addUse(byDay[at], r, group)
	}
	whole := map[Spending]use{}
	for _, r := range rows {
		addUse(whole, r, group)
	}
	var list []Threshold
	for k, all := range whole {
		for at, uses := range byDay {
			if start := time.Unix(at, 0).UTC(); slices.ContainsFunc(days, start.Equal) {
				of := Threshold{Spending: k, Period: start.Format(time.DateOnly), Begin: start, Quota: quotaOf(k, start.AddDate(0, 0, 1)).Day}
				list = append(list, uses[k].reached(of)...)
			}
		}
		of := Threshold{Spending: k, Period: month.Format("2006-01"), Begin: month, OfMonth: true, Quota: quotaOf(k, month.AddDate(0, 1, 0)).Month}
		list = append(list, all.reached(of)...)
	}
	slices.SortFunc(list, func(a, b Threshold) int {
		return cmp.Or(cmp.Compare(a.Billing, b.Billing), cmp.Compare(a.Group, b.Group), cmp.Compare(a.Period, b.Period), cmp.Compare(a.Percent, b.Percent))
	})
	return list
}

// use holds the calls that were counted under a quota in a period.
type use struct{ allowed, exceeded int64 }

func addUse(sums map[Spending]use, r Row, group func(product.Class) product.Group) {
	for k, n := range spent([]Row{r}, authz.Allowed, group) {
		sums[k] = use{sums[k].allowed + n, sums[k].exceeded}
	}
	for k, n := range spent([]Row{r}, authz.QuotaExceeded, group) {
		sums[k] = use{sums[k].allowed, sums[k].exceeded + n}
	}
}

func (u use) reached(of Threshold) (list []Threshold) {
	of.Used = u.allowed
	for _, p := range percentages {
		if of.Quota > 0 && percent(u.allowed, of.Quota) >= float64(min(p, nearly)) && (p < Exhausted || u.exceeded > 0) {
			of.Percent = p
			list = append(list, of)
		}
	}
	return list
}

func percent(used, quota int64) float64 { return 100 * float64(used) / float64(quota) }
