package product

import (
	"maps"
	"slices"
	"strings"
)

// Outline holds the parts of a product that customers and their keys notice: its name, and the paths that it covers.
type Outline struct {
	ID       ID
	Name     string
	Prefixes []string // as they are written, sorted, without those inside another one
}

// Outlines are the outlines of all products, by ID.
func (c Catalogue) Outlines() []Outline {
	list := make([]Outline, 0, len(c.products))
	for _, p := range c.products {
		o := Outline{ID: p.ID, Name: p.Name}
		for _, cl := range p.Classes {
			o.Prefixes = append(o.Prefixes, cl.Prefixes...)
		}
		slices.Sort(o.Prefixes)
		o.Prefixes = outermost(o.Prefixes)
		list = append(list, o)
	}
	slices.SortFunc(list, func(a, b Outline) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return list
}

// outermost leaves out what another prefix covers. Paths are compared without regard to case.
func outermost(prefixes []string) []string {
	return slices.DeleteFunc(slices.Clone(prefixes), func(inner string) bool {
		return slices.ContainsFunc(prefixes, func(outer string) bool {
			return len(outer) < len(inner) && strings.HasPrefix(strings.ToLower(inner), strings.ToLower(outer))
		})
	})
}

// OutlineChange is a product before and after a change of the catalogue; nil where it wasn't, or isn't any more.
type OutlineChange struct {
	ID            ID
	Before, After *Outline
}

// Compare lists the products that aren't as they were, by ID. The order of the lists doesn't count.
func Compare(before, after []Outline) (changes []OutlineChange) {
	all := map[ID]*OutlineChange{}
	at := func(id ID) *OutlineChange {
		if all[id] == nil {
			all[id] = &OutlineChange{ID: id}
		}
		return all[id]
	}
	for _, o := range before {
		at(o.ID).Before = &o
	}
	for _, o := range after {
		at(o.ID).After = &o
	}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		c := *all[id]
		if c.Before != nil && c.After != nil && c.Before.Name == c.After.Name && slices.Equal(c.Before.Prefixes, c.After.Prefixes) {
			continue
		}
		changes = append(changes, c)
	}
	return changes
}
