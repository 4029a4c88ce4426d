// Command events puts each change of the control table on the event bus: one event for each audit row, which the
// mutation wrote in its own transaction.
package main

import (
	"io"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"latchkey/functions/internal/env"
	"latchkey/shared/telemetry"
)

func main() {
	f, err := newForwarder(os.Getenv, os.Stdout)
	if err != nil {
		telemetry.Abort(err)
	}
	lambda.Start(f.handle)
}

func newForwarder(getenv func(string) string, out io.Writer) (*forwarder, error) {
	vars := env.New(getenv)
	f := &forwarder{bus: vars.Need("EVENT_BUS"), client: newClient(getenv), log: telemetry.Logger(out, vars.Or("LOG_LEVEL", "info"))}
	return f, vars.Err()
}
