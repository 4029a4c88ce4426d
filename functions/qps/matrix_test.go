package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
)

func TestEveryOperationIsOpenToItsRolesAlone(t *testing.T) {
	apitest.Matrix(t, fixture, served)
}

func served(op apitest.Operation) bool { return op.ServedBy() == "qps" }

// fixture is an account with a request on which each operation can succeed.
func fixture(t testing.TB) apitest.Fixture {
	r := newHarness(t)
	id := r.submit(t, nil)
	return apitest.Fixture{
		API: r.API, Account: r.account.ID,
		Params: map[string]string{"account": string(r.account.ID), "key": string(r.key.ID), "request": id, "class": "search", "group": "other"},
		Bodies: map[string]any{
			"createQpsRequest": r.body(map[string]any{"product": "map-display"}), "lowerLimit": map[string]any{"qps": 2}, "setLimit": map[string]any{"qps": 20},
			"setKeyQuota":      map[string]any{"day": 50},
			"rejectQpsRequest": map[string]any{"comment": "no"},
		},
	}
}

func TestAccountsAreWalls(t *testing.T) { apitest.Walls(t, fixture, served) }

func TestNoReadIsWithoutABound(t *testing.T) { apitest.Reads(t, fixture, served) }

func TestAFailureOfTheStoreIsNoAnswer(t *testing.T) {
	apitest.Failures(t, fixture, served, map[string]string{
		"createQpsRequest": "evidence", "approveQpsRequest": "evidence", "rejectQpsRequest": "evidence", "withdrawQpsRequest": "evidence",
	})
}

func TestNoAccountMakesAnothersCallsSlower(t *testing.T) { apitest.Costs(t, fixture, served) }

func TestBoundsAreAsTheContractSays(t *testing.T) {
	apitest.Bounds(t, fixture, served, map[string]string{
		"createQpsRequest.requested_qps": "it has to be above what is free", "approveQpsRequest.qps": "it has to be above what is free",
	})
}

func TestAFloodOfRequestsBreaksNothing(t *testing.T) { apitest.Flood(t, fixture, served, 15_000) }

func TestNoTextHoldsASecretOrWhatHides(t *testing.T) { apitest.RefusedTexts(t, fixture, served) }
