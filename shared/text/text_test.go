package text_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
	"latchkey/shared/text"
	"latchkey/shared/text/texttest"
)

var secrets = text.Secrets{"ak", "old"}

func secret(t testing.TB, prefix apikey.Prefix, seed uint64) string {
	t.Helper()
	s, err := prefix.Generate(keytest.Random(seed))
	if err != nil {
		t.Fatal(err)
	}
	return s.Reveal()
}

func TestALineHoldsWhatShowsOnOneLine(t *testing.T) {
	for typed, want := range map[string]string{
		"My site": "My site", "  trimmed  ": "trimmed", "\u00a0no-break\u00a0": "no-break", "Karte für Köln": "Karte für Köln",
		"Ko\u0308ln": "Köln", "مفتاح": "مفتاح", "می\u200cخواهم": "می\u200cخواهم", "👩\u200d🚀": "👩\u200d🚀", "❤\ufe0f": "❤\ufe0f",
		"two  blanks": "two  blanks", "日本": "日本", "=HYPERLINK(1)": "=HYPERLINK(1)",
	} {
		got, err := secrets.ParseLine(typed, 1, 64)
		if err != nil || got.String() != want {
			t.Errorf("%q: %q, %v", typed, got, err)
		}
	}
}

func TestCharactersThatHideOrReorderAreRefused(t *testing.T) {
	for _, r := range []rune{
		0, 0x07, 0x1b, 0x7f, 0x85, 0x9b, // controls
		0x00ad, 0x061c, 0x180e, 0x200b, 0x200e, 0x200f, 0x202a, 0x202e, 0x2060, 0x2063, 0x2066, 0x2069, 0xfeff, 0xe0020, 0xe0001, // format
		0x2028, 0x2029, // separators
		0xfdd0, 0xfffe, 0xffff, 0x1ffff, 0x10ffff, // no characters
	} {
		typed := "a" + string(r) + "b"
		if _, err := secrets.ParseLine(typed, 1, 64); !errors.Is(err, text.ErrCharacter) {
			t.Errorf("%U in a line: %v", r, err)
		}
		if _, err := secrets.ParseBlock(typed, 1, 64); !errors.Is(err, text.ErrCharacter) {
			t.Errorf("%U in a block: %v", r, err)
		}
	}
	for _, typed := range []string{"a\nb", "a\tb", "a\rb"} {
		if _, err := secrets.ParseLine(typed, 1, 64); !errors.Is(err, text.ErrCharacter) {
			t.Errorf("%q in a line: %v", typed, err)
		}
	}
	if got, err := secrets.ParseBlock("one\r\ntwo\n\tthree", 1, 64); err != nil || got.String() != "one\ntwo\n\tthree" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := secrets.ParseBlock("one\rtwo", 1, 64); !errors.Is(err, text.ErrCharacter) {
		t.Errorf("a lone carriage return: %v", err)
	}
	if _, err := secrets.ParseLine("\xff", 1, 64); !errors.Is(err, text.ErrCharacter) {
		t.Errorf("no UTF-8: %v", err)
	}
}

func TestNoTextIsOneOfTheRefused(t *testing.T) {
	for name, typed := range texttest.Refused {
		if got, err := secrets.ParseBlock(typed, 0, 64); err == nil {
			t.Errorf("%s in a block: %+q", name, got)
		}
		if got, err := secrets.ParseLine(typed, 0, 64); err == nil {
			t.Errorf("%s in a line: %+q", name, got)
		}
	}
	for name, typed := range texttest.RefusedInLine {
		if got, err := secrets.ParseLine(typed, 0, 64); err == nil {
			t.Errorf("%s in a line: %+q", name, got)
		}
	}
}

func TestATextThatShowsNothingIsRefused(t *testing.T) {
	for _, typed := range []string{"\u3164", "\u115f", "\u2800", "\u034f", "\u200d", "\u200c\u200d", "\u0301", "\ufe0f", "\u2800 \u3164", "\U00013441", "\U00013442 \U00013441"} {
		if _, err := secrets.ParseLine(typed, 1, 64); !errors.Is(err, text.ErrInvisible) {
			t.Errorf("%+q: %v", typed, err)
		}
	}
	for _, typed := range []string{"", " ", "\u00a0\u3000"} {
		if _, err := secrets.ParseLine(typed, 1, 64); !errors.Is(err, text.ErrLength) {
			t.Errorf("%+q: %v", typed, err)
		}
		if got, err := secrets.ParseLine(typed, 0, 64); err != nil || got.String() != "" {
			t.Errorf("%+q: %v", typed, err)
		}
	}
}

