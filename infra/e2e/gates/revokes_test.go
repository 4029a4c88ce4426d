package gates

import (
	"math/rand/v2"
	"testing"
	"time"

	"latchkey/shared/authz"
	"latchkey/shared/keytest"
)

// TestProcessesObeyEveryRevokeWithinTenSeconds is the promise on the deployed program, a real engine and real time.
func TestProcessesObeyEveryRevokeWithinTenSeconds(t *testing.T) {
	envs, revokes, length := 4, 40, 2*time.Second
	if keytest.Deep() {
		envs, revokes, length = environments, 1000, 2*time.Minute
	}
	tab := newTable(t)
	random := rand.New(rand.NewPCG(3, 3)) //nolint:gosec // moments, no secrets
	ends := make([]ending, revokes)
	for i := range ends {
		policy, event := newPolicy(t, 1_000_000)
		tab.write(t, policy)
		ends[i] = ending{at: time.Duration(random.Int64N(int64(length))), keys: []*doomed{{event: event}}, end: func() { tab.revoke(t, policy) }}
	}
	tab.obeyed(t, envs, ends)
}

// revoke writes what a revoke of a key changes for the gate.
func (tab *table) revoke(t *testing.T, policy authz.Policy) {
	t.Helper()
	policy.RevokedAt, policy.Version = time.Now(), 2
	tab.write(t, policy)
}
