package audit_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/appid"
	"latchkey/shared/audit"
	"latchkey/shared/consent"
	"latchkey/shared/product"
)

// day is another moment for each fact.
func day(n int) time.Time { return time.Date(2026, 10, n, 1, 2, 3, 4_000_000, time.UTC) }

func given(id string) consent.List {
	return consent.List{{Product: id, Paths: []consent.Path{{Prefix: "/" + id + "/", Since: "2-8c1d22ef01"}}}}
}

// TestAnAuditRowShowsEachFactOfAKeyAsItsOwn: no two values alike, so that no fact is shown for another; cleared, each stands before.
func TestAnAuditRowShowsEachFactOfAKeyAsItsOwn(t *testing.T) {
	domains, networks, none := []string{"p.example"}, []string{"192.0.2.0/25"}, []string{}
	products := []product.ID{"route"}
	android, err := appid.ParseLine("android com.example.app DA39A3EE5E6B4B0D3255BFEF95601890AFD80709")
	if err != nil {
		t.Fatal(err)
	}
	exposed := func(place string, n int) apikey.Exposure {
		return apikey.Exposure{At: day(n), By: apikey.ReportedByGitHub, Place: place, RefusedAt: day(n + 1), Replace: true, LiftedAt: day(n + 2), LiftReason: "why " + place}
	}
	k := apikey.Key{
		Name: "N", Labels: []string{"l"}, Usage: apikey.Frontend, BillingType: apikey.Paying, Products: []product.ID{"search"}, Consents: given("search"),
		Domains: []string{"a.example"}, Networks: []string{"192.0.2.0/24"},
		Apps:          []string{"ios com.example.ios", android.String(), "unread"},
		MissingOrigin: apikey.MissingOriginAllow, HeaderOnly: true, Recoverable: true, AccountType: account.Enterprise,
		Current:   apikey.StoredSecret{Preview: "ak_c…", Exposed: exposed("c", 1)},
		Outgoing:  &apikey.Outgoing{StoredSecret: apikey.StoredSecret{Preview: "ak_o…", Exposed: exposed("o", 4)}, EndsAt: day(7), Cancelled: true, Reason: "leaked"},
		RotatedAt: day(8), ExpiresAt: day(9), Disabled: true, Blocked: &apikey.Block{Reason: "abuse", At: day(10), By: "op"}, RevokedAt: day(11), DeletedAt: day(12),
		Limits:   []apikey.Limit{{Class: "search", QPS: 1, EndsAt: day(13), Then: 2, Granted: 3, Lent: 4}},
		Caps:     apikey.Caps{{Group: "tiles", Day: 5}},
		Rotation: &apikey.RotationPolicy{EveryDays: 90, NotifyDaysBefore: 7, Principal: "arn:r"},
		Proposed: &apikey.Proposal{Domains: &domains, Networks: &networks, Apps: &none, Products: &products, Consents: given("route")},
	}
	shows(t, audit.KeyChanges(nil, k), audit.KeyChanges(&k, apikey.Key{}), []audit.Change{
		{Field: "name", After: `"N"`},
		{Field: "labels", After: `["l"]`},
		{Field: "usage", After: `"frontend"`},
		{Field: "billing_type", After: `"paying"`},
		{Field: "products", After: `["search"]`},
		{Field: "product_paths", After: `[{"paths":[{"path":"/search/","since":"2-8c1d22ef01"}],"product":"search"}]`},
		{Field: "domains", After: `["a.example"]`},
		{Field: "networks", After: `["192.0.2.0/24"]`},
		{Field: "apps", After: `[{"bundle_id":"com.example.ios","platform":"ios"},{"package":"com.example.app","platform":"android","sha1":"DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09"},"unread"]`},
		{Field: "missing_origin", After: `"allow"`},
		{Field: "header_only", After: `true`},
		{Field: "recoverable", After: `true`},
		{Field: "preview", After: `"ak_c…"`},
		{Field: "exposed", After: `{"at":"2026-10-01T01:02:03.004Z","lift_reason":"why c","lifted_at":"2026-10-03T01:02:03.004Z","place":"c","refused_at":"2026-10-02T01:02:03.004Z","replace":true,"source":"github"}`},
		{Field: "previous_preview", After: `"ak_o…"`},
		{Field: "previous_exposed", After: `{"at":"2026-10-04T01:02:03.004Z","lift_reason":"why o","lifted_at":"2026-10-06T01:02:03.004Z","place":"o","refused_at":"2026-10-05T01:02:03.004Z","replace":true,"source":"github"}`},
		{Field: "previous_secret_expires_at", After: `"2026-10-07T01:02:03.004Z"`},
		{Field: "rotated_at", After: `"2026-10-08T01:02:03.004Z"`},
		{Field: "rotation_cancelled", After: `true`},
		{Field: "rotation_reason", After: `"leaked"`},
		{Field: "expires_at", After: `"2026-10-09T01:02:03.004Z"`},
		{Field: "disabled", After: `true`},
		{Field: "blocked", After: `{"at":"2026-10-10T01:02:03.004Z","reason":"abuse"}`},
		{Field: "revoked_at", After: `"2026-10-11T01:02:03.004Z"`},
		{Field: "deleted_at", After: `"2026-10-12T01:02:03.004Z"`},
		{Field: "limits", After: `[{"class":"search","ends_at":"2026-10-13T01:02:03.004Z","granted_qps":3,"lent_qps":4,"qps":1,"then_qps":2}]`},
		{Field: "quotas", After: `[{"day":5,"group":"tiles"}]`},
		{Field: "rotation_policy", After: `{"every_days":90,"notify_days_before":7,"principal":"arn:r"}`},
		{Field: "proposed", After: `{"apps":[],"domains":["p.example"],"networks":["192.0.2.0/25"],"product_paths":[{"paths":[{"path":"/route/","since":"2-8c1d22ef01"}],"product":"route"}],"products":["route"]}`},
		{Field: "account_type", After: `"enterprise"`},
	})
	if got := audit.KeyChanges(nil, apikey.Key{}); len(got) > 0 {
		t.Errorf("of nothing: %+v", got)
	}
}

