package main

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
)

// timedStore is a store whose answers take time and fail as a test says, for keys and for accounts apart.
type timedStore struct {
	*fakeStore
	mu               sync.Mutex
	keys, accounts   func() (time.Duration, error)
	asked, accountAt []time.Time // when keys and accounts were asked for
}

func well() (time.Duration, error) { return 0, nil }

func (s *timedStore) wait(ctx context.Context, times *[]time.Time, answer func() (time.Duration, error)) error {
	s.mu.Lock()
	*times = append(*times, time.Now())
	s.mu.Unlock()
	d, err := answer()
	select {
	case <-time.After(d):
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *timedStore) Policy(ctx context.Context, hash apikey.Hash) (authz.Policy, bool, error) {
	if err := s.wait(ctx, &s.asked, s.keys); err != nil {
		return authz.Policy{}, false, err
	}
	p, found := s.policies[hash]
	return p, found, nil
}

func (s *timedStore) Account(ctx context.Context, id account.ID) (authz.Account, bool, error) {
	if err := s.wait(ctx, &s.accountAt, s.accounts); err != nil {
		return authz.Account{}, false, err
	}
	a, found := s.fakeStore.accounts[id]
	return a, found, nil
}

// timedHarness is a gate on the clock of a synctest bubble. Pauses aren't shortened.
func timedHarness(t testing.TB) (*harness, *timedStore) {
	t.Helper()
	b := newHarness(t)
	s := &timedStore{fakeStore: b.store, keys: well, accounts: well}
	b.gate.clock = newSystemClock()
	b.gate.records.clock, b.gate.records.store, b.gate.records.breaker.shorten = b.gate.clock, s, whole
	return b, s
}

// keepKey makes a key's record fresh, so that a call reads its account's alone.
func (b *harness) keepKey(t testing.TB, n uint64) {
	t.Helper()
	b.gate.records.cache.entries[secret(t, n).Hash()].readAt = b.gate.clock.now()
}

// within makes a call that has so much time, and tells its status.
func (b *harness) within(left time.Duration, key string) int {
	deadline := time.Time{}
	if left > 0 {
		deadline = time.Now().Add(left)
	}
	answer, err := b.gate.Invoke(deadline, tileEvent(key))
	defer b.gate.AfterReply()
	switch {
	case err == nil && answer != nil:
		return 200
	case err != nil && err.Error() == "Unauthorized":
		return 401
	}
	return 503
}

// TestAnAccountsAgeCountsFromBeforeItsRead: whether it is read beside the key's record or alone, the first time or again. A
// suspension that comes while the read is under way is then seen 5 s after the read began.
func TestAnAccountsAgeCountsFromBeforeItsRead(t *testing.T) {
	for name, tt := range map[string]struct{ first, keyFresh bool }{
		"the environment's first": {first: true}, "beside the key's": {}, "alone": {keyFresh: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			b, s := timedHarness(t)
			key := b.add(t, 1, nil)
			slow := func() (time.Duration, error) { return 300 * time.Millisecond, nil }
			if !tt.first {
				b.within(0, key)
				time.Sleep(freshFor)
			}
			if tt.keyFresh {
				b.keepKey(t, 1)
			}
			s.keys, s.accounts = slow, slow
			reads := len(s.accountAt)
			if status := b.within(0, key); status != 200 || len(s.accountAt) != reads+1 {
				t.Fatalf("%s: %d, %d reads of the account", name, status, len(s.accountAt)-reads)
			}
			began := s.accountAt[reads]
			for _, at := range []struct {
				age   time.Duration
				reads int
			}{{freshFor - 1, reads + 1}, {freshFor, reads + 2}} {
				time.Sleep(time.Until(began.Add(at.age)))
				b.keepKey(t, 1)
				if b.within(0, key); len(s.accountAt) != at.reads {
					t.Errorf("%s, %v after the read began: %d reads, want %d", name, at.age, len(s.accountAt)-reads, at.reads-reads)
				}
			}
		})
	}
}

