package locale_test

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"latchkey/functions/console/internal/locale"
)

func load(t *testing.T) *locale.Languages {
	t.Helper()
	l, err := locale.Load(os.DirFS("../../messages"), "en", "fr", "ar")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLanguagesHaveTheSameMessagesWithTheSamePlaceholders(t *testing.T) {
	offered := load(t).Offered()
	english := offered[0].Messages()
	for _, other := range offered[1:] {
		messages := other.Messages()
		for key, m := range english {
			translated, ok := messages[key]
			if !ok {
				t.Errorf("%s lacks %s", other.Tag, key)
				continue
			}
			if (len(m) > 1) != (len(translated) > 1) {
				t.Errorf("%s: %s has plural forms in one language alone", other.Tag, key)
			}
			want := locale.Placeholders(m["other"])
			for form, text := range translated {
				if text == "" {
					t.Errorf("%s: %s %s is empty", other.Tag, key, form)
				}
				if slices.Contains([]string{"zero", "one", "two"}, form) && !strings.Contains(text, "{n}") {
					text += "{n}" // "every day" needs no number
				}
				if got := locale.Placeholders(text); !reflect.DeepEqual(got, want) {
					t.Errorf("%s: %s %s has the placeholders %v, want %v", other.Tag, key, form, got, want)
				}
			}
		}
		for key := range messages {
			if _, ok := english[key]; !ok {
				t.Errorf("%s has %s, which English lacks", other.Tag, key)
			}
		}
	}
}

func TestAcceptLanguageAndTheSwitchChoose(t *testing.T) {
	l := load(t)
	for _, c := range []struct{ chosen, accept, want string }{
		{"", "", "en"},
		{"", "fr-CA,fr;q=0.9,en;q=0.8", "fr"},
		{"", "de, en;q=0.5", "en"},
		{"", "ja", "en"},
		{"", "\x00;;q", "en"},
		{"en", "fr", "en"},
		{"fr", "en", "fr"},
		{"", "en;q=0.1, fr;q=0.2", "fr"},
		{"", "fr;q=0.2, en;q=0.9", "en"},
		{"", "fr;q=0, en", "en"},
		{"", "de;q=1, fr;q=0.5, en;q=0.4", "fr"},
		{"", "FR-be", "fr"},
		{"", "en-GB", "en"},
		{"", "ar-TN,fr;q=0.9", "ar"},
		{"", "ar", "ar"},
		{"ar", "en", "ar"},
		{"", "*", "en"},
		{"en", "", "en"},
		{"FR", "", "en"}, // cookies hold what Choose gave
		{"xx", "fr", "fr"},
		{locale.PseudoRTL, "fr", locale.PseudoRTL},
	} {
		if got := l.Choose(c.chosen, c.accept).Tag; got != c.want {
			t.Errorf("Choose(%q, %q) = %s, want %s", c.chosen, c.accept, got, c.want)
		}
	}
}

func TestNumbersAndMomentsFollowTheLanguage(t *testing.T) {
	l := load(t)
	en, fr, ar := l.Choose("en", ""), l.Choose("fr", ""), l.Choose("ar", "")
	at := time.Date(2026, time.August, 3, 14, 5, 0, 0, time.FixedZone("", 7200))
	for _, c := range []struct{ name, got, want string }{
		{"English number", en.Number(1234567), "1,234,567"},
		{"French number", fr.Number(int64(1234567)), "1\u00a0234\u00a0567"},
		{"English moment, in UTC", en.Moment(at), "3 Aug 2026, 12:05 UTC"},
		{"French day", fr.Date(at), "3 août 2026"},
		{"one", en.Ago(61 * time.Second), "1 minute ago"},
		{"many", en.Ago(5 * time.Hour), "5 hours ago"},
		{"French zero is singular", fr.Text("ago.days", "n", 0), "il y a 0 jour"},
		{"future", en.Ago(-49 * time.Hour), "in 2 days"},
		{"now", en.Ago(0), "just now"},
		{"Arabic number, in Latin digits", ar.Number(1234567), "1,234,567"},
		{"Arabic share", ar.Percent(.125), "12.5\u200e%\u200e"},
		{"Arabic moment", ar.Moment(at), "3 أغسطس 2026، 12:05 UTC"},
		{"Arabic two", ar.Ago(2 * time.Hour), "قبل ساعتين"},
		{"unknown keys show", en.Text("no.such.key"), "⟦no.such.key⟧"},
		{"arguments aren't read as placeholders", en.Text("confirm.delete.title", "name", "{name}{n}"), "Delete {name}{n}?"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.got, c.want)
		}
	}
}

