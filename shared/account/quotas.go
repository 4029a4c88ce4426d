package account

import (
	"cmp"
	"slices"
	"time"
)

// Quota is an operator's quota for an account, in place of the catalogue's: the calls that its keys of one billing type may make
// together of a group of classes in a UTC day and in a UTC month. A number of 0 leaves that period to the catalogue.
type Quota struct {
	Billing    string // as package apikey names billing types, which depends on this one
	Group      string // as package product names groups of classes
	Day, Month int64
}

// MaxQuota is the largest number of an operator's quota, in calls. It is more than anybody makes, and so lifts a quota of the
// catalogue.
const MaxQuota = 1_000_000_000_000

// Quotas holds an account's own quotas, each billing type and group once, in their order.
type Quotas []Quota

// Of is the quota of a billing type and a group, without numbers if the account has none of its own.
func (q Quotas) Of(billing, group string) Quota {
	for _, one := range q {
		if one.Billing == billing && one.Group == group {
			return one
		}
	}
	return Quota{Billing: billing, Group: group}
}

// With returns the quotas with the one of a billing type and group set, or without one for them where it has no numbers. The list
// itself stays as it is.
func (q Quotas) With(one Quota) Quotas {
	next := slices.DeleteFunc(slices.Clone(q), func(other Quota) bool { return compare(other, one) == 0 })
	if !one.none() {
		at, _ := slices.BinarySearchFunc(next, one, compare)
		next = slices.Insert(next, at, one)
	}
	if len(next) == 0 {
		return nil
	}
	return next
}

// none reports whether a quota has no number.
func (q Quota) none() bool { return q.Day == 0 && q.Month == 0 }

func compare(a, b Quota) int {
	return cmp.Or(cmp.Compare(a.Billing, b.Billing), cmp.Compare(a.Group, b.Group))
}

// SetQuota sets the quota of a billing type and a group; one without numbers leaves both periods to the catalogue again.
func (a Account) SetQuota(one Quota, now time.Time) (Account, error) {
	if a.Closed() {
		return a, ErrClosed
	}
	a.QuotaTimes = a.QuotaTimes.Changed(a.Quotas.Of(one.Billing, one.Group), one, now)
	a.Quotas = a.Quotas.With(one)
	return a, nil
}
