package main

import (
	"time"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// What the API of the golden pages knows: of each list something with every member set, and something with none of the optional
// ones. No two values are alike, so that a field in the place of another shows.

const (
	accountAPI  = "/v1/accounts/" + account
	keyAPI      = accountAPI + "/keys/" + keyID
	bareKeyID   = "key_01M805HA7KFVZYHMQR8J2PEF99"
	requestID2  = "qps_01M805YGJJ5PF6PAW3JGR7T0AD"
	operationID = "op_01M805YGJJ5PF6PAW3JGR7T0AE"
)

// day is a moment of its own for each number.
func day(n int) api.Time {
	return moment.Of(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n)*24*time.Hour + time.Duration(n)*61*time.Minute))
}

func maybeDay(n int) *api.MaybeTime { return ptr(day(n)) }

// viewers are those who look at pages.
var viewers = map[string]api.Me{
	"owner": {Subject: "auth0|owner", Name: ptr("Olive Owner"), Email: ptr("olive@demo.example"), Accounts: []api.MyAccount{
		{Id: account, Name: "Demo & Co", Type: api.Enterprise, Role: api.Owner},
		{Id: "acc_02", Name: "Second", Type: api.SelfServe, Role: api.Viewer},
		{Id: "acc_03", Name: "Closed one", Type: api.SelfServe, Role: api.Owner, Closed: true},
	}},
	"developer": {Subject: "auth0|dev", Email: ptr("dev@demo.example"), Accounts: []api.MyAccount{{Id: account, Name: "Demo & Co", Type: api.Enterprise, Role: api.Developer}}},
	"viewer":    {Subject: "auth0|viewer", Accounts: []api.MyAccount{{Id: account, Name: "Demo & Co", Type: api.Enterprise, Role: api.Viewer}}},
	"small":     {Subject: "auth0|small", Name: ptr("Sam Small"), Accounts: []api.MyAccount{{Id: account, Name: "Small", Type: api.SelfServe, Role: api.Owner}}},
	"suspended": {Subject: "auth0|susp", Name: ptr("Sue Suspended"), Accounts: []api.MyAccount{
		{Id: account, Name: "Demo & Co", Type: api.Enterprise, Role: api.Owner, Suspended: &api.Suspension{At: day(11), By: ptr("ops@latch.example"), Reason: "Unpaid since May", Until: maybeDay(60)}},
	}},
	"suspended for good": {Subject: "auth0|susp2", Name: ptr("Saul Suspended"), Accounts: []api.MyAccount{
		{Id: account, Name: "Demo & Co", Type: api.Enterprise, Role: api.Viewer, Suspended: &api.Suspension{At: day(11), Reason: "Abuse"}},
	}},
	"closed":   {Subject: "auth0|closed", Name: ptr("Cleo Closed"), Accounts: []api.MyAccount{{Id: account, Name: "Demo & Co", Type: api.Enterprise, Role: api.Owner, Closed: true}}},
	"admin":    {Subject: "ops|admin", Name: ptr("Ada Admin"), Email: ptr("ada@latch.example"), Operator: true, Rank: ptr(api.Admin)},
	"operator": {Subject: "ops|first", Name: ptr("Otto Operator"), Operator: true, Accounts: []api.MyAccount{{Id: account, Name: "Demo & Co", Type: api.Enterprise, Role: api.Owner}}},
	"unranked": {Subject: "ops|old", Name: ptr("Uma Unranked"), Operator: true},
	"support":  {Subject: "ops|support", Name: ptr("Susi Support"), Operator: true, Rank: ptr(api.Support)},
	"stranger": {Subject: "auth0|stranger", Name: ptr("Stan Stranger"), Accounts: []api.MyAccount{}},
}

func viewerNames() []string {
	return []string{"owner", "developer", "viewer", "small", "suspended", "suspended for good", "closed", "admin", "operator", "support", "stranger", "unranked"}
}

