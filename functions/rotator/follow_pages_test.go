package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/qps"
)

// leavings has operations and requests by name, two to a page, and notes the order in which it is asked for them. What a
// name ends in says what comes of it.
type leavings struct {
	store
	names []string
	asked []string
	fails error // of the lists
}

func (l *leavings) page(after string) (names []string, next string) {
	from := 0
	if after != "" {
		from, _ = strconv.Atoi(after)
	}
	to := min(from+2, len(l.names))
	if to < len(l.names) {
		next = strconv.Itoa(to)
	}
	return l.names[from:to], next
}

func (l *leavings) RunningOperations(_ context.Context, after string, _ int) (page control.OperationPage, _ error) {
	names, next := l.page(after)
	for _, name := range names {
		o := control.Operation{ID: name, Status: control.Running}
		if strings.HasSuffix(name, "was over") { // but for a key that can't be read
			o.Status, o.Unreadable = control.Done, 1
		}
		page.Operations = append(page.Operations, o)
	}
	page.Next = next
	return page, l.fails
}

func (l *leavings) ContinueType(_ context.Context, o control.Operation, _ time.Time, _ func() bool, _ control.RowMaker) (control.Operation, error) {
	l.asked = append(l.asked, "operation "+o.ID)
	if strings.HasSuffix(o.ID, "fails") {
		return o, keytest.ErrInjected
	}
	if strings.HasSuffix(o.ID, "done") {
		o.Status = control.Done
	}
	return o, nil
}

func (l *leavings) OpenRequests(_ context.Context, after string, _ int) (page control.RequestPage, _ error) {
	names, next := l.page(after)
	for _, name := range names {
		page.Requests = append(page.Requests, qps.Request{ID: qps.RequestID(name)})
	}
	page.Next = next
	return page, l.fails
}

func (l *leavings) EndObsolete(_ context.Context, r qps.Request, _ bool, _ time.Time, _ audit.Row) (bool, error) {
	l.asked = append(l.asked, "request "+string(r.ID))
	if strings.HasSuffix(string(r.ID), "fails") {
		return false, keytest.ErrInjected
	}
	return strings.HasSuffix(string(r.ID), "done"), nil
}

// TestAllThatOthersLeftIsGoneOnWith: on every page, whatever came of the one before, and counted by what came of it. The log names what
// failed, and nothing else.
func TestAllThatOthersLeftIsGoneOnWith(t *testing.T) {
	h := newHarness(t)
	r := h.well()
	l := &leavings{store: r.store, names: []string{"1 done", "2 stays", "3 fails", "4 done", "5 stays", "6 done", "7 fails", "8 was over"}}
	r.store = l
	var got tally
	r.follow(t.Context(), &got)
	var want []string
	for _, kind := range []string{"operation", "request"} {
		for _, name := range l.names {
			want = append(want, kind+" "+name)
		}
	}
	if !slices.Equal(l.asked, want) {
		t.Errorf("asked for %q, want %q", l.asked, want)
	}
	if counted := fmt.Sprint(got.Operations, got.Requests, got.Unfollowed, got.Failed, got.Keys); counted != "3 3 4 0 0" {
		t.Errorf("operations, requests, failed, keys: %s", counted)
	}
	for _, name := range l.names {
		for _, field := range []string{"operation_id", "request_id"} {
			if named := strings.Contains(h.out.String(), fmt.Sprintf("%q:%q", field, name)); named != strings.HasSuffix(name, "fails") {
				t.Errorf("%s, %s: in the log: %v", field, name, named)
			}
		}
	}
}

// TestAListOfWhatOthersLeftThatFailsIsSaid: in the log, and as a failure of the run, once for each list.
func TestAListOfWhatOthersLeftThatFailsIsSaid(t *testing.T) {
	h := newHarness(t)
	r := h.well()
	r.store = &leavings{store: r.store, names: []string{"1 done"}, fails: keytest.ErrInjected}
	var got tally
	r.follow(t.Context(), &got)
	said := h.out.String()
	if got.Unfollowed != 2 || got.Operations+got.Requests != 0 || !strings.Contains(said, "operations not listed") || !strings.Contains(said, "open requests not listed") {
		t.Errorf("%+v, %s", got.summary, said)
	}
}

// TestNothingIsBegunInTheLastSeconds of the function's time, of whatever others left.
func TestNothingIsBegunInTheLastSeconds(t *testing.T) {
	r := newHarness(t).well()
	l := &leavings{store: r.store, names: []string{"1 done", "2 done", "3 done"}}
	r.store = l
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(margin-time.Second))
	defer cancel()
	var got tally
	r.follow(ctx, &got)
	if len(l.asked) != 0 || got.Unfollowed != 0 {
		t.Errorf("begun with less than %v left: %q, %d failed", margin, l.asked, got.Unfollowed)
	}
}
