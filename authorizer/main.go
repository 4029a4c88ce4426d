// Command authorizer is the gate: a Lambda authorizer that decides every call to the products.
package main

import (
	"context"
	"log"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"latchkey/shared/telemetry"
)

func main() {
	log.SetOutput(quietLog{os.Stderr})
	http.DefaultTransport = runtimeTransport()
	config, err := configFrom(os.Getenv)
	if err != nil {
		telemetry.Abort(err)
	}
	gate := newGate(config, awsDeps(config, os.Getenv, os.Stdout))
	lambda.StartWithOptions(gate,
		lambda.WithContext(withReplyHook(context.Background(), gate.AfterReply)),
		// A process that asks for SIGTERM doesn't end by itself: the last callback does that.
		lambda.WithEnableSIGTERM(gate.Close, func() { os.Exit(0) }))
}