func TestThePseudoLanguageKeepsPlaceholdersAndIsLonger(t *testing.T) {
	l := load(t)
	for key, m := range l.Choose(locale.PseudoLong, "").Messages() {
		english := l.Offered()[0].Messages()[key]["other"]
		if got, want := locale.Placeholders(m["other"]), locale.Placeholders(english); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", key, got, want)
		}
	}
	if rtl := l.Choose(locale.PseudoRTL, ""); rtl.Dir != "rtl" {
		t.Error("the right-to-left language runs", rtl.Dir)
	}
}

// TestTimeThatIsLeftIsSaidToTheNearestUnit, and never for longer than it is by half a unit or more.
func TestTimeThatIsLeftIsSaidToTheNearestUnit(t *testing.T) {
	en := load(t).Choose("en", "")
	units := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	for d := time.Minute; d < 10*24*time.Hour; d += 30 * time.Second { // each half of a unit
		var n int64
		var word string
		if _, err := fmt.Sscanf(en.Duration(d), "%d %s", &n, &word); err != nil {
			t.Fatalf("%s: %q", d, en.Duration(d))
		}
		unit := units[strings.TrimSuffix(word, "s")]
		if over := time.Duration(n)*unit - d; unit == 0 || over*2 >= unit || -over*2 > unit {
			t.Errorf("of %s %q is left", d, en.Duration(d))
		}
	}
}

func TestEachUnitOfTimeBeginsWhereItIsWhole(t *testing.T) {
	l := load(t)
	en, fr := l.Choose("en", ""), l.Choose("fr", "")
	const day = 24 * time.Hour
	for _, c := range []struct {
		d                 time.Duration
		ago, in, duration string
	}{
		{0, "just now", "just now", "1 minute"},
		{time.Second, "just now", "in less than a minute", "1 minute"},
		{59 * time.Second, "just now", "in less than a minute", "1 minute"},
		{time.Minute, "1 minute ago", "in 1 minute", "1 minute"},
		{time.Minute + 29*time.Second, "1 minute ago", "in 1 minute", "1 minute"},
		{2*time.Minute - 1, "1 minute ago", "in 2 minutes", "2 minutes"},
		{2 * time.Minute, "2 minutes ago", "in 2 minutes", "2 minutes"},
		{time.Hour - 1, "59 minutes ago", "in 1 hour", "1 hour"},
		{time.Hour, "1 hour ago", "in 1 hour", "1 hour"},
		{time.Hour + 29*time.Second, "1 hour ago", "in 1 hour", "1 hour"},
		{90 * time.Second, "1 minute ago", "in 1 minute", "1 minute"},
		{61 * time.Minute, "1 hour ago", "in 61 minutes", "61 minutes"},
		{90 * time.Minute, "1 hour ago", "in 90 minutes", "90 minutes"},
		{2*time.Hour - time.Minute, "1 hour ago", "in 119 minutes", "119 minutes"},
		{2*time.Hour - time.Second, "1 hour ago", "in 2 hours", "2 hours"},
		{150 * time.Minute, "2 hours ago", "in 2 hours", "2 hours"},
		{151 * time.Minute, "2 hours ago", "in 3 hours", "3 hours"},
		{60 * time.Hour, "2 days ago", "in 2 days", "2 days"},
		{47*time.Hour + 29*time.Minute, "47 hours ago", "in 47 hours", "47 hours"},
		{47*time.Hour + 59*time.Minute, "47 hours ago", "in 2 days", "2 days"},
		{2 * day, "2 days ago", "in 2 days", "2 days"},
		{2*day + 11*time.Hour, "2 days ago", "in 2 days", "2 days"},
		{3*day - 1, "2 days ago", "in 3 days", "3 days"},
		{7*day - time.Minute, "6 days ago", "in 7 days", "7 days"},
		{1234 * day, "1,234 days ago", "in 1,234 days", "1,234 days"},
	} {
		if got := en.Ago(c.d); got != c.ago {
			t.Errorf("Ago(%s) = %q, want %q", c.d, got, c.ago)
		}
		if got := en.Ago(-c.d); got != c.in {
			t.Errorf("Ago(-%s) = %q, want %q", c.d, got, c.in)
		}
		if got := en.Duration(c.d); got != c.duration {
			t.Errorf("Duration(%s) = %q, want %q", c.d, got, c.duration)
		}
	}
	if got := en.Duration(-time.Hour); got != "1 minute" {
		t.Errorf("a time that is over: %q", got)
	}
	if got := fr.Ago(-90 * time.Minute); got != "dans 90 minutes" {
		t.Errorf("in French: %q", got)
	}
}

