package product_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/width"

	"latchkey/shared/product"
)

// TestEachCharacterThatIsASCIIInAnotherCaseOrWidthIsReadAsThat: for every letter, the prefix that it becomes where case or width is ignored,
// however its bytes are spelled, is matched by it, and no other is.
func TestEachCharacterThatIsASCIIInAnotherCaseOrWidthIsReadAsThat(t *testing.T) {
	lower, upper, fold := cases.Lower(language.Und), cases.Upper(language.Und), cases.Fold()
	found := 0
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if !unicode.IsLetter(r) {
			continue
		}
		names := map[string]bool{}
		for _, in := range []string{lower.String(string(r)), upper.String(string(r)), fold.String(string(r)), string(unicode.ToLower(r)), string(unicode.ToUpper(r)), width.Fold.String(string(r))} {
			if strings.IndexFunc(in, func(r rune) bool { return r > unicode.MaxASCII }) < 0 {
				names[strings.ToLower(in)] = true
			}
		}
		for name := range names {
			found++
			for mask := range 1 << len(string(r)) {
				for _, hex := range []string{"%%%02x", "%%%02X"} {
					letter := ""
					for i := range len(string(r)) {
						if mask>>i&1 == 1 {
							letter += fmt.Sprintf(hex, string(r)[i])
						} else {
							letter += string(r)[i : i+1]
						}
					}
					if !product.Within("/a/x"+letter+"y/z", "/a/x"+name+"y/") || !product.Within("/"+letter+"/", "/"+name+"/") {
						t.Errorf("%U as %q isn't read as %s", r, letter, name)
					}
					if product.Within("/a/x"+letter+"y/z", "/a/xy/") || product.Within("/a/x"+letter+letter+"y/z", "/a/x"+name+"y/") || product.Within("/a/"+letter, "/a/"+name+"/") {
						t.Errorf("%U as %q is read as something else than %s", r, letter, name)
					}
				}
			}
		}
		if len(names) == 0 {
			for c := byte('a'); c <= 'z'; c++ {
				if product.Within("/"+string(r)+"/", "/"+string(c)+"/") {
					t.Errorf("%U is read as %c", r, c)
				}
			}
		}
	}
	if found != 13+2*26 {
		t.Errorf("%d characters: the tables of case or width have changed", found)
	}
	for _, broken := range []string{"\xc5", "%c5", "%c5%", "%c5%b", "%c5%zz", "\xe2\x84", "%e2%84", "\xc5\xbf\xbf"[1:], "%bf", "%c5/"} {
		if product.Within("/"+broken+"/", "/s/") || product.Within("/"+broken+"/", "/k/") {
			t.Errorf("%q, which is no character, is read as a letter", broken)
		}
	}
}
