package locale_test

import (
	"os"
	"reflect"
	"testing"
	"time"

	"latchkey/functions/console/internal/locale"
)

func load(t *testing.T) *locale.Languages {
	t.Helper()
	l, err := locale.Load(os.DirFS("../../messages"), "en", "fr")
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
	en, fr := l.Choose("en", ""), l.Choose("fr", "")
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
