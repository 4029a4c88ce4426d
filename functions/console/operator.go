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

func (a *app) operatorRoutes() {
	a.person("GET /operator", a.lookUp)
	a.person("POST /operator", a.searchAll)
	a.person("GET "+allAccounts, a.lookUp)
	a.operatorAccountRoutes()
	a.admins("GET /operator/accounts/{account}/type", blank(a.showTypeChange))
	a.operators("POST /operator/accounts/{account}/type", a.setType)
	a.admins("GET /operator/accounts/{account}/suspend", blank(a.showSuspending))
	a.operators("POST /operator/accounts/{account}/suspend", a.suspendAccount)
	a.operators("POST /operator/accounts/{account}/resume", a.resumeAccount)
	a.operators("GET /operator/keys/{key}", blank(a.showOperatorKey))
	for _, below := range []string{"/block", "/unblock", "/revoke"} {
		a.elsewhere("GET /operator/keys/{key}"+below, "/operator/keys/{key}")
	}
	for _, below := range []string{"/billing-type", "/limits/{class}"} {
		a.elsewhere("GET /operator/accounts/{account}/keys/{key}"+below, "/operator/keys/{key}")
	}
	a.operators("POST /operator/keys/{key}/block", a.blockKey)
	a.operators("POST /operator/accounts/{account}/keys/{key}/billing-type", a.setBillingType)
	a.operators("POST /operator/accounts/{account}/keys/{key}/limits/{class}", a.grantLimit)
	a.operators("POST /operator/keys/{key}/unblock", a.unblockKey)
	a.operators("POST /operator/keys/{key}/revoke", a.revokeAnyKey)
	a.admins("GET "+erasePage, blank(a.showErasure))
	a.person("POST "+erasePage, a.erasePerson)
	a.admins("GET "+endSessionsPage, blank(a.showEndSessions))
	a.person("POST "+endSessionsPage, a.endSessionsOf)
	for _, page := range []string{erasePage, endSessionsPage} {
		a.elsewhere("GET "+page+"/subject", page)
		a.person("POST "+page+"/subject", func(v *visit) error {
			return v.searched(page, soughtFor, "subject")
		})
	}
	a.person("GET /operator/operators", blank(a.showOperators))
	a.person("POST /operator/operators", a.addOperator)
	a.elsewhere("GET /operator/operators/rank", "/operator/operators")
	a.person("POST /operator/operators/rank", a.changeRank)
	a.admins("GET /operator/operators/remove", func(v *visit) error {
		if v.query("subject") == "" { // the address that the form is sent to
			return v.redirect("/operator/operators")
		}
		return a.showDismissal(v, http.StatusOK, newForm())
	})
	a.person("POST /operator/operators/remove", a.removeOperator)
	a.person("GET /operator/operators/audit", a.showOperatorsAudit)
	a.person("POST /operator/operators/audit", func(v *visit) error {
		return v.searched("/operator/operators/audit", soughtFor, "action", "who", "from", "to")
	})
	a.person("GET /operator/operators/audit.csv", a.downloadOperatorsAudit)
	a.waitingRoutes()
	a.person("GET /operator/qps-requests", a.showQueue)
	a.operators("GET /operator/qps-requests/{account}/{request}", blank(a.showDecision))
	a.operators("POST /operator/qps-requests/{account}/{request}", a.decide)
}

// operators registers an operators' page about the object in the path. Unlike an account's own pages, it has the operators'
// frame. Who is an operator, the API says.
func (a *app) operators(pattern string, e endpoint) {
	a.person(pattern, func(v *visit) error {
		for _, name := range []string{"account", "key", "request"} {
			if !plainID(v.r.PathValue(name)) {
				return errNotFound
			}
		}
		return e(v)
	})
}

// admins registers a form about what only operators of that rank may do: for those who could send it.
func (a *app) admins(pattern string, e endpoint) {
	a.operators(pattern, func(v *visit) error {
		me, err := v.person()
		switch {
		case err != nil:
			return err
		case !me.Operator:
			return errNotFound
		case !decides(me):
			return v.forbidden()
		}
		return e(v)
	})
}

