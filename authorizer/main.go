// Command authorizer is the gate: a Lambda authorizer that decides every call to the products.
package main

import (
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	log.SetOutput(quietLog{os.Stderr})
	config, err := configFrom(os.Getenv)
	if err != nil {
		log.Fatal(err)
	}
	gate := newGate(config, awsParts(config, os.Getenv, os.Stdout))
	// A process that asks for SIGTERM doesn't end by itself: the last callback does that.
	lambda.StartWithOptions(gate, lambda.WithEnableSIGTERM(gate.Close, func() { os.Exit(0) }))
}
