package main

import (
	"cmp"
	"html/template"
	"slices"
	"strings"

	"latchkey/functions/console/internal/chart"
	"latchkey/shared/api"
)

// mostShown bounds the rows of a split that are told apart; the others are one row.
const mostShown = 8

// group is a split of the usage: by key, product or origin.
type group struct {
	Title, Label, Hint string
	Rows               []share
}

// share is one row of a split.
type share struct {
	Name, URL, Sub string
	Code           bool // an ID or a host, not a word
	Rest           bool // all others together
	api.UsageShare
	Line         template.HTML
	Part         string // of all requests, in percent
	RefusedShare string // of its own requests, in percent
	Reason       string // the most frequent refusal, where it is told
}

func (v *visit) share(s api.UsageShare, name string, whole int64) share {
	row := share{Name: name, UsageShare: s, Line: chart.Line("allowed", s.Requests, whole), Part: v.percent(s.Requests, whole)}
	if s.Refused > 0 {
		row.RefusedShare = v.percent(s.Refused, s.Requests)
	}
	return row
}

// top keeps the first rows and puts all that is left of the whole into one; rest names it by how many rows it stands for.
func (v *visit) top(rows []share, whole api.UsageCounts, rest func(n int) string) []share {
	shown := rows[:min(len(rows), mostShown)]
	left := api.UsageShare{Requests: whole.Requests, Allowed: whole.Allowed, Refused: whole.Refused, QpsBreaches: whole.QpsBreaches}
	for _, s := range shown {
		left.Requests, left.Allowed, left.Refused, left.QpsBreaches = left.Requests-s.Requests, left.Allowed-s.Allowed, left.Refused-s.Refused, left.QpsBreaches-s.QpsBreaches
	}
	if left.Requests <= 0 {
		return shown
	}
	row := v.share(left, rest(len(rows)-len(shown)), whole.Requests)
	row.Rest = true
	return append(slices.Clone(shown), row)
}

// groups splits the usage. Where one key or product was asked for, there is nothing to split by it.
func (p *usagePage) groups(v *visit, products []api.Product) {
	whole := p.Usage.Totals
	if list := deref(p.Usage.ByKey); len(list) > 0 && p.Key == "" && p.Shows(byKeys) {
		p.Groups = append(p.Groups, p.byKey(v, list))
	}
	if list := deref(p.Usage.ByOrigin); len(list) > 0 && p.Shows(byOrigin) {
		p.Groups = append(p.Groups, p.byOrigin(v, list))
	}
	if list := deref(p.Usage.ByProduct); len(list) > 0 && p.Product == "" && p.Shows(byProduct) {
		g := group{Title: v.t("usage.by_product"), Label: v.t("usage.product")}
		for _, s := range list {
			row := v.share(s, v.productShown(products, s.Name), whole.Requests)
			if slices.ContainsFunc(p.Products, func(one api.Product) bool { return one.Id == s.Name }) {
				row.URL = here(p.ProductURL(s.Name))
			}
			g.Rows = append(g.Rows, row)
		}
		g.Rows = v.top(g.Rows, whole, func(n int) string { return v.t("usage.rest.products", "n", n) })
		p.Groups = append(p.Groups, g)
	}
	if list := deref(p.Usage.ByBillingType); len(list) > 1 && p.Charts.Group == "" { // where all calls have one type, each row of another split has it
		p.Groups = append(p.Groups, p.byBillingType(v, list))
	}
	p.Undivided = whole.Requests > 0 && p.Key == "" && p.Usage.ByKey == nil
}

func (p *usagePage) byKey(v *visit, list []api.UsageShare) group {
	g := group{Title: v.t("usage.by_key"), Label: v.t("usage.key"), Hint: v.t("usage.by_key.hint", "n", len(list))}
	for _, s := range list {
		row := v.share(s, s.Name, p.Usage.Totals.Requests)
		row.URL, row.Code = here(p.KeyURL(s.Name)), true
		if s.Key != nil {
			row.Name, row.Sub, row.Code = s.Key.Name, s.Key.Preview, false
		}
		g.Rows = append(g.Rows, row)
	}
	g.Rows = v.top(g.Rows, p.Usage.Totals, v.otherKeys)
	return g
}

