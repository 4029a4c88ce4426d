package gateway

import (
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Negotiate returns the one of the offered media types that the Accept header prefers (RFC 9110, section 12.5.1). It is the
// first offer where there is no header, none that can be read, or none of the offers in it: an answer in another form is more use
// than a 406. Parameters but q are not compared: each offer has one form.
func Negotiate(r *http.Request, offers ...string) string {
	best, most := offers[0], 0.0
	accepted := elements(strings.Join(r.Header.Values("Accept"), ","))
	for _, offer := range offers {
		if q := weight(accepted, offer); q > most {
			best, most = offer, q
		}
	}
	// Of those that weigh the same, the one that the header names first.
	for _, element := range accepted {
		if kind, _, err := mime.ParseMediaType(element); err == nil && slices.Contains(offers, kind) && most > 0 && weight(accepted, kind) == most {
			return kind
		}
	}
	return best
}

// weight is the q of the most specific range that covers a media type; 0 if none does. What can't be read is left out.
func weight(accepted []string, offer string) (q float64) {
	kind, _, _ := strings.Cut(offer, "/")
	specific := -1
	for _, element := range accepted {
		name, params, err := mime.ParseMediaType(element)
		if err != nil {
			continue
		}
		level := -1
		switch name {
		case offer:
			level = 2
		case kind + "/*":
			level = 1
		case "*/*":
			level = 0
		}
		if level <= specific {
			continue
		}
		w := 1.0
		if text, ok := params["q"]; ok {
			if !qvalue.MatchString(text) {
				continue
			}
			w, _ = strconv.ParseFloat(text, 64)
		}
		specific, q = level, w
	}
	return q
}

// qvalue is the grammar of a weight, RFC 9110, 12.4.2.
var qvalue = regexp.MustCompile(`^(0(\.[0-9]{0,3})?|1(\.0{0,3})?)$`)

// elements are those of a comma-separated list that aren't empty. Commas in quotes separate nothing.
func elements(list string) (found []string) {
	begin, quoted := 0, false
	for i := 0; i <= len(list); i++ {
		switch {
		case i == len(list), list[i] == ',' && !quoted:
			if element := strings.TrimSpace(list[begin:i]); element != "" {
				found = append(found, element)
			}
			begin = i + 1
		case list[i] == '\\' && quoted:
			i++
		case list[i] == '"':
			quoted = !quoted
		}
	}
	return found
}
