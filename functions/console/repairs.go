package main

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
	"latchkey/shared/authz"
	"latchkey/shared/origin"
	"latchkey/shared/origin/entry"
)

// repair is a remedy against a refusal: a link to where it is done, or a form that does it at once.
type repair struct {
	Text, URL   string
	Name, Value string // of the form's field; empty for a link
	About       string // what it is about, such as a domain
	N           int64  // how many requests were refused for it; 0 if that isn't known
	Dialog      bool
	Outside     bool // the URL is another site's
	More        int  // how many others aren't listed; the link shows them
}

// These bound the repairs of one reason: beside a key, and on the page of usage, to which a key's page leads for the others.
const (
	mostRepairs = 5
	allRepairs  = 50
)

// repairs lists, for each reason, what would help, and no more than so many.
func (v *visit) repairs(k api.Key, u api.Usage, products []api.Product, of api.MyAccount, most int) map[string][]repair {
	if k.Status == api.Revoked || k.Status == api.Deleted {
		return nil
	}
	edit := func(part, text string) []repair {
		return []repair{{Text: v.t(text), URL: v.repairURL(k, "/edit") + "#f-" + part}}
	}
	all := map[authz.Code][]repair{
		authz.DomainNotAllowed:  v.domainRepairs(k, deref(u.ByOrigin)),
		authz.ProductNotAllowed: v.productRepairs(k, deref(u.ByProduct), products),
		authz.QPSExceeded:       v.limitRepairs(k, u, products, of.Type == api.Enterprise),
		authz.QuotaExceeded:     v.capRepairs(k, u),
		authz.PathNotGranted:    v.pathRepairs(k, rightsIn(of).Own, products),
	}
	if len(k.Networks) > 0 {
		all[authz.IPNotAllowed] = edit("networks", "repair.ip_not_allowed")
	}
	if len(k.Apps) > 0 {
		all[authz.AppNotAllowed] = edit("apps", "repair.app_not_allowed")
	}
	if k.MissingOrigin == api.Deny && len(k.Domains) > 0 {
		all[authz.OriginMissing] = edit("missing_origin", "repair.origin_missing")
	}
	if k.HeaderOnly {
		all[authz.KeyNotInHeader] = edit("header_only", "repair.key_not_in_header")
	}
	if k.Disabled {
		all[authz.KeyDisabled] = []repair{{Text: v.t("menu.enable"), URL: v.repairURL(k, "/enable"), Dialog: true}}
	}
	if k.Status == api.Expired {
		all[authz.KeyExpired] = edit("expires_at", "repair.key_expired")
	}
	list := map[string][]repair{}
	for code, some := range all {
		list[string(code)] = v.fewRepairs(some, most, "repair.more", v.accountURL("/usage?", url.Values{"key": {k.Id}, "range": {"7d"}}.Encode()))
	}
	return list
}

// repairURL is below the key's page, on which others have repairs too.
func (v *visit) repairURL(k api.Key, below ...string) string {
	return v.accountURL("/keys/", k.Id, strings.Join(below, ""))
}

// fewRepairs are the first of them, and how many others there are, by a text: a link to the page that has all, if there is one.
func (v *visit) fewRepairs(all []repair, most int, text, rest string) []repair {
	if len(all) <= most {
		return all
	}
	more := len(all) - most
	return append(slices.Clone(all[:most]), repair{Text: v.t(text, "n", more), URL: rest, More: more})
}

// remedies are the repairs of a key for who may make them, and else where it was refused; without a key, those of the account's usage.
func (v *visit) remedies(k *api.Key, u api.Usage, products []api.Product, most int) (map[string][]repair, error) {
	me, err := v.person()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(me.Accounts, func(one api.MyAccount) bool { return one.Id == v.accountID })
	if k != nil {
		u.ByKey = nil // that is this one
	}
	if k == nil || i < 0 || !rightsIn(me.Accounts[i]).Write {
		return v.whereRefused(u), nil
	}
	v.nameLimits(k.Limits, products)
	return v.repairs(*k, u, products, me.Accounts[i], most), nil
}

