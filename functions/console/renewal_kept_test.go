package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"latchkey/functions/console/internal/session"
	"latchkey/functions/console/internal/signin"
	"latchkey/shared/dynamo/sessions"
)

// What comes of a refresh is kept, and what is kept ends with the person's sign-out.

// rowsThat is a session store with something that runs before its writes.
type rowsThat struct {
	session.Store
	put    func(sessions.Session) error
	remove func()
}

func (s rowsThat) Put(ctx context.Context, row sessions.Session) (sessions.Session, error) {
	if s.put != nil {
		if err := s.put(row); err != nil {
			return row, err
		}
	}
	return s.Store.Put(ctx, row)
}

func (s rowsThat) DeleteUnchanged(ctx context.Context, row sessions.Session) error {
	if s.remove != nil {
		s.remove()
	}
	return s.Store.DeleteUnchanged(ctx, row)
}

func (s rowsThat) Delete(ctx context.Context, id string) error {
	if s.remove != nil {
		s.remove()
	}
	return s.Store.Delete(ctx, id)
}

// TestNewTokensThatTheStoreDoesntTakeAreNotLost: the refresh token of before may be worthless already. The request goes on with the new
// ones, and so do the next, however often the write fails.
func TestNewTokensThatTheStoreDoesntTakeAreNotLost(t *testing.T) {
	for _, failures := range []int{1, 2, 3, 4, 7} {
		t.Run(fmt.Sprint(failures), func(t *testing.T) {
			t.Parallel()
			r := newRenewals(t, once)
			r.endsIn(0)
			left := failures
			r.app.keeper.Store = rowsThat{Store: r.app.keeper.Store, put: func(row sessions.Session) error {
				if row.HeldUntil.IsZero() && left > 0 {
					left--
					return errors.New("throttled")
				}
				return nil
			}}
			for range 4 {
				if got := r.page(); got != http.StatusOK || r.asked.Load() != 1 {
					t.Fatalf("answered %d, the issuer was asked %d times", got, r.asked.Load())
				}
			}
			s, err := r.app.keeper.Open(t.Context(), r.cookie)
			if err != nil || s.Refresh != r.given || left != 0 {
				t.Errorf("stored in the end: %v, %v, %d failures left", err, s, left)
			}
			*r.ahead = time.Hour
			if got := r.page(); got != http.StatusOK || r.asked.Load() != 2 {
				t.Errorf("the next refresh: %d, asked %d times", got, r.asked.Load())
			}
			if n := len(r.app.unkept.by); n != 0 {
				t.Errorf("%d tokens stay in memory", n)
			}
		})
	}
}

// TestNewTokensAreKeptThoughTheBrowserDoesntWait: it leaves while the issuer is asked, also where the store takes them at the second try.
func TestNewTokensAreKeptThoughTheBrowserDoesntWait(t *testing.T) {
	for failures := range 2 {
		r := newRenewals(t, once)
		r.endsIn(0)
		ctx, leave := context.WithCancel(t.Context())
		r.before = leave
		left := failures
		r.app.keeper.Store = rowsThat{Store: r.app.keeper.Store, put: func(row sessions.Session) error {
			if row.HeldUntil.IsZero() && left > 0 {
				left--
				return errors.New("throttled")
			}
			return nil
		}}
		r.pageIn(ctx)
		s, err := r.app.keeper.Open(t.Context(), r.cookie)
		if err != nil || r.given == "" || s.Refresh != r.given || left != 0 || r.asked.Load() != 1 {
			t.Errorf("%d failures: %v, the newest refresh token is stored %v, the issuer was asked %d times", failures, err, err == nil && s.Refresh == r.given, r.asked.Load())
		}
	}
}

// TestTokensInMemoryAreBounded however long the store is down.
func TestTokensInMemoryAreBounded(t *testing.T) {
	var u unkept
	for i := range 3 * mostUnkept {
		u.put(fmt.Sprint(i), session.Tokens{Access: fmt.Sprint(i)})
		if got, ok := u.of(fmt.Sprint(i)); !ok || got.Access != fmt.Sprint(i) || len(u.by) > mostUnkept {
			t.Fatalf("%d: %v, %d in memory", i, got, len(u.by))
		}
	}
}

