package product

import (
	"fmt"
	"sort"
	"strings"
	"sync"

	"latchkey/shared/account"
	"latchkey/shared/consent"
)

//go:generate go run ./gen -root ../..

// Catalogue is a checked set of products. The zero value holds none and matches no path.
type Catalogue struct {
	products []Product
	byID     map[ID]Product
	byClass  map[Class]LimitClass
	owner    map[Class]ID
	prefixes []prefix // the longest first, so that the first that fits is the closest
	grouped  *grouped
	// limitsAccounts says that a class has a limit for accounts.
	limitsAccounts bool
	past           *past // what a decision doesn't need: the gate copies a catalogue with each call of a method
}

type prefix struct {
	path     string // in lower case
	match    Match
	coverage Coverage
	encoded  Coverage // of paths that hold encoded slashes
}

// Default is the catalogue of catalogue.json, as a Go literal: a cold gate has no time for reading JSON. A test proves
// that the two agree.
var Default = sync.OnceValue(func() Catalogue {
	c, err := WithHistory(generated, history)
	if err != nil {
		panic(err) // the list is part of the program
	}
	return c.withChecked(generatedQuotas) // by the generator
})

// New checks a catalogue: known kinds and account types, each ID once, each prefix once and of the form "/…/", every
// class's ID its product's or "<product>.<word>". The prefixes of one product may nest, those of two may not: the
// gateway's route of the outer one would serve calls of the inner one, and the gate refuses a call whose route and
// path belong to different products. An API's sample path is one of its own paths, a class's one of the class's.
// That sample paths are canonical is checked where the catalogue is generated, since only authz knows what that is.
//
// All that it covers is covered since its first version: [WithHistory] is for one that has been another before.
func New(products []Product) (Catalogue, error) {
	h := History{Version: unversioned}
	for _, p := range products {
		for _, cl := range p.Classes {
			for _, prefix := range cl.Prefixes {
				h.Covered = append(h.Covered, Covered{Product: p.ID, Prefix: prefix, Coverage: Coverage{Since: []consent.Version{unversioned}, Standing: true}})
			}
		}
	}
	return WithHistory(products, h)
}

// WithHistory is New for a catalogue of which it is known since when each part is covered.
func WithHistory(products []Product, h History) (Catalogue, error) {
	c := Catalogue{byID: map[ID]Product{}, byClass: map[Class]LimitClass{}, owner: map[Class]ID{}, past: &past{h, map[ID][]Covered{}, map[ID][]Covered{}}}
	for _, p := range products {
		if err := c.add(p); err != nil {
			return Catalogue{}, fmt.Errorf("product: catalogue: %s: %w", p.ID, err)
		}
	}
	sort.SliceStable(c.prefixes, func(i, j int) bool { return len(c.prefixes[i].path) > len(c.prefixes[j].path) })
	if err := c.cover(); err != nil {
		return Catalogue{}, fmt.Errorf("product: catalogue: %w", err)
	}
	for _, p := range products {
		if err := c.checkSamples(p); err != nil {
			return Catalogue{}, fmt.Errorf("product: catalogue: %s: %w", p.ID, err)
		}
	}
	return c, nil
}

// checkSamples checks what customers are shown of a product, once all prefixes are known.
func (c *Catalogue) checkSamples(p Product) error {
	if (p.Kind == API) != (p.SamplePath != "") {
		return fmt.Errorf("an API has a sample_path, an SDK has none")
	}
	if m := c.sample(p.SamplePath); p.Kind == API && m.Product != p.ID {
		return fmt.Errorf("sample_path %q is no path of the product", p.SamplePath)
	}
	if !httpsOrEmpty(p.DocsURL) {
		return fmt.Errorf("docs_url %q doesn't begin with https://", p.DocsURL)
	}
	for _, cl := range p.Classes {
		if m := c.sample(cl.SamplePath); cl.SamplePath != "" && m != (Match{Product: p.ID, Class: cl.ID}) {
			return fmt.Errorf("limit class %s: sample_path %q is no path of the class", cl.ID, cl.SamplePath)
		}
		if !httpsOrEmpty(cl.DocsURL) {
			return fmt.Errorf("limit class %s: docs_url %q doesn't begin with https://", cl.ID, cl.DocsURL)
		}
	}
	return nil
}

