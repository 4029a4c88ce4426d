package gateway

import (
	"context"
	"net/http"
	"strconv"
	"strings"
)

// SetETag names the version that an answer shows. An answer to GET also gets a digest of its body: see [conditional].
func SetETag(w http.ResponseWriter, version int64) {
	w.Header().Set("ETag", `"`+strconv.FormatInt(version, 10)+`"`)
}

// Match is a parsed If-Match header. The zero value is no precondition.
type Match struct {
	sent     bool
	any      bool
	bad      bool // what was sent is no list of entity tags: Check says so
	versions []string
}

// IfMatch reads If-Match, which the operation demands: 428 without.
func IfMatch(r *http.Request) (Match, error) {
	m := OptionalIfMatch(r)
	switch {
	case !m.sent:
		return m, NewProblem(http.StatusPreconditionRequired, "if_match_required", "If-Match is required.").
			WithDetail("Send the ETag of the object that you read.")
	case m.bad:
		return m, errIfMatch
	}
	return m, nil
}

var errIfMatch = Parameter("If-Match", `It must be "*", or entity tags in double quotes, separated by commas.`)

var errNoneMatch = Parameter("If-None-Match", "It goes with GET. What a change depends on is said by If-Match.")

var errNoVersion = Parameter("If-Match", "The operation goes by no version, so this would hold back nothing.")

type ifMatchKey struct{}

// TakesIfMatch wraps the endpoint of an operation that goes by If-Match. Any other that changes something refuses the header
// ([Body]): who names a version asks that nothing is done to another one (RFC 9110, section 13.1.1), and must not have it done.
func TakesIfMatch(e Endpoint) Endpoint {
	return func(w http.ResponseWriter, r *http.Request, c Principal) error {
		return e(w, r.WithContext(context.WithValue(r.Context(), ifMatchKey{}, true)), c)
	}
}

func takesIfMatch(r *http.Request) bool { return r.Context().Value(ifMatchKey{}) != nil }

// OptionalIfMatch reads If-Match, if there is one. Weak tags never match (RFC 9110, section 13.1.1).
func OptionalIfMatch(r *http.Request) Match {
	values := r.Header.Values("If-Match")
	if len(values) == 0 {
		return Match{}
	}
	tags, all, ok := entityTags(strings.Join(values, ","))
	m := Match{sent: true, any: all, bad: !ok}
	for _, tag := range tags {
		if !tag.weak {
			version, _, _ := strings.Cut(tag.opaque, digestMark)
			m.versions = append(m.versions, version)
		}
	}
	return m
}

// Check compares with the version that is there: ErrStale if it is another, and the refusal of a header that can't be read.
func (m Match) Check(version int64) error {
	if m.bad {
		return errIfMatch
	}
	if !m.sent || m.any {
		return nil
	}
	want := strconv.FormatInt(version, 10)
	for _, v := range m.versions {
		if v == want {
			return nil
		}
	}
	return ErrStale
}

// entityTag is one of RFC 9110, section 8.8.3.
type entityTag struct {
	weak   bool
	opaque string // what is between the quotes; it may hold commas
}

// entityTags reads "*" or a list of entity tags. Empty elements of the list count for nothing (RFC 9110, section 5.6.1.2),
// but one tag there must be.
func entityTags(text string) (tags []entityTag, all, ok bool) {
	if strings.Trim(text, " \t") == "*" {
		return nil, true, true
	}
	for {
		text = strings.TrimLeft(text, " \t,")
		if text == "" {
			return tags, false, len(tags) > 0
		}
		rest, weak := strings.CutPrefix(text, "W/")
		rest, quoted := strings.CutPrefix(rest, `"`)
		opaque, rest, closed := strings.Cut(rest, `"`)
		if !quoted || !closed || strings.ContainsFunc(opaque, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return nil, false, false
		}
		text = strings.TrimLeft(rest, " \t")
		if text != "" && text[0] != ',' {
			return nil, false, false
		}
		tags = append(tags, entityTag{weak: weak, opaque: opaque})
	}
}

// CheckUntil compares with what was changed last, where versions are moments in milliseconds: ErrStale if that is later than
// all of the versions that were sent. Of several objects behind one version it says which have changed since. The version that they
// have together is latest: nobody was given a later one.
func (m Match) CheckUntil(changed, latest int64) error {
	if m.bad {
		return errIfMatch
	}
	if !m.sent || m.any {
		return nil
	}
	for _, v := range m.versions {
		if seen, err := strconv.ParseInt(v, 10, 64); err == nil && changed <= seen && seen <= latest {
			return nil
		}
	}
	return ErrStale
}
