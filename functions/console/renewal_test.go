package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/functions/console/internal/session"
	"latchkey/functions/console/internal/signin"
	"latchkey/infra/local/issuer"
)

// What becomes of a session when its access token is renewed: nothing that passes signs anybody out.

// renewals is a console whose person's access token ends soon, at an issuer that is watched.
type renewals struct {
	*walker
	cookie string
	asked  atomic.Int64                     // calls of the token endpoint
	before func()                           // runs before such a call
	answer func() (status int, code string) // answers it instead of the issuer
	given  string                           // the newest refresh token
	ahead  *time.Duration
}

func once(c *issuer.Config) { c.RefreshOnce = true }

func newRenewals(t *testing.T, change ...func(*issuer.Config)) *renewals {
	r := &renewals{walker: newWalker(t, "", change...)}
	r.ahead = r.clock()
	r.callback("owner")
	r.cookie = r.sessionValue()
	r.app.issuer = signin.New(signin.Config{
		Issuer: r.issuer, ClientID: "latchkey-local", Algorithm: "RS256", Now: r.app.now, HTTP: &http.Client{Transport: r, Timeout: 5 * time.Second},
	})
	return r
}

// RoundTrip is the console's way to the issuer.
func (r *renewals) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.HasSuffix(req.URL.Path, "/token") {
		r.asked.Add(1)
		if r.before != nil {
			r.before()
		}
		if r.answer != nil {
			status, code := r.answer()
			out := httptest.NewRecorder()
			reply(out, status, map[string]string{"error": code})
			return out.Result(), nil
		}
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil || !strings.HasSuffix(req.URL.Path, "/token") {
		return res, err
	}
	raw, err := io.ReadAll(res.Body)
	var doc struct {
		Refresh string `json:"refresh_token"`
	}
	if json.Unmarshal(raw, &doc) == nil && doc.Refresh != "" {
		r.given = doc.Refresh
	}
	res.Body = io.NopCloser(bytes.NewReader(raw))
	return res, err
}

// endsIn lets the session's access token end so soon.
func (r *renewals) endsIn(left time.Duration) *session.Session {
	r.t.Helper()
	s, err := r.app.keeper.Open(r.t.Context(), r.cookie)
	if err != nil {
		r.t.Fatal(err)
	}
	tokens := s.Tokens
	tokens.Expires = r.app.now().Add(left)
	if err := r.app.keeper.Renew(r.t.Context(), s, tokens); err != nil {
		r.t.Fatal(err)
	}
	return s
}

func (r *renewals) page() int { return r.pageIn(context.Background()) }

func (r *renewals) pageIn(ctx context.Context) int {
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, "/accounts/"+account+"/keys", nil)
	req.AddCookie(&http.Cookie{Name: sessionCookie, Value: r.cookie})
	out := httptest.NewRecorder()
	r.app.ServeHTTP(out, req)
	return out.Code
}

// pages asks for several pages at once and returns what they were answered.
func (r *renewals) pages(n int) []int {
	answers := make([]int, n)
	var wait sync.WaitGroup
	for i := range answers {
		wait.Go(func() { answers[i] = r.page() })
	}
	wait.Wait()
	return answers
}

func (r *renewals) fails(f issuer.Fault) {
	r.t.Helper()
	f.Grant = "refresh_token"
	if err := r.iss.Fail(f); err != nil {
		r.t.Fatal(err)
	}
}

// TestPagesAtOnceUseARefreshTokenOnce: many issuers refuse the second use and end everything that came of the first.
func TestPagesAtOnceUseARefreshTokenOnce(t *testing.T) {
	for name, left := range map[string]time.Duration{"while the access token lives": 30 * time.Second, "after its end": 0} {
		t.Run(name, func(t *testing.T) {
			r := newRenewals(t, once)
			for round := range 3 {
				r.endsIn(left)
				r.asked.Store(0)
				for _, status := range append(r.pages(5), r.page()) {
					if status != http.StatusOK {
						t.Errorf("round %d: a page was answered %d", round, status)
					}
				}
				if n := r.asked.Load(); n != 1 {
					t.Errorf("round %d: the issuer was asked %d times", round, n)
				}
			}
		})
	}
}

// TestARefreshThatFailsForAPassingReasonGoesOn holds the pause as well: the issuer isn't asked by every page.
func TestARefreshThatFailsForAPassingReasonGoesOn(t *testing.T) {
	for _, status := range []int{429, 408, 403, 425, 500, 502, 503, 0} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			r := newRenewals(t, once)
			old := r.endsIn(50 * time.Second).Access
			r.fails(issuer.Fault{Status: status, Times: 100})
			for _, at := range []time.Duration{0, time.Second, 4 * time.Second} {
				*r.ahead = at
				if got := r.page(); got != http.StatusOK {
					t.Fatalf("after %s: %d", at, got)
				}
			}
			if n := r.asked.Load(); n != 1 {
				t.Errorf("asked %d times in 5 s", n)
			}
			r.fails(issuer.Fault{})
			*r.ahead = 5*time.Second + 10*time.Millisecond
			r.forget()
			if got := r.page(); got != http.StatusOK || r.asked.Load() != 2 || r.api.seen("GET /v1/me")[0].token == old {
				t.Errorf("after the pause: %d, asked %d times", got, r.asked.Load())
			}
		})
	}
}

func TestTheIssuersRetryAfterIsHonoured(t *testing.T) {
	r := newRenewals(t)
	r.endsIn(50 * time.Second)
	r.fails(issuer.Fault{Status: 429, Times: 1, RetryAfter: 30})
	if got := r.page(); got != http.StatusOK || r.asked.Load() != 1 {
		t.Fatalf("%d, asked %d times", got, r.asked.Load())
	}
	*r.ahead = 29 * time.Second
	if got := r.page(); got != http.StatusOK || r.asked.Load() != 1 {
		t.Errorf("a second too early: %d, asked %d times", got, r.asked.Load())
	}
	*r.ahead = 30*time.Second + 10*time.Millisecond
	if got := r.page(); got != http.StatusOK || r.asked.Load() != 2 {
		t.Errorf("then: %d, asked %d times", got, r.asked.Load())
	}
}

