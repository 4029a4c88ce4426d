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
// middle of it. Both hang on what AWS's runtime client does at the end of a call, which no unit test shows.
func TestAReportComesAfterItsAnswerAndBeforeTheNextCall(t *testing.T) {
	tab := newTable(t)
	_, event := tab.key(t, 1_000_000)
	var d diary
	tab.around = func(operation string, forward func()) {
		d.note(operation)
		if operation == "PutItem" {
			wait(t.Context(), 100*time.Millisecond) // a client that goes on meanwhile is seen to
		}
		forward()
		d.note(operation + " done")
	}
	e := tab.start(t)
	e.diary = &d
	for range 2 {
		if admitted, err := e.call(event); err != nil || !admitted {
			t.Fatalf("admitted %v, %v", admitted, err)
		}
	}
	want := []string{
		"GetItem", "GetItem done", "UpdateItem", "UpdateItem done", "response", "PutItem", "PutItem done", "next",
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	got := d.lines[1:] // behind the first "next"
	if !slices.Equal(got[:min(len(got), len(want))], want) {
		t.Errorf("in order:\n%q, want\n%q", got, want)
	}
}
