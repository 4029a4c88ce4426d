package gates

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// diary notes what an environment did, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

// The caller of a call that finds a report due must not wait for it, and Lambda must not freeze the environment in the
// middle of it. This holds the built binary to that order.
func TestAReportComesAfterItsAnswerAndBeforeTheNextCall(t *testing.T) {
	tab := newTable(t)
	_, admitted := tab.key(t, 1_000_000)
	policy, refused := newPolicy(t, 1_000_000)
	policy.RevokedAt = time.Now()
	tab.write(t, policy)
	for name, tt := range map[string]struct {
		event []byte
		want  []string
	}{
		"admitted": {admitted, []string{"next", "GetItem", "UpdateItem", "response", "PutItem", "PutItem done", "next"}},
		"refused":  {refused, []string{"next", "GetItem", "error", "PutItem", "PutItem done", "next"}},
	} {
		lines := tab.firstCall(t, tt.event)
		// The account's record is read beside the lease, so before or after it, and before the answer.
		second := slices.Index(lines[2:], "GetItem") + 2
		answered := slices.IndexFunc(lines, func(line string) bool { return line == "response" || line == "error" })
		if second < 2 || second > answered {
			t.Errorf("%s, in order:\n%q, without the account's record before the answer", name, lines)
			continue
		}
		if got := slices.Delete(lines, second, second+1); !slices.Equal(got[:min(len(got), len(tt.want))], tt.want) {
			t.Errorf("%s, in order:\n%q, want\n%q", name, got, tt.want)
		}
	}
}

// firstCall starts an environment, makes a call and another one, and tells what happened in which order.
func (tab *table) firstCall(t *testing.T, event []byte) []string {
	t.Helper()
	var d diary
	tab.around = func(operation string, forward func()) {
		d.note(operation)
		if operation == "PutItem" {
			wait(t.Context(), 100*time.Millisecond) // a client that continues is seen to
		}
		forward()
		if operation == "PutItem" {
			d.note("PutItem done")
		}
	}
	e := tab.start(t)
	e.diary = &d
	for range 2 {
		if _, err := e.call(event); err != nil {
			t.Fatal(err)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.lines)
}
