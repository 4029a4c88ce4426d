package account

import (
	"slices"
	"strings"
)

// Limit is a limit over all keys of an account together, for one limit class of the catalogue: an operator's number, in
// place of the catalogue's default.
type Limit struct {
	Class string // as package product names it, which depends on this one
	QPS   int    // in calls a second, at least 1
}

// Limits holds an account's own limits, each class once, in the order of their classes.
type Limits []Limit

// Of is the limit of a class, 0 without one.
func (l Limits) Of(class string) int {
	for _, one := range l {
		if one.Class == class {
			return one.QPS
		}
	}
	return 0
}

// With returns the limits with one class set to qps, or without one for it where that is 0. The list itself stays as it is.
func (l Limits) With(class string, qps int) Limits {
	next := slices.DeleteFunc(slices.Clone(l), func(one Limit) bool { return one.Class == class })
	if qps != 0 {
		at, _ := slices.BinarySearchFunc(next, class, func(one Limit, class string) int { return strings.Compare(one.Class, class) })
		next = slices.Insert(next, at, Limit{Class: class, QPS: qps})
	}
	if len(next) == 0 {
		return nil
	}
	return next
}

// SetLimit sets the limit of a class over all keys of the account; 0 leaves it to the catalogue again.
func (a Account) SetLimit(class string, qps int) (Account, error) {
	if a.Closed() {
		return a, ErrClosed
	}
	a.Limits = a.Limits.With(class, qps)
	return a, nil
}
