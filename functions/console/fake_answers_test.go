package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"latchkey/shared/api"
	"latchkey/shared/keytest"
	"latchkey/shared/moment"
)

const requestID1 = "qps_01M805YGJJ5PF6PAW3JGR7T0AC"

// fakeAnswers makes the fake API answer everything that the pages about usage, requests, the account and operators ask for.
// The name is used in every field that a customer, an operator or a browser can write.
func fakeAnswers(r *harness, name string) {
	at := time.Date(2026, 8, 3, 14, 0, 0, 0, time.UTC)
	root := "/v1/accounts/" + account
	class, twelve, yes, expected, peak, by, enterprise := "map-display", 12, true, float32(40), float32(0.8), name, "enterprise"
	r.app.catalog.products.mu.Lock()
	r.app.catalog.products.until = time.Time{} // the list of keys has read another one
	r.app.catalog.products.mu.Unlock()
	r.api.mu.Lock()
	r.api.me = api.Me{Subject: "owner", Name: &name, Email: &name, Operator: true, Accounts: []api.MyAccount{{Id: account, Name: name, Type: api.Enterprise, Role: api.Owner}}}
	r.api.key.Name, r.api.key.Domains, r.api.key.Blocked = name, []string{name}, &api.Block{Reason: name, At: moment.Of(at), By: &by}
	k := api.Key{
		Id: keyID, AccountId: account, Name: name, Products: []string{"map-display"}, Domains: []string{name}, Preview: "ak_7Kf2…x9Qd", Status: api.Blocked,
		Blocked: &api.Block{Reason: name, At: moment.Of(at), By: &by}, CreatedAt: moment.Of(at), UpdatedAt: moment.Of(at), Limits: r.api.key.Limits,
	}
	r.api.mu.Unlock()
	counts := func(n int64) api.UsageCounts {
		return api.UsageCounts{Requests: n, Allowed: n - 3, Refused: 3, QpsBreaches: 1, ByReason: map[string]int64{"qps_exceeded": 1, "domain_not_allowed": 2}}
	}
	share := func(of string) *[]api.UsageShare {
		c := counts(50)
		return &[]api.UsageShare{{Name: of, Requests: c.Requests, Allowed: c.Allowed, Refused: c.Refused, QpsBreaches: c.QpsBreaches, ByReason: c.ByReason}}
	}
	named := func(list *[]api.UsageShare) *[]api.UsageShare {
		(*list)[0].Key = &api.UsageKey{Id: keyID, Name: name, Preview: k.Preview, BillingType: api.Freemium}
		return list
	}
	c := counts(50)
	used := api.Usage{
		From: moment.Of(at.Add(-time.Hour)), To: moment.Of(at.Add(2 * time.Hour)), Interval: api.UsageIntervalHour, Totals: c, FreshAt: ptr(moment.Of(at)),
		Series: []api.UsagePoint{{Start: moment.Of(at.Add(-time.Hour))}, {
			Start: moment.Of(at), Requests: c.Requests, Allowed: c.Allowed, Refused: c.Refused, QpsBreaches: c.QpsBreaches, ByReason: c.ByReason, StandsOut: &yes, Expected: &expected,
		}},
		ByProduct: &[]api.UsageShare{(*share("map-display"))[0], (*share(""))[0]}, ByKey: named(share(keyID)), ByOrigin: &[]api.UsageShare{(*share(name))[0], {Name: "copy.example", Requests: 2, Refused: 2, ByReason: map[string]int64{"domain_not_allowed": 2}}}, BusiestMinute: &api.BusiestMinute{Start: moment.Of(at), Requests: 48},
	}
	ofKey := used
	ofKey.Quotas, ofKey.AccountQuotas, ofKey.Before = ptr(capsOf()), ptr(fullQuotas().Quotas[:1]), &api.UsageBefore{From: moment.Of(at.Add(-4 * time.Hour)), To: moment.Of(at.Add(-time.Hour)), Totals: c, Series: used.Series}
	request := api.QpsRequest{
		Id: requestID1, AccountId: account, AccountName: &name, KeyId: keyID, KeyName: &name, Product: class, Class: class, RequestedQps: 50, QpsWhenFiled: 10,
		Justification: name, Comment: &name, CreatedAt: moment.Of(at), CreatedBy: name, Status: api.Pending, ApprovedQps: &twelve,
		Evidence: &api.Evidence{CurrentQps: 10, DefaultQps: 10, MaxQps: 1000, PeakQps: &peak, Breaches: 7},
	}
	acct := api.Account{Id: account, Name: name, Type: api.Enterprise, KeyLimit: 100, CreatedAt: moment.Of(at), Role: &enterprise, Version: 2, Suspended: &api.Suspension{Reason: name, At: moment.Of(at), Until: ptr(moment.Of(at.AddDate(1, 0, 0))), By: &by}}
	stated := openStatement()
	stated.Month, stated.Rows = lastMonth(), fullStatement().Rows[2:]
	present := stated
	present.Month = thisMonth()
	answers := map[string]any{
		"GET /v1/products": api.ProductList{Products: []api.Product{{
			Id: "map-display", Name: "Map Display API", Kind: api.Api, Classes: []api.ProductClass{{Id: "map-display", Name: "Map display"}},
		}}},
		"GET " + root:                                acct,
		"GET " + root + "/keys":                      api.KeyList{Keys: []api.Key{k}},
		"GET " + root + "/usage":                     used,
		"GET " + root + "/statements/" + lastMonth(): stated,
		"GET " + root + "/statements/" + thisMonth(): present,
		"GET /v1/operator/statements/" + lastMonth(): stated,
		"GET " + root + "/keys/" + keyID + "/usage":  ofKey,
		"GET " + root + "/quotas":                    api.Quotas{Quotas: []api.Quota{{BillingType: "paying", Group: "tiles", Name: "Map display", Enforced: ptr(true), Day: api.QuotaPeriod{EndsAt: moment.Of(at)}, Month: api.QuotaPeriod{EndsAt: moment.Of(at)}}}},
		"GET " + root + "/members": api.MemberList{Members: []api.Member{
			{Subject: "owner", Email: &name, Role: api.Owner, AddedAt: moment.Of(at)}, {Subject: "a|b/c", Email: &name, Role: api.Viewer, AddedAt: moment.Of(at)},
		}},
		"GET " + root + "/export": api.Export{
			Account: &acct, Members: &[]api.Member{{Subject: "owner", Email: &name, Role: api.Owner, AddedAt: moment.Of(at)}}, Keys: &[]api.Key{k}, Audit: &[]api.AuditRow{},
		},
		"POST /v1/invitations/show":                 api.InvitationOffer{AccountId: account, AccountName: name, Role: api.Developer, InvitedBy: &name, ExpiresAt: moment.Of(at.AddDate(1, 0, 0))},
		"GET " + root + "/invitations":              api.InvitationList{Invitations: []api.Invitation{{Id: "inv_1", Email: &name, Role: api.Developer, CreatedAt: moment.Of(at), ExpiresAt: moment.Of(at.AddDate(1, 0, 0))}}},
		"GET " + root + "/keys/" + keyID + "/audit": api.AuditList{Rows: []api.AuditRow{}},
		"GET " + root + "/audit": api.AuditList{Rows: []api.AuditRow{{
			Id: "aud_1", At: moment.Of(at), Action: "key.block", KeyId: ptr(keyID), Actor: api.Actor{Subject: "x", Email: &name, Role: "operator"}, RequestId: "r-1",
			Changes: []api.Change{{Field: "blocked", After: map[string]any{"reason": name, "at": "2026-08-03T14:00:00Z"}}, {Field: "name", Before: name, After: name}},
		}}},
		"GET /v1/operators/audit": api.AuditList{Rows: []api.AuditRow{{
			Id: "aud_2", At: moment.Of(at), Action: "operator.change", Actor: api.Actor{Subject: "x", Email: &name, Role: "operator"}, RequestId: "r-2",
			Changes: []api.Change{{Field: "email", Before: name, After: name + "2"}, {Field: "rank", Before: "support", After: "admin"}},
		}}},
		"GET " + root + "/qps-requests":               api.QpsRequestList{Requests: []api.QpsRequest{request}},
		"GET " + root + "/qps-requests/" + requestID1: request,
		"GET /v1/qps-requests":                        api.QpsRequestList{Requests: []api.QpsRequest{request}},
		"GET /v1/operator/overview": api.Overview{PendingRequests: 1, BlockedKeys: 100, LastBlocked: []api.BlockedKey{
			{KeyId: keyID, KeyName: name, AccountId: account, AccountName: name, Blocked: api.Block{Reason: name, At: moment.Of(at), By: &by}},
		}, ExposedKeys: 2, LastExposed: []api.ExposedKey{
			{KeyId: keyID, KeyName: name, AccountId: account, AccountName: name, ExposedAt: moment.Of(at), Source: "github", Place: &name},
		}, SuspendedAccounts: 1, LastSuspended: []api.SuspendedAccount{
			{AccountId: account, AccountName: name, Suspended: api.Suspension{Reason: name, At: moment.Of(at), Until: ptr(moment.Of(at)), By: &by}},
		}},
		"GET /v1/operator/blocked-keys": api.BlockedKeyList{Keys: []api.BlockedKey{
			{KeyId: keyID, KeyName: name, AccountId: account, AccountName: name, Blocked: api.Block{Reason: name, At: moment.Of(at), Until: ptr(moment.Of(at)), By: &by}},
		}},
		"GET /v1/operator/exposed-keys": api.ExposedKeyList{Keys: []api.ExposedKey{
			{KeyId: keyID, KeyName: name, AccountId: account, AccountName: name, ExposedAt: moment.Of(at), Source: "github", Place: &name},
		}},
		"GET /v1/operator/suspended-accounts": api.SuspendedAccountList{Accounts: []api.SuspendedAccount{
			{AccountId: account, AccountName: name, Suspended: api.Suspension{Reason: name, At: moment.Of(at), Until: ptr(moment.Of(at)), By: &by}},
		}},
		"GET /v1/operator/keys": api.FoundKeyList{Keys: []api.FoundKey{
			{KeyId: keyID, KeyName: name, Labels: []string{name}, Domains: []string{"shop.example"}, Preview: k.Preview, Status: api.Active, AccountId: account, AccountName: name},
		}, SearchedKeys: 1, SearchedAccounts: 1},
		"GET /v1/operator/members":       api.FoundMemberList{Members: []api.FoundMember{{Subject: "owner", Email: name, Role: api.Owner, AccountId: account, AccountName: name}}, SearchedMembers: 1, SearchedAccounts: 1},
		"GET /v1/operator/accounts":      api.AccountList{Accounts: []api.Account{acct}},
		"GET /v1/operator/keys/" + keyID: api.OperatorKey{Key: k, Account: &acct},
		"GET /v1/operators":              api.OperatorList{Operators: []api.Operator{{Subject: "owner", Email: &name, Rank: api.Admin, AddedAt: moment.Of(at)}, {Subject: "o 2/x", Email: &name, Rank: api.Support, AddedAt: moment.Of(at)}}},
	}
	for route, doc := range answers {
		r.api.on(route, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool { reply(w, 200, doc); return true })
	}
}

