package origin

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrPattern is wrapped by the errors of [ParsePattern] and [Compile].
var ErrPattern = errors.New("origin: not a canonical domain pattern")

// Pattern is one entry of a key's allow-list. The zero value matches nothing.
type Pattern struct {
	scheme   scheme // anyScheme: http or https
	wildcard bool   // one or more labels before host
	host     string
	port     uint16 // 0: any; an app shell's has none
}

// ParsePattern reads a pattern in the canonical form that package origin/entry stores: [scheme "://"] ["*."] host
// [":" port], or an app shell's scheme "://" host, all lower-case ASCII. It refuses every other spelling, so that a list has one meaning and one text.
func ParsePattern(canonical string) (Pattern, error) {
	p, ok := parsePattern(canonical)
	if !ok || p.String() != canonical {
		return Pattern{}, fmt.Errorf("%w: %q", ErrPattern, canonical)
	}
	return p, nil
}

func parsePattern(text string) (Pattern, bool) {
	var p Pattern
	p.scheme, text = cutScheme(text)
	if p.scheme.isShell() {
		var ok bool
		p.host, ok = shellHost(text)
		return p, ok
	}
	host, port, ok := cutPort(text)
	if !ok {
		return Pattern{}, false
	}
	p.port = port
	host, p.wildcard = strings.CutPrefix(host, "*.")
	p.host, ok = canonicalHost(host)
	if !ok {
		return Pattern{}, false
	}
	named := isDNSName(p.host)
	if !named && (p.wildcard || !isAddress(p.host) && p.host != "localhost") {
		return Pattern{}, false
	}
	return p, true
}

// isDNSName reports whether a canonical host is a name of two labels or more.
func isDNSName(host string) bool { return strings.Contains(host, ".") && !isAddress(host) }

func isAddress(host string) bool { return strings.HasPrefix(host, "[") || isIPv4(host) }

// String returns the canonical form.
func (p Pattern) String() string {
	var b strings.Builder
	if p.scheme != anyScheme {
		b.WriteString(p.scheme.String())
		b.WriteString("://")
	}
	if p.wildcard {
		b.WriteString("*.")
	}
	b.WriteString(p.host)
	if p.port != 0 {
		b.WriteByte(':')
		b.WriteString(strconv.Itoa(int(p.port)))
	}
	return b.String()
}

// Under returns the name whose subdomains the pattern covers; ok is false for a pattern that covers one host.
func (p Pattern) Under() (name string, ok bool) { return p.host, p.wildcard }

// Match reports whether the pattern covers o. It never does for the zero Origin.
func (p Pattern) Match(o Origin) bool {
	if o.IsZero() || p.host == "" {
		return false
	}
	if p.scheme != o.scheme && (p.scheme != anyScheme || o.scheme.isShell()) {
		return false // without a scheme a pattern covers pages of the web, and no app
	}
	if p.port != 0 && p.port != o.port {
		return false
	}
	if !p.wildcard {
		return p.host == o.host
	}
	return under(p.host, o.host)
}

// MatchName reports whether the pattern covers some origin of a name, as [Origin.Name] returns it: its scheme, if it is of
// the web, and its port aren't known.
func (p Pattern) MatchName(name string) bool {
	if p.scheme.isShell() {
		return name == p.String()
	}
	if !p.wildcard {
		return p.host != "" && p.host == name
	}
	return under(p.host, name)
}

// under reports whether name has all labels of base at its end, and at least one more before them.
func under(base, name string) bool {
	for {
		baseRest, baseLabel := cutLastLabel(base)
		nameRest, nameLabel := cutLastLabel(name)
		if baseLabel != nameLabel {
			return false
		}
		if baseRest == "" {
			return nameRest != ""
		}
		if nameRest == "" {
			return false
		}
		base, name = baseRest, nameRest
	}
}

// cutLastLabel cuts a name at its last dot; rest is empty for a single label.
func cutLastLabel(name string) (rest, label string) {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return "", name
	}
	return name[:i], name[i+1:]
}

// List is a key's allow-list. The zero value has no entries and matches nothing; that a key without entries is
// unrestricted is the caller's rule.
type List struct {
	patterns []Pattern
}

// Compile reads canonical patterns, as they are stored with a key. The error wraps [ErrPattern].
func Compile(canonical []string) (List, error) {
	if len(canonical) == 0 {
		return List{}, nil
	}
	patterns := make([]Pattern, len(canonical))
	for i, text := range canonical {
		p, err := ParsePattern(text)
		if err != nil {
			return List{}, fmt.Errorf("entry %d: %w", i, err)
		}
		patterns[i] = p
	}
	return List{patterns: patterns}, nil
}

// Match returns the first entry that covers o. It allocates nothing. Without one, index is -1.
func (l List) Match(o Origin) (index int, ok bool) {
	for i := range l.patterns {
		if l.patterns[i].Match(o) {
			return i, true
		}
	}
	return -1, false
}
