package issuer

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

func (r *harness) refresh(token string) (*oauth2.Token, error) {
	return r.oauth.TokenSource(r.t.Context(), &oauth2.Token{RefreshToken: token}).Token()
}

func (r *harness) refused(what string, err error, status int, code string) {
	r.t.Helper()
	var no *oauth2.RetrieveError
	if !errors.As(err, &no) || no.Response.StatusCode != status || no.ErrorCode != code {
		r.t.Errorf("%s: %v", what, err)
	}
}

func TestARefreshTokenThatIsGoodOnceIsReplacedWhenItIsUsed(t *testing.T) {
	r := start(t, keyFile(t), func(c *Config) { c.RefreshOnce = true })
	first := r.signIn(r.browser(), person("owner"))
	second, err := r.refresh(first.RefreshToken)
	if err != nil || second.RefreshToken == first.RefreshToken || second.AccessToken == first.AccessToken {
		t.Fatalf("%v, %v", second, err)
	}
	third, err := r.refresh(second.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	other := r.signIn(r.browser(), person("owner"))
	_, err = r.refresh(second.RefreshToken)
	r.refused("the second use", err, http.StatusBadRequest, "invalid_grant")
	_, err = r.refresh(third.RefreshToken)
	r.refused("what came of a token that was used twice", err, http.StatusBadRequest, "invalid_grant")
	if _, err := r.refresh(other.RefreshToken); err != nil {
		t.Errorf("another sign-in: %v", err)
	}
}

func TestARefreshTokenIsKeptUnlessItIsGoodOnce(t *testing.T) {
	r := start(t, keyFile(t), nil)
	first := r.signIn(r.browser(), person("owner"))
	for range 2 {
		if again, err := r.refresh(first.RefreshToken); err != nil || again.RefreshToken != first.RefreshToken {
			t.Errorf("%v, %v", again, err)
		}
	}
}

func TestTheTokenEndpointFailsOnDemand(t *testing.T) {
	r := start(t, keyFile(t), nil)
	first := r.signIn(r.browser(), person("owner"))
	if err := r.issuer.Fail(Fault{Status: 429, Times: 2, RetryAfter: 7, Grant: "refresh_token"}); err != nil {
		t.Fatal(err)
	}
	r.signIn(r.browser(), person("owner")) // a code is another grant
	for range 2 {
		_, err := r.refresh(first.RefreshToken)
		r.refused("a fault", err, http.StatusTooManyRequests, "")
		var no *oauth2.RetrieveError
		if errors.As(err, &no) && no.Response.Header.Get("Retry-After") != "7" {
			t.Errorf("Retry-After: %q", no.Response.Header.Get("Retry-After"))
		}
	}
	if _, err := r.refresh(first.RefreshToken); err != nil {
		t.Errorf("after the faults: %v", err)
	}
	if err := r.issuer.Fail(Fault{Times: 1}); err != nil {
		t.Fatal(err)
	}
	var no *oauth2.RetrieveError
	if _, err := r.refresh(first.RefreshToken); err == nil || errors.As(err, &no) {
		t.Errorf("a dropped connection: %v", err)
	}
	for _, bad := range []Fault{{Status: 200, Times: 1}, {Status: 600}, {Status: 500, Times: -1}, {RetryAfter: -1}} {
		if r.issuer.Fail(bad) == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

func TestAccessTokensLiveAsLongAsTheSettingSays(t *testing.T) {
	r := start(t, keyFile(t), func(c *Config) { c.AccessTTL = 30 * time.Second })
	if left := time.Until(r.signIn(r.browser(), person("owner")).Expiry); left > 30*time.Second || left < 20*time.Second {
		t.Errorf("it lives %s", left)
	}
}
