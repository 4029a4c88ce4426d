package figures

import (
	"fmt"
	"math"
	"strings"
)

// The loads of docs/scale.md: traffic like a web's over a million keys at three sizes, and what is unlike it. There are as many
// environments as AWS's bound on the calls of one asks for, but in the last.
const (
	largest  = 100_000
	millions = 1_000_000
	accounts = 10_000
)

func web(calls float64) Load {
	return Load{fmt.Sprintf("%s calls a second", whole(calls)), calls, int(calls / CallsOfOne.Value), millions, accounts, 1}
}

// Loads are the columns of the table.
func Loads() []Load {
	return []Load{
		web(largest / 100), web(largest / 10), web(largest),
		{"each key as likely", largest, largest / int(CallsOfOne.Value), millions, accounts, 0},
		{"100 keys of one account", largest, largest / int(CallsOfOne.Value), 100, 1, 0},
		{"200 environments", largest, 200, millions, accounts, 1},
	}
}

// row compares each load with one bound.
type row struct {
	name  string
	bound Bound
	of    func(Load, Demand) float64
}

var rowsOfScale = []row{
	{"calls to products, by the template's own default", Bound{Value: float64(Template["ProductsApi/MethodSettings/0/ThrottlingRateLimit"])}, func(l Load, _ Demand) float64 { return l.Calls }},
	{"calls, all APIs", GatewayCalls, func(l Load, _ Demand) float64 { return l.Calls }},
	{"environments at once", Concurrency, func(l Load, _ Demand) float64 { return float64(l.Environments) }},
	{"`gate`: read units", TableReads, func(_ Load, d Demand) float64 { return d.GateReads }},
	{"`gate`: of one record", ItemReads, func(_ Load, d Demand) float64 { return d.GateItem }},
	{"`leases`: write units", TableWrites, func(_ Load, d Demand) float64 { return d.Leases.Writes }},
	{"`leases`: of one item", ItemWrites, func(_ Load, d Demand) float64 { return d.Leases.Item }},
	{"`leases`, if each account has a limit too: write units", TableWrites, func(_ Load, d Demand) float64 { return d.Leases.Writes + d.AccountLeases.Writes }},
	{"`leases`: of one account's item", ItemWrites, func(_ Load, d Demand) float64 { return d.AccountLeases.Item }},
	{"`quotas`, if each account has one: write units", TableWrites, func(_ Load, d Demand) float64 { return d.Quotas.Writes }},
	{"`quotas`: of one item", ItemWrites, func(_ Load, d Demand) float64 { return d.Quotas.Item }},
	{"`quotas`, in a UTC day's first second: write units", TableWrites, func(_ Load, d Demand) float64 { return d.Quotas.First }},
	{"`quotas`, in that second: of one item", ItemWrites, func(_ Load, d Demand) float64 { return d.Quotas.FirstOf }},
	{"`quotas`, if each key has a daily cap too: write units", TableWrites, func(_ Load, d Demand) float64 { return d.Quotas.Writes + d.Caps.Writes }},
	{"`quotas`, if each account has calls refused by something else near its quota: read units", TableReads, func(_ Load, d Demand) float64 { return d.takenReads() }},
	{"`slices`: write units", TableWrites, func(_ Load, d Demand) float64 { return d.Slices }},
	{"`counters`: write units", TableWrites, func(_ Load, d Demand) float64 { return d.CounterWrites }},
	{"`counters`: read units", TableReads, func(_ Load, d Demand) float64 { return d.CounterReads }},
	{"`counters`, with quotas at a month's end: read units", TableReads, func(_ Load, d Demand) float64 { return d.CounterReads + d.quotaReads(daysOfMonth) }},
	{"`control`: read units", TableReads, func(_ Load, d Demand) float64 { return d.ControlReads }},
}

// Rows are the names of what each load asks for.
func Rows() (names []string) {
	for _, r := range rowsOfScale {
		names = append(names, r.name)
	}
	return names
}

