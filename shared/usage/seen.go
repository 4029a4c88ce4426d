package usage

import "latchkey/shared/authz"

// Seen counts a key's allowed calls by the pages that they came from.
type Seen struct {
	Allowed int64
	Hosts   []Share // those that have a name, the most calls first
	Missing int64   // that named no page
	Unkept  int64   // whose pages weren't kept apart
}

// SeenIn adds up the allowed calls of rows.
func SeenIn(rows []Row) Seen {
	s := NewSumming(Query{Outcome: Outcome(authz.Allowed)})
	seen, kept := Seen{}, int64(0)
	for _, r := range rows {
		for d, n := range r.Counts {
			kind, _ := d.parts()
			host, code, named := d.host()
			switch {
			case kind == outcomes && outcomeOf(d) == authz.Allowed:
				seen.Allowed += n
			case !named || authz.Code(code) != authz.Allowed:
			case host == NoHost:
				seen.Missing += n
				kept += n
			case !isRest(host):
				s.in('H', host).Add(authz.Allowed, n)
				kept += n
			}
		}
	}
	seen.Hosts, seen.Unkept = s.share('H'), max(seen.Allowed-kept, 0)
	return seen
}

// outcomeOf is the code of a "c:" dimension.
func outcomeOf(d Dimension) authz.Code {
	_, rest := d.parts()
	_, code, _ := cutLast(rest)
	return authz.Code(code)
}
