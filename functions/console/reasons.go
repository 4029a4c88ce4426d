package main

import (
	"strings"
	"sync"

	"latchkey/functions/console/internal/locale"
)

// blockReasons are offered for a block. The text of the one that is chosen is stored, in the language of the operator.
var blockReasons = []string{"traffic", "leaked", "terms", "payment", "asked"}

// reasonsByText finds the message of a stored reason by its text in any language.
var reasonsByText = sync.OnceValue(func() map[string]string {
	found := map[string]string{}
	texts, err := allTexts()
	if err != nil {
		return found // newApp has said so
	}
	for _, lang := range texts.Offered() {
		for _, one := range blockReasons {
			key := "block.reason." + one
			found[lang.Text(key)] = key
		}
	}
	return found
})

// reasonIn is a stored reason for who reads it: one that was chosen from the list is in their language, and the details after it, or a
// reason in an operator's own words, are as they were written.
func reasonIn(lang *locale.Language, stored string) string {
	first, details, more := strings.Cut(stored, "\n")
	key, known := reasonsByText()[first]
	if !known {
		return stored
	}
	if more {
		return lang.Text(key) + "\n" + details
	}
	return lang.Text(key)
}
