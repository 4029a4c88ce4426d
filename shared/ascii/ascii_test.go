package ascii_test

import (
	"strconv"
	"strings"
	"testing"

	"latchkey/shared/ascii"
)

// TestEachByteIsReadAsASCIIAlone: of all bytes, only the letters A to Z have a lower case, and only 22 are digits.
func TestEachByteIsReadAsASCIIAlone(t *testing.T) {
	for i := range 256 {
		c := byte(i)
		lower, digit := c, byte(0xff)
		if i < 0x80 {
			lower = strings.ToLower(string(rune(c)))[0]
			if n, err := strconv.ParseUint(string(rune(c)), 16, 8); err == nil {
				digit = byte(n)
			}
		}
		if ascii.Lower(c) != lower || ascii.Hex(c) != digit {
			t.Errorf("%#x: lower %#x, digit %#x", c, ascii.Lower(c), ascii.Hex(c))
		}
	}
}

// TestTextsAreFoldedInASCIIAlone: neither a letter beyond ASCII is another text nor one of another length.
func TestTextsAreFoldedInASCIIAlone(t *testing.T) {
	for _, tt := range []struct {
		text, lower string
		equal       bool
	}{
		{"", "", true},
		{"Key", "key", true},
		{"KEY-Z@[`{", "key-z@[`{", true},
		{"keys", "key", false},
		{"ke", "key", false},
		{"", "k", false},
		{"kez", "key", false},
		{"K`", "k@", false},
		{"k[", "k{", false},
		{"\u212aey", "key", false},
		{"ſ", "s", false},
		{"\xcb", "\xeb", false},
	} {
		if got := ascii.EqualFold(tt.text, tt.lower); got != tt.equal || got != ascii.EqualFold([]byte(tt.text), tt.lower) {
			t.Errorf("%q is %q: %v", tt.text, tt.lower, got)
		}
	}
}
