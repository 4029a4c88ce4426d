package gates

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/infra/e2e/othergate"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/keytest"
)

// TestProcessesKeepAQuotaTogether: real gates on the real engine, which are killed with what they hold, end in order and stop over
// midnight, with calls that came before and are decided after it, never let more calls through in a day than the account's quota, nor in both than its month's, nor more of a key than its daily cap, and
// what they took is never less than what they let through. On the day after both are served again, as far as the month's quota goes.
func TestProcessesKeepAQuotaTogether(t *testing.T) {
	processes, quota, kills, calls := 4, 300, 6, 900
	if keytest.Deep() {
		processes, quota, kills, calls = 16, 20_000, 100, 40_000
	}
	month := quota * 19 / 10 // what the first day leaves of it binds the second
	ahead := filepath.Join(t.TempDir(), "ahead")
	gate, err := othergate.Build("../../..", t.TempDir(), fmt.Sprintf(`{"evaluation":{"tiles":{"day":%d,"month":%d}}}`, quota, month), ahead)
	if err != nil {
		t.Fatal(err)
	}
	tab := newTable(t)
	tab.bootstrap = gate
	limit := int64(quota / 3) // of the first key
	var keys [2]authz.Policy
	var events [2][]byte
	for i := range keys {
		keys[i], events[i] = newPolicy(t, 10_000)
		keys[i].Account, keys[i].BillingType = keys[0].Account, apikey.Evaluation
	}
	keys[0].Caps = apikey.Caps{{Group: "tiles", Day: limit}}
	for _, k := range keys {
		tab.write(t, k)
	}

	now, skipped := time.Now().UTC(), 0
	if now.AddDate(0, 0, 1).Day() == 1 { // both days have to be of one month
		skipped = 1
		setAhead(t, ahead, 24)
	}
	today := now.AddDate(0, 0, skipped)
	first := &quotaDay{tab: tab, name: "day 1", events: events, calls: int64(calls), kills: int64(kills)}
	environments := make([]*environment, processes)
	for i := range environments {
		environments[i] = tab.start(t)
	}
	first.run(t, environments)
	// Midnight, while some of them stand still with what they hold and with a call each that came the day before. They go on when the others have made half
	// of the next day's calls.
	second := &quotaDay{tab: tab, name: "day 2", events: events, calls: int64(calls)}
	stopped := environments[:processes/2]
	for _, e := range stopped {
		e.timeout = time.Hour // they answer when they go on
		_ = e.cmd.Process.Signal(syscall.SIGSTOP)
	}
	second.resume = func() {
		for _, e := range stopped {
			_ = e.cmd.Process.Signal(syscall.SIGCONT)
		}
	}
	second.before = func() {
		setAhead(t, ahead, 24*(1+skipped))
	}
	second.waiting = len(stopped)
	second.run(t, environments)
	for _, e := range environments {
		e.end()
	}
	if time.Now().UTC().Day() != now.Day() {
		t.Skip("DID NOT RUN: a real midnight has passed meanwhile")
	}
	account := string(keys[0].Account) + "#evaluation#tiles"
	left := int64(month) - tab.taken(t, account, today, today.Format("d02"))
	if n := tab.taken(t, account, today, "m"); n > int64(month) || left > int64(quota) {
		t.Errorf("%d taken of %d in the month, %d left for the second day", n, month, left)
	}
	for i, day := range []*quotaDay{first, second} {
		date, most := today.AddDate(0, 0, i), []int64{int64(quota), min(int64(quota), left)}[i]
		for _, bound := range []struct {
			of          string
			most        int64
			item        string
			served      int64
			wholeIsUsed bool
		}{
			{"the account's quota", most, account, day.served[0].Load() + day.served[1].Load(), day.kills == 0},
			{"the key's cap", limit, string(keys[0].KeyID) + "##tiles", day.served[0].Load(), day.kills == 0},
		} {
			taken := tab.taken(t, bound.item, date, date.Format("d02"))
			t.Logf("day %d, %s: %d calls, %d served of %d, %d taken, %d killed", i+1, bound.of, day.made.Load(), bound.served, bound.most, taken, day.killed.Load())
			if bound.served > bound.most || taken > bound.most || bound.served > taken {
				t.Errorf("day %d, %s: %d served and %d taken of %d", i+1, bound.of, bound.served, taken, bound.most)
			}
			if bound.wholeIsUsed && bound.served != bound.most {
				t.Errorf("day %d, %s: %d served of %d, and nobody was killed", i+1, bound.of, bound.served, bound.most)
			}
		}
	}
	if n := second.delayed.Load(); n != int64(len(stopped)) {
		t.Errorf("%d of %d calls that came to stopped processes were answered", n, len(stopped))
	}
	if served := first.served[0].Load() + first.served[1].Load(); first.killed.Load() == 0 || served < int64(quota)*4/5 {
		t.Errorf("%d killed, %d served of %d", first.killed.Load(), served, quota)
	}
}

