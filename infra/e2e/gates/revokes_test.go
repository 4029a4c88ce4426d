package gates

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/shared/authz"
	"latchkey/shared/keytest"
)

// promise bounds the time from a revoke's acknowledgement until every environment that can read the store obeys it.
const promise = 10 * time.Second

// doomed is a key that is revoked at some moment, while all environments use it.
type doomed struct {
	policy    authz.Policy
	event     []byte
	at        time.Duration // since the start
	revokedAt atomic.Int64  // when that was acknowledged; 0: not yet
	admitted  atomic.Int64  // calls before that
}

// used reports whether the key is called at a moment: for some seconds before its revoke and beyond the promise.
func (d *doomed) used(now time.Duration) bool {
	return now > d.at-6*time.Second && now < d.at+promise+2*time.Second
}

// TestProcessesObeyEveryRevokeWithinTenSeconds is the promise on the deployed program, a real engine and real time.
func TestProcessesObeyEveryRevokeWithinTenSeconds(t *testing.T) {
	envs, revokes, length := 4, 40, 2*time.Second
	if keytest.Deep() {
		envs, revokes, length = environments, 1000, 2*time.Minute
	}
	tab := newTable(t)
	random := rand.New(rand.NewPCG(3, 3)) //nolint:gosec // moments, no secrets
	keys := make([]*doomed, revokes)
	for i := range keys {
		policy, event := newPolicy(t, 1_000_000)
		tab.write(t, policy)
		keys[i] = &doomed{policy: policy, event: event, at: time.Second + time.Duration(random.Int64N(int64(length)))}
	}
	slices.SortFunc(keys, func(a, b *doomed) int { return int(a.at - b.at) })
	began := time.Now()
	var wg sync.WaitGroup
	wg.Go(func() {
		for _, d := range keys {
			wait(t.Context(), d.at-time.Since(began))
			d.policy.RevokedAt, d.policy.Version = time.Now(), 2
			tab.write(t, d.policy)
			d.revokedAt.Store(int64(time.Since(began)))
		}
	})
	var slowest, calls, failed atomic.Int64
	for i := range envs {
		e := tab.start(t)
		wg.Go(func() {
			end := began.Add(length + promise + 3*time.Second)
			idle := 0
			for n := i; time.Now().Before(end); n++ {
				d := keys[n%len(keys)]
				sent := time.Since(began)
				if !d.used(sent) {
					if idle++; idle >= len(keys) {
						wait(t.Context(), 10*time.Millisecond)
						idle = 0
					}
					continue
				}
				idle = 0
				// What was acknowledged before the call was sent is held against its answer.
				revoked := time.Duration(d.revokedAt.Load())
				ok, err := e.call(d.event)
				if errors.Is(err, errFailed) { // this machine's processors are busy enough for a read to take a second
					failed.Add(1)
					continue
				}
				if err != nil {
					t.Errorf("environment %d: %v", i, err)
					return
				}
				calls.Add(1)
				switch {
				case ok && revoked == 0:
					d.admitted.Add(1)
				case ok:
					raise(&slowest, int64(sent-revoked))
				case time.Since(began) < d.at:
					t.Errorf("environment %d refuses a key before it is revoked", i)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d processes, %d revokes, %d calls, %d answered with 503: the slowest was obeyed after %v",
		envs, revokes, calls.Load(), failed.Load(), time.Duration(slowest.Load()))
	if failed.Load() > calls.Load()/100 {
		t.Errorf("%d calls were answered with 503", failed.Load())
	}
	if time.Duration(slowest.Load()) > promise {
		t.Error("that is too late")
	}
	if slowest.Load() == 0 {
		t.Error("no environment held a key in its memory: the test is empty")
	}
	for _, d := range keys {
		if d.admitted.Load() == 0 {
			t.Errorf("a key was never admitted before its revoke at %v", d.at)
		}
	}
}

// raise makes the value at least n.
func raise(value *atomic.Int64, n int64) {
	for old := value.Load(); n > old && !value.CompareAndSwap(old, n); old = value.Load() {
	}
}
