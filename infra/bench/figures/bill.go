package figures

import (
	"fmt"
	"strings"
)

// MostDense is the promise of docs/performance.md: the most dollars of a million calls of dense traffic beside API Gateway's own, with one limit and one quota.
const MostDense = 0.30

// Traffic are the loads of its table of the whole bill, dense before sparse. 16 environments are those of the limiter's simulations, 100 as many as ten calls a
// second each ask for.
func Traffic() []Load {
	return []Load{
		{"dense: one key, 16 environments", usualRate, 16, 1, 1, 0},
		{"dense: one key, 100 environments", usualRate, usualRate / int(CallsOfOne.Value), 1, 1, 0},
		{"like the web's: a million keys", usualRate, usualRate / int(CallsOfOne.Value), millions, accounts, 1},
		{"sparse: each of a million keys as likely", usualRate, usualRate / int(CallsOfOne.Value), millions, accounts, 0},
	}
}

// usualRate is the calls a second of all of them.
const usualRate = 1000

// OneLimitOneQuota adds up what the promise is about: the key's limit, which each has, and a quota of its account.
func (d Dollars) OneLimitOneQuota() float64 { return d.Sum() + d.Quotas }

// BillTable is the table of the whole bill of a million calls.
func BillTable(s Sizes) string {
	var b strings.Builder
	b.WriteString("| dollars a million calls |")
	var bills []Dollars
	for _, l := range Traffic() {
		b.WriteString(" " + l.Name + " |")
		bills = append(bills, l.Bill(l.Ask(s)))
	}
	b.WriteString("\n" + strings.Repeat("|---", len(bills)+1) + "|\n")
	for _, part := range []struct {
		name string
		of   func(Dollars) float64
	}{
		{"Lambda, waiting for the store included", func(d Dollars) float64 { return d.Gate }},
		{"reads of `gate`", func(d Dollars) float64 { return d.Reads }},
		{"the key's limit", func(d Dollars) float64 { return d.Leases }},
		{"counting", func(d Dollars) float64 { return d.Usage }},
		{"a quota of the account", func(d Dollars) float64 { return d.Quotas }},
		{"**with one limit and one quota**", Dollars.OneLimitOneQuota},
		{"a limit of the account", func(d Dollars) float64 { return d.AccountLimits }},
		{"with two limits and one quota", Dollars.All},
	} {
		b.WriteString("| " + part.name + " |")
		for _, bill := range bills {
			fmt.Fprintf(&b, " %.3f |", part.of(bill))
		}
		b.WriteString("\n")
	}
	return b.String()
}
