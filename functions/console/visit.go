package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"latchkey/functions/console/internal/locale"
	"latchkey/functions/console/internal/management"
	"latchkey/functions/console/internal/session"
	"latchkey/functions/internal/env"
	"latchkey/functions/internal/gateway"
	"latchkey/shared/api"
	"latchkey/shared/pasted"
)

// visit is one request of one browser.
type visit struct {
	app  *app
	w    http.ResponseWriter
	r    *http.Request
	base string // the stage's prefix, such as /prod, or ""
	lang *locale.Language

	session   *session.Session  // nil while nobody is signed in
	api       management.Person // as the person who is signed in
	accountID string            // of the path
	calls     string            // the origin that the page's script may call beside this one; "" for none

	overview *overview // see waiting

	me      chan result // see person
	meValue *result
}

type result struct {
	me  api.Me
	cut bool // there are more accounts
	err error
}

func (a *app) visit(w http.ResponseWriter, r *http.Request) *visit {
	v := &visit{app: a, w: w, r: r, base: gateway.Base(r.Context())}
	v.lang = a.langs.Choose(v.cookie(languageCookie), r.Header.Get("Accept-Language"))
	return v
}

func (v *visit) ctx() context.Context              { return v.r.Context() }
func (v *visit) t(key string, pairs ...any) string { return v.lang.Text(key, pairs...) }
func (v *visit) query(name string) string          { return v.r.URL.Query().Get(name) }

// form returns what a field of a form was sent with. A value is read without what nobody sees of it; a text, or a person's subject, may need it.
func (v *visit) form(name string) string {
	if slices.Contains(valueFields, name) {
		return pasted.Value(v.r.PostFormValue(name))
	}
	return strings.TrimSpace(v.r.PostFormValue(name))
}

// valueFields are the fields that have values, or lists of them, and no texts.
var valueFields = []string{
	"address", "app", "apps", "day", "domain", "domains", "email", "ends_at", "every_days", "expires_at", "find", "grace_seconds", "key", "key_limit", "max_lifetime_days", "month",
	"networks", "notify_days_before", "origin", "principal", "q", "qps", "requested_qps", "secret", "token", "until", "url", "with",
}

func (v *visit) requestID() string { return gateway.RequestID(v.ctx()) }

func (v *visit) accountPath(below ...string) string {
	return "/v1/accounts/" + v.accountID + strings.Join(below, "")
}

func (v *visit) accountURL(below ...string) string {
	return "/accounts/" + v.accountID + strings.Join(below, "")
}

func (v *visit) keyPath(below ...string) string {
	return v.accountPath("/keys/", v.r.PathValue("key"), strings.Join(below, ""))
}

func (v *visit) keyURL(below ...string) string {
	return v.accountURL("/keys/", v.r.PathValue("key"), strings.Join(below, ""))
}

// secure reports whether the browser came by https. Behind API Gateway it always does; only a local run is without.
func secure(r *http.Request) bool {
	return r.Header.Get("X-Forwarded-Proto") != "http" || !loopback(r.Host)
}

func loopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return env.Loopback(strings.Trim(host, "[]"))
}

// absolute is a page's whole URL, for the issuer.
func (v *visit) absolute(path string) string {
	scheme := "https://"
	if !secure(v.r) {
		scheme = "http://"
	}
	return scheme + v.r.Host + v.base + path
}

// redirect sends the browser to another page of the console, by GET. A script that sends the form of a dialog goes there itself:
// following would read the page twice.
func (v *visit) redirect(path string) error {
	status := http.StatusSeeOther
	if v.r.Header.Get("Latchkey-Form") != "" {
		status = http.StatusNoContent
	}
	v.w.Header().Set("Location", v.base+path)
	v.w.WriteHeader(status)
	return nil
}

const aTable = "text/csv; charset=utf-8"

// file begins an answer that browsers keep and don't show. named is its Content-Disposition.
func (v *visit) file(kind, named string) {
	v.w.Header().Set("Content-Type", kind)
	v.w.Header().Set("Content-Disposition", named)
	v.w.WriteHeader(http.StatusOK)
}

// called is the Content-Disposition of a file of that name.
func called(name string) string { return `attachment; filename="` + name + `"` }

// json answers a script.
func (v *visit) json(doc any) error {
	v.w.Header().Set("Content-Type", "application/json")
	v.w.WriteHeader(http.StatusOK)
	return json.NewEncoder(v.w).Encode(doc)
}

