package main

import (
	"fmt"
	"slices"

	"latchkey/shared/api"
)

// What the bars of the charts can be split by, by the words of the API.
const (
	byKeys    = "key"
	byProduct = "product"
	byReason  = "reason"
	byOrigin  = "origin"
)

// Groupings are those that say something about the question: a key isn't split by key, nor a product by product.
func (q usageAsk) Groupings() []string {
	list := []string{byKeys, byProduct, byReason, byOrigin}
	return slices.DeleteFunc(list, func(by string) bool { return by == byKeys && q.Key != "" || by == byProduct && q.Product != "" })
}

// groupClass is the class of a group: its colour and its pattern.
func groupClass(i int) string { return fmt.Sprint("g", i) }

// others is the number of the colour of all groups that have no name.
const others = 8

// groupNames name the groups of an answer.
func (v *visit) groupNames(by string, u api.Usage, products []api.Product) (list []legend) {
	named := 0
	for i, g := range deref(u.Groups) {
		one := legend{Class: groupClass(i), Sign: i, Text: g.Name, Own: true}
		switch {
		case g.Others:
			one.Class, one.Sign, one.Text = groupClass(others), others, v.othersOf(by, u, named)
		case g.Key != nil:
			one.Text = g.Key.Name
		case by == byProduct:
			one.Text = v.productShown(products, g.Name)
		case by == byReason:
			one.Text = v.reasonShown(g.Name)
		case by == byOrigin:
			one.Text, _ = v.originShown(g.Name)
		}
		named++
		list = append(list, one)
	}
	return list
}

// othersOf names what has no group of its own, by how many there are of it.
func (v *visit) othersOf(by string, u api.Usage, named int) string {
	switch by {
	case byKeys:
		return v.otherKeys(max(len(deref(u.ByKey))-named, 0))
	case byProduct:
		return v.t("usage.rest.products", "n", max(len(deref(u.ByProduct))-named, 1))
	case byReason:
		return v.t("usage.rest.reasons", "n", max(len(u.Totals.ByReason)-named, 1))
	default:
		return v.t("usage.origin.others")
	}
}

// otherKeys names keys that have no row of their own; none are those that are purged.
func (v *visit) otherKeys(n int) string {
	if n == 0 {
		return v.t("usage.rest.gone")
	}
	return v.t("usage.rest.keys", "n", n)
}
