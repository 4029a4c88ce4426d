package locale

import (
	"slices"
	"strings"
)

// Messages returns the catalogue.
func (l *Language) Messages() Catalogue { return l.messages }

// Placeholders returns the names of a text's arguments, sorted.
func Placeholders(text string) []string {
	var names []string
	for {
		_, after, found := strings.Cut(text, "{")
		name, rest, closed := strings.Cut(after, "}")
		if !found || !closed {
			slices.Sort(names)
			return slices.Compact(names)
		}
		names, text = append(names, name), rest
	}
}
