package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/authz"
	"latchkey/shared/usage/statement"
)

func TestTheContractsExamplesAreAnsweredAsShown(t *testing.T) {
	apitest.Examples(t, func(t testing.TB) apitest.Fixture {
		r := mixed(t)
		r.write(t, statement.Row{
			Place: statement.Place{Account: r.account.ID, Key: r.key.ID, Product: "search", Class: "search", Billing: "paying"},
			Calls: map[authz.Code]int64{authz.Allowed: 5, authz.QPSExceeded: 1, authz.DomainNotAllowed: 1},
		})
		apitest.People(t, r.API, r.account.ID)
		return apitest.Fixture{
			API: r.API, Account: r.account.ID,
			Params: map[string]string{"account": string(r.account.ID), "key": string(r.key.ID), "month": october.String()},
		}
	}, served, nil)
}
