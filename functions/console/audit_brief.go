package main

import (
	"slices"
	"strings"
	"unicode/utf8"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// These bound what a list of rows shows of each. The row's own page has all of it.
const (
	rowsOfTrail = 15
	mostFields  = 3   // of a row
	mostItems   = 5   // of a list
	longestFact = 80  // characters of a list
	longestItem = 160 // of one entry, such as an app
)

// change is one of an audit row in words.
type change struct {
	Field, Before, After  string
	MoreBefore, MoreAfter int  // entries that aren't shown
	Same                  int  // entries that are in both, where only the others are shown
	Code                  bool // no words
}

func (c change) empty() bool { return c.Before == "" && c.After == "" && c.Same == 0 }

// change writes a change: whole, or as a list of rows has room for it. all reports that nothing is left out. Of a long list it shows what was
// removed and added.
func (f facts) change(c api.Change, whole bool) (said change, all bool) {
	said.Field, said.Code = f.field(c.Field), slices.Contains(codes, c.Field)
	if whole {
		said.Before, said.After = f.text(c.Field, c.Before), f.text(c.Field, c.After)
		return said, true
	}
	before, after := f.entries(c.Field, c.Before), f.entries(c.Field, c.After)
	if max(len(before), len(after)) > mostItems || ofClasses(c.Before) || ofClasses(c.After) {
		was := slices.Clone(before)
		before = slices.DeleteFunc(before, func(one string) bool { return slices.Contains(after, one) })
		after = slices.DeleteFunc(after, func(one string) bool { return slices.Contains(was, one) })
		said.Same = len(was) - len(before)
	}
	var cutBefore, cutAfter bool
	said.Before, said.MoreBefore, cutBefore = f.few(before)
	said.After, said.MoreAfter, cutAfter = f.few(after)
	return said, said.Same == 0 && !cutBefore && !cutAfter
}

// ofClasses reports whether a value lists what holds for classes or groups of them, such as limits: of those that one change leaves, most stay as
// they are.
func ofClasses(value any) bool {
	items, _ := value.([]any)
	return slices.ContainsFunc(items, func(one any) bool {
		object, _ := one.(map[string]any)
		return object["class"] != nil || object["group"] != nil
	})
}

// entries are the items of a list in words; another value is one item.
func (f facts) entries(field string, value any) (list []string) {
	items, ok := value.([]any)
	if !ok {
		items = []any{value}
	}
	for _, item := range items {
		if text := f.text(field, item); text != "" || ok {
			list = append(list, text)
		}
	}
	return list
}

// few are the first of the entries that there is room for, and how many others there are. cut reports that something is left out.
func (f facts) few(entries []string) (text string, more int, cut bool) {
	n, room := 0, longestFact
	for _, one := range entries[:min(len(entries), mostItems)] {
		if room -= utf8.RuneCountInString(one); n > 0 && room < 0 {
			break
		}
		n++
	}
	shown := slices.Clone(entries[:n])
	if n == 1 {
		if letters := []rune(shown[0]); len(letters) > longestItem {
			shown[0], cut = strings.TrimSpace(string(letters[:longestItem]))+"…", true
		}
	}
	more = len(entries) - n
	if len(entries) == 1 {
		return shown[0], 0, cut
	}
	return f.v.lang.List(shown), more, cut || more > 0
}

// rowURL is the page with all of a row, which its moment, action and key tell apart.
func (d *auditPage) rowURL(row api.AuditRow) string {
	return withQuery(d.Trail, queryOf(map[string]string{"at": moment.Format(row.At.Time), "action": row.Action, "key": orNone(row.KeyId)}))
}
