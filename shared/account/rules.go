package account

import "errors"

// MaxLifetime is the most days that an account's longest lifetime of a key can have.
const MaxLifetime = 3650

// ErrLifetime refuses a number of days that is no longest lifetime.
var ErrLifetime = errors.New("account: the longest lifetime of a key has 1 to 3650 days")

// Rules hold what an account asks of its keys when they are created and changed. Keys that stand go on as they are. The zero value asks
// for nothing.
type Rules struct {
	FrontendRestricted bool // a key of usage frontend has a domain, a network or an app
	LifetimeDays       int  // the most days from now to the expiry of a key; 0: a key needs none
}

// StrictestRules ask for all that rules can ask for: a change that keeps them keeps those of every account.
var StrictestRules = Rules{FrontendRestricted: true, LifetimeDays: 1}

// ParseLifetime reads a longest lifetime of keys, in days.
func ParseLifetime(days int) (int, error) {
	if days < 1 || days > MaxLifetime {
		return 0, ErrLifetime
	}
	return days, nil
}

// SetRules sets what the account asks of its keys from now on.
func (a Account) SetRules(r Rules) (Account, error) {
	if a.Closed() {
		return a, ErrClosed
	}
	a.Rules = r
	return a, nil
}
