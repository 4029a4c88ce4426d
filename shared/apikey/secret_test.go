package apikey_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"latchkey/shared/apikey"
)

func random(seed byte) io.Reader {
	return rand.NewChaCha8([32]byte{seed})
}

func generate(t testing.TB, seed byte) apikey.Secret {
	t.Helper()
	s, err := apikey.DefaultPrefix.Generate(random(seed))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestGeneratedSecretHasTheDocumentedShape(t *testing.T) {
	text := generate(t, 1).Reveal()
	if len(text) != 3+27+6 || !strings.HasPrefix(text, "ak_") {
		t.Errorf("got %d characters %q, want ak_ and 33 more", len(text), text)
	}
	if i := strings.IndexFunc(text[3:], func(r rune) bool {
		return !strings.ContainsRune("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", r)
	}); i >= 0 {
		t.Errorf("%q has a character that a double click doesn't select", text)
	}
}

func TestChecksumIsCRC32InBase62(t *testing.T) {
	// CRC-32 of "ak_" and 27 zeros, worked out with Python's zlib.crc32.
	const secret = "ak_000000000000000000000000000" + "2X7ok2"
	if _, err := apikey.DefaultPrefix.Parse(secret); err != nil {
		t.Errorf("a secret made by another program: %v", err)
	}
}

// withChecksum ends a secret as another program does, by the standard library's CRC-32.
func withChecksum(body string) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum, n := [6]byte{}, crc32.ChecksumIEEE([]byte(body))
	for i := range sum {
		sum[5-i], n = digits[n%62], n/62
	}
	return body + string(sum[:])
}

func TestAnotherProgramsSecretsAreRead(t *testing.T) {
	for seed := range byte(100) {
		text := generate(t, seed).Reveal()
		if other := withChecksum(text[:30]); other != text {
			t.Errorf("%q is %q by the standard library", text, other)
		}
	}
}

func TestEachCharacterOfTheAlphabetIsReadAndNoOther(t *testing.T) {
	text := generate(t, 7).Reveal()
	for c := range 256 {
		for _, at := range []int{3, 16, 29} {
			other := withChecksum(text[:at] + string([]byte{byte(c)}) + text[at+1:30])
			_, err := apikey.DefaultPrefix.Parse(other)
			in := '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
			if (err == nil) != in {
				t.Errorf("character %#x at %d: %v", c, at, err)
			}
		}
	}
}

func TestSecretsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix := apikey.Prefix(rapid.StringMatching(`[a-z][a-z0-9]{1,7}`).Draw(t, "prefix"))
		s, err := prefix.Generate(random(rapid.Byte().Draw(t, "seed")))
		if err != nil {
			t.Fatal(err)
		}
		got, err := prefix.Parse(s.Reveal())
		if err != nil || got.Hash() != s.Hash() {
			t.Fatalf("Parse: %v", err)
		}
	})
}

func TestAnySingleChangedCharacterIsMalformed(t *testing.T) {
	text := generate(t, 2).Reveal()
	for i := range len(text) {
		for _, c := range []byte("0Az_ \x00\xff") {
			if text[i] == c {
				continue
			}
			changed := text[:i] + string([]byte{c}) + text[i+1:]
			if _, err := apikey.DefaultPrefix.Parse(changed); !errors.Is(err, apikey.ErrMalformed) {
				t.Errorf("character %d changed to %q is accepted", i, c)
			}
		}
	}
}

func TestSecretNeverPrints(t *testing.T) {
	s := generate(t, 3)
	text := s.Reveal()
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", s, &s, struct{ S apikey.Secret }{s})
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "secret", s, "in", map[string]any{"s": s})
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "secret", s, "in", []any{s})
	if err := json.NewEncoder(&out).Encode(map[apikey.Secret]apikey.Secret{s: s}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), text) || strings.Contains(out.String(), text[3:]) ||
		strings.Contains(out.String(), fmt.Sprintf("%x", text)) {
		t.Errorf("the secret leaks: %s", out.String())
	}
	if !strings.Contains(out.String(), "[redacted]") {
		t.Error("nothing says that something was left out")
	}
}

func TestMalformedErrorNeverQuotesTheText(t *testing.T) {
	text := generate(t, 4).Reveal()
	_, err := apikey.DefaultPrefix.Parse(text[:35] + "!")
	if err == nil || strings.Contains(err.Error(), text[3:10]) {
		t.Errorf("got %v", err)
	}
}

func TestPreviewShowsFourAndFour(t *testing.T) {
	s := generate(t, 5)
	text := s.Reveal()
	if want := text[:7] + "…" + text[len(text)-4:]; s.Preview() != want {
		t.Errorf("got %q, want %q", s.Preview(), want)
	}
	if (apikey.Secret{}).Preview() != "" {
		t.Error("the zero secret has a preview")
	}
}

func TestGenerateFailsWhenRandomnessDoes(t *testing.T) {
	if _, err := apikey.DefaultPrefix.Generate(iotest.ErrReader(io.ErrUnexpectedEOF)); err == nil {
		t.Error("a secret without randomness")
	}
}

func TestGeneratedCharactersAreUniform(t *testing.T) {
	count := map[byte]int{}
	src := random(6)
	const n = 4000
	for range n {
		s, err := apikey.DefaultPrefix.Generate(src)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []byte(s.Reveal()[3:30]) {
			count[c]++
		}
	}
	mean := float64(n*27) / 62
	for c, got := range count {
		if d := float64(got) - mean; d*d/mean > 25 { // five standard deviations
			t.Errorf("%q came %d times, expected about %.0f", c, got, mean)
		}
	}
	if len(count) != 62 {
		t.Errorf("%d characters of the alphabet came up, want 62", len(count))
	}
}

func TestPrefixes(t *testing.T) {
	for text, ok := range map[string]bool{
		"ak": true, "map1": true, "a": false, "": false, "1a": false, "AK": false, "a_b": false, "abcdefgh": true, "abcdefghi": false,
	} {
		if _, err := apikey.ParsePrefix(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := apikey.Prefix("").Parse(""); err == nil {
		t.Error("the zero prefix reads a secret")
	}
}

func TestHashReadsBack(t *testing.T) {
	h := generate(t, 7).Hash()
	got, err := apikey.ParseHash(h.String())
	if err != nil || got != h || h == (apikey.Hash{}) {
		t.Errorf("got %v %v", got, err)
	}
	for _, bad := range []string{"", "x", h.String() + "=", h.String()[1:], strings.Repeat("!", 43)} {
		if _, err := apikey.ParseHash(bad); !errors.Is(err, apikey.ErrHash) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParseSecret(f *testing.F) {
	f.Add("ak_0000000000000000000000000002X7ok2")
	f.Add("")
	f.Add("ak_é")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := apikey.DefaultPrefix.Parse(text)
		if err == nil && s.Reveal() != text {
			t.Errorf("%q reads as another secret", text)
		}
		if err != nil && !s.IsZero() {
			t.Error("an error with a secret")
		}
	})
}
