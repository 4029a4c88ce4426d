package dynamo_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"latchkey/shared/dynamo"
)

func TestAThrottleIsToldFromAStoreThatDoesNotAnswer(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"too much for the item":    {fmt.Errorf("reading: %w", &types.ProvisionedThroughputExceededException{}), true},
		"too much for the account": {&types.RequestLimitExceeded{}, true},
		"throttled":                {&smithy.GenericAPIError{Code: "ThrottlingException"}, true},
		"not found":                {&types.ResourceNotFoundException{}, false},
		"no answer":                {errors.New("dial tcp: refused"), false},
		"nothing":                  {nil, false},
	} {
		if got := dynamo.Throttled(tt.err); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