// byBillingType has the types that keys had when they were called; calls of which none is known come last.
func (p *usagePage) byBillingType(v *visit, list []api.UsageShare) group {
	g := group{Title: v.t("usage.by_billing_type"), Label: v.t("fact.billing_type"), Hint: v.t("usage.by_billing_type.hint")}
	for _, s := range list {
		if s.Name == "" {
			continue
		}
		g.Rows = append(g.Rows, v.share(s, v.lang.Or("billing_type."+s.Name, s.Name), p.Usage.Totals.Requests))
	}
	g.Rows = v.top(g.Rows, p.Usage.Totals, func(int) string { return v.t("usage.billing_type.unknown") })
	return g
}

// byOrigin has the hosts that are told apart; what the counters have under no name of its own is among the others.
func (p *usagePage) byOrigin(v *visit, list []api.UsageShare) group {
	g := group{Title: v.t("usage.by_origin"), Label: v.t("usage.origin"), Hint: v.t("usage.by_origin.hint")}
	for _, s := range list {
		if s.Name == "*" {
			continue
		}
		name, host := v.originShown(s.Name)
		row := v.share(s, name, p.Usage.Totals.Requests)
		row.Code = host
		if reasons := v.refusals(s.ByReason); len(reasons) > 0 {
			row.Reason = v.t("usage.main_reason", "reason", reasons[0].Text)
		}
		g.Rows = append(g.Rows, row)
	}
	g.Rows = v.top(g.Rows, p.Usage.Totals, func(int) string { return v.t("usage.origin.others") })
	return g
}

// productShown is the name of a product, or of none: refused paths belong to none.
func (v *visit) productShown(products []api.Product, id string) string {
	if id == "" {
		return v.t("usage.product.none")
	}
	return productName(products, id)
}

// originShown is the name of an origin, and whether it is a host.
func (v *visit) originShown(name string) (shown string, host bool) {
	switch name {
	case "-":
		return v.t("usage.origin.none"), false
	case "*refused":
		return v.t("usage.origin.refused"), false
	default:
		return name, true
	}
}

// reasonShown is the text of a reason, or its code where there is none.
func (v *visit) reasonShown(code string) string { return v.lang.Or("code."+code, code) }

// refusal is a reason, how often it was given, and what to do about it.
type refusal struct {
	Code, Text, Help string
	N                int64
	Part             string // of all refusals, in percent
	Line             template.HTML
	Repairs          []repair
}

// refusals lists reasons with how often they were given, the most frequent first. Any page can show it by the template
// "refusals".
func (v *visit) refusals(by map[string]int64) (list []refusal) {
	most, all := int64(0), int64(0)
	for code, n := range by {
		if code != "allowed" && n > 0 {
			most, all = max(most, n), all+n
		}
	}
	for code, n := range by {
		if code == "allowed" || n <= 0 {
			continue
		}
		one := refusal{Code: code, Text: v.reasonShown(code), N: n, Line: chart.Line("refused", n, most), Part: v.percent(n, all)}
		one.Help = v.lang.Or("usage.help."+code, "")
		list = append(list, one)
	}
	slices.SortFunc(list, func(x, y refusal) int {
		return cmp.Or(cmp.Compare(y.N, x.N), strings.Compare(x.Code, y.Code))
	})
	return list
}

// topRefusals puts all but the most frequent reasons into one row.
func (v *visit) topRefusals(by map[string]int64) []refusal {
	list := v.refusals(by)
	if len(list) <= mostShown {
		return list
	}
	all, rest := int64(0), int64(0)
	for i, one := range list {
		if all += one.N; i >= mostShown {
			rest += one.N
		}
	}
	return append(list[:mostShown:mostShown], refusal{
		Text: v.t("usage.rest.reasons", "n", len(list)-mostShown), N: rest, Part: v.percent(rest, all), Line: chart.Line("refused", rest, list[0].N),
	})
}

// percent writes a part of a whole. Some is never shown as none, nor most as all.
func (v *visit) percent(part, whole int64) string {
	switch {
	case whole <= 0 || part <= 0:
		return v.lang.Percent(0)
	case float64(part) < float64(whole)*.0005:
		return "<\u00a0" + v.lang.Percent(.001)
	case part < whole && float64(part) >= float64(whole)*.9995:
		return ">\u00a0" + v.lang.Percent(.999)
	}
	return v.lang.Percent(float64(part) / float64(whole))
}