// TestOnlyARefreshTokenThatIsOverEndsASession: invalid_grant, and no other answer of the token endpoint, whether the access token lives or
// not. Without it the person waits; afterwards all is as before.
func TestOnlyARefreshTokenThatIsOverEndsASession(t *testing.T) {
	r := newRenewals(t, once)
	for _, left := range []time.Duration{30 * time.Second, 0} {
		for _, status := range []int{400, 401, 403, 404, 405, 408, 410, 418, 422, 425, 429, 500, 501, 502, 503, 504} {
			for _, code := range []string{"", "invalid_request", "invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "access_denied", "x"} {
				r.endsIn(left)
				r.answer = func() (int, string) { return status, code }
				want := http.StatusOK
				if left == 0 {
					want = http.StatusServiceUnavailable
				}
				page := r.ask(http.MethodGet, keysPath, nil, "Cookie", sessionCookie+"="+r.cookie)
				if page.StatusCode != want || want != http.StatusOK && page.Header.Get("Retry-After") == "" {
					t.Fatalf("%s left, %d %q: answered %d", left, status, code, page.StatusCode)
				}
				if _, err := r.app.keeper.Open(t.Context(), r.cookie); err != nil {
					t.Fatalf("%s left, %d %q: the session: %v", left, status, code, err)
				}
			}
		}
		r.answer = nil
		r.endsIn(left)
		if got := r.page(); got != http.StatusOK {
			t.Errorf("afterwards: %d", got)
		}
	}
	r.endsIn(30 * time.Second)
	r.answer = func() (int, string) { return http.StatusBadRequest, "invalid_grant" }
	if got := r.page(); got != http.StatusUnauthorized {
		t.Errorf("invalid_grant: %d", got)
	}
	if _, err := r.app.keeper.Open(t.Context(), r.cookie); !errors.Is(err, session.ErrNone) {
		t.Errorf("invalid_grant: %v", err)
	}
}

// TestNoRefreshTokenOutlivesASignOut: whichever comes first, the new tokens' write or the session's end, the newest refresh token is
// revoked.
func TestNoRefreshTokenOutlivesASignOut(t *testing.T) {
	for _, out := range []string{"/sign-out", "/sessions/end-all"} {
		end := func(r *renewals) {
			req := httptest.NewRequest(http.MethodPost, out, nil)
			req.Header.Set("Sec-Fetch-Site", "same-origin")
			req.AddCookie(&http.Cookie{Name: sessionCookie, Value: r.cookie})
			answer := httptest.NewRecorder()
			r.app.ServeHTTP(answer, req)
			if answer.Code != http.StatusSeeOther {
				t.Errorf("%s: %d", out, answer.Code)
			}
		}
		for name, race := range map[string]func(*renewals){
			"in peace": end,
			"while the issuer is asked": func(r *renewals) {
				r.endsIn(30 * time.Second)
				r.before = func() { r.before = nil; end(r) }
				r.page()
			},
			"before new tokens are stored": func(r *renewals) {
				r.endsIn(30 * time.Second)
				store, done := r.app.keeper.Store, false
				r.app.keeper.Store = rowsThat{Store: store, put: func(row sessions.Session) error {
					if row.HeldUntil.IsZero() && !done {
						done = true
						end(r)
					}
					return nil
				}}
				r.page()
			},
			"after new tokens are stored": func(r *renewals) {
				if out != "/sign-out" {
					r.endsIn(30 * time.Second)
					r.page()
					end(r)
					return
				}
				store, done := r.app.keeper.Store, false
				r.app.keeper.Store = rowsThat{Store: store, remove: func() {
					if !done {
						done = true
						r.endsIn(30 * time.Second)
						if got := r.page(); got != http.StatusOK {
							t.Errorf("the page while signing out: %d", got)
						}
					}
				}}
				end(r)
			},
			"while the store takes no tokens": func(r *renewals) {
				r.endsIn(30 * time.Second)
				store, broken := r.app.keeper.Store, true
				r.app.keeper.Store = rowsThat{Store: store, put: func(row sessions.Session) error {
					if row.HeldUntil.IsZero() && broken {
						return errors.New("throttled")
					}
					return nil
				}}
				r.page()
				end(r)
			},
		} {
			t.Run(out+" "+name, func(t *testing.T) {
				r := newRenewals(t, once)
				s, err := r.app.keeper.Open(t.Context(), r.cookie)
				if err != nil {
					t.Fatal(err)
				}
				r.given = s.Refresh
				race(r)
				if _, err := r.app.keeper.Open(t.Context(), r.cookie); !errors.Is(err, session.ErrNone) {
					t.Errorf("the session: %v", err)
				}
				if _, err := r.app.issuer.Refresh(t.Context(), session.Tokens{Refresh: r.given}); !errors.Is(err, signin.ErrGrant) {
					t.Errorf("the newest refresh token: %v", err)
				}
			})
		}
	}
}