func thisMonth() string { return time.Now().UTC().Format("2006-01") }

// lastMonth is the last month that has ended, whose statement is shown where none is asked for.
func lastMonth() string {
	now := time.Now().UTC()
	return now.AddDate(0, 0, -now.Day()).Format("2006-01")
}

func ptr[T any](v T) *T { return &v }

var ourPages = []string{
	"/sessions", "/accounts/" + account + "/keys/" + keyID, "/accounts/" + account + "/keys/" + keyID + "/audit", "/accounts/" + account + "/keys/" + keyID + "/try",
	"/accounts/" + account + "/usage", "/accounts/" + account + "/usage?range=13mo&key=" + keyID, "/accounts/" + account + "/usage?from=2026-07-01&to=2026-08-03&by=hour",
	"/accounts/" + account + "/qps-requests", "/accounts/" + account + "/qps-requests/new", "/accounts/" + account + "/qps-requests/new?key=" + keyID,
	"/accounts/" + account + "/qps-requests/" + requestID1, "/accounts/" + account + "/qps-requests/" + requestID1 + "/withdraw",
	"/accounts/" + account + "/account", "/accounts/" + account + "/account/details", "/accounts/" + account + "/account/remove?subject=a%7Cb%2Fc", "/accounts/" + account + "/account/audit", "/accounts/" + account + "/account/audit?action=key&from=2026-08-01",
	"/accounts/" + account + "/account/export", "/accounts/" + account + "/account/close", "/invitations",
	"/accounts/" + account + "/statements", "/operator/statements", closeStatementPage + "?month=" + lastMonth(),
	"/operator", "/operator?q=a", "/operator/accounts", allBlocked, allExposed, allSuspended, "/operator?q=a&in=people&further=tok", "/operator/accounts/" + account, "/operator/accounts/" + account + "/people", "/operator/accounts/" + account + "/limits", "/operator/accounts/" + account + "/close", "/operator/accounts/" + account + "/type", "/operator/keys/" + keyID,
	erasePage, erasePage + "?subject=x", endSessionsPage, endSessionsPage + "?subject=x", "/operator/operators", "/operator/operators/audit", "/operator/operators/remove?subject=o+2%2Fx", "/operator/qps-requests", "/operator/qps-requests/" + account + "/" + requestID1,
}

