package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
)

func TestTheContractsExamplesAreAnsweredAsShown(t *testing.T) {
	apitest.Examples(t, func(t testing.TB) apitest.Fixture {
		r := mixed(t)
		apitest.People(t, r.API, r.account.ID)
		return apitest.Fixture{
			API: r.API, Account: r.account.ID,
			Params: map[string]string{"account": string(r.account.ID), "key": string(r.key.ID)},
		}
	}, served, nil)
}
