package consent_test

import (
	"reflect"
	"testing"

	"latchkey/shared/consent"
)

func TestConsentsAreAddedAndNoneIsLost(t *testing.T) {
	path := func(prefix string, since consent.Version) consent.Path {
		return consent.Path{Prefix: prefix, Since: since}
	}
	list := consent.List{{Product: "b", Paths: []consent.Path{path("/b/", "1-a")}}}
	before := consent.List{{Product: "b", Paths: []consent.Path{path("/b/", "1-a")}}}
	wider := list.With(consent.Given{Product: "b", Paths: []consent.Path{path("/c/x/", "2-b"), path("/c/", "2-b"), path("/b/", "2-b"), path("/b/1/", "1-a"), path("/b/", "1-a")}})
	wider = wider.With(consent.Given{Product: "a", Paths: []consent.Path{path("/a/", "2-b")}})
	want := consent.List{
		{Product: "a", Paths: []consent.Path{path("/a/", "2-b")}},
		{Product: "b", Paths: []consent.Path{path("/b/", "1-a"), path("/b/", "2-b"), path("/c/", "2-b")}},
	}
	if !reflect.DeepEqual(wider, want) || !reflect.DeepEqual(list, before) {
		t.Errorf("got %+v, and the list is now %+v", wider, list)
	}
	if less := wider.Without("b"); len(less) != 1 || len(wider) != 2 {
		t.Errorf("without: %+v of %+v", less, wider)
	}
}

func TestAVersionIsANumberAndAHash(t *testing.T) {
	for text, want := range map[string]bool{
		"1-0123456789": true, "999999999-abcdef0123": true, "": false, "1": false, "1-": false, "-0123456789": false, "0-0123456789": false, "01-0123456789": false,
		"1-012345678": false, "1-01234567890": false, "1-012345678G": false, "1-0123-56789": false, "1234567890-0123456789": false, "1-0123456789 ": false, "x-0123456789": false,
	} {
		if _, got := consent.ParseVersion(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestAPathSurvivesItsText(t *testing.T) {
	for _, p := range []consent.Path{{Prefix: "/map/", Since: "1-0123456789"}, {Prefix: "/a/b-c/d_e/", Since: "20-abcdef0123"}} {
		if got, ok := consent.ParsePath(p.Text()); !ok || got != p {
			t.Errorf("%+v became %+v, %v", p, got, ok)
		}
	}
	encoded := consent.Path{Prefix: "/map/", Since: consent.Version("3-0123456789").OfEncodedSlash()}
	if encoded.Text() != "3-0123456789%/map/" { // as records have it
		t.Errorf("%q", encoded.Text())
	}
	if got, ok := consent.ParsePath(encoded.Text()); !ok || got != encoded {
		t.Errorf("%+v became %+v, %v", encoded, got, ok)
	}
	for _, text := range []string{"", "/", "/map/", "1-a", "1-a/", "1-a//", "1-a/map"} {
		if got, ok := consent.ParsePath(text); ok {
			t.Errorf("%q is %+v", text, got)
		}
	}
}

func TestAConflictingVersionHasTheNumberAndAnotherHash(t *testing.T) {
	known := []consent.Version{"1-e459a7fd79", "2-aaaaaaaaaa", "12-bbbbbbbbbb"}
	for v, want := range map[consent.Version]consent.Version{"1-e459a7fd79": "", "2-bbbbbbbbbb": "2-aaaaaaaaaa", "3-aaaaaaaaaa": "", "12-cccccccccc": "12-bbbbbbbbbb"} {
		if got := v.Conflicting(known); got != want {
			t.Errorf("%s: %q", v, got)
		}
	}
}