// TestAnIssuerThatAsksForLongIsAskedAgainInTenMinutes: what another system asks for is bounded, so that no answer of
// the issuer's keeps a session from its next access token for hours.
func TestAnIssuerThatAsksForLongIsAskedAgainInTenMinutes(t *testing.T) {
	for _, asksFor := range []int{601, 86400} {
		t.Run(strconv.Itoa(asksFor), func(t *testing.T) {
			r := newRenewals(t)
			r.endsIn(50 * time.Second)
			r.fails(issuer.Fault{Status: 503, Times: 1, RetryAfter: asksFor})
			if got := r.page(); got != http.StatusOK || r.asked.Load() != 1 {
				t.Fatalf("%d, asked %d times", got, r.asked.Load())
			}
			s, err := r.app.keeper.Open(t.Context(), r.cookie)
			if err != nil {
				t.Fatal(err)
			}
			if left := s.HeldUntil().Sub(r.app.now()); left > 10*time.Minute || left < 9*time.Minute+30*time.Second {
				t.Errorf("nobody asks for %s", left)
			}
			*r.ahead = 10*time.Minute + 10*time.Millisecond
			if got := r.page(); got != http.StatusOK || r.asked.Load() != 2 {
				t.Errorf("after ten minutes: %d, asked %d times", got, r.asked.Load())
			}
		})
	}
}

// Without an access token there is nothing to go on with, but the session stays.
func TestAnIssuerThatCantAnswerIsSaidSoAndTheSessionStays(t *testing.T) {
	r := newRenewals(t)
	r.endsIn(0)
	r.fails(issuer.Fault{Status: 429, Times: 1, RetryAfter: 30})
	for _, want := range []string{"30", "30"} { // the second without asking
		page := r.ask(http.MethodGet, "/accounts/"+account+"/keys", nil, "Cookie", sessionCookie+"="+r.cookie)
		if page.StatusCode != http.StatusServiceUnavailable || page.Header.Get("Retry-After") > want || page.Header.Get("Retry-After") < "25" {
			t.Errorf("answered %d, Retry-After %s", page.StatusCode, page.Header.Get("Retry-After"))
		}
	}
	if n := r.asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	*r.ahead = 31 * time.Second
	if got := r.page(); got != http.StatusOK {
		t.Errorf("afterwards: %d", got)
	}
}

// TestARefusedRefreshEndsTheSessionOnlyAsItWasRead: a request of the release before takes no hold, and may have been faster.
func TestARefusedRefreshEndsTheSessionOnlyAsItWasRead(t *testing.T) {
	r := newRenewals(t, once)
	r.endsIn(30 * time.Second)
	r.before = func() {
		r.before = nil
		s, err := r.app.keeper.Open(t.Context(), r.cookie)
		if err != nil {
			t.Error(err)
			return
		}
		tokens, err := r.app.issuer.Refresh(t.Context(), s.Tokens)
		if err == nil {
			tokens.Access = "winner"
			err = r.app.keeper.Renew(t.Context(), s, tokens)
		}
		if err != nil {
			t.Error(err)
		}
	}
	r.forget()
	if got := r.page(); got != http.StatusOK || r.api.seen("GET /v1/me")[0].token != "winner" {
		t.Errorf("answered %d", got)
	}
	// Nobody was faster: it is over, although its access token lives.
	r.endsIn(30 * time.Second)
	if got := r.page(); got != http.StatusUnauthorized { // the winner's refresh token ended with the second use of the first
		t.Errorf("refused, unchanged: %d", got)
	}
	if _, err := r.app.keeper.Open(t.Context(), r.cookie); !errors.Is(err, session.ErrNone) {
		t.Errorf("the session is still there: %v", err)
	}
}

// An environment that dies while it renews keeps nobody from renewing later.
func TestAHoldThatNobodyEndsPasses(t *testing.T) {
	r := newRenewals(t)
	s := r.endsIn(50 * time.Second)
	if held, err := r.app.keeper.Hold(t.Context(), s, r.app.now().Add(holdLife)); !held || err != nil {
		t.Fatal(held, err)
	}
	if got := r.page(); got != http.StatusOK || r.asked.Load() != 0 {
		t.Errorf("held: %d, asked %d times", got, r.asked.Load())
	}
	*r.ahead = 20*time.Second + 10*time.Millisecond
	if got := r.page(); got != http.StatusOK || r.asked.Load() != 1 {
		t.Errorf("after the hold: %d, asked %d times", got, r.asked.Load())
	}
	if holdLife != 20*time.Second {
		t.Errorf("a hold lives %s", holdLife)
	}
}

// An issuer that gives no refresh tokens: the session lasts as long as its access token.
func TestASessionWithoutARefreshTokenUsesItsAccessTokenUp(t *testing.T) {
	r := newRenewals(t)
	s := r.endsIn(30 * time.Second)
	tokens := s.Tokens
	tokens.Refresh = ""
	if err := r.app.keeper.Renew(t.Context(), s, tokens); err != nil {
		t.Fatal(err)
	}
	if got := r.page(); got != http.StatusOK {
		t.Errorf("before its end: %d", got)
	}
	*r.ahead = 30 * time.Second
	if got := r.page(); got != http.StatusUnauthorized || r.asked.Load() != 0 {
		t.Errorf("at its end: %d, asked %d times", got, r.asked.Load())
	}
}