// withRepairs gives each reason its own.
func withRepairs(reasons []refusal, all map[string][]repair) []refusal {
	for i, one := range reasons {
		reasons[i].Repairs = all[one.Code]
	}
	return reasons
}

// whereRefused tells, for who can't repair a key, or has asked for no single one, what is refused most: the domains, and the keys, and how
// many others there are. A key leads to its page, where the repairs are.
func (v *visit) whereRefused(u api.Usage) map[string][]repair {
	all := map[string][]repair{}
	var domains []repair
	for _, s := range refusedFor(authz.DomainNotAllowed, deref(u.ByOrigin)) {
		if _, err := entry.Parse(s.Name); err == nil {
			domains = append(domains, repair{About: s.Name, N: s.ByReason[string(authz.DomainNotAllowed)]})
		}
	}
	all[string(authz.DomainNotAllowed)] = v.fewRepairs(domains, mostRepairs, "keys.more", "")
	for code := range u.Totals.ByReason {
		var keys []repair
		for _, s := range refusedFor(authz.Code(code), deref(u.ByKey)) {
			if s.Key != nil {
				keys = append(keys, repair{Text: v.t("repair.key", "name", s.Key.Name), URL: v.accountURL("/keys/", s.Key.Id), N: s.ByReason[code]})
			}
		}
		all[code] = append(all[code], v.fewRepairs(keys, mostKeysNamed, "keys.more", "")...)
	}
	return all
}

// mostKeysNamed bounds the keys that are named for a reason.
const mostKeysNamed = 3

// refusedFor are the names of a split with how many of their requests were refused for a reason, the most first.
func refusedFor(code authz.Code, split []api.UsageShare) (rows []api.UsageShare) {
	for _, s := range split {
		if s.ByReason[string(code)] > 0 {
			rows = append(rows, s)
		}
	}
	slices.SortStableFunc(rows, func(x, y api.UsageShare) int {
		return cmp.Compare(y.ByReason[string(code)], x.ByReason[string(code)])
	})
	return rows
}

// domainRepairs offer to allow the hosts that were refused and still would be.
func (v *visit) domainRepairs(k api.Key, origins []api.UsageShare) (list []repair) {
	if len(k.Domains) == 0 {
		return nil
	}
	for _, s := range refusedFor(authz.DomainNotAllowed, origins) {
		domain, err := entry.Parse(s.Name)
		if err != nil || covers(k.Domains, s.Name) {
			continue
		}
		list = append(list, repair{
			Text: v.t("repair.allow"), About: domain, URL: v.repairURL(k, "/repair"), Name: "domain", Value: domain, N: s.ByReason[string(authz.DomainNotAllowed)],
		})
	}
	return list
}

// covers reports whether domains let a host's page pass, by https as most are, or as it was written.
func covers(domains []string, host string) bool {
	allowed, err := origin.Compile(domains)
	if err != nil {
		return false
	}
	if !strings.Contains(host, "://") {
		host = "https://" + host
	}
	page, ok := origin.Parse(host)
	if !ok {
		return false
	}
	_, ok = allowed.Match(page)
	return ok
}

// productRepairs offer to add the products that were asked for and refused.
func (v *visit) productRepairs(k api.Key, split []api.UsageShare, products []api.Product) (list []repair) {
	for _, s := range refusedFor(authz.ProductNotAllowed, split) {
		known := slices.ContainsFunc(products, func(p api.Product) bool { return p.Id == s.Name })
		if !known || slices.Contains(k.Products, s.Name) {
			continue
		}
		list = append(list, repair{
			Text: v.t("repair.add"), About: productName(products, s.Name), URL: v.repairURL(k, "/repair"), Name: "product", Value: s.Name, N: s.ByReason[string(authz.ProductNotAllowed)],
		})
	}
	return list
}

