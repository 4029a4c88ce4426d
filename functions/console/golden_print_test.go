package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// printer writes pages so that diffs are readable: one element to a line where a line would be long, and what many pages share
// once, under the name of the page that had it first.
type printer struct {
	out    strings.Builder
	shared map[string]map[string]string // the name by the text, by kind
	parts  []string                     // of this page: kind and name
	name   string
	flats  map[*html.Node]string
}

const longLine = 160

// random finds what differs from run to run.
var random = regexp.MustCompile(`\b[A-Z2-7]{26}\b`)

// named finds what sessions are named by.
var named = regexp.MustCompile(`\b[A-Za-z0-9_-]{43}\b|\B-[A-Za-z0-9_-]{42}\b|\b[A-Za-z0-9_-]{42}-\B`)

// fingerprint finds what changes with every change of an asset.
var fingerprint = regexp.MustCompile(`(/assets/[a-z]+)\.[0-9a-f]{10}\.`)

// known are the names that pages have for IDs.
var known = strings.NewReplacer(keyID, "{key}", bareKeyID, "{bare}", requestID1, "{request}", requestID2, "{request2}", operationID, "{operation}", account, "{account}")

// drawn are the icons, by what is drawn.
var drawn map[string]string

func init() {
	all := map[string]string{}
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(shapes))) { // of those that are drawn alike, the first
		all[rendered(string(icon(name)))] = name
	}
	drawn = all
}

func rendered(source string) string {
	doc, err := html.Parse(strings.NewReader(source))
	if err != nil {
		panic(err)
	}
	return new(printer).flat(doc.FirstChild.LastChild.FirstChild)
}

// sealedPart finds what the console has sealed for itself in a form.
var sealedPart = regexp.MustCompile(`(begun(?:" value=")?=?)[\w-]{40,}`)

func stable(text string) string {
	text = sealedPart.ReplaceAllString(text, "$1{sealed}")
	text = fingerprint.ReplaceAllString(text, "$1.{hash}.")
	text = named.ReplaceAllString(text, "{session}")
	return random.ReplaceAllString(text, "{random}")
}

// kindOf names what is written once for all pages that have it, "" for anything else.
func kindOf(n *html.Node) string {
	switch {
	case n.Type != html.ElementNode:
	case n.Data == "head":
		return "head"
	case n.Data == "header":
		return "header"
	case attr(n, "id") == "person" || attr(n, "id") == "accounts":
		return attr(n, "id")
	case attr(n, "class") == "menu", attr(n, "class") == "chosen", n.Data == "form" && strings.HasPrefix(attr(n, "class"), "filters"):
		kind, _, _ := strings.Cut(attr(n, "class"), " ")
		return kind
	case n.Data == "footer", n.Data == "fieldset" && attr(n, "class") == "try":
		return strings.TrimPrefix(n.Data+"."+attr(n, "class"), ".")
	case n.Data == "div" && attr(n, "class") == "charts":
		return "charts"
	case n.Data == "nav" && attr(n, "class") == "tabs":
		return "tabs"
	}
	return ""
}

// frames are the kinds that the frame of a page has. They don't make a page another one.
var frames = []string{"head", "header"}

// page writes a document. here is the page that its forms come back to.
func (p *printer) page(name string, doc *html.Node) (text string, parts []string) {
	p.out.Reset()
	p.parts, p.name, p.flats = nil, name, nil
	title, here := "", ""
	elements(doc, func(n *html.Node) {
		switch {
		case n.Data == "title" && n.FirstChild != nil && n.Parent.Data == "head":
			title, n.FirstChild.Data = n.FirstChild.Data, "{title}"
		case n.Data == "input" && attr(n, "name") == "return":
			for i := range n.Attr {
				if n.Attr[i].Key == "value" {
					here, n.Attr[i].Val = n.Attr[i].Val, "{here}"
				}
			}
		}
	})
	fmt.Fprintf(&p.out, "title: %s\nhere:  %s\n", title, known.Replace(here))
	for c := doc.FirstChild; c != nil; c = c.NextSibling {
		p.node(c, 0)
	}
	return stable(p.out.String()), p.parts
}

func (p *printer) line(depth int, text string) {
	p.out.WriteString(strings.Repeat(" ", depth) + text + "\n")
}

// node writes a node with what is in it.
func (p *printer) node(n *html.Node, depth int) {
	if kind := kindOf(n); kind != "" {
		p.part(kind, n, depth)
		return
	}
	if n.Type == html.ElementNode && repeated[n.Data] {
		if flat := p.flat(n); len(flat) > 500 {
			if first := p.first("", stable(flat)); first != p.name {
				p.line(depth, "("+n.Data+" as in "+first+")")
				return
			}
		}
	}
	p.whole(n, depth)
}

// repeated are elements that a page leaves out if one before it has the same.
var repeated = map[string]bool{"section": true, "form": true, "table": true, "dl": true, "article": true, "nav": true, "ul": true}

// part writes a node in its own place, and its name here.
func (p *printer) part(kind string, n *html.Node, depth int) {
	inner := &printer{shared: p.shared, name: p.name, flats: p.flats}
	inner.whole(n, 0)
	name := p.first(kind, stable(inner.out.String()))
	if slices.Contains(frames, kind) {
		p.parts = append(p.parts, kind+" of "+name)
		p.line(depth, "("+kind+")")
		return
	}
	p.line(depth, "("+kind+" of "+name+")")
}