func TestLengthsCountCharactersOfTheComposedForm(t *testing.T) {
	for n, ok := range map[int]bool{0: false, 1: true, 3: true, 4: false} {
		if _, err := secrets.ParseLine(strings.Repeat("o\u0308", n), 1, 3); (err == nil) != ok {
			t.Errorf("%d: %v", n, err)
		}
	}
	if _, err := secrets.ParseBlock(strings.Repeat("x", 1<<20), 0, 1<<30); !errors.Is(err, text.ErrLength) {
		t.Errorf("a megabyte: %v", err)
	}
}

func TestASecretIsFoundInEverySpelling(t *testing.T) {
	for _, prefix := range []apikey.Prefix{"ak", "old"} {
		for name, typed := range texttest.Spellings(secret(t, prefix, 1)) {
			if !secrets.In(typed) {
				t.Errorf("%s, %s: not found", prefix, name)
			}
			if _, err := secrets.ParseBlock(typed, 1, 2000); !errors.Is(err, text.ErrSecret) {
				t.Errorf("%s, %s: %v", prefix, name, err)
			}
			masked := secrets.Mask(typed)
			if secrets.In(masked) || strings.Contains(masked, secret(t, prefix, 1)[8:20]) {
				t.Errorf("%s, %s: masked as %q", prefix, name, masked)
			}
		}
	}
	two := "from " + secret(t, "ak", 1) + " to " + secret(t, "ak", 2) + "."
	if got := secrets.Mask(two); got != "from [secret] to [secret]." {
		t.Errorf("%q", got)
	}
}

// TestASecretOfAnyPrefixIsFound, of the shortest and of the longest: by who doesn't know it, and at the beginning of a text.
func TestASecretOfAnyPrefixIsFound(t *testing.T) {
	for length := 2; length <= apikey.MaxPrefix; length++ {
		prefix, err := apikey.ParsePrefix("abcdefgh"[:length])
		if err != nil {
			t.Fatal(err)
		}
		good := secret(t, prefix, 1)
		for name, typed := range texttest.Spellings(good) {
			if got := text.AnySecret(typed); got != good {
				t.Errorf("%s, %s: found %q", prefix, name, got)
			}
		}
		if got := text.AnySecret(good); got != good {
			t.Errorf("%s: found %q", prefix, got)
		}
	}
}

// Whatever stands between the characters of a secret, as long as no secret could have it, hides nothing. One character that is
// another makes it no secret, however it is written.
func TestWhatNoSecretHasHidesNone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		good := secret(t, "ak", rapid.Uint64().Draw(rt, "seed"))
		between := rapid.StringOfN(rapid.RuneFrom([]rune(" \t\r\n-+\"'`.,;:/\\&=()[]{}<>|*~#%…–“”\u00ad\u200b\u200d\u2011\u2028\ufeff")), 0, 3, -1)
		spread := func(text string) string {
			var b strings.Builder
			for _, r := range text {
				b.WriteString(between.Draw(rt, "between"))
				b.WriteRune(r)
			}
			return b.String()
		}
		if typed := "see " + spread(good) + ", please"; text.AnySecret(typed) != good {
			rt.Fatalf("%q: found %q", typed, text.AnySecret(typed))
		}
		if typed := "see " + spread(good) + ", please"; !secrets.In(typed) || secrets.Mask(typed) != "[secret]" && strings.Contains(secrets.Mask(typed), good[8:20]) {
			rt.Fatalf("%q: not found", typed)
		}
		at := rapid.IntRange(3, len(good)-1).Draw(rt, "at")
		other := byte('x')
		if good[at] == other {
			other = 'y'
		}
		if typed := spread(good[:at] + string(other) + good[at+1:]); secrets.In(typed) {
			rt.Fatalf("%q: taken for a secret", typed)
		}
	})
}

// People write of keys, and programs have names with underscores: none of that is a secret.
func TestProseIsNoSecret(t *testing.T) {
	words := []string{
		"ak_", "old_", "ak_7Kf2…x9Qd", "key_01M8GA2PVX1D2PH9XMMTNZ71YK", "ak_live_key", "our", "API", "break_glass", "Straße", "rate-\nlimit", "“quoted”",
		"old_value + new_value", "100%", "%5F", "https://a.example/?old_key=1", "🚀", "snake_case_of_many_words", "0123456789abcdef0123456789abcdef01", "\n",
	}
	rapid.Check(t, func(rt *rapid.T) {
		typed := strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 0, 60).Draw(rt, "words"), " ")
		if secrets.In(typed) || secrets.Mask(typed) != typed || text.AnySecret(typed) != "" {
			rt.Fatalf("%q: taken for a secret", typed)
		}
	})
}

