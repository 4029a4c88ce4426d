// Command counter folds what the authorizer's environments report into the counters that customers see. It is called
// by the stream of the slices table.
package main

import (
	"io"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"latchkey/functions/internal/env"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/telemetry"
)

func main() {
	c, err := newConsumer(os.Getenv, os.Stdout)
	if err != nil {
		telemetry.Abort(err)
	}
	lambda.Start(c)
}

func newConsumer(getenv func(string) string, out io.Writer) (consumer, error) {
	vars := env.New(getenv)
	table, namespace := vars.Need("COUNTERS_TABLE"), vars.Need(telemetry.NamespaceVariable)
	return consumer{
		store: counters.New(dynamo.NewClient(dynamo.FromEnv(getenv)), table), now: time.Now,
		log: telemetry.Logger(out, vars.Or("LOG_LEVEL", "info")), metrics: telemetry.Metrics{Namespace: namespace, Out: out},
	}, vars.Err()
}
