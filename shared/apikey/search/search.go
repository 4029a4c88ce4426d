// Package search finds keys by what somebody types of them: one account's list and the operators' search over all accounts have the same rules.
package search

import (
	"strings"
	"unicode/utf8"

	"latchkey/shared/apikey"
	"latchkey/shared/origin/entry"
	"latchkey/shared/text"
)

// Most bounds what is typed, in characters.
const Most = 64

// minCode is the length from which a word is looked for in previews, key IDs and apps too: shorter ones are in them by chance.
const minCode = 4

// Words holds what a key is searched by, folded. Without any, every key is found.
type Words []string

// Nothing finds no key.
var Nothing = Words{"\x00"}

// Parse reads words, in any case, as they are typed.
func Parse(typed string) Words { return strings.Fields(text.Fold(typed)) }

// Find reports whether every word is a part of something that the key is known by: its name or a label, loosely; a domain, of which the word may
// be a page's address; its ID, a preview or an app.
func (w Words) Find(k apikey.Key) bool {
	if len(w) == 0 {
		return true
	}
	said := text.Loose(strings.Join(append([]string{k.Name}, k.Labels...), "\n"))
	domains := folded(k.Domains)
	codes := append([]string{string(k.ID), k.Current.Preview}, k.Apps...)
	if k.Outgoing != nil {
		codes = append(codes, k.Outgoing.Preview)
	}
	coded := folded(codes)
	for _, word := range w {
		if strings.Contains(said, text.Loose(word)) || strings.Contains(domains, word) || utf8.RuneCountInString(word) >= minCode && strings.Contains(coded, word) {
			continue
		}
		if host, err := entry.ASCII(hostOf(word)); err != nil || host == "" || !strings.Contains(domains, host) {
			return false
		}
	}
	return true
}

// hostOf returns the host of a word that is the address of a page, or the word itself.
func hostOf(word string) string {
	_, rest, has := strings.Cut(word, "://")
	if !has {
		rest = word
	}
	host := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host = rest[:i]
	}
	if !has && !strings.Contains(host, ".") {
		return word // no address, as in "web/app"
	}
	host = host[strings.LastIndex(host, "@")+1:]
	if i := strings.LastIndex(host, ":"); i > strings.LastIndex(host, "]") {
		host = host[:i]
	}
	return host
}

// folded joins texts for a search by words, none of which has a blank.
func folded(texts []string) string { return text.Fold(strings.Join(texts, "\n")) }