// TestWhateverFailsASuspendedAccountOpensNothing: nor is another one refused, as long as its record is young enough to serve. What
// was never read is unknown. In each way in which a read can fail, with and without the key's, and with too little time.
func TestWhateverFailsASuspendedAccountOpensNothing(t *testing.T) {
	down := func() (time.Duration, error) { return 0, errDown }
	hangs := func() (time.Duration, error) { return time.Hour, nil }
	throttled := func() (time.Duration, error) { return 0, &types.ProvisionedThroughputExceededException{} }
	panics := func() (time.Duration, error) { panic("boom") }
	for name, tt := range map[string]struct {
		keys, accounts func() (time.Duration, error)
		keyFresh       bool
		left           time.Duration // of the call; 0: enough
		open           bool          // the breaker is
		longest        time.Duration // for so long what was read is served
		waits          time.Duration // so long the call does
	}{
		"down":                                {well, down, false, 0, false, defaultOutageBound, 0},
		"down, the key is fresh":              {well, down, true, 0, false, defaultOutageBound, 0},
		"down with the key":                   {down, down, false, 0, false, defaultOutageBound, 0},
		"hanging":                             {well, hangs, false, 0, false, defaultOutageBound, time.Second},
		"hanging, the key is fresh":           {well, hangs, true, 0, false, defaultOutageBound, time.Second},
		"hanging with the key":                {hangs, hangs, false, 0, false, defaultOutageBound, time.Second},
		"throttled":                           {well, throttled, false, 0, false, defaultOutageBound, 0},
		"throttled, the key is fresh":         {well, throttled, true, 0, false, defaultOutageBound, 0},
		"throttled with the key":              {throttled, throttled, false, 0, false, defaultOutageBound, 0},
		"a panic":                             {well, panics, false, 0, true, defaultOutageBound, 0},
		"the breaker is open":                 {well, well, true, 0, true, defaultOutageBound, 0},
		"no time to ask, the key is fresh":    {well, well, true, answerMargin, false, unprovenFor, 0},
		"no time to ask again":                {well, hangs, false, 200 * time.Millisecond, false, unprovenFor, 150 * time.Millisecond},
		"no time to ask again, the key fresh": {well, hangs, true, 200 * time.Millisecond, false, unprovenFor, 150 * time.Millisecond},
	} {
		for _, suspended := range []bool{false, true} {
			for _, age := range []time.Duration{0, freshFor, unprovenFor - time.Second, unprovenFor, unprovenFor + 1, defaultOutageBound - 3*time.Second, defaultOutageBound + 1} {
				synctest.Test(t, func(t *testing.T) {
					b, s := timedHarness(t)
					key, another := b.add(t, 1, nil), b.add(t, 2, func(p *authz.Policy) { p.Account = "acc_2" })
					if suspended {
						b.suspend(time.Time{})
					}
					b.within(0, another) // so that the connection is warm
					b.within(0, key)
					its := b.gate.records.cache.accounts["acc_1"]
					if age == 0 { // never read
						*its = accountEntry{id: its.id, keys: its.keys}
					}
					time.Sleep(max(age, freshFor))
					if b.keepKey(t, 2); tt.keyFresh {
						b.keepKey(t, 1)
					} else if age > unprovenFor { // the key's own age is no matter here
						b.gate.records.cache.entries[secret(t, 1).Hash()].readAt = moment{b.gate.clock.now().wall.Add(-freshFor), b.gate.clock.now().mono - freshFor}
					}
					s.keys, s.accounts = tt.keys, tt.accounts
					if tt.open {
						br := b.gate.records.breaker
						br.open, br.openedAt, br.rest = true, b.gate.clock.now(), time.Hour
					}
					want := 200
					if suspended {
						want = 401
					}
					if age == 0 || age+tt.waits > tt.longest {
						want = 503
					}
					if status := b.within(tt.left, key); status != want {
						t.Errorf("%s, suspended %v, %v after it was read: %d, want %d", name, suspended, age, status, want)
					}
				})
			}
		}
	}
}

