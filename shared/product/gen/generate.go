package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"go/format"
	"io/fs"
	"net/url"
	"regexp"
	"strings"

	"latchkey/shared/account"
	"latchkey/shared/authz"
	"latchkey/shared/product"
	"latchkey/shared/product/lock"
)

// generate returns the text of each file that follows from the catalogue.
func generate(repository fs.FS, named lock.Named) (map[string][]byte, lock.Report, error) {
	var report lock.Report
	text, err := fs.ReadFile(repository, catalogueFile)
	if err != nil {
		return nil, report, err
	}
	template, err := fs.ReadFile(repository, templateFile)
	if err != nil {
		return nil, report, err
	}
	locked, err := fs.ReadFile(repository, lockFile) // one that is lost must come back: it can't be made again
	if err != nil {
		return nil, report, err
	}
	products, err := product.Parse(text)
	if err != nil {
		return nil, report, err
	}
	if err := check(products); err != nil {
		return nil, report, err
	}
	quotas, err := product.ParseQuotas(text)
	if err != nil {
		return nil, report, err
	}
	if err := checkQuotas(products, quotas); err != nil {
		return nil, report, err
	}
	updated, report, err := lock.Update(string(locked), lock.CoveragesOf(products, quotas.Groups...), named)
	if err != nil {
		return nil, report, err
	}
	history, err := lock.Read(updated)
	if err != nil {
		return nil, report, err
	}
	past := history.OfCatalogue()
	if _, err := product.WithHistory(products, past); err != nil {
		return nil, report, err
	}
	code, err := code(products, quotas, past)
	if err != nil {
		return nil, report, err
	}
	template, err = withRoutes(template, products)
	if err != nil {
		return nil, report, err
	}
	return map[string][]byte{codeFile: code, templateFile: template, lockFile: []byte(updated)}, report, nil
}

var (
	// idForm matches IDs that are one word in the lock.
	idForm = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
	// prefixForm matches path parts that API Gateway accepts in a resource, and that mean the same in YAML.
	prefixForm = regexp.MustCompile(`^(/[A-Za-z0-9._-]+)+/$`)
	// sampleForm matches texts that can be in a URL, and between quotes in a shell and in JavaScript.
	sampleForm = regexp.MustCompile(`^[A-Za-z0-9/._~:@!$&()*+,;=%-]+$`)
)

// check refuses what product.New can't see: it is part of the gate, which has no time for it.
func check(products []product.Product) error {
	catalogue, err := product.New(products)
	if err != nil {
		return err
	}
	for _, p := range products {
		if !idForm.MatchString(string(p.ID)) {
			return fmt.Errorf("the ID %q holds other characters than letters, digits and . _ -", p.ID)
		}
		if err := checkShown(p.SamplePath, p.DocsURL, catalogue); err != nil {
			return fmt.Errorf("%s: %w", p.ID, err)
		}
		for _, c := range p.Classes {
			if err := checkShown(c.SamplePath, c.DocsURL, catalogue); err != nil {
				return fmt.Errorf("%s: limit class %s: %w", p.ID, c.ID, err)
			}
			for _, prefix := range c.Prefixes {
				if !prefixForm.MatchString(prefix) || !authz.CanonicalPath(prefix) {
					return fmt.Errorf("%s: prefix %q holds other characters than letters, digits and . _ -, or is not canonical", p.ID, prefix)
				}
			}
		}
	}
	return nil
}

func checkShown(sample, docs string, catalogue product.Catalogue) error {
	if sample != "" && (!sampleForm.MatchString(sample) || !authz.TargetOf(sample, catalogue).Canonical) {
		return fmt.Errorf("sample_path %q is not canonical, or holds what must be escaped in a URL; it has no query", sample)
	}
	if u, err := url.Parse(docs); docs != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		return fmt.Errorf("docs_url %q is no https URL", docs)
	}
	return nil
}

