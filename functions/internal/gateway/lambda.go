package gateway

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"
)

// Serve runs a handler as a Lambda function behind a REST API. It doesn't return.
func Serve(h http.Handler) { lambda.Start(Proxy(h)) }

// Proxy turns a handler into a function of API Gateway's proxy events.
func Proxy(h http.Handler) func(context.Context, events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	adapter := httpadapter.New(h)
	return func(ctx context.Context, event events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
		event.Path = requestPath(event)
		return adapter.ProxyWithContext(ctx, event)
	}
}

// requestPath is the path without the stage's segment, in a form that parses as a URL: the event holds what the
// client sent, and the adapter would turn a stray % into an error of the function.
func requestPath(event events.APIGatewayProxyRequest) string {
	path := event.Path
	if stage := event.RequestContext.Stage; stage != "" {
		if rest, ok := strings.CutPrefix(path, "/"+stage+"/"); ok {
			path = "/" + rest
		}
	}
	if _, err := url.Parse("https://host" + path); err != nil || strings.ContainsAny(path, "?#") {
		return (&url.URL{Path: path}).EscapedPath()
	}
	return path
}
