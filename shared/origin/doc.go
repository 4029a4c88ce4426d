// Package origin decides whether a call comes from a page that a key allows.
//
// The gate links this package, so it uses the standard library alone and compares ASCII: patterns were made canonical
// by package origin/entry when they were saved. An origin is accepted in its canonical serialised form and nothing
// else, because every lenient URL parser reads some hostile text differently from a browser.
//
// Both headers that name an origin can be forged outside a browser. This stops the use of a key on other people's
// pages; it is not authentication. docs/glossary.md explains domain pattern.
package origin
