package signin_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"latchkey/functions/console/internal/session"
	"latchkey/functions/console/internal/signin"
)

// TestWhatARefreshThatFailsMeans says for each answer of the token endpoint whether the session can go on.
func TestWhatARefreshThatFailsMeans(t *testing.T) {
	const over, refused, later = "over", "refused", "later"
	for _, c := range []struct {
		status int
		code   string
		want   string
	}{
		{http.StatusBadRequest, "invalid_grant", over},
		{http.StatusUnauthorized, "invalid_grant", over},
		{http.StatusBadRequest, "invalid_request", refused},
		{http.StatusBadRequest, "unauthorized_client", refused},
		{http.StatusUnauthorized, "invalid_client", refused},
		{http.StatusNotFound, "x", refused},
		{http.StatusForbidden, "x", later},
		{http.StatusRequestTimeout, "x", later},
		{http.StatusTooEarly, "x", later},
		{http.StatusTooManyRequests, "x", later},
		{http.StatusTooManyRequests, "invalid_grant", later},
		{http.StatusInternalServerError, "invalid_grant", later},
		{http.StatusBadGateway, "x", later},
		{http.StatusServiceUnavailable, "temporarily_unavailable", later},
		{http.StatusGatewayTimeout, "x", later},
	} {
		p := newProvider(t)
		p.set(func(p *provider) { p.status, p.code = c.status, c.code })
		_, err := p.issuer().Refresh(t.Context(), session.Tokens{Refresh: "r"})
		got := "?"
		var unavailable *signin.Unavailable
		switch {
		case errors.Is(err, signin.ErrGrant) && errors.Is(err, signin.ErrRefused):
			got = over
		case errors.Is(err, signin.ErrRefused):
			got = refused
		case errors.As(err, &unavailable) && unavailable.RetryAfter == 0:
			got = later
		}
		if got != c.want {
			t.Errorf("%d %s is %s, want %s: %v", c.status, c.code, got, c.want, err)
		}
	}
}

func TestAnIssuerThatCantBeReachedMayAnswerLater(t *testing.T) {
	p := newProvider(t)
	known := p.issuer()
	start(t, known)
	p.set(func(p *provider) { p.down = true })
	for name, i := range map[string]*signin.Issuer{
		"known": known, "not discovered": p.issuer(), "not there": signin.New(signin.Config{Issuer: "http://127.0.0.1:1", Now: time.Now}),
	} {
		var unavailable *signin.Unavailable
		if _, err := i.Refresh(t.Context(), session.Tokens{Refresh: "r"}); !errors.As(err, &unavailable) || errors.Is(err, signin.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRetryAfterIsReadInBothForms(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "0": 0, "-5": 0, "x": 0, "1.5": 0, now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		now.Add(-time.Hour).Format(http.TimeFormat): 0, "99999999999999": 0,
	} {
		p := newProvider(t)
		p.set(func(p *provider) { p.status, p.retryAfter = http.StatusTooManyRequests, header })
		_, err := p.issuer().Refresh(t.Context(), session.Tokens{Refresh: "r"})
		var unavailable *signin.Unavailable
		if !errors.As(err, &unavailable) || unavailable.RetryAfter != want && header != "99999999999999" || unavailable.RetryAfter < 0 {
			t.Errorf("%q is %v, want %s", header, err, want)
		}
	}
}

func TestACookieOfASignInSaysWhenItWasBegun(t *testing.T) {
	_, cookie := start(t, newProvider(t).issuer())
	if p, ok := signin.ReadPending(cookie); !ok || p.Begun != now.UnixMilli() || p.State == "" {
		t.Errorf("%+v, %v", p, ok)
	}
	for _, bad := range []string{"", "x", "%%%", "e30"} {
		if p, ok := signin.ReadPending(bad); ok || p != (signin.Pending{}) {
			t.Errorf("%q reads as %+v", bad, p)
		}
	}
}