// operates refuses everybody but operators, for pages that ask the API for nothing that only operators may read.
func (v *visit) operates() error {
	me, err := v.person()
	if err != nil {
		return err
	}
	if !me.Operator {
		return errNotFound
	}
	return nil
}

// operatorOnlyPath is the path of what operators alone may do about an account; operatorAccountPath is its members' too.
func operatorOnlyPath(v *visit, below string) string {
	return "/v1/operator/accounts/" + v.r.PathValue("account") + below
}

func operatorAccountPath(v *visit, below string) string {
	return "/v1/accounts/" + v.r.PathValue("account") + below
}

// setBillingType and grantLimit change a key's commercial facts, which its customer can't.
func (a *app) setBillingType(v *visit) error {
	f := newForm()
	f.Values["billing_type"] = v.form("billing_type")
	body := api.SetBillingType{BillingType: api.BillingType(f.Values["billing_type"])}
	return a.changeFactAsOperator(v, f, setting{"billing_type", "fact.billing_type", v.as("billing_type.")},
		func(k api.Key) string { return string(k.BillingType) }, "/billing-type", body, "billing_set")
}

func (a *app) grantLimit(v *visit) error {
	f := newForm()
	f.Values["qps"] = v.form("qps")
	class := v.r.PathValue("class")
	if _, err := v.classPath(); err != nil {
		return err
	}
	f.Values["class"] = class
	now := func(k api.Key) string {
		l, _ := limitIn(k, class)
		return strconv.Itoa(l.Qps)
	}
	return a.changeFactAsOperator(v, f, setting{"qps", "limit.qps", orDash}, now, "/limits/"+class, api.SetLimit{Qps: f.whole(v, "qps")}, "limit_set")
}

func (a *app) changeFactAsOperator(v *visit, f *form, s setting, of func(api.Key) string, below string, body any, done string) error {
	path := operatorOnlyPath(v, "/keys/"+v.r.PathValue("key")+below)
	f.At = s.field
	status, err := f.overwrite(v, s, v.operatorKeys(of), management.Call{Method: http.MethodPut, Path: path, Body: body}, nil)
	return f.answer(v, status, err, a.showOperatorKey, "/operator/keys/"+v.r.PathValue("key"), done)
}

// operatorKey is a key as operators see it.
type operatorKey struct {
	*form
	api.OperatorKey
	Products []string
	Billing  []string // the billing types that fit the account's type
	Refusals []refusal
	Fresh    string
	FreshAt  *api.MaybeTime
	Reasons  []string // that are common for a block
	Was      string   // how it is blocked as the form begins
	Caps     []capRow // that the key has
	Shared   []quotaRow
}

func (d *operatorKey) suspended() bool { return d.Account != nil && d.Account.Suspended != nil }

func (a *app) showOperatorKey(v *visit, status int, f *form) error {
	found, err := management.Get[api.OperatorKey](v.ctx(), v.api, "/v1/operator/keys/"+v.r.PathValue("key"), nil)
	if err != nil {
		return err
	}
	if found.Account == nil { // its record can't be read
		found.Account = &api.Account{Id: found.Key.AccountId, Name: found.Key.AccountId}
	}
	d := &operatorKey{form: f, OperatorKey: found, Billing: billingOf(found.Account.Type)}
	if has := string(found.Key.BillingType); has != "" && !slices.Contains(d.Billing, has) {
		d.Billing = append(d.Billing, has) // while the account's type changes
	}
	var products []api.Product
	var used api.Usage
	var lacking bool
	err = v.parallel(
		a.readingProducts(v, &products),
		optional(reading(&used, v.api, "/v1/accounts/"+found.Account.Id+"/keys/"+found.Key.Id+"/usage", url.Values{"with": {"quotas"}}), &lacking),
	)
	if err != nil {
		return err
	}
	v.nameLimits(found.Key.Limits, products)
	for _, id := range found.Key.Products {
		d.Products = append(d.Products, productName(products, id))
	}
	d.Caps = slices.DeleteFunc(v.capRows(deref(used.Quotas)), func(c capRow) bool { return c.Day == nil })
	d.Shared = v.quotaRows(deref(used.AccountQuotas))
	used.ByKey = nil // that is this one
	used.FreshAt = countedSince(used.FreshAt, found.Key)
	d.Refusals, d.Fresh, d.FreshAt, d.Reasons = withRepairs(v.quotaCause(v.refusals(used.Totals.ByReason), d.Caps, d.Shared), v.whereRefused(used)), v.freshness(used.FreshAt), used.FreshAt, blockReasons
	d.Was = blockOf(found.Key)
	return v.render(status, "operator-key", found.Key.Name, d)
}

