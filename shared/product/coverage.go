package product

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"latchkey/shared/consent"
)

// Coverage says since when a path has belonged to its product without a break. The zero value is a path of no product.
type Coverage struct {
	// Since has the version in which it began; after a merge of branches it can be several.
	Since []consent.Version
	// Standing says that it goes back to the product's first version: it is open to keys of which no consent is recorded.
	Standing bool
}

// Covered is a part of a product's paths with its coverage. Where prefixes nest, the longest decides.
type Covered struct {
	Product ID
	Prefix  string // as it was written
	Coverage
}

// History is the catalogue's version and coverage, as its lock has them.
type History struct {
	Version consent.Version
	Covered []Covered
	// EncodedSlash has the same of paths with encoded slashes, where classes take them. A part without a version, and a class of
	// no part, opens them with the paths around them.
	EncodedSlash []Covered
	// Changed are the products that the lock's first version doesn't have as they are. Of the others keys record no consent.
	Changed []ID
	// Narrowed are the products that once covered more than they do.
	Narrowed []ID
}

// past is a catalogue's history, and the parts of each product.
type past struct {
	History
	parts   map[ID][]Covered
	encoded map[ID][]Covered
}

// unversioned is the version of a catalogue that has no lock.
const unversioned consent.Version = "1"

// cover gives each prefix its coverage. What the history has and no class has as a prefix becomes one, of the class
// around it, so that one search finds both.
func (c *Catalogue) cover() error {
	for _, list := range []struct {
		parts []Covered
		by    map[ID][]Covered
	}{{c.past.Covered, c.past.parts}, {c.past.EncodedSlash, c.past.encoded}} {
		for _, part := range list.parts {
			path := strings.ToLower(part.Prefix)
			match, _ := c.Find(path)
			if match.Product != part.Product {
				return fmt.Errorf("the lock has %q as a path of %s, which it isn't: make catalogue", part.Prefix, part.Product)
			}
			list.by[part.Product] = append(list.by[part.Product], part)
			if !slices.ContainsFunc(c.prefixes, func(p prefix) bool { return p.path == path }) {
				c.prefixes = append(c.prefixes, prefix{path: path, match: match})
				sort.SliceStable(c.prefixes, func(i, j int) bool { return len(c.prefixes[i].path) > len(c.prefixes[j].path) })
			}
		}
	}
	for i := range c.prefixes {
		p := &c.prefixes[i]
		if p.coverage = closest(c.past.parts[p.match.Product], p.path); len(p.coverage.Since) == 0 {
			return fmt.Errorf("the lock doesn't have %q of %s: make catalogue", p.path, p.match.Product)
		}
		if p.encoded = closest(c.past.encoded[p.match.Product], p.path); len(p.encoded.Since) == 0 {
			p.encoded = p.coverage
		}
	}
	return nil
}

// closest is the coverage of the longest part that a path is in.
func closest(parts []Covered, path string) (found Coverage) {
	longest := 0
	for _, part := range parts {
		if len(part.Prefix) > longest && strings.HasPrefix(path, strings.ToLower(part.Prefix)) {
			longest, found = len(part.Prefix), part.Coverage
		}
	}
	return found
}

// FindEncoded is Find for a path that holds encoded slashes: the coverage holds where its class takes them.
func (c Catalogue) FindEncoded(path string) (Match, Coverage) {
	p := c.innermost(path)
	return p.match, p.encoded
}

// Version names the catalogue.
func (c Catalogue) Version() consent.Version {
	if c.past == nil {
		return ""
	}
	return c.past.Version
}

// Shown makes the consent of somebody who is shown a product now.
func (c Catalogue) Shown(id ID) consent.Given {
	if c.past == nil {
		return consent.Given{Product: string(id)}
	}
	var paths []consent.Path
	for _, part := range slices.Concat(c.past.parts[id], c.past.encoded[id]) {
		for _, since := range part.Since {
			paths = append(paths, consent.Path{Prefix: strings.ToLower(part.Prefix), Since: since})
		}
	}
	return consent.List{}.With(consent.Given{
		Product: string(id), Paths: paths, Narrow: slices.Contains(c.past.Narrowed, id),
	})[0]
}

// Consents makes the consents of a key once its products have changed: one that stays keeps its consent, since sending a
// list back is none, and one that comes is as it is shown now. Where a product covers what it did in the first version, nothing
// is recorded: that is what no record means.
func (c Catalogue) Consents(before []ID, held consent.List, after []ID) consent.List {
	var list consent.List
	for _, id := range after {
		g, ok := held.Of(string(id))
		if !slices.Contains(before, id) {
			g, ok = c.Shown(id), c.past == nil || slices.Contains(c.past.Changed, id)
		}
		if ok {
			list = list.Set(g)
		}
	}
	return list
}

// Pending lists the paths of a product that stay closed until somebody accepts them, as they are written: what neither
// the key's consents nor the account's have. A prefix with [consent.EncodedSlash] behind it stands for those of its paths that hold
// some, where the others are open.
func (c Catalogue) Pending(id ID, key, account consent.List) (paths []string) {
	if c.past == nil {
		return nil
	}
	for _, part := range c.past.parts[id] {
		if !Open(strings.ToLower(part.Prefix), string(id), part.Coverage, key, account) {
			paths = append(paths, part.Prefix)
		}
	}
	for _, part := range c.past.encoded[id] {
		path := strings.ToLower(part.Prefix)
		told := slices.ContainsFunc(paths, func(outer string) bool { return strings.HasPrefix(path, strings.ToLower(outer)) })
		if len(part.Since) > 0 && !told && !Open(path, string(id), part.Coverage, key, account) {
			paths = append(paths, part.Prefix+consent.EncodedSlash)
		}
	}
	return paths
}

// Open reports whether a path of a product is one that a key or its account has agreed to. It allocates nothing.
func Open(path, id string, of Coverage, key, account consent.List) bool {
	own, recorded := key.Of(id)
	if !recorded && of.Standing || agreed(path, of, own) {
		return true
	}
	its, _ := account.Of(id)
	return agreed(path, of, its)
}

// agreed reports whether one of the coverages that were agreed to goes on and has the path.
func agreed(path string, of Coverage, g consent.Given) bool {
	for i := range g.Paths {
		if p := &g.Paths[i]; slices.Contains(of.Since, p.Since) && begins(path, p.Prefix) {
			return true
		}
	}
	return false
}