// TestAnAccountThatFailsAloneWaitsAlone: its pauses double up to 4 s, the breaker stays closed, and other accounts are read
// every 5 s as ever. After a success it waits for nothing.
func TestAnAccountThatFailsAloneWaitsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, s := timedHarness(t)
		sick, other := b.add(t, 1, nil), b.add(t, 2, func(p *authz.Policy) { p.Account = "acc_2" })
		b.within(0, sick)
		b.within(0, other)
		time.Sleep(freshFor)
		s.accounts = func() (time.Duration, error) { return 0, errDown }
		var gaps []time.Duration
		last := time.Time{}
		for range 20 * 4 {
			b.keepKey(t, 1)
			reads := len(s.accountAt)
			if status := b.within(0, sick); status != 200 {
				t.Fatalf("the sick account's key: %d", status)
			}
			switch n := len(s.accountAt) - reads; n {
			case 0:
			case 2: // with a new connection between
				if now := time.Now(); !last.IsZero() {
					gaps = append(gaps, now.Sub(last))
				}
				last = time.Now()
			default:
				t.Fatalf("%d attempts", n)
			}
			if b.gate.records.breaker.open {
				t.Fatal("one account opened the breaker")
			}
			time.Sleep(250 * time.Millisecond)
		}
		const ms = time.Millisecond
		for i, want := range []time.Duration{250 * ms, 500 * ms, 1000 * ms, 2000 * ms, 4000 * ms, 4000 * ms} {
			if len(gaps) <= i || gaps[i] != want {
				t.Fatalf("asked again after %v, want %v at %d", gaps, want, i)
			}
		}
		s.accounts = well
		reads := len(s.accountAt)
		if status := b.within(0, other); status != 200 || len(s.accountAt) != reads+1 {
			t.Errorf("another account: %d, %d reads", status, len(s.accountAt)-reads)
		}
		time.Sleep(longestOwnPause)
		b.keepKey(t, 1)
		b.within(0, sick)
		time.Sleep(freshFor)
		s.accounts = func() (time.Duration, error) { return 0, errDown }
		for i, want := range []int{2, 0, 2} { // as in the beginning
			b.keepKey(t, 1)
			reads = len(s.accountAt)
			if b.within(0, sick); len(s.accountAt)-reads != want {
				t.Errorf("call %d of the next failure: %d attempts, want %d", i, len(s.accountAt)-reads, want)
			}
			time.Sleep(125 * time.Millisecond)
		}
	})
}

// TestEachKindOfAnswerOfAnAccountSaysThatTheStoreIsThere: it closes the breaker, is asked for once, is told as what it is, and the
// call's usage may be reported after its answer.
func TestEachKindOfAnswerOfAnAccountSaysThatTheStoreIsThere(t *testing.T) {
	for name, tt := range map[string]struct {
		answer     error
		known      bool
		unreadable int
		status     int
	}{"a record": {nil, true, 0, 200}, "no record": {nil, false, 0, 200}, "a damaged record": {errUnreadable, true, 1, 503}} {
		for _, keyFresh := range []bool{true, false} {
			for _, open := range []bool{false, true} {
				if open && !keyFresh {
					continue // the key's read is the probe
				}
				synctest.Test(t, func(t *testing.T) {
					b, s := timedHarness(t)
					key := b.add(t, 1, nil)
					b.resume()
					b.within(0, key)
					time.Sleep(freshFor)
					if keyFresh {
						b.keepKey(t, 1)
					}
					if !tt.known {
						delete(b.store.accounts, "acc_1")
					}
					s.accounts = func() (time.Duration, error) { return 0, tt.answer }
					br := b.gate.records.breaker
					if open {
						br.open, br.openedAt, br.pause, br.rest = true, b.gate.clock.now(), time.Second, 0
						br.failing[record{hash: hashOf(9)}] = failure{at: b.gate.clock.now(), pause: time.Second, rest: time.Second}
					}
					told := &telling{}
					b.gate.recorder = told
					reads, reconnects, errs, unreadable := len(s.accountAt), b.reconnects, b.gate.metrics.storeErrors, b.gate.metrics.unreadable
					if status := b.within(0, key); status != tt.status {
						t.Errorf("%s: %d", name, status)
					}
					if n := len(s.accountAt) - reads; n != 1 {
						t.Errorf("%s: asked %d times", name, n)
					}
					if br.open || br.pause != 0 && open || open && len(br.failing) != 0 {
						t.Errorf("%s: the breaker is open %v, %d wait", name, br.open, len(br.failing))
					}
					m := &b.gate.metrics
					if m.unreadable-unreadable != tt.unreadable || m.storeErrors != errs || (b.reconnects == reconnects) == open {
						t.Errorf("%s: %d unreadable, %d errors, %d new connections", name, m.unreadable-unreadable, m.storeErrors-errs, b.reconnects-reconnects)
					}
					if told.up != 1 || told.down != 0 {
						t.Errorf("%s: reported %d times with the store there, %d times without", name, told.up, told.down)
					}
					if b.within(0, key); len(s.accountAt) != reads+1 {
						t.Errorf("%s: asked again at once", name)
					}
				})
			}
		}
	}
}

// telling counts what a recorder is told of the store.
type telling struct {
	unrecorded
	up, down int
}