// TestAnAuditRowShowsEachFactOfAnAccountAsItsOwn, like those of keys.
func TestAnAuditRowShowsEachFactOfAnAccountAsItsOwn(t *testing.T) {
	a := account.Account{
		Name: "A", Type: account.SelfServe, PendingType: account.Enterprise, KeyLimit: 7, Accepted: given("map"),
		Suspended: account.Suspension{Reason: "unpaid", At: day(1), Until: day(2), By: "op"},
		Limits:    account.Limits{{Class: "search", QPS: 3}}, Quotas: account.Quotas{{Billing: "free", Group: "tiles", Day: 4, Month: 5}, {Billing: "paying", Group: "tiles", Month: 6}, {Billing: "paying", Group: "x", Day: 8}},
		Leaks: account.LeakPolicy{Mobile: account.LeakRotate}, Rules: account.Rules{FrontendRestricted: true, LifetimeDays: 30},
		Closing: true, ClosedAt: day(3), UnreadableKeys: 9,
	}
	shows(t, audit.AccountChanges(nil, a), audit.AccountChanges(&a, account.Account{}), []audit.Change{
		{Field: "name", After: `"A"`},
		{Field: "type", After: `"self_serve"`},
		{Field: "pending_type", After: `"enterprise"`},
		{Field: "key_limit", After: `7`},
		{Field: "suspended", After: `{"at":"2026-10-01T01:02:03.004Z","reason":"unpaid","until":"2026-10-02T01:02:03.004Z"}`},
		{Field: "accepted_paths", After: `[{"paths":[{"path":"/map/","since":"2-8c1d22ef01"}],"product":"map"}]`},
		{Field: "limits", After: `[{"class":"search","qps":3}]`},
		{Field: "quotas", After: `[{"billing_type":"free","day":4,"group":"tiles","month":5},{"billing_type":"paying","day":null,"group":"tiles","month":6},{"billing_type":"paying","day":8,"group":"x","month":null}]`},
		{Field: "leaks", After: `{"backend":"refuse","frontend":"notify","mobile":"rotate"}`},
		{Field: "frontend_restricted", After: `true`},
		{Field: "max_lifetime_days", After: `30`},
		{Field: "closing", After: `true`},
		{Field: "closed_at", After: `"2026-10-03T01:02:03.004Z"`},
		{Field: "unreadable_keys", After: `9`},
	})
	if got := audit.AccountChanges(nil, account.Account{}); len(got) > 0 {
		t.Errorf("of nothing: %+v", got)
	}
}

