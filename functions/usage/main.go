// Command usage answers what an account's keys did: by hour or day, product, outcome, reason, origin and secret.
package main

import (
	"os"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/telemetry"
)

func main() {
	base, err := web.StartReader(os.Getenv, os.Stdout)
	if err != nil {
		telemetry.Abort(err)
	}
	table := base.Env.Need("COUNTERS_TABLE")
	if err := base.Env.Err(); err != nil {
		telemetry.Abort(err)
	}
	routes(base.Mux, handlers{
		keys:     base.Store,
		counters: base.Counters(table),
		now:      base.Source.Time,
	})
	gateway.Serve(base.Mux)
}
