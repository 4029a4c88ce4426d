package web_test

import (
	"encoding/json"
	"testing"
	"time"

	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
	"latchkey/shared/qps"
)

// TestDocumentsSayEachFactUnderItsOwnName: no two facts of what is rendered are alike, so that none can stand in another's place.
func TestDocumentsSayEachFactUnderItsOwnName(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 3, n, n%24, 0, 0, 0, time.UTC) }
	who := func(id string) account.Subject { return account.Subject{Issuer: "https://issuer.example", ID: id} }
	exposed := func(n int, by apikey.Reporter, place string) apikey.Exposure {
		return apikey.Exposure{At: day(n), By: by, Place: place, RefusedAt: day(n + 1), LiftedAt: day(n + 2), LiftReason: "lifted " + place, Replace: by == apikey.ReportedByGitHub}
	}
	key := func() apikey.Key {
		k := apikey.Key{
			ID: "key_1", Account: "acc_1", AccountType: account.Enterprise, Name: "A name", Labels: []string{"red"}, Usage: apikey.Backend, BillingType: "evaluation",
			Products: []product.ID{"search"}, Domains: []string{"a.example"}, Networks: []string{"203.0.113.0/24"}, Apps: []string{"ios com.example.app"},
			MissingOrigin: apikey.MissingOriginAllow, CreatedAt: day(1), CreatedBy: who("creator"), UpdatedAt: day(2), ExpiresAt: day(26), RotatedAt: day(3), Version: 7,
			Blocked:  &apikey.Block{Reason: "abuse", At: day(4), Until: day(27), By: "blocker"},
			Rotation: &apikey.RotationPolicy{EveryDays: 90, NotifyDaysBefore: 5, Principal: "arn:aws:iam::123456789012:role/r"},
			Proposed: &apikey.Proposal{Since: day(5), Domains: &[]string{"b.example"}, Networks: &[]string{"198.51.100.0/24"}, Apps: &[]string{"ios com.example.other"}, Products: &[]product.ID{"routing"}},
			Limits:   []apikey.Limit{{Class: "search", QPS: 30, EndsAt: day(25), Then: 20}},
			Caps:     []apikey.Cap{{Group: "other", Day: 11}},
		}
		k.Current, k.Outgoing = keytest.StoredSecret("current"), &apikey.Outgoing{StoredSecret: keytest.StoredSecret("outgoing"), EndsAt: day(24), Cancelled: true}
		k.Current.Preview, k.Outgoing.Preview = "ak_curr…rent", "ak_outg…oing"
		k.Current.Exposed, k.Outgoing.Exposed = exposed(6, apikey.ReportedByGitHub, "https://a.example"), exposed(9, apikey.ReportedByOperator, "https://b.example")
		return k
	}
	view := web.View{
		Now: day(20), Operator: true, Products: product.Default(),
		Used: web.Used{Previous: day(17), Refused: day(16), Allowed: day(19), Known: true},
	}
	due := key()
	due.Blocked, due.Outgoing, due.ExpiresAt = nil, nil, time.Time{}
	due.Delivery = apikey.Delivery{Reader: "arn:aws:iam::123456789012:role/reader", Name: "latchkey/delivered"}
	over := key()
	over.RevokedAt, over.DeletedAt = day(21), day(22)
	request := qps.Request{
		ID: "qps_1", Account: "acc_1", KeyID: "key_1", Product: "map-display", Class: "map-display.tiles", Requested: 40, Current: 10, Justification: "why", EndsAt: day(9),
		Status: qps.Approved, CreatedAt: day(1), CreatedBy: qps.Party{Subject: who("asker"), Email: "asker@a.example"}, ClosedAt: day(2), Version: 3,
		Decision: &qps.Decision{By: qps.Party{Subject: who("decider")}, At: day(3), Comment: "so", QPS: 30},
	}
	acct := account.Account{
		ID: "acc_1", Name: "A name", Type: account.SelfServe, KeyLimit: 9, CreatedAt: day(1), ClosedAt: day(2), Version: 4, PendingType: account.Enterprise, UnreadableKeys: 2,
		Quotas:    account.Quotas{{Billing: "free", Group: "tiles", Day: 5, Month: 6}},
		Suspended: account.Suspension{Reason: "unpaid", At: day(3), Until: day(23), By: "suspender"},
	}
	for name, tt := range map[string]struct {
		doc  any
		want string
	}{
		"key":                        {web.KeyDoc(key(), view), `{"account_id":"acc_1","apps":[{"platform":"ios","bundle_id":"com.example.app"}],"billing_type":"evaluation","blocked":{"at":"2026-03-04T04:00:00.000Z","by":"blocker","reason":"abuse","until":"2026-03-27T03:00:00.000Z"},"created_at":"2026-03-01T01:00:00.000Z","created_by":"creator","deleted_at":null,"disabled":false,"domains":["a.example"],"expires_at":"2026-03-26T02:00:00.000Z","exposed_at":"2026-03-06T06:00:00.000Z","exposures":[{"exposed_at":"2026-03-06T06:00:00.000Z","lift_reason":"lifted https://a.example","lifted_at":"2026-03-08T08:00:00.000Z","place":"https://a.example","preview":"ak_curr…rent","refused":false,"refused_at":"2026-03-07T07:00:00.000Z","replaces":true,"secret":"current","source":"github"},{"exposed_at":"2026-03-09T09:00:00.000Z","lift_reason":"lifted https://b.example","lifted_at":"2026-03-11T11:00:00.000Z","place":"https://b.example","preview":"ak_outg…oing","refused":false,"refused_at":"2026-03-10T10:00:00.000Z","replaces":false,"secret":"outgoing","source":"operator"}],"header_only":false,"id":"key_1","labels":["red"],"last_refused_at":"2026-03-16T16:00:00.000Z","last_used_age_seconds":90000,"last_used_at":"2026-03-19T19:00:00.000Z","limits":[{"class":"search","default_qps":5,"ends_at":"2026-03-25T01:00:00.000Z","free_qps":30,"max_qps":1000,"name":"Search","product":"search","qps":30,"then_qps":20}],"missing_origin":"allow","name":"A name","networks":["203.0.113.0/24"],"pending_paths":[],"preview":"ak_curr…rent","previous_preview":"ak_outg…oing","previous_secret_expires_at":"2026-03-24T00:00:00.000Z","previous_secret_last_used_at":"2026-03-17T17:00:00.000Z","products":["search"],"proposed":{"apps":[{"platform":"ios","bundle_id":"com.example.other"}],"domains":["b.example"],"networks":["198.51.100.0/24"],"products":["routing"],"since":"2026-03-05T05:00:00.000Z"},"quotas":[{"day":11,"group":"other"}],"recoverable":false,"revoked_at":null,"rotated_at":"2026-03-03T03:00:00.000Z","rotation_cancelled":true,"rotation_policy":{"delivered_as":null,"every_days":90,"next_due_at":null,"notify_days_before":5,"principal":"arn:aws:iam::123456789012:role/r"},"status":"blocked","updated_at":"2026-03-02T02:00:00.000Z","usage":"backend","version":7,"warnings":["missing_origin_allowed","networks_private"]}`},
		"key with a policy":          {web.KeyDoc(due, view), `{"account_id":"acc_1","apps":[{"platform":"ios","bundle_id":"com.example.app"}],"billing_type":"evaluation","blocked":null,"created_at":"2026-03-01T01:00:00.000Z","created_by":"creator","deleted_at":null,"disabled":false,"domains":["a.example"],"expires_at":null,"exposed_at":"2026-03-06T06:00:00.000Z","exposures":[{"exposed_at":"2026-03-06T06:00:00.000Z","lift_reason":"lifted https://a.example","lifted_at":"2026-03-08T08:00:00.000Z","place":"https://a.example","preview":"ak_curr…rent","refused":false,"refused_at":"2026-03-07T07:00:00.000Z","replaces":true,"secret":"current","source":"github"}],"header_only":false,"id":"key_1","labels":["red"],"last_refused_at":"2026-03-16T16:00:00.000Z","last_used_age_seconds":90000,"last_used_at":"2026-03-19T19:00:00.000Z","limits":[{"class":"search","default_qps":5,"ends_at":"2026-03-25T01:00:00.000Z","free_qps":30,"max_qps":1000,"name":"Search","product":"search","qps":30,"then_qps":20}],"missing_origin":"allow","name":"A name","networks":["203.0.113.0/24"],"pending_paths":[],"preview":"ak_curr…rent","previous_preview":null,"previous_secret_expires_at":null,"previous_secret_last_used_at":null,"products":["search"],"proposed":{"apps":[{"platform":"ios","bundle_id":"com.example.other"}],"domains":["b.example"],"networks":["198.51.100.0/24"],"products":["routing"],"since":"2026-03-05T05:00:00.000Z"},"quotas":[{"day":11,"group":"other"}],"recoverable":false,"revoked_at":null,"rotated_at":"2026-03-03T03:00:00.000Z","rotation_cancelled":false,"rotation_policy":{"delivered_as":"latchkey/delivered","every_days":90,"next_due_at":"2026-06-01T03:00:00.000Z","notify_days_before":5,"principal":"arn:aws:iam::123456789012:role/r"},"status":"active","updated_at":"2026-03-02T02:00:00.000Z","usage":"backend","version":7,"warnings":["missing_origin_allowed","networks_private"]}`},
		"key that is over":           {web.KeyDoc(over, view), `{"account_id":"acc_1","apps":[{"platform":"ios","bundle_id":"com.example.app"}],"billing_type":"evaluation","blocked":{"at":"2026-03-04T04:00:00.000Z","by":"blocker","reason":"abuse","until":"2026-03-27T03:00:00.000Z"},"created_at":"2026-03-01T01:00:00.000Z","created_by":"creator","deleted_at":"2026-03-22T22:00:00.000Z","disabled":false,"domains":["a.example"],"expires_at":"2026-03-26T02:00:00.000Z","exposed_at":null,"exposures":[],"header_only":false,"id":"key_1","labels":["red"],"last_refused_at":"2026-03-16T16:00:00.000Z","last_used_age_seconds":90000,"last_used_at":"2026-03-19T19:00:00.000Z","limits":[{"class":"search","default_qps":5,"ends_at":"2026-03-25T01:00:00.000Z","free_qps":30,"max_qps":1000,"name":"Search","product":"search","qps":30,"then_qps":20}],"missing_origin":"allow","name":"A name","networks":["203.0.113.0/24"],"pending_paths":[],"preview":"ak_curr…rent","previous_preview":null,"previous_secret_expires_at":null,"previous_secret_last_used_at":null,"products":["search"],"proposed":{"apps":[{"platform":"ios","bundle_id":"com.example.other"}],"domains":["b.example"],"networks":["198.51.100.0/24"],"products":["routing"],"since":"2026-03-05T05:00:00.000Z"},"quotas":[{"day":11,"group":"other"}],"recoverable":false,"revoked_at":"2026-03-21T21:00:00.000Z","rotated_at":"2026-03-03T03:00:00.000Z","rotation_cancelled":false,"rotation_policy":{"delivered_as":null,"every_days":90,"next_due_at":null,"notify_days_before":5,"principal":"arn:aws:iam::123456789012:role/r"},"status":"deleted","updated_at":"2026-03-02T02:00:00.000Z","usage":"backend","version":7,"warnings":["missing_origin_allowed","networks_private"]}`},
		"request":                    {web.QpsRequestDoc(request, true), `{"account_id":"acc_1","approved_qps":30,"class":"map-display.tiles","comment":"so","created_at":"2026-03-01T01:00:00.000Z","created_by":"asker@a.example","decided_at":"2026-03-02T02:00:00.000Z","decided_by":"decider","ends_at":"2026-03-09T09:00:00.000Z","id":"qps_1","justification":"why","key_id":"key_1","product":"map-display","qps_when_filed":10,"requested_qps":40,"status":"approved","version":3}`},
		"account, for an operator":   {web.AccountDoc(acct, "", day(20), product.Default()), `{"closed_at":"2026-03-02T02:00:00.000Z","closing":false,"created_at":"2026-03-01T01:00:00.000Z","id":"acc_1","key_limit":9,"limits":[],"name":"A name","pending_type":"enterprise","quotas":[{"billing_type":"free","day":5,"group":"tiles","month":6}],"role":null,"suspended":{"at":"2026-03-03T03:00:00.000Z","by":"suspender","reason":"unpaid","until":"2026-03-23T23:00:00.000Z"},"type":"self_serve","unreadable_keys":2,"version":4}`},
		"account, for its developer": {web.AccountDoc(acct, account.Developer, day(20), product.Default()), `{"closed_at":"2026-03-02T02:00:00.000Z","closing":false,"created_at":"2026-03-01T01:00:00.000Z","id":"acc_1","key_limit":9,"limits":[],"name":"A name","pending_type":"enterprise","quotas":[{"billing_type":"free","day":5,"group":"tiles","month":6}],"role":"developer","suspended":{"at":"2026-03-03T03:00:00.000Z","reason":"unpaid","until":"2026-03-23T23:00:00.000Z"},"type":"self_serve","unreadable_keys":2,"version":4}`},
	} {
		raw, err := json.Marshal(tt.doc)
		if err != nil {
			t.Fatal(err)
		}
		if string(raw) != tt.want {
			t.Errorf("%s:\n     %s\nwant %s", name, raw, tt.want)
		}
	}
}
