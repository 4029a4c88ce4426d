// Command events puts each change of the control table on the event bus: one event for each audit row, which the
// mutation wrote in its own transaction.
package main

import (
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"latchkey/functions/internal/env"
	"latchkey/shared/telemetry"
)

func main() {
	vars := env.New(os.Getenv)
	bus := vars.Need("EVENT_BUS")
	if err := vars.Err(); err != nil {
		telemetry.Abort(err)
	}
	f := &forwarder{bus: bus, client: newClient(os.Getenv), log: telemetry.Logger(os.Stdout, vars.Or("LOG_LEVEL", "info"))}
	lambda.Start(f.handle)
}
