// Package locale turns message keys, numbers and moments into what people read. Its catalogues are JSON: a key has a text,
// or one text for each plural form, which is chosen by the argument "n". Texts name their arguments in braces.
package locale

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Message is one entry of a catalogue, by plural form; a text without forms is its "other".
type Message map[string]string

// UnmarshalJSON reads a text, or an object of plural forms.
func (m *Message) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		*m = Message{"other": text}
		return nil
	}
	forms := map[string]string{}
	if err := json.Unmarshal(raw, &forms); err != nil {
		return err
	}
	if forms["other"] == "" {
		return fmt.Errorf("locale: a message with plural forms needs %q", "other")
	}
	*m = forms
	return nil
}

// Catalogue is the messages of a language.
type Catalogue map[string]Message

// Pseudo-languages for tests: long and accented, from left to right and from right to left. They aren't offered.
const (
	PseudoLong = "en-XA"
	PseudoRTL  = "ar-XB"
)

// Language is one that the console speaks.
type Language struct {
	Tag  string // for the lang attribute
	Name string // in itself
	Dir  string // ltr or rtl

	// Said is told of each message that is rendered, if it is set: tests look which page says what.
	Said func(key string)

	messages Catalogue
	format   language.Tag
	printer  *message.Printer
}

// Languages is all of them.
type Languages struct {
	offered []*Language
	usual   *Language
	all     map[string]*Language
	matcher language.Matcher
}

// Load reads the folders of a file system: one for each language, with JSON files that are read as one catalogue.
func Load(files fs.FS, tags ...string) (*Languages, error) {
	l := &Languages{all: map[string]*Language{}}
	var supported []language.Tag
	for _, tag := range tags {
		catalogue, err := read(files, tag)
		if err != nil {
			return nil, err
		}
		known := language.Make(tag)
		format, err := known.SetTypeForKey("nu", "latn") // digits as in keys, paths and the API, in every language
		if err != nil {
			return nil, err
		}
		one := newLanguage(tag, direction(known), format, catalogue)
		l.offered, l.all[tag] = append(l.offered, one), one
		supported = append(supported, known)
	}
	l.usual = l.offered[0]
	pseudo := pseudonymise(l.offered[0].messages)
	l.all[PseudoLong] = newLanguage(PseudoLong, "ltr", l.offered[0].format, pseudo)
	l.all[PseudoRTL] = newLanguage(PseudoRTL, "rtl", l.offered[0].format, pseudo)
	l.matcher = language.NewMatcher(supported)
	return l, nil
}

func newLanguage(tag, dir string, format language.Tag, messages Catalogue) *Language {
	return &Language{Tag: tag, Dir: dir, Name: messages["language.name"]["other"], messages: messages, format: format, printer: message.NewPrinter(format)}
}

// direction is that of a language's script.
func direction(t language.Tag) string {
	switch script, _ := t.Script(); script.String() {
	case "Arab", "Hebr", "Syrc", "Thaa":
		return "rtl"
	}
	return "ltr"
}

func read(files fs.FS, tag string) (Catalogue, error) {
	names, err := fs.Glob(files, path.Join(tag, "*.json"))
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("locale: no messages for %s", tag)
	}
	all := Catalogue{}
	for _, name := range names {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		var part Catalogue
		if err := json.Unmarshal(raw, &part); err != nil {
			return nil, fmt.Errorf("locale: %s: %w", name, err)
		}
		for key, m := range part {
			if _, twice := all[key]; twice {
				return nil, fmt.Errorf("locale: %s: %s is there twice", name, key)
			}
			all[key] = m
		}
	}
	return all, nil
}

// Offered lists the languages to choose from.
func (l *Languages) Offered() []*Language { return l.offered }

// Prefer makes a language the one for people whose browsers name none that is offered, which is the first until then. It leaves
// things as they are if the language isn't offered.
func (l *Languages) Prefer(tag string) {
	for _, one := range l.offered {
		if one.Tag == tag {
			l.usual = one
		}
	}
}