func fullKey() api.Key {
	return api.Key{
		Id: keyID, AccountId: account, Name: `Shop <1> & "Co"`, Usage: api.Frontend, BillingType: api.Freemium,
		Products: []string{"search", "map-display", "gone-product"}, Labels: []string{"Müller", "shop & web"},
		Domains:       []string{"one.example", "*.two.example", "three.example", "four.example", "five.example", "six.example", "seven.example", "eight.example", "nine.example", "ten.example"},
		MissingOrigin: api.Deny, HeaderOnly: true, Preview: "ak_7Kf2…x9Qd", Status: api.Active, CreatedAt: day(1), UpdatedAt: day(2), CreatedBy: ptr("auth0|owner"),
		ExpiresAt: maybeDay(36), LastUsedAt: maybeDay(30), LastRefusedAt: maybeDay(29), RotatedAt: maybeDay(5), Recoverable: true, Version: 7,
		RotationPolicy: &api.RotationPolicy{EveryDays: 31, NotifyDaysBefore: 4, NextDueAt: maybeDay(32), Principal: ptr("arn:aws:iam::123456789012:role/rotated"), DeliveredAs: ptr("latchkey/maps/delivered")},
		Limits: []api.Limit{
			{Class: "map-display", Product: "map-display", Name: "Map display", Qps: 7, DefaultQps: 10, FreeQps: 20, MaxQps: 1000, EndsAt: maybeDay(40), ThenQps: ptr(10)},
			{Class: "search-fast", Product: "search", Name: "Search, fast", Qps: 30, DefaultQps: 30, FreeQps: 30, MaxQps: 300},
		},
		Quotas: []api.KeyQuota{{Group: "tiles", Day: 6543}},
	}
}

func bareKey() api.Key {
	return api.Key{
		Id: bareKeyID, AccountId: account, Name: "Bare", Usage: api.Backend, BillingType: api.Paying, Products: []string{"map-display"}, Domains: []string{}, Labels: []string{},
		MissingOrigin: api.Allow, Preview: "ak_baRe…9999", Status: api.Deleted, CreatedAt: day(3), UpdatedAt: day(4), DeletedAt: maybeDay(31), Version: 1,
		Limits: []api.Limit{{Class: "map-display", Product: "map-display", Name: "Map display", Qps: 5, DefaultQps: 5, FreeQps: 5, MaxQps: 50}},
	}
}

func fullAccount() api.Account {
	return api.Account{Id: account, Name: "Demo & Co", Type: api.Enterprise, KeyLimit: 123, CreatedAt: day(-400), Version: 9, Role: ptr("owner"), Limits: []api.AccountLimit{
		{Class: "map-display", Product: "map-display", Name: "Map display", Qps: 77, DefaultQps: ptr(66), SetBy: "operator"},
		{Class: "search-slow", Product: "search", Name: "Slow", Qps: 55, DefaultQps: ptr(55), SetBy: "catalogue"},
	}, Quotas: []api.AccountQuota{{BillingType: "paying", Group: "tiles", Day: ptr(int64(4321))}, {BillingType: "free", Group: "other", Month: ptr(int64(98_765))}}}
}

func fullQuotas() api.Quotas {
	period := func(quota, standard int64, from string, used, left int64, ends, out moment.Time) api.QuotaPeriod {
		return api.QuotaPeriod{Quota: &quota, DefaultQuota: ptr(standard), SetBy: &from, Used: used, Left: &left, InHand: ptr(quota - used - left), EndsAt: ends, RunsOutAt: &out}
	}
	none := api.QuotaPeriod{Used: 11, EndsAt: day(1)}
	unread := period(5432, 5432, "catalogue", 21, 0, day(2), day(1))
	unread.Left, unread.InHand, unread.RunsOutAt = nil, nil, nil
	free := period(98_765, 0, "operator", 98_764, 0, day(25), day(24))
	free.DefaultQuota, free.RunsOutAt = nil, nil
	return api.Quotas{Quotas: []api.Quota{
		{BillingType: "paying", Group: "tiles", Name: "Map tiles", Enforced: ptr(true), Day: period(4321, 1234, "operator", 3210, 987, day(1), day(0)), Month: unread},
		{BillingType: "free", Group: "other", Name: "Other", Enforced: ptr(true), Day: none, Month: free},
	}}
}

