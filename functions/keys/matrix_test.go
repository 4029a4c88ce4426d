package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/keytest"
)

func TestEveryOperationIsOpenToItsRolesAlone(t *testing.T) {
	apitest.Matrix(t, fixture, served)
}

func served(op apitest.Operation) bool { return op.ServedBy() == "keys" }

// fixture is an account with a key on which each operation can succeed.
func fixture(t testing.TB) apitest.Fixture {
	r := newHarnessWithout(t)
	apitest.People(t, r.API, r.account.ID)
	k := r.create(t, map[string]any{"recoverable": true, "domains": []string{"old.example"}})
	id := apikey.ID(k["id"].(string))
	r.Want(t, 200, apitest.Call{As: "owner", Method: "PUT", Path: r.path(k) + "/proposal", Body: map[string]any{"domains": []string{"a.example"}}})
	deletable := r.create(t, nil)
	r.Want(t, 200, apitest.Call{As: "owner", Method: "DELETE", Path: r.path(deletable)})
	leaked := r.stored(t, r.create(t, nil))
	if _, err := r.Edit(t.Context(), leaked, "key.expose", func(k *apikey.Key) {
		*k, _ = k.Expose(k.Current.Hash, apikey.LeakReport{By: apikey.ReportedByOperator, Place: "https://forum.example"}, account.LeakRefuse, keytest.Now)
	}); err != nil {
		t.Fatal(err)
	}
	r.countFrom(t, 1, r.stored(t, k), authz.Allowed, "seen.example", r.Clock.Now())
	r.IndexNames(t)
	linked := map[string]any{"domain": "old.example", "keys": []any{k["id"]}}
	return apitest.Fixture{
		API: r.API, Account: r.account.ID, Params: map[string]string{"account": string(r.account.ID), "key": string(id)},
		Bodies: map[string]any{
			"createKey": map[string]any{"name": "n", "usage": "mobile", "products": []string{"search"}},
			"revokeKey": map[string]any{"confirm_name": "My key"}, "editKey": map[string]any{"name": "Other"},
			"proposeRestrictions": map[string]any{"products": []string{"routing"}},
			"setBillingType":      map[string]any{"billing_type": "pay_as_you_grow"},
			"findKeys":            map[string]any{"secret": k["secret"]},
			"liftExposure":        map[string]any{"reason": "A sample."},
			"linkDomain":          map[string]any{"domain": "new.example", "keys": []any{k["id"]}}, "unlinkDomain": linked,
			"replaceDomain": map[string]any{"domain": "old.example", "with": "new.example"},
		},
		Instead: map[string]map[string]string{"restoreKey": {"key": deletable["id"].(string)}, "liftExposure": {"key": string(leaked.ID)}},
		Headers: map[string]map[string]string{"editKey": {"If-Match": `"2"`}, "promoteProposal": {"If-Match": "*"}, "replaceDomain": {"If-Match": "*"}},
	}
}

func TestAccountsAreWalls(t *testing.T) { apitest.Walls(t, fixture, served) }

func TestNoReadIsWithoutABound(t *testing.T) { apitest.Reads(t, fixture, served) }

func TestAFailureOfTheStoreIsNoAnswer(t *testing.T) { apitest.Failures(t, fixture, served, nil) }

func TestNoAccountMakesAnothersCallsSlower(t *testing.T) { apitest.Costs(t, fixture, served) }

func TestBoundsAreAsTheContractSays(t *testing.T) {
	skipped := map[string]string{"setBillingType.billing_type": "it has to fit the account's type", "linkDomain.keys": "IDs", "unlinkDomain.keys": "IDs", "testKey.source_ip": "an address"}
	for _, op := range []string{"createKey", "editKey", "proposeRestrictions"} {
		skipped[op+".networks"], skipped[op+".apps"] = "blocks of addresses, with a grammar of their own", "objects"
	}
	apitest.Bounds(t, fixture, served, skipped)
}

func TestAFloodOfRequestsBreaksNothing(t *testing.T) { apitest.Flood(t, fixture, served, 30_000) }

func TestNoTextHoldsASecretOrWhatHides(t *testing.T) { apitest.RefusedTexts(t, fixture, served) }
