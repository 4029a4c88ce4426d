// Command rotator runs the scheduled jobs: it ends graces, announces and makes rotations, delivers secrets, purges,
// compares the gate with the keys, and keeps the keyring. It also answers Secrets Manager's own rotation steps.
package main

import (
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	r, err := newRotator(os.Getenv, os.Stdout)
	if err != nil {
		log.Fatal(err)
	}
	lambda.StartWithOptions(r.handle)
}
