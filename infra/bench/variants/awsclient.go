//go:build bench

// The gate on AWS's client for Go. It is built in place of the authorizer's main.go: reports come with the next call,
// since this client has no time of its own after an answer.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"latchkey/shared/telemetry"
)

type onAWSsClient struct{ gate *Gate }

func (g onAWSsClient) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	g.gate.AfterReply()
	deadline, _ := ctx.Deadline()
	return g.gate.Invoke(deadline, payload)
}

func main() {
	config, err := configFrom(os.Getenv)
	if err != nil {
		telemetry.Abort(err)
	}
	gate := newGate(config, awsDeps(config, os.Stdout))
	lambda.StartWithOptions(onAWSsClient{gate}, lambda.WithEnableSIGTERM(gate.Close))
}
