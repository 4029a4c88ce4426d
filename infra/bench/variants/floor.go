//go:build bench

// The floor: a handler that does nothing, on the gate's own loop. It is built as a package beside the loop, which is
// internal to the authorizer.
package main

import (
	"os"
	"time"

	"latchkey/authorizer/internal/runtimeapi"
)

type idle struct{}

var nothing = []byte("{}")

func (idle) Invoke(time.Time, []byte) ([]byte, error) { return nothing, nil }
func (idle) AfterReply()                              {}
func (idle) Close()                                   {}

func main() {
	loop := runtimeapi.Loop{API: os.Getenv("AWS_LAMBDA_RUNTIME_API"), Handler: idle{}, Now: time.Now, Log: func(string) {}}
	_ = loop.Run()
	os.Exit(1)
}
