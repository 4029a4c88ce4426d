package dynamo

import "errors"

// What a store answers when a write's precondition doesn't hold. None of them left anything behind.
var (
	ErrNotFound     = errors.New("dynamo: no such record")
	ErrExists       = errors.New("dynamo: the record already exists")
	ErrStale        = errors.New("dynamo: the record has changed since it was read")
	ErrRevoked      = errors.New("dynamo: a revoked key stays revoked")
	ErrKeyLimit     = errors.New("dynamo: the account has reached its limit of keys")
	ErrLastOwner    = errors.New("dynamo: an account must keep at least one owner")
	ErrClosed       = errors.New("dynamo: the account is closed")
	ErrTypeChanging = errors.New("dynamo: the account's type is being changed")
	ErrBilling      = errors.New("dynamo: a key's billing type doesn't fit the account's type")
	ErrReplay       = errors.New("dynamo: the idempotency key has already been used")
	ErrOpenRequest  = errors.New("dynamo: a request for this key and product is already open")
	ErrDecided      = errors.New("dynamo: the request has already been decided or withdrawn")
)

// Breakdowns: the caller answers 503.
var (
	// ErrConflict says that other transactions kept getting in the way. Nothing was written.
	ErrConflict = errors.New("dynamo: too many concurrent writes")
	// ErrUnknown says that the store's answer was lost, and whether the write happened couldn't be found out.
	ErrUnknown = errors.New("dynamo: it is unknown whether the write happened")
	// ErrUnreadable says that a stored record isn't what this version of the program can read.
	ErrUnreadable = errors.New("dynamo: a stored record can't be read")
)
