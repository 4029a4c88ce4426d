package main

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
	shown "latchkey/shared/text"
)

func (a *app) domainRoutes() {
	const root = "/accounts/{account}/domains"
	a.account("GET "+root, a.listDomains)
	a.account("GET "+root+"/one", func(v *visit) error { return a.showDomain(v, http.StatusOK, newForm(), v.query("domain")) })
	a.writing("GET "+root+"/new", can.write, func(v *visit) error { return a.showDomain(v, http.StatusOK, newForm(), "") })
	for _, page := range []string{"/one", "/new"} {
		a.account("POST "+root+page, func(v *visit) error {
			return v.searchedKey(v.accountURL("/domains"+page), "find", "find", anyKey, "domain")
		})
	}
	for _, what := range []string{"link", "unlink", "replace"} {
		a.elsewhere("GET "+root+"/"+what, root)
		a.account("POST "+root+"/"+what, func(v *visit) error { return a.changeDomain(v, what) })
	}
}

// domainPageSize is the number of entries on a page.
const domainPageSize = "50"

type domainsPage struct {
	tokens
	Domains []domainRow
}

// domainRow is an entry with the first of its keys.
type domainRow struct {
	api.AccountDomain
	More int // keys that aren't named
}

// namedKeys is the number of keys that a row names.
const namedKeys = 3

func (a *app) listDomains(v *visit) error {
	d := &domainsPage{tokens: tokens{Root: v.accountURL("/domains"), Page: v.query("page")}}
	query := queryOf(map[string]string{"page_size": domainPageSize, "page_token": d.Page})
	found, err := management.Get[api.DomainList](v.ctx(), v.api, v.accountPath("/domains"), query)
	if err != nil {
		return err
	}
	for _, one := range found.Domains {
		one.Keys = one.Keys[:min(len(one.Keys), namedKeys)]
		d.Domains = append(d.Domains, domainRow{one, one.KeyCount - len(one.Keys)})
	}
	d.Next = orNone(found.NextPageToken)
	return v.render(http.StatusOK, "domains-page", v.t("domains.title"), d)
}

// domainView is an entry, with the keys that have it and those that could. Without an entry it is the form for a new one.
type domainView struct {
	*form
	Domain      string
	Entry       *api.AccountDomain // nil if no key has it
	Version     int64              // of the list of entries
	Has, Others keyChoice
	Find        string // what the names of the shown keys have in them
	Many        bool   // the account has more keys than the API looks at
	Selected    *doneView
	Rest        *again // replaces a domain in the keys that the request before didn't come to
}

// keyChoice is a list of keys to choose from.
type keyChoice struct {
	Shown   []api.DomainKey // the first ones
	N       int
	Exposed int // how many are open to every page: now, or without their only entry
	all     []string
	of      []string // the account's, among which these are named
	chosen  []string
}

// mostChoices is the number of keys that a list to choose from shows. A search finds the others.
const mostChoices = 50

// Picked reports whether a key was chosen in the form that was refused.
func (c keyChoice) Picked(id string) bool { return slices.Contains(c.chosen, id) }

// More reports whether keys aren't shown.
func (c keyChoice) More() bool { return c.N > len(c.Shown) }

// mostKeys bounds the keys that a form names.
const mostKeys = 500

// All names all of them for a form, so that it is those whose number the page says that are changed; "" where they are too many.
func (c keyChoice) All() string {
	if c.N < 2 || c.N > mostKeys || c.N != len(c.all) { // an API that says less than this one's
		return ""
	}
	return placesOf(c.all, c.of)
}

func (c *keyChoice) add(k api.DomainKey) {
	if len(c.Shown) < mostChoices || c.Picked(k.Id) {
		c.Shown = append(c.Shown, k)
	}
}

// Kept implements what the note about changed keys has of the list: nothing.
func (*domainView) Kept() []resent { return nil }

// take shows the outcome of a change. What takes it back comes back to this page, too.
func (d *domainView) take(v *visit, p *page) {
	if d.Selected = v.outcomeOf(p); d.Selected == nil {
		return
	}
	if rest := d.Selected.Rest; rest != nil {
		d.Rest = &again{Path: "/domains/replace", Fields: []resent{{"domain", rest.Domain}, {"with", d.Selected.Value}, {"version", strconv.FormatInt(rest.Version, 10)}, {"page", rest.Page}}}
	}
	if d.Selected.Undo == nil {
		return
	}
	undo := d.Selected.Undo
	undo.Path, undo.Fields = "/domains/unlink", []resent{{"domain", d.Selected.Value}}
	if acts[d.Selected.Act].gone {
		undo.Path = "/domains/link"
	}
	for _, id := range d.Selected.Done {
		undo.Fields = append(undo.Fields, resent{"keys", keyPrefix + id})
	}
}

func domainURL(v *visit, domain string) string {
	return v.accountURL("/domains/one?") + url.Values{"domain": {domain}}.Encode()
}

