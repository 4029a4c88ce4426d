package authz_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"pgregory.net/rapid"

	"latchkey/shared/account"
	"latchkey/shared/consent"
	"latchkey/shared/product"
	"latchkey/shared/product/lock"
)

// deployment is a commit of the catalogue, with the lock that `make catalogue` wrote for it.
type deployment struct {
	version   consent.Version
	lock      string
	catalogue product.Catalogue
	covers    map[string]product.ID // path -> product
	closed    map[string]bool       // the products of which `make catalogue` said that it closes paths
	parents   []*deployment
	// of the reference, by path: the coverages that go on, and all versions that led here
	alive  map[string][]consent.Version
	behind map[consent.Version]bool
}

// The paths of the property: every prefix that a product can have, and in each a path that is in none deeper, and one that holds an
// encoded slash.
var prefixes = []string{"/a/", "/a/b/", "/a/b/c/", "/a/d/", "/e/", "/e/f/", "/e/f/g/", "/h/"}

var calls = sync.OnceValue(func() (paths []string) {
	for i, prefix := range prefixes {
		if i%2 > 0 {
			prefix = strings.ToUpper(prefix)
		}
		paths = append(paths, prefix+"x", prefix+slashed)
	}
	return paths
})

const slashed = "x%2Fy"

// commit draws a catalogue and has `make catalogue` write its lock.
func (w *world) commit(parents []*deployment, text string, whole bool) *deployment {
	d := &deployment{parents: parents, covers: map[string]product.ID{}, alive: map[string][]consent.Version{}, behind: map[consent.Version]bool{}}
	products := w.products(whole)
	updated, report, err := makeCatalogue(text, products)
	if err != nil && strings.Contains(err.Error(), "would no longer take them there") { // it does as it is told
		for _, p := range products {
			for i := range p.Classes {
				p.Classes[i].EncodedSlash = len(p.Classes[i].Prefixes) > 0
			}
		}
		updated, report, err = makeCatalogue(text, products)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	d.closed = map[string]bool{}
	for id := range report.Closed {
		d.closed[id] = true
	}
	h, err := lock.Read(updated)
	if err != nil {
		w.t.Fatal(err)
	}
	d.lock, d.version = updated, h.Version
	if d.catalogue, err = product.WithHistory(products, h.OfCatalogue()); err != nil {
		w.t.Fatalf("%v\n%s", err, updated)
	}
	d.refer(h.Version)
	w.history = append(w.history, d)
	return d
}

// makeCatalogue does what the command does, once as it is and once with the words that it asks for.
func makeCatalogue(text string, products []product.Product) (updated string, report lock.Report, err error) {
	covers := lock.CoveragesOf(products)
	_, report, err = lock.Update(text, covers, lock.Named{})
	named := lock.Named{Widened: slices.Sorted(maps.Keys(report.Gained)), Closed: slices.Sorted(maps.Keys(report.Closed))}
	updated, _, err2 := lock.Update(text, covers, named)
	if err2 == nil && (err != nil) != (len(named.Widened)+len(named.Closed) > 0) {
		err2 = fmt.Errorf("widens %v, closes %v: %w", report.Gained, report.Closed, err)
	}
	return updated, report, err2
}

// products draws a catalogue: each tree belongs to one product or to none, which covers a part of it by one class or two.
func (w *world) products(whole bool) (list []product.Product) {
	classes := map[product.ID][]string{}
	for _, tree := range []string{"/a/", "/e/", "/h/"} {
		of := rapid.SampledFrom([]product.ID{"p", "p", "q", "r", ""}).Draw(w.t, "owner of "+tree)
		for _, prefix := range prefixes {
			if of != "" && strings.HasPrefix(prefix, tree) && rapid.IntRange(0, 2).Draw(w.t, prefix) > 0 {
				if rapid.IntRange(0, 3).Draw(w.t, "case") == 0 {
					prefix = strings.ToUpper(prefix)
				}
				classes[of] = append(classes[of], prefix)
			}
		}
	}
	if whole { // keys of before the lock have these
		classes["p"], classes["q"] = []string{"/a/b/", "/h/"}, []string{"/e/"}
		delete(classes, "r")
	}
	for _, id := range slices.Sorted(maps.Keys(classes)) {
		qps := map[account.Type]int{account.Enterprise: 1, account.SelfServe: 1}
		p := product.Product{ID: id, Name: string(id), Kind: product.API, SamplePath: classes[id][0] + "x"}
		for i, prefix := range classes[id] {
			c := product.LimitClass{ID: product.Class(id), Name: prefix, Prefixes: []string{prefix}, QPS: qps, MaxQPS: 1, EncodedSlash: rapid.Bool().Draw(w.t, "encoded_slash")}
			if i > 0 {
				c.ID = product.Class(fmt.Sprintf("%s.%d", id, i))
			}
			p.Classes = append(p.Classes, c)
		}
		list = append(list, p)
	}
	return append(list, product.Product{ID: "sdk", Name: "sdk", Kind: product.SDK, Classes: []product.LimitClass{{
		ID: "sdk", Name: "sdk", QPS: map[account.Type]int{account.Enterprise: 1, account.SelfServe: 1}, MaxQPS: 1,
	}}})
}

// refer says of each path which coverages go on: those of the commits before that none of these has ended, else a new one.
func (d *deployment) refer(version consent.Version) {
	for _, p := range d.parents {
		maps.Copy(d.behind, p.behind)
	}
	d.behind[version] = true
	for _, path := range calls() {
		match, ok := d.catalogue.Match(strings.Replace(path, slashed, "x", 1))
		if !ok || strings.HasSuffix(path, slashed) && !d.catalogue.EncodedSlash(match.Class) {
			continue
		}
		d.covers[path] = match.Product
		for _, p := range d.parents {
			for _, v := range p.aliveFor(match.Product, path) {
				ended := slices.ContainsFunc(d.parents, func(other *deployment) bool {
					return other.behind[v] && !slices.Contains(other.aliveFor(match.Product, path), v)
				})
				if !ended && !slices.Contains(d.alive[path], v) {
					d.alive[path] = append(d.alive[path], v)
				}
			}
		}
		if len(d.alive[path]) == 0 {
			d.alive[path] = []consent.Version{version}
		}
	}
}

func (d *deployment) aliveFor(id product.ID, path string) []consent.Version {
	if d.covers[path] != id {
		return nil
	}
	return d.alive[path]
}
