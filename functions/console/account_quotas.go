package main

import (
	"net/http"
	"strconv"
	"strings"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// quotaRow is a period of a quota that there is.
type quotaRow struct {
	api.QuotaPeriod
	Group, Billing, Period string // the group as it is called, and the words of the API
	From                   string // where the number comes from, as the API says it
	Enforced               bool   // false for a group that there no longer is
}

// Earlier reports whether more is used than was taken.
func (r quotaRow) Earlier() bool { return earlier(r.Quota, r.Left, r.Used) }

// earlier reports whether some of the calls that are used don't count against a number, as those from before it was set. Where nothing is left of it, nobody
// need know.
func earlier(most, left *int64, used int64) bool {
	return most != nil && left != nil && *left > 0 && used > *most-*left
}

// quotaNumbers holds the numbers of a billing type and group that operators may set, as a form has them.
type quotaNumbers struct {
	api.Quota
	Title      string
	Enforced   bool   // false for a group that there no longer is
	Day, Month string // the operator's numbers; "" without one
	Was        string // both
}

// groupTitle names a group.
func (v *visit) groupTitle(group, name string) string {
	if group == "other" {
		return v.t("quotas.other")
	}
	return name
}

// quotaRows lists the periods that have a quota.
func (v *visit) quotaRows(list []api.Quota) (rows []quotaRow) {
	for _, q := range list {
		for _, p := range []struct {
			name string
			api.QuotaPeriod
		}{{"day", q.Day}, {"month", q.Month}} {
			if p.Quota != nil {
				p.InHand = unlessNone(p.InHand)
				row := quotaRow{QuotaPeriod: p.QuotaPeriod, Group: v.groupTitle(q.Group, q.Name), Billing: q.BillingType, Period: p.name, Enforced: enforced(q.Enforced)}
				if p.SetBy != nil {
					row.From = *p.SetBy
				}
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// quotaForms lists what operators may set, with the account's own numbers.
func (v *visit) quotaForms(a api.Account, list []api.Quota) (forms []quotaNumbers) {
	for _, q := range list {
		day, month := ownQuota(a, q.BillingType, q.Group)
		forms = append(forms, quotaNumbers{Quota: q, Title: v.groupTitle(q.Group, q.Name), Enforced: enforced(q.Enforced), Day: day, Month: month, Was: bothNumbers(day, month)})
	}
	return forms
}

// ownQuota returns what an operator has set of a billing type and group; "" for what the catalogue decides.
func ownQuota(a api.Account, billing, group string) (day, month string) {
	for _, q := range a.Quotas {
		if q.BillingType == billing && q.Group == group {
			return callsOf(q.Day), callsOf(q.Month)
		}
	}
	return "", ""
}

func callsOf(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}

// bothNumbers says the numbers of a day and a month in one value, "" without any.
func bothNumbers(day, month string) string {
	if day == "" && month == "" {
		return ""
	}
	return day + "/" + month
}

// sayNumbers says them as a person reads them.
func (v *visit) sayNumbers(both string) string {
	day, month, _ := strings.Cut(both, "/")
	return v.t("quotas.both", "day", orDash(day), "month", orDash(month))
}

// setAccountQuota sets the numbers of a billing type and group; an empty field leaves its period to the catalogue.
func (a *app) setAccountQuota(v *visit) error {
	f, group := newForm(), v.r.PathValue("group")
	if !plainName(group) {
		return errNotFound
	}
	f.Values["group"], f.Values["billing_type"] = group, v.form("billing_type")
	body := api.SetAccountQuota{BillingType: api.BillingType(f.Values["billing_type"])}
	for _, period := range []struct {
		name string
		into **int64
	}{{"day", &body.Day}, {"month", &body.Month}} {
		if f.Values[period.name] = v.form(period.name); f.Values[period.name] != "" {
			n := int64(f.whole(v, period.name))
			*period.into = &n
		}
	}
	f.Values["quota"] = bothNumbers(callsOf(body.Day), callsOf(body.Month))
	read := v.operatorAccounts(func(a api.Account) string { return bothNumbers(ownQuota(a, f.Values["billing_type"], group)) })
	call := management.Call{Method: http.MethodPut, Path: operatorOnlyPath(v, "/quotas/"+group), Body: body}
	status, err := f.overwrite(v, setting{"quota", "quotas.quota", v.sayNumbers}, read, call, nil)
	return f.answer(v, status, err, a.showOperatorLimits, "/operator/accounts/"+v.r.PathValue("account")+"/limits", "account_quota_set")
}
