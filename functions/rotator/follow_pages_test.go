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
		page.Operations = append(page.Operations, control.Operation{ID: name, Status: control.Running})
	}
	page.Next = next
	return page, nil
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
	return page, nil
}

func (l *leavings) EndObsolete(_ context.Context, r qps.Request, _ time.Time, _ audit.Row) (bool, error) {
	l.asked = append(l.asked, "request "+string(r.ID))
	if strings.HasSuffix(string(r.ID), "fails") {
		return false, keytest.ErrInjected
	}
	return strings.HasSuffix(string(r.ID), "done"), nil
}

// TestAllThatOthersLeftIsGoneOnWith: on every page, whatever came of the one before, and counted by what came of it.
func TestAllThatOthersLeftIsGoneOnWith(t *testing.T) {
	r := newHarness(t).well()
	l := &leavings{store: r.store, names: []string{"1 done", "2 stays", "3 fails", "4 done", "5 stays", "6 done", "7 fails"}}
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
	if counted := fmt.Sprint(got.Operations, got.Requests, got.Failed, got.Keys); counted != "3 3 4 0" {
		t.Errorf("operations, requests, failed, keys: %s", counted)
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
	if len(l.asked) != 0 || got.Failed != 0 {
		t.Errorf("begun with less than %v left: %q, %d failed", margin, l.asked, got.Failed)
	}
}
