// Package ascii reads ASCII letters and hexadecimal digits where a decision depends on them: unlike package strings it folds nothing beyond
// ASCII, so that "ſ" is no "s". It doesn't allocate.
package ascii

// Lower returns a letter in lower case, and any other byte as it is.
func Lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// EqualFold reports whether a text is lower, which is in lower case, in any case of letters.
func EqualFold[T ~string | ~[]byte](text T, lower string) bool {
	if len(text) != len(lower) {
		return false
	}
	for i := range len(lower) {
		if Lower(text[i]) != lower[i] {
			return false
		}
	}
	return true
}

// Hex returns the value of a hexadecimal digit in any case, 0xff for any other byte.
func Hex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	default:
		return 0xff
	}
}
