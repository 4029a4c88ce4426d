// Command accounts serves accounts, members, invitations, the audit trail, operators and their look-ups, the
// catalogue and the contract over HTTP.
package main

import (
	"os"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/dynamo/sessions"
	"latchkey/shared/product"
	"latchkey/shared/telemetry"
)

func main() {
	base, err := web.Start(os.Getenv, os.Stdout)
	if err != nil {
		telemetry.Abort(err)
	}
	own, err := settingsOf(base.Env)
	if err != nil {
		telemetry.Abort(err)
	}
	h := newHandler(base.Store, sessions.New(base.Client, own.sessions), base.Source, base.Texts, product.Default(), base.LastUsed(), own)
	h.routes(base.Mux)
	gateway.Serve(base.Mux)
}
