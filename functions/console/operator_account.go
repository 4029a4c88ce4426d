package main

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
	shown "latchkey/shared/text"
)

// The pages of an account as operators see it: what it is with its keys, its people, and its limits and quotas.
func (a *app) operatorAccountRoutes() {
	a.operators("GET /operator/accounts/{account}", blank(a.showOperatorAccount))
	a.operators("POST /operator/accounts/{account}", a.searchKeysOf)
	a.elsewhere("GET /operator/accounts/{account}/key-limit", "/operator/accounts/{account}")
	a.elsewhere("GET /operator/accounts/{account}/resume", "/operator/accounts/{account}")
	a.elsewhere("GET /operator/accounts/{account}/limits/{class}", "/operator/accounts/{account}/limits")
	a.elsewhere("GET /operator/accounts/{account}/quotas/{group}", "/operator/accounts/{account}/limits")
	a.operators("POST /operator/accounts/{account}/key-limit", a.setKeyLimit)
	a.admins("GET /operator/accounts/{account}/close", blank(a.showClosing))
	a.operators("POST /operator/accounts/{account}/close", a.closeAccount)
	a.operators("GET /operator/accounts/{account}/people", a.showOperatorPeople)
	a.operators("GET /operator/accounts/{account}/limits", blank(a.showOperatorLimits))
	a.operators("POST /operator/accounts/{account}/limits/{class}", a.setAccountLimit)
	a.operators("POST /operator/accounts/{account}/quotas/{group}", a.setAccountQuota)
}

// operatorAccount is an account with its keys.
type operatorAccount struct {
	*form
	Account   api.Account
	Follows   bool           // a change of type: its page, which is asked for over and over, has no keys
	Operation *api.Operation // that change, unless it is forgotten
	Keys      []api.Key
	accountKeys
}

func (d *operatorAccount) suspended() bool { return d.Account.Suspended != nil }

// accountKeys is the page of an account's keys that the address asks for.
type accountKeys struct {
	Q, Status      string // what they are searched for
	Page           string
	Previous, Next string
	Many           bool // too many keys to be counted
	Statuses       []api.Status
	Total, Place   string
	path           string
}

const keysPerAccountPage = 50

// Narrowed reports whether it is a part of the list.
func (d *accountKeys) Narrowed() bool { return d.Q != "" || d.Status != "" || d.Page != "" }

// PageURL is the same list from a page token on; "" is the first page.
func (d *accountKeys) PageURL(token string) string {
	q := queryOf(map[string]string{"q": d.Q, "status": d.Status, "page": token})
	if token != "" && d.Many {
		q.Set("many", "1")
	}
	return withQuery(d.path, q)
}

// read takes what the API says of the page.
func (d *accountKeys) read(v *visit, found api.KeyList) {
	d.Previous, d.Next = orNone(found.PreviousPageToken), orNone(found.NextPageToken)
	d.Many = d.Many || found.Sortable != nil && !*found.Sortable
	if found.Matching == nil {
		return
	}
	if d.Total = v.t("keys.total", "n", *found.Matching); found.Position != nil && *found.Matching > keysPerAccountPage {
		d.Place = v.pageOfKeys(*found.Position, *found.Matching, keysPerAccountPage)
	}
}

func (a *app) showOperatorAccount(v *visit, status int, f *form) error {
	d := &operatorAccount{form: f, accountKeys: accountKeys{Statuses: statuses, path: "/operator/accounts/" + v.r.PathValue("account")}}
	if v.r.Method == http.MethodGet {
		d.Q, d.Status, d.Page, d.Many = strings.TrimSpace(v.query("q")), v.query("status"), v.query("page"), v.query("many") != ""
	}
	if hash := v.soughtHash(d.Q); hash != "" && d.Q != "" {
		return v.showAnyHolder(hash) // from an address that somebody made
	}
	d.Q = soughtFor(d.Q)
	if err := v.operates(); err != nil {
		return err
	}
	var keys api.KeyList
	below := func(ctx context.Context) (err error) {
		keys, err = v.keysFrom(ctx, operatorAccountPath(v, "/keys"), d.query(), keysPerAccountPage, 1) // with the account, and who is signed in, that makes three calls
		return err
	}
	if d.Follows = v.followed() != ""; d.Follows {
		below = v.readOperation(&d.Operation)
	}
	if err := v.parallel(reading(&d.Account, v.api, operatorAccountPath(v, ""), nil), below); err != nil {
		return err
	}
	d.Keys = keys.Keys
	d.read(v, keys)
	if d.Page != "" && d.Next == "" && len(d.Keys) == 0 && !d.Follows {
		return v.redirect(d.PageURL("") + "#keys") // others may be before it
	}
	if d.Values["key_limit"] == "" {
		d.Values["key_limit"] = strconv.Itoa(d.Account.KeyLimit)
	}
	return v.render(status, "operator-account", d.Account.Name, d)
}

