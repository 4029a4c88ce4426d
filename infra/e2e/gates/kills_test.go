package gates

import (
	"errors"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/reports"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
)

// counted reads what the environments have reported of each key: the largest value of each environment and hour.
func (tab *table) counted(t *testing.T) map[apikey.ID]int64 {
	t.Helper()
	type cell struct {
		environment string
		subject     usage.Subject
		hour        usage.Hour
	}
	largest := map[cell]int64{}
	pages := dynamodb.NewScanPaginator(tab.db, &dynamodb.ScanInput{TableName: &tab.names.Slices})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			report, err := reports.Decode(item)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range report.Entries {
				at := cell{report.Environment, e.Subject, e.Hour}
				largest[at] = max(largest[at], e.Counts["c:c:allowed"])
			}
		}
	}
	sums := map[apikey.ID]int64{}
	for at, n := range largest {
		sums[at.subject.Key] += n
	}
	return sums
}

// life is one environment's calls until its end.
type life struct {
	key      apikey.ID
	answered []time.Time
	ended    time.Time
}

// live calls an environment of its own key until it ends: some time after its start it gets a signal.
func (tab *table) live(t *testing.T, signal syscall.Signal, after time.Duration) life {
	key, event := tab.key(t, 1_000_000)
	e := tab.start(t)
	l := life{key: key}
	killed := make(chan time.Time, 1)
	if signal == syscall.SIGKILL {
		time.AfterFunc(after, func() {
			killed <- time.Now()
			_ = e.cmd.Process.Signal(signal)
		})
	}
	for began := time.Now(); signal == syscall.SIGKILL || time.Since(began) < after; wait(t.Context(), 10*time.Millisecond) {
		_, err := e.call(event)
		if errors.Is(err, errGone) {
			l.ended = <-killed
			return l
		}
		if err != nil {
			t.Errorf("call: %v", err)
			return l
		}
		l.answered = append(l.answered, time.Now())
	}
	_ = e.cmd.Process.Signal(signal) // between two calls, as Lambda does
	<-e.gone
	l.ended = time.Now()
	return l
}

// due returns the number of answered calls that must have been reported: all but those of the last 5 s, counted from
// the longest pause between two calls, in which no call could report.
func (l life) due() (n int) {
	pause, last := time.Duration(0), l.ended
	for i := len(l.answered) - 1; i >= 0; i-- {
		pause, last = max(pause, last.Sub(l.answered[i])), l.answered[i]
	}
	for _, at := range l.answered {
		if at.Before(l.ended.Add(-usage.ReportEvery - pause)) {
			n++
		}
	}
	return n
}

// TestAKilledProcessLosesAtMostItsLastFiveSecondsAndAnEndedOneNothing kills authorizers at random moments.
func TestAKilledProcessLosesAtMostItsLastFiveSecondsAndAnEndedOneNothing(t *testing.T) {
	kills, atOnce, longest := 10, 12, 7*time.Second
	if keytest.Deep() {
		kills, longest = 200, 14*time.Second
	}
	tab := newTable(t)
	random := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // moments, no secrets
	lives := make([]life, kills+kills/5)
	signals := make([]syscall.Signal, len(lives))
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i := range lives {
		signals[i] = syscall.SIGKILL
		if i >= kills {
			signals[i] = syscall.SIGTERM
		}
		after := longest/10 + time.Duration(random.Int64N(int64(longest*9/10)))
		slots <- struct{}{}
		wg.Go(func() {
			lives[i] = tab.live(t, signals[i], after)
			<-slots
		})
	}
	wg.Wait()
	sums := tab.counted(t)
	lost, calls := 0, 0
	for i, l := range lives {
		n, made := int(sums[l.key]), len(l.answered)
		switch {
		case signals[i] == syscall.SIGTERM && n != made:
			t.Errorf("an environment that was ended reported %d of %d calls", n, made)
		case n > made+1: // the call in hand may be counted without an answer
			t.Errorf("%d calls are reported of %d", n, made)
		case n < l.due():
			t.Errorf("%d calls are reported of %d, %d were due 5 s before the end", n, made, l.due())
		}
		lost, calls = lost+max(made-n, 0), calls+made
	}
	t.Logf("%d kills, %d orderly ends: %d of %d calls lost", kills, len(lives)-kills, lost, calls)
}
