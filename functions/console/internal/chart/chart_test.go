package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func parses(t interface{ Fatalf(string, ...any) }, svg string) (texts string) {
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatalf("the drawing isn't XML: %v\n%s", err, svg)
		}
		switch one := token.(type) {
		case xml.CharData:
			texts += string(one)
		case xml.StartElement:
			for _, a := range one.Attr {
				if a.Name.Local == "style" || strings.HasPrefix(a.Name.Local, "on") {
					t.Fatalf("%s has an attribute %s, which the page's policy refuses", one.Name.Local, a.Name.Local)
				}
			}
		}
	}
}

func TestHostileTextIsShownAsText(t *testing.T) {
	hostile := `"><script>alert(1)</script>&lt;`
	texts := parses(t, string(Chart{ID: "a", Title: hostile, Desc: hostile, Series: []string{"x"}, Bars: []Bar{{Parts: []int64{1}, Tip: hostile}}}.SVG()))
	if strings.Count(texts, hostile) != 3 {
		t.Fatalf("got %q, want the text three times", texts)
	}
}

func TestNoBarIsHigherThanTheScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 1<<50).Draw(t, "n")
		top := Round(n)
		if top < n || top > 1 && top%2 != 0 || n > 1 && top > 2*n {
			t.Fatalf("the scale of %d ends at %d", n, top)
		}
		c := Chart{ID: "a", Series: []string{"x", "y"}, Bars: []Bar{{Parts: []int64{n, 1}}, {}, {Parts: []int64{0}, Marked: true}}}
		parses(t, string(c.SVG()))
	})
}

func TestEachSeriesIsDrawnOnTheOneBelow(t *testing.T) {
	svg := string(Chart{ID: "a", Series: []string{"low", "high"}, Bars: []Bar{{Parts: []int64{50, 50}}, {Parts: []int64{0, 25}, Marked: true}}}.SVG())
	for _, want := range []string{
		`<path class="low" d="M1 200v-100h8v100z"/>`, `<path class="high" d="M1 100v-100h8v100zM11 200v-50h8v50z"/>`,
		`<path class="mark" d="M10 0h10v200h-10z"/>`, `<path class="flag" d="M10 0h10v6h-10z"/>`,
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("%s is missing in %s", want, svg)
		}
	}
}

func TestLineIsAsLongAsTheShare(t *testing.T) {
	for name, c := range map[string]struct {
		part, whole int64
		want        string
	}{
		"a part": {1, 4, `width="25.0"`}, "nothing of nothing": {0, 0, `width="0.0"`}, "more than all": {5, 4, `width="100.0"`}, "less than nothing": {-1, 4, `width="0.0"`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := string(Line("x", c.part, c.whole)); !strings.Contains(got, c.want) {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
