package authz

import "latchkey/shared/ascii"

// ownHeaders are the names that the gate and the gateway set for the upstream, in lower case.
var ownHeaders = [...]string{
	"x-api-key", "x-latchkey-key-id", "x-latchkey-account-id", "x-latchkey-product", "x-latchkey-gateway-secret",
}

// Imitates reports whether an upstream that reads "_" and other marks in the names of headers as "-", as CGI does, may
// take a header for one that the gateway sets: its letters and digits begin with "xlatchkey" or are "xapikey", and it
// isn't written as one of the gate's own in any case of letters. The gateway overwrites those. It doesn't allocate.
func Imitates(name string) bool {
	return (spells(name, "xlatchkey", true) || spells(name, "xapikey", false)) && !isOwn(name)
}

// spells reports whether the letters and digits of a name are word, or begin with it.
func spells(name, word string, begin bool) bool {
	at := 0
	for i := range len(name) {
		c := ascii.Lower(name[i])
		switch {
		case (c < 'a' || c > 'z') && (c < '0' || c > '9'):
		case at == len(word):
			return begin
		case c != word[at]:
			return false
		default:
			at++
		}
	}
	return at == len(word)
}

func isOwn(name string) bool {
	for _, own := range ownHeaders {
		if ascii.EqualFold(name, own) {
			return true
		}
	}
	return false
}
