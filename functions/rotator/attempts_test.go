package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/sealing"
	"latchkey/shared/dynamo"
)

// throttled answers every call as Secrets Manager does when an account makes too many.
type throttled struct{ calls int }

func (f *throttled) Do(r *http.Request) (*http.Response, error) {
	f.calls++
	return &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{"X-Amzn-Errortype": {"ThrottlingException"}, "Content-Type": {"application/x-amz-json-1.1"}},
		Body: io.NopCloser(strings.NewReader(`{"__type":"ThrottlingException","message":"Rate exceeded"}`)), Request: r,
	}, nil
}

// TestTheRotatorTriesAThrottledCallMoreOftenThanARequestDoes: a run has minutes, and what it leaves is late; somebody waits for a request.
func TestTheRotatorTriesAThrottledCallMoreOftenThanARequestDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		request := sealing.NewClient(env.New(func(string) string { return "" }), dynamo.Config{Region: "eu-west-1", AccessKey: "id", SecretKey: "secret"})
		for name, tt := range map[string]struct {
			client *sm.Client
			calls  int
		}{"a request": {request, 3}, "the rotator": {withAdaptiveRetry(request), 8}} {
			f := &throttled{}
			begin := time.Now()
			_, err := tt.client.GetSecretValue(t.Context(), &sm.GetSecretValueInput{SecretId: aws.String("a")}, func(o *sm.Options) { o.HTTPClient = f })
			if err == nil || f.calls != tt.calls || time.Since(begin) > 2*time.Minute {
				t.Errorf("%s: %d calls in %s, want %d: %v", name, f.calls, time.Since(begin), tt.calls, err)
			}
		}
	})
}
