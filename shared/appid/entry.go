package appid

import (
	"strings"

	"latchkey/shared/ascii"
	"latchkey/shared/pasted"
)

// Code says why an app was refused.
type Code string

// The codes.
const (
	Empty       Code = "app_empty"
	BadPlatform Code = "app_platform"  // neither android nor ios
	BadPackage  Code = "app_package"   // no name that an Android app can have
	BadSHA1     Code = "app_sha1"      // no SHA-1 fingerprint, or that of another digest
	BadBundle   Code = "app_bundle_id" // no name that an app of Apple's systems can have
	BadMember   Code = "app_member"    // a bundle ID for Android, a package or a certificate for iOS; or too many words
)

// Codes returns all codes, for whatever has a text for each.
func Codes() []Code { return []Code{Empty, BadPlatform, BadPackage, BadSHA1, BadBundle, BadMember} }

// Error is why an app was refused.
type Error struct {
	Code    Code
	Message string
	// Suggestions are apps in their canonical form, one of which is probably meant.
	Suggestions []string
}

// Error implements error.
func (e *Error) Error() string {
	if len(e.Suggestions) == 0 {
		return e.Message
	}
	return e.Message + " Did you mean " + strings.Join(e.Suggestions, " or ") + "?"
}

// Typed is an app as somebody wrote it.
type Typed struct{ Platform, Package, SHA1, BundleID string }

// Parse reads an app as somebody wrote it. The error is an [*Error].
func (t Typed) Parse() (App, error) {
	t = Typed{pasted.Value(t.Platform), pasted.Value(t.Package), pasted.Value(t.SHA1), pasted.Value(t.BundleID)}
	switch p := Platform(strings.ToLower(t.Platform)); {
	case t == Typed{}:
		return App{}, &Error{Code: Empty, Message: "Name an app."}
	case p == Android && t.BundleID == "":
		return android(t)
	case p == IOS && t.Package == "" && t.SHA1 == "":
		name := lower(t.BundleID)
		if !isName(IOS, name) {
			return App{}, &Error{Code: BadBundle, Message: "A bundle ID has letters, digits, hyphens and dots, as in com.example.app."}
		}
		return App{platform: IOS, name: name}, nil
	case p == Android:
		return App{}, &Error{Code: BadMember, Message: "An app for Android is named by its package and a fingerprint, and has no bundle ID."}
	case p == IOS:
		return App{}, &Error{Code: BadMember, Message: "An app for iOS is named by its bundle ID alone."}
	}
	return App{}, &Error{Code: BadPlatform, Message: "The platform is android or ios.", Suggestions: guesses(t)}
}

func android(t Typed) (App, error) {
	if !isName(Android, t.Package) {
		return App{}, &Error{Code: BadPackage, Message: "A package has two parts or more with dots between them, each of which begins with a letter, as in com.example.app."}
	}
	cert, ok := parseFingerprint(t.SHA1)
	if ok {
		return App{platform: Android, name: t.Package, cert: cert}, nil
	}
	e := &Error{Code: BadSHA1, Message: "A SHA-1 fingerprint has 20 bytes in hexadecimal, as in DA:39:A3:…; the command keytool prints it."}
	hex := onlyHex(unlabelled(t.SHA1))
	switch len(hex) {
	case 64:
		e.Message = "This is the SHA-256 fingerprint. Give the SHA-1 fingerprint of the same certificate."
	case 32:
		e.Message = "This is the MD5 fingerprint. Give the SHA-1 fingerprint of the same certificate."
	case 40: // with its label, or blanks or dashes between its bytes
		cert, _ = parseFingerprint(hex)
		e.Suggestions = []string{App{platform: Android, name: t.Package, cert: cert}.String()}
	}
	return App{}, e
}

// unlabelled leaves out what the command keytool prints before a fingerprint.
func unlabelled(text string) string {
	for _, label := range []string{"sha1", "sha-1", "sha256", "sha-256", "md5"} {
		if len(text) > len(label) && ascii.EqualFold(text[:len(label)], label) {
			return strings.TrimLeft(text[len(label):], " :=")
		}
	}
	return text
}

// onlyHex takes separators away; "" for what has other characters.
func onlyHex(text string) string {
	var b strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case ascii.Hex(c) <= 15:
			b.WriteByte(c)
		case c != ':' && c != '-' && c != ' ':
			return ""
		}
	}
	return b.String()
}

// Line splits what a person types in one line: the platform, the package and the fingerprint, or the platform and the bundle ID.
func Line(text string) (t Typed) {
	words := strings.Fields(pasted.Value(text))
	if len(words) == 0 {
		return t
	}
	switch p := Platform(strings.ToLower(words[0])); {
	case p == Android && len(words) > 1:
		t.Package, t.SHA1 = words[1], unlabelled(strings.Join(words[2:], " "))
	case p == IOS && len(words) == 2:
		t.BundleID = words[1]
	case p == IOS && len(words) > 2:
		t.Package = strings.Join(words[1:], " ")
	case p != Android && p != IOS:
		return Typed{Package: words[0], SHA1: unlabelled(strings.Join(words[1:], " "))}
	}
	t.Platform = words[0]
	return t
}

// ParseLine reads an app as a person types it in one line. The error is an [*Error].
func ParseLine(text string) (App, error) { return Line(text).Parse() }

// guesses completes an app without a platform: with a fingerprint it is one for Android, without one for iOS.
func guesses(t Typed) []string {
	t.Platform = string(Android)
	if t.SHA1 == "" {
		t = Typed{Platform: string(IOS), BundleID: t.BundleID + t.Package}
	}
	a, err := t.Parse()
	if err != nil {
		return nil
	}
	return []string{a.String()}
}

// lower folds ASCII letters alone: others are refused.
func lower(text string) string {
	b := []byte(text)
	for i, c := range b {
		b[i] = ascii.Lower(c)
	}
	return string(b)
}
