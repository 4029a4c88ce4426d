package main

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"

	"latchkey/functions/console/internal/brand"
)

//go:embed assets
var assetFiles embed.FS

// assets are the style sheet, the scripts and the picture, under names that change with their content.
type assets struct {
	hashed map[string]string // name -> name with hash
	files  map[string]asset  // by name with hash
}

type asset struct {
	kind   string
	plain  []byte
	zipped func() []byte // made when it's asked for first
}

var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// ourAccent is the color of the mark, which a brand's takes the place of.
const ourAccent = "#0b6a66"

// branded puts the brand's colors and logo into a file of ours.
func branded(name string, raw []byte, b brand.Brand) []byte {
	switch {
	case name == "app.css":
		return append(raw, b.Style...)
	case name == "mark.svg" && b.Logo != nil:
		return b.Logo
	case name == "mark.svg" && b.Accent != "":
		return bytes.ReplaceAll(raw, []byte(ourAccent), []byte(b.Accent))
	}
	return raw
}

func loadAssets(b brand.Brand) (*assets, error) {
	a := &assets{hashed: map[string]string{}, files: map[string]asset{}}
	entries, err := fs.ReadDir(assetFiles, "assets")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		raw, err := fs.ReadFile(assetFiles, "assets/"+e.Name())
		if err != nil {
			return nil, err
		}
		ext := path.Ext(e.Name())
		if kinds[ext] == "" {
			return nil, fmt.Errorf("console: an asset of unknown kind: %s", e.Name())
		}
		raw = branded(e.Name(), raw, b)
		sum := sha256.Sum256(raw)
		name := strings.TrimSuffix(e.Name(), ext) + "." + hex.EncodeToString(sum[:5]) + ext
		a.hashed[e.Name()] = name
		a.files[name] = asset{kind: kinds[ext], plain: raw, zipped: sync.OnceValue(func() []byte { return compress(raw) })}
	}
	return a, nil
}

