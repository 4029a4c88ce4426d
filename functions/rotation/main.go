// Command rotation gives keys new secrets over HTTP: rotate, end, extend and cancel, and the policy of scheduled ones.
package main

import (
	"os"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/telemetry"
)

func main() {
	base, err := web.Start(os.Getenv, os.Stdout)
	if err != nil {
		telemetry.Abort(err)
	}
	h := &handler{service: base.KeyService()}
	h.routes(base.Mux)
	gateway.Serve(base.Mux)
}
