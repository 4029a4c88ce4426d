package account

import (
	"cmp"
	"slices"
	"time"
)

// QuotaTime holds the times at which the numbers of a quota were set. A zero time isn't known, as of a quota that a release before set: that
// number was always there.
type QuotaTime struct {
	Billing, Group string
	Since          time.Time // when there was a number in place of none; it says nothing while there is none
	Day, Month     time.Time // when the number of the day, and that of the month, was last set, changed or lifted
}

// QuotaTimes holds the times of quotas, of those too that were lifted: each billing type and group once, in their order.
type QuotaTimes []QuotaTime

// Of returns the times of a billing type and a group.
func (t QuotaTimes) Of(billing, group string) QuotaTime {
	for _, one := range t {
		if one.Billing == billing && one.Group == group {
			return one
		}
	}
	return QuotaTime{Billing: billing, Group: group}
}

// Changed returns the times after a quota has become another one of its billing type and group. The list itself stays as it is.
func (t QuotaTimes) Changed(before, after Quota, now time.Time) QuotaTimes {
	if before == after {
		return t
	}
	one := t.Of(after.Billing, after.Group)
	if before.Day != after.Day {
		one.Day = now
	}
	if before.Month != after.Month {
		one.Month = now
	}
	if before.none() {
		one.Since = now
	}
	at, found := slices.BinarySearchFunc(t, one, func(a, b QuotaTime) int {
		return cmp.Or(cmp.Compare(a.Billing, b.Billing), cmp.Compare(a.Group, b.Group))
	})
	next := slices.Clone(t)
	if found {
		next[at] = one
		return next
	}
	return slices.Insert(next, at, one)
}
