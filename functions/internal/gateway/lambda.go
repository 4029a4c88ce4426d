package gateway

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
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
		if unreadable(event) {
			return errUnreadable.response(event.RequestContext.ExtendedRequestID), nil
		}
		base, path := mount(event)
		event.Path = urlPath(path)
		return adapter.ProxyWithContext(context.WithValue(ctx, baseKey{}, base), event)
	}
}

var errUnreadable = NewProblem(http.StatusBadRequest, "bad_request", "The request can't be read.")

// unreadable reports whether no HTTP request can be made of an event. API Gateway sends none of these; who else may invoke the
// function gets an answer, and no error of the function that an alarm counts.
func unreadable(event events.APIGatewayProxyRequest) bool {
	if event.IsBase64Encoded {
		if _, err := base64.StdEncoding.DecodeString(event.Body); err != nil {
			return true
		}
	}
	return strings.ContainsFunc(event.HTTPMethod, func(r rune) bool { return r < 'A' || r > 'Z' })
}

// response is a problem as a function's answer, for what reaches no handler.
func (p *Problem) response(requestID string) events.APIGatewayProxyResponse {
	w := httptest.NewRecorder()
	p.write(w, requestID, "")
	return events.APIGatewayProxyResponse{StatusCode: w.Code, MultiValueHeaders: w.Header(), Body: w.Body.String()}
}

// urlPath is a path in a form that parses as a URL: the event holds what the client sent, and the adapter would turn a stray %
// into an error of the function.
func urlPath(path string) string {
	if _, err := url.Parse("https://host" + path); err != nil || strings.ContainsAny(path, "?#") {
		return (&url.URL{Path: path}).EscapedPath()
	}
	return path
}
