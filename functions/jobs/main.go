// Command jobs runs scheduled jobs that read and report: domain patterns that have come to stand on public suffixes, and how the
// catalogue has changed.
package main

import (
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"latchkey/shared/telemetry"
)

func main() {
	j, err := newJobs(os.Getenv, os.Stdout)
	if err != nil {
		telemetry.Abort(err)
	}
	lambda.StartWithOptions(j.handle)
}
