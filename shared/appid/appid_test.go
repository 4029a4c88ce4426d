package appid_test

import (
	"encoding/csv"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"latchkey/shared/appid"
)

const specified = 59

const cert = "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709"

// TestAppsBehaveAsSpecified: the file is the specification, which the guide for customers links to.
func TestAppsBehaveAsSpecified(t *testing.T) {
	f, err := os.Open("testdata/apps.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+specified {
		t.Fatalf("%d rows, want the header and %d", len(rows), specified)
	}
	for _, row := range rows[1:] {
		t.Run(row[0], func(t *testing.T) {
			got, stored, suggestions := verdict(t, row[1], appid.FromHeaders(row[2], row[3], row[4]))
			if got != row[5] || stored != row[6] || suggestions != row[7] {
				t.Errorf("%v: got %s, %s, %s", row, got, stored, suggestions)
			}
		})
	}
}

func verdict(t *testing.T, typed string, caller appid.Caller) (expect, stored, suggestions string) {
	t.Helper()
	var list []string
	for one := range strings.SplitSeq(typed, ";") {
		a, err := appid.ParseLine(one)
		var refused *appid.Error
		if errors.As(err, &refused) {
			for _, s := range refused.Suggestions {
				if again, err := appid.ParseLine(s); err != nil || again.String() != s {
					t.Errorf("the suggestion %s is itself refused, or changed: %s, %v", s, again, err)
				}
			}
			return "reject:" + string(refused.Code), "", strings.Join(refused.Suggestions, " ")
		}
		list = append(list, a.String())
	}
	slices.Sort(list)
	list = slices.Compact(list)
	compiled, err := appid.Compile(list)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := compiled.Has(caller); ok {
		return "allow", strings.Join(list, "; "), ""
	}
	return "deny", strings.Join(list, "; "), ""
}

// TestAnAppIsReadAsItIsCopied: with the label that keytool prints, and with what nobody sees.
func TestAnAppIsReadAsItIsCopied(t *testing.T) {
	const cert = "DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09"
	const want = "android com.example.app " + cert
	for _, typed := range []string{
		"android com.example.app SHA1: " + cert, "android com.example.app\tSHA-1:" + cert, "android com.example.app sha1 " + strings.ToLower(cert), "\u200eandroid com.example.app \u2066" + cert + "\u2069",
		"android com.example\u200b.app " + cert,
	} {
		if a, err := appid.ParseLine(typed); err != nil || a.String() != want {
			t.Errorf("%+q: %s, %v", typed, a, err)
		}
	}
	var refused *appid.Error
	for _, sha1 := range []string{"SHA1: " + cert, "SHA-1=" + strings.ReplaceAll(cert, ":", " ")} {
		if _, err := (appid.Typed{Platform: "android", Package: "com.example.app", SHA1: sha1}).Parse(); !errors.As(err, &refused) || !slices.Equal(refused.Suggestions, []string{want}) {
			t.Errorf("%s: %v", sha1, err)
		}
	}
	if _, err := appid.ParseLine("com.example.app SHA1: " + cert); !errors.As(err, &refused) || refused.Code != appid.BadPlatform || !slices.Equal(refused.Suggestions, []string{want}) {
		t.Errorf("without a platform: %v", err)
	}
	if _, err := appid.ParseLine("android com.example.app SHA256: " + strings.Repeat(cert[:24], 4)); !errors.As(err, &refused) || !strings.Contains(refused.Message, "SHA-256") {
		t.Errorf("another digest: %v", err)
	}
}

func TestTheZeroValuesMatchNothing(t *testing.T) {
	if _, ok := (appid.List{}).Has(appid.FromHeaders("", "", "com.example.app")); ok {
		t.Error("the empty list has an app")
	}
	if (appid.App{}).Is(appid.Caller{}) || (appid.App{}).String() != "" {
		t.Error("the zero app is the zero caller's")
	}
	for _, text := range []string{"android com.example.app " + strings.Repeat("00:", 19) + "00", "ios com.example.app"} {
		if a, err := appid.ParseApp(text); err != nil || a.Is(appid.Caller{}) {
			t.Errorf("%s: a call that names no app is this one, %v", text, err)
		}
	}
}

