package issuer

import (
	"errors"
	"net/http"
	"strconv"
	"sync"
)

// Fault is a failure of the token endpoint on demand.
type Fault struct {
	Status     int    `json:"status"`      // answered instead, 400 to 599; 0 drops the connection
	Times      int    `json:"times"`       // how many calls fail; 0 ends a fault of before
	RetryAfter int    `json:"retry_after"` // seconds of the Retry-After header; 0 leaves it out
	Grant      string `json:"grant"`       // only calls with this grant_type; "" is every call
}

// faults is the fault that is set.
type faults struct {
	mu  sync.Mutex
	now Fault
}

// Fail makes the next calls of the token endpoint fail. It replaces what was set before.
func (i *Issuer) Fail(f Fault) error {
	if f.Status != 0 && (f.Status < 400 || f.Status > 599) || f.Times < 0 || f.RetryAfter < 0 {
		return errors.New("issuer: a fault has a status of 400 to 599 or 0, and numbers that aren't negative")
	}
	i.faults.mu.Lock()
	defer i.faults.mu.Unlock()
	i.faults.now = f
	return nil
}

func (f *faults) take(grant string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now.Times == 0 || f.now.Grant != "" && f.now.Grant != grant {
		return Fault{}, false
	}
	f.now.Times--
	return f.now, true
}

// failing answers with the fault that is set.
func (i *Issuer) failing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, failed := i.faults.take(r.PostFormValue("grant_type"))
		switch {
		case !failed:
			next.ServeHTTP(w, r)
		case f.Status == 0:
			panic(http.ErrAbortHandler)
		default:
			if f.RetryAfter > 0 {
				w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
			}
			http.Error(w, "this fault was asked for", f.Status)
		}
	})
}