func fullCaps() api.KeyQuotas {
	return api.KeyQuotas{Quotas: []api.KeyQuotaUse{
		{Group: "tiles", Name: "Map tiles", Enforced: ptr(true), Day: ptr(int64(6543)), Used: 3456, Left: ptr(int64(2109)), InHand: ptr(int64(978)), EndsAt: day(1), RunsOutAt: ptr(day(0))},
		{Group: "other", Name: "Other", Enforced: ptr(true), Used: 13, EndsAt: day(1)},
	}, AccountQuotas: fullQuotas().Quotas[:1]}
}

// groupGone has a cap and a quota of a group that there no longer is, and others of which more is used than counts against them.
func groupGone(s *stage) {
	quotas, caps := fullQuotas(), fullCaps()
	before := quotas.Quotas[0]
	before.BillingType, before.Day.Used, before.Day.InHand = "free", 5432, ptr(int64(0))
	gone := api.QuotaPeriod{Quota: ptr(int64(7654)), SetBy: ptr("operator"), EndsAt: day(1)}
	quotas.Quotas = append(quotas.Quotas, before, api.Quota{BillingType: "paying", Group: "gone", Name: "gone", Enforced: ptr(false), Day: gone, Month: api.QuotaPeriod{EndsAt: day(25)}})
	caps.Quotas[0].Used = 6789
	caps.Quotas = append(caps.Quotas, api.KeyQuotaUse{Group: "gone", Name: "gone", Enforced: ptr(false), Day: ptr(int64(8765)), EndsAt: day(1)})
	a := fullAccount()
	a.Quotas = append(a.Quotas, api.AccountQuota{BillingType: "paying", Group: "gone", Day: ptr(int64(7654))})
	a.Limits = append(a.Limits, api.AccountLimit{Class: "gone-class", Name: "gone-class", Qps: 44, SetBy: "operator", Enforced: ptr(false)})
	key := beside(fullUsage())
	key.Quotas = &caps.Quotas
	k := fullKey()
	k.Quotas = append(k.Quotas, api.KeyQuota{Group: "gone", Day: 8765})
	s.api.set("GET "+keyAPI, k)
	s.api.set("GET "+accountAPI, a)
	s.api.set("GET "+accountAPI+"/quotas", quotas)
	s.api.set("GET "+keyAPI+"/quotas", caps)
	s.api.set("GET "+keyAPI+"/usage", key)
}

// beside is a key's usage with its caps and the period before.
func beside(u api.Usage) api.Usage {
	u.Quotas, u.AccountQuotas, u.Before = ptr(fullCaps().Quotas), ptr(fullCaps().AccountQuotas), beforeOf(u)
	return u
}

// usedUp is the usage of a key whose cap and whose account's quota of the month are used up.
func usedUp() api.Usage {
	caps, shared := fullCaps().Quotas, fullQuotas().Quotas[:1]
	caps[0].Left, caps[0].InHand, caps[0].RunsOutAt = ptr(int64(0)), ptr(int64(0)), nil
	shared[0].Month.Used = *shared[0].Month.Quota
	return api.Usage{Totals: api.UsageCounts{Requests: 77, Refused: 77, ByReason: map[string]int64{"quota_exceeded": 77}}, Quotas: &caps, AccountQuotas: &shared}
}

// beforeOf is a period before, with other numbers.
func beforeOf(u api.Usage) *api.UsageBefore {
	b := &api.UsageBefore{From: day(18), To: day(25), Totals: api.UsageCounts{Requests: 9999}}
	for i, p := range u.Series {
		p.Requests, p.Allowed, p.Refused = p.Requests/2+int64(i), p.Allowed/2, p.Refused*3
		b.Series = append(b.Series, p)
	}
	return b
}

func products() []api.Product {
	return []api.Product{
		{Id: "map-display", Name: "Map Display API", Kind: api.Api, DocsUrl: ptr("https://docs.example/maps"), SamplePath: ptr("/map/1/tile/basic/main/0/0/0.png"), Classes: []api.ProductClass{{Id: "map-display", Name: "Map display", MaxQps: 1000}}},
		{Id: "search", Name: "Search API", Kind: api.Api, SamplePath: ptr("/search/2/search/berlin.json"), Classes: []api.ProductClass{{Id: "search-fast", Name: "Fast", MaxQps: 300}, {Id: "search-slow", Name: "Slow", MaxQps: 30}}},
		{Id: "sdk", Name: "Maps SDK", Kind: "sdk", Classes: []api.ProductClass{}},
	}
}

