package main

import "context"

// fact is something that has to hold on a stack.
type fact struct {
	id   string // as the table of docs/architecture.md has it, where the fact is assumed
	says string
	// assumed marks a fact that no document promises: the table of docs/architecture.md, "What is unverified", has a row for it. A local run
	// plays it as it is assumed, which shows nothing of AWS.
	assumed bool
	aws     bool // a local run has nothing that could be asked
	ask     func(ctx context.Context, s *smoke) error
}

// facts lists the questions, in an order in which the limit of the key that is used up comes late.
func facts() []fact {
	return []fact{
		{id: "key-opens", says: "a new key opens a product", ask: keyOpens},
		{id: "one-401", says: "no key, a mistyped one and two are one and the same 401", ask: oneUnauthorized},
		{id: "imitated-header", says: "a header that imitates the gateway's is refused", ask: imitatedHeader},
		{id: "challenge", says: "a gateway response sets WWW-Authenticate itself", assumed: true, ask: challenge},
		{id: "content-type", says: "a gateway response is application/problem+json", assumed: true, ask: contentType},
		{id: "context-in-responses", says: "a refusal's body has the authorizer's code and detail", assumed: true, ask: contextInResponses},
		{id: "error-type", says: "x-amzn-ErrorType names the kind of each refusal", assumed: true, ask: errorType},
		{id: "request-id", says: "X-Request-Id is one that a caller can't choose", assumed: true, ask: requestID},
		{id: "extended-request-id", says: "the authorizer's event has extendedRequestId", assumed: true, aws: true, ask: extendedRequestID},
		{id: "hostile-paths", says: "%2e%2e, //, %2f and \\ reach the authorizer, and are refused", assumed: true, ask: hostilePaths},
		{id: "raw-characters", says: "API Gateway refuses a path with a raw quote", assumed: true, ask: rawCharacters},
		{id: "unknown-path", says: "a path of no product is 403 of the gateway's own", ask: unknownPath},
		{id: "preflight", says: "OPTIONS is 204 without a key, under binary types */*", assumed: true, ask: preflight},
		{id: "preflight-media-type", says: "OPTIONS with a Content-Type that has no template is 415", assumed: true, ask: preflightMediaType},
		{id: "binary", says: "a PNG arrives byte by byte", assumed: true, ask: binary},
		{id: "mapped-header", says: "a mapped header replaces the caller's towards an upstream", assumed: true, ask: mappedHeader},
		{id: "mapped-query", says: "a mapped query string replaces the caller's key towards an upstream", assumed: true, ask: mappedQuery},
		{id: "escapes-upstream", says: "an escaped slash reaches the upstream as it was sent", assumed: true, ask: escapesUpstream},
		{id: "over-limit", says: "calls over the limit are 429 with Retry-After, and waiting helps", assumed: true, ask: overLimit},
		{id: "key-disabled", says: "a disabled key is refused within 10 s", ask: keyDisabled},
		{id: "key-enabled", says: "an enabled key opens within 10 s", ask: keyEnabled},
		{id: "key-rotated", says: "a new secret opens, and so does the old one in its grace period", ask: keyRotated},
		{id: "secret-kept", says: "a recoverable key's secret is shown again: the first data key is there", ask: secretKept},
		{id: "usage-counted", says: "calls show in the usage of their key (gate, table, stream, counter)", ask: usageCounted},
		{id: "key-deleted", says: "a deleted key is refused within 10 s", ask: keyDeleted},
		{id: "sign-in", says: "the console leads to the sign-in page, and it is there", ask: signInPage},
		{id: "token-address", says: "an access token carries a verified address", assumed: true, ask: tokenAddress},
		{id: "base-path", says: "the management API answers below a base path", assumed: true, ask: basePath},
		{id: "schedules", says: "every schedule is there and on", aws: true, ask: schedules},
		{id: "streams", says: "every stream's mapping is on, and its last batch went well", aws: true, ask: streamMappings},
		{id: "authorizer-failure", says: "a failing authorizer is 503 with Retry-After", assumed: true, aws: true, ask: authorizerFailure},
		{id: "web-acl", says: "what the web ACL blocks is WAF_FILTERED, 429", assumed: true, aws: true, ask: askNobody("make more than CallsPerAddress calls from one address within 5 minutes")},
		{id: "answer-first", says: "callers have their answer before the gate reports usage", assumed: true, aws: true, ask: askNobody("measure it: response times of calls that report against those that don't")},
	}
}

// askNobody leaves a fact to people: it says what they can do instead.
func askNobody(instead string) func(context.Context, *smoke) error {
	return func(context.Context, *smoke) error { return left(instead) }
}
