// Command tokens is the pre token generation trigger of the stack's own user pool: it gives access tokens the person's verified
// address, which they don't have by themselves. An invitation that is bound to an address is accepted by it.
package main

import (
	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"latchkey/shared/account"
)

func main() {
	lambda.Start(func(e events.CognitoEventUserPoolsPreTokenGenV2_0) (events.CognitoEventUserPoolsPreTokenGenV2_0, error) {
		return answer(e), nil
	})
}

// answer is the event with what is to change in the access token. The ID token, scopes and groups stay as they are.
func answer(e events.CognitoEventUserPoolsPreTokenGenV2_0) events.CognitoEventUserPoolsPreTokenGenV2_0 {
	e.Response.ClaimsAndScopeOverrideDetails.AccessTokenGeneration.ClaimsToAddOrOverride = account.AccessClaims(e.Request.UserAttributes)
	return e
}
