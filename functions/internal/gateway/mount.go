package gateway

import (
	"context"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

type baseKey struct{}

// Base returns the path at which browsers find the API, without a slash at its end: the stage, or the base path of a custom
// domain. It is "" at the root of a domain.
func Base(ctx context.Context) string {
	base, _ := ctx.Value(baseKey{}).(string)
	return base
}

// mount cuts the path of an event into what it is mounted at and the route's own path. API Gateway sends the path with the base
// path of a custom domain, and without a stage, which only the request's context shows.
func mount(event events.APIGatewayProxyRequest) (base, path string) {
	base, path = cut(event.Path, event.Resource, event.PathParameters["proxy"])
	shown := event.RequestContext.Path
	if rest, ok := strings.CutSuffix(shown, path); ok && !strings.HasPrefix(rest, "//") { // a link to //x would leave the host
		return strings.TrimSuffix(rest, "/"), path
	}
	if shown == "/"+event.RequestContext.Stage {
		return shown, path
	}
	return base, path
}

// cut cuts a path where the part begins that the resource describes, which API Gateway chose for it. Where the two don't fit, all
// of the path is the route's own.
func cut(path, resource, proxy string) (base, own string) {
	trimmed := strings.TrimSuffix(path, "/") // a slash at the end is no segment
	if resource == "/" {
		return trimmed, "/"
	}
	end := len(trimmed)
	if before, ok := strings.CutSuffix(resource, "/{proxy+}"); ok {
		rest, fits := strings.CutSuffix(trimmed, "/"+proxy)
		if !fits {
			if rest, fits = strings.CutSuffix(path, "/"+proxy); !fits {
				return "", path
			}
		}
		resource, end = before, len(rest)
	}
	for range strings.Count(resource, "/") {
		if end = strings.LastIndexByte(path[:end], '/'); end < 0 {
			return "", path
		}
	}
	if resource == "" && end == len(trimmed) { // no resource at all
		return "", path
	}
	return path[:end], path[end:]
}
