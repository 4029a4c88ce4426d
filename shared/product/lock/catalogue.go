package lock

import "latchkey/shared/product"

// CoveragesOf are those of a catalogue with its groups of quotas.
func CoveragesOf(products []product.Product, groups ...product.ClassGroup) Coverages {
	all := Coverages{}
	for _, p := range products {
		all[string(p.ID)] = []string{}
		for _, c := range p.Classes {
			all.Add(string(p.ID), c.Prefixes, c.EncodedSlash)
		}
	}
	for _, g := range groups {
		all.AddGroup(string(g.ID))
	}
	return all
}

// OfCatalogue is the history as [product.WithHistory] takes it.
func (h History) OfCatalogue() product.History {
	out := product.History{Version: h.Version, Changed: ids(h.Changed), Narrowed: ids(h.Narrowed)}
	for _, c := range h.Covered {
		list := &out.Covered
		if c.EncodedSlash {
			list = &out.EncodedSlash
		}
		*list = append(*list, product.Covered{
			Product: product.ID(c.Product), Prefix: c.Prefix, Coverage: product.Coverage{Since: c.Since, Standing: c.Standing},
		})
	}
	return out
}

func ids(texts []string) (list []product.ID) {
	for _, text := range texts {
		list = append(list, product.ID(text))
	}
	return list
}
