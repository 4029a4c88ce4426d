package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"latchkey/functions/console/internal/brand"
	"latchkey/functions/console/internal/locale"
	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// notForGood are the refusals after which the same form may be taken: once the person has signed in, or has waited.
var notForGood = []int{http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusTooManyRequests}

// page is the data that templates render.
type page struct {
	Title     string
	Brand     brand.Brand
	Lang      *locale.Language
	Languages []*locale.Language
	Theme     string // light, dark, or "" for the browser's own
	Search    bool   // it has a search box
	Slash     bool   // the key "/" leads there
	Here      string // path and query, to come back to
	Once      bool   // asking for the page again wouldn't bring it back
	Refused   bool   // it refuses a form that was sent, for good: signing in or waiting wouldn't help
	Me        *api.Me
	Account   *api.MyAccount // whose pages these are; nil outside of accounts
	Foreign   bool           // the account is nobody's of the person's own: an operator looks at it
	Can       can
	Nav       []navItem
	Waiting   *overview // what waits for operators; nil: not asked for, or not to be had
	Cut       int       // a list has more entries than these, and shows no more; 0: none has
	CutMenu   int       // of the accounts that the menu has, where there are more; 0: it has all
	LeftOut   bool      // stored records can't be read, and the page is without them
	Notice    string
	Missed    bool // the notice says that a search found nothing, that something of it was left out, or that a form came twice or too late
	Left      note
	Bad       bool // a form was refused: screen readers say it with the title
	Body      template.HTML
	Data      any
}

// inForce is a text about a change, or its other one for a suspended account, where nothing takes effect yet, or on the page of a key that lets
// nothing through.
func (p *page) inForce(v *visit, key string) string {
	if of, ok := p.Data.(*keyPage); ok {
		done := "" // which by now holds the key itself
		if key == "notice.disable" {
			done = "disabled"
		}
		key = whileHeld(v.lang, key, of.Key, v.app.now(), done)
	}
	return inForce(v.lang, key, p.suspended())
}

func inForce(lang *locale.Language, key string, suspended bool) string {
	if suspended {
		return cmp.Or(lang.Known(key+".suspended"), key)
	}
	return key
}

// suspended reports whether the page is about a suspended account: of the person's own, or one that operators look at.
func (p *page) suspended() bool {
	if p.Account != nil {
		return p.Account.Suspended != nil
	}
	of, ok := p.Data.(interface{ suspended() bool })
	return ok && of.suspended()
}

// say puts the notice that was left into words.
func (p *page) say(v *visit, left note) {
	notice := p.inForce(v, "notice."+left.Notice)
	if !v.lang.Has(notice) {
		return
	}
	if p.Notice = v.t(notice, "fields", v.fieldNames(left.Fields)); left.Seen != nil {
		p.Notice += " " + left.Seen.text(v)
	}
	p.Missed = slices.Contains([]string{"found_none", "found_nowhere", "found_incomplete", "invitation_again", leftOut, "tester_spent", "qps_approved_before", "qps_rejected_before"}, left.Notice)
}

// can tells templates which controls to show. The API decides: this only spares people buttons that would be refused.
type can struct{ Write, Own, Operate, Decide bool }

type navItem struct {
	Text, Path, Icon string
	Current          bool
	Slash            bool // the key "/" leads to the search box there
}

// There is the page of another account that is like this one: its keys, usage, requests or settings.
func (p page) There(other api.MyAccount) string {
	root, section := "/accounts/"+other.Id+"/", "keys"
	for _, item := range p.Nav {
		if below, ok := strings.CutPrefix(item.Path, "/accounts/"+p.Account.Id+"/"); ok && item.Current {
			section = below
		}
	}
	if section == "qps-requests" && other.Type != api.Enterprise {
		section = "keys"
	}
	return root + section
}

// navigation is the main menu of an account's pages.
func (v *visit) navigation(p *page) (items []navItem) {
	add := func(key, path, icon string, more ...string) {
		current := slices.ContainsFunc(append(more, path), func(at string) bool { return v.r.URL.Path == at || strings.HasPrefix(v.r.URL.Path, at+"/") })
		items = append(items, navItem{Text: v.t(key), Path: path, Icon: icon, Current: current})
	}
	if p.Account != nil {
		root := "/accounts/" + p.Account.Id
		add("nav.keys", root+"/keys", "key")
		add("nav.domains", root+"/domains", "globe")
		add("nav.usage", root+"/usage", "chart", root+"/statements")
		if p.Account.Type == api.Enterprise {
			add("nav.qps", root+"/qps-requests", "gauge")
		}
		add("nav.account", root+"/account", "people")
	}
	if p.Me != nil && p.Me.Operator {
		add("nav.operator", "/operator", "shield")
	}
	return items
}

// leadToSearch marks the list to which the key "/" leads from a page without a search box: the operators' from their pages, and the account's from its own.
func (p *page) leadToSearch(path string) {
	list := "/operator"
	if path != list && !strings.HasPrefix(path, list+"/") {
		if p.Account == nil {
			return
		}
		list = "/accounts/" + p.Account.Id + "/keys"
	}
	for i, item := range p.Nav {
		p.Nav[i].Slash = p.Slash && !p.Search && item.Path == list
	}
}

