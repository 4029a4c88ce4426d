// Command empty is the yardstick: a handler on AWS's runtime client that does nothing.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

// idle is a raw handler, so that not even the event is decoded.
type idle struct{}

var nothing = []byte("{}")

func (idle) Invoke(context.Context, []byte) ([]byte, error) { return nothing, nil }

func main() { lambda.Start(idle{}) }
