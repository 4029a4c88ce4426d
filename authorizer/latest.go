package main

import (
	"crypto/subtle"

	"latchkey/shared/apikey"
)

// latestSecret is the secret of the call before, which is often the next one's, with its hash: to read a secret and to hash it takes
// fifty cache lines of code, which a call finds cold. The text is in memory until another secret comes; what was read of an event
// is, too, until the next event.
type latestSecret struct {
	text []byte
	hash apikey.Hash
}

// hashOf is the hash of a secret, or Parse's error. The time that it takes tells whether a text is the whole secret of the call before,
// and nothing else of that one.
func (l *latestSecret) hashOf(prefix apikey.Prefix, text string) (apikey.Hash, error) {
	if len(l.text) > 0 && subtle.ConstantTimeCompare(l.text, []byte(text)) == 1 {
		return l.hash, nil
	}
	secret, err := prefix.Parse(text)
	if err != nil {
		return apikey.Hash{}, err
	}
	l.text, l.hash = append(l.text[:0], text...), secret.Hash()
	return l.hash, nil
}
