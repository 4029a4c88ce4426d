// Package text holds the two types of what people type: a [Line] (a name, a label) and a [Block] (a reason, a comment).
// What they may hold is decided by Unicode property, in one place, and neither may hold a secret of the stack: such a
// text would be stored, shown and sent on, and the secret would be in all of these.
//
// It is pure. The gate doesn't link it: its tables are large.
package text

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Why a text is refused. No error quotes the text.
var (
	ErrLength    = errors.New("text: too short or too long")
	ErrCharacter = errors.New("text: it holds a character that isn't allowed")
	ErrInvisible = errors.New("text: it shows nothing")
	ErrSecret    = errors.New("text: it holds a secret of this stack")
)

// Line is a text of one line, in Unicode's composed form, without blanks at its ends. The zero Line is empty.
type Line struct{ text string }

// String is the text.
func (l Line) String() string { return l.text }

// Block is a text of several lines, separated by "\n". The zero Block is empty.
type Block struct{ text string }

// String is the text.
func (b Block) String() string { return b.text }

// ParseLine reads a line of least to most characters. With least 0 an empty text is taken.
func (s Secrets) ParseLine(typed string, least, most int) (Line, error) {
	text, err := s.parse(typed, least, most, false)
	return Line{text}, err
}

// ParseBlock reads a block of least to most characters. Line ends of all kinds become "\n".
func (s Secrets) ParseBlock(typed string, least, most int) (Block, error) {
	text, err := s.parse(strings.ReplaceAll(typed, "\r\n", "\n"), least, most, true)
	return Block{text}, err
}

// maxBytes bounds what is looked at at all: no text that is taken comes near it.
const maxBytes = 64 << 10

func (s Secrets) parse(typed string, least, most int, block bool) (string, error) {
	if len(typed) > maxBytes {
		return "", ErrLength
	}
	if !utf8.ValidString(typed) {
		return "", ErrCharacter
	}
	if s.In(typed) { // before the length: the secret has to be replaced, whatever else is wrong
		return "", ErrSecret
	}
	text := strings.TrimSpace(norm.NFC.String(typed))
	n := utf8.RuneCountInString(text)
	switch {
	case n == 0 && least == 0:
		return "", nil
	case n < least || n > most:
		return "", ErrLength
	}
	shows, hides := false, false
	for _, r := range text {
		if !allowed(r, block) {
			return "", ErrCharacter
		}
		shows, hides = shows || visible(r), hides || unseen(r)
	}
	switch {
	case !shows:
		return "", ErrInvisible
	case hides:
		return "", ErrCharacter
	}
	return text, nil
}

// allowed reports whether a character may stand in a text. Not: controls (but tab and line feed in a block), format
// characters that hide or reorder text (but the joiners that scripts and emoji need), separators of lines and
// paragraphs, and code points that are no characters.
func allowed(r rune, block bool) bool {
	switch {
	case r == '\n' || r == '\t':
		return block
	case r == zwj || r == zwnj:
		return true
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Cs, unicode.Noncharacter_Code_Point):
		return false
	}
	return true
}

const (
	zwnj         = '\u200c'
	zwj          = '\u200d'
	brailleBlank = '\u2800'
	nullNotehead = '\U0001d159'
	fullBlank    = '\U00013441' // of Egyptian hieroglyphs, letters by category
	halfBlank    = '\U00013442'
)

// visible reports whether a character shows something by itself.
func visible(r rune) bool {
	return !ignorable(r) && !blank(r) && !unicode.In(r, unicode.M)
}

func blank(r rune) bool {
	switch r {
	case brailleBlank, nullNotehead, fullBlank, halfBlank:
		return true
	}
	return unicode.IsSpace(r)
}

// ignorable is Unicode's Default_Ignorable_Code_Point, as far as Go's tables name its parts.
func ignorable(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// unseen reports whether a character never shows, and no script in use or emoji needs it: fillers, the grapheme joiner, what Unicode
// keeps for more of these. Texts that are typed have none.
func unseen(r rune) bool { return unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) }

// Shown returns a stored text as pages show it. Texts that were taken by looser rules may hold what neither a Line nor a Block
// may: each such character is shown as U+FFFD, or left out if it would show nothing. A text that shows nothing is U+FFFD.
func Shown(stored string) string {
	shows := false
	shown := strings.Map(func(r rune) rune {
		switch {
		case unseen(r):
			return -1
		case !allowed(r, true):
			r = utf8.RuneError
		}
		shows = shows || visible(r)
		return r
	}, stored)
	if !shows && stored != "" {
		return string(utf8.RuneError)
	}
	return shown
}

// Same reports whether a typed text is a stored one, as that is shown: pages show runs of blanks as one, a keyboard may write
// an accent as a character of its own, and nobody types what doesn't show, such as joiners and variation selectors.
func Same(stored, typed string) bool {
	return typed == stored || outline(Shown(stored)) == outline(typed)
}

// outline leaves of a text what can be seen.
func outline(text string) string {
	return oneBlank(norm.NFC.String(strings.Map(func(r rune) rune {
		switch {
		case ignorable(r):
			return -1
		case blank(r):
			return ' '
		}
		return r
	}, text)))
}

func oneBlank(text string) string { return strings.Join(strings.Fields(text), " ") }

// Fold is the form in which texts are searched: without regard to case, width, ligatures, blanks and what doesn't show,
// so that names that look alike are found by each other.
func Fold(text string) string {
	visible := strings.Map(func(r rune) rune {
		if ignorable(r) {
			return -1
		}
		return r
	}, norm.NFKC.String(text))
	return oneBlank(norm.NFKC.String(strings.ToLower(cases.Fold().String(visible)))) // Cherokee folds one way and back
}

// tatweel makes an Arabic word longer, and means nothing.
const tatweel = '\u0640'

// alike writes in one way what keyboards and people write in several: apostrophes, ligatures of letters, and Arabic letters that differ in a
// hamza or in their dots at the end of a word. The other forms of the alef are it and a mark.
var alike = strings.NewReplacer("’", "'", "‘", "'", "‛", "'", "ʼ", "'", "′", "'", "`", "'", "œ", "oe", "æ", "ae", "ٱ", "ا", "ة", "ه", "ى", "ي")

// Loose is Fold without what people leave out as they search: accents and the vowel marks of Arabic and Hebrew, and what alike makes one. Texts that
// are equal in it may differ, so it is for searches alone. Marks of other scripts stay: there they make other letters. The console's script compares
// so too; testdata/loose.json holds both.
func Loose(text string) string {
	folded := Fold(text)
	var b strings.Builder
	marked := false // the last letter is of a script whose marks are left out
	for _, r := range norm.NFD.String(folded) {
		switch {
		case unicode.Is(unicode.Mn, r):
			if marked {
				continue
			}
		case r == tatweel:
			continue
		default:
			marked = unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Arabic, unicode.Hebrew)
		}
		b.WriteRune(r)
	}
	if loose := alike.Replace(norm.NFC.String(b.String())); strings.TrimSpace(loose) != "" {
		return loose
	}
	return folded
}

// HasWords reports whether a text has each of some folded words, or words of which they are parts, in any order, all of them loosely.
func HasWords(text string, words []string) bool {
	loose := Loose(text)
	for _, word := range words {
		if !strings.Contains(loose, Loose(word)) {
			return false
		}
	}
	return true
}
