package dynamo

import "errors"

// What a store answers when a write's precondition doesn't hold. None of them left anything behind.
var (
	ErrNotFound = errors.New("dynamo: there is no such record")
	ErrExists   = errors.New("dynamo: the record exists already")
	ErrStale    = errors.New("dynamo: the record has changed since it was read")
	ErrReplay   = errors.New("dynamo: this idempotency key was used already")
)

// ErrCursor says that a list has no such place to go on from.
var ErrCursor = errors.New("dynamo: the list has no such place")

// Breakdowns: the caller answers 503.
var (
	// ErrConflict says that other transactions kept getting in the way. Nothing was written.
	ErrConflict = errors.New("dynamo: too many concurrent writes")
	// ErrUnknown says that the store's answer was lost, and whether the write happened couldn't be found out.
	ErrUnknown = errors.New("dynamo: it is unknown whether the write happened")
	// ErrUnreadable says that a stored record isn't what this version of the program can read.
	ErrUnreadable = errors.New("dynamo: a stored record can't be read")
)
