package main

import (
	"net/http"
	"slices"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
	"latchkey/shared/finding"
)

// findingRoutes lists the pages about what people should look at, and about what the account asks of its keys.
func (a *app) findingRoutes() {
	a.account("GET /accounts/{account}/keys/findings", a.listFindings)
	a.writing("GET /accounts/{account}/account/rules", can.own, blank(a.showRules))
	a.account("POST /accounts/{account}/account/rules", a.putRules)
}

// keysLookedAt is the number of keys that a page of findings looks at.
const keysLookedAt = "100"

type findingsPage struct {
	Findings   []findingRow // that ask for an act, the gravest first
	Informing  []findingRow // that ask for none
	Key        string       // of which alone they are, "" for all
	Page, Next string
}

// findingRow is a finding with the page that repairs it.
type findingRow struct {
	api.Finding
	findingAct
}

// findingAct is a page on which a finding is repaired.
type findingAct struct {
	below  string // the key's page
	Dialog bool
	Own    bool // for owners alone
}

// findingActs are those that the API names. For one that it names later there is the key's page.
var findingActs = map[string]findingAct{
	"restrict": {below: "/edit#f-domains"}, "correct": {below: "/edit#f-domains"}, "set_expiry": {below: "/edit#f-expires_at"},
	"rotate": {below: "/rotate", Dialog: true}, "disable": {below: "/disable", Dialog: true}, "delete": {below: "/delete", Dialog: true, Own: true},
	"accept_paths": {Own: true}, // its page lists them
}

// URL returns the address of the act, below the account's keys.
func (r findingRow) URL() string { return r.Key.Id + r.below }

func (a *app) listFindings(v *visit) error {
	d := &findingsPage{Page: v.query("page"), Key: v.query("key")}
	query := queryOf(map[string]string{"page_size": keysLookedAt, "page_token": d.Page, "key_id": d.Key})
	found, err := management.Get[api.FindingList](v.ctx(), v.api, v.accountPath("/findings"), query)
	if err != nil {
		return err
	}
	for _, one := range found.Findings {
		row := findingRow{one, findingActs[one.Act]}
		if finding.Code(one.Code).Informs() {
			d.Informing = append(d.Informing, row)
			continue
		}
		d.Findings = append(d.Findings, row)
	}
	slices.SortStableFunc(d.Findings, func(a, b findingRow) int { return gravity(a.Code) - gravity(b.Code) })
	d.Next = orNone(found.NextPageToken)
	return v.render(http.StatusOK, "findings", v.t("findings.title"), d)
}

// gravity is the place of a finding among all, the gravest first. One that a later version of the API knows is behind them.
func gravity(code string) int {
	codes := finding.Codes()
	if i := slices.Index(codes, finding.Code(code)); i >= 0 {
		return i
	}
	return len(codes)
}