// ScaleTable is the table of what is asked for in a second, what is over its bound in bold; and beneath it the bill.
func ScaleTable(s Sizes) string {
	loads := Loads()
	demands := make([]Demand, len(loads))
	for i, l := range loads {
		demands[i] = l.Ask(s)
	}
	var b strings.Builder
	b.WriteString("| a second |")
	for _, l := range loads {
		b.WriteString(" " + l.Name + " |")
	}
	b.WriteString(" bound | met at |\n" + strings.Repeat("|---", len(loads)+3) + "|\n")
	for _, r := range rowsOfScale {
		b.WriteString("| " + r.name + " |")
		asked := make([]float64, len(loads))
		for i, l := range loads {
			asked[i] = r.of(l, demands[i])
			mark := ""
			if asked[i] > r.bound.Value {
				mark = "**"
			}
			b.WriteString(" " + mark + whole(asked[i]) + mark + " |")
		}
		fmt.Fprintf(&b, " %s | %s |\n", whole(r.bound.Value), metAt(loads[:3], asked, r.bound.Value))
	}
	line := func(name string, of func(int) string) {
		b.WriteString("| " + name + " |")
		for i := range loads {
			b.WriteString(" " + of(i) + " |")
		}
		b.WriteString(" – | – |\n")
	}
	line("calls whose key's limit is suspended", func(i int) string { return fmt.Sprintf("%.0f %%", 100*demands[i].Leases.Suspended) })
	line("calls whose account's limit is suspended, if each has one", func(i int) string { return fmt.Sprintf("%.0f %%", 100*demands[i].AccountLeases.Suspended) })
	line("shards of `slices`, at least", func(i int) string { return whole(demands[i].Shards) })
	line("transactions on the counters of one account", func(i int) string { return fmt.Sprintf("%.0f", demands[i].CounterTogether) })
	for _, part := range []struct {
		name string
		of   func(Dollars) float64
	}{
		{"dollars a million calls: the gate", func(d Dollars) float64 { return d.Gate }},
		{"its reads", func(d Dollars) float64 { return d.Reads }},
		{"leases", func(d Dollars) float64 { return d.Leases }},
		{"counting", func(d Dollars) float64 { return d.Usage }},
		{"all of these", Dollars.Sum},
		{"a limit of each account", func(d Dollars) float64 { return d.AccountLimits }},
		{"a quota of each account", func(d Dollars) float64 { return d.Quotas }},
		{"all, with these two", Dollars.All},
		{"a daily cap of each key", func(d Dollars) float64 { return d.Caps }},
	} {
		line(part.name, func(i int) string { return fmt.Sprintf("%.2f", part.of(loads[i].Bill(demands[i]))) })
	}
	return b.String()
}

// metAt is the number of calls a second at which the bound is met, between the loads by a power law; beyond them it isn't said.
func metAt(loads []Load, asked []float64, bound float64) string {
	for i, l := range loads {
		switch {
		case asked[i] < bound:
		case i == 0:
			return "below " + whole(l.Calls)
		default:
			share := math.Log(bound/asked[i-1]) / math.Log(asked[i]/asked[i-1])
			at := loads[i-1].Calls * math.Pow(l.Calls/loads[i-1].Calls, share)
			return whole(round2(at))
		}
	}
	return "not met"
}

// round2 keeps two digits.
func round2(v float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(v))-1)
	return math.Round(v/unit) * unit
}

// whole writes a number with commas, to three digits from ten thousand on.
func whole(v float64) string {
	if v >= 10_000 {
		unit := math.Pow(10, math.Floor(math.Log10(v))-2)
		v = math.Round(v/unit) * unit
	}
	if v > 0 && v < 1 {
		return "below 1"
	}
	text := fmt.Sprintf("%.0f", v)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// HotTable is the table of the busiest key that one lease item serves, by the number of environments that it is called in.
func HotTable(s Sizes) string {
	var b strings.Builder
	b.WriteString("| environments | a key's calls a second, at most | reads a second of a record of 4 KB or less | of the largest record |\n|---|---|---|---|\n")
	for _, n := range []int{200, 1000, 10_000} {
		reads := float64(n) / freshFor
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", whole(float64(n)), whole(round2(busiest(n))), whole(reads), over(reads*float64(ReadUnits(s.PolicyMost)), ItemReads))
	}
	return b.String()
}

func over(v float64, b Bound) string {
	if v > b.Value {
		return "**" + whole(v) + " units**"
	}
	return whole(v) + " units"
}
