// Command demo is a tiny map API: what the gate protects on a fresh stack, so that the first key opens a real map tile.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"
)

func main() {
	lambda.Start(httpadapter.New(routes()).ProxyWithContext)
}
