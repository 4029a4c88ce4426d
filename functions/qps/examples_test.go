package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
)

func TestTheContractsExamplesAreAcceptedAndAnsweredAsShown(t *testing.T) {
	apitest.Examples(t, fixture, served, map[string]apitest.Own{
		"createQpsRequest": {Body: func(_ testing.TB, f apitest.Fixture) map[string]any { return map[string]any{"key_id": f.Params["key"]} }},
	})
}
