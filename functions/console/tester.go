package main

import (
	"cmp"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
	"latchkey/shared/appid"
	"latchkey/shared/origin"
	"latchkey/shared/origin/entry"
)

type tested struct {
	api.TestResult
	Problem string
	Pattern string // the domain that allowed it
}

// test asks what the gate would say to a page, or to a call that names none.
func (v *visit) test(page string) (*tested, error) {
	page = strings.TrimSpace(page)
	t := &tested{}
	body := api.TestKey{SourceIp: some(cmp.Or(strings.TrimSpace(v.query("address")), v.address()))}
	app := appid.Line(v.query("app"))
	body.AndroidPackage, body.AndroidCert, body.IosBundleIdentifier = some(app.Package), some(app.SHA1), some(app.BundleID)
	if page != "" {
		sent, ok := pageOrigin(page)
		if !ok {
			t.Problem = v.t("tester.bad")
			return t, nil
		}
		body.Origin = &sent
	}
	_, err := v.api.Do(v.ctx(), management.Call{Method: http.MethodPost, Path: v.keyPath("/test"), Body: body}, &t.TestResult)
	if err != nil {
		f := newForm()
		if err := f.refuse(v, err); err != nil {
			return nil, err
		}
		t.Problem = v.t("tester.bad")
	}
	return t, nil
}

// name sets Pattern if one of the key's domains decided.
func (t *tested) name(domains []string) {
	if t != nil && t.Rule != nil && t.Allowed && slices.Contains(domains, *t.Rule) {
		t.Pattern = *t.Rule
	}
}

// pageOrigin is the Origin header that a browser sends from a page whose address somebody typed. It is false where no
// browser could show such a page.
func pageOrigin(page string) (string, bool) {
	if !strings.Contains(page, "://") {
		page = withScheme(page)
	}
	u, err := url.Parse(page)
	if err == nil && u.Scheme == "file" {
		return "file://", true // what a WebView sends; the gate takes it as a browser's "null"
	}
	if err != nil || u.Host == "" {
		return "", false
	}
	if slices.Contains(origin.ShellSchemes(), u.Scheme) {
		return u.Scheme + "://" + u.Host, true
	}
	port := ""
	if u.Port() != "" {
		port = ":" + u.Port()
	}
	host := u.Hostname()
	if a, err := netip.ParseAddr(host); err == nil && a.Is6() {
		return u.Scheme + "://" + origin.IPv6(a.WithZone("").As16()) + port, true
	}
	host, err = entry.ASCII(host)
	return u.Scheme + "://" + host + port, err == nil && host != ""
}

// withScheme completes an address as browsers do for what a developer has at hand: a machine without a name in the DNS
// has no certificate and is asked by http, all others by https.
func withScheme(page string) string {
	if a, err := netip.ParseAddr(page); err == nil && a.Is6() {
		return "http://[" + page + "]"
	}
	u, err := url.Parse("http://" + page)
	if err != nil {
		return "https://" + page
	}
	host := strings.ToLower(u.Hostname())
	_, err = netip.ParseAddr(host)
	if err == nil || host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return "http://" + page
	}
	return "https://" + page
}