func shareOf(name string, requests, refused, breaches int64, by map[string]int64) api.UsageShare {
	return api.UsageShare{Name: name, Requests: requests, Allowed: requests - refused, Refused: refused, QpsBreaches: breaches, ByReason: by}
}

// fullUsage has a refusal for which each repair is offered.
func fullUsage() api.Usage {
	at := time.Date(2026, 8, 3, 13, 0, 0, 0, time.UTC)
	hour := func(n int, requests, refused, breaches int64) api.UsagePoint {
		return api.UsagePoint{Start: moment.Of(at.Add(time.Duration(n) * time.Hour)), Requests: requests, Allowed: requests - refused, Refused: refused, QpsBreaches: breaches}
	}
	outstanding := hour(1, 800, 90, 40)
	outstanding.StandsOut, outstanding.Expected = ptr(true), ptr(float32(120.6))
	usual, alone := hour(2, 300, 45, 3), hour(3, 45, 10, 1)
	usual.Expected, alone.StandsOut = ptr(float32(310.2)), ptr(true) // one that is as expected, and one that nothing was expected of
	by := map[string]int64{"qps_exceeded": 44, "domain_not_allowed": 33, "product_not_allowed": 22, "origin_missing": 11, "key_not_in_header": 9, "key_disabled": 8, "key_expired": 7, "key_blocked": 6, "key_revoked": 5, "allowed": 1000}
	maps, search := shareOf("map-display", 700, 60, 30, map[string]int64{"qps_exceeded": 30}), shareOf("search", 200, 50, 14, map[string]int64{"qps_exceeded": 14})
	sdk := shareOf("sdk", 25, 22, 0, map[string]int64{"product_not_allowed": 22})
	one := shareOf(keyID, 600, 100, 41, by)
	one.Key = &api.UsageKey{Id: keyID, Name: `Shop <1> & "Co"`, Preview: "ak_7Kf2…x9Qd", BillingType: api.Freemium}
	return api.Usage{
		From: moment.Of(at), To: moment.Of(at.Add(4 * time.Hour)), Interval: api.UsageIntervalHour, FreshAt: ptr(moment.Of(goldenNow.Add(-42 * time.Second))),
		Totals: api.UsageCounts{Requests: 1145, Allowed: 1000, Refused: 145, QpsBreaches: 44, ByReason: by},
		Series: []api.UsagePoint{hour(0, 0, 0, 0), outstanding, usual, alone},
		ByKey:  &[]api.UsageShare{one, shareOf("key_gone", 45, 5, 3, nil)}, ByProduct: &[]api.UsageShare{maps, search, sdk, shareOf("", 20, 13, 0, nil)},
		ByOrigin: &[]api.UsageShare{
			shareOf("one.example", 300, 0, 0, nil), shareOf("copy.example", 90, 33, 0, map[string]int64{"domain_not_allowed": 31}), shareOf("other.example", 9, 2, 0, map[string]int64{"domain_not_allowed": 2}),
			shareOf("-", 40, 11, 0, map[string]int64{"origin_missing": 11}), shareOf("*refused", 12, 12, 0, nil), shareOf("*", 600, 80, 1, nil),
		},
		BusiestMinute: &api.BusiestMinute{Start: moment.Of(at.Add(90 * time.Minute)), Requests: 333}, Proposed: &api.ProposedCounts{Evaluated: 412, WouldRefuse: 17},
	}
}

// daysOf is usage by the day, over two months: more than a bar for each hour would be.
func daysOf(days int) api.Usage {
	u := fullUsage()
	start := time.Date(2026, 8, 3, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -days+1)
	u.Interval, u.From, u.To, u.Series = api.UsageIntervalDay, moment.Of(start), moment.Of(goldenNow), nil
	for i := range days {
		p := api.UsagePoint{Start: moment.Of(start.AddDate(0, 0, i))}
		if i%5 == 0 || i == days-1 {
			p.Requests, p.Allowed, p.Refused, p.QpsBreaches = int64(100+i), int64(90+i), 10, int64(i%7)
		}
		u.Series = append(u.Series, p)
	}
	u.FreshAt, u.ByKey, u.BusiestMinute = ptr(moment.Of(goldenNow.Add(-3*time.Hour))), nil, nil
	return u
}

