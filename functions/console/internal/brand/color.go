package brand

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

// LeastContrast is the contrast of small text that WCAG 2.2 asks for at level AA.
const LeastContrast = 4.5

// The style sheet's grounds on which the accent is text. A test holds them to it.
var (
	lightGrounds = []string{"#ffffff", "#f5f6f7", "#eef1f2", "#eff3f3"}
	darkGrounds  = []string{"#161b1d", "#0f1314", "#0b0e0f", "#1f2628"}
)

// color is one of sRGB, in parts of 1.
type color [3]float64

var white, black = color{1, 1, 1}, color{0, 0, 0}

func parseColor(typed string) (color, error) {
	if len(typed) != 7 || typed[0] != '#' {
		return color{}, errors.New("a color is # and six hexadecimal digits")
	}
	n, err := strconv.ParseUint(typed[1:], 16, 32)
	if err != nil {
		return color{}, errors.New("a color is # and six hexadecimal digits")
	}
	return color{float64(n>>16) / 255, float64(n>>8&255) / 255, float64(n&255) / 255}, nil
}

func (c color) String() string {
	part := func(v float64) int { return int(math.Round(v * 255)) }
	return fmt.Sprintf("#%02x%02x%02x", part(c[0]), part(c[1]), part(c[2]))
}

// toward mixes in a share of another color.
func (c color) toward(other color, share float64) (mixed color) {
	for i := range c {
		mixed[i] = c[i] + (other[i]-c[i])*share
	}
	return mixed
}

// luminance is relative, as WCAG defines it.
func (c color) luminance() float64 {
	linear := func(v float64) float64 {
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}

func contrast(a, b color) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// scheme has the colors that follow from one accent, on light or on dark grounds.
type scheme struct{ accent, text, over, soft color }

// schemeOf makes the scheme of an accent. If the accent can't be read on one of the grounds, it is moved toward the end of the scale
// until it can, and the contrast that it had comes back too.
func schemeOf(accent color, grounds []string, end color) (s scheme, had float64) {
	ground, _ := parseColor(grounds[0])
	least := func(c color) float64 {
		l := contrast(c, ground.toward(c, softShare))
		for _, one := range grounds {
			g, _ := parseColor(one)
			l = min(l, contrast(c, g))
		}
		return l
	}
	had = least(accent)
	chosen := accent
	for share := 0.0; least(rounded(chosen)) < LeastContrast && share < 1; {
		share += 0.02
		chosen = accent.toward(end, share)
	}
	s.accent = rounded(chosen)
	s.soft = ground.toward(s.accent, softShare)
	s.over = s.accent.toward(end, 0.22)
	s.text = white
	if contrast(black, s.accent) > contrast(white, s.accent) {
		s.text = s.accent.toward(black, 0.85)
	}
	return s, had
}

// rounded is the color that a browser gets.
func rounded(c color) color { r, _ := parseColor(c.String()); return r }

const softShare = 0.13

// style writes the rules for an accent on light and on dark grounds. Without the second one, that is made of the first; without any,
// the style sheet keeps its own. The error says that the contrast of a color was too low; the rules hold another then.
func style(light, dark string) (accent, rules string, err error) {
	if light == "" && dark == "" {
		return "", "", nil
	}
	if light == "" {
		return "", "", errors.New("the color for dark pages needs one for light pages beside it")
	}
	l, err := parseColor(light)
	if err != nil {
		return "", "", err
	}
	onLight, had := schemeOf(l, lightGrounds, black)
	if had < LeastContrast {
		err = fmt.Errorf("%s has a contrast of %.2f where %.1f is needed: taken for %s", light, had, LeastContrast, onLight.accent)
	}
	d := l
	if dark != "" {
		var bad error
		if d, bad = parseColor(dark); bad != nil {
			return "", "", bad
		}
	}
	onDark, hadDark := schemeOf(d, darkGrounds, white)
	if dark != "" && hadDark < LeastContrast {
		err = errors.Join(err, fmt.Errorf("%s has a contrast of %.2f on dark where %.1f is needed: taken for %s", dark, hadDark, LeastContrast, onDark.accent))
	}
	rule := func(name string, a, b color) string { return fmt.Sprintf("  --%s: light-dark(%s, %s);\n", name, a, b) }
	return onLight.accent.String(), "\n/* The brand's */\n:root {\n" + rule("accent", onLight.accent, onDark.accent) + rule("accent-text", onLight.text, onDark.text) +
		rule("accent-over", onLight.over, onDark.over) + rule("accent-soft", onLight.soft, onDark.soft) + "}\n", err
}
