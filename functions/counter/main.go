// Command counter folds what the authorizer's environments report into the counters that customers see, and tells of the quotas of which these
// have reached a part. It is called by the stream of the slices table.
package main

import (
	"io"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/thresholds"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/dynamo/quotas"
	"latchkey/shared/product"
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
	table, accounts, taken, namespace := vars.Need("COUNTERS_TABLE"), vars.Need("CONTROL_TABLE"), vars.Need("QUOTAS_TABLE"), vars.Need(telemetry.NamespaceVariable)
	db := dynamo.NewClient(dynamo.FromEnv(getenv))
	counted := counters.New(db, table)
	return consumer{
		store: counted, now: time.Now,
		quotas: &thresholds.Teller{
			Store: control.New(db, accounts, ""), Rows: counted, Quotas: quotas.NewReader(db, taken), Products: product.Default(), Source: env.NewSource(),
		},
		log: telemetry.Logger(out, vars.Or("LOG_LEVEL", "info")), metrics: telemetry.Metrics{Namespace: namespace, Out: out},
	}, vars.Err()
}
