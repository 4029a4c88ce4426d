// Command counter folds what the authorizer's environments report into the counters that customers see. It is called
// by the stream of the slices table.
package main

import (
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/oklog/ulid/v2"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/counters"
)

func main() {
	store := counters.Store{
		Client: dynamo.NewClient(dynamo.FromEnv(os.Getenv)),
		Table:  dynamo.TablesFromEnv(os.Getenv).Counters,
		Token:  func() string { return ulid.Make().String() },
	}
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	lambda.Start(consumer{store: store, now: time.Now, log: log, deepest: 12})
}