func code(products []product.Product, q product.Quotas, h product.History) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("// Code generated from catalogue.json by `make catalogue`. DO NOT EDIT.\n\npackage product\n\n")
	b.WriteString("import (\n\"latchkey/shared/account\"\n\"latchkey/shared/consent\"\n)\n\nvar generated = []Product{\n")
	for _, p := range products {
		fmt.Fprintf(&b, "{ID: %q, Name: %q, Kind: %q, %sClasses: []LimitClass{\n", p.ID, p.Name, p.Kind, shown(p.SamplePath, p.DocsURL))
		for _, c := range p.Classes {
			fmt.Fprintf(&b, "{ID: %q, Name: %q, %s%sPrefixes: %#v, QPS: map[account.Type]int{account.Enterprise: %d, account.SelfServe: %d}, MaxQPS: %d%s},\n",
				c.ID, c.Name, encodedSlash(c), shown(c.SamplePath, c.DocsURL), c.Prefixes, c.QPS[account.Enterprise], c.QPS[account.SelfServe], c.MaxQPS, accountQPS(c))
		}
		b.WriteString("}},\n")
	}
	b.WriteString("}\n\n")
	writeQuotas(&b, q)
	writeHistory(&b, h)
	return format.Source(b.Bytes())
}

func writeHistory(b *bytes.Buffer, h product.History) {
	fmt.Fprintf(b, "var history = History{\nVersion: %q,\n", h.Version)
	writeCovered(b, "Covered", h.Covered)
	if len(h.EncodedSlash) > 0 {
		writeCovered(b, "EncodedSlash", h.EncodedSlash)
	}
	for _, l := range []struct {
		name string
		ids  []product.ID
	}{{"Changed", h.Changed}, {"Narrowed", h.Narrowed}} {
		if len(l.ids) > 0 {
			fmt.Fprintf(b, "%s: []ID%s,\n", l.name, strings.TrimPrefix(fmt.Sprintf("%#v", l.ids), "[]product.ID"))
		}
	}
	b.WriteString("}\n")
}

func writeCovered(b *bytes.Buffer, name string, list []product.Covered) {
	fmt.Fprintf(b, "%s: []Covered{\n", name)
	for _, c := range list {
		coverage := "" // as the paths around them
		if len(c.Since) > 0 {
			coverage = fmt.Sprintf(", Coverage: Coverage{Since: %#v, Standing: %t}", c.Since, c.Standing)
		}
		fmt.Fprintf(b, "{Product: %q, Prefix: %q%s},\n", c.Product, c.Prefix, coverage)
	}
	b.WriteString("},\n")
}

// accountQPS is the member of the account's limits, where the class has some.
func accountQPS(c product.LimitClass) (member string) {
	for _, t := range []struct{ name, of account.Type }{{"Enterprise", account.Enterprise}, {"SelfServe", account.SelfServe}} {
		if q, ok := c.AccountQPS[t.of]; ok {
			member += fmt.Sprintf("account.%s: %d, ", t.name, q)
		}
	}
	if member != "" {
		member = ", AccountQPS: map[account.Type]int{" + strings.TrimSuffix(member, ", ") + "}"
	}
	return member
}

func encodedSlash(c product.LimitClass) (member string) {
	if c.EncodedSlash {
		member = "EncodedSlash: true, "
	}
	return member
}

func shown(sample, docs string) (members string) {
	if sample != "" {
		members = fmt.Sprintf("SamplePath: %q, ", sample)
	}
	if docs != "" {
		members += fmt.Sprintf("DocsURL: %q, ", docs)
	}
	return members
}

// route is one product route of ProductsApi, with /PREFIX/ where its prefix belongs.
//
//go:embed route.yaml
var route string

const (
	begin = "          # catalogue:begin\n"
	end   = "          # catalogue:end\n"
)

// withRoutes replaces what stands between the two marks of the template, and no other byte.
func withRoutes(template []byte, products []product.Product) ([]byte, error) {
	before, rest, found := strings.Cut(string(template), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed || strings.Contains(after, begin) || strings.Contains(after, end) {
		return nil, fmt.Errorf("%s needs one line %q and after it one line %q", templateFile, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	var b strings.Builder
	b.WriteString(before + begin)
	for _, p := range products {
		for _, prefix := range outermost(p) {
			b.WriteString(strings.ReplaceAll(route, "/PREFIX/", prefix))
		}
	}
	b.WriteString(end + after)
	return []byte(b.String()), nil
}

// outermost are a product's prefixes without those that lie in another of its own: one route serves both.
func outermost(p product.Product) (list []string) {
	var all []string
	for _, c := range p.Classes {
		all = append(all, c.Prefixes...)
	}
	for _, prefix := range all {
		inner := false
		for _, other := range all {
			inner = inner || other != prefix && strings.HasPrefix(prefix, other)
		}
		if !inner {
			list = append(list, prefix)
		}
	}
	return list
}