// sample is the match of a path that begins with one of the class's prefixes as it is written: the gateway's routes
// are compared so.
func (c *Catalogue) sample(path string) Match {
	match, _ := c.Match(path)
	for _, written := range c.byClass[match.Class].Prefixes {
		if strings.HasPrefix(path, written) {
			return match
		}
	}
	return Match{}
}

func httpsOrEmpty(url string) bool { return url == "" || strings.HasPrefix(url, "https://") }

func (c *Catalogue) add(p Product) error {
	if _, twice := c.byID[p.ID]; twice || p.ID == "" || p.Name == "" {
		return fmt.Errorf("needs a name and an ID of its own")
	}
	if p.Kind != API && p.Kind != SDK {
		return fmt.Errorf("kind %q is neither api nor sdk", p.Kind)
	}
	if len(p.Classes) == 0 || p.Classes[0].ID != Class(p.ID) {
		return fmt.Errorf("the first limit class must be the product's own")
	}
	for i, cl := range p.Classes {
		if i > 0 && !strings.HasPrefix(string(cl.ID), string(p.ID)+".") {
			return fmt.Errorf("limit class %q must begin with %q", cl.ID, string(p.ID)+".")
		}
		if err := c.addClass(p, cl); err != nil {
			return fmt.Errorf("limit class %s: %w", cl.ID, err)
		}
	}
	c.products = append(c.products, p)
	c.byID[p.ID] = p
	return nil
}

func (c *Catalogue) addClass(p Product, cl LimitClass) error {
	if _, twice := c.byClass[cl.ID]; twice {
		return fmt.Errorf("is there twice")
	}
	for _, t := range []account.Type{account.Enterprise, account.SelfServe} {
		if q := cl.QPS[t]; q < 1 || q > cl.MaxQPS {
			return fmt.Errorf("qps for %s is %d, want 1 to %d", t, q, cl.MaxQPS)
		}
	}
	for t, q := range cl.AccountQPS {
		if _, err := account.ParseType(string(t)); err != nil || q < 1 || q > MaxAccountQPS {
			return fmt.Errorf("account_qps for %s is %d, want 1 to %d for an account type", t, q, MaxAccountQPS)
		}
	}
	if (p.Kind == API) != (len(cl.Prefixes) > 0) {
		return fmt.Errorf("an API has path prefixes, an SDK has none")
	}
	for _, written := range cl.Prefixes {
		path := strings.ToLower(written) // as paths are compared
		if len(path) < 3 || path[0] != '/' || path[len(path)-1] != '/' {
			return fmt.Errorf("prefix %q is not of the form /…/", path)
		}
		for _, other := range c.prefixes {
			if other.path == path {
				return fmt.Errorf("prefix %q belongs to %s", path, other.match.Class)
			}
			if other.match.Product != p.ID && (strings.HasPrefix(path, other.path) || strings.HasPrefix(other.path, path)) {
				return fmt.Errorf("prefix %q nests with %q of product %s", path, other.path, other.match.Product)
			}
		}
		c.prefixes = append(c.prefixes, prefix{path: path, match: Match{Product: p.ID, Class: cl.ID}})
	}
	c.limitsAccounts = c.limitsAccounts || len(cl.AccountQPS) > 0
	c.byClass[cl.ID] = cl
	c.owner[cl.ID] = p.ID
	return nil
}

// Products lists the catalogue in its own order. The caller doesn't change it.
func (c Catalogue) Products() []Product { return c.products }

// Product finds a product.
func (c Catalogue) Product(id ID) (Product, bool) {
	p, ok := c.byID[id]
	return p, ok
}

// Class finds a limit class and the product that it belongs to.
func (c Catalogue) Class(id Class) (LimitClass, ID, bool) {
	cl, ok := c.byClass[id]
	return cl, c.owner[id], ok
}

// EncodedSlash reports whether paths of a class may hold escapes of "/" and "%" behind its prefix.
func (c Catalogue) EncodedSlash(class Class) bool { return c.byClass[class].EncodedSlash }

// DefaultQPS is a class's limit in calls a second for an account type, 0 for a class or type that isn't there.
func (c Catalogue) DefaultQPS(class Class, t account.Type) int { return c.byClass[class].QPS[t] }

// AccountQPS is the default of an account's limit over all its keys for a class, in calls a second; 0 for none.
func (c Catalogue) AccountQPS(class Class, t account.Type) int {
	if !c.limitsAccounts { // as most
		return 0
	}
	return c.byClass[class].AccountQPS[t]
}
