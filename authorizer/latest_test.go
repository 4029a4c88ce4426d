package main

import (
	"bytes"
	"strings"
	"testing"

	"latchkey/shared/apikey"
)

// TestTheSecretOfTheCallBeforeIsNoOtherOne compares each hash with that of the secret itself, in any order of secrets and of texts that are
// none: one byte more, less or other than the secret before makes it another text.
func TestTheSecretOfTheCallBeforeIsNoOtherOne(t *testing.T) {
	prefix := apikey.Prefix("ak")
	var texts []string
	for _, random := range []string{"a", "b"} {
		secret, err := prefix.Generate(strings.NewReader(strings.Repeat(random+"bcdefgh", 20)))
		if err != nil {
			t.Fatal(err)
		}
		text := secret.Reveal()
		texts = append(texts, text, "", text[:len(text)-1], text+"0", "AK"+text[2:])
		for i := range text {
			other := []byte(text)
			other[i] ^= 1
			texts = append(texts, string(other))
		}
	}
	var l latestSecret
	for i := -1; i < len(texts); i++ {
		for _, text := range []string{texts[max(i, 0)], texts[0], texts[max(i, 0)]} {
			if i < 0 {
				text = "" // before any other
			}
			got, err := l.hashOf(prefix, text)
			secret, wantErr := prefix.Parse(text)
			if (err == nil) != (wantErr == nil) || err == nil && got != secret.Hash() || err != nil && got != (apikey.Hash{}) {
				t.Fatalf("%q after %q: %x, %v; want %v", text, l.text, got, err, wantErr)
			}
			if err == nil && !bytes.Equal(l.text, []byte(text)) {
				t.Fatalf("%q is kept in place of %q", l.text, text)
			}
		}
	}
}