func (a *app) asset(v *visit) error {
	file, ok := a.assets.files[v.r.PathValue("file")]
	if !ok {
		return errNotFound
	}
	h := v.w.Header()
	h.Set("Content-Type", file.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body := file.plain
	if strings.Contains(v.r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = file.zipped()
	}
	v.w.WriteHeader(http.StatusOK)
	_, _ = v.w.Write(body)
	return nil
}

// shapes are the icons: strokes on a grid of 16 by 16.
var shapes = map[string]string{
	"active":    `<circle cx="8" cy="8" r="6.25"/><path d="m5.2 8.2 2 2 3.6-4.2"/>`,
	"disabled":  `<circle cx="8" cy="8" r="6.25"/><path d="M6.4 5.8v4.4M9.6 5.8v4.4"/>`,
	"suspended": `<circle cx="8" cy="8" r="6.25"/><path d="M6.4 5.8v4.4M9.6 5.8v4.4"/>`,
	"blocked":   `<path d="M8 1.6 13.6 4v3.7c0 3.3-2.3 5.6-5.6 6.7-3.3-1.1-5.6-3.4-5.6-6.7V4z"/><path d="m6 6 4 4m0-4-4 4"/>`,
	"revoked":   `<circle cx="8" cy="8" r="6.25"/><path d="m5.8 5.8 4.4 4.4m0-4.4-4.4 4.4"/>`,
	"expired":   `<circle cx="8" cy="8" r="6.25"/><path d="M8 4.6V8l2.4 1.6"/>`,
	"deleted":   `<path d="M2.8 4.4h10.4M6.4 4.2V2.6h3.2v1.6M4 4.6l.6 8.8h6.8l.6-8.8"/>`,
	"key":       `<circle cx="5.4" cy="10.6" r="3"/><path d="m7.6 8.4 5.6-5.6M10.6 5.4l2 2M12.6 3.4l1.2 1.2"/>`,
	"chart":     `<path d="M2.4 13.6h11.2M4.4 11V8M8 11V3.4M11.6 11V6"/>`,
	"globe":     `<circle cx="8" cy="8" r="6"/><path d="M2 8h12M8 2q7 6 0 12M8 2q-7 6 0 12"/>`,
	"gauge":     `<path d="M2.6 12a6.2 6.2 0 1 1 10.8 0M8 9.4l2.8-3.6"/>`,
	"people":    `<circle cx="6" cy="5.4" r="2.4"/><path d="M1.8 13.2c.3-2.6 2-4 4.2-4s3.9 1.4 4.2 4M10.6 3.2a2.3 2.3 0 0 1 0 4.4M11.8 9.5c1.4.5 2.2 1.7 2.4 3.7"/>`,
	"shield":    `<path d="M8 1.6 13.6 4v3.7c0 3.3-2.3 5.6-5.6 6.7-3.3-1.1-5.6-3.4-5.6-6.7V4z"/><path d="m5.6 8 1.7 1.7 3.2-3.6"/>`,
	"circle":    `<circle cx="8" cy="8" r="6.25"/>`,
	"more":      `<circle cx="8" cy="3.2" r=".9"/><circle cx="8" cy="8" r=".9"/><circle cx="8" cy="12.8" r=".9"/>`,
	"plus":      `<path d="M8 3v10M3 8h10"/>`,
	"search":    `<circle cx="7" cy="7" r="4.4"/><path d="m10.4 10.4 3.4 3.4"/>`,
	"warning":   `<path d="M8 2.2 14.4 13.4H1.6zM8 6.4v3.2M8 11.6v.1"/>`,
	"info":      `<circle cx="8" cy="8" r="6.25"/><path d="M8 7.4v3.6M8 5v.1"/>`,
	"copy":      `<rect x="5.4" y="5.4" width="8" height="8" rx="1.4"/><path d="M10.6 5.2V3.8c0-.7-.5-1.2-1.2-1.2H3.8c-.7 0-1.2.5-1.2 1.2v5.6c0 .7.5 1.2 1.2 1.2h1.4"/>`,
	"rotate":    `<path d="M13.2 8a5.2 5.2 0 0 1-9.4 3.1M2.8 8a5.2 5.2 0 0 1 9.4-3.1M12.4 2v3.2H9.2M3.6 14v-3.2h3.2"/>`,
	"down":      `<path d="m4 6 4 4 4-4"/>`,
	"previous":  `<path d="M10 3.6 5.6 8 10 12.4"/>`,
	"next":      `<path d="m6 3.6 4.4 4.4L6 12.4"/>`,
	"out":       `<path d="M6.4 2.6H3.4v10.8h3M10 5l3 3-3 3M13 8H6.6"/>`,
	"close":     `<path d="m3.6 3.6 8.8 8.8m0-8.8-8.8 8.8"/>`,
	"sort":      `<path d="M8 2.8v10.4M4.6 9.8 8 13.2l3.4-3.4"/>`,
}

// symbol is an icon that use draws as often as a page needs it, in a third of its bytes.
func symbol(name string) template.HTML {
	return template.HTML(`<symbol id="i-` + name + `" viewBox="0 0 16 16">` + shapes[name] + `</symbol>`) //nolint:gosec // ours
}

func use(name string) template.HTML {
	return template.HTML(`<svg class="icon" aria-hidden="true"><use href="#i-` + name + `"/></svg>`) //nolint:gosec // ours
}

// icon draws a shape. Screen readers skip it: a word is beside it.
func icon(name string) template.HTML {
	mirrored := ""
	if name == "next" || name == "previous" || name == "out" {
		mirrored = " mirrored"
	}
	return template.HTML(`<svg class="icon` + mirrored + `" viewBox="0 0 16 16" aria-hidden="true">` + shapes[name] + `</svg>`) //nolint:gosec // ours
}
