// Function events puts each change of the control table on the event bus: one event for each audit row, which the
// mutation wrote in its own transaction.
package main

import (
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"latchkey/shared/telemetry"
)

func main() {
	bus := os.Getenv("EVENT_BUS")
	if bus == "" {
		log.Fatal("events: the environment lacks EVENT_BUS")
	}
	f := &forwarder{bus: bus, client: newClient(os.Getenv), log: telemetry.Logger(os.Stdout, os.Getenv("LOG_LEVEL"))}
	lambda.Start(f.handle)
}