// showDomain shows an entry, or the form for a new one where it is "".
func (a *app) showDomain(v *visit, status int, f *form, domain string) error {
	d := &domainView{form: f, Domain: domain, Find: soughtFor(strings.TrimSpace(v.asked("find")))}
	if secretIn(d.Find) != "" {
		d.Find = "" // from an address that somebody made: no page repeats it
	}
	d.Has.chosen, d.Others.chosen = v.r.PostForm["keys"], v.r.PostForm["keys"]
	list, keys := api.DomainList{}, api.KeyList{}
	of, search := url.Values{"page_size": {"1"}}, url.Values{"page_size": {"100"}}
	if domain != "" {
		of.Set("domain", domain)
	}
	if d.Find != "" {
		search.Set("q", d.Find)
	}
	err := v.parallel(reading(&list, v.api, v.accountPath("/domains"), of), reading(&keys, v.api, v.accountPath("/keys"), search))
	if err != nil {
		return err
	}
	d.Version, d.Many = list.Version, list.More
	if domain != "" && len(list.Domains) > 0 {
		d.Entry = &list.Domains[0]
		d.Domain = d.Entry.Domain
	}
	d.choose(list, keys.Keys)
	title := d.Domain
	if title == "" {
		title = v.t("domains.new")
	}
	return v.render(status, "domain", title, d)
}

// choose tells the keys that have the entry from those that could have it, by their names. The API counts them; of the others it names those
// that are searched for, or else the newest.
func (d *domainView) choose(list api.DomainList, keys []api.Key) {
	d.Others.N, d.Others.Exposed = list.KeyCount, list.OpenKeyCount
	d.Has.of, d.Others.of = list.KeyIds, list.KeyIds
	has := map[string]bool{}
	if d.Entry != nil {
		d.Has.N, d.Has.Exposed = d.Entry.KeyCount, d.Entry.OnlyEntryCount
		d.Others.N -= d.Entry.KeyCount
		for _, k := range d.Entry.Keys {
			has[k.Id] = true
			d.Has.all = append(d.Has.all, k.Id)
			if k.Id == d.Find || shown.HasWords(k.Name, strings.Fields(shown.Fold(d.Find))) {
				d.Has.add(k)
			}
		}
	}
	for _, id := range list.KeyIds {
		if !has[id] {
			d.Others.all = append(d.Others.all, id)
		}
	}
	slices.SortStableFunc(keys, func(a, b api.Key) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	for _, k := range keys {
		if editable(k) && !has[k.Id] {
			d.Others.add(api.DomainKey{Id: k.Id, Name: k.Name, Preview: k.Preview})
		}
	}
}

func editable(k api.Key) bool { return k.Status != api.Revoked && k.Status != api.Deleted }

// changeDomain adds an entry to keys, takes it from them, or puts another in its place in all keys that have it.
func (a *app) changeDomain(v *visit, what string) error {
	f := newForm()
	f.At, f.Values["all"] = what, v.form("all")
	domain, call := v.form("domain"), management.Call{Method: http.MethodPost, Path: v.accountPath("/domains/", what)}
	page, back, with := domain, v.form("back"), ""
	if what == "replace" {
		with = f.typedDomain(v, "with")
		call.Version, _ = strconv.ParseInt(v.form("version"), 10, 64)
		call.Version = max(call.Version, 1)
		call.Query = queryOf(map[string]string{"page_token": v.form("page")})
		call.Body = api.ReplaceDomain{Domain: domain, With: with}
	} else {
		if back == "new" {
			page = ""
			domain = f.typedDomain(v, "domain")
		}
		ids, err := v.domainKeys(f)
		if err != nil {
			return err
		}
		call.Body = api.LinkDomain{Domain: domain, Keys: ids}
	}
	var done api.DomainReplacement // without a next page where it is of keys that were named
	status, err := f.submit(v, call, &done)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return a.showDomain(v, status, f, page)
	}
	if what == "replace" {
		var rest *restOf
		switch {
		case done.NextPageToken != nil:
			rest = &restOf{done.Domain, call.Version, *done.NextPageToken}
		case len(done.Results) == 0 && v.form("page") != "":
			return v.done(domainURL(v, with), "nothing_left_to_replace")
		case len(done.Results) == 0: // sent twice, or somebody else was faster
			return v.done(domainURL(v, with), "nothing_to_replace")
		}
		return v.leave(domainURL(v, with), note{Keys: outcomeIn(done.Results, replaced, with, rest)})
	}
	if len(done.Results) == 0 { // an API that says less than this one's
		return v.done(domainURL(v, done.Domain), "edited")
	}
	act := map[string]string{"link": "domain", "unlink": "undomain"}[what]
	return v.leave(domainURL(v, done.Domain), note{Keys: outcomeIn(done.Results, act, done.Domain, nil)})
}

// replaced is the act of a note about a domain that was replaced in all keys that had it; those about keys are in acts.
const replaced = "replace"

// mostListed bounds the keys that the note of a domain's change has.
const mostListed = 25

// restOf holds what a replacement needs to go on: the domain that it replaces, the version of the list that its person has seen, and where it ended.
type restOf struct {
	Domain  string `json:"d"`
	Version int64  `json:"e"`
	Page    string `json:"p"`
}

// outcomeIn puts down what has become of the keys; rest is what it hasn't come to.
func outcomeIn(results []api.DomainChange, act, value string, rest *restOf) *outcome {
	o := &outcome{Act: act, Value: value, Rest: rest}
	for _, r := range results {
		switch {
		case r.Result == api.DomainChangeResultRefused && len(o.Failed) < mostListed:
			o.Failed = append(o.Failed, failedKey{ID: strings.TrimPrefix(r.KeyId, keyPrefix), Name: r.Name, Why: "problem." + orNone(r.Code)})
		case r.Result == api.DomainChangeResultRefused:
			o.More++
		case r.Result == api.DomainChangeResultChanged && len(results) > mostListed:
			o.N++
		default:
			o.add(r.KeyId, swept{same: r.Result == api.DomainChangeResultUnchanged})
		}
	}
	o.fit()
	return o
}
