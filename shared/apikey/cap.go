package apikey

import (
	"cmp"
	"slices"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/product"
)

// Cap is a bound that its owner sets on a key: the calls that it may make of a group of classes in a UTC day.
type Cap struct {
	Group product.Group
	Day   int64 // 1 to MaxCap
	// Since holds the time at which the group got a cap in place of none. Zero: by a release that didn't keep it.
	Since time.Time
}

// MaxCap is the largest number of a cap, in calls: that of an account's quotas.
const MaxCap = account.MaxQuota

// Caps holds a key's caps, each group once, in their order.
type Caps []Cap

// Of is the number of calls in a day that a group may have; 0 for no cap.
func (c Caps) Of(group product.Group) int64 {
	for i := range c {
		if c[i].Group == group {
			return c[i].Day
		}
	}
	return 0
}

// With returns the caps with the one of a group set, or without one for it where its number is 0. One that the group has already keeps its
// Since. The list itself stays as it is.
func (c Caps) With(one Cap) Caps {
	for _, other := range c {
		if other.Group == one.Group {
			one.Since = other.Since
		}
	}
	next := slices.DeleteFunc(slices.Clone(c), func(other Cap) bool { return other.Group == one.Group })
	if one.Day != 0 {
		at, _ := slices.BinarySearchFunc(next, one, func(a, b Cap) int { return cmp.Compare(a.Group, b.Group) })
		next = slices.Insert(next, at, one)
	}
	if len(next) == 0 {
		return nil
	}
	return next
}

// Numbers returns the caps without their times, as the gate needs them.
func (c Caps) Numbers() Caps {
	c = slices.Clone(c)
	for i := range c {
		c[i].Since = time.Time{}
	}
	return c
}