// setAhead puts the gates' clocks so many hours ahead, at one moment: a gate that read half a file would decide by today's clock.
func setAhead(t *testing.T, file string, hours int) {
	t.Helper()
	next := file + ".next"
	err := os.WriteFile(next, fmt.Appendf(nil, "%dh", hours), 0o600)
	if err == nil {
		err = os.Rename(next, file)
	}
	if err != nil {
		t.Error(err)
	}
}

// quotaDay makes the calls of a day, of both keys alike, one worker for each environment.
type quotaDay struct {
	tab          *table
	name         string
	events       [2][]byte
	calls, kills int64
	made, killed atomic.Int64
	served       [2]atomic.Int64 // of each key
	// Of environments that are stopped: so many of the first wait with a call before the day begins, and go on in its middle.
	waiting        int
	before, resume func()
	delayed        atomic.Int64 // calls that came before the day began
}

func (d *quotaDay) run(t *testing.T, environments []*environment) {
	t.Helper()
	var group, handed sync.WaitGroup
	handed.Add(d.waiting)
	begun, half, began := make(chan struct{}), sync.Once{}, time.Now()
	for i := range environments {
		group.Go(func() {
			if i < d.waiting {
				d.made.Add(1)
				handed.Done() // and the runtime's answer to it stays away
				d.one(environments[i])
				d.delayed.Add(1)
			}
			<-begun
			for n := d.made.Add(1); n <= d.calls; n = d.made.Add(1) {
				if n%(d.calls/6) == 0 {
					t.Logf("%s: %d of %d calls after %v, %d served, %d killed", d.name, n, d.calls, time.Since(began).Round(time.Second), d.served[0].Load()+d.served[1].Load(), d.killed.Load())
				}
				if d.resume != nil && n >= d.calls/2 {
					half.Do(d.resume)
				}
				if rand.N(d.calls) < 3*d.kills && d.killed.Load() < d.kills { //nolint:gosec // a test
					environments[i] = d.replace(t, environments[i])
				}
				d.one(environments[i])
			}
		})
	}
	handed.Wait()
	if d.before != nil {
		d.before()
	}
	close(begun)
	group.Wait()
}

// one makes a call of one of the keys.
func (d *quotaDay) one(e *environment) {
	key := rand.IntN(len(d.events)) //nolint:gosec // a test
	if admitted, err := e.call(d.events[key]); err == nil && admitted {
		d.served[key].Add(1)
	}
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

// taken reads what was taken out of a quota, by the name of the sum in the item of a day's month.
func (tab *table) taken(t *testing.T, item string, day time.Time, sum string) int64 {
	t.Helper()
	out, err := tab.db.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: &tab.names.Quotas, ConsistentRead: aws.Bool(true),
		Key: dynamo.Item{"pk": dynamo.S(item), "sk": dynamo.S(day.Format("2006-01"))},
	})
	if err != nil {
		t.Fatal(err)
	}
	n, _ := dynamo.GetN(out.Item, sum)
	return n
}
