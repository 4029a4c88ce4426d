package apikey

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// The shape of a secret: prefix, "_", 27 random base62 characters (160 bits), 6 base62 characters of CRC-32 over
// the part before them. Alphanumeric after the prefix, so that a double click selects it and secret
// scanners can find it.
const (
	randomLen   = 27
	checksumLen = 6
	previewEnds = 4
	longest     = MaxPrefix + len("_") + randomLen + checksumLen
	alphabet    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// DefaultPrefix starts secrets unless the stack's KeyPrefix parameter says otherwise.
const DefaultPrefix Prefix = "ak"

// MaxPrefix is the greatest length of a prefix.
const MaxPrefix = 8

// ErrMalformed means that a text can't be a secret: wrong prefix, length, alphabet or checksum.
var ErrMalformed = errors.New("apikey: malformed secret")

// Secret is the string that a program sends. It prints as [redacted] wherever it is formatted, logged or
// marshalled; Reveal is the only way to its text. The zero Secret is no secret.
type Secret struct{ text string }

const redacted = "[redacted]"

// String hides the secret from fmt.
func (Secret) String() string { return redacted }

// GoString hides the secret from %#v.
func (Secret) GoString() string { return redacted }

// Format hides the secret from every verb of fmt, %x and %q too.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue hides the secret from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON hides the secret from encoding/json.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText hides the secret from every other encoder.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Reveal returns the text. Call it only where the text goes to its one reader.
func (s Secret) Reveal() string { return s.text }

// IsZero reports whether s is no secret.
func (s Secret) IsZero() bool { return s.text == "" }

// Hash returns the secret's hash, which is stored and looked up in place of the secret.
func (s Secret) Hash() Hash {
	var memory [longest]byte // on the stack, for a conversion would allocate
	return sha256.Sum256(append(memory[:0], s.text...))
}

// Preview is the only part of a secret that is shown again: prefix, first four and last four characters.
func (s Secret) Preview() string {
	if s.text == "" {
		return ""
	}
	body := len(s.text) - randomLen - checksumLen
	return s.text[:body+previewEnds] + "…" + s.text[len(s.text)-previewEnds:]
}

// Prefix starts a stack's secrets and tells them from other strings: 2 to 8 lower-case letters or digits, a letter
// first. The template's parameter KeyPrefix takes the same.
type Prefix string

// ParsePrefix checks a prefix.
func ParsePrefix(text string) (Prefix, error) {
	if len(text) < 2 || len(text) > MaxPrefix || text[0] < 'a' || text[0] > 'z' {
		return "", prefixError(text)
	}
	for i := range len(text) {
		if c := text[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return "", prefixError(text)
		}
	}
	return Prefix(text), nil
}

func prefixError(text string) error {
	return fmt.Errorf("apikey: prefix %q: want 2 to 8 lower-case letters or digits, a letter first", text)
}

// SecretLength is the number of bytes of a secret of this prefix.
func (p Prefix) SecretLength() int { return len(p) + 1 + randomLen + checksumLen }

// Resembles reports whether a text holds what is left of a secret where letters have lost their case and the underscore may
// have become another separator, as in the name of a host. The checksum says little then, and whose secret it was can be
// found out from what is left.
func (p Prefix) Resembles(text string) bool {
	const body = randomLen + checksumLen
	for i := 0; i+len(p)+1+body <= len(text); i++ {
		separator := text[i+len(p)]
		if (separator == '_' || separator == '-' || separator == '.') && strings.EqualFold(text[i:i+len(p)], string(p)) && run(text[i+len(p)+1:]) >= body {
			return true
		}
	}
	return false
}

// HoldsBody reports whether a text holds just as many letters and digits in a row as a secret has behind its prefix.
func HoldsBody(text string) bool {
	for len(text) > 0 {
		n := run(text)
		if n == randomLen+checksumLen {
			return true
		}
		text = text[min(n+1, len(text)):]
	}
	return false
}

// run is the number of letters and digits with which a text begins.
func run(text string) (n int) {
	for n < len(text) {
		c := text[n] | 0x20
		if (c < 'a' || c > 'z') && (text[n] < '0' || text[n] > '9') {
			break
		}
		n++
	}
	return n
}

// Generate makes a secret from 160 bits and more of random, which is crypto/rand.Reader outside of tests.
func (p Prefix) Generate(random io.Reader) (Secret, error) {
	text := make([]byte, 0, len(p)+1+randomLen+checksumLen)
	text = append(text, p...)
	text = append(text, '_')
	var buf [randomLen]byte
	for need := randomLen; need > 0; {
		if _, err := io.ReadFull(random, buf[:need]); err != nil {
			return Secret{}, fmt.Errorf("apikey: generate: %w", err)
		}
		for _, b := range buf[:need] {
			// 248 is the largest multiple of 62 that a byte holds: refusing the rest keeps the characters uniform.
			if b < 248 {
				text = append(text, alphabet[b%62])
				need--
			}
		}
	}
	return Secret{string(appendChecksum(text))}, nil
}

// Parse reads a secret of this prefix. It checks the shape and the checksum, so a mistyped secret is found
// without asking a store. Errors are [ErrMalformed] and never quote the text.
func (p Prefix) Parse(text string) (Secret, error) {
	body := len(p) + 1 + randomLen
	if len(p) == 0 || len(text) != body+checksumLen || text[:len(p)] != string(p) || text[len(p)] != '_' {
		return Secret{}, ErrMalformed
	}
	if !allBase62(text[len(p)+1:]) {
		return Secret{}, ErrMalformed
	}
	sum := checksum(text[:body])
	if text[body:] != string(sum[:]) {
		return Secret{}, ErrMalformed
	}
	return Secret{text}, nil
}

// base62 has a bit for each character of the alphabet. What a secret's characters are can't be foreseen, so the loop has no branch for it.
var base62 = func() (set [256 / 32]uint32) {
	for _, c := range []byte(alphabet) {
		set[c/32] |= 1 << (c % 32)
	}
	return set
}()

func allBase62(text string) bool {
	all := uint32(1)
	for i := range len(text) {
		all &= base62[text[i]/32] >> (text[i] % 32)
	}
	return all == 1
}

func appendChecksum(text []byte) []byte {
	sum := checksum(string(text))
	return append(text, sum[:]...)
}

// crcTable is CRC-32's (IEEE 802.3) for half a byte. The package of the standard library takes bytes, for which the text would be copied, and its
// table of a kilobyte isn't in the processor's cache when a call comes.
var crcTable = [16]uint32{
	0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
	0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
}

// checksum is the CRC-32 of a text in base 62.
func checksum(text string) [checksumLen]byte {
	crc := ^uint32(0)
	for i := range len(text) {
		crc ^= uint32(text[i])
		crc = crcTable[crc%16] ^ crc>>4
		crc = crcTable[crc%16] ^ crc>>4
	}
	crc = ^crc
	var out [checksumLen]byte
	for i := checksumLen - 1; i >= 0; i-- {
		out[i] = alphabet[crc%62]
		crc /= 62
	}
	return out
}
