package account_test

import (
	"errors"
	"testing"
	"time"

	"latchkey/shared/account"
)

// TestTheLongestLifetimeHasBothItsBounds, in days.
func TestTheLongestLifetimeHasBothItsBounds(t *testing.T) {
	for days, good := range map[int]bool{-1: false, 0: false, 1: true, 365: true, 3650: true, 3651: false} {
		got, err := account.ParseLifetime(days)
		if good && (err != nil || got != days) || !good && !errors.Is(err, account.ErrLifetime) {
			t.Errorf("%d days: %d, %v", days, got, err)
		}
	}
}

// TestAClosedAccountsRulesStay as they were.
func TestAClosedAccountsRulesStay(t *testing.T) {
	rules := account.Rules{FrontendRestricted: true, LifetimeDays: 90}
	open, err := account.Account{}.SetRules(rules)
	if err != nil || open.Rules != rules {
		t.Errorf("%+v, %v", open.Rules, err)
	}
	closed := account.Account{ClosedAt: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)}
	if after, err := closed.SetRules(rules); !errors.Is(err, account.ErrClosed) || after.Rules != (account.Rules{}) {
		t.Errorf("closed: %+v, %v", after.Rules, err)
	}
}
