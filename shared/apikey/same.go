package apikey

import (
	"cmp"
	"reflect"
	"slices"
	"time"
)

// Same reports whether two versions of a key say the same, whatever their Version and UpdatedAt: a change between them
// needs no write. Products, labels, limits and the lists of who may call are sets, so their order doesn't count.
//
// It compares by reflection, so that no field can be forgotten; the authorizer doesn't call it.
func (k Key) Same(other Key) bool {
	return reflect.DeepEqual(k.level(), other.level())
}

// level takes away what may differ between two keys that say the same.
func (k Key) level() Key {
	k.Version, k.UpdatedAt = 0, time.Time{}
	k.Products, k.Domains, k.Labels = Set(k.Products), Set(k.Domains), Set(k.Labels)
	k.Networks, k.Apps = Set(k.Networks), Set(k.Apps)
	k.Limits = slices.SortedFunc(slices.Values(k.Limits), func(a, b Limit) int { return cmp.Compare(a.Class, b.Class) })
	if k.Proposed != nil {
		proposed := *k.Proposed
		proposed.Domains, proposed.Products = setOf(proposed.Domains), setOf(proposed.Products)
		proposed.Networks, proposed.Apps = setOf(proposed.Networks), setOf(proposed.Apps)
		k.Proposed = &proposed
	}
	return k
}

// Set returns a list in the order in which keys store their sets: sorted, each entry once. The list stays as it is.
func Set[T cmp.Ordered](list []T) []T {
	return slices.Compact(slices.Sorted(slices.Values(list)))
}

func setOf[T cmp.Ordered](list *[]T) *[]T {
	if list == nil {
		return nil
	}
	set := Set(*list)
	return &set
}
