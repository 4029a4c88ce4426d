package brand

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1"><path fill="#c00" d="M0 0h2v1H0z"/></svg>`

func encode(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// read reads a brand of these variables, given in pairs; it has a name in any case.
func read(pairs ...string) (Brand, []error) {
	variables := map[string]string{"BRAND_NAME": "TMaps"}
	for i := 0; i+1 < len(pairs); i += 2 {
		variables[pairs[i]] = pairs[i+1]
	}
	return Read(func(name string) string { return variables[name] })
}

var property = regexp.MustCompile(`--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);`)

// schemes reads the rules of a brand as a browser would: on light and on dark pages.
func schemes(t interface{ Fatalf(string, ...any) }, rules string) (light, dark map[string]color) {
	light, dark = map[string]color{}, map[string]color{}
	for _, m := range property.FindAllStringSubmatch(rules, -1) {
		l, errLight := parseColor(m[2])
		d, errDark := parseColor(m[3])
		if errLight != nil || errDark != nil {
			t.Fatalf("%s", m[0])
		}
		light[m[1]], dark[m[1]] = l, d
	}
	return light, dark
}

// TestEveryAccentCanBeRead: whatever two colors a company has, text in them and text on them has the contrast of level AA.
func TestEveryAccentCanBeRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hex := rapid.Custom(func(t *rapid.T) string { return fmt.Sprintf("#%06x", rapid.IntRange(0, 1<<24-1).Draw(t, "rgb")) })
		dark := rapid.OneOf(rapid.Just(""), hex).Draw(t, "dark")
		b, _ := read("BRAND_COLOR", hex.Draw(t, "light"), "BRAND_COLOR_DARK", dark)
		onLight, onDark := schemes(t, b.Style)
		for i, s := range []map[string]color{onLight, onDark} {
			if len(s) != 4 {
				t.Fatalf("%d colors in %q", len(s), b.Style)
			}
			grounds := []color{s["accent-soft"]}
			for _, one := range [][]string{lightGrounds, darkGrounds}[i] {
				ground, _ := parseColor(one)
				grounds = append(grounds, ground)
			}
			for _, ground := range grounds {
				if got := contrast(s["accent"], ground); got < 4.45 {
					t.Fatalf("%s on %s has %.2f", s["accent"], ground, got)
				}
			}
			for _, name := range []string{"accent", "accent-over"} {
				if got := contrast(s["accent-text"], s[name]); got < 4.45 {
					t.Fatalf("%s on %s, %s, has %.2f", s["accent-text"], name, s[name], got)
				}
			}
		}
	})
}

// TestAColorThatCanBeReadIsKept as it is, and one that can't is named with its contrast.
func TestAColorThatCanBeReadIsKept(t *testing.T) {
	b, wrong := read("BRAND_COLOR", "#8a1c4a", "BRAND_COLOR_DARK", "#f0a0c0")
	light, dark := schemes(t, b.Style)
	if len(wrong) > 0 || light["accent"].String() != "#8a1c4a" || dark["accent"].String() != "#f0a0c0" || b.Accent != "#8a1c4a" {
		t.Errorf("%v %s %v", wrong, b.Style, b.Accent)
	}
	for name, pair := range map[string][2]string{"yellow": {"#ffdd00", ""}, "pale": {"#8a1c4a", "#301020"}} {
		b, wrong := read("BRAND_COLOR", pair[0], "BRAND_COLOR_DARK", pair[1])
		if len(wrong) != 1 || !strings.Contains(wrong[0].Error(), "contrast") || b.Style == "" {
			t.Errorf("%s: %v", name, wrong)
		}
	}
	if b, wrong := read(); len(wrong) > 0 || b.Style != "" || b.Accent != "" {
		t.Errorf("no color: %v %q", wrong, b.Style)
	}
	for _, bad := range []string{"red", "#12345", "#12345g", "123456", "#123456}"} {
		if b, wrong := read("BRAND_COLOR", bad); len(wrong) != 1 || b.Style != "" {
			t.Errorf("%s: %v %q", bad, wrong, b.Style)
		}
	}
}

