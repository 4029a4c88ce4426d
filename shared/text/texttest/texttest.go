// Package texttest has the inputs that every text of every request must refuse.
package texttest

import (
	"fmt"
	"net/url"
	"strings"
)

// Refused are texts that neither a line nor a block may be, by name: the characters and the texts that show nothing.
var Refused = map[string]string{
	"override": "a\u202eb", "override alone": "\u202e", "zero-width space alone": "\u200b", "byte order mark alone": "\ufeff",
	"line separator": "a\u2028b", "paragraph separator": "a\u2029b",
	"NUL": "a\x00b", "ESC": "\x1b[31mred", "DEL": "a\x7fb", "C1": "a\u009bb", "lone CR": "a\rb",
	"word joiner": "\u2060", "Hangul filler": "\u3164", "soft hyphen": "\u00ad", "Braille blank": "\u2800", "grapheme joiner": "\u034f",
	"invisible separator": "\u2063", "Hangul choseong filler": "\u115f", "tag space": "\U000e0020",
	"Hangul filler inside": "a\u3164b", "grapheme joiner inside": "a\u034fb", "Khmer inherent vowel": "a\u17b4", "Hangul jungseong filler": "\u1160b",
	"kept for more of these": "a\ufff0b", "halfwidth filler": "ab\uffa0", "null notehead": "\U0001d159", "Egyptian blanks": "\U00013441\U00013442",
	"joiners alone": "\u200c\u200d", "a mark alone": "\u0301",
	"no character FFFE": "a\ufffeb", "no character FFFF": "a\uffffb", "no character FDD0": "a\ufdd0b", "no character 1FFFF": "a\U0001ffffb",
}

// RefusedInLine are texts of more than one line, which a block may be.
var RefusedInLine = map[string]string{"line feed": "a\nb", "tab": "a\tb"}

// Spellings are the forms in which people and programs carry a secret into a text.
func Spellings(secret string) map[string]string {
	wide := strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r + 0xfee0
		}
		return r
	}, secret)
	var percent strings.Builder
	for _, b := range []byte(secret) {
		fmt.Fprintf(&percent, "%%%02x", b)
	}
	return map[string]string{
		"as it is":                            secret,
		"in a sentence":                       "our key (" + secret + ") is it",
		"in a URL":                            "https://a.example/?key=" + secret + "&z=1",
		"with more letters behind":            secret + "Xy",
		"with letters before":                 "x" + secret,
		"in full width":                       wide,
		"with blanks inside":                  secret[:10] + " " + secret[10:20] + "\u00a0" + secret[20:],
		"with invisible inside":               secret[:10] + "\u200d" + secret[10:20] + "\u2800" + secret[20:],
		"in full width, accented":             wide + "\u0300",
		"struck through":                      strings.Join(strings.Split(secret, ""), "\u0336"),
		"broken with a hyphen":                secret[:12] + "-\n" + secret[12:],
		"joined by a program":                 `"` + secret[:12] + `" + "` + secret[12:] + `"`,
		"joined by a shell":                   "'" + secret[:12] + "'\\\n'" + secret[12:] + "'",
		"quoted in a mail":                    "> " + secret[:12] + "\n> " + secret[12:],
		"with a written line end":             secret[:12] + `\n` + secret[12:],
		"in groups":                           secret[:3] + strings.Join(groups(secret[3:]), "-"),
		"in groups, encoded":                  url.PathEscape(secret[:3] + strings.Join(groups(secret[3:]), "+")),
		"percent-encoded":                     percent.String(),
		"escaped underscore":                  strings.Replace(secret, "_", "%5F", 1),
		"a written line end, escaped":         strings.Replace(secret[:12]+`\n`+secret[12:], "_", "%5F", 1),
		"an escaped written line end":         secret[:12] + "%5Cn" + secret[12:],
		"a written line end inside an escape": strings.Replace(secret, "_", `%5\nF`, 1),
		"escaped, beside bad ones":            "100% " + strings.Replace(secret, "_", "%5f", 1) + " %zz",
		"escaped full width":                  url.PathEscape(wide),
		"full-width escape":                   strings.Replace(secret, "_", "\uff055\uff26", 1),
		"blanks inside an escape":             strings.Replace(secret, "_", "%5 f", 1),
	}
}

// groups cuts a text into pieces of four.
func groups(text string) (list []string) {
	for len(text) > 4 {
		list, text = append(list, text[:4]), text[4:]
	}
	return append(list, text)
}