// limitRepairs lead to a higher limit: by oneself where that is free, else by a request, or where nobody may file one, to support. The request has
// a number where the busiest minute says that it is too few: of shorter bursts nobody knows how high they were.
func (v *visit) limitRepairs(k api.Key, u api.Usage, products []api.Product, enterprise bool) (list []repair) {
	asksSupport := false
	for _, s := range refusedFor(authz.QPSExceeded, deref(u.ByProduct)) {
		for _, l := range k.Limits {
			if l.Product != s.Name || !callable(products, l.Product) {
				continue
			}
			one := repair{About: l.Name}
			switch {
			case l.Qps < l.FreeQps:
				one.Text, one.URL, one.Dialog = v.t("repair.raise", "qps", l.FreeQps), v.repairURL(k, "/limits/", l.Class), true
			case !enterprise:
				asksSupport = true
				continue
			case l.MaxQps > 0 && l.Qps >= l.MaxQps:
				continue
			default:
				q := url.Values{"key": {k.Id}, "class": {l.Class}}
				one.Text = v.t("repair.request.any")
				if tried := triedPerSecond(u); tried > l.Qps {
					asked := higher(l.Qps, tried, l.MaxQps)
					q.Set("qps", strconv.Itoa(asked))
					one.Text = v.t("repair.request", "qps", asked)
				}
				one.URL = v.accountURL("/qps-requests/new?", q.Encode())
			}
			list = append(list, one)
		}
	}
	if contact := v.app.brand.Support(v.accountID); asksSupport && contact != "" {
		list = append(list, repair{Text: v.t("support.contact"), URL: contact, Outside: true})
	}
	return list
}

// triedPerSecond is the average of the busiest minute, rounded up; 0 without one.
func triedPerSecond(u api.Usage) int {
	if u.BusiestMinute == nil {
		return 0
	}
	return int((u.BusiestMinute.Requests + 59) / 60)
}

// higher is half as much again, or what was tried if that is more, and no more than there may be.
func higher(qps, tried, most int) int {
	asked := max(qps+(qps+1)/2, tried)
	if most > 0 {
		return min(asked, most)
	}
	return asked
}

// repairedAt is the page on which a repair was pressed: Usage with its range, or else the key's own.
func (v *visit) repairedAt() string {
	if page := v.formPage(); strings.HasPrefix(page, v.accountURL("/usage?")) {
		return page
	}
	return v.keyURL()
}

// repairKey adds a domain or a product to the key as it is now. What others have changed meanwhile stays, and adding what
// is there already changes nothing.
func (a *app) repairKey(v *visit) error {
	k, err := v.key()
	if err != nil {
		return err
	}
	patch := map[string]any{}
	domain, product := v.form("domain"), v.form("product")
	switch {
	case domain != "" && !slices.Contains(k.Domains, domain):
		patch["domains"] = append(slices.Clone(k.Domains), domain)
	case product != "" && !slices.Contains(k.Products, product):
		patch["products"] = append(slices.Clone(k.Products), product)
	case domain != "" || product != "":
		at := v.repairedAt() // it has it already
		if domain != "" && at == v.keyURL() && v.ownOf(acts["domain"], domain, k) {
			return v.actedOn(at, "domain", domain, swept{})
		}
		return v.done(at, "repaired")
	default:
		return v.redirect(v.keyURL())
	}
	_, err = v.api.Do(v.ctx(), management.Call{Method: http.MethodPatch, Path: v.keyPath(), Body: patch, Version: k.Version}, nil)
	if at := v.repairedAt(); err == nil && patch["domains"] != nil && at == v.keyURL() {
		return v.actedOn(at, "domain", domain, swept{})
	} else if err == nil {
		return v.done(at, "repaired")
	}
	// The form to edit the key shows what is wrong with it, and with what.
	f := formOfKey(k)
	if domain != "" {
		f.Lists["domains"] = append(slices.Clone(k.Domains), domain)
		f.Values["domains"] = strings.Join(f.Lists["domains"], "\n")
	}
	if product != "" {
		f.Lists["products"] = append(slices.Clone(k.Products), product)
	}
	var p *management.Problem
	if errors.As(err, &p) && p.Status == http.StatusForbidden {
		return err
	}
	if err := f.refuse(v, err); err != nil {
		return err
	}
	return a.showForm(v, http.StatusUnprocessableEntity, f, &k)
}
