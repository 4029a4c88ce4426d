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
	// What was agreed to before stays, though it isn't said again, whichever product of the list it is.
	kept := wider.With(consent.Given{Product: "b", Paths: []consent.Path{path("/d/", "3-c")}}).With(consent.Given{Product: "a", Paths: []consent.Path{path("/d/", "3-c")}, Narrow: true})
	if want := (consent.List{
		{Product: "a", Paths: []consent.Path{path("/a/", "2-b"), path("/d/", "3-c")}, Narrow: true},
		{Product: "b", Paths: []consent.Path{path("/b/", "1-a"), path("/b/", "2-b"), path("/c/", "2-b"), path("/d/", "3-c")}},
	}); !reflect.DeepEqual(kept, want) || !kept.Narrow() || wider.Narrow() {
		t.Errorf("got %+v", kept)
	}
	for _, product := range []string{"a", "b", "c"} {
		g, ok := kept.Of(product)
		if has := product != "c"; ok != has || has && (g.Product != product || len(g.Paths) == 0) {
			t.Errorf("of %s: %+v, %v", product, g, ok)
		}
	}
	if ordered := kept.Set(consent.Given{Product: "c"}).Set(consent.Given{Product: "aa"}); len(ordered) != 4 || ordered[1].Product != "aa" || ordered[3].Product != "c" {
		t.Errorf("the list is by product: %+v", ordered)
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
		if v, got := consent.ParseVersion(text); got != want || want && string(v) != text {
			t.Errorf("%q: %q, %v", text, v, got)
		}
	}
}

func TestAPathSurvivesItsText(t *testing.T) {
	for _, p := range []consent.Path{{Prefix: "/map/", Since: "1-0123456789"}, {Prefix: "/a/b-c/d_e/", Since: "20-abcdef0123"}, {Prefix: "/m/", Since: "1"}} {
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
	for p, want := range map[consent.Path][2]string{{Prefix: "/map/", Since: "1-0123456789"}: {"/map/", "1-0123456789"}, encoded: {"/map/*%2F*", "3-0123456789"}} {
		if path, since := p.Shown(); path != want[0] || string(since) != want[1] {
			t.Errorf("%+v is shown as %q since %q", p, path, since)
		}
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
