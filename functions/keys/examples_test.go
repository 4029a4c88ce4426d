package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
)

func TestTheContractsExamplesAreAcceptedAndAnsweredAsShown(t *testing.T) {
	apitest.Examples(t, fixture, served, map[string]apitest.Own{
		"revokeKey": {Body: func(testing.TB, apitest.Fixture) map[string]any { return map[string]any{"confirm_name": "My key"} }},
	})
}
