package main

import (
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/sealing"
	"latchkey/shared/dynamo"
)

// TestTheRotatorTriesAThrottledCallMoreOftenThanARequestDoes: a run has minutes, and what it leaves is late; somebody waits for a request.
// What the clients are made with is read and not run: the SDK's adaptive mode waits by the clock of the machine, for minutes, and spins
// for ever by the clock of synctest where a wait is rounded to nothing.
func TestTheRotatorTriesAThrottledCallMoreOftenThanARequestDoes(t *testing.T) {
	request := sealing.NewClient(env.New(func(string) string { return "" }), dynamo.Config{Region: "eu-west-1", AccessKey: "id", SecretKey: "secret"})
	if got := request.Options().Retryer.MaxAttempts(); got != 3 {
		t.Errorf("a request tries %d times, want 3", got)
	}
	retryer := withAdaptiveRetry(request).Options().Retryer
	if got := retryer.MaxAttempts(); got != 8 {
		t.Errorf("the rotator tries %d times, want 8", got)
	}
	throttled := &smithy.GenericAPIError{Code: "ThrottlingException"}
	if !retryer.IsErrorRetryable(throttled) {
		t.Error("a throttled call isn't tried again")
	}
	for attempt := 1; attempt < 8; attempt++ {
		if delay, err := retryer.RetryDelay(attempt, throttled); err != nil || delay > 5*time.Second {
			t.Errorf("after attempt %d it waits %s: %v", attempt, delay, err)
		}
		if _, err := retryer.GetRetryToken(t.Context(), throttled); err != nil { // the bucket that all calls share
			t.Errorf("after attempt %d: %v", attempt, err)
		}
	}
}