func TestOurPagesAreWholeInEveryLanguage(t *testing.T) {
	keytest.OneAtATime(t)
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	fakeAnswers(r, "Demo")
	for _, tag := range []string{"en", "fr", "ar", "en-XA", "ar-XB"} {
		r.post("/preferences", map[string][]string{"language": {tag}})
		for _, path := range ourPages {
			page := r.get(path)
			whole := text(page.doc)
			if page.StatusCode != http.StatusOK {
				t.Fatalf("%s answered %d: %s", path, page.StatusCode, whole)
			}
			for _, bad := range []string{"⟦", "%!", "<nil>", "NaN", "0x"} {
				if strings.Contains(whole, bad) {
					t.Errorf("%s in %s shows %s: %s", path, tag, bad, whole)
				}
			}
			if tag == "en-XA" {
				unspoken(t, path, page.doc)
			}
			ids := map[string]bool{}
			elements(page.doc, func(n *html.Node) {
				for _, a := range n.Attr {
					if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
						t.Errorf("%s: <%s %s> is inline", path, n.Data, a.Key)
					}
					if a.Key == "id" && ids[a.Val] {
						t.Errorf("%s: the ID %s is there twice", path, a.Val)
					}
					if a.Key == "id" {
						ids[a.Val] = true
					}
				}
			})
		}
	}
}

