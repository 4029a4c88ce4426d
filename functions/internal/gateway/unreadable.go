package gateway

import (
	"context"
	"net/http"
	"sync/atomic"
)

type unreadableKey struct{}

// counting lets what answers a request count the records that it leaves out.
func counting(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), unreadableKey{}, new(atomic.Int64)))
}

// LeaveOut counts a stored record that can't be read, and that the answer to the request of this context leaves out.
func LeaveOut(ctx context.Context) {
	if n, ok := ctx.Value(unreadableKey{}).(*atomic.Int64); ok {
		n.Add(1)
	}
}

// LeftOut is the number of records that the answer leaves out; nil if there is none.
func LeftOut(ctx context.Context) *int {
	n, ok := ctx.Value(unreadableKey{}).(*atomic.Int64)
	if !ok || n.Load() == 0 {
		return nil
	}
	count := int(n.Load())
	return &count
}

// LeftOut is the number that a list shows: to operators, who can have the records repaired, and nil to customers.
func (c Principal) LeftOut(ctx context.Context) *int {
	if !c.Operator {
		return nil
	}
	return LeftOut(ctx)
}