func fullRequest() api.QpsRequest {
	return api.QpsRequest{
		Id: requestID1, AccountId: account, AccountName: ptr("Demo & Co"), KeyId: keyID, KeyName: ptr(`Shop <1> & "Co"`), Product: "search", Class: "search-fast", RequestedQps: 60, QpsWhenFiled: 30,
		Justification: "A sale on\nBlack Friday", CreatedAt: day(20), CreatedBy: "olive@demo.example", Status: api.Pending, EndsAt: maybeDay(90), Version: 2,
		Evidence: &api.Evidence{CurrentQps: 31, DefaultQps: 32, FreeQps: 33, MaxQps: 300, PeakQps: ptr(float32(28.66)), Breaches: 77},
	}
}

func bareRequest() api.QpsRequest {
	return api.QpsRequest{
		Id: requestID2, AccountId: account, KeyId: "key_purged", Product: "map-display", Class: "map-display", RequestedQps: 40, QpsWhenFiled: 7,
		Justification: "More maps", CreatedAt: day(21), CreatedBy: "dev@demo.example", Status: api.Pending, Version: 1,
		Evidence: &api.Evidence{CurrentQps: 8, DefaultQps: 9, MaxQps: 1000, PeakQps: ptr(float32(0.04))},
	}
}

func decidedRequest(status api.QpsRequestStatus) api.QpsRequest {
	r := fullRequest()
	r.Status, r.DecidedAt, r.DecidedBy, r.Comment = status, maybeDay(23), ptr("ada@latch.example"), ptr("Fine with us\nuntil then")
	if status == api.Approved {
		r.ApprovedQps = ptr(55)
	}
	return r
}

func auditRows() []api.AuditRow {
	owner := api.Actor{Subject: "auth0|owner", Email: ptr("olive@demo.example"), Role: "owner"}
	return []api.AuditRow{
		{Id: "aud_1", At: day(10), Action: "key.edit", KeyId: ptr(keyID), KeyName: ptr(`Shop <1> & "Co"`), Actor: owner, RequestId: "r-1", SourceIp: ptr("203.0.113.7"), Changes: []api.Change{
			{Field: "name", Before: "Old", After: "New"},
			{Field: "products", Before: []any{"search"}, After: []any{"search", "map-display"}},
			{Field: "header_only", Before: false, After: true},
			{Field: "expires_at", Before: "2026-08-03T14:00:00Z"},
			{Field: "usage", After: "mobile"},
			{Field: "unheard_of", Before: 1200.5, After: nil},
			{Field: "nothing"},
		}},
		{Id: "aud_2", At: day(11), Action: "key.block", KeyId: ptr(bareKeyID), Actor: api.Actor{Subject: "operator", Role: "operator"}, RequestId: "r-2", Changes: []api.Change{
			{Field: "blocked", After: map[string]any{"reason": "Leaked", "at": "2026-08-03T14:00:00Z"}},
		}},
		{Id: "aud_3", At: day(12), Action: "account.opened", Actor: api.Actor{Subject: "auth0|x", Role: "system"}, RequestId: "r-3", Changes: []api.Change{}},
		{Id: "aud_4", At: day(13), Action: "no.such", Actor: api.Actor{Subject: "auth0|y", Role: "no-such"}, RequestId: "r-4", Changes: []api.Change{{Field: "qps", Before: 5, After: 6}, {Field: "class", After: "search-fast"}}},
	}
}

