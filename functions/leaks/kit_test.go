package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
)

func served(op apitest.Operation) bool { return op.ServedBy() == "leaks" }

// unsigned are those whose body isn't signed, so that the kit may make bodies up.
func unsigned(op apitest.Operation) bool { return served(op) && op.ID != "reportLeaksOfGitHub" }

func fixture(t testing.TB) apitest.Fixture {
	r := newHarness(t)
	_, secret := r.key(t)
	body := `[{"token":"` + secret.Reveal() + `","type":"maps_api_key","url":"","source":"content"}]`
	return apitest.Fixture{
		API: r.API, Account: r.account.ID, Params: map[string]string{"account": string(r.account.ID)},
		Bodies: map[string]any{
			"reportLeak":           object{"secret": secret.Reveal(), "url": "https://forum.example"},
			"reportLeakAsOperator": object{"secret_sha256": sha(secret.Reveal())},
			"reportLeaksOfGitHub":  body,
		},
		Headers: map[string]map[string]string{"reportLeaksOfGitHub": r.gitHub.headers(t, []byte(body))},
	}
}

func TestEveryOperationIsOpenToItsRolesAlone(t *testing.T) { apitest.Matrix(t, fixture, served) }

func TestAFailureOfTheStoreIsNoAnswer(t *testing.T) { apitest.Failures(t, fixture, unsigned, nil) }

func TestBoundsAreAsTheContractSays(t *testing.T) { apitest.Bounds(t, fixture, unsigned, nil) }

func TestNoTextHoldsASecretOrWhatHides(t *testing.T) { apitest.RefusedTexts(t, fixture, unsigned) }

func TestEveryHeaderIsInTheContractAndSent(t *testing.T) { apitest.Headers(t, fixture, served) }

func TestTheContractsExamplesAreAcceptedAndAnsweredAsShown(t *testing.T) {
	apitest.Examples(t, fixture, unsigned, map[string]apitest.Own{
		"reportLeakAsOperator": {Body: func(t testing.TB, f apitest.Fixture) map[string]any {
			return map[string]any{"secret_sha256": f.Bodies["reportLeakAsOperator"].(object)["secret_sha256"]}
		}},
	})
}

// TestNobodyDecidesAsAnOperatorAboutTheirOwnAccount: a member reports as everybody does.
func TestNobodyDecidesAsAnOperatorAboutTheirOwnAccount(t *testing.T) {
	r := newHarness(t)
	k, secret := r.key(t)
	r.Member(t, r.account.ID, "operator", account.Viewer)
	call := apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/leaks", Body: object{"secret": secret.Reveal()}}
	if got := r.Do(t, call); got.Problem() != "403 own_account []" || r.now(t, k).Current.Exposed != (apikey.Exposure{}) {
		t.Error(got.Problem())
	}
}
