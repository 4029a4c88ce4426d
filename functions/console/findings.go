package main

import (
	"net/http"
	"slices"
	"strconv"

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

const (
	keysLookedAt = "100" // by one read
	mostFindings = 30    // on a page: the others of the same keys are on the pages after it
)

type findingsPage struct {
	Findings  []findingRow // that ask for an act, the gravest first; or those that ask for none, on a page of their own
	Informing []findingRow // that ask for none, where there is room
	Others    int          // that ask for none, where there isn't room, or on their own page
	OthersURL string       // that page
	Informs   bool         // it is the page of those that ask for none
	Key       string       // of which alone they are, "" for all
	Later     bool         // it isn't the first page
	Next      string       // the page after it, "" for none
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
	token := v.query("page")
	from, _ := strconv.Atoi(v.query("from")) // 0 for what is no number
	from = max(0, from)
	d := &findingsPage{Key: v.query("key"), Informs: v.query("informing") != "", Later: token != "" || from > 0}
	query := queryOf(map[string]string{"page_size": keysLookedAt, "page_token": token, "key_id": d.Key})
	found, err := management.Get[api.FindingList](v.ctx(), v.api, v.accountPath("/findings"), query)
	if err != nil {
		return err
	}
	var rows, informing []findingRow
	for _, one := range found.Findings {
		row := findingRow{one, findingActs[one.Act]}
		if finding.Code(one.Code).Informs() {
			informing = append(informing, row)
			continue
		}
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b findingRow) int { return gravity(a.Code) - gravity(b.Code) })
	address := func(token string, from int, informs bool) string {
		q := queryOf(map[string]string{"key": d.Key, "page": token})
		if from > 0 {
			q.Set("from", strconv.Itoa(from))
		}
		if informs {
			q.Set("informing", "1")
		}
		return withQuery(v.accountURL("/keys/findings"), q)
	}
	switch {
	case d.Informs:
		rows, d.Others = informing, len(informing)
	case len(rows)+len(informing) <= mostFindings:
		d.Informing = informing
	default:
		d.Others, d.OthersURL = len(informing), address(token, 0, true)
	}
	from = min(from, len(rows))
	to := min(from+mostFindings, len(rows))
	d.Findings = rows[from:to]
	if to < len(rows) {
		d.Next = address(token, to, d.Informs)
	} else if found.NextPageToken != nil {
		d.Next = address(*found.NextPageToken, 0, d.Informs)
	}
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
