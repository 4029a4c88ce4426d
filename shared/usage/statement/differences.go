package statement

import (
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
)

// Differences compares an account's rows of a month, as the counters have them now, with what its statement and adjustments have said. The
// difference, more or less, are the adjustments about the month that make them equal; none where they are.
//
// Keys that are known are compared row by row. Of keys that have been purged the counters know only what the account has more than all its keys, so
// what was said of any of them is compared as one, by product and outcome, and by billing type as far as that is known on both sides: what
// was said of a purged key stays said, and a call whose type isn't known any more is no difference. What is adjusted there has no key.
func Differences(m Month, known []apikey.ID, now []Row, stated ...[]Row) []Row {
	keys := make(map[apikey.ID]bool, len(known))
	for _, id := range known {
		keys[id] = true
	}
	out, rests := table{}, [2]map[Outcome]*rest{{}, {}}
	add := func(r Row, sign int64, of map[Outcome]*rest) {
		at := r.Place
		if at.Adjusts = m; !keys[at.Key] {
			at.Key = ""
		}
		for code, n := range r.Calls {
			out.add(at, code, sign*n)
			restOf(of, at, code, n)
		}
		if len(out[at]) == 0 {
			delete(out, at)
		}
	}
	// Rows are the same in both as a rule, and in the same order: those of a large account are gone again as they come.
	i := 0
	for _, rows := range stated {
		for _, r := range rows {
			if i < len(now) {
				add(now[i], 1, rests[0])
			}
			i++
			add(r, -1, rests[1])
		}
	}
	for _, r := range now[min(i, len(now)):] {
		add(r, 1, rests[0])
	}
	for at, calls := range out {
		for code := range calls {
			if at.Key == "" && sameRest(rests[0][Outcome{at.Product, code}], rests[1][Outcome{at.Product, code}]) {
				delete(calls, code)
			}
		}
	}
	return out.rows()
}

// Lost reports whether differences take calls away: of a product and outcome all rows together have fewer. A call that was counted under another key, class
// or billing type isn't one.
func Lost(differences []Row) bool {
	sums := map[Outcome]int64{}
	for _, r := range differences {
		for code, n := range r.Calls {
			sums[Outcome{r.Product, code}] += n
		}
	}
	for _, n := range sums {
		if n < 0 {
			return true
		}
	}
	return false
}

// rest is calls of purged keys of one product and outcome.
type rest struct {
	sum     int64
	types   map[apikey.BillingType]int64
	unknown int64 // of known keys, without a billing type: what the account knows of those may be taken for a purged key's
}

// restOf adds calls to what is said, or had, of purged keys.
func restOf(of map[Outcome]*rest, at Place, code authz.Code, n int64) {
	o := Outcome{at.Product, code}
	if of[o] == nil {
		of[o] = &rest{types: map[apikey.BillingType]int64{}}
	}
	switch {
	case at.Key == "":
		of[o].sum += n
		of[o].types[at.Billing] += n
	case at.Billing == "":
		of[o].unknown += n
	}
}

// sameRest reports whether the calls of purged keys, of one product and outcome, are what was said of them.
func sameRest(now, said *rest) bool {
	if now == nil {
		now = &rest{}
	}
	if said == nil {
		said = &rest{}
	}
	// Calls may have come to a type from those without one, and not from another type.
	var more int64
	for billing, n := range now.types {
		if billing != "" {
			more += max(0, n-said.types[billing])
		}
	}
	return now.sum == said.sum && more <= max(0, said.types[""]-now.types[""])+now.unknown
}