func TestWhatIsNoSecretIsLeftAlone(t *testing.T) {
	good := secret(t, "ak", 3)
	for _, typed := range []string{
		"", "ak_", "ak_7Kf2…x9Qd", good[:len(good)-1], good[:5] + "0" + good[6:], strings.ToUpper(good), "bk" + good[2:],
		secret(t, "other", 1), "key_01M8GA2PVX1D2PH9XMMTNZ71YK", "100 % of _ all _",
	} {
		if secrets.In(typed) {
			t.Errorf("%q is taken for a secret", typed)
		}
		if got := secrets.Mask(typed); got != typed {
			t.Errorf("%q masked as %q", typed, got)
		}
	}
}

func TestNoTextThatIsTakenHoldsASecret(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, err := apikey.DefaultPrefix.Generate(keytest.Random(rapid.Uint64().Draw(t, "seed")))
		if err != nil {
			t.Fatal(err)
		}
		between := rapid.StringOfN(rapid.RuneFrom([]rune(" \u200c\u200d\u2800\u00a0\t\n")), 0, 3, -1)
		var b strings.Builder
		b.WriteString(rapid.String().Draw(t, "before"))
		for _, r := range s.Reveal() {
			switch rapid.IntRange(0, 9).Draw(t, "how") {
			case 0:
				b.WriteRune(r + 0xfee0)
			default:
				b.WriteRune(r)
			}
			if rapid.IntRange(0, 9).Draw(t, "gap") == 0 {
				b.WriteString(between.Draw(t, "between"))
			}
		}
		b.WriteString(rapid.String().Draw(t, "after"))
		if got, err := secrets.ParseBlock(b.String(), 0, 4000); err == nil {
			t.Errorf("taken: %q", got)
		}
	})
}

func TestWhatIsShownCanBeTyped(t *testing.T) {
	for _, c := range []struct {
		shown, typed string
		same         bool
	}{
		{"Köln", "Ko\u0308ln", true},
		{"two  blanks", "two blanks", true},
		{"trailing ", "trailing", true},
		{"a\u00a0b", "a b", true},
		{"Shop", "shop", false},
		{"Shop", "Shops", false},
		{"", "x", false},
		{"ﬁ", "fi", false},
		{"a\u202eb", "a\u202eb", true},
		{"a\u202eb", "a\ufffdb", true}, // as the page shows it
		{"a\u202eb", "ab", false},
		{"\u3164", "\ufffd", true},
		{"\u3164", "\u3164", true}, // as the API's callers have stored it
		{"\u3164", "", false},
		{"\u3164", "\u2060", false},
		{"Prod\u200c", "Prod", true},
		{"Prod\ufe0f", "Prod", true},
		{"Prod\u3164", "Prod", true},
		{"Prod\u3164", "Prod\u3164", true},
		{"\u2800Prod\u2800", "Prod", true},
		{"❤\ufe0f", "❤", true},
		{"می\u200cخواهم", "میخواهم", true},
		{"Prod", "Prod\u200e", true}, // copied with a mark of direction
		{"Prod\u200c", "", false},
		{"Prod\u200c", "Pro", false},
	} {
		if got := text.Same(c.shown, c.typed); got != c.same {
			t.Errorf("%q and %q: %v", c.shown, c.typed, got)
		}
	}
	for _, pair := range loose(t)["folded"] {
		if text.Fold(pair[0]) != text.Fold(pair[1]) {
			t.Errorf("%q isn't found by %q", pair[0], pair[1])
		}
	}
}

