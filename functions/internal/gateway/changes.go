package gateway

import (
	"context"
	"net/http"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/moment"
)

// Changes bounds how much one person may change, in all functions together.
type Changes interface {
	// Admit counts one change of a person. Where there are too many, wait is the time after which to try again.
	Admit(ctx context.Context, who account.Subject) (wait time.Duration, ok bool)
}

type countedKey struct{}

// once marks a request, so that it counts as one change however often it is decided.
func once(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), countedKey{}, new(bool)))
}

// bound counts a request that may change something, whatever becomes of it: a refused one costs as much as any. A
// function that was given no bound changes nothing.
func (m *Mux) bound(r *http.Request, who account.Subject) error {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	if m.Changes == nil {
		return ErrUnavailable
	}
	if done, ok := r.Context().Value(countedKey{}).(*bool); ok { // a request that is decided again is one change
		if *done {
			return nil
		}
		*done = true
	}
	wait, ok := m.Changes.Admit(r.Context(), who)
	if ok {
		return nil
	}
	return tooManyChanges(wait)
}

func tooManyChanges(wait time.Duration) *Problem {
	p := NewProblem(http.StatusTooManyRequests, "too_many_changes", "You have made too many changes.").
		WithDetail("Wait for the time that Retry-After says, in seconds.")
	p.RetryAfter = moment.WholeSeconds(wait)
	return p
}
