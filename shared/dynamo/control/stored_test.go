package control_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/consent"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
	"latchkey/shared/qps"
	"latchkey/shared/text"
	"latchkey/shared/usage"
)

// TestRecordsAreStoredAsTheyAlwaysWere: one of each kind, with every time another one, so that none can take another's name.
func TestRecordsAreStoredAsTheyAlwaysWere(t *testing.T) {
	db, tables := keytest.NewMemory()
	s := control.New(db, tables.Control, tables.Gate)
	at := func(days int) time.Time { return keytest.Now.AddDate(0, 0, days) }
	rows := 0
	row := func(id account.ID, action string, key apikey.ID) audit.Row {
		rows++
		return audit.Row{
			ID: fmt.Sprintf("aud_01M8HKY1AF1HAFFFZBC0H8K%03d", rows), Account: id, KeyID: string(key), Action: action, At: at(rows), RequestID: "req-1",
			Actor: audit.Actor{Subject: keytest.Subject("owner"), Email: "owner@example.com", Role: "owner"}, Source: "192.0.2.7",
			Changes: []audit.Change{{Field: "name", Before: `"a"`, After: `"b"`}},
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	const (
		acct = account.ID("acc_01M8HKY1AF1HAFFFZBC0H8KQJ1")
		key  = apikey.ID("key_01M8HKY1AF1HAFFFZBC0H8KQJ2")
		plan = apikey.ID("key_01M8HKY1AF1HAFFFZBC0H8KQJ3")
		rest = apikey.ID("key_01M8HKY1AF1HAFFFZBC0H8KQJ8")
		most = apikey.ID("key_01M8HKY1AF1HAFFFZBC0H8KQJ9")
	)
	owner, developer := keytest.Subject("owner"), keytest.Subject("developer")
	a := account.Account{ID: acct, Name: "Wander Maps", Type: account.Enterprise, KeyLimit: 500, CreatedAt: at(1)}
	a, err := s.CreateAccount(t.Context(), a, account.Member{Account: acct, Subject: owner, Email: "owner@example.com", Role: account.Owner, AddedAt: at(2)}, row(acct, "account.create", ""))
	must(err)
	_, err = s.PutMember(t.Context(), nil, account.Member{Account: acct, Subject: developer, Label: "d@example.com", Role: account.Developer, AddedAt: at(3)}, owner, row(acct, "member.add", ""))
	must(err)
	must(s.Invite(t.Context(), control.Invitation{
		ID: "inv_01M8HKY1AF1HAFFFZBC0H8KQJ4", Account: acct, Role: account.Viewer, Email: "i@example.com", TokenHash: apikey.Hash{1}, By: owner, CreatedAt: keytest.Now, ExpiresAt: at(7),
	}, nil, row(acct, "invitation.create", "")))
	secret := func(n byte) apikey.StoredSecret {
		return apikey.StoredSecret{Hash: apikey.Hash{n}, Preview: fmt.Sprintf("ak_%d…x9Qd", n), CreatedAt: at(int(n)), Sealed: []byte{n}}
	}
	shown := consent.List{{Product: "search", Paths: []consent.Path{{Prefix: "/search/", Since: "1-e459a7fd79"}, {Prefix: "/find/", Since: "3-0123456789"}}, Narrow: true}}
	full := apikey.Key{
		ID: key, Account: acct, AccountType: account.Enterprise, Name: "Web Shop", Labels: []string{"production", "web"}, Usage: apikey.Backend, BillingType: apikey.Paying,
		Products: []product.ID{"map-display", "search"}, Domains: []string{"example.com", "*.example.com"}, MissingOrigin: apikey.MissingOriginDeny,
		OriginChosen: true, HeaderOnly: true, Recoverable: true, Current: secret(11), Outgoing: &apikey.Outgoing{StoredSecret: secret(12), EndsAt: at(13), Cancelled: true, Reason: "leaked"},
		Retired:   []apikey.Retired{{Hash: apikey.Hash{14}, EndedAt: at(14)}},
		CreatedAt: at(15), CreatedBy: developer, UpdatedAt: at(16), RotatedAt: at(17), ExpiresAt: at(18), Disabled: true,
		Blocked:  &apikey.Block{Reason: "abuse", At: at(19), By: "operator@example.com", Until: at(48)},
		Limits:   []apikey.Limit{{Class: "search", QPS: 9, EndsAt: at(20), Then: 8, Granted: 7, Lent: 6}, {Class: "map-display.tiles", QPS: 3}},
		Rotation: &apikey.RotationPolicy{EveryDays: 90, NotifyDaysBefore: 7, Principal: "arn:aws:iam::123456789012:role/r", SetBy: owner, AnnouncedFor: at(21)},
		Delivery: apikey.Delivery{Reader: "arn:aws:iam::123456789012:role/old", Due: true, Version: "v1", RetryAt: at(22)},
		Proposed: &apikey.Proposal{Domains: &[]string{"a.example"}, Products: &[]product.ID{"search"}, Since: at(23), Consents: shown},
		Consents: shown,
	}
	full.Current.Exposed = apikey.Exposure{At: at(24), By: apikey.ReportedByGitHub, Place: "https://github.com/a/b", RefusedAt: at(25), Replace: true, LiftedAt: at(26), LiftReason: "A sample."}
	full.Outgoing.Exposed = apikey.Exposure{At: at(27), By: apikey.ReportedByAnybody}
	_, err = s.Commit(t.Context(), control.Change{After: full, Audit: row(acct, "key.create", key), Idempotency: &control.Idempotency{
		Operation: "create", Subject: developer, Key: "once", BodyHash: "hash", At: keytest.Now, Resource: string(key), Version: 1,
	}})
	must(err)
	simple := apikey.Key{
		ID: plan, Account: acct, AccountType: account.Enterprise, Name: "Plain", Usage: apikey.Frontend, BillingType: apikey.Free, Products: []product.ID{"search"},
		MissingOrigin: apikey.MissingOriginAllow, Current: apikey.StoredSecret{Hash: apikey.Hash{31}, Preview: "ak_31", CreatedAt: at(31)}, CreatedAt: at(32), UpdatedAt: at(33),
	}
	simple, err = s.Commit(t.Context(), control.Change{After: simple, Audit: row(acct, "key.create", plan)})
	must(err)
	deleted := simple
	deleted.RevokedAt, deleted.DeletedAt = at(34), at(35)
	_, err = s.Commit(t.Context(), control.Change{Before: &simple, After: deleted, Audit: row(acct, "key.delete", plan)})
	must(err)
	for i, id := range []qps.RequestID{"qps_01M8HKY1AF1HAFFFZBC0H8KQJ5", "qps_01M8HKY1AF1HAFFFZBC0H8KQJ6"} {
		r := qps.Request{
			ID: id, Account: acct, KeyID: key, Product: "search", Class: "search", Requested: 50, Current: 9, Justification: "We launch in May.",
			EndsAt: at(41), Status: qps.Pending, CreatedAt: at(42), CreatedBy: qps.Party{Subject: developer, Email: "d@example.com"}, Version: 1,
		}
		must(s.SubmitRequest(t.Context(), r, nil, row(acct, "qps.submit", key)))
		if i == 0 {
			comment, err := text.Secrets{}.ParseBlock("No.", 1, 10)
			must(err)
			rejected, err := r.Reject(qps.Party{Subject: keytest.Subject("operator"), Email: "operator@example.com"}, comment, at(43))
			must(err)
			must(s.CloseRequest(t.Context(), rejected, row(acct, "qps.reject", key)))
		}
	}
	must(s.AddFirstOperator(t.Context(), control.Operator{Subject: keytest.Subject("operator"), Email: "operator@example.com", Rank: account.Admin, AddedAt: "2026-11-21T12:00:00Z"}, row(control.Operators, "operator.add", "")))
	must(s.Looked(t.Context(), acct, keytest.Subject("operator"), keytest.Now, row(acct, "operator.look", "")))
	must(s.Listed(t.Context(), "accounts", keytest.Subject("operator"), keytest.Now, row(control.Operators, "operator.list", "")))
	suspended := a
	suspended.Accepted, suspended.UnreadableKeys = shown, 2
	suspended.Limits = account.Limits{{Class: "search", QPS: 5}}
	suspended.Quotas = account.Quotas{{Billing: "free", Group: "other", Month: 500}, {Billing: "free", Group: "tiles", Day: 5}}
	suspended.QuotaTimes = account.QuotaTimes{{Billing: "free", Group: "other", Month: at(57)}, {Billing: "free", Group: "tiles", Since: at(58), Day: at(59)}}
	suspended.Leaks = account.LeakPolicy{Frontend: account.LeakRefuse, Backend: account.LeakRotate, Mobile: account.LeakNotify}
	suspended.Rules = account.Rules{FrontendRestricted: true, LifetimeDays: 365}
	suspended.Suspended = account.Suspension{Reason: "unpaid", At: at(51), Until: at(52), By: "operator@example.com"}
	_, err = s.UpdateAccount(t.Context(), a, suspended, row(acct, "account.suspend", ""))
	must(err)
	restricted := simple
	restricted.ID, restricted.Version, restricted.Name, restricted.Current.Hash = rest, 0, "Restricted", apikey.Hash{36}
	restricted.Networks, restricted.Apps = []string{"192.0.2.0/24"}, []string{"ios com.example.app"}
	restricted.Proposed = &apikey.Proposal{Networks: &[]string{}, Apps: &[]string{"ios com.example.other"}, Since: at(36)}
	_, err = s.Commit(t.Context(), control.Change{After: restricted, Audit: audit.Row{ID: "aud_01M8HKY1AF1HAFFFZBC0H8K999", Account: acct, Action: "key.create", At: keytest.Now}})
	must(err)
	capped := simple
	capped.ID, capped.Version, capped.Name, capped.Current.Hash = most, 0, "Capped", apikey.Hash{37}
	capped.Caps = apikey.Caps{{Group: "other", Day: 5}, {Group: "tiles", Day: apikey.MaxCap, Since: at(56)}}
	_, err = s.Commit(t.Context(), control.Change{After: capped, Audit: audit.Row{ID: "aud_01M8HKY1AF1HAFFFZBC0H8K998", Account: acct, Action: "key.create", At: keytest.Now}})
	must(err)
	_, _, err = keytest.BeginType(t.Context(), s, control.Operation{
		ID: "op_01M8HKY1AF1HAFFFZBC0H8KQJ7", Account: acct, StartedAt: at(53),
		Change: apikey.TypeChange{To: account.SelfServe, Billing: map[apikey.BillingType]apikey.BillingType{apikey.Paying: apikey.PayAsYouGrow}},
	}, row(acct, "account.edit", ""))
	must(err)
	_, err = s.SavePass(t.Context(), control.Pass{
		Job: "drift", Mode: "repair", Began: at(54), Ended: at(55), Counts: map[string]int{"missing": 3},
		Place: control.Place{Account: acct, Key: key, Gate: true, Record: "record"}, Names: true, Named: true,
	})
	must(err)
	told := row(control.Operators, "catalogue.change", "")
	told.Actor = audit.Actor{Role: account.RoleSystem}
	must(s.Announce(t.Context(), control.Announced{}, control.Announced{Version: "1-e459a7fd79", Deployed: []consent.Version{"1-e459a7fd79", "2-0123456789"}, Products: []product.Outline{
		{ID: "search", Name: "Search API", Prefixes: []string{"/search/"}}, {ID: "maps-sdk-web", Name: "Maps SDK for Web"},
	}, Quotas: account.Quotas{{Billing: "freemium", Group: "other", Day: 5, Month: 50}}, QuotaTimes: account.QuotaTimes{{Billing: "freemium", Group: "other", Since: at(60), Day: at(61), Month: at(62)}}, QuotasKnown: true}, told))
	must(s.ReachThreshold(t.Context(), acct, usage.Threshold{
		Spending: usage.Spending{Billing: "free", Group: "tiles"}, Period: "2026-11", Percent: 80, Used: 400, Quota: 500,
	}, row(acct, "account.quota_reached", "")))
	items := slices.DeleteFunc(keytest.Stored(t, db, tables.Control), func(item dynamo.Item) bool {
		// Of audit rows one without a key, one of a key, and the operators' are enough.
		action, isRow := dynamo.GetS(item, "action")
		return isRow && !slices.Contains([]string{"account.create", "qps.submit", "operator.add"}, action)
	})
	for _, item := range items {
		if _, drawn := item["write"]; drawn {
			item["write"] = dynamo.S("drawn")
		}
	}
	keytest.KeepStored(t, "control", items...)
}
