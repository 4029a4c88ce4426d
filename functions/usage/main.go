// Command usage answers what an account's keys did: by hour or day, product, outcome, reason, origin and secret, and by month in
// statements.
package main

import (
	"os"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/dynamo/quotas"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/product"
	"latchkey/shared/telemetry"
)

func main() {
	base, err := web.StartReader(os.Getenv, os.Stdout)
	if err != nil {
		telemetry.Abort(err)
	}
	table, kept := base.Env.Need("COUNTERS_TABLE"), base.Env.Need("STATEMENTS_TABLE")
	taken := base.Env.Need("QUOTAS_TABLE")
	if err := base.Env.Err(); err != nil {
		telemetry.Abort(err)
	}
	routes(base.Mux, handlers{
		keys:     base.Store,
		counters: base.Counters(table),
		now:      base.Source.Time,
		quotas:   quotas.NewReader(base.Client, taken),
		products: product.Default(),
	})
	statementRoutes(base.Mux, statementHandlers{
		accounts: base.Store, names: base.Store, tables: statements.New(base.Client, kept), now: base.Source.Time,
		reader: openMonth(base.Store, base.Counters(table)),
	})
	gateway.Serve(base.Mux)
}
