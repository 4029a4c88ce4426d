package account

import (
	"errors"
	"time"
)

// Suspension stops all keys of an account, those made meanwhile included: an operator's fact. The keys keep their own
// facts. The zero value is none.
type Suspension struct {
	Reason string
	At     time.Time // UTC, milliseconds; zero: the account isn't suspended
	Until  time.Time // zero: until an operator resumes the account
	By     string    // the operator; customers don't see it
}

// MaxReason is the length of a reason, in characters.
const MaxReason = 500

// Holds reports whether the suspension stops calls at a time. Its end itself is over.
func (s Suspension) Holds(now time.Time) bool {
	return !s.At.IsZero() && (s.Until.IsZero() || now.Before(s.Until))
}

// ErrSuspended refuses what a suspended account's members may not do: raise a limit and close the account.
var ErrSuspended = errors.New("account: the account is suspended")

// ErrSuspendedUntil refuses an end that has passed.
var ErrSuspendedUntil = errors.New("account: the end of the suspension has passed")

// Suspend stops the account's keys from now on, until a time or for good where that is zero. A suspension that is
// there is replaced; one that says the same stays as it is.
func (a Account) Suspend(reason string, until time.Time, by string, now time.Time) (Account, error) {
	switch {
	case a.Closed():
		return a, ErrClosed
	case !until.IsZero() && !now.Before(until):
		return a, ErrSuspendedUntil
	case a.Suspended.Holds(now) && a.Suspended.Reason == reason && a.Suspended.Until.Equal(until):
		return a, nil
	}
	a.Suspended = Suspension{Reason: reason, At: now, Until: until, By: by}
	return a, nil
}

// Resume ends the suspension. Where there is none, nothing changes.
func (a Account) Resume() (Account, error) {
	if a.Closed() {
		return a, ErrClosed
	}
	a.Suspended = Suspension{}
	return a, nil
}