// unspoken looks for words in headings, labels and buttons that no message holds: those of the pseudo-language are in
// brackets.
func unspoken(t *testing.T, path string, doc *html.Node) {
	elements(doc, func(n *html.Node) {
		switch n.Data {
		case "h2", "h3", "label", "dt", "th", "button", "legend", "option", "summary":
			if words := strings.TrimSpace(text(n)); words != "" && !strings.Contains(words, "[") && !strings.Contains(words, "Demo") && strings.ContainsAny(words, "aeiou") &&
				!strings.Contains(words, "English") && !strings.Contains(words, "Français") && !strings.Contains(words, "Map Display API") && !strings.Contains(words, "Map display") {
				t.Errorf("%s: <%s> says %q in no language", path, n.Data, words)
			}
		}
	})
}

func TestHostileTextIsShownAsTextOnOurPages(t *testing.T) {
	keytest.OneAtATime(t)
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	count := func(doc *html.Node) (n int) { elements(doc, func(*html.Node) { n++ }); return n }
	fakeAnswers(r, "Demo")
	counts := map[string]int{}
	for _, path := range ourPages {
		counts[path] = count(r.get(path).doc)
	}
	for _, name := range naughty {
		fakeAnswers(r, name)
		for _, path := range ourPages {
			page := r.get(path)
			if got := count(page.doc); got != counts[path] {
				t.Errorf("%s with %q has %d elements instead of %d", path, name, got, counts[path])
			}
			if !strings.Contains(text(page.doc), name) {
				t.Errorf("%s doesn't show %q", path, name)
			}
		}
	}
}
