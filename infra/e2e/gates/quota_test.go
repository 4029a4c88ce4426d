package gates

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/infra/e2e/othergate"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/keytest"
)

// TestProcessesKeepAQuotaTogether: real gates on the real engine, which are killed with what they hold, end in order and stop over
// midnight, never let more calls through in a day than the quota, and what they took is never less than what they let through.
func TestProcessesKeepAQuotaTogether(t *testing.T) {
	processes, quota, kills := 4, 300, 6
	if keytest.Deep() {
		processes, quota, kills = 16, 20_000, 100
	}
	ahead := filepath.Join(t.TempDir(), "ahead")
	gate, err := othergate.Build("../../..", t.TempDir(), `{"evaluation":{"tiles":{"day":`+strconv.Itoa(quota)+`}}}`, ahead)
	if err != nil {
		t.Fatal(err)
	}
	tab := newTable(t)
	tab.bootstrap = gate
	policy, event := newPolicy(t, 10_000)
	policy.BillingType = apikey.Evaluation
	tab.write(t, policy)

	today := time.Now().UTC()
	first := &quotaDay{tab: tab, event: event, calls: int64(2 * quota), kills: int64(kills)}
	environments := make([]*environment, processes)
	for i := range environments {
		environments[i] = tab.start(t)
	}
	first.run(t, environments)
	// Midnight, while one of them stands still with what it holds.
	stopped := environments[0]
	_ = stopped.cmd.Process.Signal(syscall.SIGSTOP)
	if err := os.WriteFile(ahead, []byte("24h"), 0o600); err != nil {
		t.Fatal(err)
	}
	_ = stopped.cmd.Process.Signal(syscall.SIGCONT)
	second := &quotaDay{tab: tab, event: event, calls: int64(2 * quota)}
	second.run(t, environments)
	for _, e := range environments {
		_ = e.cmd.Process.Signal(syscall.SIGTERM)
		<-e.gone
	}
	if time.Now().UTC().Day() != today.Day() {
		t.Skip("DID NOT RUN: a real midnight has passed meanwhile")
	}
	for i, day := range []*quotaDay{first, second} {
		date := today.AddDate(0, 0, i)
		taken := tab.taken(t, "evaluation", string(policy.Account), date)
		served := day.served.Load()
		t.Logf("day %d: %d calls, %d served of %d, %d taken, %d killed", i+1, day.made.Load(), served, quota, taken, day.killed.Load())
		if served > int64(quota) || taken > int64(quota) || served > taken {
			t.Errorf("day %d: %d served and %d taken of %d", i+1, served, taken, quota)
		}
		if day.kills == 0 && served != int64(quota) {
			t.Errorf("day %d: %d served of %d, and nobody was killed", i+1, served, quota)
		}
	}
	if first.killed.Load() == 0 || first.served.Load() < int64(quota)*4/5 {
		t.Errorf("%d killed, %d served of %d", first.killed.Load(), first.served.Load(), quota)
	}
}

// quotaDay makes the calls of a day, one worker for each environment.
type quotaDay struct {
	tab                  *table
	event                []byte
	calls, kills         int64
	made, served, killed atomic.Int64
}

func (d *quotaDay) run(t *testing.T, environments []*environment) {
	t.Helper()
	var group sync.WaitGroup
	for i := range environments {
		group.Go(func() {
			for d.made.Add(1) <= d.calls {
				if rand.N(d.calls) < 3*d.kills && d.killed.Load() < d.kills { //nolint:gosec // a test
					environments[i] = d.replace(t, environments[i])
				}
				if admitted, err := environments[i].call(d.event); err == nil && admitted {
					d.served.Add(1)
				}
			}
		})
	}
	group.Wait()
}

// replace ends an environment, every other time without a warning.
func (d *quotaDay) replace(t *testing.T, e *environment) *environment {
	if d.killed.Add(1)%2 == 0 {
		_ = e.cmd.Process.Signal(syscall.SIGTERM)
	} else {
		_ = e.cmd.Process.Kill()
	}
	<-e.gone
	return d.tab.start(t)
}

// taken reads what was taken out of the quota for tiles on a day.
func (tab *table) taken(t *testing.T, billing, account string, day time.Time) int64 {
	t.Helper()
	out, err := tab.db.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: &tab.names.Quotas, ConsistentRead: aws.Bool(true),
		Key: dynamo.Item{"pk": dynamo.S(account + "#" + billing + "#tiles"), "sk": dynamo.S(day.Format("2006-01"))},
	})
	if err != nil {
		t.Fatal(err)
	}
	n, _ := dynamo.GetN(out.Item, "d"+day.Format("02"))
	return n
}
