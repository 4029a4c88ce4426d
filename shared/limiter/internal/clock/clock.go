// Package clock has the time as limits and their breakers see it.
package clock

import "time"

// Now is one moment as an environment sees it.
type Now struct {
	// Wall may be wrong by seconds, and jumps. It names the first window of a key, tells a limit that nobody used for
	// long from a busy one, and kills tokens that were held through a freeze in which the monotonic clock stood still.
	Wall time.Time
	// Mono runs evenly from any start of the environment's own. It proves that time has passed.
	Mono time.Duration
}

// Since is the time from an earlier moment on, by the clock that saw more of it pass.
func (n Now) Since(earlier Now) time.Duration {
	return max(n.Mono-earlier.Mono, n.Wall.Sub(earlier.Wall))
}
