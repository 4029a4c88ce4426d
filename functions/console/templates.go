package main

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"regexp"
	"strings"
	"sync"
	"time"

	"latchkey/functions/console/internal/brand"
	"latchkey/functions/console/internal/locale"
	"latchkey/shared/api"
	"latchkey/shared/origin/entry"
	shown "latchkey/shared/text"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed messages
var embeddedMessages embed.FS

func messageFiles() fs.FS {
	files, err := fs.Sub(embeddedMessages, "messages")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return files
}

// pages keeps the templates, once for each setID.
type pages struct {
	assets *assets
	brand  brand.Brand
	now    func() time.Time

	mu   sync.Mutex
	sets map[setID]*template.Template
}

// setID names a set of templates by what its functions know.
type setID struct {
	language, base string
	suspended      bool // texts about changes are those for a suspended account
}

// parsedTemplates reads the templates once. Their functions are only named by this; each set has its own.
var parsedTemplates = sync.OnceValues(func() (*template.Template, error) {
	return template.New("").Funcs((&pages{}).functions(nil, setID{})).ParseFS(templateFiles, "templates/*.html")
})

func (p *pages) set(lang *locale.Language, base string, suspended bool) (*template.Template, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := setID{lang.Tag, base, suspended}
	if set, ok := p.sets[id]; ok {
		return set, nil
	}
	parsed, err := parsedTemplates()
	if err != nil {
		return nil, err
	}
	set, err := parsed.Clone()
	if err != nil {
		return nil, err
	}
	set.Funcs(p.functions(lang, id))
	if p.sets == nil {
		p.sets = map[setID]*template.Template{}
	}
	p.sets[id] = set
	return set, nil
}

// execute renders the named template inside of the layout.
func (p *pages) execute(v *visit, name string, data page) ([]byte, error) {
	set, err := p.set(v.lang, v.base, data.suspended())
	if err != nil {
		return nil, err
	}
	var body, whole bytes.Buffer
	if err := set.ExecuteTemplate(&body, name, data); err != nil {
		return nil, err
	}
	data.Body = template.HTML(withoutDeadEnds(body.Bytes(), data.Bad)) //nolint:gosec // it comes out of a template
	if err := set.ExecuteTemplate(&whole, "layout", data); err != nil {
		return nil, err
	}
	return whole.Bytes(), nil
}

// aLead is a link of the summary of a refused form to a field.
var aLead = regexp.MustCompile(`<a href="#(f-[^"]*)">(.*?)</a>`)

// withoutDeadEnds leaves the texts alone of links to fields that the page doesn't have: the API may refuse a member that no field stands for.
func withoutDeadEnds(body []byte, bad bool) []byte {
	if !bad {
		return body
	}
	return aLead.ReplaceAllFunc(body, func(link []byte) []byte {
		parts := aLead.FindSubmatch(link)
		if bytes.Contains(body, []byte(` id="`+string(parts[1])+`"`)) {
			return link
		}
		return parts[2]
	})
}

func (p *pages) functions(lang *locale.Language, id setID) template.FuncMap {
	return template.FuncMap{
		"t":      func(key string, pairs ...any) string { return lang.Text(inForce(lang, key, id.suspended), pairs...) },
		"has":    lang.Has,
		"url":    func(parts ...string) string { return id.base + strings.Join(parts, "") },
		"asset":  func(name string) string { return id.base + "/assets/" + p.assets.hashed[name] },
		"icon":   icon,
		"symbol": symbol,
		"use":    use,
		"num":    lang.Number,
		"orMore": orMore,
		"date":   func(t any) template.HTML { return p.moment(t, lang.Date) },
		"moment": func(t any) template.HTML { return p.moment(t, lang.Moment) },
		"instant": func(t any) string { // for pages with many, without an element of its own
			at, _ := timeOf(t)
			return lang.Moment(at)
		},
		"day": func(t any) string { // likewise
			at, _ := timeOf(t)
			return lang.Date(at)
		},
		"ago": func(t any) template.HTML {
			return p.moment(t, func(at time.Time) string { return lang.Ago(p.now().Sub(at)) })
		},
		"age": func(t any) int64 { // in seconds
			at, _ := timeOf(t)
			return max(int64(p.now().Sub(at)/time.Second), 0)
		},
		"dict":     dict,
		"enforced": enforced,
		"support":  p.brand.Support,
		"code":     func(prefix, code string) string { return lang.Or(prefix+code, code) },
		"shown":    shown.Shown,
		"unicode":  entry.Unicode,
		"who": func(subject string) string { // tells people apart who have one name and address
			sum := sha256.Sum256([]byte(subject))
			return base64.RawURLEncoding.EncodeToString(sum[:12])
		},
		"str":     func(v any) string { return fmt.Sprint(v) },
		"reason":  func(stored string) string { return reasonIn(lang, stored) },
		"breaks":  breaks,
		"leak":    leak,
		"stopped": stopped,
		"expired": func(k api.Key) bool { return hasExpired(k, p.now()) },
		"refused": refusedSecret,
		"commas":  lang.List,
		"dir":     func() string { return lang.Dir },
		"list":    func(items ...any) []any { return items },
	}
}

// breaks is a code that lines may break after its colons, so that no byte of a fingerprint is torn apart while there is another place.
func breaks(code string) template.HTML {
	return template.HTML(strings.ReplaceAll(template.HTMLEscapeString(code), ":", ":<wbr>")) //nolint:gosec // escaped
}

func timeOf(v any) (time.Time, bool) {
	switch t := v.(type) {
	case time.Time:
		return t, !t.IsZero()
	case *time.Time:
		if t != nil {
			return *t, true
		}
	case api.Time:
		return t.Time, !t.IsZero()
	case *api.MaybeTime:
		if t != nil {
			return t.Time, true
		}
	}
	return time.Time{}, false
}

// moment makes a <time> element; its texts come from the catalogue alone.
func (p *pages) moment(v any, text func(time.Time) string) template.HTML {
	at, ok := timeOf(v)
	if !ok {
		return "–"
	}
	exact := at.UTC().Format(time.RFC3339)
	return template.HTML(`<time datetime="` + exact + `" title="` + exact + `">` + template.HTMLEscapeString(text(at)) + `</time>`) //nolint:gosec // escaped
}

func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("console: dict needs pairs")
	}
	d := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		d[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return d, nil
}
