package web

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"latchkey/functions/internal/env"
	"latchkey/shared/account"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/leases"
	"latchkey/shared/limiter"
)

// maxPeople bounds the people that an environment remembers. Forgetting one costs a store call, not the bound.
const maxPeople = 1024

// changesCall bounds one call of the leases table.
const changesCall = 500 * time.Millisecond

// HourCounter counts in one hour, over all environments; *leases.Store does.
type HourCounter interface {
	Count(ctx context.Context, name string, hour time.Time) (int64, error)
}

// PersonChanges bounds the changes of each person: so many in a second, by the limiter that limits calls, and so many in
// an hour of the clock. While the table fails, each environment admits a share of the first and counts the second by
// itself, from the last number that it knows: an outage of the leases must not lock people out of revoking a key, and
// lets nobody change things without end.
type PersonChanges struct {
	PerSecond, PerHour int
	Leases             limiter.Store
	Hours              HourCounter
	Now                func() time.Time
	Log                *slog.Logger

	mu      sync.Mutex
	begin   time.Time
	limiter *limiter.Limiter
	known   hourCounts
}

// hourCounts are the changes of an hour by person, as this environment knows them.
type hourCounts struct {
	hour  time.Time
	count map[string]int64
}

// set keeps what the table has counted.
func (h *hourCounts) set(name string, hour time.Time, n int64) {
	if !h.hour.Equal(hour) {
		h.hour, h.count = hour, map[string]int64{}
	}
	if _, known := h.count[name]; !known && len(h.count) == maxPeople {
		for other := range h.count {
			delete(h.count, other)
			break
		}
	}
	h.count[name] = n
}

// add counts one more without the table.
func (h *hourCounts) add(name string, hour time.Time) int64 {
	n := int64(1)
	if h.hour.Equal(hour) {
		n += h.count[name]
	}
	h.set(name, hour, n)
	return n
}

// changes makes the bound that the environment describes.
func (b *Base) changes() (*PersonChanges, error) {
	table := b.Env.Need("LEASES_TABLE")
	if err := b.Env.Err(); err != nil {
		return nil, err
	}
	second, err := env.Positive("CHANGES_PER_SECOND", b.Env.Or("CHANGES_PER_SECOND", "10"))
	if err != nil {
		return nil, err
	}
	hour, err := env.Positive("CHANGES_PER_HOUR", b.Env.Or("CHANGES_PER_HOUR", "1000"))
	if err != nil {
		return nil, err
	}
	once := b.DB
	once.Attempts = 1 // a repeated call wastes tokens, and time
	store := leases.New(dynamo.NewClient(once), table)
	return &PersonChanges{PerSecond: second, PerHour: hour, Leases: store, Hours: store, Now: time.Now, Log: b.Log}, nil
}

// Admit implements gateway.Changes.
func (c *PersonChanges) Admit(ctx context.Context, who account.Subject) (time.Duration, bool) {
	ctx, cancel := context.WithTimeout(ctx, changesCall)
	defer cancel()
	name := "person#" + who.Issuer + "|" + who.ID
	if r := c.second(ctx, name); !r.Admit {
		return time.Duration(r.RetryAfter) * time.Second, false
	}
	now := c.Now()
	hour := now.Truncate(time.Hour)
	return hour.Add(time.Hour).Sub(now), c.inHour(ctx, name, hour) <= int64(c.PerHour)
}

// inHour counts one change of an hour and returns their number.
func (c *PersonChanges) inHour(ctx context.Context, name string, hour time.Time) int64 {
	n, err := c.Hours.Count(ctx, name+"#hour", hour)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.Log.WarnContext(ctx, "changes can't be counted", "error", err.Error())
		return c.known.add(name, hour)
	}
	c.known.set(name, hour, n)
	return n
}

// second asks the limiter, which is for one call at a time.
func (c *PersonChanges) second(ctx context.Context, name string) limiter.Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.limiter == nil {
		c.limiter, c.begin = limiter.New(maxPeople), c.Now()
	}
	clock := func() limiter.Now {
		now := c.Now()
		return limiter.Now{Wall: now, Mono: now.Sub(c.begin)}
	}
	return c.limiter.Admit(ctx, c.Leases, clock, name, c.PerSecond)
}
