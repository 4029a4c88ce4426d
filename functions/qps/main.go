// Command qps serves QPS requests over HTTP: submit, withdraw, approve, reject, and lowering a limit of one's own.
package main

import (
	"log"
	"os"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
)

func main() {
	base, err := web.Start(os.Getenv, os.Stdout)
	if err != nil {
		log.Fatal(err)
	}
	table := base.Env.Need("COUNTERS_TABLE")
	if err := base.Env.Err(); err != nil {
		log.Fatal(err)
	}
	h := &handler{
		service: base.KeyService(), store: base.Store,
		counters: base.Counters(table),
	}
	h.routes(base.Mux)
	gateway.Serve(base.Mux)
}