// query returns the question to the list of keys.
func (d *accountKeys) query() url.Values {
	query := queryOf(map[string]string{"q": d.Q, "status": d.Status, "page_token": d.Page})
	if d.Page != "" && !d.Many {
		query.Set("with", "counts")
	}
	return query
}

// operatorPeople is an account with its members.
type operatorPeople struct {
	Account api.Account
	Members paged[memberRow]
}

func (a *app) showOperatorPeople(v *visit) error {
	if err := v.operates(); err != nil {
		return err
	}
	d := &operatorPeople{}
	err := v.parallel(
		reading(&d.Account, v.api, operatorAccountPath(v, ""), nil),
		func(ctx context.Context) (err error) {
			members, err := v.members(ctx, operatorAccountPath(v, "/members"), "")
			d.Members = pageOf(members, v.query("page"), rowsPerPage, func(memberRow) bool { return false })
			return err
		},
	)
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "operator-people-of", d.Account.Name+" · "+v.t("member.title"), d)
}

// operatorLimits is an account with its limits and quotas.
type operatorLimits struct {
	*form
	Account api.Account
	Limits  []accountLimit
	Quotas  []quotaRow
	Numbers []quotaNumbers
}

func (d *operatorLimits) suspended() bool { return d.Account.Suspended != nil }

func (a *app) showOperatorLimits(v *visit, status int, f *form) error {
	if err := v.operates(); err != nil {
		return err
	}
	d := &operatorLimits{form: f}
	var products []api.Product
	var quotas api.Quotas
	err := v.parallel(
		reading(&d.Account, v.api, operatorAccountPath(v, ""), nil),
		reading(&quotas, v.api, operatorAccountPath(v, "/quotas"), nil),
		a.readingProducts(v, &products),
	)
	if err != nil {
		return err
	}
	d.Limits = v.accountLimitsOf(d.Account, products)
	d.Quotas, d.Numbers = v.quotaRows(quotas.Quotas), v.quotaForms(d.Account, quotas.Quotas)
	return v.render(status, "operator-limits", d.Account.Name+" · "+v.t("operator.account.limits"), d)
}

func (a *app) setKeyLimit(v *visit) error {
	f := newForm()
	f.Values["key_limit"] = v.form("key_limit")
	limit := f.whole(v, "key_limit")
	read := v.operatorAccounts(func(a api.Account) string { return strconv.Itoa(a.KeyLimit) })
	call := management.Call{Method: http.MethodPatch, Path: operatorAccountPath(v, ""), Body: api.EditAccount{KeyLimit: &limit}}
	status, err := f.overwrite(v, setting{"key_limit", "account.key_limit", orDash}, read, call, nil)
	return f.answer(v, status, err, a.showOperatorAccount, "/operator/accounts/"+v.r.PathValue("account"), "key_limit_changed")
}

// closing asks for the account's name, typed.
type closing struct {
	*form
	Account api.Account
}

func (d *closing) suspended() bool { return d.Account.Suspended != nil }

func (a *app) showClosing(v *visit, status int, f *form) error {
	if err := v.operates(); err != nil {
		return err
	}
	account, err := management.Get[api.Account](v.ctx(), v.api, operatorAccountPath(v, ""), nil)
	if err != nil {
		return err
	}
	return v.render(status, "operator-close", v.t("operator.close.title"), &closing{f, account})
}

func (a *app) closeAccount(v *visit) error {
	f := newForm()
	f.Values["confirm"] = v.form("confirm")
	if err := v.operates(); err != nil {
		return err
	}
	account, err := management.Get[api.Account](v.ctx(), v.api, operatorAccountPath(v, ""), nil)
	if err != nil {
		return err
	}
	if !shown.Same(account.Name, f.Values["confirm"]) {
		f.add("confirm", v.t("field.confirm", "name", account.Name))
	}
	status, err := f.submit(v, management.Call{Method: http.MethodPost, Path: operatorAccountPath(v, "/close")}, &account)
	return f.answer(v, status, err, a.showClosing, "/operator/accounts/"+v.r.PathValue("account"), closedNotice(account))
}

// closedNotice doesn't say of all keys what holds for those alone that can be read.
func closedNotice(closed api.Account) string {
	if closed.UnreadableKeys != nil {
		return "closed_except"
	}
	return "closed"
}
