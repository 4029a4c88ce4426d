package authz_test

import (
	"fmt"
	"strings"
	"testing"

	"latchkey/shared/authz"
	"latchkey/shared/authz/authztest"
	"latchkey/shared/product"
)

func TestCanonicalPathRefusesWhatAnUpstreamCouldReadAnotherWay(t *testing.T) {
	for _, path := range []string{
		"", "map/1", "//", "//map/1", "/map//1", "/map/1//", "/./map", "/map/.", "/map/..", "/map/../search/x", "/map/.../x",
		"/map/%2e%2e/search/x", "/map/%2E./search", "/map/.%2e/search", "/map/%252e%252e/search", "/map/%25", "/map/a%2fb", "/map/a%2Fb",
		"/map/%5c..%5csearch", "/map/%5Csearch", `/map/..\search`, `/map\1`, "/map/a%252fb", "/map/..;/search", "/map/..;a=b/search", "/map/;/x", "/map/;a=b/x",
		"/map/..%3b/search", "/map/..%3f/search", "/map/..%23", "/map/%3b/x", "/map/%23", "/map/%3f.", "/map/%3b;x", "/map/%23%23x", "/map/%20%23x", "/map/?x", "/map/a?b", "/map/a#b", "/map/a\x00b", "/map/a%00b",
		"/map/a%0d%0ab", "/map/a\nb", "/map/a\x7fb", "/map/%7f", "/map/%", "/map/%2", "/map/%zz", "/map/%u002e", "/map/%c0%ae%c0%ae/search",
		"/map/%c0%af", "/map/%e0%80%af", "/map/\xff", "/map/%ff", "/map/%ed%a0%80", "/map/a%c2%85b", "/map/．．/search", "/map/%ef%bc%8e%ef%bc%8e/search",
		"/map/a／b", "/map/a%ef%bc%8fb", "/map/‥/search", "/map/…/search", "/map/%e2%80%a6/search", "/map/ /x", "/map/%20/x", "/map/..%20/search", "/map/.. /x", "/map/%c3/x", "/map/%c3%28",
	} {
		if authz.CanonicalPath(path) {
			t.Errorf("%q is taken for canonical", path)
		}
	}
}

func TestCanonicalPathAcceptsWhatProgramsSend(t *testing.T) {
	for _, path := range []string{
		"/", "/map/1/tile/basic/main/0/0/0.png", "/map/1/tile/basic/main/8/255/255.png", "/search/2/search/new%20york.json",
		"/search/2/search/new york.json", "/search/2/search/Z%C3%BCrich.json", "/search/2/search/Zürich.json", "/search/2/search/東京.json",
		"/search/2/search/%e6%9d%b1%e4%ba%ac.json", "/routing/1/calculateRoute/52.5,13.4:48.1,11.5/json", "/routing/1/calculateRoute/-52.5%2C13.4%3A48.1,11.5/json",
		"/map/1/", "/a/.well-known", "/a/..b/b..", "/a/b;c=d/e", "/a/x;y;z", "/search/2/search/what%3F.json", "/a/%F0%9F%98%80", "/a/~b!$&'()*+,=@", "/a/c++", "/search/2/search/%23%20111.json",
		"/a/%3fx", "/a/%3Bx", "/a/%23x;y", "/map/1/%74ile/x", "/map/1/tile;x=1/x",
	} {
		if !authz.CanonicalPath(path) {
			t.Errorf("%q is refused", path)
		}
	}
}

func FuzzCanonicalPath(f *testing.F) {
	for _, s := range []string{
		"/map/1/tile/0.png", "/map/%2e%2e/x", "/map/..;/x", "/a/%C3%BC", "/a/\xc3%bc", "/a/%EF%BC%8E", "/map/%u002e", "/ ", "/a/ ;b",
		"/search/2/a%2Fb%252F%23c", "/search/2/%3Bx/costly/%2fy", "/MAP/1;x/%74ile/0", "/search/2/x%2F%25u002e%25u002e%2fy",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		agree(t, path)
		agreeOnTarget(t, path)
		if authz.CanonicalPath(path) && strings.Contains(path, "/../") {
			t.Fatal("a dot segment got through")
		}
	})
}