// fullStatement is a final one, with a row of each kind.
func fullStatement() api.Statement {
	s := openStatement()
	s.Status, s.ClosedAt, s.Sha256 = api.Final, maybeDay(35), ptr("2f1c0b7f2b0f5c0e6f0d7a1f0f4c4f5b8ad1f0c3d1e6a5b497c8d2e3f4a5b6c7")
	s.Rows = []api.StatementRow{
		{AccountId: account, KeyId: ptr(keyID), KeyName: ptr(fullKey().Name), Product: "map-display", Class: ptr("map-display"), BillingType: ptr("paying"), Requests: 90210, Allowed: 90001, Refused: 209},
		{AccountId: account, KeyId: ptr(bareKeyID), Product: "search", Class: ptr("search-fast"), BillingType: ptr("a_later_type"), Requests: 71, Allowed: 70, Refused: 1},
		{AccountId: account, Product: "search", Class: ptr("*"), BillingType: ptr("free"), Requests: 12, Allowed: 11, Refused: 1},
		{AccountId: account, KeyId: ptr(keyID), KeyName: ptr(fullKey().Name), Requests: 3, Refused: 3},
		{AccountId: account, Adjusts: ptr("2026-05"), KeyId: ptr(keyID), KeyName: ptr(fullKey().Name), Product: "search", Requests: -5, Allowed: -5},
	}
	return s
}

func openStatement() api.Statement {
	return api.Statement{Month: "2026-07", Status: api.Open, SettledAt: day(35), Rows: []api.StatementRow{}}
}

// mergedStatement has rows of an account that isn't split by key, behind one that is.
func mergedStatement() api.Statement {
	s := openStatement()
	s.NotSplit = ptr([]string{account})
	rows := fullStatement().Rows
	s.Rows = []api.StatementRow{{AccountId: "acc_02", Product: "search", Class: ptr("*"), BillingType: ptr("free"), Requests: 4, Allowed: 4}, rows[2], rows[4]}
	return s
}

