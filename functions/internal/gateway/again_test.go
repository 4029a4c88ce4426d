package gateway

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestALostRaceIsDecidedAgainForThoseWhoNamedNoVersion: 412 is for those who sent one.
func TestALostRaceIsDecidedAgainForThoseWhoNamedNoVersion(t *testing.T) {
	stale, gone := errors.New("stale"), errors.New("right lost")
	for name, c := range map[string]struct {
		method, ifMatch string
		lost            int // how often the race is lost
		status, runs    int
	}{
		"never lost":                     {"POST", "", 0, 200, 1},
		"lost once":                      {"POST", "", 1, 200, 2},
		"lost eleven times":              {"PUT", "", 11, 200, 12},
		"lost each time":                 {"DELETE", "", 1000, 503, 12},
		"any version will do":            {"PATCH", "*", 1, 200, 2},
		"a version was named":            {"PATCH", `"3"`, 1, 412, 1},
		"a weak version was named":       {"PATCH", `W/"3"`, 1, 412, 1},
		"several versions were named":    {"POST", `"1", "2"`, 1, 412, 1},
		"a read that says so is a fault": {"GET", "", 1, 412, 1},
		"a right, and a version":         {"PATCH", `"3" right`, 1, 200, 2},
		"a right, each time":             {"POST", "right", 1000, 503, 12},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				runs, bodies, lost := 0, "", stale
				if ifMatch, right := strings.CutSuffix(c.ifMatch, "right"); right {
					c.ifMatch, lost = strings.TrimSpace(ifMatch), gone
				}
				m := &Mux{Errors: Table{{Err: stale, Problem: ErrStale}, {Err: gone, Problem: ErrRightLost}}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: time.Now}
				m.Public(c.method+" /x", func(w http.ResponseWriter, r *http.Request, _ Principal) error {
					body, _ := io.ReadAll(r.Body)
					bodies += string(body)
					if runs++; runs <= c.lost {
						return lost
					}
					w.WriteHeader(http.StatusOK)
					return nil
				})
				r := httptest.NewRequest(c.method, "/x", strings.NewReader("body,"))
				if c.ifMatch != "" {
					r.Header.Set("If-Match", c.ifMatch)
				}
				start, w := time.Now(), httptest.NewRecorder()
				m.ServeHTTP(w, r)
				if w.Code != c.status || runs != c.runs || bodies != strings.Repeat("body,", runs) {
					t.Errorf("%d after %d runs, want %d after %d; bodies %q", w.Code, runs, c.status, c.runs, bodies)
				}
				if c.status == 503 && w.Header().Get("Retry-After") == "" {
					t.Error("503 without Retry-After")
				}
				if took := time.Since(start); took > 3*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// TestALostRaceEndsWithItsRequest: Lambda's deadline is the request's.
func TestALostRaceEndsWithItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stale := errors.New("stale")
		m := &Mux{Errors: Table{{Err: stale, Problem: ErrStale}}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: time.Now}
		runs := 0
		m.Public("POST /x", func(http.ResponseWriter, *http.Request, Principal) error {
			runs++
			return stale
		})
		r := httptest.NewRequest(http.MethodPost, "/x", nil)
		ctx, cancel := context.WithTimeout(r.Context(), 20*time.Millisecond)
		defer cancel()
		w := httptest.NewRecorder()
		m.ServeHTTP(w, r.WithContext(ctx))
		if w.Code != 503 || runs >= raceTries {
			t.Errorf("%d after %d runs", w.Code, runs)
		}
	})
}
