package authz

// Place is the part of a call that carries its credential. The zero value is none.
type Place uint8

// The places. Query is ?key= or ?api_key=, whose names are compared exactly; InHeader is X-Api-Key in any case.
const (
	Nowhere Place = iota
	InQuery
	InHeader
)

// Source is one name of a header or parameter with all that an event says under it: API Gateway's multi-value map has
// every value, its single-value map repeats the last of them. Empty values are left out of the counts.
type Source struct {
	Values  int    // in the multi-value map
	Value   string // the first of them
	Singles int    // in the single-value map: more than one if the name occurs in several cases
	Single  string // the first of them
}

// One returns how many values the source holds, 2 standing for "more than one" too, and the only one.
func (s *Source) One() (int, string) {
	switch {
	case s.Values == 0:
		return s.Singles, s.Single
	case s.Singles > 0 && s.Single != s.Value:
		return 2, "" // the maps disagree, or hold more than one
	default:
		return max(s.Values, s.Singles), s.Value
	}
}

// Credential finds the one credential of a call among its sources. An empty value is no credential: "?key=" says
// that a program has none, and it disturbs no other. Two non-empty values are ambiguous in any two places, also
// when they are equal: a program that sends its secret twice doesn't know where it sends it. The code is zero for
// exactly one, else [KeyMissing] or [KeyAmbiguous]. The text is unchecked: hand it to [apikey.Prefix.Parse].
func Credential(key, apiKey, header *Source) (text string, place Place, code Code) {
	total := 0
	for i, source := range [...]*Source{key, apiKey, header} {
		n, value := source.One()
		total += n
		if n == 0 {
			continue
		}
		text, place = value, InQuery
		if i == 2 {
			place = InHeader
		}
	}
	switch total {
	case 0:
		return "", Nowhere, KeyMissing
	case 1:
		return text, place, ""
	default:
		return "", Nowhere, KeyAmbiguous
	}
}