// TestTheGroundsAreTheStyleSheets: a ground of which this package doesn't know is one on which nobody has checked the accent.
func TestTheGroundsAreTheStyleSheets(t *testing.T) {
	raw, err := os.ReadFile("../../assets/app.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark := schemes(t, string(raw))
	for i, s := range []map[string]color{light, dark} {
		var want []string
		for _, name := range []string{"surface", "bg", "sunken", "hover"} {
			want = append(want, s[name].String())
		}
		if got := [][]string{lightGrounds, darkGrounds}[i]; !slices.Equal(got, want) {
			t.Errorf("grounds %v, the style sheet has %v", got, want)
		}
	}
}

func TestALogoIsAPictureThatNeitherRunsNorLoadsAnything(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(svg))
	z.Close()
	for _, good := range []string{encode(svg), base64.StdEncoding.EncodeToString(zipped.Bytes())} {
		if b, wrong := read("BRAND_LOGO", good); len(wrong) > 0 || string(b.Logo) != svg {
			t.Errorf("%v %q", wrong, b.Logo)
		}
	}
	inside := func(text string) string { return strings.Replace(svg, "<path", text+"<path", 1) }
	for name, bad := range map[string]string{
		"no Base64": "%%%", "no XML": encode("PNG"), "an element that never ends": encode(svg[:60]), "no svg": encode(`<html xmlns="http://www.w3.org/2000/svg"/>`), "without its namespace": encode(`<svg/>`),
		"a script": encode(inside(`<script>alert(1)</script>`)), "HTML": encode(inside(`<foreignObject/>`)), "a handler": encode(strings.Replace(svg, "<path", `<path onload="x()"`, 1)),
		"a link": encode(inside(`<a href="https://x.example"/>`)), "a use of another file": encode(inside(`<use href="https://x.example/a.svg#b"/>`)), "a style": encode(inside(`<style>@import url(//x)</style>`)),
		"a fill of another file": encode(inside(`<g fill="url(https://x.example/#a)"/>`)), "a script address": encode(inside(`<use xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="java
script:x()"/>`)), "an entity": encode(`<!DOCTYPE svg [<!ENTITY x "y">]>` + svg), "too large": encode(inside("<!--" + strings.Repeat("x", maxLogo) + "-->")),
	} {
		if b, wrong := read("BRAND_LOGO", bad); len(wrong) != 1 || b.Logo != nil {
			t.Errorf("%s: %v %q", name, wrong, b.Logo)
		}
	}
	if _, wrong := read("BRAND_LOGO", encode(inside(`<defs><linearGradient id="a"/></defs><g fill="url(#a)"/><use href="#a"/>`))); len(wrong) > 0 {
		t.Errorf("a gradient of its own: %v", wrong)
	}
}

// TestANameIsOneLine, and no text's argument. In place of one that can't be read there is a neutral one, and of none, none.
func TestANameIsOneLine(t *testing.T) {
	for name, ok := range map[string]bool{"TMaps": true, "خرائط": true, "A & B <i>": true, "": false, " ": false, "a\nb": false, "{n}": false, strings.Repeat("x", MostName+1): false} {
		b, wrong := read("BRAND_NAME", name)
		want := neutralName
		if ok || name == "" {
			want = name
		}
		if (len(wrong) == 0) != ok || b.Name != want {
			t.Errorf("%q: %v %q", name, wrong, b.Name)
		}
	}
}

func TestLinksLeadToPagesOrToMail(t *testing.T) {
	variables := []string{"BRAND_DOCS", "BRAND_SUPPORT", "BRAND_STATUS", "BRAND_TERMS", "BRAND_PRIVACY"}
	all := map[string]string{"BRAND_NAME": "TMaps"}
	for _, name := range variables {
		all[name] = "https://" + strings.ToLower(strings.TrimPrefix(name, "BRAND_")) + ".example"
	}
	b, wrong := Read(func(name string) string { return all[name] })
	want := []Link{{"docs", "https://docs.example"}, {"support", "https://support.example"}, {"status", "https://status.example"}, {"terms", "https://terms.example"}, {"privacy", "https://privacy.example"}}
	if len(wrong) > 0 || !slices.Equal(b.Links, want) {
		t.Errorf("%v %v", wrong, b.Links)
	}
	for _, name := range variables {
		for _, bad := range []string{"http://x.example", "javascript:alert(1)", "//x.example", "x.example", "mailto:", "https://", "https://me:secret@x.example"} {
			if b, wrong := read(name, bad); len(wrong) != 1 || len(b.Links) != 0 {
				t.Errorf("%s %s: %v %v", name, bad, wrong, b.Links)
			}
		}
	}
}

// TestSupportIsToldWhatItIsAbout, beside what the address says already.
func TestSupportIsToldWhatItIsAbout(t *testing.T) {
	for address, want := range map[string]string{
		"": "", "mailto:help@tmaps.example": "mailto:help@tmaps.example?subject=key_01+a%26b", "https://tmaps.example/help?form=keys": "https://tmaps.example/help?form=keys&ref=key_01+a%26b",
	} {
		b, _ := read("BRAND_SUPPORT", address)
		if strings.HasPrefix(address, "mailto") {
			want = strings.ReplaceAll(want, "+", "%20")
		}
		if got := b.Support("key_01 a&b"); got != want {
			t.Errorf("%q: %s", address, got)
		}
	}
}