// Say returns the same languages with a value in the place of an argument in all messages, for what never changes.
func (l *Languages) Say(name, value string) *Languages {
	said := *l
	said.all = map[string]*Language{}
	for tag, one := range l.all {
		said.all[tag] = one.say(name, value)
	}
	said.offered = nil
	for _, one := range l.offered {
		said.offered = append(said.offered, said.all[one.Tag])
	}
	said.usual = said.all[l.usual.Tag]
	return &said
}

func (l *Language) say(name, value string) *Language {
	said := *l
	said.messages = make(Catalogue, len(l.messages))
	for key, m := range l.messages {
		said.messages[key] = m.say("{"+name+"}", l.apart(key, value))
	}
	return &said
}

// say copies a message that has the argument, and no other: few have it, and there are thousands.
func (m Message) say(argument, value string) Message {
	if !m.names(argument) {
		return m
	}
	said := make(Message, len(m))
	for form, text := range m {
		said[form] = strings.ReplaceAll(text, argument, value)
	}
	return said
}

func (m Message) names(argument string) bool {
	for _, text := range m {
		if strings.Contains(text, argument) {
			return true
		}
	}
	return false
}

// Choose takes the chosen language if there is one, or what fits an Accept-Language header best.
func (l *Languages) Choose(chosen, accept string) *Language {
	if one, ok := l.all[chosen]; ok {
		return one
	}
	wanted, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(wanted) == 0 {
		return l.usual
	}
	_, i, confidence := l.matcher.Match(wanted...)
	if confidence == language.No {
		return l.usual
	}
	return l.offered[i]
}

// Has reports whether there is a message.
func (l *Language) Has(key string) bool { _, ok := l.messages[key]; return ok }

// Known is the first of some keys that has a message, "" if none has.
func (l *Language) Known(keys ...string) string {
	for _, key := range keys {
		if l.Has(key) {
			return key
		}
	}
	return ""
}

// Or is a message without arguments, or something else where there is none.
func (l *Language) Or(key, otherwise string) string {
	if !l.Has(key) {
		return otherwise
	}
	return l.Text(key)
}

// Text renders a message with arguments in pairs of name and value. An unknown key is shown as such: tests look for it.
func (l *Language) Text(key string, pairs ...any) string {
	m, ok := l.messages[key]
	if !ok {
		return "⟦" + key + "⟧"
	}
	if l.Said != nil {
		l.Said(key)
	}
	text := m["other"]
	if len(pairs) == 0 {
		return text
	}
	replace := make([]string, 0, len(pairs))
	for i := 0; i+1 < len(pairs); i += 2 {
		name, value := fmt.Sprint(pairs[i]), pairs[i+1]
		if p, ok := value.(*string); ok && p != nil { // as a member of an answer that may be null
			value = *p
		}
		if n, isNumber := integer(value); isNumber {
			if name == "n" {
				text = l.form(m, n)
			}
			value = l.Number(n)
		} else {
			value = l.apart(key, fmt.Sprint(value))
		}
		replace = append(replace, "{"+name+"}", fmt.Sprint(value))
	}
	return strings.NewReplacer(replace...).Replace(text)
}

// List joins texts by the language's comma.
func (l *Language) List(texts []string) string {
	apart := make([]string, len(texts))
	for i, one := range texts {
		apart[i] = l.Isolate(one)
	}
	return strings.Join(apart, l.Text("format.comma"))
}

// Isolate is a text as a part of one in this language, so that it keeps its direction.
func (l *Language) Isolate(text string) string { return l.apart("", text) }

// apart isolates a text inside of one that runs from right to left: a name such as "Shop (old)" is otherwise torn apart, since
// its brackets and points follow the text around it. What has no letter from left to right stays as it is.
func (l *Language) apart(key, value string) string {
	if l.Dir != "rtl" || strings.HasPrefix(key, "format.") || !strings.ContainsFunc(value, leftToRight) {
		return value
	}
	return firstStrongIsolate + value + popIsolate
}

func leftToRight(r rune) bool {
	return unicode.IsLetter(r) && !unicode.In(r, unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana)
}

// What begins and ends a part of a text that has its own direction: that of its first letter.
const (
	firstStrongIsolate = "\u2068"
	popIsolate         = "\u2069"
)