// searching are the pages that have a search box.
var searching = []string{"keys", "operator", "operator-account"}

// render answers with a page.
func (v *visit) render(status int, name, title string, data any) error {
	p := page{
		Title: title, Brand: v.app.brand, Waiting: v.overview, Lang: v.lang, Languages: v.app.langs.Offered(), Theme: v.theme(), Search: slices.Contains(searching, name), Slash: v.cookie(shortcutCookie) != "off", Here: v.formPage(), Data: data,
	}
	var left note
	if v.session != nil && status < http.StatusBadRequest {
		left = v.note()
	}
	p.Once = v.r.Method == http.MethodPost || left.Link != ""
	p.Left = left
	if f, ok := data.(interface{ Bad() bool }); ok {
		p.Bad = f.Bad()
	}
	p.Refused = v.r.Method == http.MethodPost && status >= http.StatusBadRequest && status < http.StatusInternalServerError && !slices.Contains(notForGood, status)
	if v.session != nil {
		me, err := v.person()
		if err != nil {
			return err
		}
		if p.Me = &me; v.meValue.cut {
			p.CutMenu = mostEntries
		}
		p.Can.Operate, p.Can.Decide = me.Operator, decides(me)
		if err := v.enter(&p); err != nil {
			return err
		}
		v.w.Header().Set("Content-Security-Policy", policy(originOf(v.session.EndSession), v.calls))
	}
	p.say(v, left)
	if d, ok := data.(interface{ take(*visit, *page) }); ok {
		d.take(v, &p)
	}
	p.Nav, p.LeftOut = v.navigation(&p), v.api.LeftOut()
	p.leadToSearch(v.r.URL.Path)
	if v.api.Cut() {
		p.Cut = mostEntries
	}
	html, err := v.app.pages.execute(v, name, p)
	if err != nil {
		return err
	}
	if left != (note{}) && !left.stays() {
		v.setCookie(noteCookie, "", 0)
	}
	v.write(status, html)
	return nil
}

// decides reports whether a person is an operator of the rank that decides.
func decides(me api.Me) bool { return me.Operator && (me.Rank == nil || *me.Rank == api.Admin) }

// enter finds the account of the path among the person's own; an operator may see others.
func (v *visit) enter(p *page) error {
	if v.accountID == "" {
		return nil
	}
	for i, a := range p.Me.Accounts {
		if a.Id == v.accountID {
			p.Account = &p.Me.Accounts[i]
			r := rightsIn(a)
			p.Can.Write, p.Can.Own = r.Write, r.Own
			return nil
		}
	}
	p.Account = &api.MyAccount{Id: v.accountID, Name: v.accountID, Type: api.SelfServe}
	if !p.Me.Operator {
		return errNotFound
	}
	var a api.Account
	if err := reading(&a, v.api, v.accountPath(), nil)(v.ctx()); err != nil {
		return err
	}
	p.Account.Name, p.Account.Type, p.Foreign = a.Name, a.Type, true
	p.Account.Suspended, p.Account.Closed = a.Suspended, a.ClosedAt != nil
	return nil
}

// rightsIn lists the rights of a member in an account. In a closed one nobody changes anything.
func rightsIn(a api.MyAccount) can {
	return can{Write: a.Role != api.Viewer && !a.Closed, Own: a.Role == api.Owner && !a.Closed}
}

// writes reports whether the person may change the account's keys, as far as the console knows.
func (v *visit) writes() bool { return v.allowed(can.write) == nil }

// allowed refuses a page that is nothing but a form, to those who couldn't send it. The API decides; this spares people
// to fill it in.
func (v *visit) allowed(may func(can) bool) error {
	me, err := v.person()
	if err != nil {
		return err
	}
	for _, a := range me.Accounts {
		if a.Id == v.accountID && may(rightsIn(a)) {
			return nil
		}
	}
	if !v.sees(me) {
		return errNotFound
	}
	return v.forbidden()
}

// sees reports whether somebody sees the account's pages: its members and operators do.
func (v *visit) sees(me api.Me) bool {
	return me.Operator || slices.ContainsFunc(me.Accounts, func(a api.MyAccount) bool { return a.Id == v.accountID })
}

// forbidden is the refusal that the API would give.
func (v *visit) forbidden() error {
	return &management.Problem{Problem: api.Problem{Status: http.StatusForbidden, Code: "forbidden", RequestId: v.requestID()}}
}

func (c can) write() bool { return c.Write }
func (c can) own() bool   { return c.Own }

func (v *visit) theme() string {
	if theme := v.cookie(themeCookie); theme == "light" || theme == "dark" {
		return theme
	}
	return ""
}

func originOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return ""
	}
	return " " + u.Scheme + "://" + u.Host
}

// write sends HTML, compressed if the browser can read that.
func (v *visit) write(status int, html []byte) {
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.lang.Tag)
	h.Add("Vary", "Accept-Encoding")
	if strings.Contains(v.r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		html = compress(html)
	}
	v.w.WriteHeader(status)
	_, _ = v.w.Write(html) //nolint:gosec // html/template has escaped it
}

func compress(plain []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(plain)
	_ = z.Close() // a buffer takes everything
	return b.Bytes()
}
