package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
)

func TestTheContractsExamplesAreAcceptedAndAnsweredAsShown(t *testing.T) {
	apitest.Examples(t, fixture, served, nil)
}
