package limiter

import (
	"context"
	"time"

	"latchkey/shared/limiter/internal/clock"
)

// Now is one moment as an environment sees it, by its wall clock and its monotonic one.
type Now = clock.Now

// Store is the table of leases, shared by all environments.
type Store interface {
	// Take performs the ask in one conditional write and returns the item as it was before. A failed condition is no
	// error. After an error the write may have happened, now or later, once or twice.
	Take(ctx context.Context, ask Ask) (Seen, error)
}

// Ask is a write to the item of a limit. It makes Window the open one if it was not, adds N to what is used of it,
// sets Age, and sets Capacity if Window is new. The condition is that the item does not exist if Create is set, and
// otherwise that it does and its open window is Window or the one before.
type Ask struct {
	Limit    string // names the item: a key or an account, and a class
	Window   int64
	N        int64
	Ahead    int64         // tokens of the window after it that are taken along
	Capacity int64         // tokens that the window holds, if this ask opens it
	Age      time.Duration // whole microseconds; may be negative
	Create   bool
	Expires  time.Time // when the item may be deleted, unless a later ask says otherwise

	sent  Now
	limit int64
	tries int
}

// Seen is an item as an ask found it.
type Seen struct {
	// Applied says that the condition held and the write happened.
	Applied bool
	// Window is the window that was open before the write; 0 means that there was no item.
	Window   int64
	Used     int64
	Ahead    int64 // what is used of the window after it
	Capacity int64
	Age      time.Duration
	Expires  time.Time // as the last ask said; the zero time if unknown
}

// Result is the answer to a call.
type Result struct {
	Admit bool
	// Fallback says that the store failed and a local share of the limit decided: the guarantee is suspended.
	Fallback bool
	// RetryAfter is in whole seconds, at least 1, for a refused call. A client that waits that long is admitted,
	// if nobody else takes the limit in that time.
	RetryAfter int
	// By is the number of the limit that refused the call, of those that it was decided under.
	By int
}

// The times of the rule; doc.go says what they are for.
const (
	// smallLimit is the largest limit that has the stricter guarantee.
	smallLimit = 100
	// window is the length of a window.
	window = time.Second
	// lifeSmall and lifeLarge are how long a token may be used.
	lifeSmall = 100 * time.Millisecond
	lifeLarge = time.Second
	// forgive is the delay at which a window may open without delaying the next one. Any value is sound. More would
	// let two windows' calls through at once more often; less would waste small limits on environments that rarely
	// meet.
	forgive = time.Second
	// expiry is the time that an unused item is kept. It must be far longer than clocks are wrong: a deleted item
	// starts again at a window that is named by the wall clock.
	expiry = 24 * time.Hour
	// longIdle is the age of the last write, by the difference of two wall clocks, from which a second must have
	// passed since in truth: two clocks wrong by 5 s, and up to 8 s in which a request was under way (the table keeps
	// whole seconds).
	longIdle = 20 * time.Second
	// maxTries bounds the store calls of one decision: two that find their window over, and one more.
	maxTries = 3
)

func life(limit int64) time.Duration {
	if limit <= smallLimit {
		return lifeSmall
	}
	return lifeLarge
}

func wait(limit int64) time.Duration {
	if limit <= smallLimit {
		return lifeSmall
	}
	return 0
}