// first is the page that first had a text of a kind.
func (p *printer) first(kind, text string) string {
	if p.shared[kind] == nil {
		p.shared[kind] = map[string]string{}
	}
	if p.shared[kind][text] == "" {
		p.shared[kind][text] = p.name
	}
	return p.shared[kind][text]
}

func (p *printer) whole(n *html.Node, depth int) {
	if n.Type != html.ElementNode {
		if text := squeezed(n); strings.TrimSpace(text) != "" {
			p.line(depth, strings.TrimSpace(text))
		}
		return
	}
	if flat := p.flat(n); n.Data != "html" && n.Data != "body" && !holdsPart(n) && len(flat)+depth <= longLine && !strings.Contains(flat, "\n") {
		p.line(depth, flat)
		return
	}
	if n.Data == "body" { // what scripts read of it is the same nearly everywhere
		p.line(depth, "(body of "+p.first("body", opening(n)+"\n")+")")
	} else {
		p.line(depth, opening(n))
	}
	if verbatim(n) {
		for one := range strings.SplitSeq(known.Replace(text(n)), "\n") {
			p.line(0, "|"+one)
		}
		return
	}
	p.children(n, depth+1)
}

// children writes each child on a line, but words and what stands among them together, as long as that isn't long. A blank
// between two lines of words is written as ␣.
func (p *printer) children(n *html.Node, depth int) {
	var run []*html.Node
	flush := func() {
		all := ""
		for _, one := range run {
			all += p.flat(one)
		}
		switch {
		case strings.TrimSpace(all) == "":
		case len(all)+depth <= longLine && !strings.Contains(all, "\n"):
			p.line(depth, strings.TrimSpace(all))
		default:
			for i, one := range run {
				if flat := p.flat(one); strings.TrimSpace(flat) == "" && i > 0 && i < len(run)-1 {
					p.line(depth, "␣")
				} else {
					p.node(one, depth)
				}
			}
		}
		run = nil
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.TextNode || c.Type == html.ElementNode && amongWords[c.Data] && !holdsPart(c) {
			run = append(run, c)
			continue
		}
		flush()
		p.node(c, depth)
	}
	flush()
}

var amongWords = map[string]bool{"a": true, "b": true, "bdi": true, "br": true, "button": true, "code": true, "del": true, "ins": true, "small": true, "span": true, "strong": true, "svg": true, "time": true, "label": true}

// flat is a node on one line, or several if it has lines of its own.
func (p *printer) flat(n *html.Node) string {
	if p.flats == nil {
		p.flats = map[*html.Node]string{}
	}
	text, ok := p.flats[n]
	if !ok {
		text = p.flatten(n)
		p.flats[n] = text
	}
	return text
}

func (p *printer) flatten(n *html.Node) string {
	switch n.Type {
	case html.TextNode:
		return squeezed(n)
	case html.ElementNode:
	case html.CommentNode:
		return "<!--" + n.Data + "-->"
	case html.DoctypeNode:
		return "<!doctype " + n.Data + ">"
	default:
		return ""
	}
	var b strings.Builder
	b.WriteString(opening(n))
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(p.flat(c))
	}
	if !void[n.Data] {
		b.WriteString("</" + n.Data + ">")
	}
	if name, ok := drawn[b.String()]; ok && n.Data == "svg" {
		return "<svg icon " + name + ">"
	}
	return b.String()
}

var void = map[string]bool{"br": true, "input": true, "link": true, "meta": true, "img": true, "hr": true}

func verbatim(n *html.Node) bool { return n.Data == "pre" || n.Data == "textarea" || n.Data == "code" }

func opening(n *html.Node) string {
	var b strings.Builder
	b.WriteString("<" + n.Data)
	for _, a := range n.Attr {
		if b.WriteString(" " + a.Key); a.Val != "" {
			b.WriteString(`="` + quoted.Replace(known.Replace(a.Val)) + `"`)
		}
	}
	return b.String() + ">"
}

var blanks = regexp.MustCompile(`[ \t\r\n]+`)

func squeezed(n *html.Node) string {
	text := n.Data
	for up := n.Parent; up != nil; up = up.Parent {
		if verbatim(up) {
			return escaped.Replace(known.Replace(text))
		}
	}
	return escaped.Replace(known.Replace(blanks.ReplaceAllString(text, " ")))
}

var quoted = strings.NewReplacer("&", "&amp;", `"`, "&quot;", "\n", "&#10;")

var escaped = strings.NewReplacer("&", "&amp;", "<", "&lt;")

func holdsPart(n *html.Node) (found bool) {
	elements(n, func(one *html.Node) { found = found || one != n && kindOf(one) != "" })
	return found
}

// sharedParts is the file of a kind: all that was written once.
func (p *printer) sharedParts(kind string) string {
	var b strings.Builder
	byName := map[string][]string{}
	for text, name := range p.shared[kind] {
		byName[name] = append(byName[name], text)
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		slices.Sort(byName[name])
		for _, text := range byName[name] {
			fmt.Fprintf(&b, "%s of %s\n%s\n", kind, name, text)
		}
	}
	return b.String()
}