// deployment are the brands of a template and of a deployment's settings: the template's defaults, and those that each
// parameter_overrides puts over them.
func deployment(t *testing.T, template, settings string) (brands []map[string]string) {
	t.Helper()
	var parsed struct {
		Parameters map[string]struct {
			Default string `yaml:"Default"`
		} `yaml:"Parameters"`
	}
	if err := yaml.Unmarshal([]byte(template), &parsed); err != nil {
		t.Fatal(err)
	}
	standard := map[string]string{}
	for name, p := range parsed.Parameters {
		if strings.HasPrefix(name, "Brand") {
			standard[name] = p.Default
		}
	}
	brands = []map[string]string{standard}
	pair := regexp.MustCompile(`(Brand\w+)=(?:\\?"([^"\\]*)\\?"|([^\s"']+))`)
	for _, line := range strings.Split(settings, "\n") {
		if found := pair.FindAllStringSubmatch(line, -1); strings.HasPrefix(strings.TrimSpace(line), "parameter_overrides") && len(found) > 0 {
			one := maps.Clone(standard)
			for _, m := range found {
				one[m[1]] = m[2] + m[3]
			}
			brands = append(brands, one)
		}
	}
	return brands
}

// variable is the variable of a parameter, which the template gives the console: BrandColorDark is BRAND_COLOR_DARK.
func variable(parameter string) string {
	return strings.ToUpper(regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(parameter, "${1}_$2"))
}

func mistakes(brand map[string]string) []error {
	_, wrong := Read(func(name string) string {
		for parameter, value := range brand {
			if variable(parameter) == name {
				return value
			}
		}
		return ""
	})
	return wrong
}

// TestTheBrandThatIsDeployedHasNoMistake: the contrast of its colors, its logo and its links are looked at here, before it is deployed.
func TestTheBrandThatIsDeployedHasNoMistake(t *testing.T) {
	template, err := os.ReadFile("../../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	settings, err := os.ReadFile("../../../../samconfig.toml")
	if err != nil {
		t.Fatal(err)
	}
	brands := deployment(t, string(template), string(settings))
	if len(brands[0]) != 10 {
		t.Fatalf("the template has the parameters %v", slices.Sorted(maps.Keys(brands[0])))
	}
	for _, one := range brands {
		if wrong := mistakes(one); len(wrong) > 0 {
			t.Error(wrong)
		}
	}
	for _, bad := range []string{`BrandColor=#ffdd00`, `BrandName=\"T Maps\" BrandLogo=eA==`, `BrandSupport=help@tmaps.example`} {
		brands := deployment(t, string(template), "parameter_overrides = \"OidcAlgorithm=RS256 "+bad+"\"")
		if len(brands) != 2 || len(mistakes(brands[1])) != 1 {
			t.Errorf("%s: %v", bad, brands[1:])
		}
	}
}

// TestTheTemplateTakesWhatTheBrandTakes: what the template lets through and the console leaves out shows only on the page.
func TestTheTemplateTakesWhatTheBrandTakes(t *testing.T) {
	raw, err := os.ReadFile("../../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var parsed struct {
		Parameters map[string]struct {
			AllowedPattern string `yaml:"AllowedPattern"`
		} `yaml:"Parameters"`
	}
	if err := yaml.Unmarshal(raw, &parsed); err != nil {
		t.Fatal(err)
	}
	links := []string{"", "https://x.example", "https://x.example/a?b=c#d", "http://x.example", "https://", "https://a b.example", "https://me@x.example", "mailto:a@b.example", "mailto:a", "mailto:", "javascript:x", "x.example"}
	for name, values := range map[string][]string{
		"BrandName": {"", "T", "T Maps", " T", "T ", "a{n}", "a\tb", strings.Repeat("x", MostName), strings.Repeat("x", MostName+1)}, "BrandColor": {"", "#123456", "#ABCDEF", "123456", "#12345", "#1234567"},
		"BrandDocs": links, "BrandSupport": links, "BrandStatus": links, "BrandTerms": links, "BrandPrivacy": links,
	} {
		pattern := regexp.MustCompile(parsed.Parameters[name].AllowedPattern)
		for _, value := range values {
			_, wrong := read(variable(name), value)
			taken := len(wrong) == 0 || strings.Contains(fmt.Sprint(wrong), "contrast")
			if name == "BrandName" && strings.TrimSpace(value) != value {
				continue // the code cuts blanks, the template refuses them
			}
			if taken != pattern.MatchString(value) {
				t.Errorf("%s %q: the code says %v, the template takes it: %v", name, value, wrong, pattern.MatchString(value))
			}
		}
	}
}