// blockKey takes a common reason, details in the operator's own words, or both.
func (a *app) blockKey(v *visit) error {
	reason := v.prose("reason")
	if common := v.form("common"); slices.Contains(blockReasons, common) {
		reason = strings.TrimSpace(v.t("block.reason."+common) + "\n" + reason)
	}
	f := newForm()
	f.Values["until"] = v.form("until")
	body := api.BlockKey{Reason: reason, Until: f.day(v, "until")}
	if f.Bad() {
		f.Values["reason"], f.Values["common"], f.At = v.prose("reason"), v.form("common"), "block"
		return a.showOperatorKey(v, http.StatusUnprocessableEntity, f)
	}
	return a.changeKeyAsOperator(v, "block", reasonUntil(reason, f.Values["until"]), body)
}

func (a *app) unblockKey(v *visit) error {
	reason := v.prose("reason")
	return a.changeKeyAsOperator(v, "unblock", reason, api.UnblockKey{Reason: &reason})
}

func (a *app) revokeAnyKey(v *visit) error {
	reason := v.prose("reason")
	return a.changeKeyAsOperator(v, revokes, reason, api.OperatorRevoke{Reason: reason})
}

// revokes is the one act of operators on a key that nobody can take back: the key's name is typed to confirm it.
const revokes = "revoke"

// pastOf names what was done, for the notice.
var pastOf = map[string]string{"block": "key_blocked", "unblock": "key_unblocked", revokes: "key_revoked"}

// blockOf is a key's block as its form has it, or "": the reason, and the day of its end.
func blockOf(k api.Key) string {
	if k.Blocked == nil {
		return ""
	}
	return reasonUntil(k.Blocked.Reason, dayOf(k.Blocked.Until))
}

// operatorKeys reads a setting of the key in the path, for overwrite. The acts of operators win over others', so they name no version.
func (v *visit) operatorKeys(of func(api.Key) string) func() (string, int64, error) {
	return func() (string, int64, error) {
		now, err := management.Get[api.OperatorKey](v.ctx(), v.api, "/v1/operator/keys/"+v.r.PathValue("key"), nil)
		return of(now.Key), 0, err
	}
}

// operatorAccounts reads a setting of the account in the path, for overwrite.
func (v *visit) operatorAccounts(of func(api.Account) string) func() (string, int64, error) {
	return func() (string, int64, error) {
		now, err := management.Get[api.Account](v.ctx(), v.api, operatorAccountPath(v, ""), nil)
		return of(now), now.Version, err
	}
}

func (a *app) changeKeyAsOperator(v *visit, action, reason string, body any) error {
	f := newForm()
	f.Values["reason"], f.At = reason, action
	path := "/v1/operator/keys/" + v.r.PathValue("key") + "/" + action
	f.Values["confirm"] = v.form("confirm")
	var name string
	read := func() (now string, version int64, err error) {
		now, version, err = v.operatorKeys(func(k api.Key) string { name = k.Name; return blockOf(k) })()
		if err == nil && action == revokes && !shown.Same(name, f.Values["confirm"]) {
			f.add("confirm", v.t("field.confirm", "name", name))
		}
		if action == "unblock" && now == "" {
			now = reason // it is as this form would make it
		}
		return now, version, err
	}
	status, err := f.overwrite(v, setting{"reason", "operator.block", func(value string) string { return inOneLine(reasonIn(v.lang, value)) }}, read, management.Call{Method: http.MethodPost, Path: path, Body: body}, nil)
	if err != nil {
		return err
	}
	if !f.settled() && f.Code != "key_not_blocked" {
		f.Values["reason"], f.Values["common"], f.Values["until"] = v.prose("reason"), v.form("common"), v.form("until") // as they were typed and chosen
		return a.showOperatorKey(v, status, f)
	}
	return v.done("/operator/keys/"+v.r.PathValue("key"), pastOf[action])
}
