// Command authorizer is the gate: a Lambda authorizer that decides every call to the products.
// docs/glossary.md explains its words: policy record, decision, shadow decision, lease, report.
package main

import (
	"os"
	"time"

	"latchkey/authorizer/internal/runtimeapi"
	"latchkey/shared/telemetry"
)

func main() {
	api := os.Getenv("AWS_LAMBDA_RUNTIME_API")
	gate, err := start(os.Getenv)
	if err != nil {
		runtimeapi.InitError(api, "Runtime.Config", err)
		telemetry.Abort(err)
	}
	loop := runtimeapi.Loop{API: api, Handler: gate, Now: time.Now, Log: gate.logRuntime}
	telemetry.AbortRunning(loop.Run())
}

func start(getenv func(string) string) (*Gate, error) {
	if err := runtimeapi.Check(getenv); err != nil {
		return nil, err
	}
	config, err := configFrom(getenv)
	if err != nil {
		return nil, err
	}
	return newGate(config, awsDeps(config, os.Stdout)), nil
}
