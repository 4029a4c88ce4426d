package gateway

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/awslabs/aws-lambda-go-api-proxy/core"
)

// Observer holds the settings of Observe.
type Observer struct {
	Log *slog.Logger
	Now func() time.Time
	// Failed answers a request whose handler panicked before it had written anything.
	Failed func(w http.ResponseWriter, r *http.Request)
}

// Observe wraps the handler of a whole function: it gives each request an ID, answers a panic, and logs one line about
// the request. The line has the route's pattern and never the path, the query or a header: those hold what people typed.
// next sees the request that the line is about: a pattern that a http.ServeMux sets on it is in the line.
func Observe(o Observer, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := o.Now()
		id := requestIDOf(r)
		r = r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id))
		w.Header().Set("X-Request-Id", id)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		status := &statusWriter{ResponseWriter: w}
		defer func() {
			if value := recover(); value != nil {
				o.Log.ErrorContext(r.Context(), "panic", "panic", panicText(value), "stack", string(debug.Stack()), "request_id", id)
				if status.code == 0 {
					o.Failed(status, r)
				}
			}
			o.Log.InfoContext(r.Context(), "request", "method", r.Method, "route", r.Pattern, "status", status.code,
				"ms", o.Now().Sub(begin).Milliseconds(), "request_id", id)
		}()
		next(status, r)
	})
}

// panicText returns the part of a panic's value that may be logged: the runtime's own words, such as "index out of range". Of any other
// the type has to do, since it may hold what was sent; the stack says where it was.
func panicText(value any) string {
	if err, ok := value.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%T", value)
}

type statusWriter struct {
	http.ResponseWriter
	code int
}

func (s *statusWriter) WriteHeader(code int) {
	if s.code == 0 {
		s.code = code
		s.ResponseWriter.WriteHeader(code)
	}
}

func (s *statusWriter) Write(b []byte) (int, error) {
	s.WriteHeader(http.StatusOK)
	return s.ResponseWriter.Write(b)
}

type requestIDKey struct{}

// RequestID returns the request's ID: the one of API Gateway's two that a caller can't choose, or a random one.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

func requestIDOf(r *http.Request) string {
	if c, ok := core.GetAPIGatewayContextFromContext(r.Context()); ok {
		if id := cmp.Or(c.ExtendedRequestID, c.RequestID); id != "" {
			return id
		}
	}
	return rand.Text()
}
