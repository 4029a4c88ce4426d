// Command qps serves QPS requests over HTTP: submit, withdraw, approve, reject, and lowering a key's limit.
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
	table := base.Env.Need("COUNTERS_TABLE")
	if err := base.Env.Err(); err != nil {
		telemetry.Abort(err)
	}
	h := &handler{
		service: base.KeyService(), store: base.Store,
		counters: base.Counters(table),
	}
	h.routes(base.Mux)
	gateway.Serve(base.Mux)
}
