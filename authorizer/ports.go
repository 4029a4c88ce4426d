package main

import (
	"context"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/limiter/quota"
	"latchkey/shared/origin"
	"latchkey/shared/product"
	"latchkey/shared/usage"
)

// clock tells the time.
type clock interface {
	now() moment
}

// store reads the policy record of a secret and the record of an account, strongly consistent. The error is
// dynamo.ErrUnreadable for a damaged record, anything else means that the store didn't answer. An account without a
// record isn't suspended. The two are called at the same time.
type store interface {
	Policy(ctx context.Context, hash apikey.Hash) (policy authz.Policy, found bool, err error)
	Account(ctx context.Context, id account.ID) (a authz.Account, found bool, err error)
}

// reportStore takes one part of a report.
type reportStore interface {
	Write(ctx context.Context, r usage.Report) error
}

// rateLimiter admits calls within the limits of a key and of its account for a class, over all environments together. It is
// asked last, for calls that would pass otherwise.
type rateLimiter interface {
	// Admit asks for one call.
	Admit(ctx context.Context, of *limits) admission
	// GiveBack takes back what Admit gave under the key's limit alone, for a call that is asked for again.
	GiveBack(of *limits, gave admission)
}

// limits are the limits of one call, with the time that its writes to the lease table may take still.
type limits struct {
	class      product.Class
	key        apikey.ID
	qps        int // in calls a second, as accountQPS is
	account    account.ID
	accountQPS int // over all keys of the account; 0: none, or none that is known yet
	left       time.Duration
	kept       time.Duration // of what is left, for the account's limit alone
}

// admission is a limiter's answer. The zero value refuses.
type admission struct {
	Admitted   bool
	ByAccount  bool // the account's limit is the one that refused
	RetryAfter int  // whole seconds until a refused call may try again, at least 1
	Degraded   bool // the lease table fails, and the environment keeps to a local share
}

// recorder counts decisions.
type recorder interface {
	// Count counts one, and keeps o no longer than the call. Dropped is how many calls no longer fit into memory and are
	// counted nowhere.
	Count(now moment, o *outcome) (dropped int)
	// Report writes what is due, if something is, before the deadline of the call that found it so. A call that could
	// reach the store takes along what would be due soon.
	Report(now moment, deadline time.Time, storeUp bool) reported
	// Flush reports all that is left, before the environment ends.
	Flush(ctx context.Context)
}

// reported is the result of a report. The zero value means that none was due.
type reported struct {
	Begun  bool
	Failed bool // what it held will be in the next one
}

// outcome is a decision and whose it was. Key and Account are empty where the secret led to no key.
type outcome struct {
	Decision authz.Decision
	Key      apikey.ID
	Account  account.ID
	Billing  apikey.BillingType // "" where the key's record names none
	Secret   apikey.Hash
	Outgoing bool          // the secret is the one that a rotation is ending
	Origin   origin.Origin // zero if the call named none that can be read; its host shares the event's memory
	Presence origin.Presence
	Limit    int          // calls a second, where the limiter was asked: of the limit that refused, or else the key's
	OfAll    bool         // Limit is the account's, over all its keys
	Exceeded quota.Result // where a quota refused the call
	Proposed time.Time    // since when the key carries a proposal; zero without one
}
