package statement

import (
	"maps"
	"slices"

	"latchkey/shared/apikey"
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
	sum := func(lists ...[]Row) (t table) {
		t = table{}
		for _, rows := range lists {
			for _, r := range rows {
				at := r.Place
				if at.Adjusts = m; !keys[at.Key] {
					at.Key = ""
				}
				for code, n := range r.Calls {
					t.add(at, code, n)
				}
			}
		}
		return t
	}
	have, said := sum(now), sum(stated...)
	same := sameRest(have, said)
	out := table{}
	each := func(of table, sign int64) {
		for at, calls := range of {
			for code, n := range calls {
				if at.Key != "" || !same[Outcome{at.Product, code}] {
					out.add(at, code, sign*n)
				}
			}
		}
	}
	each(have, 1)
	each(said, -1)
	return out.rows()
}

// rest is calls of purged keys of one product and outcome.
type rest struct {
	sum     int64
	types   map[apikey.BillingType]int64
	unknown int64 // of known keys, without a billing type: what the account knows of those may be taken for a purged key's
}

func restOf(t table) map[Outcome]*rest {
	out := map[Outcome]*rest{}
	for at, calls := range t {
		for code, n := range calls {
			o := Outcome{at.Product, code}
			if out[o] == nil {
				out[o] = &rest{types: map[apikey.BillingType]int64{}}
			}
			switch {
			case at.Key == "":
				out[o].sum += n
				out[o].types[at.Billing] += n
			case at.Billing == "":
				out[o].unknown += n
			}
		}
	}
	return out
}

// sameRest tells of which products and outcomes the calls of purged keys are what was said of them.
func sameRest(have, said table) map[Outcome]bool {
	same := map[Outcome]bool{}
	now, before := restOf(have), restOf(said)
	none := &rest{}
	for _, o := range slices.Concat(slices.Collect(maps.Keys(now)), slices.Collect(maps.Keys(before))) {
		a, b := now[o], before[o]
		if a == nil {
			a = none
		}
		if b == nil {
			b = none
		}
		// Calls may have come to a type from those without one, and not from another type.
		var more int64
		for billing, n := range a.types {
			if billing != "" {
				more += max(0, n-b.types[billing])
			}
		}
		same[o] = a.sum == b.sum && more <= max(0, b.types[""]-a.types[""])+a.unknown
	}
	return same
}
