// Command jobs runs scheduled jobs over all accounts: it reports domain patterns that have come to stand on public suffixes and how the
// catalogue has changed, writes the statements of months and compares them with the counters, and tells of quotas that are reached.
package main

import (
	"os"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/lambda"

	"latchkey/shared/telemetry"
)

// garbage bounds the memory that is unused, in percent of that in use: a large account needs most of what the function has.
const garbage = 50

func main() {
	debug.SetGCPercent(garbage)
	j, err := newJobs(os.Getenv, os.Stdout)
	if err != nil {
		telemetry.Abort(err)
	}
	lambda.StartWithOptions(j.handle)
}