// The names of cookies. The prefix ties them to this host and to https; browsers take loopback for as good.
const (
	languageCookie = "latchkey-language"
	themeCookie    = "latchkey-theme"
	shortcutCookie = "latchkey-shortcut" // "off": no key leads to the search box
	sessionCookie  = "__Host-latchkey-session"
	signinCookie   = "__Host-latchkey-signin" // and a hyphen and the state: one for each sign-in in progress
)

func (v *visit) cookie(name string) string {
	c, err := v.r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// longestCookie is the length of a cookie, with its name and attributes, that every browser keeps (RFC 6265, section 6.1).
const longestCookie = 4096

// setCookie sets a cookie that no script can read; life 0 removes it. One that browsers drop isn't sent, and kept is false.
func (v *visit) setCookie(name, value string, life time.Duration) (kept bool) {
	c := &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode, MaxAge: int(life / time.Second)}
	if life == 0 {
		c.MaxAge = -1
	}
	if len(c.String()) > longestCookie {
		return false
	}
	http.SetCookie(v.w, c)
	return true
}

// mostPages bounds the lists that a page shows whole: 500 entries.
const mostPages = 5

// mostEntries is the number of them.
const mostEntries = mostPages * 100

// signedIn opens the session and renews its access token if that ends soon.
func (v *visit) signedIn() error {
	cookie := v.cookie(sessionCookie)
	if cookie == "" {
		return errSignIn
	}
	s, err := v.app.keeper.Open(v.ctx(), cookie)
	if errors.Is(err, session.ErrNone) {
		return errSignIn
	}
	if err != nil {
		return err
	}
	if err := v.renew(s); err != nil {
		return err
	}
	v.session, v.api = s, v.app.api.As(s.Access)
	v.me = make(chan result, 1)
	ctx, client := v.ctx(), v.api.Apart() // of now: the request may get another context meanwhile
	go func() {
		var me api.Me
		err := management.Pages(ctx, client, "/v1/me", mostPages, func(page api.Me) *string { return page.NextPageToken },
			func(page api.Me) { page.Accounts = append(me.Accounts, page.Accounts...); me = page })
		v.me <- result{me, client.Cut(), err}
	}()
	return nil
}

// person waits for who is signed in. It is read beside whatever the page itself reads.
func (v *visit) person() (api.Me, error) {
	if v.me == nil {
		return api.Me{}, errSignIn
	}
	if v.meValue == nil {
		select {
		case r := <-v.me:
			v.meValue = &r
		case <-v.ctx().Done():
			return api.Me{}, v.ctx().Err()
		}
	}
	return v.meValue.me, v.meValue.err
}

// parallel runs reads at the same time and returns the first error.
func (v *visit) parallel(reads ...func(context.Context) error) error {
	g, ctx := errgroup.WithContext(v.ctx())
	for _, read := range reads {
		g.Go(func() error { return read(ctx) })
	}
	return g.Wait()
}

// reading makes a read for parallel.
func reading[T any](into *T, as management.Person, path string, query url.Values) func(context.Context) error {
	return func(ctx context.Context) (err error) {
		*into, err = management.Get[T](ctx, as, path, query)
		return err
	}
}

// optional makes a read without which the page is still worth showing.
func optional(read func(context.Context) error, failed *bool) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := read(ctx); err != nil {
			*failed = true
		}
		return nil
	}
}

// ownAddress returns a page's own address for the forms that come back to it, or "/" where it has a part that could be a secret
// that somebody has put there. Every secret is longer than maxRepeated, and so may be the values that longValues and longParts name.
func ownAddress(u *url.URL) string {
	before := ""
	for part := range strings.SplitSeq(u.Path, "/") {
		if len(part) > maxRepeated && (!longParts[before] || secretIn(part) != "") {
			return "/"
		}
		before = part
	}
	for name, values := range u.Query() {
		for _, value := range append(values, name) {
			if len(value) > maxRepeated && (!longValues[name] || secretIn(value) != "") {
				return "/"
			}
		}
	}
	return localPath(u.RequestURI())
}

const maxRepeated = 32

// longValues are the parameters of the console's own links and forms whose values may be long.
var longValues = map[string]bool{
	"page": true, "further": true, "subject": true, "issuer": true, "origin": true, "address": true, "app": true, "q": true, "who": true, "domain": true,
	"label": true, "find": true, "product": true, "class": true,
}

// longParts are the parts of a path before the name of a class or group of limits, which may be long.
var longParts = map[string]bool{"limits": true, "quotas": true}

// localPath keeps a path of the console out of what a query says, and "/" otherwise: no other site, no other scheme.
func localPath(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") ||
		strings.ContainsAny(path, "\\\r\n\t") {
		return "/"
	}
	return u.RequestURI()
}