func (r *telling) Report(_ moment, _ time.Time, storeUp bool) reported {
	if storeUp {
		r.up++
	} else {
		r.down++
	}
	return reported{}
}

// TestAThrottledAccountIsAskedForOnceWhereMemoryServes: and twice where what is held is too old, on the connection that there is.
func TestAThrottledAccountIsAskedForOnceWhereMemoryServes(t *testing.T) {
	for _, keyFresh := range []bool{true, false} {
		for age, want := range map[time.Duration]int{freshFor: 1, unprovenFor: 1, unprovenFor + 1: 2, time.Minute: 2} {
			synctest.Test(t, func(t *testing.T) {
				b, s := timedHarness(t)
				key := b.add(t, 1, nil)
				b.within(0, key)
				time.Sleep(age)
				if keyFresh {
					b.keepKey(t, 1)
				}
				s.accounts = func() (time.Duration, error) { return 0, &types.ProvisionedThroughputExceededException{} }
				reads := len(s.accountAt)
				if status := b.within(0, key); status != 200 || len(s.accountAt)-reads != want || b.reconnects != 0 {
					t.Errorf("%v old, key fresh %v: %d after %d attempts, want %d; %d new connections", age, keyFresh, status, len(s.accountAt)-reads, want, b.reconnects)
				}
			})
		}
	}
}

// TestAPanicOfASuspendedAccountsReadLetsNothingPass: it is asked for again, and until that succeeds what is known holds.
func TestAPanicOfASuspendedAccountsReadLetsNothingPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, s := timedHarness(t)
		key := b.add(t, 1, nil)
		b.suspend(time.Time{})
		b.within(0, key)
		time.Sleep(freshFor)
		var once sync.Once
		s.accounts = func() (time.Duration, error) {
			once.Do(func() { panic("boom") })
			return 0, nil
		}
		reads, errs := len(s.accountAt), b.gate.metrics.storeErrors
		if status := b.within(0, key); status != 401 || len(s.accountAt)-reads != 2 || b.gate.metrics.storeErrors-errs != 1 {
			t.Errorf("%d after %d attempts, %d told as failed", status, len(s.accountAt)-reads, b.gate.metrics.storeErrors-errs)
		}
	})
}

// TestAnOldAccountIsToldLikeAnOldKey: a call that was served by an account's record from memory, while the store couldn't be asked
// for it, counts once, with the record's age; of two records that are old, with the older one's.
func TestAnOldAccountIsToldLikeAnOldKey(t *testing.T) {
	const age, younger = 20 * time.Second, 7 * time.Second
	down := func() (time.Duration, error) { return 0, errDown }
	for name, tt := range map[string]struct {
		keys         func() (time.Duration, error)
		key, account time.Duration // how old their records are
	}{
		"the account alone": {well, age, age}, "with the key's": {down, age, age},
		"with the key's, which is younger": {down, younger, age}, "with the key's, which is older": {down, age, younger},
	} {
		synctest.Test(t, func(t *testing.T) {
			b, s := timedHarness(t)
			key := b.add(t, 1, nil)
			b.within(0, key)
			time.Sleep(age)
			ago := func(d time.Duration) moment {
				now := b.gate.clock.now()
				return moment{now.wall.Add(-d), now.mono - d}
			}
			b.gate.records.cache.entries[secret(t, 1).Hash()].readAt = ago(tt.key)
			b.gate.records.cache.accounts["acc_1"].readAt = ago(tt.account)
			s.keys, s.accounts = tt.keys, down
			reconnects := b.reconnects
			if status := b.within(0, key); status != 200 || b.gate.metrics.staleServes != 1 || b.gate.metrics.oldest != age {
				t.Errorf("%s: %d, %d told as old, the oldest %v", name, status, b.gate.metrics.staleServes, b.gate.metrics.oldest)
			}
			if b.reconnects != reconnects+1 {
				t.Errorf("%s: %d new connections", name, b.reconnects-reconnects)
			}
		})
	}
}

// TestAnUnreadableAccountIsNotServedFromBefore: not in an outage either, though an earlier record was good.
func TestAnUnreadableAccountIsNotServedFromBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, s := timedHarness(t)
		key := b.add(t, 1, nil)
		b.within(0, key)
		for i, answer := range []error{errUnreadable, errDown, errDown, nil} {
			time.Sleep(freshFor)
			s.accounts = func() (time.Duration, error) { return 0, answer }
			want := 503
			if answer == nil {
				want = 200
			}
			if status := b.within(0, key); status != want {
				t.Errorf("read %d (%v): %d, want %d", i, answer, status, want)
			}
		}
	})
}

