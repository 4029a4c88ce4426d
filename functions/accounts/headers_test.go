package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
)

func TestEveryHeaderIsInTheContractAndSent(t *testing.T) {
	f := populated(t)
	f.Call(t, "editAccount", "operator", map[string]any{"type": "self_serve"}) // 202
	token := f.Call(t, "createInvitation", "", map[string]any{"role": "viewer"}).JSON(t)["token"]
	f.Call(t, "showInvitation", "stranger", map[string]any{"token": token})
	f.Call(t, "acceptInvitation", "stranger", map[string]any{"token": token})
	apitest.Headers(t, fixture, served)
}
