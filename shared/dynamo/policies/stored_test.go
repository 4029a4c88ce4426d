package policies_test

import (
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/consent"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

// TestTheGatesRecordsAreStoredAsTheyAlwaysWere: every time is another one, so that none can take another's name.
func TestTheGatesRecordsAreStoredAsTheyAlwaysWere(t *testing.T) {
	at := func(days int) time.Time { return keytest.Now.AddDate(0, 0, days) }
	full := authz.Policy{
		Hash: apikey.Hash{1, 2, 3}, KeyID: "key_1", Account: "acc_1", AccountType: account.Enterprise, Version: 7, Live: true, Outgoing: true,
		Blocked: true, Disabled: true, HeaderOnly: true, SecretEnds: at(1), ExpiresAt: at(2), DeletedAt: at(3), RevokedAt: at(4),
		Products: []product.ID{"search", "map-display"}, Domains: []string{"example.com", "*.example.org"}, MissingOrigin: apikey.MissingOriginDeny,
		Limits:   []apikey.Limit{{Class: "search", QPS: 9, EndsAt: at(5), Then: 8, Granted: 7, Lent: 6}, {Class: "map-display.tiles", QPS: 3}},
		Proposed: &apikey.Proposal{Since: at(6), Domains: &[]string{"a.example"}, Products: &[]product.ID{"search"}},
	}
	one := authz.Policy{Hash: apikey.Hash{4}, KeyID: "key_2", Account: "acc_2", AccountType: account.SelfServe, Version: 1, Live: true}
	none := one
	none.Hash, none.Proposed = apikey.Hash{5}, &apikey.Proposal{Since: at(6), Domains: &[]string{}}
	shown := consent.List{{Product: "search", Paths: []consent.Path{{Prefix: "/search/", Since: "1-e459a7fd79"}, {Prefix: "/find/", Since: "3-0123456789"}}}}
	agreed, narrow := one, one
	agreed.Hash, agreed.Products, agreed.Consents = apikey.Hash{6}, []product.ID{"search"}, shown
	agreed.Proposed = &apikey.Proposal{Since: at(8), Products: &[]product.ID{"search"}, Consents: shown}
	narrow.Hash, narrow.Products, narrow.Consents = apikey.Hash{7}, []product.ID{"search"}, consent.List{{Product: "search", Narrow: true}}
	billed := one
	billed.Hash, billed.BillingType = apikey.Hash{8}, apikey.PayAsYouGrow
	restricted := one
	restricted.Hash, restricted.Networks, restricted.Apps = apikey.Hash{9}, []string{"192.0.2.0/24", "2001:db8::/32"}, []string{"ios com.example.app"}
	restricted.Proposed = &apikey.Proposal{Since: at(9), Networks: &[]string{}, Apps: &[]string{"ios com.example.other"}}
	capped := one
	capped.Hash, capped.Caps = apikey.Hash{11}, apikey.Caps{{Group: "other", Day: 5}, {Group: "tiles", Day: apikey.MaxCap}}
	exposed := narrow
	exposed.Hash, exposed.Exposed = apikey.Hash{10}, true
	keytest.KeepStored(t, "gate",
		policies.Encode(full), policies.Encode(one), policies.Encode(none), policies.Encode(agreed), policies.Encode(narrow),
		policies.EncodeAccount(authz.Account{ID: "acc_1", Type: account.Enterprise, Version: 7, Suspended: true, SuspendedUntil: at(7)}),
		policies.EncodeAccount(authz.Account{ID: "acc_2", Type: account.SelfServe, Version: 1}),
		policies.EncodeAccount(authz.Account{ID: "acc_3", Type: account.SelfServe, Version: 1, Accepted: shown}),
		policies.EncodeAccount(authz.Account{ID: "acc_5", Type: account.SelfServe, Version: 3, Limits: account.Limits{{Class: "map-display.tiles", QPS: 20_000}, {Class: "search", QPS: 5}}}),
		policies.EncodeAccount(authz.Account{ID: "acc_6", Type: account.SelfServe, Version: 3, Quotas: account.Quotas{
			{Billing: "freemium", Group: "other", Day: 5}, {Billing: "freemium", Group: "tiles", Day: 5, Month: account.MaxQuota}, {Billing: "pay_as_you_grow", Group: "tiles", Month: 7},
		}}),
		policies.EncodeAccount(authz.AccountOf(account.Account{ID: "acc_4", Type: account.SelfServe, Version: 2, Closing: true})),
		policies.Encode(billed), policies.Encode(restricted), policies.Encode(exposed), policies.Encode(capped),
	)
}
