package gates

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"latchkey/infra/e2e/othergate"
	"latchkey/shared/keytest"
)

const environments = 16

// admission is a call that was let through, at some moment between its two times.
type admission struct{ sent, answered time.Duration }

// load calls from all environments at a rate together, for a while, and returns what was admitted.
func load(t *testing.T, all []*environment, event []byte, rate float64, length time.Duration) (admitted []admission, calls int) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	began := time.Now()
	apart := time.Duration(float64(len(all)) / rate * float64(time.Second))
	for i, e := range all {
		wg.Go(func() {
			var mine []admission
			n := 0
			// The environments' calls are spread over the time between two of one.
			for due := apart * time.Duration(i) / time.Duration(len(all)); due < length; due = max(due+apart, time.Since(began)-apart) {
				wait(t.Context(), due-time.Since(began))
				sent := time.Since(began)
				if sent >= length {
					break
				}
				ok, err := e.call(event)
				if err != nil {
					t.Errorf("environment %d: %v", i, err)
					return
				}
				n++
				if ok {
					mine = append(mine, admission{sent, time.Since(began)})
				}
			}
			mu.Lock()
			defer mu.Unlock()
			admitted, calls = append(admitted, mine...), calls+n
		})
	}
	wg.Wait()
	return admitted, calls
}

// over looks for an interval of whole seconds in which more was admitted for certain than the guarantee allows, and
// says which. Calls that may have been admitted before or after an interval aren't held against it.
func over(admitted []admission, limit int, length time.Duration) string {
	sent, answered := make([]time.Duration, len(admitted)), make([]time.Duration, len(admitted))
	for i, a := range admitted {
		sent[i], answered[i] = a.sent, a.answered
	}
	slices.Sort(sent)
	slices.Sort(answered)
	more := 1
	if limit > 100 {
		more = 2
	}
	for seconds := 1; time.Duration(seconds-1)*time.Second < length; seconds++ {
		for before, from := range sent { // so many were sent before, and nearly all of them answered before the end
			until, _ := slices.BinarySearch(answered, from+time.Duration(seconds)*time.Second)
			if n := until - before; n > limit*(seconds+more) {
				return fmt.Sprintf("%d calls in %d s from %v on, at most %d are allowed", n, seconds, from, limit*(seconds+more))
			}
		}
	}
	return ""
}

func TestOverFindsWhatIsTooMuch(t *testing.T) {
	burst := func(at time.Duration, n int) []admission { return slices.Repeat([]admission{{at, at}}, n) }
	fair := slices.Concat(burst(0, 5), burst(time.Second, 5), burst(2*time.Second, 5))
	if why := over(fair, 5, 3*time.Second); why != "" {
		t.Error(why)
	}
	if over(append(fair, burst(500*time.Millisecond, 6)...), 5, 3*time.Second) == "" {
		t.Error("16 calls in two seconds and 11 in one go through at limit 5")
	}
}

// TestSixteenProcessesKeepALimitTogether is the guarantee on the deployed program and a real engine. Its gates have more time for a write: one
// that a busy machine keeps from the engine for 300 ms would suspend the bound, as it may.
func TestSixteenProcessesKeepALimitTogether(t *testing.T) {
	limits, loads, length := []int{50}, []float64{2}, 3*time.Second
	if keytest.Deep() {
		limits, loads, length = []int{5, 50, 1000}, []float64{0.9, 1, 2, 10}, 10*time.Second
	}
	gate, err := othergate.Build("../../..", t.TempDir(), "{}", filepath.Join(t.TempDir(), "never ahead"))
	if err != nil {
		t.Fatal(err)
	}
	tab := newTable(t)
	tab.bootstrap = gate
	all := make([]*environment, environments)
	for i := range all {
		all[i] = tab.start(t)
	}
	_, warm := tab.key(t, 1_000_000)
	load(t, all, warm, 500, 500*time.Millisecond)
	for _, limit := range limits {
		for _, times := range loads {
			t.Run(fmt.Sprintf("limit %d load %gx", limit, times), func(t *testing.T) {
				_, event := tab.key(t, limit)
				leases := tab.leases.Load()
				admitted, calls := load(t, all, event, times*float64(limit), length)
				leases = tab.leases.Load() - leases
				share := float64(len(admitted)) / (float64(limit) * length.Seconds())
				offered := float64(calls) / (float64(limit) * length.Seconds())
				perCall := float64(leases) / float64(max(len(admitted), 1))
				t.Logf("offered %.2fx in %d calls, %.1f %% of the limit used, %.3f lease writes per admitted call", offered, calls, 100*share, perCall)
				if why := over(admitted, limit, length); why != "" {
					t.Error(why)
				}
				if saturated := offered >= 1.5; saturated && limit >= 50 && share < 0.97 {
					t.Errorf("only %.1f %% of the limit used", 100*share)
				}
				if limit >= 1000 && perCall > 0.05 {
					t.Errorf("%.3f lease writes per admitted call", perCall)
				}
			})
		}
	}
}
