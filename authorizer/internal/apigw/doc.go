// Package apigw knows the Lambda authorizer's side of API Gateway: the REQUEST event of a REST API, the policy that
// answers it, and which answer makes the gateway send which status. Both have their own codecs, because
// reflection would cost more than the decision.
package apigw
