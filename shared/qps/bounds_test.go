package qps_test

import (
	"errors"
	"testing"
	"time"

	"latchkey/shared/keytest"
	"latchkey/shared/qps"
)

// asked files a good request but for a change: 10 calls a second asked for, 5 in force, 20 at most.
func asked(t *testing.T, change func(*qps.Request)) (qps.Request, error) {
	t.Helper()
	r := qps.Request{Requested: 10, Current: 5}
	change(&r)
	return qps.Submit(r, block(t, "More."), 0, 20, keytest.Now)
}

func TestARequestHasBothBoundsOfEachMember(t *testing.T) {
	ends := func(d time.Duration) func(*qps.Request) {
		return func(r *qps.Request) { r.EndsAt = keytest.Now.Add(d) }
	}
	wants := func(n int) func(*qps.Request) { return func(r *qps.Request) { r.Requested = n } }
	for name, c := range map[string]struct {
		change func(*qps.Request)
		want   error
	}{
		"-1":                     {wants(-1), qps.ErrBelowOne},
		"0":                      {wants(0), qps.ErrBelowOne},
		"1":                      {wants(1), nil},
		"the one in force":       {wants(5), qps.ErrSameAsCurrent},
		"the most":               {wants(20), nil},
		"one more than the most": {wants(21), qps.ErrAboveMax},
		"an end now":             {ends(0), qps.ErrEndsInPast},
		"an end a moment ago":    {ends(-time.Millisecond), qps.ErrEndsInPast},
		"an end in a moment":     {ends(time.Millisecond), nil},
	} {
		r, err := asked(t, c.change)
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if err == nil && (r.Status != qps.Pending || r.Justification != "More.") {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestADecisionHasBothBoundsOfEachMember(t *testing.T) {
	for name, c := range map[string]struct {
		qps     int
		comment string
		at      time.Duration // after the request
		approve error
		reject  error
	}{
		"nothing":        {0, "", 0, nil, qps.ErrNoComment},
		"-1":             {-1, "x", 0, qps.ErrBelowOne, nil},
		"1":              {1, "x", 0, nil, nil},
		"the most":       {20, "x", 0, nil, nil},
		"more":           {21, "x", 0, qps.ErrAboveMax, nil},
		"before the end": {0, "x", time.Hour - time.Millisecond, nil, nil},
		"at the end":     {0, "x", time.Hour, qps.ErrEndsInPast, nil},
	} {
		r, err := asked(t, func(r *qps.Request) { r.EndsAt = keytest.Now.Add(time.Hour) })
		if err != nil {
			t.Fatal(err)
		}
		now := keytest.Now.Add(c.at)
		if _, err := r.Approve(qps.Party{}, block(t, c.comment), c.qps, 20, now); !errors.Is(err, c.approve) || (err == nil) != (c.approve == nil) {
			t.Errorf("approve, %s: %v, want %v", name, err, c.approve)
		}
		if _, err := r.Reject(qps.Party{}, block(t, c.comment), now); !errors.Is(err, c.reject) || (err == nil) != (c.reject == nil) {
			t.Errorf("reject, %s: %v, want %v", name, err, c.reject)
		}
	}
}

func TestALimitThatNeedsNoApprovalHasBothItsBounds(t *testing.T) {
	for wanted, want := range map[int]error{
		-1: qps.ErrBelowOne, 0: qps.ErrBelowOne, 1: nil, 4: nil, 5: qps.ErrSameAsCurrent, 6: nil, 8: nil, 9: qps.ErrNotFree,
	} {
		if err := qps.CheckFree(5, 8, wanted); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("from 5 to %d, with 8 free: %v, want %v", wanted, err, want)
		}
	}
	for wanted, want := range map[int]error{8: qps.ErrFree, 9: nil} {
		r := qps.Request{Requested: wanted, Current: 5}
		if _, err := qps.Submit(r, block(t, "More."), 8, 20, keytest.Now); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("a request for %d, with 8 free: %v, want %v", wanted, err, want)
		}
	}
}
