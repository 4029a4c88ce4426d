package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"latchkey/infra/local/issuer"
	"latchkey/infra/local/wire"
)

func TestTheControlURLLetsTheSignInFail(t *testing.T) {
	iss, err := issuer.New(issuer.Config{Issuer: "http://127.0.0.1:9", ClientID: clientID, KeyFile: filepath.Join(t.TempDir(), "k.pem")})
	if err != nil {
		t.Fatal(err)
	}
	s := &stack{issuer: iss}
	ask := func(body string) int {
		return s.control(&wire.Request{Method: http.MethodPost, Path: "/issuer/faults", Body: []byte(body)}).Status
	}
	token := func() int {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:9/oauth/token", nil)
		r.RemoteAddr = "127.0.0.1:1"
		iss.ServeHTTP(w, r)
		return w.Code
	}
	if got := ask(`{"status": 503, "times": 1}`); got != http.StatusNoContent || token() != http.StatusServiceUnavailable || token() == http.StatusServiceUnavailable {
		t.Errorf("a fault was answered %d", got)
	}
	for _, bad := range []string{`{"status": 200, "times": 1}`, `{`} {
		if got := ask(bad); got != http.StatusBadRequest {
			t.Errorf("%s was answered %d", bad, got)
		}
	}
}
