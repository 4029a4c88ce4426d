package main

import (
	"context"
	"encoding/json"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
	"latchkey/shared/usage"
)

// slowTeller takes a second and some tenths for each account, and counts how often it is asked for one.
type slowTeller struct {
	lock  sync.Mutex
	asked map[account.ID]int
	begun int
}

func (s *slowTeller) Tell(ctx context.Context, id account.ID, _ []time.Time) ([]usage.Threshold, error) {
	s.lock.Lock()
	s.begun++
	tenths := time.Duration(s.begun%4) * 100 * time.Millisecond
	s.lock.Unlock()
	select {
	case <-time.After(time.Second + tenths):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	s.asked[id]++
	return nil, nil
}

func (s *slowTeller) Held(context.Context, account.Account) (product.Held, error) {
	return product.Held{}, nil
}

// TestARunOfQuotasGoesOnWhereTheLastHadNoTime, so that no account is never looked at, and begins with the first again behind the last. A refill begins with the first.
func TestARunOfQuotasGoesOnWhereTheLastHadNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newHarnessOn(t, keytest.LongStores(t))
		const accounts = 5 * atOnce
		for range accounts {
			r.NewAccount(t, func(*account.Account) {})
		}
		s := &slowTeller{}
		r.thresholds = s
		// run has time for about three of the five rounds, or for all.
		run := func(event string, most time.Duration) (lookedAt, error) {
			s.asked = map[account.ID]int{}
			ctx, cancel := context.WithTimeout(t.Context(), margin+most)
			defer cancel()
			answer, err := r.handle(ctx, json.RawMessage(event))
			return answer.(lookedAt), err
		}
		const look, refill, short, long = `{"job":"quotas"}`, `{"job":"quotas","refill":true}`, 2500 * time.Millisecond, time.Hour
		first, err := run(look, short)
		before := maps.Clone(s.asked)
		if err == nil || !first.More || first.Failed != 0 || first.Accounts != len(before) || first.Accounts < 2*atOnce {
			t.Fatalf("%+v, %v; asked for %d", first, err, len(before))
		}
		if all, err := run(refill, long); err != nil || all.Accounts != accounts || len(s.asked) != accounts {
			t.Errorf("a refill: %+v, %v", all, err)
		}
		second, err := run(look, short)
		if err != nil || second.More || second.Accounts != accounts-first.Accounts {
			t.Errorf("%+v, %v", second, err)
		}
		for id := range s.asked {
			if before[id] != 0 {
				t.Errorf("%s is looked at twice", id)
			}
		}
		for range 2 {
			if next, err := run(look, long); err != nil || next.Accounts != accounts {
				t.Errorf("the next: %+v, %v", next, err)
			}
		}
	})
}
