package main

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/telemetry"
)

// summary is the result of a rotation run.
type summary struct {
	Job         string  `json:"job"`
	Keys        int     `json:"keys"`      // looked at
	Rotated     int     `json:"rotated"`   // got a new secret
	Delivered   int     `json:"delivered"` // Secrets Manager follows
	Announced   int     `json:"announced"`
	Ended       int     `json:"ended"`          // ended grace periods, limits and blocks
	Skipped     int     `json:"skipped"`        // had nothing to do any more: another run or a person was first
	Refused     int     `json:"refused"`        // only the customer can fix them; reported to them
	Failed      int     `json:"failed"`         // remain due
	Unfollowed  int     `json:"unfollowed"`     // changes of types and QPS requests that could not be followed
	Operations  int     `json:"operations"`     // changes of an account's type that came to their end
	Requests    int     `json:"requests_ended"` // QPS requests whose key is gone, or has not what they ask for
	Due         int     `json:"due"`            // only counted, with count
	More        bool    `json:"more"`           // the run ended before the list
	Next        string  `json:"next"`           // where it ended
	Seconds     float64 `json:"seconds"`
	Rate        float64 `json:"keys_per_second"`
	Calls       float64 `json:"store_calls_per_key"`
	SecretCalls float64 `json:"secrets_manager_calls_per_key"`
}

// tally collects from the workers.
type tally struct {
	mu sync.Mutex
	summary
}

func (t *tally) add(f func(*summary)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(&t.summary)
}

const pageSize = 100

// rotation works through what is due, page by page, until the end of the list or of the time. Keys that are done
// leave the list, so the next run begins with what this one left.
func (r *rotator) rotation(ctx context.Context, e event) (summary, error) {
	began, calls, secretCalls := time.Now(), r.calls(), r.delivery.calls.Load()
	due := r.source.Time()
	if e.DueBy.After(due) {
		due = e.DueBy.UTC().Truncate(time.Millisecond)
	}
	t := &tally{summary: summary{Job: "rotation"}}
	var err error
	if e.Count {
		err = r.count(ctx, t, due, e.After)
	} else {
		err = r.pages(ctx, t, due, e)
		if e.After == "" { // behind what is due: one account's change of type takes as long as it has keys
			r.follow(ctx, t)
		}
	}
	s := t.summary
	s.Seconds = time.Since(began).Seconds()
	if s.Keys > 0 {
		s.Rate = round(float64(s.Keys) / s.Seconds)
		s.Calls = round(float64(r.calls()-calls) / float64(s.Keys))
		s.SecretCalls = round(float64(r.delivery.calls.Load()-secretCalls) / float64(s.Keys))
	}
	s.Seconds = round(s.Seconds)
	if e.Count {
		return s, err
	}
	r.report(ctx, s, err)
	if err == nil && s.Failed+s.Unfollowed > 0 && e.Limit == 0 { // so that the alarm hears of it
		err = fmt.Errorf("rotator: %d of %d keys failed, and %d changes of types and QPS requests; the log names them", s.Failed, s.Keys, s.Unfollowed)
	}
	return s, err
}

func round(v float64) float64 { return math.Round(v*100) / 100 }

func (r *rotator) pages(ctx context.Context, t *tally, due time.Time, e event) error {
	closed := closing(ctx)
	for after := e.After; ; {
		size := pageSize
		if e.Limit > 0 {
			size = min(size, e.Limit-t.Keys)
		}
		page, err := r.store.Due(ctx, due, after, size)
		if err != nil {
			return err
		}
		complete := r.page(ctx, t, due, page, closed)
		switch {
		case !complete:
			t.More, t.Next = true, after // what was done of the page has left the list
			return nil
		case page.Next == "":
			return nil
		case e.Limit > 0 && t.Keys >= e.Limit:
			t.More, t.Next = true, page.Next
			return nil
		}
		after = page.Next
	}
}

// page works on one page and reports whether it came to its end.
func (r *rotator) page(ctx context.Context, t *tally, due time.Time, page control.JobPage, closed func() bool) bool {
	for _, bad := range page.Bad {
		r.log.ErrorContext(ctx, "key record unreadable", "account_id", bad.Account, "key_id", bad.Item, "error", bad.Err.Error())
		t.add(func(s *summary) { s.Keys++; s.Failed++ })
	}
	complete := true
	var wg sync.WaitGroup
	slots := make(chan struct{}, r.workers)
	for _, k := range page.Keys {
		slots <- struct{}{}
		if closed() {
			complete = false
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			r.key(ctx, t, k, due)
		})
	}
	wg.Wait()
	return complete
}

// key works on one key and lets nothing of it reach the others.
func (r *rotator) key(ctx context.Context, t *tally, k apikey.Key, due time.Time) {
	defer func() {
		if p := recover(); p != nil {
			r.log.ErrorContext(ctx, "key failed", "account_id", k.Account, "key_id", k.ID, "error", fmt.Sprintf("panic: %T", p))
			t.add(func(s *summary) { s.Keys++; s.Failed++ })
		}
	}()
	w := &work{rotator: r, account: k.Account, id: k.ID, due: due}
	err := w.run(ctx)
	if err != nil {
		r.log.ErrorContext(ctx, "key failed", "account_id", k.Account, "key_id", k.ID, "task", string(w.task), "error", err.Error())
	}
	t.add(func(s *summary) { w.count(s, err) })
}

func (r *rotator) count(ctx context.Context, t *tally, due time.Time, after string) error {
	for {
		page, err := r.store.Due(ctx, due, after, 1000)
		if err != nil {
			return err
		}
		t.Due += len(page.Keys) + len(page.Bad)
		if after = page.Next; after == "" {
			return nil
		}
	}
}

func (r *rotator) report(ctx context.Context, s summary, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	r.log.InfoContext(ctx, "job done", "job", s.Job, "keys", s.Keys, "rotated", s.Rotated, "delivered", s.Delivered,
		"announced", s.Announced, "ended", s.Ended, "skipped", s.Skipped, "refused", s.Refused, "failed", s.Failed, "unfollowed", s.Unfollowed, "more", s.More,
		"seconds", s.Seconds, "keys_per_second", s.Rate, "store_calls_per_key", s.Calls, "secrets_manager_calls_per_key", s.SecretCalls,
		"error", text)
	count := func(name string, n int) telemetry.Metric {
		return telemetry.Metric{Name: name, Unit: telemetry.Count, Value: float64(n)}
	}
	r.measure(s.Job, count("KeysDone", s.Keys-s.Failed), count("KeysRotated", s.Rotated), count("KeysAnnounced", s.Announced),
		count("KeysRefused", s.Refused), count("KeysFailed", s.Failed),
		telemetry.Metric{Name: "JobTime", Unit: telemetry.Milliseconds, Value: s.Seconds * 1000})
}
