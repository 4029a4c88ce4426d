// Command counter folds what the authorizer's environments report into the counters that customers see. It is called
// by the stream of the slices table.
package main

import (
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"latchkey/functions/internal/env"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/telemetry"
)

func main() {
	vars := env.New(os.Getenv)
	table, namespace := vars.Need("COUNTERS_TABLE"), vars.Need(telemetry.NamespaceVariable)
	if err := vars.Err(); err != nil {
		telemetry.Abort(err)
	}
	store := counters.New(dynamo.NewClient(dynamo.FromEnv(os.Getenv)), table)
	lambda.Start(consumer{
		store: store, now: time.Now, log: telemetry.Logger(os.Stdout, vars.Or("LOG_LEVEL", "info")), metrics: telemetry.Metrics{Namespace: namespace, Out: os.Stdout},
	})
}
