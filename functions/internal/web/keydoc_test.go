package web_test

import (
	"cmp"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

// shown is a key that has everything, as an operator sees it.
func shown() (apikey.Key, web.View) {
	at := keytest.Now.Add(time.Hour)
	k := keytest.Key(keytest.AccountID(), func(k *apikey.Key) {
		k.Domains, k.HeaderOnly, k.Recoverable = []string{"example.com"}, true, true
		k.CreatedBy = keytest.Subject("developer")
		k.RotatedAt, k.ExpiresAt = at, at
		k.Disabled, k.Blocked = true, &apikey.Block{Reason: "abuse", At: at, By: "operator@example.com"}
		k.Outgoing = &apikey.Outgoing{StoredSecret: keytest.StoredSecret("out"), EndsAt: at, Cancelled: true, Reason: "other"}
		k.Current.Exposed = apikey.Exposure{At: at, By: apikey.ReportedByGitHub}
		k.Rotation = &apikey.RotationPolicy{EveryDays: 90, NotifyDaysBefore: 7, Principal: "arn:aws:iam::123456789012:role/r"}
		k.Proposed = &apikey.Proposal{Domains: &[]string{"a.example"}, Products: &[]product.ID{"search"}, Since: at}
		k.Limits = []apikey.Limit{{Class: "search", QPS: 3, EndsAt: at, Then: 2}}
	})
	used := web.Used{Allowed: keytest.Now.Add(-time.Minute), Previous: keytest.Now.Add(-time.Hour), Refused: keytest.Now.Add(-time.Minute)}
	return k, web.View{Now: keytest.Now, Used: used, Operator: true, Products: product.Default()}
}

func asMap(t *testing.T, v any) (m map[string]any) {
	t.Helper()
	raw, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(raw, &m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestEveryMemberOfTheContractIsRendered(t *testing.T) {
	k, view := shown()
	doc := reflect.ValueOf(web.KeyDoc(k, view))
	k.RevokedAt, k.DeletedAt = keytest.Now, keytest.Now // what ends a key ends its rotation
	over := reflect.ValueOf(web.KeyDoc(k, view))
	for i := range doc.NumField() {
		if doc.Field(i).IsZero() && over.Field(i).IsZero() {
			t.Errorf("a key that has everything is shown without %s: fill it in KeyDoc, and in this test's key", doc.Type().Field(i).Name)
		}
	}
}

// undocumented lists the fields of a key that no document shows, with the reason.
var undocumented = map[string]string{
	"Consents.Product":      "pending_paths says what they lack",
	"Consents.Paths.Prefix": "pending_paths says what they lack",
	"Consents.Paths.Since":  "pending_paths says what they lack",
	"Consents.Narrow":       "a note for gates of the release before consents",

	"Proposed.Consents.Product":      "what a proposal was shown counts once it is enforced",
	"Proposed.Consents.Paths.Prefix": "what a proposal was shown counts once it is enforced",
	"Proposed.Consents.Paths.Since":  "what a proposal was shown counts once it is enforced",
	"Proposed.Consents.Narrow":       "a note for gates of the release before consents",

	"OriginChosen":          "missing_origin says what holds",
	"Caps.Since":            "for the job that fills quotas; the audit trail has when the cap was set",
	"PlaceFreed":            "follows from revoked_at",
	"AccountType":           "the account's; a key mirrors it for its default limits",
	"CreatedBy.Issuer":      "there is one issuer",
	"Rotation.SetBy.Issuer": "the list of what a removed member leaves says it",
	"Rotation.SetBy.ID":     "the list of what a removed member leaves says it",
	"Current.Hash":          "nothing of a secret but its preview is ever shown",
	"Current.CreatedAt":     "created_at or rotated_at says it",
	"Current.Sealed":        "nothing of a secret but its preview is ever shown",
	"Outgoing.Hash":         "nothing of a secret but its preview is ever shown",
	"Outgoing.CreatedAt":    "nobody asks when an ending secret began",
	"Outgoing.Sealed":       "nothing of a secret but its preview is ever shown",
	"Outgoing.Reason":       "the audit rows tell it",
	"Retired.Hash":          "nothing of a secret but its preview is ever shown",
	"Retired.EndedAt":       "the audit rows tell it",
	"Rotation.AnnouncedFor": "the scheduled job's own note",
	"Delivery.Due":          "the scheduled job's own note",
	"Delivery.Version":      "the scheduled job's own note",
	"Delivery.RetryAt":      "the scheduled job's own note",
}

// appsOf makes apps of any texts.
func appsOf(texts []string) (apps []string) {
	for _, text := range texts {
		apps = append(apps, "ios com.example."+cmp.Or(text, "none"))
	}
	return apps
}

func TestEveryFieldOfAKeyIsShownOrExcused(t *testing.T) {
	_, view := shown()
	view.Now, view.Used = time.Time{}.Add(time.Hour), web.Used{}
	show := func(k apikey.Key) map[string]any {
		k.Products = append(k.Products, "search") // the limits that are shown are those of its products
		k.AccountType = account.SelfServe
		// What depends on something else being there gets it.
		later := view.Now.Add(time.Hour)
		out := *k.Outgoing
		out.EndsAt = cmp.Or(out.EndsAt, later)
		k.Current.Exposed.At, out.Exposed.At = cmp.Or(k.Current.Exposed.At, later), cmp.Or(out.Exposed.At, later)
		k.Outgoing = &out
		k.Apps = appsOf(k.Apps)
		if k.Proposed != nil && k.Proposed.Apps != nil {
			proposed := *k.Proposed
			apps := appsOf(*proposed.Apps)
			proposed.Apps, k.Proposed = &apps, &proposed
		}
		limit := k.Limits[0]
		limit.Class += "search"
		limit.QPS, limit.EndsAt = cmp.Or(limit.QPS, 3), cmp.Or(limit.EndsAt, later)
		k.Limits = []apikey.Limit{limit}
		return asMap(t, web.KeyDoc(k, view))
	}
	keytest.CheckFields(t, undocumented, func(before, after apikey.Key) bool {
		return !reflect.DeepEqual(show(before), show(after))
	})
}

// TestFactsFollowTheStatus: what a record still holds of an earlier state is not shown of a key that is over.
// TestAnAccountsLimitsSayWhereTheyComeFrom: an operator's number comes before the catalogue's, which is shown beside it, and a class
// without either isn't listed, nor one that the catalogue doesn't know.
func TestAnAccountsLimitsSayWhereTheyComeFrom(t *testing.T) {
	class := func(id product.Class, prefix string, limits map[account.Type]int) product.LimitClass {
		return product.LimitClass{
			ID: id, Name: "The " + string(id), Prefixes: []string{prefix}, QPS: map[account.Type]int{account.SelfServe: 9, account.Enterprise: 9}, MaxQPS: 99, AccountQPS: limits,
		}
	}
	catalogue, err := product.New([]product.Product{{ID: "a", Name: "A", Kind: product.API, SamplePath: "/a/x", Classes: []product.LimitClass{
		class("a", "/a/", nil), class("a.b", "/a/b/", map[account.Type]int{account.SelfServe: 20}),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		kind account.Type
		own  account.Limits
		want string
	}{
		{account.SelfServe, nil, `[{"class":"a.b","default_qps":20,"enforced":true,"name":"The a.b","product":"a","qps":20,"set_by":"catalogue"}]`},
		{account.Enterprise, nil, `[]`},
		{account.Enterprise, account.Limits{{Class: "gone", QPS: 5}}, `[{"class":"gone","default_qps":null,"enforced":false,"name":"gone","product":"","qps":5,"set_by":"operator"}]`},
		{account.SelfServe, account.Limits{{Class: "a.b", QPS: 20}}, `[{"class":"a.b","default_qps":20,"enforced":true,"name":"The a.b","product":"a","qps":20,"set_by":"operator"}]`},
		{
			account.SelfServe,
			account.Limits{{Class: "a", QPS: 5}, {Class: "a.b", QPS: 30}},
			`[{"class":"a","default_qps":null,"enforced":true,"name":"The a","product":"a","qps":5,"set_by":"operator"},{"class":"a.b","default_qps":20,"enforced":true,"name":"The a.b","product":"a","qps":30,"set_by":"operator"}]`,
		},
	} {
		doc, err := json.Marshal(web.AccountDoc(account.Account{Type: tt.kind, Limits: tt.own}, account.Viewer, keytest.Now, catalogue).Limits)
		if err != nil {
			t.Fatal(err)
		}
		var members []map[string]any // in the order of their names
		if err := json.Unmarshal(doc, &members); err != nil {
			t.Fatal(err)
		}
		if got, _ := json.Marshal(members); string(got) != tt.want {
			t.Errorf("%s, %v:\n     %s\nwant %s", tt.kind, tt.own, got, tt.want)
		}
	}
}

func TestFactsFollowTheStatus(t *testing.T) {
	for name, end := range map[string]func(*apikey.Key){
		"revoked":              func(k *apikey.Key) { k.RevokedAt = keytest.Now },
		"deleted":              func(k *apikey.Key) { k.DeletedAt = keytest.Now },
		"revoked and restored": func(k *apikey.Key) { k.RevokedAt = keytest.Now.Add(-time.Hour) },
	} {
		k, view := shown()
		end(&k)
		doc := web.KeyDoc(k, view)
		if doc.PreviousPreview != nil || doc.PreviousSecretExpiresAt != nil || doc.PreviousSecretLastUsedAt != nil || doc.RotationCancelled {
			t.Errorf("a %s key has a rotation in progress: %+v", name, doc)
		}
	}
}

func TestAKeyWithItsSecretIsTheKeyAndTheSecret(t *testing.T) {
	k, view := shown()
	secret, err := apikey.DefaultPrefix.Generate(keytest.Random(1))
	if err != nil {
		t.Fatal(err)
	}
	want := asMap(t, web.KeyDoc(k, view))
	want["secret"] = secret.Reveal()
	if got := asMap(t, web.KeyWithSecret(k, view, secret)); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	delete(want, "secret")
	want["secret_unavailable"] = true
	if got := asMap(t, web.KeyWithSecret(k, view, apikey.Secret{})); !reflect.DeepEqual(got, want) {
		t.Errorf("a replay: got %v\nwant %v", got, want)
	}
}
