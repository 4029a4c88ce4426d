package product

import (
	"fmt"
	"maps"
	"slices"

	"latchkey/shared/account"
)

// Group names classes whose calls count together under a quota: "tiles".
type Group string

// Other is the group of every class that no group names.
const Other Group = "other"

// ClassGroup is a group of the catalogue.
type ClassGroup struct {
	ID      Group
	Name    string
	Classes []Class
}

// Quota is the number of calls that an account may make of a group in a UTC day and in a UTC month, with all its keys of a
// billing type together. 0 is no quota.
type Quota struct {
	Day   int64
	Month int64
}

// Quotas are the groups and the quotas of a catalogue. The zero value has none.
type Quotas struct {
	Groups []ClassGroup
	// ByBilling has the quotas by billing type, as package apikey names them, and group.
	ByBilling map[string]map[Group]Quota
}

// grouped holds the quotas as a decision needs them.
type grouped struct {
	Quotas
	of map[Class]Group
}

// WithQuotas returns the catalogue with groups and quotas: each group with a name and an ID of its own, each class in one of them at
// most, each quota of a group that there is, and of a positive number for a day, a month or both, the day's not the larger one.
func (c Catalogue) WithQuotas(q Quotas) (Catalogue, error) {
	if err := c.check(q); err != nil {
		return Catalogue{}, fmt.Errorf("product: catalogue: %w", err)
	}
	return c.withChecked(q), nil
}

func (c Catalogue) withChecked(q Quotas) Catalogue {
	g := &grouped{q, map[Class]Group{}}
	for _, group := range q.Groups {
		for _, class := range group.Classes {
			g.of[class] = group.ID
		}
	}
	c.grouped = g
	return c
}

func (c Catalogue) check(q Quotas) error {
	known, of := map[Group]bool{Other: true}, map[Class]bool{}
	for _, group := range q.Groups {
		if known[group.ID] || !plain(string(group.ID)) || group.Name == "" || len(group.Classes) == 0 {
			return fmt.Errorf("group %q needs an ID of its own (a-z, 0-9, _), a name and classes", group.ID)
		}
		known[group.ID] = true
		for _, class := range group.Classes {
			if _, _, ok := c.Class(class); !ok || of[class] {
				return fmt.Errorf("group %s: class %q isn't there, or is in two groups", group.ID, class)
			}
			of[class] = true
		}
	}
	for _, billing := range slices.Sorted(maps.Keys(q.ByBilling)) {
		for group, quota := range q.ByBilling[billing] {
			switch {
			case !known[group]:
				return fmt.Errorf("quota of %s: no group %q", billing, group)
			case quota.Day < 0 || quota.Month < 0 || quota == Quota{}:
				return fmt.Errorf("quota of %s: %s has no positive number", billing, group)
			case quota.Month > 0 && quota.Day > quota.Month:
				return fmt.Errorf("quota of %s: %s has more for a day than for a month", billing, group)
			}
		}
	}
	return nil
}

// plain reports whether a text is a word that needs escaping nowhere.
func plain(text string) bool {
	for i := range len(text) {
		if b := text[i]; b != '_' && (b < 'a' || b > 'z') && (b < '0' || b > '9') {
			return false
		}
	}
	return text != "" && len(text) <= 40
}

// Groups lists the groups that the catalogue names, in its order, without Other. The caller doesn't change it.
func (c Catalogue) Groups() []ClassGroup {
	if c.grouped == nil {
		return nil
	}
	return c.grouped.Groups
}

// HasGroup reports whether the catalogue has a group, of which Other always is one.
func (c Catalogue) HasGroup(id Group) bool {
	return id == Other || slices.ContainsFunc(c.Groups(), func(g ClassGroup) bool { return g.ID == id })
}

// Group is the group of a class.
func (c Catalogue) Group(class Class) Group {
	if c.grouped != nil {
		if group, ok := c.grouped.of[class]; ok {
			return group
		}
	}
	return Other
}

// QuotaOf is the quota that holds for an account's keys of a billing type and a group: for each period the account's own number, or
// else the catalogue's.
func (c Catalogue) QuotaOf(own account.Quotas, billing string, group Group) Quota {
	quota, its := c.Quota(billing, group), own.Of(billing, string(group))
	if its.Day != 0 {
		quota.Day = its.Day
	}
	if its.Month != 0 {
		quota.Month = its.Month
	}
	return quota
}

// Quota is the quota of an account's keys of a billing type for a group; the zero Quota if there is none.
func (c Catalogue) Quota(billing string, group Group) Quota {
	if c.grouped == nil {
		return Quota{}
	}
	return c.grouped.ByBilling[billing][group]
}

// Standard lists the catalogue's quotas, as an account's own are listed.
func (c Catalogue) Standard() (list account.Quotas) {
	if c.grouped == nil {
		return nil
	}
	for billing, quotas := range c.grouped.ByBilling {
		for group, q := range quotas {
			list = list.With(account.Quota{Billing: billing, Group: string(group), Day: q.Day, Month: q.Month})
		}
	}
	return list
}

// SetsQuotasOf reports whether the catalogue has a quota of a billing type, in any group.
func (c Catalogue) SetsQuotasOf(billing string) bool {
	return c.grouped != nil && len(c.grouped.ByBilling[billing]) > 0
}

// SetsQuotas reports whether the catalogue has a quota of any billing type.
func (c Catalogue) SetsQuotas() bool { return c.grouped != nil && len(c.grouped.ByBilling) > 0 }
