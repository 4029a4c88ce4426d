// Package product is the catalogue: what a key may be allowed to use, which paths belong to it, and the limits
// that hold unless a key has its own. docs/glossary.md explains product and class.
package product

import "latchkey/shared/account"

// ID names a product: "map-display".
type ID string

// Class names a limit class: a product's ID ("map-display"), or a class of its own within it ("map-display.tiles").
type Class string

// Kind tells APIs, which have paths, from SDKs, which are only listed and counted.
type Kind string

// The kinds.
const (
	API Kind = "api"
	SDK Kind = "sdk"
)

// Product is one entry of the catalogue.
type Product struct {
	ID      ID
	Name    string
	Kind    Kind
	Classes []LimitClass // the first is the product's own and catches what no other does
	// SamplePath is the path of a call by which a key can be tried, of any of the classes; empty for an SDK.
	SamplePath string
	DocsURL    string // where customers read about the product, by https; may be empty
}

// LimitClass is a part of a product's paths with a limit of its own.
type LimitClass struct {
	ID       Class
	Name     string
	Prefixes []string             // "/map/": path prefixes, each ending in "/"
	QPS      map[account.Type]int // the default
	MaxQPS   int                  // the most that a QPS request may ask for
	// AccountQPS is the default of an account's limit over all its keys. A type that isn't there has none.
	AccountQPS map[account.Type]int
	// EncodedSlash says that paths of the class may hold escapes of "/" and "%" behind the prefix: "12%2F3 King St".
	EncodedSlash bool
	// SamplePath and DocsURL are the class's own, empty where the product's do.
	SamplePath string
	DocsURL    string
}

// MaxAccountQPS is the highest limit that an account may have over all its keys, in calls a second: one item of the lease
// table takes the writes of no more.
const MaxAccountQPS = 20_000

// Match is the product and limit class that a path belongs to. The zero value is no product.
type Match struct {
	Product ID
	Class   Class
}
