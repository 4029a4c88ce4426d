// Package pasted reads single values that people paste: a domain, a network, an e-mail address, an ID. It is pure, and small enough for the gate to
// link what uses it.
package pasted

import "strings"

// unseen are characters that nobody sees and that no such value has: marks, embeddings and isolates of direction, which come along from text in
// Arabic, from messages and from spreadsheets; the soft hyphen; blanks without a width. The joiners (U+200C and U+200D) aren't among them: names of
// domains may have them.
var unseen = strings.NewReplacer(
	"\u00ad", "", "\u061c", "", "\u180e", "", "\u200b", "", "\u200e", "", "\u200f", "", "\u202a", "", "\u202b", "", "\u202c", "", "\u202d", "", "\u202e", "",
	"\u2060", "", "\u2066", "", "\u2067", "", "\u2068", "", "\u2069", "", "\ufeff", "",
)

// Value returns a value without the characters that nobody sees, and without blanks of any width at its ends. Names and texts aren't read by it: they
// keep what they need.
func Value(text string) string { return strings.TrimSpace(unseen.Replace(text)) }

// quotes has the characters that programs and people write around a value.
const quotes = "<>\"'`“”„‘’‚«»‹›"

// Unquoted returns a value without what people and programs write around it: brackets, quotation marks, and the comma or semicolon of a list.
func Unquoted(text string) string {
	return strings.TrimFunc(strings.TrimRight(Value(text), ",; \t\r\n\u00a0"), func(r rune) bool {
		return strings.ContainsRune(quotes, r) || strings.TrimSpace(string(r)) == ""
	})
}
