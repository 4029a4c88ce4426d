package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strconv"
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
		if top < n || n > 1 && top > 2*n {
			t.Fatalf("the scale of %d ends at %d", n, top)
		}
		c := Chart{ID: "a", Series: []string{"x", "y"}, Bars: []Bar{{Parts: []int64{n, 1}}, {}, {Parts: []int64{0}, Marked: true}}}
		parses(t, string(c.SVG()))
	})
}

func TestEachSeriesIsDrawnOnTheOneBelow(t *testing.T) {
	svg := string(Chart{ID: "a", Series: []string{"low", "high"}, Bars: []Bar{{Parts: []int64{50, 50}}, {Parts: []int64{0, 25}, Marked: true}}}.SVG())
	for _, want := range []string{
		`<path class="high" d="M1 200V0h8V200h2V150h8V200h2V200"/><path class="low" d="M1 200V100h8V200h2V200h10V200"/>`,
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
		"a part": {1, 4, `width="25%"`}, "nothing of nothing": {0, 0, `width="0%"`}, "more than all": {5, 4, `width="100%"`}, "a tenth": {1, 3, `width="33.3%"`}, "less than nothing": {-1, 4, `width="0%"`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := string(Line("x", c.part, c.whole)); !strings.Contains(got, c.want) {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestTheScaleEndsAtARoundNumber(t *testing.T) {
	for n, want := range map[int64]int64{
		-5: 1, 0: 1, 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 8, 8: 8, 9: 10, 10: 10, 11: 15, 15: 15, 16: 20, 20: 20, 21: 25, 26: 30, 31: 40, 41: 50, 51: 60,
		61: 80, 81: 100, 100: 100, 101: 150, 151: 200, 201: 250, 251: 300, 999: 1000, 1001: 1500, 26_700: 30_000, 60_001: 80_000,
	} {
		if got := Round(n); got != want {
			t.Errorf("Round(%d) = %d, want %d", n, got, want)
		}
	}
	c := Chart{Bars: []Bar{{Parts: []int64{3, 4}}, {Parts: []int64{5}}}}
	if got := c.Top(); got != 8 {
		t.Errorf("the scale ends at %d, want 8 for a bar of 3 and 4", got)
	}
}

// A whole drawing, so that nothing of it changes unseen.
func TestADrawingIsWhole(t *testing.T) {
	got := string(Chart{ID: "c", Title: "Calls", Desc: "Most at noon", Series: []string{"low", "high"}, Days: []float64{.25}, Bars: []Bar{
		{Parts: []int64{6, 3}, Tip: "nine"}, {}, {Parts: []int64{0, 1}, Marked: true}, {Parts: []int64{1, 0}, Marked: true, Tip: "one"},
	}}.SVG())
	want := `<svg class="plot" viewBox="0 0 40 200" preserveAspectRatio="none" role="img" aria-labelledby="c-t" aria-describedby="c-d">` +
		`<title id="c-t">Calls</title><desc id="c-d">Most at noon</desc>` +
		`<path class="days" d="M10 0V200"/><path class="grid" d="M0 0.5H40M0 100H40"/><path class="base" d="M0 199.5H40"/>` +
		`<path class="mark" d="M20 0h10v200h-10zM30 0h10v200h-10z"/>` +
		`<path class="high" d="M1 200V20h8V200h2V200h10V180h8V200h2V180h8V200h2V200"/><path class="low" d="M1 200V80h8V200h2V200h10V200h10V180h8V200h2V200"/>` +
		`<path class="flag" d="M20 0h10v6h-10zM30 0h10v6h-10z"/>` +
		`<g class="tips"><rect x="0" width="10" height="200"><title>nine</title></rect><rect x="30" width="10" height="200"><title>one</title></rect></g></svg>`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestOneCallAmongThousandsIsSeen(t *testing.T) {
	svg := string(Chart{ID: "a", Series: []string{"low", "high"}, Bars: []Bar{{Parts: []int64{1, 0}}, {Parts: []int64{0, 1}}, {Parts: []int64{10000, 1}}}}.SVG())
	for _, want := range []string{`class="low" d="M1 200V198h8V200h2V200h10V67h8V200h2V200"`, `class="high" d="M1 200V198h8V200h2V198h8V200h2V67h8V200h2V200"`} {
		if !strings.Contains(svg, want) {
			t.Errorf("%s is missing in %s", want, svg)
		}
	}
}

func TestAPartialBarIsHatchedOverItsWholeColumn(t *testing.T) {
	svg := string(Chart{ID: "a", Series: []string{"low"}, Bars: []Bar{{Parts: []int64{9}}, {Parts: []int64{1}, Partial: true}}}.SVG())
	if !strings.Contains(svg, `<path class="partial" d="M10 0h10v200h-10z"/>`) || strings.Count(svg, "l10-10") != 20 || strings.Contains(svg, "M0 10l10-10") {
		t.Errorf("the second bar isn't hatched, or the first is: %s", svg)
	}
	if at, over := strings.Index(svg, `class="low"`), strings.Index(svg, `class="hatch"`); at > over {
		t.Error("the bars hide the hatching")
	}
}

// TestTheNumbersOfAScaleAreWholeAndEvenlySpaced, from the top to 0, and few enough to be read.
func TestTheNumbersOfAScaleAreWholeAndEvenlySpaced(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 1<<50).Draw(t, "n")
		numbers := Scale(n)
		last := len(numbers) - 1
		if numbers[0] != Round(n) || numbers[last] != 0 || last < 1 || last > 5 {
			t.Fatalf("%d: %v", n, numbers)
		}
		for i := range numbers[:last] {
			if numbers[i]-numbers[i+1] != numbers[last-1] {
				t.Fatalf("%d: %v isn't evenly spaced", n, numbers)
			}
		}
	})
}

func TestADrawingOfNothingHasAFrame(t *testing.T) {
	svg := string(Chart{ID: "a", Series: []string{"low"}}.SVG())
	for _, want := range []string{`viewBox="0 0 10 200"`, `class="grid"`} {
		if !strings.Contains(svg, want) {
			t.Errorf("%s is missing in %s", want, svg)
		}
	}
	for _, wrong := range []string{"V198", "mark", "flag", "tips", "NaN"} {
		if strings.Contains(svg, wrong) {
			t.Errorf("%s is in %s", wrong, svg)
		}
	}
}

func TestEachPartStandsOnAllBelow(t *testing.T) {
	svg := string(Chart{ID: "a", Series: []string{"low", "mid", "high"}, Bars: []Bar{{Parts: []int64{1, 1, 2}}}}.SVG())
	for _, want := range []string{`class="low" d="M1 200V150h8V200h2V200"`, `class="mid" d="M1 200V100h8V200h2V200"`, `class="high" d="M1 200V0h8V200h2V200"`} {
		if !strings.Contains(svg, want) {
			t.Errorf("%s is missing in %s", want, svg)
		}
	}
}

// TestManyBarsStandSideBySide: beyond 60 there are no gaps, and each bar ends where the next one begins.
func TestManyBarsStandSideBySide(t *testing.T) {
	for n, want := range map[int]string{60: `class="a" d="M1 200V0h8V200h2`, 61: `class="a" d="M0 200v-200h610v200"`} {
		if svg := string(Chart{Series: []string{"a"}, Bars: slices.Repeat([]Bar{{Parts: []int64{1}}}, n)}.SVG()); !strings.Contains(svg, want) {
			t.Errorf("%d bars: %.300s", n, svg)
		}
	}
}

// TestWhatIsComparedIsALineOnTheSameScale, which rises with it.
func TestWhatIsComparedIsALineOnTheSameScale(t *testing.T) {
	c := Chart{Series: []string{"a"}, Bars: []Bar{{Parts: []int64{10}}, {Parts: []int64{5}}}, Before: []int64{40, 0}}
	if svg := string(c.SVG()); c.Top() != 40 || !strings.Contains(svg, `class="before" d="M0 200V0h10V200h10"`) || !strings.Contains(svg, `V150h8V200h2V175h8`) {
		t.Errorf("up to %d: %s", c.Top(), svg)
	}
}

// TestAnOutlineIsThatOfItsBars: of many bars, whatever their heights, the path stands at the height of each.
func TestAnOutlineIsThatOfItsBars(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Chart{ID: "a", Series: []string{"low", "high"}}
		for range rapid.IntRange(apart+1, 2*apart).Draw(t, "bars") {
			c.Bars = append(c.Bars, Bar{Parts: []int64{rapid.Int64Range(0, 3).Draw(t, "low"), rapid.Int64Range(0, 40).Draw(t, "high")}})
		}
		for series := range c.Series {
			at, x, heights := 0, 0, map[int]int{}
			path := strings.TrimPrefix(c.path(series), "M0 200")
			for path != "" {
				kind := path[0]
				end := 1 + strings.IndexAny(path[1:]+"h", "hv")
				n, err := strconv.Atoi(path[1:end])
				if err != nil {
					t.Fatal(err)
				}
				if path = path[end:]; kind == 'v' {
					at -= n
					continue
				}
				for ; n > 0; n -= step {
					heights[x/step], x = at, x+step
				}
			}
			if at != 0 {
				t.Fatalf("it ends at %d", at)
			}
			for i, b := range c.Bars {
				if heights[i] != b.tall(series, c.Top()) {
					t.Fatalf("bar %d of series %d is %d high, want %d", i, series, heights[i], b.tall(series, c.Top()))
				}
			}
		}
	})
}