func TestPluralsFollowTheLanguage(t *testing.T) {
	l := load(t)
	en, fr := l.Choose("en", ""), l.Choose("fr", "")
	for n, want := range map[int64][2]string{
		0: {"0 days", "0 jour"}, 1: {"1 day", "1 jour"}, 2: {"2 days", "2 jours"}, 11: {"11 days", "11 jours"},
		1_000_000: {"1,000,000 days", "1 000 000 jours"}, 1<<40 + 1: {"1,099,511,627,777 days", "1 099 511 627 777 jours"},
	} {
		if got := en.Text("for.days", "n", n); got != want[0] {
			t.Errorf("%d in English is %q, want %q", n, got, want[0])
		}
		if got := fr.Text("for.days", "n", n); got != want[1] {
			t.Errorf("%d in French is %q, want %q", n, got, want[1])
		}
	}
	pointer := int64(1)
	if got := en.Text("for.days", "n", &pointer); got != "1 day" {
		t.Errorf("a pointer: %q", got)
	}
	if got := en.Text("for.days", "n", (*int64)(nil)); got == "1 day" {
		t.Errorf("no number: %q", got)
	}
}

func TestFiguresFollowTheLanguage(t *testing.T) {
	l := load(t)
	en, fr := l.Choose("en", ""), l.Choose("fr", "")
	five := 5
	for _, c := range []struct{ name, got, want string }{
		{"one decimal", en.Number(1234.56), "1,234.6"},
		{"no decimal", en.Number(3.0), "3"},
		{"a French decimal", fr.Number(0.8), "0,8"},
		{"a negative number", en.Number(-1234), "-1,234"},
		{"a pointer", en.Number(&five), "5"},
		{"a share", en.Percent(0.1234), "12.3%"},
		{"all", en.Percent(1), "100.0%"},
		{"a French share", fr.Percent(0.5), "50,0 %"},
		{"another argument than n", en.Text("for.days", "n", 2000), "2,000 days"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.got, c.want)
		}
	}
	months := map[string]string{"en": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", "fr": "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc."}
	for _, one := range []*locale.Language{en, fr} {
		for i, name := range strings.Fields(months[one.Tag]) {
			at := time.Date(2026, time.Month(i+1), 1, 0, 0, 0, 0, time.UTC)
			if got, want := one.Date(at), "1 "+name+" 2026"; got != want {
				t.Errorf("%s: %q, want %q", one.Tag, got, want)
			}
		}
	}
	if got := en.Date(time.Date(2026, 1, 1, 0, 30, 0, 0, time.FixedZone("", 3600))); got != "31 Dec 2025" {
		t.Errorf("days are those of UTC: %q", got)
	}
}

func TestACatalogueThatIsNotWholeIsNotLoaded(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"a key twice":      {"en/a.json": {Data: []byte(`{"x": "1"}`)}, "en/b.json": {Data: []byte(`{"x": "2"}`)}},
		"no other form":    {"en/a.json": {Data: []byte(`{"x": {"one": "1"}}`)}},
		"no JSON":          {"en/a.json": {Data: []byte(`{`)}},
		"a number":         {"en/a.json": {Data: []byte(`{"x": 1}`)}},
		"no such folder":   {"fr/a.json": {Data: []byte(`{}`)}},
		"no file in it":    {"en/a.txt": {Data: []byte(`{}`)}},
		"no second folder": {"en/a.json": {Data: []byte(`{"x": "1"}`)}},
	} {
		t.Run(name, func(t *testing.T) {
			tags := []string{"en"}
			if name == "no second folder" {
				tags = append(tags, "fr")
			}
			if _, err := locale.Load(files, tags...); err == nil {
				t.Error("it was loaded")
			}
		})
	}
}

