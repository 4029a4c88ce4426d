package usage

import (
	"strings"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/product"
)

// Cell names calls of one limit class, billing type and outcome. Both are empty for calls whose billing type isn't known; the class is
// "*" for those of classes that are not told apart.
type Cell struct {
	Class   product.Class
	Billing apikey.BillingType
	Code    authz.Code
}

// Cells splits all calls of a row by class, billing type and outcome: each call is in one cell.
func (r Row) Cells() map[Cell]int64 {
	out := map[Cell]int64{}
	typed := map[authz.Code]int64{}
	for d, n := range r.Counts {
		if k, ok := d.billed(); ok && k.billing != anyOther {
			out[Cell{classOf(r.Product, k.class), k.billingType(), k.code}] += n
			typed[k.code] += n
		}
	}
	for code, n := range r.outcomes() {
		if rest := n - typed[code]; rest > 0 {
			out[Cell{Code: code}] += rest
		}
	}
	return out
}

// outcomes are the calls by outcome, of the present and of the previous secret together.
func (r Row) outcomes() map[authz.Code]int64 {
	out := map[authz.Code]int64{}
	for d, n := range r.Counts {
		if kind, rest := d.parts(); kind == outcomes {
			_, code, _ := strings.Cut(rest, ":")
			out[authz.Code(code)] += n
		}
	}
	return out
}

// classOf is the whole name of a class within a product.
func classOf(p product.ID, within string) product.Class {
	switch within {
	case "":
		return product.Class(p)
	case anyOther:
		return anyOther
	default:
		return product.Class(string(p) + "." + within)
	}
}

// Holds reports whether c, what an environment has contributed, has all that a report of that environment says: nothing of it is
// still to be counted. Counts of proposals are left out, since those of old ones are forgotten.
func (c Counts) Holds(reported Counts) bool {
	return c.Growth(reported.only(outcomes, minutes, hosts, billedCalls)) == nil
}