// TestSeriesWithSignsHavePatterns: each another one, which its path refers to; the plain ones have their colour alone.
func TestSeriesWithSignsHavePatterns(t *testing.T) {
	c := Chart{ID: "a", Series: []string{"g0", "g1", "g2", "g8"}, Signs: []int{0, 1, 2, 8}, Bars: []Bar{{Parts: []int64{1, 1, 1, 1}}}}
	svg := string(c.SVG())
	parses(t, svg)
	for want, n := range map[string]int{`<path class="g0" d=`: 1, `<path class="g1" fill="url(#a-1)" d=`: 1, `<path class="g2" fill="url(#a-2)" d=`: 1, `<path class="g8" d=`: 1, `<pattern id="a-1" class="g1"`: 1, `<pattern id="a-2" class="g2"`: 1, `<pattern`: 2} {
		if strings.Count(svg, want) != n {
			t.Errorf("%d times %s in %s", strings.Count(svg, want), want, svg)
		}
	}
	seen := map[string]bool{}
	for i, sign := range signs[1 : len(signs)-1] {
		if sign == "" || seen[sign] {
			t.Errorf("sign %d is none of its own", i+1)
		}
		seen[sign] = true
	}
	if c.Signs = nil; strings.Contains(string(c.SVG()), "pattern") {
		t.Error("a chart without signs has patterns")
	}
}
