package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
)

// itsAccount reads the account of the keys that a request changes.
type itsAccount func() (account.Account, error)

func (h *handler) accountOf(ctx context.Context, id account.ID) itsAccount {
	return func() (account.Account, error) { return h.store.Account(ctx, id) }
}

// broken lists why the rules of its account refuse a change of a key; before is nil where the key is new. The account isn't read where the
// change keeps all that rules could ask for, so that one which can't be read stops nobody from restricting a key. A policy that is set
// at the same time may miss the change: then it is as if the change had come before, and the key is among the findings.
func (its itsAccount) broken(before *apikey.Key, after apikey.Key, now time.Time) (account.Rules, []error, error) {
	if len(after.Breaks(account.StrictestRules, before, now)) == 0 {
		return account.Rules{}, nil, nil
	}
	a, err := its()
	return a.Rules, after.Breaks(a.Rules, before, now), err
}

// keeps refuses a change that breaks a rule of the account, unless something else of it is refused already.
func (f *fields) keeps(its itsAccount, before *apikey.Key, after apikey.Key) error {
	if err := f.err(); err != nil {
		return err
	}
	rules, broken, err := its.broken(before, after, f.now)
	if err != nil {
		return err
	}
	for _, why := range broken {
		if errors.Is(why, apikey.ErrUnrestricted) {
			f.refuse(gateway.Field("domains", "restriction_required", "The account's policy asks for a domain, a network or an app on a key of usage frontend."))
		}
		if errors.Is(why, apikey.ErrLifetime) {
			f.refuse(gateway.Field("expires_at", "beyond_lifetime", fmt.Sprintf("By the account's policy a key needs an expiry, at most %d days from now.", rules.LifetimeDays)))
		}
	}
	return f.err()
}
