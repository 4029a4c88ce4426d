// Package brand reads whose console it is: the name, the logo, the colors and the links of the company that runs it. They come from
// the template's parameters. What can't be read is reported and left out: a mistake in a color must not close the console.
package brand

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"latchkey/shared/text"
)

// Brand is a company's own look. The zero value has no name, no links and the style sheet's own colors. Only one that is given no name
// has none.
type Brand struct {
	Name     string
	Language string // of people whose browsers name none that there is
	Logo     []byte // an SVG picture; nil leaves the mark of the layout
	Accent   string // the color of the mark, or "" for the style sheet's own
	Style    string // rules for the style sheet, or ""
	Links    []Link // of the footer, in its order
	support  *url.URL
}

// Link is one of the footer's. Name is docs, support, status, terms or privacy.
type Link struct{ Name, URL string }

// MostName bounds the characters of a name.
const MostName = 40

// neutralName is the name of a console whose own can't be read.
const neutralName = "API"

// Read reads the variables of the brand. The errors name those that were left out or changed, and why; there is a brand in any case.
func Read(getenv func(string) string) (Brand, []error) {
	b := Brand{Language: getenv("BRAND_LANGUAGE")}
	var wrong []error
	note := func(name string, err error) {
		if err != nil {
			wrong = append(wrong, fmt.Errorf("brand: %s: %w", name, err))
		}
	}
	var err error
	name := getenv("BRAND_NAME")
	if b.Name, err = readName(name); err != nil && name != "" {
		b.Name = neutralName
	}
	note("BRAND_NAME", err)
	b.Logo, err = readLogo(getenv("BRAND_LOGO"))
	note("BRAND_LOGO", err)
	b.Accent, b.Style, err = style(getenv("BRAND_COLOR"), getenv("BRAND_COLOR_DARK"))
	note("BRAND_COLOR", err)
	for _, one := range []Link{
		{"docs", getenv("BRAND_DOCS")},
		{"support", getenv("BRAND_SUPPORT")},
		{"status", getenv("BRAND_STATUS")},
		{"terms", getenv("BRAND_TERMS")},
		{"privacy", getenv("BRAND_PRIVACY")},
	} {
		u, err := readLink(one.URL)
		note("the link "+one.Name, err)
		if u == nil {
			continue
		}
		if one.Name == "support" {
			b.support = u
		}
		b.Links = append(b.Links, Link{one.Name, u.String()})
	}
	return b, wrong
}

// Docs returns the address of the documentation, or "".
func (b Brand) Docs() string {
	for _, one := range b.Links {
		if one.Name == "docs" {
			return one.URL
		}
	}
	return ""
}

// Support makes the address for a question about a key, an account or a request, by its ID: the subject of a mail, or the parameter ref
// of a page. It is "" without a support address.
func (b Brand) Support(ref string) string {
	if b.support == nil {
		return ""
	}
	u := *b.support
	q := u.Query()
	if u.Scheme == "mailto" {
		q.Set("subject", ref)
		u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20") // mail programs show a plus as it is
	} else {
		q.Set("ref", ref)
		u.RawQuery = q.Encode()
	}
	return u.String()
}

func readName(typed string) (string, error) {
	line, err := text.Secrets{}.ParseLine(typed, 1, MostName)
	if err != nil {
		return "", err
	}
	if strings.ContainsAny(line.String(), "{}") {
		return "", errors.New("braces name the arguments of texts")
	}
	return line.String(), nil
}

// readLink reads the address of a page, or mailto: and an address. Empty is none.
func readLink(typed string) (*url.URL, error) {
	if typed == "" {
		return nil, nil
	}
	u, err := url.Parse(typed)
	if err != nil {
		return nil, err
	}
	page := u.Scheme == "https" && u.Host != "" && u.User == nil
	mail := u.Scheme == "mailto" && strings.Contains(u.Opaque, "@")
	if !page && !mail {
		return nil, errors.New("it must begin with https:// or with mailto")
	}
	return u, nil
}

// maxLogo bounds an SVG that was compressed.
const maxLogo = 32 << 10

// readLogo reads an SVG picture in Base64, as it is or compressed by gzip.
func readLogo(typed string) ([]byte, error) {
	if typed == "" {
		return nil, nil
	}
	raw, err := base64.StdEncoding.DecodeString(typed)
	if err != nil {
		return nil, err
	}
	if z, err := gzip.NewReader(bytes.NewReader(raw)); err == nil {
		if raw, err = io.ReadAll(io.LimitReader(z, maxLogo+1)); err != nil {
			return nil, err
		}
	}
	if len(raw) > maxLogo {
		return nil, fmt.Errorf("more than %d bytes", maxLogo)
	}
	if err := picture(raw); err != nil {
		return nil, err
	}
	return raw, nil
}

// picture refuses what isn't an SVG, and one that runs or loads something: shown as an image it couldn't, opened by its address it could.
func picture(raw []byte) error {
	d := xml.NewDecoder(bytes.NewReader(raw))
	first := true
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			if first {
				return errors.New("no SVG picture")
			}
			return nil
		}
		if err != nil {
			return err
		}
		if _, ok := token.(xml.Directive); ok {
			return errors.New("no document type is allowed")
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if first && (start.Name.Local != "svg" || start.Name.Space != "http://www.w3.org/2000/svg") {
			return errors.New(`it must begin with <svg xmlns="http://www.w3.org/2000/svg">`)
		}
		first = false
		if err := harmless(start); err != nil {
			return err
		}
	}
}

var active = []string{"script", "foreignObject", "iframe", "style", "image", "a", "animate", "set", "animateMotion", "animateTransform", "handler", "listener"}

func harmless(e xml.StartElement) error {
	if slices.Contains(active, e.Name.Local) {
		return fmt.Errorf("<%s> is not allowed", e.Name.Local)
	}
	for _, a := range e.Attr {
		name, value := strings.ToLower(a.Name.Local), strings.ToLower(strings.Join(strings.Fields(a.Value), ""))
		loads := strings.Contains(value, "url(") && !strings.Contains(value, "url(#")
		if strings.HasPrefix(name, "on") || name == "href" && !strings.HasPrefix(value, "#") || loads {
			return fmt.Errorf("%s of <%s> is not allowed", a.Name.Local, e.Name.Local)
		}
	}
	return nil
}
