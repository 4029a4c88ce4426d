package main

import (
	"cmp"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
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
	Pattern string // the domain that allowed it
}

// testPage leads to the address of a test. Of the page that somebody typed it has what a browser would send: the rest may have a secret.
func (a *app) testPage(v *visit) error {
	query, left := v.sought(soughtFor, "address", "app")
	sent, ok := pageOrigin(v.form("origin"))
	if !ok {
		sent = v.form("origin")
	}
	if leavesOut("origin", sent) {
		left = append([]string{"origin"}, left...)
	} else {
		query.Set("origin", sent) // a call without one is tested, too
	}
	if len(left) == 0 && v.quotaSpent() {
		return v.leave(withQuery(v.keyURL("/try"), query), note{Notice: "tester_spent"})
	}
	return v.answered(v.keyURL("/try"), query, left)
}

// quotaSpent reports whether a cap of the key, or a quota that binds it, is used up: the test doesn't look at them. The test is worth making without.
func (v *visit) quotaSpent() bool {
	quotas, err := management.Get[api.KeyQuotas](v.ctx(), v.api, v.keyPath("/quotas"), nil)
	return err == nil && anySpent(v.capRows(quotas.Quotas), v.quotaRows(quotas.AccountQuotas))
}

// testedFields are the fields of the test's form, by the members of the API's body that they fill.
var testedFields = map[string]string{
	"origin": "origin", "source_ip": "address", "android_package": "app", "android_cert": "app", "ios_bundle_identifier": "app",
}

// test asks what the gate would say to a page, or to a call that names none, from an address and of an app. It is nil where a field of the
// form can't be read: then the form says which.
func (v *visit) test(f *form, page, address, line string) (*tested, error) {
	body := api.TestKey{SourceIp: some(cmp.Or(address, v.address()))}
	app := appid.Line(line)
	body.AndroidPackage, body.AndroidCert, body.IosBundleIdentifier = some(app.Package), some(app.SHA1), some(app.BundleID)
	var refused *appid.Error
	if _, err := appid.ParseLine(line); line != "" && errors.As(err, &refused) && refused.Code != appid.BadSHA1 { // calls may name a package alone
		f.add("app", v.fieldText(api.FieldError{Code: string(refused.Code)}))
	}
	if page != "" {
		sent, ok := pageOrigin(page)
		if !ok {
			f.add("origin", v.t("tester.bad"))
		}
		body.Origin = &sent
	}
	if f.Bad() {
		return nil, nil
	}
	t := &tested{}
	_, err := v.api.Do(v.ctx(), management.Call{Method: http.MethodPost, Path: v.keyPath("/test"), Body: body}, &t.TestResult)
	if err == nil {
		return t, nil
	}
	refusal := newForm()
	if err := refusal.refuse(v, err); err != nil {
		return nil, err
	}
	f.Problem, f.Code = refusal.Problem, refusal.Code
	for member, errs := range refusal.Errors {
		name, ok := testedFields[member]
		if !ok {
			name = "origin"
		}
		if name == "origin" {
			errs = []fieldError{{Text: v.t("tester.bad"), Index: -1}}
		}
		f.Errors[name] = append(f.Errors[name], errs...)
	}
	return nil, nil
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
	sent, ok := sentFrom(page)
	return sent, ok && anOrigin.MatchString(sent)
}

// anOrigin has no character that ends a text of a command or of a program: examples are copied into both, and the page's address may come from a link.
var anOrigin = regexp.MustCompile(`^[a-z][a-z0-9+.-]*://[0-9A-Za-z._:\[\]-]*$`)

func sentFrom(page string) (string, bool) {
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
