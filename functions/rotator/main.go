// Command rotator runs the scheduled jobs: it ends graces, announces and makes rotations, delivers secrets, purges,
// compares the gate with the keys, and keeps the keyring. It also answers Secrets Manager's own rotation steps.
package main

import (
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"latchkey/shared/telemetry"
)

func main() {
	r, err := newRotator(os.Getenv, os.Stdout)
	if err != nil {
		telemetry.Abort(err)
	}
	lambda.StartWithOptions(r.handle)
}
