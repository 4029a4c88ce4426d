package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/pasted"
)

// tryPage tries a key: what the gate would say to a page, and the calls to make. After a form that had the key's secret, they
// have it too, and a script makes the first of them.
type tryPage struct {
	*form
	Key      api.Key
	Asked    string // the page that was asked about
	Address  string // from where; empty for the person's own
	App      string // the app that calls, in one line
	Test     *tested
	Here     bool // the test is about the console's own page
	Pasted   bool // the examples have the secret
	Examples []example
	Call     string // the URL that the script calls with the secret in a header; empty if this page may not call
	Secret   string // for that call
}

// tryKey answers the address of the page.
func (a *app) tryKey(v *visit) error {
	d := &tryPage{form: newForm(), Asked: pasted.Value(v.query("origin")), Address: pasted.Value(v.query("address")), App: pasted.Value(v.query("app"))}
	asked := v.r.URL.Query().Has("origin") && v.note().Notice != leftOut // its verdict would be about another call
	err := v.parallel(
		reading(&d.Key, v.api, v.keyPath(), nil),
		func(context.Context) (err error) {
			if asked {
				d.Test, err = v.test(d.form, d.Asked, d.Address, d.App)
			}
			return err
		},
	)
	if err != nil {
		return err
	}
	return a.showTry(v, d, placeholder)
}

// trySecret answers the form with the secret. It stands in this answer alone: nothing keeps it, and no address has it.
func (a *app) trySecret(v *visit) error {
	d := &tryPage{form: newForm(), Asked: v.form("origin"), Address: v.form("address"), App: v.form("app")}
	var err error
	if d.Key, err = v.key(); err != nil {
		return err
	}
	secret, ok := secretOf(d.Key, v.r.PostFormValue("secret"))
	if !ok {
		d.add("secret", v.t("try.other_key", "preview", d.Key.Preview))
		return a.showTry(v, d, placeholder)
	}
	if d.Asked == "" {
		d.Here = covered(d.Key, v.consoleOrigin())
		if d.Asked = sampleOrigin(d.Key.Domains); d.Here {
			d.Asked = v.consoleOrigin()
		}
	}
	if d.Test, err = v.test(d.form, d.Asked, d.Address, d.App); err != nil {
		return err
	}
	if d.Bad() {
		return a.showTry(v, d, placeholder)
	}
	d.Pasted = true
	if d.Here && d.Test.Allowed {
		if calls, _ := samples(a.productsInTime(v), d.Key.Products); len(calls) > 0 {
			d.Call, d.Secret = a.products+calls[0].path, secret
		}
	}
	return a.showTry(v, d, secret)
}

func (a *app) showTry(v *visit, d *tryPage, secret string) error {
	page := sampleOrigin(d.Key.Domains)
	if d.Test != nil && d.Asked != "" && !d.Here {
		page, _ = pageOrigin(d.Asked)
	}
	d.Examples = caller{a.products, d.Key, secret, page, a.productsInTime(v)}.examples()
	d.Test.name(d.Key.Domains)
	if d.Pasted {
		v.w.Header().Set("Referrer-Policy", "no-referrer")
	}
	if d.Call != "" {
		v.calls = originOf(a.products)
	}
	status := http.StatusOK
	if d.Bad() {
		status = http.StatusUnprocessableEntity
	}
	return v.render(status, "try", v.t("try.of", "name", d.Key.Name), d)
}

// secretOf finds in what was pasted, such as an example or an address, a secret of the key: its current one, or the one that a rotation is ending.
func secretOf(k api.Key, text string) (string, bool) {
	prefix, _, _ := strings.Cut(k.Preview, "_")
	format, err := apikey.ParsePrefix(prefix)
	if err != nil {
		return "", false
	}
	secret, err := format.Parse(secretIn(text))
	if err != nil {
		return "", false
	}
	if secret.Preview() != k.Preview && (k.PreviousPreview == nil || secret.Preview() != *k.PreviousPreview) {
		return "", false
	}
	return secret.Reveal(), true
}

// covered reports whether a key's domains let the page of an origin pass; without domains every page does.
func covered(k api.Key, page string) bool {
	return len(k.Domains) == 0 || covers(k.Domains, page)
}

// consoleOrigin is the origin of this page.
func (v *visit) consoleOrigin() string {
	u, err := url.Parse(v.absolute(""))
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
