package dynamo

import (
	"errors"

	"github.com/aws/smithy-go"
)

// Throttled reports whether an error is the store's answer that it is asked too much. So the store can be reached, and
// asking again at once makes it worse.
func Throttled(err error) bool {
	var answer smithy.APIError
	if !errors.As(err, &answer) {
		return false
	}
	switch answer.ErrorCode() {
	case "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded":
		return true
	}
	return false
}
