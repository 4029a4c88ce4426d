package main

import (
	"net/http"
	"strconv"
	"strings"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// keyRules asks what the account wants of its keys.
type keyRules struct {
	*form
	Was string
}

const (
	restrictedRule = "restricted"
	openRule       = "open"
)

// rulesText writes down the rules of an account as their form has them: whether pages' keys need a restriction, and the longest lifetime, if
// there is one.
func rulesText(restricted bool, days string) string {
	if restricted {
		return strings.TrimSpace(restrictedRule + " " + days)
	}
	return strings.TrimSpace(openRule + " " + days)
}

func (v *visit) rules() (string, int64, error) {
	now, err := management.Get[api.AccountPolicy](v.ctx(), v.api, v.accountPath("/policy"), nil)
	days := ""
	if now.MaxLifetimeDays != nil {
		days = strconv.Itoa(*now.MaxLifetimeDays)
	}
	return rulesText(now.FrontendRestricted, days), now.Version, err
}

func (a *app) showRules(v *visit, status int, f *form) error {
	now, _, err := v.rules()
	if err != nil {
		return err
	}
	if v.r.Method == http.MethodGet {
		kind, days, _ := strings.Cut(now, " ")
		if f.Values["max_lifetime_days"] = days; kind == restrictedRule {
			f.Values["frontend_restricted"] = "on"
		}
	}
	return v.render(status, "key-rules", v.t("rules.title"), &keyRules{f, now})
}

func (a *app) putRules(v *visit) error {
	f := newForm()
	f.Values["frontend_restricted"], f.Values["max_lifetime_days"] = v.form("frontend_restricted"), v.form("max_lifetime_days")
	restricted, days := f.Values["frontend_restricted"] != "", f.Values["max_lifetime_days"]
	f.Values["rules"] = rulesText(restricted, days)
	body := map[string]any{"frontend_restricted": restricted, "max_lifetime_days": nil}
	if days != "" {
		body["max_lifetime_days"] = f.whole(v, "max_lifetime_days")
	}
	call := management.Call{Method: http.MethodPut, Path: v.accountPath("/policy"), Body: body}
	status, err := f.overwrite(v, setting{"rules", "rules.title", v.sayRules}, v.rules, call, nil)
	return f.answer(v, status, err, a.showRules, v.accountURL(detailsPage), "rules")
}

// sayRules says in words what an account asks of its keys.
func (v *visit) sayRules(text string) string {
	kind, days, _ := strings.Cut(text, " ")
	said := v.t("rules.say.open")
	if kind == restrictedRule {
		said = v.t("rules.say.restricted")
	}
	if n, err := strconv.Atoi(days); err == nil {
		return said + " · " + v.t("rules.say.days", "n", n)
	}
	return said + " · " + v.t("rules.say.never")
}