// agree holds CanonicalPath to the reference.
func agree(t *testing.T, path string) {
	t.Helper()
	if got, want := authz.CanonicalPath(path), authztest.Path(path); got != want {
		t.Fatalf("%q: canonical %v, the reference says %v", path, got, want)
	}
}

// agreeOnTarget holds TargetOf to the reference.
func agreeOnTarget(t *testing.T, path string) {
	t.Helper()
	for _, c := range []product.Catalogue{product.Default(), nested()} {
		got := authz.TargetOf(path, c)
		if match, ok := authztest.TargetIn(c, path); got.Canonical != ok || got.Match != match {
			t.Fatalf("%q: %+v, the reference says %+v, %v", path, got, match, ok)
		}
	}
}

func unhexed(c byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", c) >= 0 }

// TestEveryEscapeIsReadLikeTheReference: all pairs of bytes after a percent sign, half-good ones among them, alone, at the
// end, and before more.
func TestEveryEscapeIsReadLikeTheReference(t *testing.T) {
	for a := range 256 {
		agree(t, "/a%"+string([]byte{byte(a)}))
		for b := range 256 {
			escape := "%" + string([]byte{byte(a), byte(b)})
			agree(t, "/"+escape)
			if unhexed(byte(a)) && unhexed(byte(b)) {
				agreeOnTarget(t, "/map/1/tile"+escape+"/x")
				agreeOnTarget(t, "/search/2/"+escape+"costly/%2fx")
				agreeOnTarget(t, "/search/2/%25"+escape[1:]+"costly/x")
			}
			agree(t, "/a"+escape+"1")
			agree(t, "/%c3"+escape)
			agree(t, "/"+escape+"%9f%98%80") // what one may take for the first byte of a character
		}
	}
}

// TestEveryCharacterBeyondASCIIIsReadLikeTheReference: raw, escaped, and with some of its bytes escaped.
func TestEveryCharacterBeyondASCIIIsReadLikeTheReference(t *testing.T) {
	escape := func(text string, mask int) (out string) {
		for i := range len(text) {
			if mask>>i&1 == 1 {
				out += fmt.Sprintf("%%%02x", text[i])
			} else {
				out += text[i : i+1]
			}
		}
		return out
	}
	for r := rune(0x7e); r <= 0x3100; r++ {
		agree(t, "/"+escape(string(r), int(r)%16))
	}
	for _, r := range []rune{
		0x80, 0x9f, 0xa0, 0x7ff, 0x800, 0x2024, 0x2025, 0x2026, 0x2044, 0x2215, 0x2216, 0x29f5, 0x29f8, 0x29f9, 0x3002, 0xd7ff, 0xe000,
		0xfe52, 0xfe68, 0xfe6a, 0xff05, 0xff0e, 0xff0f, 0xff3c, 0xff61, 0xfffd, 0xffff, 0x10000, 0x1f600, 0x10ffff,
	} {
		for mask := range 16 {
			text := escape(string(r), mask)
			agree(t, "/"+text)
			agree(t, "/."+text+".")
			agree(t, "/a"+text[:len(text)-1]) // cut short
			agree(t, "/a"+text+"\x80")
			agree(t, "/"+text+"/"+text)
		}
	}
}

// TestEveryShortSequenceOfBytesIsReadLikeTheReference: what is no UTF-8, on both sides of each bound of its bytes.
func TestEveryShortSequenceOfBytesIsReadLikeTheReference(t *testing.T) {
	bounds := []byte{'.', '/', ';', ' ', 0x7e, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff}
	for first := range 256 {
		for _, second := range bounds {
			agree(t, "/"+string([]byte{byte(first), second}))
			if first < 0x80 {
				continue
			}
			for _, third := range bounds {
				agree(t, "/x"+string([]byte{byte(first), second, third}))
				agree(t, "/x"+string([]byte{byte(first), second, third, 0x80}))
			}
		}
	}
}
