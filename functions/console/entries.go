package main

import (
	"errors"
	"strings"

	"latchkey/shared/api"
	"latchkey/shared/appid"
	"latchkey/shared/network"
	"latchkey/shared/origin/entry"
	"latchkey/shared/pasted"
)

// separators are between the entries of what was typed: line ends, and the commas and semicolons of each language. The script of the form
// knows the same.
const separators = "\n\r,;،؛"

// entriesOf splits what was typed at separators, and leaves out what is empty.
func entriesOf(text, separators string) []string {
	list := []string{}
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// wordList splits what has no blank in it: domains as they were typed, and networks.
func wordList(text string) []string { return entriesOf(text, separators+" \t\u00a0\u202f") }

// networkList splits networks, as the API takes them.
func networkList(text string) []string { return allOf(wordList(text), pasted.Unquoted) }

// allOf reads each entry of a list.
func allOf(list []string, read func(string) string) []string {
	for i, one := range list {
		list[i] = read(one)
	}
	return list
}

// domainList splits domains, as the API takes them.
func domainList(text string) []string { return allOf(wordList(text), copiedDomain) }

// copiedDomain leaves out quotation marks, and the slash that browsers put behind an address that has no path: https://www.example.com/.
func copiedDomain(text string) string {
	text = pasted.Unquoted(text)
	bare, found := strings.CutSuffix(text, "/")
	_, host, schemed := strings.Cut(bare, "://")
	if !schemed {
		host = bare
	}
	if !found || host == "" || strings.ContainsAny(host, `/\?#`) {
		return text
	}
	return bare
}

// typedLists are the lists of a key of which a field has the entries: how its text is split, and how an entry is spelled as it will be stored.
var typedLists = []struct {
	name  string
	split func(string) []string
	parse func(string) (string, error)
}{
	{"domains", wordList, func(text string) (string, error) { return entry.Parse(copiedDomain(text)) }},
	{"networks", wordList, func(text string) (string, error) { return network.Parse(pasted.Unquoted(text)) }},
	{"apps", appLines, func(line string) (string, error) {
		a, err := appid.ParseLine(pasted.Unquoted(line))
		return a.String(), err
	}},
}

// refusedEntry is the code for which an entry of such a list is refused, "" if it isn't, and what it could be instead.
func refusedEntry(err error) (code string, suggestions []string) {
	var domain *entry.Error
	var address *network.Error
	var app *appid.Error
	switch {
	case errors.As(err, &domain):
		return string(domain.Code), domain.Suggestions
	case errors.As(err, &address):
		return string(address.Code), address.Suggestions
	case errors.As(err, &app):
		return string(app.Code), app.Suggestions
	}
	return "", nil
}

// labelList splits labels, which may have blanks in them.
func labelList(text string) []string { return entriesOf(text, separators) }

// checked is the result of checking one entry while it is typed.
type checked struct {
	Text        string   `json:"text"`
	Canonical   string   `json:"canonical,omitempty"`
	Problem     string   `json:"problem,omitempty"`
	Warning     string   `json:"warning,omitempty"` // it is valid, and has less effect than it seems
	Suggestions []string `json:"suggestions,omitempty"`
}

const maxChecked = 100

// checkDomains reads entries as the API will, for the form's live check. It answers JSON.
func (a *app) checkDomains(v *visit) error {
	list := []checked{}
	for _, l := range typedLists {
		texts := l.split(v.form(l.name))
		for _, text := range texts[:min(len(texts), maxChecked-len(list))] {
			canonical, err := l.parse(text)
			one := checked{Text: text, Canonical: canonical}
			if code, suggestions := refusedEntry(err); code != "" {
				one.Problem, one.Suggestions = v.fieldText(api.FieldError{Code: code, Suggestions: &suggestions}), suggestions
			}
			if l.name == "networks" && network.Unreachable(canonical) {
				one.Warning = v.t("form.networks.private")
			}
			list = append(list, one)
		}
	}
	return v.json(list)
}
