package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
)

func TestEveryHeaderIsInTheContractAndSent(t *testing.T) { apitest.Headers(t, fixture, served) }