func TestAStoredTextIsShownWithoutWhatHidesOrReorders(t *testing.T) {
	for stored, want := range map[string]string{
		"": "", "My site": "My site", "two\n\tlines": "two\n\tlines", "می\u200cخواهم": "می\u200cخواهم", "=SUM(1)": "=SUM(1)",
		"Prod\u3164": "Prod", "P\u034frod": "Prod", "Prod\u200c": "Prod\u200c", "❤\ufe0f": "❤\ufe0f",
		"a\u202eb": "a\ufffdb", "\u200b": "\ufffd", "\u3164": "\ufffd", "\u2800 \u2800": "\ufffd", "a\x1b[31m": "a\ufffd[31m", "a\u2028b": "a\ufffdb", "\xff": "\ufffd",
	} {
		if got := text.Shown(stored); got != want {
			t.Errorf("%+q is shown as %+q", stored, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		stored := rapid.String().Draw(t, "stored")
		shown := text.Shown(stored)
		if text.Shown(shown) != shown || !text.Same(stored, shown) || !text.Same(stored, stored) {
			t.Errorf("%+q is shown as %+q", stored, shown)
		}
		if _, err := secrets.ParseBlock(shown, 0, 4000); errors.Is(err, text.ErrCharacter) {
			t.Errorf("%+q is shown as %+q, which isn't a text", stored, shown)
		}
	})
}

// TestEveryCharacterIsDecidedByItsProperty walks all of Unicode: what is taken is a character that Unicode knows, and
// parsing a text that was taken changes nothing.
func TestEveryCharacterIsDecidedByItsProperty(t *testing.T) {
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		got, err := secrets.ParseLine("a"+string(r)+"b", 1, 8)
		if err != nil {
			continue
		}
		if unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Noncharacter_Code_Point, unicode.Other_Default_Ignorable_Code_Point) || unicode.Is(unicode.Cf, r) && r != 0x200c && r != 0x200d {
			t.Errorf("%U was taken", r)
		}
		if again, err := secrets.ParseLine(got.String(), 1, 8); err != nil || again != got {
			t.Errorf("%U: %q becomes %q, %v", r, got, again, err)
		}
	}
}

// TestWhatIsTypedToConfirmIsWhatIsShown walks all of Unicode: a character in a stored name that nobody can see needn't be typed, one that
// shows must be.
func TestWhatIsTypedToConfirmIsWhatIsShown(t *testing.T) {
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		stored := "a" + string(r) + "b"
		hidden := r == 0x200c || r == 0x200d || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
		if got := text.Same(stored, "ab"); got != hidden {
			t.Errorf("%U needn't be typed: %v", r, got)
		}
		if !text.Same(stored, text.Shown(stored)) || text.Same(stored, "axxb") {
			t.Errorf("%U: %q is shown as %q", r, stored, text.Shown(stored))
		}
	}
}

func FuzzIn(f *testing.F) {
	for _, typed := range texttest.Spellings("ak_" + strings.Repeat("0", 33)) {
		f.Add(typed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		if masked := secrets.Mask(typed); secrets.In(masked) {
			t.Errorf("%q masked as %q", typed, masked)
		}
	})
}

// loose are the cases of texts that a search takes for the same, by what makes them so: folded, alike, and apart, which aren't the same. The
// console's script is held to them too.
func loose(t *testing.T) (cases map[string][][2]string) {
	t.Helper()
	raw, err := os.ReadFile("testdata/loose.json")
	if err == nil {
		err = json.Unmarshal(raw, &cases)
	}
	if err != nil || len(cases["folded"]) == 0 || len(cases["alike"]) == 0 || len(cases["apart"]) == 0 {
		t.Fatal(err, len(cases))
	}
	return cases
}

// TestASearchIsLoose: names are found without what people leave out, and stay apart where they are compared.
func TestASearchIsLoose(t *testing.T) {
	for _, pair := range loose(t)["alike"] {
		if text.Loose(pair[0]) != text.Loose(pair[1]) || !text.HasWords(pair[0], strings.Fields(text.Fold(pair[1]))) {
			t.Errorf("%q isn't found by %q", pair[0], pair[1])
		}
		if text.Fold(pair[0]) == text.Fold(pair[1]) {
			t.Errorf("%q and %q are one name", pair[0], pair[1])
		}
	}
	for _, pair := range loose(t)["apart"] {
		if text.Loose(pair[0]) == text.Loose(pair[1]) {
			t.Errorf("%q is found by %q", pair[0], pair[1])
		}
	}
	if text.Loose("ـ") == "" || text.Loose("") != "" {
		t.Error("what shows nothing finds everything")
	}
	rapid.Check(t, func(t *rapid.T) {
		one := rapid.String().Draw(t, "text")
		if text.Loose(text.Loose(one)) != text.Loose(one) {
			t.Errorf("%+q: %+q, then %+q", one, text.Loose(one), text.Loose(text.Loose(one)))
		}
	})
}
