package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/product"
)

// checkQuotas refuses what the gate would never find: quotas of a billing type that no key has.
func checkQuotas(products []product.Product, q product.Quotas) error {
	catalogue, err := product.New(products)
	if err != nil {
		return err
	}
	for billing := range q.ByBilling {
		known := false
		for _, t := range []account.Type{account.Enterprise, account.SelfServe} {
			known = known || slices.Contains(apikey.BillingTypes(t), apikey.BillingType(billing))
		}
		if !known {
			return fmt.Errorf("quotas: there is no billing type %q", billing)
		}
	}
	_, err = catalogue.WithQuotas(q)
	return err
}

func writeQuotas(b *bytes.Buffer, q product.Quotas) {
	b.WriteString("var generatedQuotas = Quotas{\n")
	if len(q.Groups) > 0 {
		b.WriteString("Groups: []ClassGroup{\n")
		for _, g := range q.Groups {
			fmt.Fprintf(b, "{ID: %q, Name: %q, Classes: []Class{", g.ID, g.Name)
			for i, class := range g.Classes {
				if i > 0 {
					b.WriteString(", ")
				}
				fmt.Fprintf(b, "%q", class)
			}
			b.WriteString("}},\n")
		}
		b.WriteString("},\n")
	}
	if len(q.ByBilling) > 0 {
		b.WriteString("ByBilling: map[string]map[Group]Quota{\n")
		for _, billing := range slices.Sorted(maps.Keys(q.ByBilling)) {
			fmt.Fprintf(b, "%q: {\n", billing)
			for _, group := range slices.Sorted(maps.Keys(q.ByBilling[billing])) {
				quota := q.ByBilling[billing][group]
				fmt.Fprintf(b, "%q: {Day: %d, Month: %d},\n", group, quota.Day, quota.Month)
			}
			b.WriteString("},\n")
		}
		b.WriteString("},\n")
	}
	b.WriteString("}\n\n")
}