func TestAStoredAppHasOneSpelling(t *testing.T) {
	for _, text := range []string{
		"", "ios", "ios ", "ios com.Example.app", "IOS com.example.app", "ios  com.example.app", "ios com.example.app x", "android com.example.app " + cert,
		"android com.example.app", "windows com.example.app", " ios com.example.app", "ios " + strings.Repeat("a", appid.MaxName+1),
	} {
		if a, err := appid.ParseApp(text); !errors.Is(err, appid.ErrApp) || a != (appid.App{}) {
			t.Errorf("%q: %v, %v", text, a, err)
		}
		if _, err := appid.Compile([]string{"ios com.example.app", text}); !errors.Is(err, appid.ErrApp) {
			t.Errorf("a list with %q: %v", text, err)
		}
	}
	if a, err := appid.ParseApp("ios " + strings.Repeat("a", appid.MaxName)); err != nil || len(a.Name()) != appid.MaxName {
		t.Errorf("the longest name: %v, %v", a, err)
	}
}

// TestWhatBelongsToAnotherPlatformIsRefused, and not left out: somebody who wrote it meant something by it.
func TestWhatBelongsToAnotherPlatformIsRefused(t *testing.T) {
	for _, typed := range []appid.Typed{
		{Platform: "android", Package: "com.example.app", SHA1: cert, BundleID: "com.example.app"},
		{Platform: "ios", BundleID: "com.example.app", SHA1: cert},
		{Platform: "ios", BundleID: "com.example.app", Package: "com.example.app"},
	} {
		a, err := typed.Parse()
		var refused *appid.Error
		if !errors.As(err, &refused) || refused.Code != appid.BadMember || a != (appid.App{}) {
			t.Errorf("%+v: %v, %v", typed, a, err)
		}
	}
}

func TestNamingAnAppAllocatesNothing(t *testing.T) {
	list, err := appid.Compile([]string{"android com.example.app " + strings.Repeat("00:", 19) + "00", "ios com.example.app"})
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		list.Has(appid.FromHeaders("com.example.app", cert, ""))
		list.Has(appid.FromHeaders("", "", "com.example.other"))
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestAnAppIsItselfAlone: of two apps, each is the caller that names it, and not the other.
func TestAnAppIsItselfAlone(t *testing.T) {
	gen := rapid.Custom(func(t *rapid.T) appid.App {
		typed := appid.Typed{Platform: "ios", BundleID: rapid.StringMatching(`[a-c]{1,2}(\.[a-c]{1,2})?`).Draw(t, "bundle")}
		if rapid.Bool().Draw(t, "android") {
			typed = appid.Typed{Platform: "android", Package: rapid.StringMatching(`[a-cA-C]{1,2}\.[a-c]{1,2}`).Draw(t, "package"), SHA1: rapid.StringMatching(`[01]{40}`).Draw(t, "cert")}
		}
		a, err := typed.Parse()
		if err != nil {
			t.Fatal(err)
		}
		return a
	})
	rapid.Check(t, func(t *rapid.T) {
		one, other := gen.Draw(t, "one"), gen.Draw(t, "other")
		caller := appid.FromHeaders(one.Name(), one.SHA1(), "")
		if one.Platform() == appid.IOS {
			caller = appid.FromHeaders("", "", one.Name())
		}
		if !one.Is(caller) || other.Is(caller) != (one == other) {
			t.Fatalf("%s and %s: %v, %v", one, other, one.Is(caller), other.Is(caller))
		}
	})
}

// FuzzParseLine: what is accepted has one spelling, what is refused says why, and each suggestion is accepted as it is.
func FuzzParseLine(f *testing.F) {
	for _, seed := range []string{"ios com.Example.app", "android com.example.app " + cert, "com.example.app " + cert, "android a.b DA 39", "ios a b c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := appid.ParseLine(text)
		if err == nil {
			again, err := appid.ParseLine(a.String())
			stored, bad := appid.ParseApp(a.String())
			if err != nil || bad != nil || again != a || stored != a {
				t.Fatalf("%q is %s, which is %s, %v, %v", text, a, again, err, bad)
			}
			return
		}
		var refused *appid.Error
		if !errors.As(err, &refused) || refused.Message == "" || !slices.Contains(appid.Codes(), refused.Code) || a != (appid.App{}) {
			t.Fatalf("%q: %s, %v", text, a, err)
		}
		for _, s := range refused.Suggestions {
			if again, err := appid.ParseLine(s); err != nil || again.String() != s {
				t.Fatalf("%q: the suggestion %q is %q, %v", text, s, again, err)
			}
		}
	})
}