// shows compares what is told of a creation, and of all that it set being cleared, with what should be.
func shows(t *testing.T, created, cleared, want []audit.Change) {
	t.Helper()
	if !slices.Equal(created, want) {
		t.Errorf("created: %q, want %q", created, want)
	}
	for i := range want {
		want[i].Before, want[i].After = want[i].After, ""
	}
	if !slices.Equal(cleared, want) {
		t.Errorf("cleared: %q, want %q", cleared, want)
	}
}

// TestAProposalShowsWhatItProposesAlone: a list that isn't proposed isn't there, and an empty one is.
func TestAProposalShowsWhatItProposesAlone(t *testing.T) {
	none := []string{}
	for want, p := range map[string]apikey.Proposal{
		`{"domains":null,"products":null}`:               {},
		`{"domains":[],"products":null}`:                 {Domains: &none},
		`{"domains":null,"networks":[],"products":null}`: {Networks: &none},
		`{"apps":[],"domains":null,"products":null}`:     {Apps: &none},
		`{"domains":null,"products":[]}`:                 {Products: &[]product.ID{}},
	} {
		if got := audit.KeyChanges(nil, apikey.Key{Proposed: &p}); len(got) != 1 || got[0].After != want {
			t.Errorf("%+v, want %s", got, want)
		}
	}
}

// TestWhatIsReadOfARow: customers read no operator's name, owners alone the addresses of their own people, for as long as they are kept;
// operators read names and no address. All else stays as it is.
func TestWhatIsReadOfARow(t *testing.T) {
	const kept = 400 * 24 * time.Hour
	row := func(role string) audit.Row {
		return audit.Row{
			ID: "aud_1", Account: "acc_1", KeyID: "key_1", Action: "key.create", At: day(1), RequestID: "r", Changes: []audit.Change{{Field: "name"}}, Source: "192.0.2.1",
			Actor: audit.Actor{Subject: account.Subject{Issuer: "i", ID: "s"}, Email: "a@b.example", Role: role},
		}
	}
	for _, c := range []struct {
		role  string
		owner bool
		after time.Duration
		known bool // the address
	}{
		{"owner", true, 0, true},
		{"developer", true, kept - 1, true},
		{"viewer", true, kept, false},
		{"owner", false, 0, false},
		{"operator", true, 0, false},
		{"operator", false, 0, false},
		{"system", true, 0, false},
	} {
		want := row(c.role)
		if c.role == "operator" {
			want.Actor = audit.Actor{Subject: account.Subject{ID: "Operator"}, Role: "operator"}
		}
		if !c.known {
			want.Source = ""
		}
		if got := row(c.role).ForCustomer(c.owner, day(1).Add(c.after)); !reflect.DeepEqual(got, want) {
			t.Errorf("%+v: %+v", c, got)
		}
		want = row(c.role)
		want.Source = ""
		if got := row(c.role).ForOperator(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s, for operators: %+v", c.role, got)
		}
	}
}

// TestARowOfTheCatalogueShowsTheProductsThatChanged: new, gone and changed, each by its ID.
func TestARowOfTheCatalogueShowsTheProductsThatChanged(t *testing.T) {
	same, gone, before := product.Outline{ID: "a", Name: "A", Prefixes: []string{"/a/"}}, product.Outline{ID: "b", Name: "B"}, product.Outline{ID: "c", Name: "C", Prefixes: []string{"/c/"}}
	after, fresh := before, product.Outline{ID: "d", Name: "D", Prefixes: []string{"/d/", "/e/"}}
	after.Prefixes = []string{"/c/", "/x/"}
	got := audit.CatalogueChanges([]product.Outline{same, gone, before}, []product.Outline{same, after, fresh})
	if want := []audit.Change{
		{Field: "product:b", Before: `{"name":"B","prefixes":[]}`},
		{Field: "product:c", Before: `{"name":"C","prefixes":["/c/"]}`, After: `{"name":"C","prefixes":["/c/","/x/"]}`},
		{Field: "product:d", After: `{"name":"D","prefixes":["/d/","/e/"]}`},
	}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