func TestTheOfferedLanguagesAreOurs(t *testing.T) {
	var got []string
	for _, one := range load(t).Offered() {
		got = append(got, one.Tag+" "+one.Name+" "+one.Dir)
	}
	if want := []string{"en English ltr", "fr Français ltr", "ar العربية rtl"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestEveryMessageHasThePluralFormsOfItsLanguage: Arabic has six, and a missing one is quietly said in another.
func TestEveryMessageHasThePluralFormsOfItsLanguage(t *testing.T) {
	names := map[plural.Form]string{plural.Other: "other", plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many"}
	for _, one := range load(t).Offered() {
		var want []string
		for n := range 1000 {
			if name := names[plural.Cardinal.MatchPlural(language.Make(one.Tag), n, 0, 0, 0, 0)]; !slices.Contains(want, name) {
				want = append(want, name)
			}
		}
		slices.Sort(want)
		if len(want) < 2 || one.Tag == "ar" && len(want) != 6 {
			t.Fatalf("%s has the forms %v", one.Tag, want)
		}
		counts := 0
		for key, m := range one.Messages() {
			if len(m) == 1 {
				continue
			}
			counts++
			var got []string
			for form := range m {
				got = append(got, form)
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%s: %s has the forms %v, want %v", one.Tag, key, got, want)
			}
		}
		if counts < 10 {
			t.Errorf("%s: only %d messages count", one.Tag, counts)
		}
	}
}

// TestArabicCounts: by the last two digits, and to the end of what an int64 holds.
func TestArabicCounts(t *testing.T) {
	ar := load(t).Choose("ar", "")
	for n, want := range map[int64]string{
		0: "0 يوم", 1: "يوم واحد", 2: "يومان", 3: "3 أيام", 10: "10 أيام", 11: "11 يومًا", 99: "99 يومًا", 100: "100 يوم", 102: "102 يوم", 103: "103 أيام",
		111: "111 يومًا", 1_000: "1,000 يوم", 2_000_003: "2,000,003 أيام", 10_000_000_011: "10,000,000,011 يومًا",
	} {
		if got := ar.Text("for.days", "n", n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

// TestWhatIsSaidIsSaidByThatCopyAlone: two brands in one process don't show each other's name.
func TestWhatIsSaidIsSaidByThatCopyAlone(t *testing.T) {
	plain := load(t)
	one, other := plain.Say("brand", "One"), plain.Say("brand", "Other")
	other.Prefer("fr")
	for want, l := range map[string]*locale.Languages{"Sign in to {brand}": plain, "Sign in to One": one, "Se connecter à Other": other} {
		if got := l.Choose("", "").Text("signin.title"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestNamesKeepTheirDirectionInsideOfArabic: a name from left to right is isolated, and so is each of a list; numbers and what
// other languages say aren't.
func TestNamesKeepTheirDirectionInsideOfArabic(t *testing.T) {
	l := load(t).Say("brand", "Maps (beta)")
	en, ar := l.Choose("en", ""), l.Choose("ar", "")
	for _, c := range []struct{ name, got, want string }{
		{"a name", ar.Text("confirm.delete.title", "name", "Shop (old)"), "هل تريد حذف \u2068Shop (old)\u2069؟"},
		{"a name in a text that counts", ar.Text("usage.matches", "n", 3, "text", "*.x"), "3 مفاتيح تطابق «\u2068*.x\u2069»"},
		{"a number", ar.Text("repair.raise", "qps", 1000), "الرفع إلى 1,000 طلب/ثانية"},
		{"the brand", ar.Text("signin.title"), "تسجيل الدخول إلى \u2068Maps (beta)\u2069"},
		{"a list", ar.List([]string{"a.example", "*.b.example"}), "\u2068a.example\u2069، \u2068*.b.example\u2069"},
		{"nothing", ar.Text("confirm.delete.title", "name", ""), "هل تريد حذف ؟"},
		{"English", en.Text("confirm.delete.title", "name", "Shop (old)"), "Delete Shop (old)?"},
		{"an English list", en.List([]string{"a", "b"}), "a, b"},
		{"an empty list", ar.List(nil), ""},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.got, c.want)
		}
	}
}
