// Package appid reads the apps of a key, and decides whether a call comes from one of them, as its headers say. Anybody can send these
// headers: they keep a key from being used by mistake, and make its misuse a lie.
package appid

import (
	"errors"
	"fmt"
	"strings"

	"latchkey/shared/ascii"
)

// ErrApp is wrapped by the errors of [ParseApp] and [Compile].
var ErrApp = errors.New("appid: not a canonical app")

// Platform is the kind of system that an app is for. The zero Platform is none.
type Platform string

// The platforms.
const (
	Android Platform = "android"
	IOS     Platform = "ios"
)

// App names an app: on Android by its package and the SHA-1 fingerprint of its signing certificate, on Apple's systems by its bundle ID.
// The zero value is no app and matches no caller.
type App struct {
	platform Platform
	name     string
	cert     fingerprint
}

// fingerprint is a SHA-1 digest: the name of a certificate, as Android and Google's keys use it, and not a protection.
type fingerprint [20]byte

// Platform returns the platform, "" for the zero value.
func (a App) Platform() Platform { return a.platform }

// Name returns the package or the bundle ID.
func (a App) Name() string { return a.name }

// SHA1 returns the fingerprint of an Android app's certificate as Android's tools print it, "" for other apps.
func (a App) SHA1() string {
	if a.platform != Android {
		return ""
	}
	return a.cert.String()
}

// String returns the canonical form: "android com.example.app DA:39:…" or "ios com.example.app".
func (a App) String() string {
	switch a.platform {
	case Android:
		return string(Android) + " " + a.name + " " + a.cert.String()
	case IOS:
		return string(IOS) + " " + a.name
	default:
		return ""
	}
}

// ParseApp reads an app in its canonical form, as keys store it. It refuses every other spelling.
func ParseApp(canonical string) (App, error) {
	platform, rest, _ := strings.Cut(canonical, " ")
	a := App{platform: Platform(platform), name: rest}
	known := true
	if a.platform == Android {
		name, cert, _ := strings.Cut(rest, " ")
		a.name = name
		a.cert, known = parseFingerprint(cert)
	}
	if !known || !isName(a.platform, a.name) || a.String() != canonical {
		return App{}, fmt.Errorf("%w: %q", ErrApp, canonical)
	}
	return a, nil
}

// Caller is the app that a call names. The zero value is none.
type Caller struct{ app App }

// FromHeaders returns the app that a call names by the headers X-Android-Package and X-Android-Cert, or X-Ios-Bundle-Identifier; ""
// is an absent header. A call that names half an app, or two, names none.
func FromHeaders(androidPackage, androidCert, bundleID string) Caller {
	switch {
	case androidPackage == "" && androidCert == "" && bundleID != "":
		return Caller{App{platform: IOS, name: bundleID}}
	case androidPackage != "" && bundleID == "":
		if cert, ok := parseFingerprint(androidCert); ok {
			return Caller{App{platform: Android, name: androidPackage, cert: cert}}
		}
	}
	return Caller{}
}

// Is reports whether the caller is the app. Packages of Android are told apart by case, Apple's bundle IDs aren't.
func (a App) Is(c Caller) bool {
	switch a.platform {
	case Android:
		return a == c.app
	case IOS:
		return c.app.platform == IOS && ascii.EqualFold(c.app.name, a.name)
	default:
		return false
	}
}

// List holds a key's apps. The zero value has none; that a key without apps takes calls from all is the caller's rule.
type List struct{ apps []App }

// Compile reads canonical apps, as they are stored with a key. The error wraps [ErrApp].
func Compile(canonical []string) (List, error) {
	if len(canonical) == 0 {
		return List{}, nil
	}
	apps := make([]App, len(canonical))
	for i, text := range canonical {
		a, err := ParseApp(text)
		if err != nil {
			return List{}, fmt.Errorf("entry %d: %w", i, err)
		}
		apps[i] = a
	}
	return List{apps}, nil
}

// Has returns the first app that the caller is. It allocates nothing. Without one, index is -1.
func (l List) Has(c Caller) (index int, ok bool) {
	for i := range l.apps {
		if l.apps[i].Is(c) {
			return i, true
		}
	}
	return -1, false
}

// MaxName is the longest package or bundle ID, in bytes.
const MaxName = 155

// isName reports whether a text is the name of an app in its canonical form.
func isName(p Platform, text string) bool {
	if text == "" || len(text) > MaxName {
		return false
	}
	switch p {
	case Android:
		return strings.Contains(text, ".") && segments(text, startsPackage, inPackage)
	case IOS:
		return segments(text, inBundle, inBundle)
	default:
		return false
	}
}

// segments reports whether all parts between dots begin and go on with the right characters.
func segments(text string, begins, goesOn func(c byte) bool) bool {
	first := true
	for i := range len(text) {
		c := text[i]
		switch {
		case first && !begins(c):
			return false
		case first:
			first = false
		case c == '.':
			first = true
		case !goesOn(c):
			return false
		}
	}
	return !first
}

func startsPackage(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func inPackage(c byte) bool     { return startsPackage(c) || isDigit(c) || c == '_' }
func inBundle(c byte) bool      { return 'a' <= c && c <= 'z' || isDigit(c) || c == '-' }
func isDigit(c byte) bool       { return '0' <= c && c <= '9' }

const upperHex = "0123456789ABCDEF"

func (f fingerprint) String() string {
	var b [3*len(f) - 1]byte
	for i, c := range f {
		if i > 0 {
			b[3*i-1] = ':'
		}
		b[3*i], b[3*i+1] = upperHex[c>>4], upperHex[c&15]
	}
	return string(b[:])
}

// parseFingerprint reads 20 bytes in hexadecimal, in any case, either with a colon between each two or with none.
func parseFingerprint(text string) (f fingerprint, ok bool) {
	step := 2
	if len(text) == 3*len(f)-1 {
		step = 3
	} else if len(text) != 2*len(f) {
		return fingerprint{}, false
	}
	for i := range f {
		high, low := ascii.Hex(text[step*i]), ascii.Hex(text[step*i+1])
		if high > 15 || low > 15 || step == 3 && i > 0 && text[step*i-1] != ':' {
			return fingerprint{}, false
		}
		f[i] = high<<4 | low
	}
	return f, true
}
