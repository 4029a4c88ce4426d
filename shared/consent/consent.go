// Package consent holds what the owner of a key or an account was shown of a product's paths, and so agreed to.
// It is pure. docs/glossary.md explains catalogue version, coverage and consent.
package consent

import (
	"cmp"
	"slices"
	"strings"
)

// Version names one catalogue: its number in the lock, and a hash of all that the lock has up to it, such as
// "3-8c1d22ef01". Two catalogues never have the same one, whatever branches they came from. It also names the coverages that begin
// in it.
type Version string

// encodedSlash is added to a version to name a coverage of paths with encoded slashes.
const encodedSlash = "%"

// OfEncodedSlash names the coverage of paths with encoded slashes that begins in a version. It differs from that of the paths around
// them, since a path is open by the name of its coverage.
func (v Version) OfEncodedSlash() Version { return v + encodedSlash }

// Path is a coverage that was agreed to: a prefix of paths, and the version in which the product began to cover it.
type Path struct {
	Prefix string // "/map/", in lower case
	Since  Version
}

// EncodedSlash is written for people behind a prefix where not all of its paths are meant, but those that hold encoded slashes.
const EncodedSlash = "*%2F*"

// Given is the consent for one product. Without paths it opens nothing.
type Given struct {
	Product string
	Paths   []Path // sorted, none within another of the same coverage
	// Narrow says that the product once covered more than this: a gate that doesn't know consents must not decide by it.
	Narrow bool
}

// List holds consents, sorted by product, one for each. A product that isn't in it was agreed to as the
// catalogue's first version covers it: all records were so before there was a lock.
type List []Given

// Of finds a product's. ok is false where the list has none.
func (l List) Of(product string) (g Given, ok bool) {
	for i := range l {
		if l[i].Product == product {
			return l[i], true
		}
	}
	return Given{}, false
}

// With returns the list with what was agreed to of a product besides what it has of it. The list stays as it is.
func (l List) With(g Given) List {
	held, _ := l.Of(g.Product)
	paths := slices.Concat(held.Paths, g.Paths)
	slices.SortFunc(paths, func(a, b Path) int {
		return cmp.Or(strings.Compare(string(a.Since), string(b.Since)), strings.Compare(a.Prefix, b.Prefix))
	})
	kept := paths[:0]
	for _, p := range paths { // an outer prefix stands before those within it, with nothing but these between
		if last := len(kept) - 1; last >= 0 && kept[last].Since == p.Since && strings.HasPrefix(p.Prefix, kept[last].Prefix) {
			continue
		}
		kept = append(kept, p)
	}
	g.Paths = slices.Clip(kept)
	return l.Set(g)
}

// Set returns the list with a product's consent in place of the one that it has. The list stays as it is.
func (l List) Set(g Given) List {
	out := l.Without(g.Product)
	at, _ := slices.BinarySearchFunc(out, g.Product, func(one Given, id string) int { return strings.Compare(one.Product, id) })
	return slices.Insert(out, at, g)
}

// Without returns the list without a product. The list stays as it is.
func (l List) Without(product string) List {
	return slices.DeleteFunc(slices.Clone(l), func(one Given) bool { return one.Product == product })
}

// Narrow reports whether one of the products once covered more than was agreed to.
func (l List) Narrow() bool { return slices.ContainsFunc(l, func(g Given) bool { return g.Narrow }) }

// Conflicting finds a version of the same number and another hash, "" for none: another catalogue, of another branch or of a lock
// from which blocks were removed.
func (v Version) Conflicting(known []Version) Version {
	number, _, _ := strings.Cut(string(v), "-")
	for _, other := range known {
		if its, _, _ := strings.Cut(string(other), "-"); its == number && other != v {
			return other
		}
	}
	return ""
}

// ParseVersion reads a version as answers show it: "3-8c1d22ef01".
func ParseVersion(text string) (Version, bool) {
	number, hash, _ := strings.Cut(text, "-")
	good := 0 < len(number) && len(number) < 10 && number[0] != '0' && len(hash) == 10 &&
		strings.Trim(number, "0123456789") == "" && strings.Trim(hash, "0123456789abcdef") == ""
	return Version(text), good
}

// Shown is the path for people, and the catalogue in which the product began to cover it: "/map/*%2F*" and "3-8c1d22ef01".
func (p Path) Shown() (path string, since Version) {
	if version, encoded := strings.CutSuffix(string(p.Since), encodedSlash); encoded {
		return p.Prefix + EncodedSlash, Version(version)
	}
	return p.Prefix, p.Since
}

// Text writes a path for a record: "3-8c1d22ef01/map/".
func (p Path) Text() string { return string(p.Since) + p.Prefix }

// ParsePath reads what Text wrote.
func ParsePath(text string) (Path, bool) {
	at := strings.IndexByte(text, '/')
	if at < 1 || text[len(text)-1] != '/' || len(text)-at < 3 {
		return Path{}, false
	}
	return Path{Prefix: text[at:], Since: Version(text[:at])}, true
}
