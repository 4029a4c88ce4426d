// Command keys serves the life of a key over HTTP: create, list, find, get, edit, disable, enable, revoke, delete,
// restore, reveal, test, and proposals.
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
	h := &handler{service: base.KeyService(), store: base.Store, counters: base.LastUsed(), hidden: base.Env.Or("CALLER_ADDRESSES", "seen") == "hidden"}
	h.routes(base.Mux)
	gateway.Serve(base.Mux)
}