func richWorld() map[string]any {
	used, acct := fullUsage(), fullAccount()
	return map[string]any{
		"GET /v1/me":                                viewers["stranger"],
		"GET /v1/products":                          api.ProductList{Products: products()},
		"GET " + accountAPI:                         acct,
		"GET " + accountAPI + "/keys":               api.KeyList{Keys: []api.Key{fullKey(), bareKey()}},
		"GET " + keyAPI:                             fullKey(),
		"GET " + accountAPI + "/keys/" + bareKeyID:  bareKey(),
		"GET " + accountAPI + "/usage":              used,
		"GET " + accountAPI + "/statements/2026-07": fullStatement(),
		"GET /v1/operator/statements/2026-07":       fullStatement(),
		"GET " + accountAPI + "/domains":            api.DomainList{Domains: domainsOfWorld(), From: day(25), Version: 77, KeyIds: []string{keyID, bareKeyID, "key_3", "key_4", "key_5", "key_6"}, KeyCount: 6, OpenKeyCount: 1, NextPageToken: ptr("d2")},
		"GET " + keyAPI + "/usage":                  beside(used),
		"GET " + keyAPI + "/audit":                  api.AuditList{Rows: auditRows()},
		"GET " + accountAPI + "/audit":              api.AuditList{Rows: auditRows()},
		"GET /v1/operators/audit":                   api.AuditList{Rows: auditRows()[1:3]},
		"POST " + keyAPI + "/test":                  api.TestResult{Allowed: true, At: day(33), Code: "allowed", Rule: ptr("one.example")},
		"POST /v1/invitations/show":                 api.InvitationOffer{AccountId: account, AccountName: "Demo & Co", Role: api.Developer, InvitedBy: ptr("olive@demo.example"), ExpiresAt: day(37)},
		"GET " + accountAPI + "/export":             api.Export{Account: &acct, Members: &[]api.Member{{}, {}}, Keys: &[]api.Key{bareKey(), bareKey(), bareKey()}, Invitations: &[]api.Invitation{{Id: "inv_9"}}, Audit: &[]api.AuditRow{}, QpsRequests: &[]api.QpsRequest{{}, {}, {}, {}, {}}},
		"GET " + accountAPI + "/quotas":             fullQuotas(),
		"GET " + keyAPI + "/quotas":                 fullCaps(),
		"GET " + accountAPI + "/policy":             api.AccountPolicy{Leaks: api.LeakPolicy{Frontend: "notify", Backend: "rotate", Mobile: "refuse"}, FrontendRestricted: true, MaxLifetimeDays: ptr(365), Version: 9},
		"GET " + accountAPI + "/findings":           api.FindingList{Findings: append(findingsOf(fullKey()), api.Finding{Key: api.DomainKey{Id: bareKeyID, Name: "Bare", Status: api.Disabled}, Code: "unused_90_days", Since: maybeDay(-100), Act: "delete"}), NextPageToken: ptr("f2")},
		"GET " + accountAPI + "/members": api.MemberList{Members: []api.Member{
			{Subject: "auth0|owner", Email: ptr("olive@demo.example"), Role: api.Owner, AddedAt: day(-10)},
			{Subject: "auth0|dev", Email: ptr("dev@demo.example"), Role: api.Developer, AddedAt: day(-8)},
			{Subject: "a|b/c", Role: api.Viewer, AddedAt: day(-7)},
			{Subject: "auth0|viewer", Email: ptr("vera@demo.example"), Role: api.Viewer, AddedAt: day(-6)},
		}},
		"GET " + accountAPI + "/invitations": api.InvitationList{Invitations: []api.Invitation{
			{Id: "inv_1", Email: ptr("new@demo.example"), Role: api.Developer, CreatedAt: day(25), ExpiresAt: day(38)}, {Id: "inv_2", Role: api.Viewer, CreatedAt: day(26), ExpiresAt: day(39)},
		}},
		"GET " + accountAPI + "/qps-requests":               api.QpsRequestList{Requests: []api.QpsRequest{fullRequest(), decidedRequest(api.Approved), decidedRequest(api.Rejected), decidedRequest(api.Withdrawn), bareRequest()}},
		"GET " + accountAPI + "/qps-requests/" + requestID1: fullRequest(),
		"GET " + accountAPI + "/operations/" + operationID:  api.Operation{Id: operationID, StartedAt: day(33), Status: api.Running, Type: api.SelfServe},
		"GET /v1/qps-requests":                              api.QpsRequestList{Requests: []api.QpsRequest{fullRequest(), bareRequest()}},
		"GET /v1/operator/overview": api.Overview{
			PendingRequests: 2, BlockedKeys: 100, LastBlocked: []api.BlockedKey{{KeyId: keyID, KeyName: `Shop <1> & "Co"`, AccountId: account, AccountName: "Demo & Co", Blocked: api.Block{Reason: "Leaked on a forum", At: day(28), By: ptr("ada@latch.example")}}, {KeyId: bareKeyID, KeyName: "Bare", AccountId: "acc_02", AccountName: "Second", Blocked: api.Block{Reason: "Spam", At: day(27), Until: maybeDay(54)}}},
			ExposedKeys: 3, LastExposed: []api.ExposedKey{{KeyId: keyID, KeyName: "Map of the shop", AccountId: account, AccountName: "Demo & Co", ExposedAt: day(26), Source: "github", Place: ptr("https://github.com/a/b"), Refused: true}, {KeyId: bareKeyID, KeyName: "Plain", AccountId: "acc_02", AccountName: "Second", ExposedAt: day(25), Source: "anybody"}},
			SuspendedAccounts: 4, LastSuspended: []api.SuspendedAccount{{AccountId: account, AccountName: "Demo & Co", Suspended: api.Suspension{Reason: "Two invoices are open", At: day(23), By: ptr("otto@latch.example")}}, {AccountId: "acc_02", AccountName: "Second", Suspended: api.Suspension{Reason: "Abuse", At: day(22), Until: maybeDay(50)}}},
		},
		"GET /v1/operator/blocked-keys": api.BlockedKeyList{
			Keys:          []api.BlockedKey{{KeyId: keyID, KeyName: `Shop <1> & "Co"`, AccountId: account, AccountName: "Demo & Co", Blocked: api.Block{Reason: "Sold on a forum", At: day(16), By: ptr("otto@latch.example")}}, {KeyId: bareKeyID, KeyName: "Bare", AccountId: "acc_03", Blocked: api.Block{Reason: "Scraping", At: day(15), Until: maybeDay(52)}}},
			NextPageToken: ptr("b2"), Unreadable: ptr(3),
		},
		"GET /v1/operator/exposed-keys": api.ExposedKeyList{
			Keys:          []api.ExposedKey{{KeyId: keyID, KeyName: `Shop <1> & "Co"`, AccountId: account, AccountName: "Demo & Co", ExposedAt: day(21), Source: "operator", Place: ptr("https://paste.example/x"), Refused: true}, {KeyId: bareKeyID, KeyName: "Bare", AccountId: "acc_03", ExposedAt: day(20), Source: "anybody"}},
			NextPageToken: ptr("e2"), Unreadable: ptr(1),
		},
		"GET /v1/operator/suspended-accounts": api.SuspendedAccountList{
			Accounts:      []api.SuspendedAccount{{AccountId: account, AccountName: "Demo & Co", Suspended: api.Suspension{Reason: "Three invoices are open", At: day(19), By: ptr("ada@latch.example")}}, {AccountId: "acc_03", Suspended: api.Suspension{Reason: "Spam", At: day(18), Until: maybeDay(51)}}},
			NextPageToken: ptr("s2"), Unreadable: ptr(2),
		},
		"GET /v1/operator/keys": api.FoundKeyList{Keys: []api.FoundKey{
			{KeyId: keyID, KeyName: `Shop <1> & "Co"`, Domains: []string{"*.shop.example", "one.example", "two.example", "three.example", "four.example"}, Preview: "ak_7Kf2…x9Qd", Status: api.Active, AccountId: account, AccountName: "Demo & Co"},
			{KeyId: bareKeyID, KeyName: "Bare", Preview: "ak_baRe…9999", Status: api.Deleted, AccountId: "acc_03"},
		}, SearchedKeys: 812, SearchedAccounts: 250, NextPageToken: ptr("f2"), Unreadable: ptr(3)},
		"GET /v1/operator/members": api.FoundMemberList{Members: []api.FoundMember{
			{Subject: "m|1", Email: "kari@fjordlast.example", Role: api.Owner, AccountId: account, AccountName: "Demo & Co"}, {Subject: "m|2", Email: "ola@fjordlast.example", Role: api.Viewer, AccountId: "acc_03"},
		}, SearchedMembers: 97, SearchedAccounts: 41},
		"GET /v1/operator/accounts":      api.AccountList{Accounts: []api.Account{acct, {Id: "acc_02", Name: "Second", Type: api.SelfServe, KeyLimit: 20, CreatedAt: day(-300), ClosedAt: maybeDay(24)}}},
		"GET /v1/operator/keys/" + keyID: api.OperatorKey{Key: fullKey(), Account: &acct},
		"GET /v1/operators":              api.OperatorList{Operators: []api.Operator{{Subject: "ops|first", Email: ptr("otto@latch.example"), Rank: api.Admin, AddedAt: day(-20)}, {Subject: "ops|admin", Email: ptr("ada@latch.example"), Rank: api.Admin, AddedAt: day(-19)}, {Subject: "o 2/x", Rank: api.Support, AddedAt: day(-18)}, {Subject: "ops|admin", Issuer: ptr("https://before.example"), Rank: api.Admin, AddedAt: day(-17)}}},
	}
}

// domainsOfWorld are the first page of entries.
func domainsOfWorld() []api.AccountDomain {
	return []api.AccountDomain{
		{Domain: "*.shop.example", KeyCount: 5, OnlyEntryCount: 2, Allowed: 90114, Refused: 12, Keys: []api.DomainKey{
			{Id: keyID, Name: `Shop <1> & "Co"`, Preview: "ak_7Kf2…x9Qd", Status: api.Active},
			{Id: bareKeyID, Name: "Bare", Preview: "ak_baRe…9999", Status: api.Disabled},
			{Id: "key_3", Name: "Third", Preview: "ak_tHir…3333", Status: api.Expired},
			{Id: "key_4", Name: "Fourth", Preview: "ak_fOur…4444", Status: api.Active},
			{Id: "key_5", Name: "Fifth", Preview: "ak_fIft…5555", Status: api.Active},
		}},
		{Domain: "one.example", KeyCount: 1, Refused: 3, Keys: []api.DomainKey{{Id: keyID, Name: `Shop <1> & "Co"`, Preview: "ak_7Kf2…x9Qd", Status: api.Active}}},
	}
}