// TestNothingOfACallRunsOnBehindItsAnswer: the read of an account that was begun beside a key's is over when the caller has the answer,
// whatever the key's read said. Between calls the environment is frozen, and a read that is thawed much later would
// tell its connection's death to the wrong call.
func TestNothingOfACallRunsOnBehindItsAnswer(t *testing.T) {
	for name, then := range map[string]struct {
		change func(*harness, *timedStore)
		status int
	}{
		"the key is gone": {func(b *harness, _ *timedStore) { delete(b.store.policies, secret(t, 1).Hash()) }, 401},
		"it can't be read": {func(_ *harness, s *timedStore) {
			s.keys = func() (time.Duration, error) { return 0, errUnreadable }
		}, 503},
		"it is revoked": {func(b *harness, _ *timedStore) {
			p := b.store.policies[secret(t, 1).Hash()]
			p.RevokedAt = time.Now().Add(-time.Hour)
			b.store.policies[p.Hash] = p
		}, 401},
		"the store is down": {func(_ *harness, s *timedStore) {
			s.keys = func() (time.Duration, error) { return 0, errDown }
		}, 200},
	} {
		synctest.Test(t, func(t *testing.T) {
			b, s := timedHarness(t)
			key := b.add(t, 1, nil)
			b.within(0, key)
			time.Sleep(freshFor)
			then.change(b, s)
			s.accounts = func() (time.Duration, error) { return 200 * time.Millisecond, nil }
			began := time.Now()
			if status := b.within(0, key); status != then.status {
				t.Errorf("%s: %d, want %d", name, status, then.status)
			}
			if took := time.Since(began); len(s.accountAt) < 2 || took < 200*time.Millisecond {
				t.Errorf("%s: the answer came after %v, %d reads of the account", name, took, len(s.accountAt))
			}
		})
	}
}

// TestACallWhoseAccountCantBeReadReportsBeforeItsAnswer: behind it, an environment that waits for the store would be busy without a
// caller, and the next call would go to one that knows no key.
func TestACallWhoseAccountCantBeReadReportsBeforeItsAnswer(t *testing.T) {
	for name, accounts := range map[string]func() (time.Duration, error){
		"down":    func() (time.Duration, error) { return 0, errDown },
		"hanging": func() (time.Duration, error) { return time.Hour, nil },
	} {
		synctest.Test(t, func(t *testing.T) {
			b, s := timedHarness(t)
			key := b.add(t, 1, nil)
			b.within(0, key)
			time.Sleep(freshFor)
			b.keepKey(t, 1)
			told := &telling{}
			b.gate.recorder, s.accounts = told, accounts
			if status := b.within(0, key); status != 200 || told.up != 0 || told.down != 1 {
				t.Errorf("%s: %d, reported %d times before the answer, %d times behind it", name, status, told.down, told.up)
			}
		})
	}
}

// slowLimiter admits each call after some time.
type slowLimiter struct{ began []time.Time }

func (l *slowLimiter) Admit(context.Context, *limits) admission {
	l.began = append(l.began, time.Now())
	time.Sleep(100 * time.Millisecond)
	return admission{Admitted: true}
}

func (*slowLimiter) GiveBack(*limits, admission) {}

// TestAnAccountIsReadBesideALeaseButForTheFirst: an environment's first read waits for the connection that there is; later ones begin
// with the lease and cost the call no time of their own.
func TestAnAccountIsReadBesideALeaseButForTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, s := timedHarness(t)
		limiter := &slowLimiter{}
		b.gate.limiter = limiter
		key, another := b.add(t, 1, nil), b.add(t, 2, func(p *authz.Policy) { p.Account = "acc_2" })
		s.accounts = func() (time.Duration, error) { return 60 * time.Millisecond, nil }
		for i, tt := range []struct {
			key  string
			took time.Duration
			late time.Duration // the account is asked for so long after the lease
		}{{key, 160 * time.Millisecond, 100 * time.Millisecond}, {another, 100 * time.Millisecond, 0}} {
			began := time.Now()
			status := b.within(0, tt.key)
			if took := time.Since(began); status != 200 || took != tt.took || s.accountAt[i].Sub(limiter.began[i]) != tt.late {
				t.Errorf("call %d: %d after %v, its account asked for %v after the lease", i, status, took, s.accountAt[i].Sub(limiter.began[i]))
			}
		}
	})
}
